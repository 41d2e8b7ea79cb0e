/* Slices written into: slice_update and its kin, and padding. */
#include <string.h>

#include "core/error.h"
#include "core/scope.h"
#include "ops/create.h"
#include "ops/elementwise.h"
#include "ops/index.h"
#include "ops/infer.h"
#include "ops/rules.h"
#include "ops/shape.h"
#include "ops/update.h"

#define RULES(id) .vjp = id##_vjp, .jvp = id##_jvp, .infer = infer_##id

static int slice_update_cpu(lz_exec* x) {
  const slice_params* p = x->params;
  lz_view out, updates = array_view(x->in[1]);
  if (update_begin(x, &out)) return 1;
  if (x->in[1]->size == 0) return 0;
  int64_t strides[LZ_MAX_DIMS], offset = 0;
  for (int i = 0; i < out.ndim; i++) {
    offset += p->start[i] * out.strides[i];
    strides[i] = p->step[i] * out.strides[i];
  }
  lz_view slice = {
      (char*)out.data + offset * (int64_t)dtype_size(out.dtype),
      out.dtype,
      out.ndim,
      updates.shape,
      strides};
  scatter_slice(
      (scatter_reduce)(x->op - op_slice_update_descs), &slice, &updates);
  return 0;
}

const lz_op op_slice_update_descs[] = {
    [SCATTER_NONE] =
        {.name = "SliceUpdate", .cpu = slice_update_cpu, RULES(slice_update)},
    [SCATTER_SUM] =
        {.name = "SliceUpdateSum",
         .cpu = slice_update_cpu,
         RULES(slice_update)},
    [SCATTER_PROD] =
        {.name = "SliceUpdateProd",
         .cpu = slice_update_cpu,
         RULES(slice_update)},
    [SCATTER_MAX] =
        {.name = "SliceUpdateMax",
         .cpu = slice_update_cpu,
         RULES(slice_update)},
    [SCATTER_MIN] =
        {.name = "SliceUpdateMin",
         .cpu = slice_update_cpu,
         RULES(slice_update)},
};

/* Start and extent of Python's start:stop:step on n elements. */
static int32_t slice_extent(int n, int* start, int stop, int step) {
  int64_t from = *start < 0 ? *start + n : *start;
  int64_t to = stop < 0 ? stop + n : stop;
  if (step < 0) {
    from = from < n - 1 ? from : n - 1;
    to = to > -1 ? to : -1;
    *start = (int)from;
    return to >= from ? 0 : (int32_t)((from - to - step - 1) / -step);
  }
  from = from < 0 ? 0 : from > n ? n : from;
  to = to < 0 ? 0 : to > n ? n : to;
  *start = (int)from;
  return to <= from ? 0 : (int32_t)((to - from + step - 1) / step);
}

/* The whole array is the slice: an element-wise operation. */
static lz_array* slice_whole(
    scatter_reduce how, lz_array* src, lz_array* update, lz_stream* s) {
  switch (how) {
    case SCATTER_SUM:
      return op_add(src, update, s);
    case SCATTER_PROD:
      return op_multiply(src, update, s);
    case SCATTER_MAX:
      return op_maximum(src, update, s);
    case SCATTER_MIN:
      return op_minimum(src, update, s);
    default:
      return update;
  }
}

lz_array* op_slice_update(
    scatter_reduce how,
    lz_array* src,
    lz_array* update,
    const int* start,
    const int* stop,
    const int* strides,
    int n,
    lz_stream* s) {
  if (!src || !update || !s) return NULL;
  if (n != src->ndim)
    return error_set(
        "[slice_update] Invalid number of indices or strides, %d, for array "
        "with dimension %d.",
        n,
        src->ndim);
  slice_params p = {{0}, {0}};
  int32_t shape[LZ_MAX_DIMS];
  bool backwards = false;
  for (int i = 0; i < n; i++) {
    if (strides[i] == 0)
      return error_set("[slice_update] the stride of axis %d is 0", i);
    p.start[i] = start[i];
    p.step[i] = strides[i];
    backwards |= strides[i] < 0;
    shape[i] = slice_extent(src->shape[i], &p.start[i], stop[i], strides[i]);
  }
  lz_array* upd =
      op_broadcast_to(op_astype(update, (lz_dtype)src->dtype, s), shape, n, s);
  if (!upd) return NULL;
  if (!backwards && array_same_shape(upd, src))
    return slice_whole(how, src, upd, s);
  lz_array* operands[] = {src, upd};
  return scope_own(node_make(
      &op_slice_update_descs[how],
      s,
      operands,
      2,
      &p,
      sizeof p,
      (lz_dtype)src->dtype,
      src->ndim,
      src->shape));
}

/* ---- dynamic ------------------------------------------------------------- */

static int dynamic_slice_update_cpu(lz_exec* x) {
  const index_params* p = x->params;
  lz_view out, updates = array_view(x->in[1]), start = array_view(x->in[2]);
  int axes[LZ_MAX_DIMS];
  if (update_begin(x, &out)) return 1;
  if (x->in[1]->size == 0) return 0;
  for (int i = 0; i < p->n_axes; i++) axes[i] = p->axes[i];
  int64_t offset = scatter_offset(&out, &start, p->n_axes, axes, updates.shape);
  lz_view slice = {
      (char*)out.data + offset * (int64_t)dtype_size(out.dtype),
      out.dtype,
      out.ndim,
      updates.shape,
      out.strides};
  scatter_slice(SCATTER_NONE, &slice, &updates);
  return 0;
}

const lz_op op_dynamic_slice_update_desc = {
    .name = "DynamicSliceUpdate",
    .cpu = dynamic_slice_update_cpu,
    RULES(dynamic_slice_update)};

lz_array* op_slice_update_dynamic(
    lz_array* src,
    lz_array* update,
    lz_array* start,
    const int* axes,
    int n_axes,
    lz_stream* s) {
  if (!src || !update || !start || !s) return NULL;
  index_params p = {.n_axes = n_axes};
  if (index_check_start("slice_update", src, start, axes, n_axes, p.axes))
    return NULL;
  if (update->ndim > src->ndim)
    return error_set(
        "[slice_update] an update of shape %s for an array of shape %s",
        error_shape_of(update),
        error_shape_of(src));
  /* Axes that the update has not are the array's, but those that the starts
   * name are one element. */
  int32_t shape[LZ_MAX_DIMS];
  int lead = src->ndim - update->ndim;
  for (int i = 0; i < src->ndim; i++) {
    int32_t extent = i < lead ? src->shape[i] : update->shape[i - lead];
    shape[i] = extent < src->shape[i] ? extent : src->shape[i];
  }
  for (int i = 0; i < n_axes; i++)
    if (p.axes[i] < lead) shape[p.axes[i]] = 1;
  lz_array* operands[] = {
      src,
      op_broadcast_to(
          op_astype(update, (lz_dtype)src->dtype, s), shape, src->ndim, s),
      start};
  if (!operands[1]) return NULL;
  return scope_own(node_make(
      &op_dynamic_slice_update_desc,
      s,
      operands,
      3,
      &p,
      sizeof p,
      (lz_dtype)src->dtype,
      src->ndim,
      src->shape));
}

/* ---- padding ------------------------------------------------------------- */

/* Copies of the edges put around what is padded so far, an axis at a time. */
static lz_array* pad_edges(
    lz_array* padded,
    const lz_array* a,
    const int32_t* low,
    const int32_t* high,
    lz_stream* s) {
  int start[LZ_MAX_DIMS], stop[LZ_MAX_DIMS], step[LZ_MAX_DIMS];
  for (int axis = 0; padded && axis < a->ndim; axis++)
    for (int end = 0; padded && end < 2; end++) {
      int n = end ? high[axis] : low[axis];
      if (n == 0) continue;
      for (int i = 0; i < a->ndim; i++) {
        start[i] = 0;
        stop[i] = padded->shape[i];
        step[i] = 1;
      }
      int edge = end ? low[axis] + a->shape[axis] - 1 : low[axis];
      start[axis] = edge;
      stop[axis] = edge + 1;
      lz_array* value = op_slice(padded, start, stop, step, a->ndim, s);
      start[axis] = end ? edge + 1 : 0;
      stop[axis] = start[axis] + n;
      padded = op_slice_update(
          SCATTER_NONE, padded, value, start, stop, step, a->ndim, s);
    }
  return padded;
}

lz_array* op_pad(
    lz_array* a,
    const int* axes,
    const int* low,
    const int* high,
    int n,
    lz_array* value,
    const char* mode,
    lz_stream* s) {
  if (!a || !value || !s) return NULL;
  int32_t before[LZ_MAX_DIMS] = {0}, after[LZ_MAX_DIMS] = {0};
  int32_t shape[LZ_MAX_DIMS];
  int stop[LZ_MAX_DIMS], step[LZ_MAX_DIMS];
  bool edge = strcmp(mode, "edge") == 0;
  if (!edge && strcmp(mode, "constant") != 0)
    return error_set(
        "[pad] mode \"%s\" is neither \"constant\" nor \"edge\"", mode);
  for (int i = 0; i < n; i++) {
    int axis = shape_axis("pad", axes[i], a->ndim);
    if (axis < 0) return NULL;
    if (low[i] < 0 || high[i] < 0)
      return error_set(
          "[pad] Padding sizes must be non-negative, not %d and %d on axis %d",
          low[i],
          high[i],
          axes[i]);
    before[axis] += low[i];
    after[axis] += high[i];
  }
  for (int i = 0; i < a->ndim; i++) {
    shape[i] = before[i] + a->shape[i] + after[i];
    stop[i] = before[i] + a->shape[i];
    step[i] = 1;
  }
  lz_array* around = op_full(shape, a->ndim, value, (lz_dtype)a->dtype, s);
  lz_array* padded =
      op_slice_update(SCATTER_NONE, around, a, before, stop, step, a->ndim, s);
  return edge && a->size ? pad_edges(padded, a, before, after, s) : padded;
}
