#include "ops/arrange.h"

#include <string.h>

#include "core/error.h"
#include "core/node.h"
#include "core/scope.h"
#include "ops/arith.h"
#include "ops/create.h"
#include "ops/elementwise.h"
#include "ops/infer.h"
#include "ops/join.h"
#include "ops/matmul.h"
#include "ops/reduce_descs.h"
#include "ops/shape.h"

lz_array* op_atleast(lz_array* a, int n, lz_stream* s) {
  if (!a || !s || a->ndim >= n) return s ? a : NULL;
  int32_t shape[3] = {1, 1, 1};
  /* A vector becomes a row of a matrix, but a column of a block. */
  int at = a->ndim == 1 && n == 2 ? 1 : 0;
  if (a->ndim == 1 && n == 3) at = 1;
  if (a->ndim == 1) shape[at] = a->shape[0];
  if (a->ndim == 2) memcpy(shape, a->shape, 2 * sizeof *shape);
  return op_reshape(a, shape, n, s);
}

static int arrange_limit(const char* op, int ndim) {
  if (ndim <= LZ_MAX_DIMS) return 0;
  return error_fail(
      "[%s] %d dimensions: at most %d are possible", op, ndim, LZ_MAX_DIMS);
}

lz_array* op_tile(lz_array* a, const int* reps, int n, lz_stream* s) {
  if (!a || !s) return NULL;
  int ndim = n > a->ndim ? n : a->ndim;
  if (arrange_limit("tile", 2 * ndim)) return NULL;
  int32_t expand[2 * LZ_MAX_DIMS], broad[2 * LZ_MAX_DIMS], to[LZ_MAX_DIMS];
  int k = 0;
  for (int i = 0; i < ndim; i++) {
    int rep = i < ndim - n ? 1 : reps[i - (ndim - n)];
    int32_t extent = i < ndim - a->ndim ? 1 : a->shape[i - (ndim - a->ndim)];
    if (rep < 0)
      return error_set("[tile] %d repetitions along axis %d", rep, i);
    if (rep != 1) {
      expand[k] = 1;
      broad[k++] = rep;
    }
    expand[k] = broad[k] = extent;
    k++;
    to[i] = rep * extent;
  }
  lz_array* x = op_reshape(a, expand, k, s);
  return op_reshape(op_broadcast_to(x, broad, k, s), to, ndim, s);
}

lz_array* op_repeat(lz_array* a, int repeats, const int* axis, lz_stream* s) {
  if (!a || !s) return NULL;
  if (!axis) {
    a = op_reshape(a, (const int32_t[]){-1}, 1, s);
    return op_repeat(a, repeats, (const int[]){0}, s);
  }
  int at = shape_axis("repeat", *axis, a->ndim);
  if (at < 0 || arrange_limit("repeat", a->ndim + 1)) return NULL;
  if (repeats < 0)
    return error_set(
        "[repeat] Number of repeats cannot be negative, not %d", repeats);
  if (repeats == 0)
    return op_zeros((const int32_t[]){0}, 1, (lz_dtype)a->dtype, s);
  if (repeats == 1) return a;
  int32_t broad[LZ_MAX_DIMS + 1], to[LZ_MAX_DIMS];
  memcpy(to, a->shape, sizeof(int32_t) * a->ndim);
  to[at] *= repeats;
  for (int i = 0; i <= a->ndim; i++)
    broad[i] = i <= at ? a->shape[i] : i == at + 1 ? repeats : a->shape[i - 1];
  lz_array* x = op_expand_dims(a, (const int[]){at + 1}, 1, s);
  return op_reshape(op_broadcast_to(x, broad, a->ndim + 1, s), to, a->ndim, s);
}

/* Elements from `start` to `stop` of one axis, the others whole. */
static lz_array* arrange_part(
    lz_array* a, int axis, int start, int stop, lz_stream* s) {
  if (!a) return NULL;
  int from[LZ_MAX_DIMS], to[LZ_MAX_DIMS], step[LZ_MAX_DIMS];
  for (int i = 0; i < a->ndim; i++) {
    from[i] = i == axis ? start : 0;
    to[i] = i == axis ? stop : a->shape[i];
    step[i] = 1;
  }
  return op_slice(a, from, to, step, a->ndim, s);
}

static lz_array* roll_axis(lz_array* a, int64_t shift, int axis, lz_stream* s) {
  int n = a->shape[axis];
  if (n == 0) return a;
  int at = (int)(((-shift) % n + n) % n);
  if (at == 0) return a;
  lz_array* parts[] = {
      arrange_part(a, axis, at, n, s), arrange_part(a, axis, 0, at, s)};
  return parts[0] && parts[1] ? op_concatenate(parts, 2, axis, s) : NULL;
}

lz_array* op_roll(
    lz_array* a,
    const int* shift,
    int n_shifts,
    const int* axes,
    int n_axes,
    lz_stream* s) {
  if (!a || !s) return NULL;
  if (n_axes < 0) {
    int64_t total = 0;
    for (int i = 0; i < n_shifts; i++) total += shift[i];
    lz_array* flat = op_reshape(a, (const int32_t[]){-1}, 1, s);
    return flat ? op_reshape(roll_axis(flat, total, 0, s), a->shape, a->ndim, s)
                : NULL;
  }
  if (n_axes > 0 && n_shifts < n_axes)
    return error_set(
        "[roll] At least one shift value per axis is required, %d provided for "
        "%d axes.",
        n_shifts,
        n_axes);
  for (int i = 0; a && i < n_axes; i++) {
    int axis = shape_axis("roll", axes[i], a->ndim);
    if (axis < 0) return NULL;
    a = roll_axis(a, shift[i], axis, s);
  }
  return a;
}

/* ---- several results ----------------------------------------------------- */

int op_split_at(
    lz_array* a, const int* at, int n, int axis, lz_stream* s, lz_list* out) {
  if (!a || !s) return 1;
  int k = shape_axis("split", axis, a->ndim);
  if (k < 0) return 1;
  if (n == 0) return list_append(out, a);
  for (int i = 0, from = 0; i <= n; i++) {
    int to = i < n ? at[i] : a->shape[k];
    lz_array* part = arrange_part(a, k, from, to, s);
    if (!part || list_append(out, part)) return 1;
    from = to;
  }
  return 0;
}

int op_split(lz_array* a, int parts, int axis, lz_stream* s, lz_list* out) {
  if (!a || !s) return 1;
  int k = shape_axis("split", axis, a->ndim);
  if (k < 0) return 1;
  if (parts <= 0)
    return error_fail(
        "[split] num_splits must be positive and non-zero but got %d.", parts);
  if (a->shape[k] % parts)
    return error_fail(
        "[split] %d equal parts along axis %d do not fit an array of shape %s",
        parts,
        axis,
        error_shape_of(a));
  int size = a->shape[k] / parts;
  for (int i = 0; i < parts; i++) {
    lz_array* part =
        parts == 1 ? a : arrange_part(a, k, i * size, (i + 1) * size, s);
    if (!part || list_append(out, part)) return 1;
  }
  return 0;
}

int op_broadcast_arrays(
    lz_array* const* arrays, size_t n, lz_stream* s, lz_list* out) {
  if (!s) return 1;
  int32_t shape[LZ_MAX_DIMS];
  int ndim = 0;
  for (size_t i = 0; i < n; i++) {
    /* One shape grows with each array: as an array without values. */
    lz_array sofar = {.ndim = (uint8_t)ndim, .shape = shape};
    int32_t larger[LZ_MAX_DIMS];
    ndim = shape_broadcast("broadcast_arrays", &sofar, arrays[i], larger);
    if (ndim < 0) return 1;
    memcpy(shape, larger, sizeof(int32_t) * (size_t)ndim);
  }
  for (size_t i = 0; i < n; i++) {
    lz_array* b = op_broadcast_to(arrays[i], shape, ndim, s);
    if (!b || list_append(out, b)) return 1;
  }
  return 0;
}

int op_meshgrid(
    lz_array* const* arrays,
    size_t n,
    bool sparse,
    const char* indexing,
    lz_stream* s,
    lz_list* out) {
  if (!s) return 1;
  bool xy = strcmp(indexing, "xy") == 0;
  if (!xy && strcmp(indexing, "ij") != 0)
    return error_fail(
        "[meshgrid] indexing \"%s\" is neither \"xy\" nor \"ij\"", indexing);
  if (n > LZ_MAX_DIMS) return arrange_limit("meshgrid", (int)n);
  lz_array* grid[LZ_MAX_DIMS];
  for (size_t i = 0; i < n; i++) {
    int32_t shape[LZ_MAX_DIMS];
    for (size_t k = 0; k < n; k++) shape[k] = 1;
    size_t at = xy && n > 1 && i < 2 ? 1 - i : i;
    shape[at] = (int32_t)arrays[i]->size;
    if (!(grid[i] = op_reshape(arrays[i], shape, (int)n, s))) return 1;
  }
  if (!sparse) return op_broadcast_arrays(grid, n, s, out);
  for (size_t i = 0; i < n; i++)
    if (list_append(out, grid[i])) return 1;
  return 0;
}

/* ---- products ------------------------------------------------------------ */

lz_array* op_outer(lz_array* a, lz_array* b, lz_stream* s) {
  if (!a || !b || !s) return NULL;
  return op_multiply(
      op_reshape(a, (const int32_t[]){(int32_t)a->size, 1}, 2, s),
      op_reshape(b, (const int32_t[]){-1}, 1, s),
      s);
}

lz_array* op_inner(lz_array* a, lz_array* b, lz_stream* s) {
  if (!a || !b || !s) return NULL;
  if (a->ndim == 0 || b->ndim == 0) return op_multiply(a, b, s);
  const int last = -1;
  return op_tensordot(a, b, &last, 1, &last, 1, s);
}

lz_array* op_kron(lz_array* a, lz_array* b, lz_stream* s) {
  if (!a || !b || !s) return NULL;
  if (a->size == 0 || b->size == 0)
    return error_set("[kron] Input arrays cannot be empty.");
  int ndim = a->ndim > b->ndim ? a->ndim : b->ndim;
  if (arrange_limit("kron", 2 * ndim)) return NULL;
  int32_t sa[LZ_MAX_DIMS], sb[LZ_MAX_DIMS], to[LZ_MAX_DIMS];
  for (int i = 0; i < ndim; i++) {
    int ia = i - (ndim - a->ndim), ib = i - (ndim - b->ndim);
    int32_t na = ia < 0 ? 1 : a->shape[ia], nb = ib < 0 ? 1 : b->shape[ib];
    sa[2 * i] = na;
    sa[2 * i + 1] = 1;
    sb[2 * i] = 1;
    sb[2 * i + 1] = nb;
    to[i] = na * nb;
  }
  /* Small beside the product, which is walked along the rows of both. */
  a = op_reshape(op_contiguous(a, false, s), sa, 2 * ndim, s);
  b = op_reshape(op_contiguous(b, false, s), sb, 2 * ndim, s);
  lz_array* product = op_multiply(a, b, s);
  return op_reshape(product, to, ndim, s);
}

lz_array* op_tensordot(
    lz_array* a,
    lz_array* b,
    const int* axes_a,
    int n_a,
    const int* axes_b,
    int n_b,
    lz_stream* s) {
  if (!a || !b || !s) return NULL;
  if (n_a != n_b)
    return error_set(
        "[tensordot] axes must have the same size, not %d and %d", n_a, n_b);
  uint32_t mask_a, mask_b;
  if (shape_axes("tensordot", axes_a, n_a, a->ndim, &mask_a) ||
      shape_axes("tensordot", axes_b, n_b, b->ndim, &mask_b) ||
      arrange_limit("tensordot", a->ndim + b->ndim - 2 * n_a))
    return NULL;
  int order_a[LZ_MAX_DIMS], order_b[LZ_MAX_DIMS], ka = 0, kb = n_b, k = 0;
  int32_t to[2 * LZ_MAX_DIMS], rows = 1, columns = 1, inner = 1;
  for (int i = 0; i < a->ndim; i++) {
    if (mask_a & (UINT32_C(1) << i)) continue;
    order_a[ka++] = i;
    to[k++] = a->shape[i];
    rows *= a->shape[i];
  }
  for (int i = 0; i < b->ndim; i++) {
    if (mask_b & (UINT32_C(1) << i)) continue;
    order_b[kb++] = i;
    to[k++] = b->shape[i];
    columns *= b->shape[i];
  }
  for (int i = 0; i < n_a; i++) {
    int x = shape_axis("tensordot", axes_a[i], a->ndim);
    int y = shape_axis("tensordot", axes_b[i], b->ndim);
    if (a->shape[x] != b->shape[y])
      return error_set(
          "[tensordot] a and b must have the same shape on the contracted "
          "axes: %s @ %s on %d and %d",
          error_shape_of(a),
          error_shape_of(b),
          axes_a[i],
          axes_b[i]);
    order_a[ka++] = x;
    order_b[i] = y;
    inner *= a->shape[x];
  }
  lz_array* x = op_reshape(
      op_transpose(a, order_a, a->ndim, s),
      (const int32_t[]){rows, inner},
      2,
      s);
  lz_array* y = op_reshape(
      op_transpose(b, order_b, b->ndim, s),
      (const int32_t[]){inner, columns},
      2,
      s);
  return op_reshape(op_matmul(x, y, s), to, k, s);
}

lz_array* op_tensordot_axis(lz_array* a, lz_array* b, int axis, lz_stream* s) {
  if (!a || !b || !s) return NULL;
  int most = a->ndim < b->ndim ? a->ndim : b->ndim;
  if (axis < 0 || axis > most)
    return error_set(
        "[tensordot] %d axes of arrays of shapes %s and %s",
        axis,
        error_shape_of(a),
        error_shape_of(b));
  int last[LZ_MAX_DIMS], first[LZ_MAX_DIMS];
  for (int i = 0; i < axis; i++) {
    last[i] = i - axis;
    first[i] = i;
  }
  return op_tensordot(a, b, last, axis, first, axis, s);
}

lz_array* op_number_of_elements(
    lz_array* a,
    const int* axes,
    int n,
    bool inverted,
    lz_dtype dtype,
    lz_stream* s) {
  if (!a || !s) return NULL;
  double count = 1;
  uint32_t mask = 0;
  for (int i = 0; i < n; i++) {
    int axis = shape_axis("number_of_elements", axes[i], a->ndim);
    if (axis < 0) return NULL;
    count *= a->shape[axis];
    mask |= UINT32_C(1) << axis;
  }
  if (!infer_shapeless() || !mask)
    return op_scalar(dtype, inverted ? 1 / count : count);
  /* Other shapes may come: a node that counts when it is computed. Its numbers
   * are inverses; whole numbers are found again by rounding. */
  const int32_t p[] = {(int32_t)mask, 0};
  lz_array* x = scope_own(
      node_make(&op_count_desc, s, &a, 1, p, sizeof p, DTYPE_FLOAT32, 0, NULL));
  if (!inverted) x = op_round(op_reciprocal(x, s), 0, s);
  return op_astype(x, dtype, s);
}
