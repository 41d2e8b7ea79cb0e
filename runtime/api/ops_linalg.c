/* Linear algebra. */
#include "ops/linalg.h"

#include "api/api.h"

/* Of one array, and of one array and a flag. */
#define LINALG_ONE(name)                                                 \
  int mlx_linalg_##name(                                                 \
      mlx_array* res, const mlx_array a, const mlx_stream s) {           \
    API_OP("linalg_" #name);                                             \
    return api_result(res, op_##name(api_array(a, "a"), api_stream(s))); \
  }
#define LINALG_UPPER(name)                                                 \
  int mlx_linalg_##name(                                                   \
      mlx_array* res, const mlx_array a, bool upper, const mlx_stream s) { \
    API_OP("linalg_" #name);                                               \
    return api_result(                                                     \
        res, op_##name(api_array(a, "a"), upper, api_stream(s)));          \
  }
LINALG_ONE(inv)
LINALG_ONE(pinv)
LINALG_UPPER(cholesky)
LINALG_UPPER(cholesky_inv)
LINALG_UPPER(tri_inv)

int mlx_linalg_cross(
    mlx_array* res,
    const mlx_array a,
    const mlx_array b,
    int axis,
    const mlx_stream s) {
  API_OP("linalg_cross");
  lz_array *x = api_array(a, "a"), *y = api_array(b, "b");
  return api_result(res, op_cross(x, y, axis, api_stream(s)));
}

int mlx_linalg_solve(
    mlx_array* res, const mlx_array a, const mlx_array b, const mlx_stream s) {
  API_OP("linalg_solve");
  lz_array *x = api_array(a, "a"), *y = api_array(b, "b");
  return api_result(res, op_solve(x, y, api_stream(s)));
}

int mlx_linalg_solve_triangular(
    mlx_array* res,
    const mlx_array a,
    const mlx_array b,
    bool upper,
    const mlx_stream s) {
  API_OP("linalg_solve_triangular");
  lz_array *x = api_array(a, "a"), *y = api_array(b, "b");
  return api_result(res, op_solve_triangular(x, y, upper, api_stream(s)));
}

/* ---- several results ----------------------------------------------------- */

int mlx_linalg_eig(
    mlx_array* res_0, mlx_array* res_1, const mlx_array a, const mlx_stream s) {
  API_OP("linalg_eig");
  lz_array* out[2];
  int failed = op_eig(api_array(a, "a"), true, api_stream(s), out);
  return api_pair(res_0, res_1, failed ? NULL : out);
}

int mlx_linalg_eigvals(mlx_array* res, const mlx_array a, const mlx_stream s) {
  API_OP("linalg_eigvals");
  lz_array* out[2];
  int failed = op_eig(api_array(a, "a"), false, api_stream(s), out);
  return api_result(res, failed ? NULL : out[0]);
}

int mlx_linalg_eigh(
    mlx_array* res_0,
    mlx_array* res_1,
    const mlx_array a,
    const char* UPLO,
    const mlx_stream s) {
  API_OP("linalg_eigh");
  lz_array* out[2];
  lz_array* x = api_array(a, "a");
  int failed =
      api_pointer(UPLO, "UPLO") || op_eigh(x, UPLO, true, api_stream(s), out);
  return api_pair(res_0, res_1, failed ? NULL : out);
}

int mlx_linalg_eigvalsh(
    mlx_array* res, const mlx_array a, const char* UPLO, const mlx_stream s) {
  API_OP("linalg_eigvalsh");
  lz_array* out[2];
  lz_array* x = api_array(a, "a");
  int failed =
      api_pointer(UPLO, "UPLO") || op_eigh(x, UPLO, false, api_stream(s), out);
  return api_result(res, failed ? NULL : out[0]);
}

int mlx_linalg_qr(
    mlx_array* res_0, mlx_array* res_1, const mlx_array a, const mlx_stream s) {
  API_OP("linalg_qr");
  lz_array* out[2];
  int failed = op_qr(api_array(a, "a"), api_stream(s), out);
  return api_pair(res_0, res_1, failed ? NULL : out);
}

int mlx_linalg_lu_factor(
    mlx_array* res_0, mlx_array* res_1, const mlx_array a, const mlx_stream s) {
  API_OP("linalg_lu_factor");
  lz_array* out[2];
  int failed = op_lu_factor(api_array(a, "a"), api_stream(s), out);
  return api_pair(res_0, res_1, failed ? NULL : out);
}

int mlx_linalg_lu(
    mlx_vector_array* res, const mlx_array a, const mlx_stream s) {
  API_OP("linalg_lu");
  lz_array* out[3];
  int failed = op_lu(api_array(a, "a"), api_stream(s), out);
  return api_results(res, failed ? NULL : out, 3);
}

int mlx_linalg_svd(
    mlx_vector_array* res,
    const mlx_array a,
    bool compute_uv,
    const mlx_stream s) {
  API_OP("linalg_svd");
  lz_array* out[3];
  int failed = op_svd(api_array(a, "a"), compute_uv, api_stream(s), out);
  return api_results(res, failed ? NULL : out, compute_uv ? 3 : 1);
}

/* ---- norms --------------------------------------------------------------- */

/* NULL: all axes. */
static lz_axes norm_axes_given(const int* axis, size_t n) {
  return axis ? AXES(axis, n) : AXES_ALL;
}

int mlx_linalg_norm(
    mlx_array* res,
    const mlx_array a,
    double ord,
    const int* axis,
    size_t axis_num,
    bool keepdims,
    const mlx_stream s) {
  API_OP("linalg_norm");
  lz_array* x = api_array(a, "a");
  lz_axes axes = norm_axes_given(axis, axis_num);
  return api_result(res, op_norm(x, ord, axes, keepdims, api_stream(s)));
}

int mlx_linalg_norm_matrix(
    mlx_array* res,
    const mlx_array a,
    const char* ord,
    const int* axis,
    size_t axis_num,
    bool keepdims,
    const mlx_stream s) {
  API_OP("linalg_norm_matrix");
  lz_array* x = api_array(a, "a");
  lz_axes axes = norm_axes_given(axis, axis_num);
  return api_result(
      res,
      api_pointer(ord, "ord")
          ? NULL
          : op_norm_matrix(x, ord, axes, keepdims, api_stream(s)));
}

int mlx_linalg_norm_l2(
    mlx_array* res,
    const mlx_array a,
    const int* axis,
    size_t axis_num,
    bool keepdims,
    const mlx_stream s) {
  API_OP("linalg_norm_l2");
  lz_array* x = api_array(a, "a");
  lz_axes axes = norm_axes_given(axis, axis_num);
  return api_result(res, op_norm_l2(x, axes, keepdims, api_stream(s)));
}
