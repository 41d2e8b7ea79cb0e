/* What is drawn from random bits, by MLX's own formulas: the same key gives its
 * values. Keys may be NULL: see random.h. */
#ifndef OPS_DISTRIBUTIONS_H
#define OPS_DISTRIBUTIONS_H

#include "core/array.h"

/* True with probability p. */
lz_array* op_random_bernoulli(
    lz_array* p, const int32_t* shape, int ndim, lz_array* key, lz_stream* s);
/* Integers in [low, high). */
lz_array* op_random_randint(
    lz_array* low,
    lz_array* high,
    const int32_t* shape,
    int ndim,
    lz_dtype dtype,
    lz_array* key,
    lz_stream* s);
lz_array* op_random_truncated_normal(
    lz_array* lower,
    lz_array* upper,
    const int32_t* shape,
    int ndim,
    lz_dtype dtype,
    lz_array* key,
    lz_stream* s);
lz_array* op_random_gumbel(
    const int32_t* shape,
    int ndim,
    lz_dtype dtype,
    lz_array* key,
    lz_stream* s);
lz_array* op_random_laplace(
    const int32_t* shape,
    int ndim,
    lz_dtype dtype,
    float loc,
    float scale,
    lz_array* key,
    lz_stream* s);
/* Positions along `axis` of unnormalised log-probabilities, uint32. Of the
 * given shape (what is left of logits broadcasts to it), or as many as
 * `samples` behind it, or (shape NULL, samples < 0) one each. */
lz_array* op_random_categorical(
    lz_array* logits,
    int axis,
    const int32_t* shape,
    int ndim,
    int samples,
    lz_array* key,
    lz_stream* s);
/* 0 … n - 1 in another order. */
lz_array* op_random_permutation(int n, lz_array* key, lz_stream* s);
lz_array* op_random_permute(lz_array* a, int axis, lz_array* key, lz_stream* s);
/* mean (…, n) and covariance (…, n, n) broadcast with shape to (…, n); float32
 * only. */
lz_array* op_random_multivariate_normal(
    lz_array* mean,
    lz_array* covariance,
    const int32_t* shape,
    int ndim,
    lz_dtype dtype,
    lz_array* key,
    lz_stream* s);

#endif
