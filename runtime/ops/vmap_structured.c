/* Batches of reductions, views and concatenation: the mapped axis goes to the
 * front, and the same operation runs on one axis more. */
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/scope.h"
#include "ops/join.h"
#include "ops/reduce_descs.h"
#include "ops/rules.h"
#include "ops/shape.h"
#include "ops/view.h"

static lz_array* batch_first(const lz_vmap* v) {
  return op_moveaxis(v->in[0], v->axis[0], 0, v->stream);
}

/* The batch, then the extents of one example. */
static int batch_shape(
    const lz_array* batch, const lz_array* one, int32_t shape[LZ_MAX_DIMS]) {
  shape[0] = batch->shape[0];
  memcpy(shape + 1, one->shape, sizeof *shape * one->ndim);
  return one->ndim + 1;
}

static int batch_done(const lz_vmap* v, lz_array* result) {
  v->result[0] = result;
  v->result_axis[0] = 0;
  return !result;
}

/* The node's operation on `a`, whose first axis is the mapped one. */
static int batch_node(
    const lz_vmap* v, lz_array* a, const void* params, size_t size) {
  if (!a) return 1;
  const lz_array* one = v->node->outputs[0];
  int32_t shape[LZ_MAX_DIMS];
  int ndim = batch_shape(a, one, shape);
  return batch_done(
      v,
      scope_own(node_make(
          v->node->op,
          v->stream,
          &a,
          1,
          params,
          size,
          (lz_dtype)one->dtype,
          ndim,
          shape)));
}

int rules_lead(const lz_vmap* v, lz_array** in) {
  for (uint32_t i = 0; i < v->node->n_inputs; i++) {
    in[i] = v->axis[i] >= 0
                ? op_moveaxis(v->in[i], v->axis[i], 0, v->stream)
                : op_expand_dims(v->in[i], (const int[]){0}, 1, v->stream);
    if (!in[i]) return 1;
  }
  return 0;
}

int reduce_vmap(const lz_vmap* v) {
  reduce_params p = *(const reduce_params*)v->node->params;
  p.axes <<= 1;
  return batch_node(v, batch_first(v), &p, sizeof p);
}

int arg_vmap(const lz_vmap* v) {
  arg_params p = *(const arg_params*)v->node->params;
  lz_array* a = batch_first(v);
  if (p.axis < 0 && a)
    a = op_reshape(a, (const int32_t[]){a->shape[0], -1}, 2, v->stream);
  p.axis = p.axis < 0 ? 1 : p.axis + 1;
  return batch_node(v, a, &p, sizeof p);
}

int softmax_vmap(const lz_vmap* v) {
  softmax_params p = *(const softmax_params*)v->node->params;
  p.axis++;
  return batch_node(v, batch_first(v), &p, sizeof p);
}

int transpose_vmap(const lz_vmap* v) {
  const view_axes* p = v->node->params;
  int axes[LZ_MAX_DIMS] = {0};
  for (int i = 0; i < p->n; i++) axes[i + 1] = p->axis[i] + 1;
  return batch_done(v, op_transpose(batch_first(v), axes, p->n + 1, v->stream));
}

int same_elements_vmap(const lz_vmap* v) {
  lz_array* a = batch_first(v);
  if (!a) return 1;
  int32_t shape[LZ_MAX_DIMS];
  int ndim = batch_shape(a, v->node->outputs[0], shape);
  return batch_done(v, op_reshape(a, shape, ndim, v->stream));
}

int same_vmap(const lz_vmap* v) {
  return batch_node(v, batch_first(v), v->node->params, v->node->params_size);
}

int broadcast_vmap(const lz_vmap* v) {
  lz_array* a = batch_first(v);
  if (!a) return 1;
  int32_t shape[LZ_MAX_DIMS];
  int ndim = batch_shape(a, v->node->outputs[0], shape);
  int ones[LZ_MAX_DIMS], n = 0;
  for (int d = a->ndim; d < ndim; d++) ones[n] = 1 + n, n++;
  if (n) a = op_expand_dims(a, ones, n, v->stream);
  return batch_done(v, op_broadcast_to(a, shape, ndim, v->stream));
}

int slice_vmap(const lz_vmap* v) {
  const view_slice_params* p = v->node->params;
  lz_array* a = batch_first(v);
  if (!a) return 1;
  if (p->n + 1 > LZ_MAX_DIMS) return VMAP_LOOP;
  view_slice_params q;
  memset(&q, 0, sizeof q);
  q.n = p->n + 1;
  q.stop[0] = a->shape[0];
  q.stride[0] = 1;
  for (int i = 0; i < p->n; i++) {
    q.start[i + 1] = p->start[i];
    q.stop[i + 1] = p->stop[i];
    q.stride[i + 1] = p->stride[i];
  }
  return batch_node(v, a, &q, sizeof q);
}

int concatenate_vmap(const lz_vmap* v) {
  size_t n = v->node->n_inputs;
  lz_array** parts = malloc(n * sizeof *parts);
  if (!parts) return error_memory() == NULL;
  int32_t batch = 0;
  for (size_t i = 0; i < n; i++)
    if (v->axis[i] >= 0) batch = v->in[i]->shape[v->axis[i]];
  for (size_t i = 0; i < n; i++) {
    lz_array* a = v->in[i];
    int32_t shape[LZ_MAX_DIMS] = {batch};
    memcpy(
        shape + 1,
        a->shape,
        sizeof *shape *
            (LZ_MAX_DIMS - 1 < a->ndim ? LZ_MAX_DIMS - 1 : a->ndim));
    parts[i] = v->axis[i] >= 0
                   ? op_moveaxis(a, v->axis[i], 0, v->stream)
                   : op_broadcast_to(a, shape, a->ndim + 1, v->stream);
  }
  int axis = *(const int32_t*)v->node->params + 1;
  int failed = batch_done(v, op_concatenate(parts, n, axis, v->stream));
  free(parts);
  return failed;
}
