#include "ops/update.h"

#include <string.h>

#include "core/error.h"
#include "core/scope.h"
#include "cpu/copy.h"
#include "ops/create.h"
#include "ops/elementwise.h"
#include "ops/index.h"
#include "ops/infer.h"
#include "ops/rules.h"
#include "ops/shape.h"

#define RULES(id) .vjp = id##_vjp, .jvp = id##_jvp, .infer = infer_##id

/* In place: what is not updated stays where it is. */
static void update_count(lz_exec* x) {
  for (int i = 1; i < x->n_in; i++) {
    uint64_t bytes = array_nbytes(x->in[i]);
    x->read += bytes;
    if (bytes > x->written) x->written = bytes;
  }
}

/* Room for the output, or the input's own: then `there` says that it holds
 * what it begins with. `turned`: row-contiguous, whatever the layout of the
 * input. */
static int update_room(lz_exec* x, bool turned, lz_view* out, bool* there) {
  if (turned ? exec_alloc_or_donate(x, 0, 0) : exec_alloc_or_donate_as(x, 0, 0))
    return 1;
  *out = array_view(x->out[0]);
  *there = x->out[0]->buffer == x->in[0]->buffer;
  if (*there) update_count(x);
  return 0;
}

int update_begin(lz_exec* x, lz_view* out) {
  bool there;
  if (update_room(x, false, out, &there)) return 1;
  const lz_array *in = x->in[0], *to = x->out[0];
  if (there || to->size == 0) return 0;
  if (!(in->flags & ARRAY_CONTIGUOUS) || to->size > INT32_MAX) {
    lz_view from = array_view(in);
    copy_run(out, &from);
    return 0;
  }
  /* One layout on both sides: as it lies in memory. */
  const int32_t n = (int32_t)to->size;
  const int64_t one = 1;
  lz_view flat = {out->data, out->dtype, 1, &n, &one};
  lz_view from = {array_data(in), out->dtype, 1, &n, &one};
  copy_run(&flat, &from);
  return 0;
}

/* ---- scatter ------------------------------------------------------------- */

static int scatter_cpu(lz_exec* x) {
  const index_params* p = x->params;
  lz_view indices[LZ_MAX_DIMS], out;
  int axes[LZ_MAX_DIMS];
  if (update_begin(x, &out)) return 1;
  for (int i = 0; i < p->n_axes; i++) {
    indices[i] = array_view(x->in[i + 1]);
    axes[i] = p->axes[i];
  }
  const lz_array* updates = x->in[x->n_in - 1];
  lz_view from = array_view(updates);
  if (updates->size && out.data)
    scatter_run(
        (scatter_reduce)(x->op - op_scatter_descs),
        &out,
        p->n_axes,
        indices,
        axes,
        &from);
  return 0;
}

const lz_op op_scatter_descs[] = {
    [SCATTER_NONE] = {.name = "Scatter", .cpu = scatter_cpu, RULES(scatter)},
    [SCATTER_SUM] = {.name = "ScatterSum", .cpu = scatter_cpu, RULES(scatter)},
    [SCATTER_PROD] =
        {.name = "ScatterProd", .cpu = scatter_cpu, RULES(scatter)},
    [SCATTER_MAX] = {.name = "ScatterMax", .cpu = scatter_cpu, RULES(scatter)},
    [SCATTER_MIN] = {.name = "ScatterMin", .cpu = scatter_cpu, RULES(scatter)},
};

lz_array* op_scatter(
    scatter_reduce how,
    lz_array* a,
    lz_array* const* indices,
    int n_indices,
    lz_array* updates,
    const int* axes,
    int n_axes,
    lz_stream* s) {
  if (!a || !updates || !s) return NULL;
  if (index_check_axes("scatter", a, axes, n_axes, n_indices)) return NULL;
  lz_array* operands[LZ_MAX_DIMS + 2];
  int32_t shape[LZ_MAX_DIMS];
  int ndim;
  if (index_prepare(
          "scatter", indices, n_indices, s, operands + 1, &ndim, shape))
    return NULL;
  bool fits = updates->ndim == a->ndim + ndim;
  for (int i = 0; fits && i < ndim; i++) fits = updates->shape[i] == shape[i];
  for (int i = 0; fits && i < a->ndim; i++)
    fits = updates->shape[ndim + i] <= a->shape[i];
  if (!fits)
    return error_set(
        "[scatter] Updates of shape %s do not fit indices of shape %s into an "
        "array of shape %s.",
        error_shape_of(updates),
        error_shape(ndim, shape),
        error_shape_of(a));
  index_params p = {.n_axes = n_axes};
  for (int i = 0; i < n_axes; i++) p.axes[i] = axes[i];
  operands[0] = a;
  operands[n_indices + 1] = op_astype(updates, (lz_dtype)a->dtype, s);
  if (!operands[n_indices + 1]) return NULL;
  return scope_own(node_make(
      &op_scatter_descs[how],
      s,
      operands,
      n_indices + 2,
      &p,
      sizeof p,
      (lz_dtype)a->dtype,
      a->ndim,
      a->shape));
}

/* ---- along an axis ------------------------------------------------------- */

static int scatter_axis_cpu(lz_exec* x) {
  const int32_t* axis = x->params;
  lz_view out;
  /* Indices read along their rows write along rows: else each goes to another
   * line of the cache. */
  bool turned = x->in[1]->strides[*axis] == 1 &&
                x->in[0]->strides[*axis] != 1 && x->in[1]->shape[*axis] > 1;
  bool there;
  if (update_room(x, turned, &out, &there)) return 1;
  lz_view base = array_view(x->in[0]);
  lz_view indices = array_view(x->in[1]), updates = array_view(x->in[2]);
  if (x->out[0]->size)
    scatter_along(
        (scatter_reduce)(x->op - op_scatter_axis_descs),
        &out,
        there ? NULL : &base,
        &indices,
        *axis,
        &updates);
  return 0;
}

const lz_op op_scatter_axis_descs[] = {
    [SCATTER_NONE] =
        {.name = "ScatterAxis",
         .cpu = scatter_axis_cpu,
         RULES(scatter_axis),
         .vmap = scatter_axis_vmap},
    [SCATTER_SUM] =
        {.name = "ScatterAxisSum",
         .cpu = scatter_axis_cpu,
         RULES(scatter_axis),
         .vmap = scatter_axis_vmap},
};

lz_array* op_scatter_axis(
    scatter_reduce how,
    lz_array* a,
    lz_array* indices,
    lz_array* values,
    int axis,
    lz_stream* s) {
  if (!a || !indices || !values || !s) return NULL;
  const char* op = how == SCATTER_SUM ? "scatter_add_axis" : "put_along_axis";
  int32_t at = shape_axis(op, axis, a->ndim);
  if (at < 0) return NULL;
  if (indices->ndim != a->ndim)
    return error_set(
        "[%s] Indices of dimension %d does not match array of dimension %d.",
        op,
        indices->ndim,
        a->ndim);
  if (a->size == 0) return a;
  if (!dtype_is_integer((lz_dtype)indices->dtype))
    return error_set(
        "[%s] indices must be integers, not %s",
        op,
        dtype_name((lz_dtype)indices->dtype));
  lz_array* updates = op_astype(values, (lz_dtype)a->dtype, s);
  if (values->ndim > indices->ndim) {
    int lead[LZ_MAX_DIMS];
    int n = values->ndim - indices->ndim;
    for (int i = 0; i < n; i++) lead[i] = i;
    updates = op_squeeze(updates, lead, n, s);
  }
  if (!updates) return NULL;
  int32_t shape[LZ_MAX_DIMS], own[LZ_MAX_DIMS];
  int ndim = shape_broadcast(op, indices, updates, shape);
  if (ndim < 0) return NULL;
  lz_array both = {.ndim = (uint8_t)ndim, .shape = shape};
  if (index_broadcast_but(op, a, &both, at, own)) return NULL;
  int32_t along = shape[at];
  memcpy(shape, own, sizeof own);
  shape[at] = along;
  own[at] = a->shape[at];
  lz_array* operands[] = {
      op_broadcast_to(a, own, a->ndim, s),
      op_broadcast_to(indices, shape, ndim, s),
      op_broadcast_to(updates, shape, ndim, s)};
  for (int i = 0; i < 3; i++)
    if (!operands[i]) return NULL;
  return scope_own(node_make(
      &op_scatter_axis_descs[how],
      s,
      operands,
      3,
      &at,
      sizeof at,
      (lz_dtype)a->dtype,
      a->ndim,
      own));
}

/* ---- masks --------------------------------------------------------------- */

static int masked_scatter_cpu(lz_exec* x) {
  lz_view out;
  if (update_begin(x, &out)) return 1;
  lz_view mask = array_view(x->in[1]), src = array_view(x->in[2]);
  if (x->out[0]->size && scatter_masked(&out, &mask, &src))
    return error_fail(
        "[masked_scatter] the mask holds more often than there are values: %s",
        error_shape_of(x->in[2]));
  return 0;
}

const lz_op op_masked_scatter_desc = {
    .name = "MaskedScatter",
    .cpu = masked_scatter_cpu,
    .vjp = masked_scatter_vjp,
    .infer = infer_masked_scatter};

lz_array* op_masked_scatter(
    lz_array* a, lz_array* mask, lz_array* value, lz_stream* s) {
  if (!a || !mask || !value || !s) return NULL;
  if (mask->dtype != DTYPE_BOOL)
    return error_set(
        "[masked_scatter] The mask has to be boolean, not %s.",
        dtype_name((lz_dtype)mask->dtype));
  bool fits = mask->ndim <= a->ndim;
  for (int i = 0; fits && i < mask->ndim; i++)
    fits = mask->shape[i] == a->shape[i];
  if (!fits)
    return error_set(
        "[masked_scatter] The boolean mask of shape %s should have the shape "
        "that the array, %s, begins with.",
        error_shape_of(mask),
        error_shape_of(a));
  int rest = a->ndim - mask->ndim; /* axes that one element of the mask moves */
  if (value->ndim > rest + 1)
    return error_set(
        "[masked_scatter] values of shape %s for %d axes behind the mask's",
        error_shape_of(value),
        rest);
  /* mask: a's shape; value: (elements or mask's, the rest); both as one batch
   */
  int32_t shape[LZ_MAX_DIMS + 1], wide[LZ_MAX_DIMS + 1];
  for (int i = 0; i < a->ndim; i++)
    shape[i] = i < mask->ndim ? mask->shape[i] : 1;
  lz_array* m = op_reshape(mask, shape, a->ndim, s);
  m = op_broadcast_to(m, a->shape, a->ndim, s);
  int lead = rest + 1 - value->ndim;
  for (int i = 0; i <= rest; i++) {
    wide[i] = i < lead ? 1 : value->shape[i - lead];
    shape[i] = i      ? a->shape[mask->ndim + i - 1]
               : lead ? (int32_t)mask->size
                      : value->shape[0];
  }
  lz_array* v = op_astype(value, (lz_dtype)a->dtype, s);
  v = op_broadcast_to(op_reshape(v, wide, rest + 1, s), shape, rest + 1, s);
  const int first = 0;
  lz_array* operands[] = {
      op_expand_dims(a, &first, 1, s),
      op_expand_dims(m, &first, 1, s),
      op_expand_dims(v, &first, 1, s)};
  for (int i = 0; i < 3; i++)
    if (!operands[i]) return NULL;
  lz_array* out = scope_own(node_make(
      &op_masked_scatter_desc,
      s,
      operands,
      3,
      NULL,
      0,
      (lz_dtype)a->dtype,
      a->ndim + 1,
      operands[0]->shape));
  return op_squeeze(out, &first, 1, s);
}
