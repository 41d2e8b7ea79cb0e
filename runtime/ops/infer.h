/* What comes out of operations: rules for descriptors to point at, and what
 * such rules are made of. See lz_infer in core/op.h.
 *
 * A function of ours here returns non-zero with a message that names the
 * operation. */
#ifndef OPS_INFER_H
#define OPS_INFER_H

#include "core/op.h"

/* While a function is traced that is to be called with other shapes, what
 * depends on them is written into nodes' parameters, and nothing is left out
 * because a shape happens to be 1. Counts nested traces of this thread. */
void infer_shapeless_enter(void);
void infer_shapeless_leave(void);
bool infer_shapeless(void);

/* ---- for rules ----------------------------------------------------------- */

/* "[Name] words". Always 1. */
int infer_fail(const lz_infer* x, const char* format, ...)
    __attribute__((format(printf, 2, 3)));
/* The numbers of inputs and outputs and the size of the parameters. */
int infer_expect(const lz_infer* x, int n_in, int n_out, size_t params_size);
/* Output i is this: compared where shapes are what they were, else set. */
int infer_put(
    lz_infer* x, int i, lz_dtype dtype, int ndim, const int32_t* shape);
/* Output i is like an input. */
int infer_like(lz_infer* x, int i, const lz_array* a);
/* The shapes of n arrays broadcast; ndim, or -1 with a message. */
int infer_broadcast(
    const lz_infer* x, lz_array* const* a, int n, int32_t* shape);
/* Does `a` broadcast to output 0 as it is? */
int infer_fits_output(const lz_infer* x, const lz_array* a);
/* Its shape is known from this trace alone, so it must not have changed. */
int infer_unchanged(const lz_infer* x);
int infer_axis(const lz_infer* x, int axis, int ndim);
/* All inputs of one type. */
int infer_one_type(const lz_infer* x);

/* ---- rules --------------------------------------------------------------- */

int infer_elementwise(lz_infer* x);
int infer_full(lz_infer* x);
int infer_arange(lz_infer* x);
int infer_same(lz_infer* x);    /* one input, which comes out */
int infer_depends(lz_infer* x); /* n of n or more */
int infer_view(lz_infer* x);
/* ops/infer_shape.c */
int infer_reshape(lz_infer* x);
int infer_flatten(lz_infer* x);
int infer_unflatten(lz_infer* x);
int infer_broadcast_to(lz_infer* x);
int infer_transpose(lz_infer* x);
int infer_expand_dims(lz_infer* x);
int infer_squeeze(lz_infer* x);
int infer_slice(lz_infer* x);
int infer_as_strided(lz_infer* x);
int infer_contiguous(lz_infer* x);
int infer_concatenate(lz_infer* x);
/* ops/infer_index.c */
int infer_gather(lz_infer* x);
int infer_gather_axis(lz_infer* x);
int infer_dynamic_slice(lz_infer* x);
int infer_scatter(lz_infer* x);
int infer_scatter_axis(lz_infer* x);
int infer_masked_scatter(lz_infer* x);
int infer_slice_update(lz_infer* x);
int infer_dynamic_slice_update(lz_infer* x);
/* ops/infer_reduce.c */
int infer_reduce(lz_infer* x);
int infer_variance(lz_infer* x);
int infer_arg(lz_infer* x);
int infer_softmax(lz_infer* x);
int infer_logsumexp(lz_infer* x);
int infer_order(lz_infer* x);
int infer_scan(lz_infer* x);
int infer_random_bits(lz_infer* x);
int infer_count(lz_infer* x);
int infer_matmul(lz_infer* x);
int infer_addmm(lz_infer* x);

#endif
