/* Gradients of products and views. */
#include <stdlib.h>

#include "core/error.h"
#include "core/scope.h"
#include "ops/create.h"
#include "ops/elementwise.h"
#include "ops/join.h"
#include "ops/matmul.h"
#include "ops/reduce.h"
#include "ops/reduce_descs.h"
#include "ops/rules.h"
#include "ops/shape.h"
#include "ops/update.h"
#include "ops/view.h"

int rules_no_gradient(const lz_node* n) {
  return error_fail("[vjp] %s has no gradient", n->op->name);
}

int zero_vjp(const lz_vjp* v) {
  (void)v;
  return 0;
}

static lz_array* grad_conjugate(lz_array* a, lz_stream* s) {
  return a && a->dtype == DTYPE_COMPLEX64 ? op_conjugate(a, s) : a;
}

/* (..., m, n) as one matrix. */
static lz_array* stack_rows(lz_array* a, lz_stream* s) {
  int32_t shape[2] = {1, a->shape[a->ndim - 1]};
  for (int i = 0; i < a->ndim - 1; i++) shape[0] *= a->shape[i];
  return a->ndim == 2 ? a : op_reshape(a, shape, 2, s);
}

int matmul_vjp(const lz_vjp* v) {
  lz_stream* s = v->stream;
  lz_array *a = v->in[0], *b = v->in[1], *g = v->cotan[0];
  double alpha = 1, beta = 1;
  if (v->node->params_size) {
    const matmul_params* p = v->node->params;
    alpha = p->alpha;
    beta = p->beta;
  }
  /* Of complex matrices the conjugate transposed. */
  a = grad_conjugate(a, s);
  b = grad_conjugate(b, s);
  lz_array* scaled =
      alpha == 1 ? g : op_multiply(g, op_scalar((lz_dtype)g->dtype, alpha), s);
  if (v->wanted[0] &&
      !(v->grad[0] = op_matmul(scaled, op_swapaxes(b, -1, -2, s), s)))
    return 1;
  if (v->wanted[1]) {
    /* One matrix that multiplies many: their rows are summed over within the
     * product, not after as many products. */
    lz_array *left = a, *right = scaled;
    if (b->ndim == 2) {
      left = stack_rows(a, s);
      right = scaled ? stack_rows(scaled, s) : NULL;
    }
    v->grad[1] = op_matmul(op_swapaxes(left, -1, -2, s), right, s);
    if (!v->grad[1]) return 1;
  }
  if (v->node->n_inputs > 2 && v->wanted[2])
    v->grad[2] =
        beta == 1 ? g : op_multiply(g, op_scalar((lz_dtype)g->dtype, beta), s);
  return 0;
}

/* Products take any leading axes: the mapped one becomes the first of them. */
int matmul_vmap(const lz_vmap* v) {
  lz_array* in[3];
  int rank = 0;
  for (uint32_t i = 0; i < v->node->n_inputs; i++) {
    int own = v->in[i]->ndim - (v->axis[i] >= 0);
    if (own > rank) rank = own;
  }
  for (uint32_t i = 0; i < v->node->n_inputs; i++) {
    in[i] = v->in[i];
    if (v->axis[i] < 0) continue;
    in[i] = op_moveaxis(in[i], v->axis[i], 0, v->stream);
    int ones[LZ_MAX_DIMS], k = 0;
    for (int d = in[i] ? in[i]->ndim - 1 : rank; d < rank; d++)
      ones[k] = 1 + k, k++;
    if (k) in[i] = op_expand_dims(in[i], ones, k, v->stream);
    if (!in[i]) return 1;
  }
  if (v->node->n_inputs > 2) {
    const matmul_params* p = v->node->params;
    v->result[0] = op_addmm(in[2], in[0], in[1], p->alpha, p->beta, v->stream);
  } else {
    v->result[0] = op_matmul(in[0], in[1], v->stream);
  }
  v->result_axis[0] = 0;
  return !v->result[0];
}

int same_elements_vjp(const lz_vjp* v) {
  const lz_array* in = v->in[0];
  v->grad[0] = op_reshape(v->cotan[0], in->shape, in->ndim, v->stream);
  return !v->grad[0];
}

int expand_dims_vjp(const lz_vjp* v) {
  const lz_node* n = v->node;
  if (n->params_size == 0) return same_elements_vjp(v);
  int axes[LZ_MAX_DIMS], k = 0;
  for (int i = 0; i < v->out[0]->ndim; i++)
    if (*(const uint32_t*)n->params & (UINT32_C(1) << i)) axes[k++] = i;
  v->grad[0] = op_squeeze(v->cotan[0], axes, k, v->stream);
  return !v->grad[0];
}

int squeeze_vjp(const lz_vjp* v) {
  const lz_node* n = v->node;
  if (n->params_size == 0) return same_elements_vjp(v);
  int axes[LZ_MAX_DIMS], k = 0;
  for (int i = 0; i < v->in[0]->ndim; i++)
    if (*(const uint32_t*)n->params & (UINT32_C(1) << i)) axes[k++] = i;
  v->grad[0] = op_expand_dims(v->cotan[0], axes, k, v->stream);
  return !v->grad[0];
}

int broadcast_vjp(const lz_vjp* v) {
  v->grad[0] = v->cotan[0];
  return 0;
}

int transpose_vjp(const lz_vjp* v) {
  const view_axes* p = v->node->params;
  int back[LZ_MAX_DIMS];
  for (int i = 0; i < p->n; i++) back[p->axis[i]] = i;
  v->grad[0] = op_transpose(v->cotan[0], back, p->n, v->stream);
  return !v->grad[0];
}

int concatenate_vjp(const lz_vjp* v) {
  int axis = *(const int32_t*)v->node->params;
  const lz_array* out = v->out[0];
  int start[LZ_MAX_DIMS] = {0}, stop[LZ_MAX_DIMS], step[LZ_MAX_DIMS];
  for (int i = 0; i < out->ndim; i++) {
    stop[i] = out->shape[i];
    step[i] = 1;
  }
  int at = 0;
  for (uint32_t i = 0; i < v->node->n_inputs; i++) {
    int extent = v->in[i]->shape[axis];
    start[axis] = at;
    stop[axis] = at += extent;
    if (v->wanted[i] &&
        !(v->grad[i] =
              op_slice(v->cotan[0], start, stop, step, out->ndim, v->stream)))
      return 1;
  }
  return 0;
}

int concatenate_jvp(const lz_jvp* v) {
  int axis = *(const int32_t*)v->node->params;
  size_t n = v->node->n_inputs;
  lz_array** parts = malloc(n * sizeof *parts);
  if (!parts) return error_memory() == NULL;
  bool whole = true;
  for (size_t i = 0; i < n; i++) {
    parts[i] =
        v->tangent[i] ? v->tangent[i] : op_zeros_like(v->in[i], v->stream);
    whole = whole && parts[i];
  }
  v->result[0] = whole ? op_concatenate(parts, n, axis, v->stream) : NULL;
  free(parts);
  return !v->result[0];
}

/* Where a slice ends, as a program would say it. */
static void slice_stop(
    const view_slice_params* p, const lz_array* in, int stop[LZ_MAX_DIMS]) {
  for (int i = 0; i < p->n; i++) {
    /* Backwards to the first element: no number says "before 0". */
    stop[i] =
        p->stride[i] < 0 && p->stop[i] < 0 ? -in->shape[i] - 1 : p->stop[i];
  }
}

int slice_vjp(const lz_vjp* v) {
  const view_slice_params* p = v->node->params;
  lz_array* in = v->in[0];
  if (v->out[0]->size == 0) return 0; /* its bounds may be anywhere */
  int stop[LZ_MAX_DIMS];
  slice_stop(p, in, stop);
  v->grad[0] = op_slice_update(
      SCATTER_NONE,
      op_zeros_like(in, v->stream),
      v->cotan[0],
      p->start,
      stop,
      p->stride,
      p->n,
      v->stream);
  return !v->grad[0];
}

int slice_jvp(const lz_jvp* v) {
  const view_slice_params* p = v->node->params;
  if (v->out[0]->size == 0) return 0;
  int stop[LZ_MAX_DIMS];
  slice_stop(p, v->in[0], stop);
  v->result[0] =
      op_slice(v->tangent[0], p->start, stop, p->stride, p->n, v->stream);
  return !v->result[0];
}
