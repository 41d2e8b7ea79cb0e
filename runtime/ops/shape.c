#include "ops/shape.h"

#include <string.h>

#include "core/error.h"
#include "core/scope.h"
#include "ops/infer.h"
#include "ops/view.h"

int shape_broadcast(
    const char* op, const lz_array* a, const lz_array* b, int32_t* out) {
  int n = a->ndim > b->ndim ? a->ndim : b->ndim;
  for (int i = 0; i < n; i++) {
    int ia = i - (n - a->ndim), ib = i - (n - b->ndim);
    int32_t da = ia < 0 ? 1 : a->shape[ia], db = ib < 0 ? 1 : b->shape[ib];
    if (da != db && da != 1 && db != 1) {
      error_set(
          "[%s] Shapes %s and %s cannot be broadcast.",
          op,
          error_shape_of(a),
          error_shape_of(b));
      return -1;
    }
    out[i] = da == 1 ? db : da;
  }
  return n;
}

int shape_axis(const char* op, int axis, int ndim) {
  int a = axis < 0 ? axis + ndim : axis;
  if (a >= 0 && a < ndim) return a;
  error_set(
      "[%s] axis %d is out of range for an array with %d dimensions",
      op,
      axis,
      ndim);
  return -1;
}

int shape_axes(
    const char* op, const int* axes, int n, int ndim, uint32_t* mask) {
  *mask = 0;
  for (int i = 0; i < n; i++) {
    int axis = shape_axis(op, axes[i], ndim);
    if (axis < 0) return 1;
    if (*mask & (UINT32_C(1) << axis))
      return error_fail("[%s] axis %d is named twice", op, axes[i]);
    *mask |= UINT32_C(1) << axis;
  }
  return 0;
}

static lz_array* shape_view(
    const lz_op* op,
    lz_array* a,
    const void* params,
    size_t size,
    int ndim,
    const int32_t* shape,
    lz_stream* s) {
  return scope_own(
      node_make(op, s, &a, 1, params, size, (lz_dtype)a->dtype, ndim, shape));
}

static bool shape_is(const lz_array* a, int ndim, const int32_t* shape) {
  return a->ndim == ndim &&
         memcmp(a->shape, shape, sizeof(int32_t) * (size_t)ndim) == 0;
}

/* Shapes of the interface are at most LZ_MAX_DIMS long. */
static int shape_limit(const char* op, int ndim) {
  if (ndim >= 0 && ndim <= LZ_MAX_DIMS) return 0;
  return error_fail(
      "[%s] %d dimensions: at most %d are possible", op, ndim, LZ_MAX_DIMS);
}

lz_array* op_reshape(
    lz_array* a, const int32_t* shape, int ndim, lz_stream* s) {
  if (!a || !s || shape_limit("reshape", ndim)) return NULL;
  int32_t to[LZ_MAX_DIMS] = {0};
  int64_t known = 1;
  int hole = -1;
  for (int i = 0; i < ndim; i++) {
    to[i] = shape[i];
    if (shape[i] >= 0) {
      known *= shape[i];
      continue;
    }
    if (shape[i] != -1)
      return error_set("[reshape] the extent of axis %d is %d", i, shape[i]);
    if (hole >= 0)
      return error_set(
          "[reshape] Can only infer one dimension: shape %s",
          error_shape(ndim, shape));
    hole = i;
  }
  if (hole >= 0) {
    if (known == 0 || a->size % known)
      return error_set(
          "[reshape] Cannot infer the shape of an array of size %lld from %s",
          (long long)a->size,
          error_shape(ndim, shape));
    to[hole] = (int32_t)(a->size / known);
    known *= to[hole];
  }
  if (known != a->size)
    return error_set(
        "[reshape] Cannot reshape array of size %lld into shape %s.",
        (long long)a->size,
        error_shape(ndim, shape));
  const bool open = hole >= 0 && infer_shapeless();
  if (shape_is(a, ndim, to) && !open) return a;
  int32_t at = hole;
  size_t size = open ? sizeof at : 0;
  return shape_view(&op_reshape_desc, a, &at, size, ndim, to, s);
}

lz_array* op_flatten(lz_array* a, int start_axis, int end_axis, lz_stream* s) {
  if (!a || !s) return NULL;
  int start = start_axis < 0 ? start_axis + a->ndim : start_axis;
  int end = end_axis < 0 ? end_axis + a->ndim : end_axis;
  if (a->ndim == 0) {
    const int32_t one = 1;
    return op_reshape(a, &one, 1, s);
  }
  if (start < 0) start = 0;
  if (end >= a->ndim) end = a->ndim - 1;
  if (end < start)
    return error_set(
        "[flatten] start_axis %d comes after end_axis %d",
        start_axis,
        end_axis);
  if (start >= a->ndim)
    return error_set(
        "[flatten] start_axis %d is out of range for an array with %d "
        "dimensions",
        start_axis,
        a->ndim);
  if (start == end) return a;
  int32_t to[LZ_MAX_DIMS];
  int n = 0;
  for (int i = 0; i < a->ndim; i++)
    if (i <= start || i > end)
      to[n++] = a->shape[i];
    else
      to[n - 1] *= a->shape[i];
  const int32_t axes[] = {start, end};
  size_t size = infer_shapeless() ? sizeof axes : 0;
  return shape_view(&op_flatten_desc, a, axes, size, n, to, s);
}

lz_array* op_unflatten(
    lz_array* a, int axis, const int32_t* shape, int ndim, lz_stream* s) {
  if (!a || !s) return NULL;
  if (ndim == 0) return error_set("[unflatten] the new shape is empty");
  axis = shape_axis("unflatten", axis, a->ndim);
  if (axis < 0 || shape_limit("unflatten", a->ndim - 1 + ndim)) return NULL;
  int32_t to[LZ_MAX_DIMS];
  int64_t known = 1;
  int hole = -1, n = 0;
  for (int i = 0; i < axis; i++) to[n++] = a->shape[i];
  for (int i = 0; i < ndim; i++) {
    if (shape[i] == -1 && hole < 0)
      hole = n;
    else if (shape[i] < 0)
      return error_set(
          "[unflatten] Invalid shape %s", error_shape(ndim, shape));
    else
      known *= shape[i];
    to[n++] = shape[i];
  }
  if (hole >= 0) {
    if (known == 0 || a->shape[axis] % known)
      return error_set(
          "[unflatten] Cannot infer %s from %d",
          error_shape(ndim, shape),
          a->shape[axis]);
    to[hole] = (int32_t)(a->shape[axis] / known);
    known *= to[hole];
  }
  if (known != a->shape[axis])
    return error_set(
        "[unflatten] Cannot unflatten axis %d with size %d into %s",
        axis,
        a->shape[axis],
        error_shape(ndim, shape));
  for (int i = axis + 1; i < a->ndim; i++) to[n++] = a->shape[i];
  int32_t p[2 + LZ_MAX_DIMS] = {axis, ndim};
  memcpy(p + 2, shape, sizeof *shape * (size_t)ndim);
  size_t size = infer_shapeless() ? sizeof *p * (size_t)(2 + ndim) : 0;
  return shape_view(&op_unflatten_desc, a, p, size, n, to, s);
}

lz_array* op_broadcast_to(
    lz_array* a, const int32_t* shape, int ndim, lz_stream* s) {
  if (!a || !s || shape_limit("broadcast_to", ndim)) return NULL;
  if (shape_is(a, ndim, shape)) return a;
  int lead = ndim - a->ndim;
  bool fits = lead >= 0;
  for (int i = 0; fits && i < a->ndim; i++)
    fits = a->shape[i] == shape[lead + i] || a->shape[i] == 1;
  for (int i = 0; fits && i < ndim; i++) fits = shape[i] >= 0;
  if (!fits)
    return error_set(
        "[broadcast_to] Array of shape %s cannot be broadcast to %s.",
        error_shape_of(a),
        error_shape(ndim, shape));
  return shape_view(&op_broadcast_desc, a, NULL, 0, ndim, shape, s);
}

lz_array* op_transpose(lz_array* a, const int* axes, int n_axes, lz_stream* s) {
  if (!a || !s) return NULL;
  if (n_axes != a->ndim)
    return error_set(
        "[transpose] Received %d axes for array with %d dimensions.",
        n_axes,
        a->ndim);
  view_axes p = {.n = n_axes};
  int32_t to[LZ_MAX_DIMS];
  uint32_t seen;
  if (shape_axes("transpose", axes, n_axes, a->ndim, &seen)) return NULL;
  bool same = true;
  for (int i = 0; i < n_axes; i++) {
    p.axis[i] = axes[i] < 0 ? axes[i] + a->ndim : axes[i];
    to[i] = a->shape[p.axis[i]];
    same = same && p.axis[i] == i;
  }
  if (same) return a;
  return shape_view(
      &op_transpose_desc,
      a,
      &p,
      sizeof(int32_t) * (size_t)(1 + n_axes),
      n_axes,
      to,
      s);
}

lz_array* op_transpose_all(lz_array* a, lz_stream* s) {
  if (!a || !s) return NULL;
  int axes[LZ_MAX_DIMS];
  for (int i = 0; i < a->ndim; i++) axes[i] = a->ndim - 1 - i;
  return op_transpose(a, axes, a->ndim, s);
}

lz_array* op_swapaxes(lz_array* a, int axis1, int axis2, lz_stream* s) {
  if (!a || !s) return NULL;
  int i1 = shape_axis("swapaxes", axis1, a->ndim);
  int i2 = shape_axis("swapaxes", axis2, a->ndim);
  if (i1 < 0 || i2 < 0) return NULL;
  int axes[LZ_MAX_DIMS];
  for (int i = 0; i < a->ndim; i++) axes[i] = i == i1 ? i2 : i == i2 ? i1 : i;
  return op_transpose(a, axes, a->ndim, s);
}

lz_array* op_moveaxis(lz_array* a, int source, int destination, lz_stream* s) {
  if (!a || !s) return NULL;
  int from = shape_axis("moveaxis", source, a->ndim);
  int to = shape_axis("moveaxis", destination, a->ndim);
  if (from < 0 || to < 0) return NULL;
  int axes[LZ_MAX_DIMS];
  for (int i = 0, k = 0; i < a->ndim; i++) {
    if (k == from) k++;
    axes[i] = i == to ? from : k++;
  }
  return op_transpose(a, axes, a->ndim, s);
}

lz_array* op_expand_dims(
    lz_array* a, const int* axes, int n_axes, lz_stream* s) {
  if (!a || !s) return NULL;
  int ndim = a->ndim + n_axes;
  uint32_t ones;
  if (shape_limit("expand_dims", ndim) ||
      shape_axes("expand_dims", axes, n_axes, ndim, &ones))
    return NULL;
  if (n_axes == 0) return a;
  int32_t to[LZ_MAX_DIMS];
  for (int i = 0, k = 0; i < ndim; i++)
    to[i] = ones & (UINT32_C(1) << i) ? 1 : a->shape[k++];
  size_t size = infer_shapeless() ? sizeof ones : 0;
  return shape_view(&op_expand_dims_desc, a, &ones, size, ndim, to, s);
}

lz_array* op_squeeze(lz_array* a, const int* axes, int n_axes, lz_stream* s) {
  if (!a || !s) return NULL;
  uint32_t gone;
  if (shape_axes("squeeze", axes, n_axes, a->ndim, &gone)) return NULL;
  int32_t to[LZ_MAX_DIMS];
  int n = 0;
  for (int i = 0; i < a->ndim; i++) {
    if (!(gone & (UINT32_C(1) << i))) {
      to[n++] = a->shape[i];
    } else if (a->shape[i] != 1) {
      return error_set(
          "[squeeze] Cannot squeeze axis %d with size %d which is not equal "
          "to 1.",
          i,
          a->shape[i]);
    }
  }
  if (n == a->ndim) return a;
  size_t size = infer_shapeless() ? sizeof gone : 0;
  return shape_view(&op_squeeze_desc, a, &gone, size, n, to, s);
}

lz_array* op_squeeze_all(lz_array* a, lz_stream* s) {
  if (!a || !s) return NULL;
  int axes[LZ_MAX_DIMS], n = 0;
  for (int i = 0; i < a->ndim; i++)
    if (a->shape[i] == 1) axes[n++] = i;
  return op_squeeze(a, axes, n, s);
}

/* One axis of a slice: Python's rules. */
static int32_t shape_slice_axis(
    int32_t extent, int32_t* start, int32_t* stop, int32_t stride) {
  int64_t b = *start, e = *stop, n = extent;
  if (b < 0) b += n;
  if (e < 0) e += n;
  int64_t count;
  if (stride > 0) {
    b = b < 0 ? 0 : b > n ? n : b;
    e = e < b ? b : e > n ? n : e;
    count = (e - b + stride - 1) / stride;
  } else {
    b = b < -1 ? -1 : b > n - 1 ? n - 1 : b;
    e = e < -1 ? -1 : e > b ? b : e;
    count = (b - e - stride - 1) / -stride;
  }
  *start = (int32_t)b;
  *stop = (int32_t)e;
  return (int32_t)count;
}

lz_array* op_slice(
    lz_array* a,
    const int* start,
    const int* stop,
    const int* strides,
    int n,
    lz_stream* s) {
  if (!a || !s) return NULL;
  if (n != a->ndim)
    return error_set(
        "[slice] Invalid number of indices or strides for array with "
        "dimension %d: %d",
        a->ndim,
        n);
  view_slice_params p = {.n = n};
  int32_t to[LZ_MAX_DIMS];
  bool same = true;
  for (int i = 0; i < n; i++) {
    if (strides[i] == 0) return error_set("[slice] stride of axis %d is 0", i);
    p.start[i] = start[i];
    p.stop[i] = stop[i];
    p.stride[i] = strides[i];
    to[i] = shape_slice_axis(a->shape[i], &p.start[i], &p.stop[i], p.stride[i]);
    same = same && to[i] == a->shape[i] && p.stride[i] == 1;
  }
  if (same) return a;
  return shape_view(&op_slice_desc, a, &p, sizeof p, n, to, s);
}

lz_array* op_as_strided(
    lz_array* a,
    const int32_t* shape,
    const int64_t* strides,
    int ndim,
    size_t offset,
    lz_stream* s) {
  if (!a || !s || shape_limit("as_strided", ndim)) return NULL;
  view_strided_params p;
  memset(&p, 0, sizeof p);
  p.offset = (int64_t)offset;
  p.n = ndim;
  /* Nothing outside the array may be reached. */
  int64_t low = p.offset, high = p.offset;
  bool empty = false;
  for (int i = 0; i < ndim; i++) {
    p.strides[i] = strides[i];
    empty = empty || shape[i] == 0;
    if (shape[i] < 0)
      return error_set(
          "[as_strided] Invalid shape %s", error_shape(ndim, shape));
    int64_t reach = (int64_t)(shape[i] - 1) * strides[i];
    if (reach < 0)
      low += reach;
    else
      high += reach;
  }
  if (!empty && (low < 0 || high >= a->size))
    return error_set(
        "[as_strided] elements %lld to %lld are reached in an array of %lld",
        (long long)low,
        (long long)high,
        (long long)a->size);
  lz_array* flat = op_contiguous(a, false, s);
  if (!flat) return NULL;
  return shape_view(&op_as_strided_desc, flat, &p, sizeof p, ndim, shape, s);
}

lz_array* op_contiguous(lz_array* a, bool allow_col_major, lz_stream* s) {
  if (!a || !s) return NULL;
  int32_t col = allow_col_major;
  return shape_view(
      &op_contiguous_desc, a, &col, sizeof col, a->ndim, a->shape, s);
}

lz_array* op_copy(lz_array* a, lz_stream* s) {
  if (!a || !s) return NULL;
  return shape_view(&op_copy_desc, a, NULL, 0, a->ndim, a->shape, s);
}
