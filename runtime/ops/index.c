#include "ops/index.h"

#include <string.h>

#include "core/error.h"
#include "core/scope.h"
#include "cpu/gather.h"
#include "cpu/scatter.h"
#include "ops/elementwise.h"
#include "ops/infer.h"
#include "ops/rules.h"
#include "ops/shape.h"

/* ---- checks -------------------------------------------------------------- */

int index_check_axes(
    const char* op, const lz_array* a, const int* axes, int n_axes, int n) {
  uint32_t mask = 0;
  if (n > a->ndim)
    return error_fail(
        "[%s] Too many index arrays. Got %d index arrays for input with %d "
        "dimensions.",
        op,
        n,
        a->ndim);
  if (n != n_axes)
    return error_fail("[%s] %d index arrays for %d axes.", op, n, n_axes);
  for (int i = 0; i < n_axes; i++) {
    if (axes[i] < 0 || axes[i] >= a->ndim)
      return error_fail(
          "[%s] axis %d of an array with %d dimensions", op, axes[i], a->ndim);
    if (mask & (UINT32_C(1) << axes[i]))
      return error_fail("[%s] axis %d is named twice", op, axes[i]);
    mask |= UINT32_C(1) << axes[i];
  }
  return 0;
}

int index_prepare(
    const char* op,
    lz_array* const* indices,
    int n,
    lz_stream* s,
    lz_array** out,
    int* ndim,
    int32_t* shape) {
  lz_dtype dtype = DTYPE_BOOL;
  *ndim = 0;
  for (int i = 0; i < n; i++) {
    lz_dtype d = (lz_dtype)indices[i]->dtype;
    if (!dtype_is_integer(d))
      return error_fail(
          "[%s] indices must be integers, not %s", op, dtype_name(d));
    dtype = dtype_promote(dtype, d);
    lz_array sofar = {.ndim = (uint8_t)*ndim, .shape = shape};
    int32_t larger[LZ_MAX_DIMS];
    *ndim = shape_broadcast(op, &sofar, indices[i], larger);
    if (*ndim < 0) return 1;
    memcpy(shape, larger, sizeof(int32_t) * (size_t)*ndim);
  }
  /* int64 and uint64 meet in a float: either serves as an index. */
  if (n && !dtype_is_integer(dtype)) dtype = DTYPE_INT64;
  for (int i = 0; i < n; i++) {
    out[i] = op_broadcast_to(op_astype(indices[i], dtype, s), shape, *ndim, s);
    if (!out[i]) return 1;
  }
  return 0;
}

int index_check_start(
    const char* op,
    const lz_array* a,
    const lz_array* start,
    const int* axes,
    int n_axes,
    int32_t* normal) {
  if (start->ndim > 1 || start->size != n_axes)
    return error_fail(
        "[%s] starts of shape %s for %d axes",
        op,
        error_shape_of(start),
        n_axes);
  if (!dtype_is_integer((lz_dtype)start->dtype))
    return error_fail(
        "[%s] Start indices must be integers, got type %s.",
        op,
        dtype_name((lz_dtype)start->dtype));
  uint32_t mask;
  if (shape_axes(op, axes, n_axes, a->ndim, &mask)) return 1;
  for (int i = 0; i < n_axes; i++)
    normal[i] = axes[i] < 0 ? axes[i] + a->ndim : axes[i];
  return 0;
}

int index_broadcast_but(
    const char* op,
    const lz_array* a,
    const lz_array* b,
    int axis,
    int32_t* shape) {
  for (int i = 0; i < a->ndim; i++) {
    int32_t x = a->shape[i], y = b->shape[i];
    if (i != axis && x != y && x != 1 && y != 1)
      return error_fail(
          "[%s] Shapes %s and %s cannot be broadcast but for axis %d.",
          op,
          error_shape_of(a),
          error_shape_of(b),
          axis);
    shape[i] = x == 1 ? y : x;
  }
  return 0;
}

/* ---- gather -------------------------------------------------------------- */

static int gather_cpu(lz_exec* x) {
  const index_params* p = x->params;
  lz_view indices[LZ_MAX_DIMS];
  int axes[LZ_MAX_DIMS];
  if (exec_alloc(x, 0)) return 1;
  for (int i = 0; i < p->n_axes; i++) {
    indices[i] = array_view(x->in[i + 1]);
    axes[i] = p->axes[i];
  }
  lz_view src = array_view(x->in[0]), out = array_view(x->out[0]);
  /* Of the source, what the result holds; and the indices. */
  x->read = array_nbytes(x->out[0]);
  for (int i = 1; i < x->n_in; i++) x->read += array_nbytes(x->in[i]);
  if (x->out[0]->size)
    gather_run(&src, p->n_axes, indices, axes, p->sizes, &out);
  return 0;
}

const lz_op op_gather_desc = {
    .name = "Gather",
    .cpu = gather_cpu,
    .vjp = gather_vjp,
    .jvp = gather_jvp,
    .vmap = gather_vmap,
    .infer = infer_gather};

lz_array* op_gather(
    lz_array* a,
    lz_array* const* indices,
    int n_indices,
    const int* axes,
    int n_axes,
    const int* slice_sizes,
    int n_sizes,
    lz_stream* s) {
  if (!a || !s) return NULL;
  if (index_check_axes("gather", a, axes, n_axes, n_indices)) return NULL;
  if (n_sizes != a->ndim)
    return error_set(
        "[gather] Got slice_sizes with size %d for array with %d dimensions.",
        n_sizes,
        a->ndim);
  lz_array* operands[LZ_MAX_DIMS + 1];
  int32_t shape[2 * LZ_MAX_DIMS];
  int ndim;
  if (index_prepare(
          "gather", indices, n_indices, s, operands + 1, &ndim, shape))
    return NULL;
  int64_t positions = 1, slice = 1;
  for (int i = 0; i < ndim; i++) positions *= shape[i];
  index_params p = {.n_axes = n_axes};
  for (int i = 0; i < n_axes; i++) p.axes[i] = axes[i];
  for (int i = 0; i < a->ndim; i++) {
    p.sizes[i] = slice_sizes[i];
    slice *= slice_sizes[i];
    if (a->size && (slice_sizes[i] < 0 || slice_sizes[i] > a->shape[i]))
      return error_set(
          "[gather] Slice sizes must be in [0, a.shape(i)]. Got %s for array "
          "with shape %s.",
          error_shape(n_sizes, slice_sizes),
          error_shape_of(a));
    shape[ndim + i] = slice_sizes[i];
  }
  if (a->size == 0 && positions && slice)
    return error_set(
        "[gather] slices of %s cannot be read from an empty array of shape %s",
        error_shape(n_sizes, slice_sizes),
        error_shape_of(a));
  if (ndim + a->ndim > LZ_MAX_DIMS)
    return error_set("[gather] more than %d dimensions", LZ_MAX_DIMS);
  operands[0] = a;
  return scope_own(node_make(
      &op_gather_desc,
      s,
      operands,
      n_indices + 1,
      &p,
      sizeof p,
      (lz_dtype)a->dtype,
      ndim + a->ndim,
      shape));
}

lz_array* op_take(
    lz_array* a, lz_array* indices, const int* axis, lz_stream* s) {
  if (!a || !indices || !s) return NULL;
  if (!axis) {
    a = op_reshape(a, (const int32_t[]){-1}, 1, s);
    return op_take(a, indices, (const int[]){0}, s);
  }
  int at = shape_axis("take", *axis, a->ndim);
  if (at < 0) return NULL;
  if (a->shape[at] == 0 && indices->size != 0)
    return error_set("[take] Cannot do a non-empty take from an empty axis.");
  int32_t sizes[LZ_MAX_DIMS];
  memcpy(sizes, a->shape, sizeof(int32_t) * a->ndim);
  sizes[at] = 1;
  lz_array* out = op_gather(a, &indices, 1, &at, 1, sizes, a->ndim, s);
  if (!out) return NULL;
  /* (indices…, slices…) with the indices moved to where the axis was. */
  int order[LZ_MAX_DIMS], n = indices->ndim, k = 0;
  for (int i = 0; i < at; i++) order[k++] = n + i;
  for (int i = 0; i < n; i++) order[k++] = i;
  for (int i = at; i < a->ndim; i++) order[k++] = n + i;
  if (at) out = op_transpose(out, order, k, s);
  return op_squeeze(out, (const int[]){n + at}, 1, s);
}

/* ---- along an axis ------------------------------------------------------- */

static int gather_axis_cpu(lz_exec* x) {
  const int32_t* axis = x->params;
  if (exec_alloc(x, 0)) return 1;
  lz_view src = array_view(x->in[0]), indices = array_view(x->in[1]);
  lz_view out = array_view(x->out[0]);
  x->read = array_nbytes(x->out[0]) + array_nbytes(x->in[1]);
  if (x->out[0]->size) gather_along(&src, &indices, *axis, &out);
  return 0;
}

static int gather_axis_rows(const lz_node* n) {
  return *(const int32_t*)n->params;
}

static int gather_axis_inner(const lz_inner* x) {
  const int32_t* axis = x->params;
  gather_along(&x->in[0], &x->in[1], *axis - x->merged, x->out);
  return 0;
}

static const lz_fusable gather_axis_fusable = {
    .rows = gather_axis_rows, .row_inputs = 3, .run = gather_axis_inner};

const lz_op op_gather_axis_desc = {
    .name = "GatherAxis",
    .cpu = gather_axis_cpu,
    .fusable = &gather_axis_fusable,
    .vjp = gather_axis_vjp,
    .jvp = gather_axis_jvp,
    .vmap = gather_axis_vmap,
    .infer = infer_gather_axis};

lz_array* op_take_along_axis(
    lz_array* a, lz_array* indices, int axis, lz_stream* s) {
  if (!a || !indices || !s) return NULL;
  int32_t at = shape_axis("take_along_axis", axis, a->ndim);
  if (at < 0) return NULL;
  if (indices->ndim != a->ndim)
    return error_set(
        "[take_along_axis] Indices of dimension %d does not match array of "
        "dimension %d.",
        indices->ndim,
        a->ndim);
  if (!dtype_is_integer((lz_dtype)indices->dtype))
    return error_set(
        "[take_along_axis] indices must be integers, not %s",
        dtype_name((lz_dtype)indices->dtype));
  int32_t shape[LZ_MAX_DIMS], own[LZ_MAX_DIMS];
  if (index_broadcast_but("take_along_axis", a, indices, at, shape))
    return NULL;
  memcpy(own, shape, sizeof own);
  own[at] = a->shape[at];
  shape[at] = indices->shape[at];
  lz_array* operands[] = {
      op_broadcast_to(a, own, a->ndim, s),
      op_broadcast_to(indices, shape, a->ndim, s)};
  if (!operands[0] || !operands[1]) return NULL;
  return scope_own(node_make(
      &op_gather_axis_desc,
      s,
      operands,
      2,
      &at,
      sizeof at,
      (lz_dtype)a->dtype,
      a->ndim,
      shape));
}

/* ---- slices that start where an array says ------------------------------- */

static int dynamic_slice_cpu(lz_exec* x) {
  const index_params* p = x->params;
  int axes[LZ_MAX_DIMS];
  for (int i = 0; i < p->n_axes; i++) axes[i] = p->axes[i];
  lz_view in = array_view(x->in[0]), start = array_view(x->in[1]);
  if (x->out[0]->size == 0) return exec_alloc(x, 0);
  int64_t offset = scatter_offset(&in, &start, p->n_axes, axes, p->sizes);
  exec_share(
      x, 0, 0, offset * (int64_t)dtype_size(in.dtype), x->in[0]->strides);
  return 0;
}

const lz_op op_dynamic_slice_desc = {
    .name = "DynamicSlice",
    .cpu = dynamic_slice_cpu,
    .vjp = dynamic_slice_vjp,
    .jvp = dynamic_slice_jvp,
    .infer = infer_dynamic_slice};

lz_array* op_slice_dynamic(
    lz_array* a,
    lz_array* start,
    const int* axes,
    int n_axes,
    const int* sizes,
    int n_sizes,
    lz_stream* s) {
  if (!a || !start || !s) return NULL;
  index_params p = {.n_axes = n_axes};
  if (index_check_start("slice", a, start, axes, n_axes, p.axes)) return NULL;
  if (n_sizes != a->ndim)
    return error_set(
        "[slice] Invalid slice size for array with %d dimensions.", a->ndim);
  for (int i = 0; i < a->ndim; i++) {
    p.sizes[i] = sizes[i];
    if (sizes[i] < 0 || sizes[i] > a->shape[i])
      return error_set(
          "[slice] Invalid slice size %s for array with shape %s.",
          error_shape(n_sizes, sizes),
          error_shape_of(a));
  }
  lz_array* operands[] = {a, start};
  return scope_own(node_make(
      &op_dynamic_slice_desc,
      s,
      operands,
      2,
      &p,
      sizeof p,
      (lz_dtype)a->dtype,
      a->ndim,
      p.sizes));
}
