/* Linear algebra made of decompositions and other operations. */
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/scope.h"
#include "ops/arith.h"
#include "ops/create.h"
#include "ops/elementwise.h"
#include "ops/index.h"
#include "ops/join.h"
#include "ops/linalg.h"
#include "ops/matmul.h"
#include "ops/order.h"
#include "ops/patterns.h"
#include "ops/shape.h"

/* From..to of an axis counted from the front. */
static lz_array* made_part(
    lz_array* a, int axis, int from, int to, lz_stream* s) {
  int start[LZ_MAX_DIMS], stop[LZ_MAX_DIMS], stride[LZ_MAX_DIMS];
  if (!a) return NULL;
  for (int i = 0; i < a->ndim; i++) {
    start[i] = i == axis ? from : 0;
    stop[i] = i == axis ? to : a->shape[i];
    stride[i] = 1;
  }
  return op_slice(a, start, stop, stride, a->ndim, s);
}

/* ---- solving ------------------------------------------------------------- */

int op_lu(lz_array* a, lz_stream* s, lz_array* out[3]) {
  lz_array* f[3];
  if (linalg_lu_all(a, s, f)) return 1;
  int m = a->shape[a->ndim - 2], n = a->shape[a->ndim - 1];
  int k = m < n ? m : n;
  lz_array *l = op_tril(f[0], -1, s), *u = op_triu(f[0], 0, s);
  if (n > k) l = made_part(l, a->ndim - 1, 0, k, s);
  if (m > k) u = made_part(u, a->ndim - 2, 0, k, s);
  out[0] = f[2];
  out[1] = op_add(l, op_eye(m, k, 0, DTYPE_FLOAT32, s), s);
  out[2] = u;
  return !out[1] || !out[2];
}

int op_lu_factor(lz_array* a, lz_stream* s, lz_array* out[2]) {
  lz_array* f[3];
  if (linalg_lu_all(a, s, f)) return 1;
  out[0] = f[0];
  out[1] = f[1];
  return 0;
}

static int solve_check(const char* name, const lz_array* a, const lz_array* b) {
  if (!a || !b) return 1;
  if (a->ndim < 2 || b->ndim < 1 ||
      a->shape[a->ndim - 1] != a->shape[a->ndim - 2])
    return error_fail(
        "[%s] takes square matrices and a right side, not %s and %s",
        name,
        error_shape_of(a),
        error_shape_of(b));
  if (a->shape[a->ndim - 1] != b->shape[b->ndim > 1 ? b->ndim - 2 : 0])
    return error_fail(
        "[%s] matrices of %s and a right side of %s do not fit",
        name,
        error_shape_of(a),
        error_shape_of(b));
  lz_dtype dtype = dtype_promote((lz_dtype)a->dtype, (lz_dtype)b->dtype);
  if (dtype != DTYPE_FLOAT32 && dtype != DTYPE_FLOAT64)
    return error_fail(
        "[%s] takes what promotes to float32 or float64, not %s and %s",
        name,
        dtype_name((lz_dtype)a->dtype),
        dtype_name((lz_dtype)b->dtype));
  return 0;
}

lz_array* op_solve_triangular(
    lz_array* a, lz_array* b, bool upper, lz_stream* s) {
  if (solve_check("linalg::solve_triangular", a, b)) return NULL;
  return op_matmul(op_tri_inv(a, upper, s), b, s);
}

lz_array* op_solve(lz_array* a, lz_array* b, lz_stream* s) {
  lz_array* f[3];
  if (solve_check("linalg::solve", a, b) || op_lu(a, s, f)) return NULL;
  const int last = -1;
  lz_array* order = op_argsort(f[0], &last, s);
  if (b->ndim >= 2) order = op_expand_dims(order, &last, 1, s);
  lz_array* sorted = op_take_along_axis(b, order, b->ndim >= 2 ? -2 : -1, s);
  lz_array* y = op_solve_triangular(f[1], sorted, false, s);
  return op_solve_triangular(f[2], y, true, s);
}

lz_array* op_cholesky_inv(lz_array* a, bool upper, lz_stream* s) {
  lz_array* inverse = op_tri_inv(a, upper, s);
  lz_array* turned = op_swapaxes(inverse, -1, -2, s);
  return upper ? op_matmul(inverse, turned, s) : op_matmul(turned, inverse, s);
}

lz_array* op_pinv(lz_array* a, lz_stream* s) {
  lz_array* f[3];
  if (!a || !s) return NULL;
  if (a->dtype != DTYPE_FLOAT32 && a->dtype != DTYPE_FLOAT64)
    return error_set(
        "[linalg::pinv] takes float32 or float64, not %s",
        dtype_name((lz_dtype)a->dtype));
  if (op_svd(a, true, s, f)) return NULL;
  int m = a->shape[a->ndim - 2], n = a->shape[a->ndim - 1];
  int k = m < n ? m : n;
  lz_dtype dtype = (lz_dtype)a->dtype;
  if (a->size == 0) {
    int32_t shape[LZ_MAX_DIMS];
    for (int i = 0; i < a->ndim - 2; i++) shape[i] = a->shape[i];
    shape[a->ndim - 2] = n;
    shape[a->ndim - 1] = m;
    return op_zeros(shape, a->ndim, dtype, s);
  }
  lz_array* u = op_swapaxes(made_part(f[0], a->ndim - 1, 0, k, s), -1, -2, s);
  lz_array* v = op_swapaxes(made_part(f[2], a->ndim - 2, 0, k, s), -1, -2, s);
  lz_array* values = op_expand_dims(f[1], (const int[]){-2}, 1, s);
  /* What is smaller counts as zero. */
  double eps = dtype == DTYPE_FLOAT64 ? 0x1p-52 : 0x1p-23;
  lz_array* cutoff = op_multiply(
      op_scalar(dtype, 10. * (m > n ? m : n) * eps),
      op_max(values, AXIS(-1), true, s),
      s);
  lz_array* inverted = op_where(
      op_greater(values, cutoff, s),
      op_reciprocal(values, s),
      op_scalar(dtype, 0),
      s);
  return op_matmul(op_multiply(v, inverted, s), u, s);
}

/* ---- cross product ------------------------------------------------------- */

static int cross_check(const lz_array* a, int axis) {
  if (!a) return -1;
  int k = shape_axis("linalg::cross", axis, a->ndim);
  if (k < 0) return -1;
  if (a->shape[k] == 2 || a->shape[k] == 3) return k;
  error_set(
      "[linalg::cross] axis %d of %s must have size 2 or 3",
      axis,
      error_shape_of(a));
  return -1;
}

/* Three parts along the axis of a, broadcast but for that; a third that is
 * missing is NULL and means zero. */
static int cross_parts(
    lz_array* a,
    int axis,
    lz_dtype dtype,
    int ndim,
    int32_t* shape,
    lz_stream* s,
    lz_array* part[3]) {
  int n = a->shape[a->ndim - ndim + axis];
  shape[axis] = n;
  lz_array* wide = op_broadcast_to(op_astype(a, dtype, s), shape, ndim, s);
  for (int i = 0; i < 3; i++) {
    part[i] = i < n ? made_part(wide, axis, i, i + 1, s) : NULL;
    if (i < n && !part[i]) return 1;
  }
  return 0;
}

lz_array* op_cross(lz_array* a, lz_array* b, int axis, lz_stream* s) {
  int ka = cross_check(a, axis), kb = ka < 0 ? -1 : cross_check(b, axis);
  if (kb < 0 || !s) return NULL;
  int32_t sa[LZ_MAX_DIMS], sb[LZ_MAX_DIMS], shape[LZ_MAX_DIMS];
  for (int i = 0; i < a->ndim; i++) sa[i] = i == ka ? 3 : a->shape[i];
  for (int i = 0; i < b->ndim; i++) sb[i] = i == kb ? 3 : b->shape[i];
  lz_array xa = {.ndim = a->ndim, .shape = sa};
  lz_array xb = {.ndim = b->ndim, .shape = sb};
  int ndim = shape_broadcast("linalg::cross", &xa, &xb, shape);
  if (ndim < 0) return NULL;
  int at = axis < 0 ? axis + ndim : axis;
  if (a->ndim - ndim + at != ka || b->ndim - ndim + at != kb)
    return error_set(
        "[linalg::cross] axis %d is not the same axis of %s and %s",
        axis,
        error_shape_of(a),
        error_shape_of(b));
  lz_dtype dtype = dtype_promote((lz_dtype)a->dtype, (lz_dtype)b->dtype);
  lz_array *x[3], *y[3], *out[3];
  if (cross_parts(a, at, dtype, ndim, shape, s, x) ||
      cross_parts(b, at, dtype, ndim, shape, s, y))
    return NULL;
#define TIMES(i, j) op_multiply(x[i], y[j], s)
  if (!x[2] && !y[2]) {
    out[0] = out[1] = op_zeros_like(x[0], s);
  } else if (!y[2]) {
    out[0] = op_negative(TIMES(2, 1), s);
    out[1] = TIMES(2, 0);
  } else if (!x[2]) {
    out[0] = TIMES(1, 2);
    out[1] = op_negative(TIMES(0, 2), s);
  } else {
    out[0] = op_subtract(TIMES(1, 2), TIMES(2, 1), s);
    out[1] = op_subtract(TIMES(2, 0), TIMES(0, 2), s);
  }
  out[2] = op_subtract(TIMES(0, 1), TIMES(1, 0), s);
#undef TIMES
  return out[0] && out[1] && out[2] ? op_concatenate(out, 3, at, s) : NULL;
}

/* ---- norms --------------------------------------------------------------- */

static lz_array* norm_l2(
    lz_array* a, lz_axes axes, bool keepdims, lz_stream* s) {
  if (!a) return NULL;
  lz_array* x = a->dtype == DTYPE_COMPLEX64 ? op_abs(a, s) : a;
  return op_sqrt(op_sum(op_square(x, s), axes, keepdims, s), s);
}

lz_array* op_norm_l2(lz_array* a, lz_axes axes, bool keepdims, lz_stream* s) {
  if (!a || !s) return NULL;
  if (axes.n > 2)
    return error_set("[linalg::norm] %d axes are too many", axes.n);
  /* Of all elements: as of a vector, even if axes are kept. */
  if (axes.n < 0) return norm_l2(op_flatten(a, 0, -1, s), AXIS(0), keepdims, s);
  return norm_l2(a, axes, keepdims, s);
}

static lz_array* norm_vector(
    lz_array* a, double ord, lz_axes axes, bool keepdims, lz_stream* s) {
  lz_dtype dtype = dtype_inexact((lz_dtype)a->dtype);
  lz_array* x;
  if (ord == 0)
    x = op_sum(
        op_not_equal(a, op_scalar(DTYPE_INT32, 0), s), axes, keepdims, s);
  else if (ord == 1)
    x = op_sum(op_abs(a, s), axes, keepdims, s);
  else if (ord == 2)
    return norm_l2(a, axes, keepdims, s);
  else if (isinf(ord))
    x = op_reduce(
        ord > 0 ? REDUCE_MAX : REDUCE_MIN, op_abs(a, s), axes, keepdims, s);
  else
    return op_power(
        op_sum(
            op_power(op_abs(a, s), op_scalar(dtype, ord), s),
            axes,
            keepdims,
            s),
        op_scalar(dtype, 1 / ord),
        s);
  return op_astype(x, dtype, s);
}

/* Singular values of the matrices on two axes. */
static lz_array* norm_values(lz_array* a, int row, int column, lz_stream* s) {
  int order[LZ_MAX_DIMS], k = 0;
  for (int i = 0; i < a->ndim; i++)
    if (i != row && i != column) order[k++] = i;
  order[k++] = row;
  order[k++] = column;
  lz_array* out[3];
  lz_array* m = op_transpose(a, order, k, s);
  return m && !op_svd(m, false, s, out) ? out[0] : NULL;
}

/* Ones where the axes of the matrix were. */
static lz_array* norm_kept(
    lz_array* x, int row, int column, bool keepdims, lz_stream* s) {
  return keepdims ? op_expand_dims(x, (const int[]){row, column}, 2, s) : x;
}

/* Both axes counted from the front; non-zero with a message. */
static int norm_axes(const lz_array* a, lz_axes axes, int at[2]) {
  for (int i = 0; i < 2; i++)
    if ((at[i] = shape_axis("linalg::norm", axes.axis[i], a->ndim)) < 0)
      return 1;
  return 0;
}

static lz_array* norm_matrix(
    lz_array* a, double ord, lz_axes axes, bool keepdims, lz_stream* s) {
  int at[2];
  if (norm_axes(a, axes, at)) return NULL;
  lz_dtype dtype = dtype_inexact((lz_dtype)a->dtype);
  reduce_kind kind = ord > 0 ? REDUCE_MAX : REDUCE_MIN;
  if (fabs(ord) == 2) {
    lz_array* x = norm_values(a, at[0], at[1], s);
    x = op_reduce(kind, x, AXIS(-1), false, s);
    return op_astype(norm_kept(x, at[0], at[1], keepdims, s), dtype, s);
  }
  if (fabs(ord) != 1 && !isinf(ord))
    return error_set("[linalg::norm] Invalid ord %g for matrix norm.", ord);
  /* Sums of columns, or of rows; of them the largest or the smallest. */
  int first = isinf(ord) ? at[1] : at[0], second = isinf(ord) ? at[0] : at[1];
  if (!keepdims && second > first) second--;
  lz_array* sums = op_sum(op_abs(a, s), AXIS(first), keepdims, s);
  return op_astype(op_reduce(kind, sums, AXIS(second), keepdims, s), dtype, s);
}

/* All axes, where none were given: into `all`. */
static lz_axes norm_given(const lz_array* a, lz_axes axes, int* all) {
  if (axes.n >= 0) return axes;
  for (int i = 0; i < a->ndim; i++) all[i] = i;
  return AXES(all, a->ndim);
}

lz_array* op_norm(
    lz_array* a, double ord, lz_axes axes, bool keepdims, lz_stream* s) {
  int all[LZ_MAX_DIMS];
  if (!a || !s) return NULL;
  axes = norm_given(a, axes, all);
  if (axes.n == 1) return norm_vector(a, ord, axes, keepdims, s);
  if (axes.n == 2) return norm_matrix(a, ord, axes, keepdims, s);
  return error_set(
      "[linalg::norm] of order %g over %d axes, not 1 or 2", ord, axes.n);
}

lz_array* op_norm_matrix(
    lz_array* a, const char* kind, lz_axes axes, bool keepdims, lz_stream* s) {
  int all[LZ_MAX_DIMS], at[2];
  if (!a || !s) return NULL;
  axes = norm_given(a, axes, all);
  if (axes.n != 2)
    return error_set(
        "[linalg::norm] Norm '%s' is of matrices, but there are %d axes",
        kind,
        axes.n);
  if (norm_axes(a, axes, at)) return NULL;
  if (strcmp(kind, "f") == 0 || strcmp(kind, "fro") == 0)
    return norm_l2(a, axes, keepdims, s);
  if (strcmp(kind, "nuc") == 0)
    return norm_kept(
        op_sum(norm_values(a, at[0], at[1], s), AXIS(-1), false, s),
        at[0],
        at[1],
        keepdims,
        s);
  return error_set(
      "[linalg::norm] Invalid ord value '%s' for matrix norm.", kind);
}
