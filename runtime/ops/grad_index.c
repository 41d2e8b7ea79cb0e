/* Derivatives and batching of reading at computed positions, and of views of
 * any kind. */
#include "core/error.h"
#include "ops/create.h"
#include "ops/index.h"
#include "ops/rules.h"
#include "ops/shape.h"
#include "ops/update.h"
#include "ops/view.h"

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

/* Positions have no tangents. */
static int positions_fixed(const lz_jvp* v) {
  for (uint32_t i = 1; i < v->node->n_inputs; i++)
    if (v->tangent[i])
      return error_fail(
          "[%s] Cannot calculate JVP with respect to indices.",
          v->node->op->name);
  return 0;
}

int gather_jvp(const lz_jvp* v) {
  const index_params* p = v->node->params;
  if (positions_fixed(v)) return 1;
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
  if (positions_fixed(v)) return 1;
  if (!v->tangent[0]) return 0;
  v->result[0] = op_take_along_axis(v->tangent[0], v->in[1], axis, v->stream);
  return !v->result[0];
}

int gather_axis_vmap(const lz_vmap* v) {
  int axis = *(const int32_t*)v->node->params;
  lz_array* in[2];
  if (rules_lead(v, in)) return 1;
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
