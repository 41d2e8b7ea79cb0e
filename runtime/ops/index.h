/* Reading at computed positions. Indices are integers of any width; negative
 * ones count from the end. What an index outside its axis gives is not
 * specified; memory stays untouched. */
#ifndef OPS_INDEX_H
#define OPS_INDEX_H

#include "core/op.h"

/* The slice of slice_sizes (one an axis of a) at each tuple of indices, which
 * are broadcast against each other: shape (indices…, slice_sizes…). */
lz_array* op_gather(
    lz_array* a,
    lz_array* const* indices,
    int n_indices,
    const int* axes,
    int n_axes,
    const int* slice_sizes,
    int n_sizes,
    lz_stream* s);
/* axis NULL: of the flattened array. */
lz_array* op_take(
    lz_array* a, lz_array* indices, const int* axis, lz_stream* s);
lz_array* op_take_along_axis(
    lz_array* a, lz_array* indices, int axis, lz_stream* s);
/* A slice whose start is an array: start[i] on axes[i]. */
lz_array* op_slice_dynamic(
    lz_array* a,
    lz_array* start,
    const int* axes,
    int n_axes,
    const int* sizes,
    int n_sizes,
    lz_stream* s);

/* Checks that reading and writing share. Each returns non-zero with a message
 * that names the operation. */
int index_check_axes(
    const char* op, const lz_array* a, const int* axes, int n_axes, int n);
/* Casts the indices to one integer type and broadcasts them against each other
 * into out[n]; *ndim and shape (room for LZ_MAX_DIMS) are what they became. */
int index_prepare(
    const char* op,
    lz_array* const* indices,
    int n,
    lz_stream* s,
    lz_array** out,
    int* ndim,
    int32_t* shape);
int index_check_start(
    const char* op,
    const lz_array* a,
    const lz_array* start,
    const int* axes,
    int n_axes,
    int32_t* normal);
/* The shape of a against b where `axis` of each is its own. */
int index_broadcast_but(
    const char* op,
    const lz_array* a,
    const lz_array* b,
    int axis,
    int32_t* shape);

typedef struct index_params {
  int32_t n_axes;
  int32_t axes[LZ_MAX_DIMS];
  int32_t sizes[LZ_MAX_DIMS];
} index_params;

extern const lz_op op_gather_desc, op_gather_axis_desc, op_dynamic_slice_desc;

#endif
