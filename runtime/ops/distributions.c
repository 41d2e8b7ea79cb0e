#include "ops/distributions.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "ops/create.h"
#include "ops/elementwise.h"
#include "ops/index.h"
#include "ops/linalg.h"
#include "ops/matmul.h"
#include "ops/order.h"
#include "ops/random.h"
#include "ops/reduce.h"
#include "ops/shape.h"

/* Non-zero with a message unless the dtype is a real float. */
static int random_float(const char* op, lz_dtype dtype) {
  if (dtype_is_float(dtype)) return 0;
  return error_fail(
      "[%s] only floating point types can be drawn, not %s",
      op,
      dtype_name(dtype));
}

static bool random_has_shape(
    const lz_array* a, const int32_t* shape, int ndim) {
  return a->ndim == ndim &&
         memcmp(a->shape, shape, sizeof(int32_t) * (size_t)ndim) == 0;
}

lz_array* op_random_bernoulli(
    lz_array* p, const int32_t* shape, int ndim, lz_array* key, lz_stream* s) {
  if (!p || !s || random_float("bernoulli", (lz_dtype)p->dtype)) return NULL;
  /* Past the largest bits, so that 1 is always and 0 never true. */
  lz_array* upper =
      op_scalar(DTYPE_FLOAT32, nextafterf((float)UINT32_MAX, FLT_MAX));
  lz_array* out = op_less(
      op_random_bits(shape, ndim, 4, key, s), op_multiply(p, upper, s), s);
  if (out && !random_has_shape(out, shape, ndim))
    return error_set(
        "[bernoulli] p of shape %s does not broadcast to %s",
        error_shape_of(p),
        error_shape(ndim, shape));
  return out;
}

lz_array* op_random_randint(
    lz_array* low,
    lz_array* high,
    const int32_t* shape,
    int ndim,
    lz_dtype dtype,
    lz_array* key,
    lz_stream* s) {
  if (!low || !high || !s) return NULL;
  if (dtype_is_inexact(dtype))
    return error_set(
        "[randint] randint only accepts integer dtypes and bool, not %s.",
        dtype_name(dtype));
  lz_array* u =
      op_random_uniform(low, high, shape, ndim, DTYPE_FLOAT32, key, s);
  return op_astype(op_maximum(u, low, s), dtype, s);
}

lz_array* op_random_truncated_normal(
    lz_array* lower,
    lz_array* upper,
    const int32_t* shape,
    int ndim,
    lz_dtype dtype,
    lz_array* key,
    lz_stream* s) {
  if (!lower || !upper || !s || random_float("truncated_normal", dtype))
    return NULL;
  lz_array* root = op_scalar(dtype, sqrt(2.0));
  lz_array *lo = op_astype(lower, dtype, s), *hi = op_astype(upper, dtype, s);
  lz_array* u = op_random_uniform(
      op_erf(op_divide(lo, root, s), s),
      op_erf(op_divide(hi, root, s), s),
      shape,
      ndim,
      dtype,
      key,
      s);
  lz_array* out = op_multiply(root, op_erfinv(u, s), s);
  return op_maximum(op_minimum(hi, out, s), lo, s);
}

lz_array* op_random_gumbel(
    const int32_t* shape,
    int ndim,
    lz_dtype dtype,
    lz_array* key,
    lz_stream* s) {
  if (!s || random_float("gumbel", dtype)) return NULL;
  lz_array* u = op_random_uniform(
      op_scalar(dtype, 0), op_scalar(dtype, 1), shape, ndim, dtype, key, s);
  return op_negative(op_log(op_negative(op_log(u, s), s), s), s);
}

lz_array* op_random_laplace(
    const int32_t* shape,
    int ndim,
    lz_dtype dtype,
    float loc,
    float scale,
    lz_array* key,
    lz_stream* s) {
  if (!s || random_float("laplace", dtype)) return NULL;
  lz_array* u = op_random_uniform(
      op_scalar(DTYPE_FLOAT32, nextafterf(-1, 0)),
      op_scalar(DTYPE_FLOAT32, 1),
      shape,
      ndim,
      DTYPE_FLOAT32,
      key,
      s);
  lz_array* log =
      op_log1p(op_multiply(op_scalar(dtype, -1), op_abs(u, s), s), s);
  lz_array* out = op_astype(op_multiply(op_sign(u, s), log, s), dtype, s);
  if (scale != 1) out = op_multiply(op_scalar(dtype, scale), out, s);
  if (loc != 0) out = op_add(op_scalar(dtype, loc), out, s);
  return out;
}

/* The greatest of logits with noise on, the noise of shape `shape` and, where
 * the axis goes, its extent. */
static lz_array* random_choose(
    lz_array* logits,
    int axis,
    const int32_t* shape,
    int ndim,
    lz_array* key,
    lz_stream* s) {
  int32_t noise[LZ_MAX_DIMS + 1];
  int at = axis + ndim - logits->ndim + 1;
  if (ndim >= LZ_MAX_DIMS)
    return error_set("[categorical] more than %d dimensions", LZ_MAX_DIMS);
  for (int i = 0, k = 0; i <= ndim; i++)
    noise[i] = i == at ? logits->shape[axis] : shape[k++];
  lz_array* g = op_random_gumbel(noise, ndim + 1, DTYPE_FLOAT32, key, s);
  return op_argreduce(true, op_add(g, logits, s), &at, false, s);
}

lz_array* op_random_categorical(
    lz_array* logits,
    int axis,
    const int32_t* shape,
    int ndim,
    int samples,
    lz_array* key,
    lz_stream* s) {
  if (!logits || !s) return NULL;
  int at = shape_axis("categorical", axis, logits->ndim);
  if (at < 0) return NULL;
  int32_t rest[LZ_MAX_DIMS];
  int n = 0;
  for (int i = 0; i < logits->ndim; i++)
    if (i != at) rest[n++] = logits->shape[i];
  if (samples >= 0) {
    logits = op_expand_dims(logits, (const int[]){logits->ndim}, 1, s);
    rest[n++] = samples;
    return logits ? random_choose(logits, at, rest, n, key, s) : NULL;
  }
  if (!shape) return random_choose(logits, at, rest, n, key, s);
  bool fits = ndim >= n;
  for (int i = 0; fits && i < n; i++)
    fits = rest[i] == 1 || rest[i] == shape[ndim - n + i];
  if (!fits)
    return error_set(
        "[categorical] Requested shape %s is not broadcast compatible with "
        "reduced logits shape %s.",
        error_shape(ndim, shape),
        error_shape(n, rest));
  return random_choose(logits, at, shape, ndim, key, s);
}

lz_array* op_random_permutation(int n, lz_array* key, lz_stream* s) {
  if (!s) return NULL;
  if (n < 0) return error_set("[permutation] of %d elements", n);
  return op_argsort(op_random_bits(&n, 1, 4, key, s), NULL, s);
}

lz_array* op_random_permute(
    lz_array* a, int axis, lz_array* key, lz_stream* s) {
  if (!a || !s) return NULL;
  int at = shape_axis("permutation", axis, a->ndim);
  if (at < 0) return NULL;
  return op_take(a, op_random_permutation(a->shape[at], key, s), &at, s);
}

lz_array* op_random_multivariate_normal(
    lz_array* mean,
    lz_array* covariance,
    const int32_t* shape,
    int ndim,
    lz_dtype dtype,
    lz_array* key,
    lz_stream* s) {
  if (!mean || !covariance || !s) return NULL;
  if (dtype != DTYPE_FLOAT32)
    return error_set(
        "[multivariate_normal] dtype must be float32, not %s",
        dtype_name(dtype));
  int nm = mean->ndim, nc = covariance->ndim;
  bool fits = nm >= 1 && nc >= 2;
  int32_t n = fits ? mean->shape[nm - 1] : 0;
  fits =
      fits && covariance->shape[nc - 1] == n && covariance->shape[nc - 2] == n;
  if (!fits)
    return error_set(
        "[multivariate_normal] a mean of shape %s with a covariance of %s: "
        "(..., n) and (..., n, n) are needed",
        error_shape_of(mean),
        error_shape_of(covariance));
  /* What is drawn has the leading axes of both and of the shape. */
  lz_array means = {.ndim = (uint8_t)(nm - 1), .shape = mean->shape};
  lz_array matrices = {.ndim = (uint8_t)(nc - 2), .shape = covariance->shape};
  int32_t lead[LZ_MAX_DIMS], asked[LZ_MAX_DIMS], full[LZ_MAX_DIMS + 1];
  lz_array both = {.shape = lead}, wanted = {.ndim = (uint8_t)ndim};
  if (ndim) memcpy(asked, shape, sizeof(int32_t) * (size_t)ndim);
  wanted.shape = asked;
  int k = shape_broadcast("multivariate_normal", &matrices, &means, lead);
  if (k < 0) return NULL;
  both.ndim = (uint8_t)k;
  k = shape_broadcast("multivariate_normal", &both, &wanted, full);
  if (k < 0) return NULL;
  full[k++] = n;
  /* A root of the covariance: u sqrt(s) vt. */
  lz_array* parts[3];
  if (op_svd(op_astype(covariance, DTYPE_FLOAT32, s), true, s, parts))
    return NULL;
  const int before_last = -2;
  lz_array* roots = op_expand_dims(op_sqrt(parts[1], s), &before_last, 1, s);
  lz_array* root = op_matmul(op_multiply(parts[0], roots, s), parts[2], s);
  lz_array* z = op_random_normal(full, k, dtype, NULL, NULL, key, s);
  z = op_matmul(op_expand_dims(z, &before_last, 1, s), root, s);
  return op_add(mean, op_squeeze(z, &before_last, 1, s), s);
}
