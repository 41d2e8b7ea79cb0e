/* Operations of one and of two arrays. */
#include "api/api.h"
#include "ops/arith.h"
#include "ops/arrange.h"
#include "ops/compare.h"
#include "ops/create.h"
#include "ops/elementwise.h"
#include "ops/matmul.h"
#include "ops/shape.h"

#define UNARY(name)                                                       \
  int mlx_##name(mlx_array* res, const mlx_array a, const mlx_stream s) { \
    API_OP(#name);                                                        \
    return api_result(res, op_##name(api_array(a, "a"), api_stream(s)));  \
  }
#include "api/ops_unary.def"
#undef UNARY

#define BINARY(name)                                                          \
  int mlx_##name(                                                             \
      mlx_array* res,                                                         \
      const mlx_array a,                                                      \
      const mlx_array b,                                                      \
      const mlx_stream s) {                                                   \
    API_OP(#name);                                                            \
    return api_result(                                                        \
        res, op_##name(api_array(a, "a"), api_array(b, "b"), api_stream(s))); \
  }
#include "api/ops_binary.def"
#undef BINARY

int mlx_astype(
    mlx_array* res, const mlx_array a, mlx_dtype dtype, const mlx_stream s) {
  API_OP("astype");
  int d = api_dtype(dtype, "dtype");
  return api_result(
      res,
      d < 0 ? NULL : op_astype(api_array(a, "a"), (lz_dtype)d, api_stream(s)));
}

int mlx_where(
    mlx_array* res,
    const mlx_array condition,
    const mlx_array x,
    const mlx_array y,
    const mlx_stream s) {
  API_OP("where");
  return api_result(
      res,
      op_where(
          api_array(condition, "condition"),
          api_array(x, "x"),
          api_array(y, "y"),
          api_stream(s)));
}

int mlx_addmm(
    mlx_array* res,
    const mlx_array c,
    const mlx_array a,
    const mlx_array b,
    float alpha,
    float beta,
    const mlx_stream s) {
  API_OP("addmm");
  return api_result(
      res,
      op_addmm(
          api_array(c, "c"),
          api_array(a, "a"),
          api_array(b, "b"),
          alpha,
          beta,
          api_stream(s)));
}
