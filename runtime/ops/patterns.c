#include "ops/patterns.h"

#include <math.h>

#include "core/error.h"
#include "ops/create.h"
#include "ops/elementwise.h"
#include "ops/join.h"
#include "ops/reduce.h"
#include "ops/shape.h"

lz_array* op_linspace(
    double start, double stop, int num, lz_dtype dtype, lz_stream* s) {
  if (!s) return NULL;
  if (num < 0)
    return error_set(
        "[linspace] number of samples, %d, must be non-negative.", num);
  lz_dtype inner = dtype == DTYPE_FLOAT64 ? DTYPE_FLOAT64 : DTYPE_FLOAT32;
  if (num == 1)
    return op_full(
        (const int32_t[]){1}, 1, op_scalar(DTYPE_FLOAT32, start), dtype, s);
  lz_array* t =
      op_divide(op_arange(0, num, 1, inner, s), op_scalar(inner, num - 1), s);
  lz_array* rest = op_subtract(op_scalar(inner, 1), t, s);
  lz_array* sum = op_add(
      op_multiply(rest, op_scalar(inner, start), s),
      op_multiply(t, op_scalar(inner, stop), s),
      s);
  return op_astype(sum, dtype, s);
}

/* from, from + 1, … as a column of n, or as a row. */
static lz_array* patterns_column(int from, int n, lz_stream* s) {
  lz_array* a = op_arange(from, (double)from + n, 1, DTYPE_INT32, s);
  return op_expand_dims(a, (const int[]){1}, 1, s);
}

static lz_array* patterns_row(int from, int n, lz_stream* s) {
  lz_array* a = op_arange(from, (double)from + n, 1, DTYPE_INT32, s);
  return op_expand_dims(a, (const int[]){0}, 1, s);
}

/* Where row + k == column. */
static lz_array* patterns_on_diagonal(int n, int m, int k, lz_stream* s) {
  return op_equal(patterns_column(k, n, s), patterns_row(0, m, s), s);
}

lz_array* op_eye(int n, int m, int k, lz_dtype dtype, lz_stream* s) {
  if (!s) return NULL;
  if (n <= 0 || m <= 0)
    return error_set(
        "[eye] N and M must be positive integers, not %d and %d.", n, m);
  if ((int64_t)n * m > INT32_MAX)
    return op_astype(patterns_on_diagonal(n, m, k, s), dtype, s);
  return op_diagonal_put(
      op_scalar(dtype, 1), NULL, 0, n, m, k < 0 ? -k : 0, k > 0 ? k : 0, s);
}

lz_array* op_tri(int n, int m, int k, lz_dtype dtype, lz_stream* s) {
  if (!s) return NULL;
  lz_array* below =
      op_greater_equal(patterns_column(0, n, s), patterns_row(-k, m, s), s);
  return op_astype(below, dtype, s);
}

static lz_array* patterns_triangle(
    const char* name, lz_array* a, int k, bool lower, lz_stream* s) {
  if (!a || !s) return NULL;
  if (a->ndim < 2)
    return error_set(
        "[%s] array must be at least 2-D, not %s", name, error_shape_of(a));
  lz_array* mask = op_tri(
      a->shape[a->ndim - 2],
      a->shape[a->ndim - 1],
      lower ? k : k - 1,
      DTYPE_BOOL,
      s);
  lz_array* zero = op_scalar((lz_dtype)a->dtype, 0);
  return lower ? op_where(mask, a, zero, s) : op_where(mask, zero, a, s);
}

lz_array* op_tril(lz_array* a, int k, lz_stream* s) {
  return patterns_triangle("tril", a, k, true, s);
}

lz_array* op_triu(lz_array* a, int k, lz_stream* s) {
  return patterns_triangle("triu", a, k, false, s);
}

/* ---- diagonals ----------------------------------------------------------- */

lz_array* op_diag(lz_array* a, int k, lz_stream* s) {
  if (!a || !s) return NULL;
  if (a->ndim == 2) return op_diagonal(a, k, 0, 1, s);
  if (a->ndim != 1)
    return error_set(
        "[diag] array must be 1-D or 2-D, got array with %d dimensions.",
        a->ndim);
  int32_t off = k < 0 ? -k : k, n = a->shape[0] + off;
  if ((int64_t)n * n <= INT32_MAX)
    return op_diagonal_put(
        a, NULL, 0, n, n, k < 0 ? off : 0, k > 0 ? off : 0, s);
  /* Too many to count them in one axis. The vector runs down the rows, or along
   * the columns where the diagonal starts below the first row; zeros make it as
   * long as those are. */
  lz_dtype dtype = (lz_dtype)a->dtype;
  lz_array* parts[] = {a, op_zeros(&off, 1, dtype, s)};
  lz_array* padded = off ? op_concatenate(parts, 2, 0, s) : a;
  lz_array* values = op_expand_dims(padded, (const int[]){k < 0 ? 0 : 1}, 1, s);
  return op_where(
      patterns_on_diagonal(n, n, k, s), values, op_scalar(dtype, 0), s);
}

lz_array* op_trace(
    lz_array* a,
    int offset,
    int axis1,
    int axis2,
    lz_dtype dtype,
    lz_stream* s) {
  lz_array* d = op_diagonal(a, offset, axis1, axis2, s);
  return op_sum(op_astype(d, dtype, s), AXIS(-1), false, s);
}

/* ---- windows ------------------------------------------------------------- */

/* 0 … m - 1, or in *trivial what windows of no and of one element are. */
static lz_array* window_index(int m, lz_stream* s, lz_array** trivial) {
  int32_t n = m < 1 ? 0 : 1;
  *trivial = m <= 1 ? op_ones(&n, 1, DTYPE_FLOAT32, s) : NULL;
  return m <= 1 ? NULL : op_arange(0, m, 1, DTYPE_FLOAT32, s);
}

static lz_array* window_scalar(double value) {
  return op_scalar(DTYPE_FLOAT32, value);
}

lz_array* op_bartlett(int m, lz_stream* s) {
  lz_array *trivial, *n = window_index(m, s, &trivial);
  if (m <= 1) return trivial;
  lz_array* slope = op_multiply(window_scalar(2.0f / (float)(m - 1)), n, s);
  lz_array* off = op_abs(op_subtract(slope, window_scalar(1), s), s);
  return op_subtract(window_scalar(1), off, s);
}

lz_array* op_hanning(int m, lz_stream* s) {
  lz_array *trivial, *n = window_index(m, s, &trivial);
  if (m <= 1) return trivial;
  lz_array* angle = op_multiply(window_scalar(M_PI / (m - 1)), n, s);
  return op_square(op_sin(angle, s), s);
}

lz_array* op_hamming(int m, lz_stream* s) {
  lz_array *trivial, *n = window_index(m, s, &trivial);
  if (m <= 1) return trivial;
  lz_array* angle = op_multiply(window_scalar(2 * M_PI / (m - 1)), n, s);
  return op_subtract(
      window_scalar(0.54f),
      op_multiply(window_scalar(0.46f), op_cos(angle, s), s),
      s);
}

lz_array* op_blackman(int m, lz_stream* s) {
  lz_array *trivial, *n = window_index(m, s, &trivial);
  if (m <= 1) return trivial;
  lz_array* c = op_cos(op_multiply(window_scalar(2 * M_PI / (m - 1)), n, s), s);
  lz_array* first = op_multiply(window_scalar(0.5f), c, s);
  lz_array* second = op_multiply(window_scalar(0.16f), op_square(c, s), s);
  return op_add(op_subtract(window_scalar(0.34f), first, s), second, s);
}
