/* Derivatives and batching of sorting and of cumulative operations. */
#include <float.h>
#include <math.h>

#include "core/error.h"
#include "ops/create.h"
#include "ops/elementwise.h"
#include "ops/index.h"
#include "ops/order.h"
#include "ops/rules.h"
#include "ops/shape.h"
#include "ops/update.h"

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
