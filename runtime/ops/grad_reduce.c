/* Derivatives of reductions, softmax and what is like them. */
#include "core/op.h"
#include "ops/create.h"
#include "ops/elementwise.h"
#include "ops/order.h"
#include "ops/reduce.h"
#include "ops/reduce_descs.h"
#include "ops/rules.h"
#include "ops/shape.h"

/* The axes of a bit set, ascending. Returns how many. */
static int axes_of(uint32_t set, int ndim, int* axes) {
  int n = 0;
  for (int i = 0; i < ndim; i++)
    if (set & (UINT32_C(1) << i)) axes[n++] = i;
  return n;
}

/* A reduction's result with the reduced axes back as ones. */
static lz_array* keep_axes(
    lz_array* reduced, const lz_array* in, uint32_t axes, lz_stream* s) {
  if (!reduced || reduced->ndim == in->ndim) return reduced;
  int ones[LZ_MAX_DIMS], n = axes_of(axes, in->ndim, ones);
  return op_expand_dims(reduced, ones, n, s);
}

/* ---- products --------------------------------------------------------------
 */

/* Of each element the product of the others along an axis: nothing is divided,
 * so zeros are as good as other factors. */
static lz_array* prod_others(lz_array* a, int axis, lz_stream* s) {
  return op_multiply(
      op_scan(SCAN_PROD, a, axis, false, false, s),
      op_scan(SCAN_PROD, a, axis, true, false, s),
      s);
}

/* The axes of a set made one, the last; *order, as many as `a` has, is how they
 * were transposed. */
static lz_array* axes_to_one(
    lz_array* a, uint32_t set, int* order, lz_stream* s) {
  int n = axes_of(~set, a->ndim, order), kept = n;
  n += axes_of(set, a->ndim, order + n);
  return op_flatten(op_transpose(a, order, n, s), kept, -1, s);
}

/* g has ones where the axes were. */
static lz_array* prod_gradient(
    lz_array* in, lz_array* g, uint32_t set, lz_stream* s) {
  int axes[LZ_MAX_DIMS], back[LZ_MAX_DIMS];
  lz_array* others;
  if (axes_of(set, in->ndim, axes) == 1) {
    others = prod_others(in, axes[0], s);
  } else {
    others = prod_others(axes_to_one(in, set, axes, s), -1, s);
    int32_t shape[LZ_MAX_DIMS];
    for (int i = 0; i < in->ndim; i++) {
      shape[i] = in->shape[axes[i]];
      back[axes[i]] = i;
    }
    others = op_reshape(others, shape, in->ndim, s);
    others = op_transpose(others, back, in->ndim, s);
  }
  if (others && others->dtype == DTYPE_COMPLEX64)
    others = op_conjugate(others, s);
  return op_multiply(g, others, s);
}

/* ---- reductions ------------------------------------------------------------
 */

int reduce_vjp(const lz_vjp* v) {
  const reduce_params* p = v->node->params;
  lz_array* in = v->in[0];
  lz_stream* s = v->stream;
  lz_array* g = keep_axes(v->cotan[0], in, p->axes, s);
  switch ((reduce_kind)p->kind) {
    case REDUCE_SUM:
      v->grad[0] = op_broadcast_like(g, in, s);
      break;
    case REDUCE_PROD:
      v->grad[0] = prod_gradient(in, g, p->axes, s);
      break;
    case REDUCE_MIN:
    case REDUCE_MAX: {
      /* Shared evenly among equals. */
      lz_array* y = keep_axes(v->out[0], in, p->axes, s);
      lz_array* same = op_astype(op_equal(in, y, s), (lz_dtype)in->dtype, s);
      int axes[LZ_MAX_DIMS], n = axes_of(p->axes, in->ndim, axes);
      lz_array* count = op_sum(same, AXES(axes, n), true, s);
      v->grad[0] = op_multiply(g, op_divide(same, count, s), s);
      break;
    }
    default:
      return 0;
  }
  return !v->grad[0];
}

int softmax_vjp(const lz_vjp* v) {
  const softmax_params* p = v->node->params;
  lz_stream* s = v->stream;
  lz_array* gy = op_multiply(v->cotan[0], v->out[0], s);
  lz_array* sum = op_sum(gy, AXIS(p->axis), true, s);
  v->grad[0] = op_subtract(gy, op_multiply(v->out[0], sum, s), s);
  return !v->grad[0];
}

int logsumexp_vjp(const lz_vjp* v) {
  const softmax_params* p = v->node->params;
  lz_stream* s = v->stream;
  uint32_t axes = UINT32_C(1) << p->axis;
  lz_array* g = keep_axes(v->cotan[0], v->in[0], axes, s);
  lz_array* y = keep_axes(v->out[0], v->in[0], axes, s);
  v->grad[0] = op_multiply(g, op_exp(op_subtract(v->in[0], y, s), s), s);
  return !v->grad[0];
}

/* The mean's own part is 0: what is off it sums to nothing. */
int variance_vjp(const lz_vjp* v) {
  const variance_params* p = v->node->params;
  lz_array* in = v->in[0];
  lz_stream* s = v->stream;
  int axes[LZ_MAX_DIMS], n = axes_of(p->axes, in->ndim, axes);
  lz_array* mean = op_mean(in, (lz_axes){axes, n}, true, s);
  lz_array* g = keep_axes(v->cotan[0], in, p->axes, s);
  double n_less = op_count(in, p->axes) - p->ddof;
  lz_array* by =
      op_scalar((lz_dtype)in->dtype, 2.0 / (n_less > 0 ? n_less : 0));
  v->grad[0] = op_multiply(op_multiply(g, by, s), op_subtract(in, mean, s), s);
  return !v->grad[0];
}
