/* Derivatives and batching of reading and writing at computed positions, of
 * slices that are written into, of sorting and of cumulative operations. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "ops/create.h"
#include "ops/elementwise.h"
#include "ops/index.h"
#include "ops/order.h"
#include "ops/rules.h"
#include "ops/shape.h"
#include "ops/update.h"
#include "ops/view.h"

/* Where `same` holds, else zero. */
static lz_array* masked(lz_array* same, lz_array* g, lz_stream* s) {
  return g ? op_where(same, g, op_scalar((lz_dtype)g->dtype, 0), s) : NULL;
}

/* ---- gather -------------------------------------------------------------- */

int gather_vjp(const lz_vjp* v) {
  const index_params* p = v->node->params;
  if (!v->wanted[0]) return 0;
  v->grad[0] = op_scatter(
      SCATTER_SUM,
      op_zeros_like(v->in[0], v->stream),
      v->in + 1,
      p->n_axes,
      v->cotan[0],
      p->axes,
      p->n_axes,
      v->stream);
  return !v->grad[0];
}

int gather_jvp(const lz_jvp* v) {
  const index_params* p = v->node->params;
  if (!v->tangent[0]) return 0;
  v->result[0] = op_gather(
      v->tangent[0],
      v->in + 1,
      p->n_axes,
      p->axes,
      p->n_axes,
      p->sizes,
      v->in[0]->ndim,
      v->stream);
  return !v->result[0];
}

/* Mapped positions lead the others; a mapped source is read whole along its
 * mapped axis, or, if positions are mapped too, at the example's own place. */
int gather_vmap(const lz_vmap* v) {
  const index_params* p = v->node->params;
  lz_stream* s = v->stream;
  lz_array *src = v->in[0], *indices[LZ_MAX_DIMS + 1];
  int n = p->n_axes, rank = 0, mapped = 0, batch = 0;
  int axes[LZ_MAX_DIMS + 1], sizes[LZ_MAX_DIMS];
  for (int i = 0; i < n; i++) {
    lz_array* index = v->in[i + 1];
    int own = index->ndim - (v->axis[i + 1] >= 0);
    if (own > rank) rank = own;
    mapped |= v->axis[i + 1] >= 0;
  }
  for (int i = 0; i < n; i++) {
    indices[i] = v->in[i + 1];
    axes[i] = p->axes[i];
    if (v->axis[i + 1] < 0) continue;
    batch = indices[i]->shape[v->axis[i + 1]];
    indices[i] = op_moveaxis(indices[i], v->axis[i + 1], 0, s);
    if (!indices[i]) return 1;
  }
  int ndim = src->ndim, lead = v->axis[0] >= 0;
  if (lead) {
    src = op_moveaxis(src, v->axis[0], 0, s);
    if (!src) return 1;
    for (int i = 0; i < n; i++) axes[i]++;
  }
  for (int i = 0; i < ndim; i++) sizes[i] = i < lead ? 1 : p->sizes[i - lead];
  if (lead && !mapped) sizes[0] = src->shape[0];
  if (lead && mapped) {
    int32_t column[LZ_MAX_DIMS];
    for (int i = 0; i <= rank; i++) column[i] = i ? 1 : batch;
    lz_array* own = op_arange(0, batch, 1, DTYPE_INT32, s);
    indices[n] = op_reshape(own, column, rank + 1, s);
    axes[n++] = 0;
    if (!indices[n - 1]) return 1;
  }
  lz_array* y = op_gather(src, indices, n, axes, n, sizes, ndim, s);
  if (lead && mapped) y = op_squeeze(y, (const int[]){rank + 1}, 1, s);
  v->result[0] = y;
  v->result_axis[0] = mapped ? 0 : rank;
  return !y;
}

int gather_axis_vjp(const lz_vjp* v) {
  int axis = *(const int32_t*)v->node->params;
  if (!v->wanted[0]) return 0;
  v->grad[0] = op_scatter_axis(
      SCATTER_SUM,
      op_zeros_like(v->in[0], v->stream),
      v->in[1],
      v->cotan[0],
      axis,
      v->stream);
  return !v->grad[0];
}

int gather_axis_jvp(const lz_jvp* v) {
  int axis = *(const int32_t*)v->node->params;
  if (!v->tangent[0]) return 0;
  v->result[0] = op_take_along_axis(v->tangent[0], v->in[1], axis, v->stream);
  return !v->result[0];
}

/* Inputs of one rank with the mapped axis first, or 1 there. */
static int lead_all(const lz_vmap* v, lz_array** in) {
  for (uint32_t i = 0; i < v->node->n_inputs; i++) {
    in[i] = v->axis[i] >= 0
                ? op_moveaxis(v->in[i], v->axis[i], 0, v->stream)
                : op_expand_dims(v->in[i], (const int[]){0}, 1, v->stream);
    if (!in[i]) return 1;
  }
  return 0;
}

int gather_axis_vmap(const lz_vmap* v) {
  int axis = *(const int32_t*)v->node->params;
  lz_array* in[2];
  if (lead_all(v, in)) return 1;
  v->result[0] = op_take_along_axis(in[0], in[1], axis + 1, v->stream);
  v->result_axis[0] = 0;
  return !v->result[0];
}

int dynamic_slice_vjp(const lz_vjp* v) {
  const index_params* p = v->node->params;
  if (!v->wanted[0]) return 0;
  v->grad[0] = op_slice_update_dynamic(
      op_zeros_like(v->in[0], v->stream),
      v->cotan[0],
      v->in[1],
      p->axes,
      p->n_axes,
      v->stream);
  return !v->grad[0];
}

int dynamic_slice_jvp(const lz_jvp* v) {
  const index_params* p = v->node->params;
  if (!v->tangent[0]) return 0;
  v->result[0] = op_slice_dynamic(
      v->tangent[0],
      v->in[1],
      p->axes,
      p->n_axes,
      p->sizes,
      v->in[0]->ndim,
      v->stream);
  return !v->result[0];
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
  if (lead_all(v, in)) return 1;
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

/* ---- order --------------------------------------------------------------- */

/* Where each element of the result came from. */
static lz_array* order_of(const lz_node* n, lz_array* in, lz_stream* s) {
  const order_params* p = n->params;
  const int axis = p->axis;
  return n->op == &op_partition_desc ? op_argpartition(in, p->kth, &axis, s)
                                     : op_argsort(in, &axis, s);
}

int sort_vjp(const lz_vjp* v) {
  const order_params* p = v->node->params;
  if (!v->wanted[0]) return 0;
  v->grad[0] = op_scatter_axis(
      SCATTER_NONE,
      op_zeros_like(v->in[0], v->stream),
      order_of(v->node, v->in[0], v->stream),
      v->cotan[0],
      p->axis,
      v->stream);
  return !v->grad[0];
}

int sort_jvp(const lz_jvp* v) {
  const order_params* p = v->node->params;
  if (!v->tangent[0]) return 0;
  v->result[0] = op_take_along_axis(
      v->tangent[0],
      order_of(v->node, v->in[0], v->stream),
      p->axis,
      v->stream);
  return !v->result[0];
}

/* ---- cumulative ---------------------------------------------------------- */

static lz_array* scan_again(
    scan_kind kind,
    const scan_params* p,
    bool back,
    lz_array* a,
    lz_stream* s) {
  return op_scan(kind, a, p->axis, back != p->reverse, p->inclusive, s);
}

/* sum of sign * exp(scan(log|part of g| + before) + after), over g's positive
 * and negative parts: no exponential overflows on the way. */
static lz_array* scan_signed(
    const scan_params* p,
    bool back,
    lz_array* g,
    lz_array* before,
    lz_array* after,
    lz_stream* s) {
  lz_array* part[2];
  if (!g) return NULL;
  lz_dtype d = (lz_dtype)g->dtype;
  lz_array* none =
      op_scalar(d, d == DTYPE_FLOAT16 ? -65504 : -(double)FLT_MAX / 2);
  for (int i = 0; i < 2; i++) {
    lz_array* side = i ? op_negative(g, s) : g;
    lz_array* log = op_where(
        op_greater(side, op_scalar(d, 0), s), op_log(op_abs(g, s), s), none, s);
    log = scan_again(SCAN_LOGADDEXP, p, back, op_add(log, before, s), s);
    part[i] = op_exp(op_add(log, after, s), s);
  }
  return op_subtract(part[0], part[1], s);
}

/* Before the first zero a product divided by its factor is the rest; that zero
 * itself sees the products without it; later ones see nothing but zero. */
static lz_array* cumprod_grad(const lz_vjp* v, const scan_params* p) {
  lz_stream* s = v->stream;
  lz_array *x = v->in[0], *g = v->cotan[0];
  lz_dtype d = (lz_dtype)x->dtype;
  lz_array *zero = op_scalar(d, 0), *one = op_scalar(d, 1);
  lz_array* below = op_scan(SCAN_PROD, x, p->axis, p->reverse, false, s);
  lz_array* with = op_scan(SCAN_PROD, x, p->axis, p->reverse, true, s);
  lz_array* gone = op_equal(with, zero, s);
  lz_array* first = op_logical_and(gone, op_not_equal(below, zero, s), s);
  lz_array* without =
      scan_again(SCAN_PROD, p, false, op_where(first, one, x, s), s);
  lz_array* grad =
      scan_again(SCAN_SUM, p, true, op_multiply(v->out[0], g, s), s);
  /* By one where there is a zero: that quotient is not used, and must not be
   * infinite all the same, or derivatives of this would be 0 * inf. */
  grad = op_divide(grad, op_where(op_equal(x, zero, s), one, x, s), s);
  lz_array* own = scan_again(SCAN_SUM, p, true, op_multiply(without, g, s), s);
  return op_where(first, own, op_where(gone, zero, grad, s), s);
}

int scan_vjp(const lz_vjp* v) {
  const scan_params* p = v->node->params;
  lz_stream* s = v->stream;
  switch ((scan_kind)(v->node->op - op_scan_descs)) {
    case SCAN_SUM:
      v->grad[0] = scan_again(SCAN_SUM, p, true, v->cotan[0], s);
      break;
    case SCAN_PROD:
      v->grad[0] = cumprod_grad(v, p);
      break;
    case SCAN_LOGADDEXP:
      v->grad[0] = scan_signed(
          p, true, v->cotan[0], op_negative(v->out[0], s), v->in[0], s);
      break;
    default:
      return rules_no_gradient(v->node);
  }
  return !v->grad[0];
}

int scan_jvp(const lz_jvp* v) {
  const scan_params* p = v->node->params;
  lz_stream* s = v->stream;
  lz_array* t = v->tangent[0];
  if (!t) return 0;
  switch ((scan_kind)(v->node->op - op_scan_descs)) {
    case SCAN_SUM:
      v->result[0] = scan_again(SCAN_SUM, p, false, t, s);
      break;
    case SCAN_LOGADDEXP: {
      /* Where nothing is summed yet the result is -inf, and constant. */
      lz_array* zero = op_scalar((lz_dtype)v->out[0]->dtype, 0);
      lz_array* none = op_scalar((lz_dtype)v->out[0]->dtype, -INFINITY);
      lz_array* scale = op_where(
          op_equal(v->out[0], none, s), zero, op_negative(v->out[0], s), s);
      v->result[0] = scan_signed(p, false, t, v->in[0], scale, s);
      break;
    }
    default:
      return error_fail("[jvp] %s has no tangents", v->node->op->name);
  }
  return !v->result[0];
}

int scan_vmap(const lz_vmap* v) {
  const scan_params* p = v->node->params;
  lz_array* a = op_moveaxis(v->in[0], v->axis[0], 0, v->stream);
  v->result[0] = op_scan(
      (scan_kind)(v->node->op - op_scan_descs),
      a,
      p->axis + 1,
      p->reverse,
      p->inclusive,
      v->stream);
  v->result_axis[0] = 0;
  return !v->result[0];
}

int sort_vmap(const lz_vmap* v) {
  const order_params* p = v->node->params;
  const lz_op* op = v->node->op;
  lz_stream* s = v->stream;
  const int axis = p->axis + 1;
  lz_array* a = op_moveaxis(v->in[0], v->axis[0], 0, s);
  v->result[0] = op == &op_sort_desc      ? op_sort(a, &axis, s)
                 : op == &op_argsort_desc ? op_argsort(a, &axis, s)
                 : op == &op_partition_desc
                     ? op_partition(a, p->kth, &axis, s)
                     : op_argpartition(a, p->kth, &axis, s);
  v->result_axis[0] = 0;
  return !v->result[0];
}

/* ---- views of any kind --------------------------------------------------- */

/* Any view of row-major memory: where its elements lie, counted in the same
 * view of 0, 1, 2 …; an element that is seen twice gets both gradients. */
int as_strided_vjp(const lz_vjp* v) {
  const view_strided_params* p = v->node->params;
  lz_array *in = v->in[0], *g = v->cotan[0];
  lz_stream* s = v->stream;
  const int32_t size = (int32_t)in->size, seen = (int32_t)g->size;
  const int first = 0;
  lz_array* places = op_as_strided(
      op_arange(0, size, 1, DTYPE_INT32, s),
      g->shape,
      p->strides,
      g->ndim,
      (size_t)p->offset,
      s);
  places = op_reshape(places, &seen, 1, s);
  v->grad[0] = op_reshape(
      op_scatter(
          SCATTER_SUM,
          op_zeros(&size, 1, (lz_dtype)in->dtype, s),
          &places,
          1,
          op_reshape(g, (const int32_t[]){seen, 1}, 2, s),
          &first,
          1,
          s),
      in->shape,
      in->ndim,
      s);
  return !v->grad[0];
}
