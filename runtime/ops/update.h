/* Writing at computed positions: each operation gives a new array, in the old
 * one's memory where nobody else needs that. Indices as in index.h; an update
 * outside the array is dropped. */
#ifndef OPS_UPDATE_H
#define OPS_UPDATE_H

#include "core/op.h"
#include "cpu/scatter.h"

/* Kernels begin so: output 0 as a copy of input 0, or in that input's own
 * memory, and a view of it. */
int update_begin(lz_exec* x, lz_view* out);

/* updates: shape (indices…, slice…), a slice of a.ndim axes at each tuple. */
lz_array* op_scatter(
    scatter_reduce how,
    lz_array* a,
    lz_array* const* indices,
    int n_indices,
    lz_array* updates,
    const int* axes,
    int n_axes,
    lz_stream* s);
/* put_along_axis (SCATTER_NONE) and scatter_add_axis (SCATTER_SUM). */
lz_array* op_scatter_axis(
    scatter_reduce how,
    lz_array* a,
    lz_array* indices,
    lz_array* values,
    int axis,
    lz_stream* s);
/* Elements of a where mask holds take those of value in order. */
lz_array* op_masked_scatter(
    lz_array* a, lz_array* mask, lz_array* value, lz_stream* s);

/* The slice as op_slice has it, combined with update, which is broadcast. */
lz_array* op_slice_update(
    scatter_reduce how,
    lz_array* src,
    lz_array* update,
    const int* start,
    const int* stop,
    const int* strides,
    int n,
    lz_stream* s);
lz_array* op_slice_update_dynamic(
    lz_array* src,
    lz_array* update,
    lz_array* start,
    const int* axes,
    int n_axes,
    lz_stream* s);
/* low and high more elements on each of the axes; mode "constant" or "edge". */
lz_array* op_pad(
    lz_array* a,
    const int* axes,
    const int* low,
    const int* high,
    int n,
    lz_array* value,
    const char* mode,
    lz_stream* s);

/* Where a slice lies in an array: what the update's strides step over. */
typedef struct slice_params {
  int32_t start[LZ_MAX_DIMS];
  int32_t step[LZ_MAX_DIMS];
} slice_params;

extern const lz_op op_scatter_descs[], op_scatter_axis_descs[],
    op_slice_update_descs[], op_masked_scatter_desc,
    op_dynamic_slice_update_desc;

#endif
