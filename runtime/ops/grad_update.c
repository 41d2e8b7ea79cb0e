/* Derivatives and batching of writing at computed positions and into slices. */
#include "core/error.h"
#include "ops/create.h"
#include "ops/elementwise.h"
#include "ops/index.h"
#include "ops/order.h"
#include "ops/rules.h"
#include "ops/shape.h"
#include "ops/update.h"

/* Where `same` holds, else zero. */
static lz_array* masked(lz_array* same, lz_array* g, lz_stream* s) {
  return g ? op_where(same, g, op_scalar((lz_dtype)g->dtype, 0), s) : NULL;
}

/* ---- scatter ------------------------------------------------------------- */

static lz_array* read_back(const lz_vjp* v, lz_array* from) {
  const index_params* p = v->node->params;
  const lz_array* updates = v->in[p->n_axes + 1];
  const lz_array* a = v->in[0];
  return op_gather(
      from,
      v->in + 1,
      p->n_axes,
      p->axes,
      p->n_axes,
      updates->shape + (updates->ndim - a->ndim),
      a->ndim,
      v->stream);
}

int scatter_vjp(const lz_vjp* v) {
  const index_params* p = v->node->params;
  scatter_reduce how = (scatter_reduce)(v->node->op - op_scatter_descs);
  lz_stream* s = v->stream;
  int last = p->n_axes + 1;
  lz_array *g = v->cotan[0], *out = v->out[0], *updates = v->in[last];
  if (how == SCATTER_PROD) return rules_no_gradient(v->node);
  bool extreme = how == SCATTER_MAX || how == SCATTER_MIN;
  if (v->wanted[0]) {
    if (extreme)
      v->grad[0] = masked(op_equal(out, v->in[0], s), g, s);
    else if (how == SCATTER_SUM)
      v->grad[0] = g;
    else
      v->grad[0] = op_scatter(
          SCATTER_NONE,
          g,
          v->in + 1,
          p->n_axes,
          op_zeros_like(updates, s),
          p->axes,
          p->n_axes,
          s);
    if (!v->grad[0]) return 1;
  }
  if (v->wanted[last]) {
    lz_array* back = read_back(v, g);
    if (extreme)
      back = masked(op_equal(read_back(v, out), updates, s), back, s);
    if (!(v->grad[last] = back)) return 1;
  }
  return 0;
}

int scatter_axis_vjp(const lz_vjp* v) {
  int axis = *(const int32_t*)v->node->params;
  bool sum = v->node->op == &op_scatter_axis_descs[SCATTER_SUM];
  lz_stream* s = v->stream;
  lz_array* g = v->cotan[0];
  if (v->wanted[0]) {
    v->grad[0] = sum ? g
                     : op_scatter_axis(
                           SCATTER_NONE,
                           g,
                           v->in[1],
                           op_zeros_like(v->in[2], s),
                           axis,
                           s);
    if (!v->grad[0]) return 1;
  }
  if (v->wanted[2]) v->grad[2] = op_take_along_axis(g, v->in[1], axis, s);
  return v->wanted[2] && !v->grad[2];
}

/* A tangent or zeros in its place. */
static lz_array* tangent_of(const lz_jvp* v, int i) {
  return v->tangent[i] ? v->tangent[i] : op_zeros_like(v->in[i], v->stream);
}

static bool no_tangent(const lz_jvp* v, int a, int b) {
  return !v->tangent[a] && !v->tangent[b];
}

/* Overwriting and adding are linear in array and updates. */
int scatter_jvp(const lz_jvp* v) {
  const index_params* p = v->node->params;
  scatter_reduce how = (scatter_reduce)(v->node->op - op_scatter_descs);
  int last = p->n_axes + 1;
  if (no_tangent(v, 0, last)) return 0;
  if (how != SCATTER_NONE && how != SCATTER_SUM)
    return error_fail("[jvp] %s has no tangents", v->node->op->name);
  v->result[0] = op_scatter(
      how,
      tangent_of(v, 0),
      v->in + 1,
      p->n_axes,
      tangent_of(v, last),
      p->axes,
      p->n_axes,
      v->stream);
  return !v->result[0];
}

int scatter_axis_jvp(const lz_jvp* v) {
  int axis = *(const int32_t*)v->node->params;
  scatter_reduce how = (scatter_reduce)(v->node->op - op_scatter_axis_descs);
  if (no_tangent(v, 0, 2)) return 0;
  v->result[0] = op_scatter_axis(
      how, tangent_of(v, 0), v->in[1], tangent_of(v, 2), axis, v->stream);
  return !v->result[0];
}

int scatter_axis_vmap(const lz_vmap* v) {
  int axis = *(const int32_t*)v->node->params;
  scatter_reduce how = (scatter_reduce)(v->node->op - op_scatter_axis_descs);
  lz_array* in[3];
  if (rules_lead(v, in)) return 1;
  v->result[0] = op_scatter_axis(how, in[0], in[1], in[2], axis + 1, v->stream);
  v->result_axis[0] = 0;
  return !v->result[0];
}

/* Value k of a batch goes where the mask holds for the k-th time. */
int masked_scatter_vjp(const lz_vjp* v) {
  lz_stream* s = v->stream;
  lz_array *mask = v->in[1], *values = v->in[2];
  lz_array* kept = masked(mask, v->cotan[0], s);
  if (v->wanted[0]) {
    v->grad[0] = masked(op_logical_not(mask, s), v->cotan[0], s);
    if (!v->grad[0]) return 1;
  }
  if (!v->wanted[2] || values->size == 0) return 0;
  const int32_t rows[] = {mask->shape[0], -1};
  lz_array* place = op_astype(op_reshape(mask, rows, 2, s), DTYPE_INT32, s);
  place = op_scan(SCAN_SUM, place, 1, false, false, s);
  /* Places that the mask leaves out add zero, wherever they point. */
  place = op_minimum(
      place,
      op_scalar(DTYPE_INT32, (double)(values->size / values->shape[0] - 1)),
      s);
  lz_array* sum = op_scatter_axis(
      SCATTER_SUM,
      op_reshape(op_zeros_like(values, s), rows, 2, s),
      place,
      op_reshape(kept, rows, 2, s),
      1,
      s);
  v->grad[2] = op_reshape(sum, values->shape, values->ndim, s);
  return !v->grad[2];
}

/* ---- slices -------------------------------------------------------------- */

/* The bounds of a slice of `extents` as op_slice takes them. */
typedef struct bounds {
  int start[LZ_MAX_DIMS], stop[LZ_MAX_DIMS], step[LZ_MAX_DIMS];
} bounds;

static bounds bounds_of(
    const slice_params* p, const lz_array* whole, const lz_array* update) {
  bounds b;
  for (int i = 0; i < whole->ndim; i++) {
    b.start[i] = p->start[i];
    b.step[i] = p->step[i];
    b.stop[i] = p->start[i] + p->step[i] * update->shape[i];
    /* No number says "before 0". */
    if (b.stop[i] < 0) b.stop[i] = -whole->shape[i] - 1;
    if (update->shape[i] == 0) b.stop[i] = b.start[i];
  }
  return b;
}

static lz_array* slice_of(lz_array* a, const bounds* b, lz_stream* s) {
  return a ? op_slice(a, b->start, b->stop, b->step, a->ndim, s) : NULL;
}

static lz_array* slice_put(
    scatter_reduce how,
    lz_array* a,
    lz_array* update,
    const bounds* b,
    lz_stream* s) {
  if (!a) return NULL;
  return op_slice_update(
      how, a, update, b->start, b->stop, b->step, a->ndim, s);
}

int slice_update_vjp(const lz_vjp* v) {
  scatter_reduce how = (scatter_reduce)(v->node->op - op_slice_update_descs);
  lz_stream* s = v->stream;
  lz_array *src = v->in[0], *update = v->in[1], *g = v->cotan[0];
  bounds b = bounds_of(v->node->params, src, update);
  bool extreme = how == SCATTER_MAX || how == SCATTER_MIN;
  if (v->wanted[0]) {
    if (how == SCATTER_NONE)
      v->grad[0] = slice_put(how, g, op_zeros_like(update, s), &b, s);
    else if (how == SCATTER_PROD)
      v->grad[0] = slice_put(how, g, update, &b, s);
    else
      v->grad[0] = extreme ? masked(op_equal(v->out[0], src, s), g, s) : g;
    if (!v->grad[0]) return 1;
  }
  if (v->wanted[1]) {
    lz_array* part = slice_of(g, &b, s);
    if (how == SCATTER_PROD) part = op_multiply(part, slice_of(src, &b, s), s);
    if (extreme)
      part = masked(op_equal(slice_of(v->out[0], &b, s), update, s), part, s);
    if (!(v->grad[1] = part)) return 1;
  }
  return 0;
}

int slice_update_jvp(const lz_jvp* v) {
  scatter_reduce how = (scatter_reduce)(v->node->op - op_slice_update_descs);
  if (no_tangent(v, 0, 1)) return 0;
  if (how != SCATTER_NONE && how != SCATTER_SUM)
    return error_fail("[jvp] %s has no tangents", v->node->op->name);
  bounds b = bounds_of(v->node->params, v->in[0], v->in[1]);
  v->result[0] =
      slice_put(how, tangent_of(v, 0), tangent_of(v, 1), &b, v->stream);
  return !v->result[0];
}

int dynamic_slice_update_vjp(const lz_vjp* v) {
  const index_params* p = v->node->params;
  lz_stream* s = v->stream;
  lz_array *update = v->in[1], *start = v->in[2], *g = v->cotan[0];
  if (v->wanted[0]) {
    v->grad[0] = op_slice_update_dynamic(
        g, op_zeros_like(update, s), start, p->axes, p->n_axes, s);
    if (!v->grad[0]) return 1;
  }
  if (v->wanted[1])
    v->grad[1] = op_slice_dynamic(
        g, start, p->axes, p->n_axes, update->shape, update->ndim, s);
  return v->wanted[1] && !v->grad[1];
}

int dynamic_slice_update_jvp(const lz_jvp* v) {
  const index_params* p = v->node->params;
  if (no_tangent(v, 0, 1)) return 0;
  v->result[0] = op_slice_update_dynamic(
      tangent_of(v, 0),
      tangent_of(v, 1),
      v->in[2],
      p->axes,
      p->n_axes,
      v->stream);
  return !v->result[0];
}
