/* Operations made of others: comparisons with tolerance, repairs, rounding. */
#include "ops/compare.h"

#include "api/api.h"
#include "ops/arith.h"

int mlx_isclose(
    mlx_array* res,
    const mlx_array a,
    const mlx_array b,
    double rtol,
    double atol,
    bool equal_nan,
    const mlx_stream s) {
  API_OP("isclose");
  lz_array *x = api_array(a, "a"), *y = api_array(b, "b");
  return api_result(
      res, op_isclose(x, y, rtol, atol, equal_nan, api_stream(s)));
}

int mlx_allclose(
    mlx_array* res,
    const mlx_array a,
    const mlx_array b,
    double rtol,
    double atol,
    bool equal_nan,
    const mlx_stream s) {
  API_OP("allclose");
  lz_array *x = api_array(a, "a"), *y = api_array(b, "b");
  return api_result(
      res, op_allclose(x, y, rtol, atol, equal_nan, api_stream(s)));
}

int mlx_array_equal(
    mlx_array* res,
    const mlx_array a,
    const mlx_array b,
    bool equal_nan,
    const mlx_stream s) {
  API_OP("array_equal");
  lz_array *x = api_array(a, "a"), *y = api_array(b, "b");
  return api_result(res, op_array_equal(x, y, equal_nan, api_stream(s)));
}

int mlx_nan_to_num(
    mlx_array* res,
    const mlx_array a,
    float nan,
    mlx_optional_float posinf,
    mlx_optional_float neginf,
    const mlx_stream s) {
  API_OP("nan_to_num");
  return api_result(
      res,
      op_nan_to_num(
          api_array(a, "a"),
          nan,
          posinf.has_value ? &posinf.value : NULL,
          neginf.has_value ? &neginf.value : NULL,
          api_stream(s)));
}

int mlx_clip(
    mlx_array* res,
    const mlx_array a,
    const mlx_array a_min,
    const mlx_array a_max,
    const mlx_stream s) {
  API_OP("clip");
  return api_result(
      res,
      op_clip(
          api_array(a, "a"),
          api_optional(a_min),
          api_optional(a_max),
          api_stream(s)));
}

int mlx_round(
    mlx_array* res, const mlx_array a, int decimals, const mlx_stream s) {
  API_OP("round");
  return api_result(res, op_round(api_array(a, "a"), decimals, api_stream(s)));
}

int mlx_to_fp8(mlx_array* res, const mlx_array x, const mlx_stream s) {
  API_OP("to_fp8");
  return api_result(res, op_to_fp8(api_array(x, "x"), api_stream(s)));
}

int mlx_from_fp8(
    mlx_array* res, const mlx_array x, mlx_dtype dtype, const mlx_stream s) {
  API_OP("from_fp8");
  lz_array* a = api_array(x, "x");
  int d = api_dtype(dtype, "dtype");
  return api_result(
      res, d < 0 ? NULL : op_from_fp8(a, (lz_dtype)d, api_stream(s)));
}
