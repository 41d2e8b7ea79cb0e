/* Reductions. `axes` NULL with n_axes < 0 means all axes. Results keep reduced
 * axes with extent 1 if `keepdims`. */
#ifndef OPS_REDUCE_H
#define OPS_REDUCE_H

#include "core/array.h"
#include "cpu/reduce.h"

/* What to reduce over: REDUCE_ALL, or axes as the interface has them. */
typedef struct lz_axes {
  const int* axis;
  int n; /* -1: all */
} lz_axes;
#define AXES_ALL ((lz_axes){NULL, -1})
#define AXES(list, count) ((lz_axes){(list), (int)(count)})
#define AXIS(one) ((lz_axes){(const int[]){one}, 1})

lz_array* op_reduce(
    reduce_kind kind, lz_array* a, lz_axes axes, bool keepdims, lz_stream* s);

static inline lz_array* op_sum(
    lz_array* a, lz_axes axes, bool keepdims, lz_stream* s) {
  return op_reduce(REDUCE_SUM, a, axes, keepdims, s);
}
static inline lz_array* op_prod(
    lz_array* a, lz_axes axes, bool keepdims, lz_stream* s) {
  return op_reduce(REDUCE_PROD, a, axes, keepdims, s);
}
static inline lz_array* op_max(
    lz_array* a, lz_axes axes, bool keepdims, lz_stream* s) {
  return op_reduce(REDUCE_MAX, a, axes, keepdims, s);
}
static inline lz_array* op_min(
    lz_array* a, lz_axes axes, bool keepdims, lz_stream* s) {
  return op_reduce(REDUCE_MIN, a, axes, keepdims, s);
}
static inline lz_array* op_all(
    lz_array* a, lz_axes axes, bool keepdims, lz_stream* s) {
  return op_reduce(REDUCE_AND, a, axes, keepdims, s);
}
static inline lz_array* op_any(
    lz_array* a, lz_axes axes, bool keepdims, lz_stream* s) {
  return op_reduce(REDUCE_OR, a, axes, keepdims, s);
}

/* Positions, uint32. axis NULL: of the flattened array. */
lz_array* op_argreduce(
    bool greatest, lz_array* a, const int* axis, bool keepdims, lz_stream* s);

lz_array* op_mean(lz_array* a, lz_axes axes, bool keepdims, lz_stream* s);
lz_array* op_var(
    lz_array* a, lz_axes axes, bool keepdims, int ddof, lz_stream* s);
lz_array* op_std(
    lz_array* a, lz_axes axes, bool keepdims, int ddof, lz_stream* s);

/* One axis at a time is a kernel; several are moved together first. */
lz_array* op_softmax(lz_array* a, lz_axes axes, bool precise, lz_stream* s);
lz_array* op_logsumexp(lz_array* a, lz_axes axes, bool keepdims, lz_stream* s);

/* Elements along the axes, as a scalar of `dtype`, or one over it. */
double op_count(const lz_array* a, uint32_t axes);
/* Bit set of the axes; non-zero with a message naming `op`. */
int op_axes_mask(
    const char* op, const lz_array* a, lz_axes axes, uint32_t* mask);

#endif
