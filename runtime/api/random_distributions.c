/* Distributions of the interface. */
#include "api/api.h"
#include "ops/distributions.h"

/* The stream, or NULL with a message where shape or dtype cannot be. */
static lz_stream* checked(
    const int* shape, size_t n, mlx_dtype dtype, mlx_stream s) {
  if (api_dtype(dtype, "dtype") < 0 ||
      api_shape(shape, n, (lz_dtype)dtype, "shape"))
    return NULL;
  return api_stream(s);
}

int mlx_random_bernoulli(
    mlx_array* res,
    const mlx_array p,
    const int* shape,
    size_t shape_num,
    const mlx_array key,
    const mlx_stream s) {
  API_OP("bernoulli");
  lz_array* x = api_array(p, "p");
  lz_stream* stream = checked(shape, shape_num, MLX_UINT32, s);
  return api_result(
      res,
      op_random_bernoulli(x, shape, (int)shape_num, api_optional(key), stream));
}

int mlx_random_randint(
    mlx_array* res,
    const mlx_array low,
    const mlx_array high,
    const int* shape,
    size_t shape_num,
    mlx_dtype dtype,
    const mlx_array key,
    const mlx_stream s) {
  API_OP("randint");
  lz_array *lo = api_array(low, "low"), *hi = api_array(high, "high");
  lz_stream* stream = checked(shape, shape_num, dtype, s);
  return api_result(
      res,
      op_random_randint(
          lo,
          hi,
          shape,
          (int)shape_num,
          (lz_dtype)dtype,
          api_optional(key),
          stream));
}

int mlx_random_truncated_normal(
    mlx_array* res,
    const mlx_array lower,
    const mlx_array upper,
    const int* shape,
    size_t shape_num,
    mlx_dtype dtype,
    const mlx_array key,
    const mlx_stream s) {
  API_OP("truncated_normal");
  lz_array *lo = api_array(lower, "lower"), *hi = api_array(upper, "upper");
  lz_stream* stream = checked(shape, shape_num, dtype, s);
  return api_result(
      res,
      op_random_truncated_normal(
          lo,
          hi,
          shape,
          (int)shape_num,
          (lz_dtype)dtype,
          api_optional(key),
          stream));
}

int mlx_random_gumbel(
    mlx_array* res,
    const int* shape,
    size_t shape_num,
    mlx_dtype dtype,
    const mlx_array key,
    const mlx_stream s) {
  API_OP("gumbel");
  lz_stream* stream = checked(shape, shape_num, dtype, s);
  return api_result(
      res,
      op_random_gumbel(
          shape, (int)shape_num, (lz_dtype)dtype, api_optional(key), stream));
}

int mlx_random_laplace(
    mlx_array* res,
    const int* shape,
    size_t shape_num,
    mlx_dtype dtype,
    float loc,
    float scale,
    const mlx_array key,
    const mlx_stream s) {
  API_OP("laplace");
  lz_stream* stream = checked(shape, shape_num, dtype, s);
  return api_result(
      res,
      op_random_laplace(
          shape,
          (int)shape_num,
          (lz_dtype)dtype,
          loc,
          scale,
          api_optional(key),
          stream));
}

int mlx_random_categorical_shape(
    mlx_array* res,
    const mlx_array logits,
    int axis,
    const int* shape,
    size_t shape_num,
    const mlx_array key,
    const mlx_stream s) {
  API_OP("categorical_shape");
  lz_array* x = api_array(logits, "logits");
  lz_stream* stream = checked(shape, shape_num, MLX_UINT32, s);
  return api_result(
      res,
      op_random_categorical(
          x,
          axis,
          shape ? shape : (const int[]){0},
          (int)shape_num,
          -1,
          api_optional(key),
          stream));
}

int mlx_random_categorical_num_samples(
    mlx_array* res,
    const mlx_array logits_,
    int axis,
    int num_samples,
    const mlx_array key,
    const mlx_stream s) {
  API_OP("categorical_num_samples");
  lz_array* x = api_array(logits_, "logits_");
  if (num_samples < 0) {
    error_set("[categorical] num_samples is %d", num_samples);
    x = NULL;
  }
  return api_result(
      res,
      op_random_categorical(
          x, axis, NULL, 0, num_samples, api_optional(key), api_stream(s)));
}

int mlx_random_categorical(
    mlx_array* res,
    const mlx_array logits,
    int axis,
    const mlx_array key,
    const mlx_stream s) {
  API_OP("categorical");
  lz_array* x = api_array(logits, "logits");
  return api_result(
      res,
      op_random_categorical(
          x, axis, NULL, 0, -1, api_optional(key), api_stream(s)));
}

int mlx_random_permutation(
    mlx_array* res,
    const mlx_array x,
    int axis,
    const mlx_array key,
    const mlx_stream s) {
  API_OP("permutation");
  lz_array* a = api_array(x, "x");
  return api_result(
      res, op_random_permute(a, axis, api_optional(key), api_stream(s)));
}

int mlx_random_permutation_arange(
    mlx_array* res, int x, const mlx_array key, const mlx_stream s) {
  API_OP("permutation_arange");
  return api_result(
      res, op_random_permutation(x, api_optional(key), api_stream(s)));
}

int mlx_random_multivariate_normal(
    mlx_array* res,
    const mlx_array mean,
    const mlx_array cov,
    const int* shape,
    size_t shape_num,
    mlx_dtype dtype,
    const mlx_array key,
    const mlx_stream s) {
  API_OP("multivariate_normal");
  lz_array *m = api_array(mean, "mean"), *c = api_array(cov, "cov");
  int d = api_dtype(dtype, "dtype");
  if (d < 0 || (shape_num && api_shape(shape, shape_num, (lz_dtype)d, "shape")))
    return api_result(res, NULL);
  return api_result(
      res,
      op_random_multivariate_normal(
          m,
          c,
          shape,
          (int)shape_num,
          (lz_dtype)d,
          api_optional(key),
          api_stream(s)));
}
