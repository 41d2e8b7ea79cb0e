/* Operations that change how memory is seen: no value changes, and memory is
 * copied only where no strides can express the result.
 *
 * Here and in every header of ops/: arrays are borrowed, results belong to the
 * open scope, NULL arguments give NULL, NULL with a message is failure. */
#ifndef OPS_SHAPE_H
#define OPS_SHAPE_H

#include "core/array.h"

/* One extent may be -1: what is left. */
lz_array* op_reshape(lz_array* a, const int32_t* shape, int ndim, lz_stream* s);
lz_array* op_flatten(lz_array* a, int start_axis, int end_axis, lz_stream* s);
lz_array* op_unflatten(
    lz_array* a, int axis, const int32_t* shape, int ndim, lz_stream* s);
lz_array* op_broadcast_to(
    lz_array* a, const int32_t* shape, int ndim, lz_stream* s);
lz_array* op_transpose(lz_array* a, const int* axes, int n_axes, lz_stream* s);
/* Axes reversed. */
lz_array* op_transpose_all(lz_array* a, lz_stream* s);
lz_array* op_swapaxes(lz_array* a, int axis1, int axis2, lz_stream* s);
lz_array* op_moveaxis(lz_array* a, int source, int destination, lz_stream* s);
lz_array* op_expand_dims(
    lz_array* a, const int* axes, int n_axes, lz_stream* s);
lz_array* op_squeeze(lz_array* a, const int* axes, int n_axes, lz_stream* s);
/* All axes of extent 1. */
lz_array* op_squeeze_all(lz_array* a, lz_stream* s);
/* Python's slice per axis, bounds clamped, negative bounds from the end,
 * negative strides allowed. */
lz_array* op_slice(
    lz_array* a,
    const int* start,
    const int* stop,
    const int* strides,
    int n,
    lz_stream* s);
lz_array* op_as_strided(
    lz_array* a,
    const int32_t* shape,
    const int64_t* strides,
    int ndim,
    size_t offset,
    lz_stream* s);
/* Row-contiguous memory; the array itself's where it is (or is column-
 * contiguous and that is allowed). */
lz_array* op_contiguous(lz_array* a, bool allow_col_major, lz_stream* s);
lz_array* op_copy(lz_array* a, lz_stream* s);

/* Shape of broadcasting a and b; returns ndim, or -1 with a message that names
 * the operation. out has room for LZ_MAX_DIMS. */
int shape_broadcast(
    const char* op, const lz_array* a, const lz_array* b, int32_t* out);
/* Turns a negative axis around; -1 with a message where it is out of range. */
int shape_axis(const char* op, int axis, int ndim);
/* Marks axes in a bit set; non-zero with a message for bad or repeated ones. */
int shape_axes(
    const char* op, const int* axes, int n, int ndim, uint32_t* mask);

#endif
