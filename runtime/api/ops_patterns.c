/* Matrices and vectors of a pattern. */
#include "ops/patterns.h"

#include "api/api.h"
#include "ops/create.h"

int mlx_linspace(
    mlx_array* res,
    double start,
    double stop,
    int num,
    mlx_dtype dtype,
    const mlx_stream s) {
  API_OP("linspace");
  int d = api_dtype(dtype, "dtype");
  return api_result(
      res,
      d < 0 ? NULL : op_linspace(start, stop, num, (lz_dtype)d, api_stream(s)));
}

int mlx_eye(
    mlx_array* res, int n, int m, int k, mlx_dtype dtype, const mlx_stream s) {
  API_OP("eye");
  int d = api_dtype(dtype, "dtype");
  return api_result(
      res, d < 0 ? NULL : op_eye(n, m, k, (lz_dtype)d, api_stream(s)));
}

int mlx_identity(mlx_array* res, int n, mlx_dtype dtype, const mlx_stream s) {
  API_OP("identity");
  int d = api_dtype(dtype, "dtype");
  return api_result(
      res, d < 0 ? NULL : op_eye(n, n, 0, (lz_dtype)d, api_stream(s)));
}

int mlx_tri(
    mlx_array* res, int n, int m, int k, mlx_dtype type, const mlx_stream s) {
  API_OP("tri");
  int d = api_dtype(type, "type");
  return api_result(
      res, d < 0 ? NULL : op_tri(n, m, k, (lz_dtype)d, api_stream(s)));
}

int mlx_tril(mlx_array* res, const mlx_array x, int k, const mlx_stream s) {
  API_OP("tril");
  return api_result(res, op_tril(api_array(x, "x"), k, api_stream(s)));
}

int mlx_triu(mlx_array* res, const mlx_array x, int k, const mlx_stream s) {
  API_OP("triu");
  return api_result(res, op_triu(api_array(x, "x"), k, api_stream(s)));
}

int mlx_diag(mlx_array* res, const mlx_array a, int k, const mlx_stream s) {
  API_OP("diag");
  return api_result(res, op_diag(api_array(a, "a"), k, api_stream(s)));
}

int mlx_diagonal(
    mlx_array* res,
    const mlx_array a,
    int offset,
    int axis1,
    int axis2,
    const mlx_stream s) {
  API_OP("diagonal");
  return api_result(
      res, op_diagonal(api_array(a, "a"), offset, axis1, axis2, api_stream(s)));
}

int mlx_trace(
    mlx_array* res,
    const mlx_array a,
    int offset,
    int axis1,
    int axis2,
    mlx_dtype dtype,
    const mlx_stream s) {
  API_OP("trace");
  lz_array* x = api_array(a, "a");
  int d = api_dtype(dtype, "dtype");
  return api_result(
      res,
      d < 0 ? NULL
            : op_trace(x, offset, axis1, axis2, (lz_dtype)d, api_stream(s)));
}

int mlx_full_like(
    mlx_array* res,
    const mlx_array a,
    const mlx_array vals,
    mlx_dtype dtype,
    const mlx_stream s) {
  API_OP("full_like");
  lz_array *x = api_array(a, "a"), *v = api_array(vals, "vals");
  int d = api_dtype(dtype, "dtype");
  return api_result(
      res,
      !x || d < 0 ? NULL
                  : op_full(x->shape, x->ndim, v, (lz_dtype)d, api_stream(s)));
}

#define WINDOW(name)                                              \
  int mlx_##name(mlx_array* res, int M, const mlx_stream s) {     \
    API_OP(#name);                                                \
    lz_stream* stream = api_stream(s);                            \
    return api_result(res, stream ? op_##name(M, stream) : NULL); \
  }
WINDOW(bartlett)
WINDOW(hanning)
WINDOW(hamming)
WINDOW(blackman)
