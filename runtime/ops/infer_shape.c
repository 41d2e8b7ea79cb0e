/* What comes out of views and concatenation. Those that reshape have parameters
 * only if they were traced for other shapes; see ops/shape.c. */
#include <string.h>

#include "core/error.h"
#include "ops/infer.h"
#include "ops/view.h"

static int64_t shape_size(int ndim, const int32_t* shape) {
  int64_t n = 1;
  for (int i = 0; i < ndim; i++) n *= shape[i];
  return n;
}

/* One input, one output, parameters of up to `most` whole words. */
static int shape_expect(const lz_infer* x, size_t most) {
  if (x->params_size > most || x->params_size % sizeof(int32_t))
    return infer_fail(x, "parameters of %zu bytes", x->params_size);
  return infer_expect(x, 1, 1, x->params_size);
}

/* Output 0 has the input's type and size in another shape. */
static int shape_put(lz_infer* x, int ndim, const int32_t* shape) {
  const lz_array* a = x->in[0];
  if (shape_size(ndim, shape) != a->size)
    return infer_fail(
        x,
        "%s of %lld elements into %s",
        error_shape_of(a),
        (long long)a->size,
        error_shape(ndim, shape));
  return infer_put(x, 0, (lz_dtype)a->dtype, ndim, shape);
}

/* Fills the hole of a shape so that it has `size` elements. */
static int shape_fill(
    const lz_infer* x, int ndim, int32_t* shape, int hole, int64_t size) {
  shape[hole] = 1;
  int64_t known = shape_size(ndim, shape);
  if (known <= 0 || size % known || size / known > INT32_MAX)
    return infer_fail(
        x,
        "%lld elements do not fill %s",
        (long long)size,
        error_shape(ndim, shape));
  shape[hole] = (int32_t)(size / known);
  return 0;
}

int infer_reshape(lz_infer* x) {
  if (shape_expect(x, sizeof(int32_t))) return 1;
  const int32_t* hole = x->params;
  const lz_output* o = &x->out[0];
  int32_t shape[LZ_MAX_DIMS];
  memcpy(shape, o->shape, sizeof shape);
  if (x->params_size && infer_axis(x, *hole, o->ndim)) return 1;
  if (x->params_size && x->changed &&
      shape_fill(x, o->ndim, shape, *hole, x->in[0]->size))
    return 1;
  return shape_put(x, o->ndim, shape);
}

int infer_flatten(lz_infer* x) {
  const lz_array* a = x->in[0];
  if (shape_expect(x, 2 * sizeof(int32_t))) return 1;
  if (x->params_size == 0)
    return infer_unchanged(x) || shape_put(x, x->out[0].ndim, x->out[0].shape);
  const int32_t* p = x->params;
  if (infer_expect(x, 1, 1, 2 * sizeof *p) || infer_axis(x, p[0], a->ndim) ||
      infer_axis(x, p[1], a->ndim) || infer_axis(x, p[0], p[1] + 1))
    return 1;
  int32_t shape[LZ_MAX_DIMS];
  int n = 0;
  for (int i = 0; i < a->ndim; i++)
    if (i <= p[0] || i > p[1])
      shape[n++] = a->shape[i];
    else
      shape[n - 1] *= a->shape[i];
  return shape_put(x, n, shape);
}

/* axis, number of new extents, these; -1 in one of them at most. */
int infer_unflatten(lz_infer* x) {
  const lz_array* a = x->in[0];
  if (shape_expect(x, (2 + LZ_MAX_DIMS) * sizeof(int32_t))) return 1;
  if (x->params_size == 0)
    return infer_unchanged(x) || shape_put(x, x->out[0].ndim, x->out[0].shape);
  const int32_t* p = x->params;
  int words = (int)(x->params_size / sizeof *p);
  if (words < 3 || p[1] != words - 2 || a->ndim - 1 + p[1] > LZ_MAX_DIMS)
    return infer_fail(x, "parameters of %zu bytes", x->params_size);
  if (infer_axis(x, p[0], a->ndim)) return 1;
  int32_t shape[LZ_MAX_DIMS];
  int n = 0, hole = -1;
  for (int i = 0; i < p[0]; i++) shape[n++] = a->shape[i];
  for (int i = 0; i < p[1]; i++, n++) {
    shape[n] = p[2 + i];
    if (shape[n] < -1 || (shape[n] == -1 && hole >= 0))
      return infer_fail(x, "extents %s", error_shape(p[1], p + 2));
    if (shape[n] == -1) hole = n - p[0];
  }
  if (hole >= 0 && shape_fill(x, p[1], shape + p[0], hole, a->shape[p[0]]))
    return 1;
  for (int i = p[0] + 1; i < a->ndim; i++) shape[n++] = a->shape[i];
  return shape_put(x, n, shape);
}

int infer_broadcast_to(lz_infer* x) {
  if (infer_expect(x, 1, 1, 0) || infer_fits_output(x, x->in[0])) return 1;
  const lz_output* o = &x->out[0];
  return infer_put(x, 0, (lz_dtype)x->in[0]->dtype, o->ndim, o->shape);
}

int infer_transpose(lz_infer* x) {
  const lz_array* a = x->in[0];
  const view_axes* p = x->params;
  if (shape_expect(x, sizeof *p) ||
      infer_expect(x, 1, 1, sizeof(int32_t) * (1 + (size_t)a->ndim)))
    return 1;
  if (p->n != a->ndim) return infer_fail(x, "%d axes of %d", p->n, a->ndim);
  int32_t shape[LZ_MAX_DIMS];
  uint32_t seen = 0;
  for (int i = 0; i < p->n; i++) {
    if (infer_axis(x, p->axis[i], a->ndim)) return 1;
    if (seen & (UINT32_C(1) << p->axis[i]))
      return infer_fail(x, "axis %d twice", p->axis[i]);
    seen |= UINT32_C(1) << p->axis[i];
    shape[i] = a->shape[p->axis[i]];
  }
  return infer_put(x, 0, (lz_dtype)a->dtype, a->ndim, shape);
}

/* Does `wide` have the extents of `narrow`, in order, but for ones? */
static bool shape_has_ones(
    int wide_n, const int32_t* wide, int narrow_n, const int32_t* narrow) {
  int k = 0;
  for (int i = 0; i < wide_n; i++)
    if (k < narrow_n && wide[i] == narrow[k])
      k++;
    else if (wide[i] != 1)
      return false;
  return k == narrow_n;
}

int infer_expand_dims(lz_infer* x) {
  const lz_array* a = x->in[0];
  lz_output* o = &x->out[0];
  if (shape_expect(x, sizeof(uint32_t))) return 1;
  if (x->params_size == 0) {
    if (!shape_has_ones(o->ndim, o->shape, a->ndim, a->shape))
      return infer_fail(
          x, "%s into %s", error_shape_of(a), error_shape(o->ndim, o->shape));
    return infer_unchanged(x) || shape_put(x, o->ndim, o->shape);
  }
  uint32_t ones = *(const uint32_t*)x->params;
  if (a->ndim + __builtin_popcount(ones) != o->ndim || o->ndim > LZ_MAX_DIMS ||
      (o->ndim < 32 && ones >> o->ndim))
    return infer_fail(x, "axes 0x%x of %d", ones, o->ndim);
  int32_t shape[LZ_MAX_DIMS];
  for (int i = 0, k = 0; i < o->ndim; i++)
    shape[i] = ones & (UINT32_C(1) << i) ? 1 : a->shape[k++];
  return shape_put(x, o->ndim, shape);
}

int infer_squeeze(lz_infer* x) {
  const lz_array* a = x->in[0];
  lz_output* o = &x->out[0];
  if (shape_expect(x, sizeof(uint32_t))) return 1;
  if (x->params_size == 0) {
    if (!shape_has_ones(a->ndim, a->shape, o->ndim, o->shape))
      return infer_fail(
          x, "%s into %s", error_shape_of(a), error_shape(o->ndim, o->shape));
    return infer_unchanged(x) || shape_put(x, o->ndim, o->shape);
  }
  uint32_t gone = *(const uint32_t*)x->params;
  if (a->ndim < 32 && gone >> a->ndim)
    return infer_fail(x, "axes 0x%x of %d", gone, a->ndim);
  int32_t shape[LZ_MAX_DIMS];
  int n = 0;
  for (int i = 0; i < a->ndim; i++)
    if (!(gone & (UINT32_C(1) << i)))
      shape[n++] = a->shape[i];
    else if (a->shape[i] != 1)
      return infer_fail(
          x, "axis %d of %s, which is not 1", i, error_shape_of(a));
  return shape_put(x, n, shape);
}

int infer_slice(lz_infer* x) {
  const lz_array* a = x->in[0];
  const view_slice_params* p = x->params;
  const lz_output* o = &x->out[0];
  if (infer_expect(x, 1, 1, sizeof *p) || infer_unchanged(x)) return 1;
  bool fits = p->n == a->ndim && o->ndim == a->ndim && o->dtype == a->dtype;
  bool empty = shape_size(o->ndim, o->shape) == 0;
  for (int i = 0; fits && !empty && i < a->ndim; i++) {
    int64_t first = p->start[i];
    int64_t last = first + (int64_t)(o->shape[i] - 1) * p->stride[i];
    int64_t n = a->shape[i];
    fits = first >= 0 && first < n && last >= 0 && last < n;
  }
  if (fits) return 0;
  return infer_fail(
      x,
      "%s is no slice of %s",
      error_shape(o->ndim, o->shape),
      error_shape_of(a));
}

int infer_as_strided(lz_infer* x) {
  const lz_array* a = x->in[0];
  const view_strided_params* p = x->params;
  const lz_output* o = &x->out[0];
  if (infer_expect(x, 1, 1, sizeof *p) || infer_unchanged(x)) return 1;
  bool fits = p->n == o->ndim && o->dtype == a->dtype;
  bool empty = shape_size(o->ndim, o->shape) == 0;
  int64_t low = p->offset, high = p->offset;
  for (int i = 0; fits && !empty && i < p->n; i++) {
    int64_t reach;
    fits = !__builtin_mul_overflow(
               (int64_t)(o->shape[i] - 1), p->strides[i], &reach) &&
           !__builtin_add_overflow(
               reach < 0 ? low : high, reach, reach < 0 ? &low : &high);
  }
  if (fits && (empty || (low >= 0 && high < a->size))) return 0;
  return infer_fail(x, "reaches out of %lld elements", (long long)a->size);
}

int infer_contiguous(lz_infer* x) {
  return infer_expect(x, 1, 1, sizeof(int32_t)) || infer_like(x, 0, x->in[0]);
}

int infer_concatenate(lz_infer* x) {
  const int32_t* axis = x->params;
  if (x->n_in < 1 || infer_expect(x, x->n_in, 1, sizeof *axis) ||
      infer_axis(x, *axis, x->in[0]->ndim) || infer_one_type(x))
    return 1;
  const lz_array* first = x->in[0];
  int32_t shape[LZ_MAX_DIMS];
  memcpy(shape, first->shape, sizeof(int32_t) * first->ndim);
  int64_t extent = 0;
  for (int i = 0; i < x->n_in; i++) {
    const lz_array* a = x->in[i];
    bool fits = a->ndim == first->ndim;
    for (int d = 0; fits && d < a->ndim; d++)
      fits = d == *axis || a->shape[d] == first->shape[d];
    if (!fits)
      return infer_fail(
          x,
          "%s and %s along axis %d",
          error_shape_of(first),
          error_shape_of(a),
          *axis);
    extent += a->shape[*axis];
  }
  if (extent > INT32_MAX)
    return infer_fail(x, "%lld elements along an axis", (long long)extent);
  shape[*axis] = (int32_t)extent;
  return infer_put(x, 0, (lz_dtype)first->dtype, first->ndim, shape);
}
