/* What comes out of reductions, orders, random bits and products. */
#include <string.h>

#include "core/error.h"
#include "ops/infer.h"
#include "ops/matmul.h"
#include "ops/order.h"
#include "ops/reduce_descs.h"

/* Input 0 without the axes, or with ones for them where output 0 has as many
 * axes as the input. */
static int reduced_put(lz_infer* x, uint32_t axes, lz_dtype dtype) {
  const lz_array* a = x->in[0];
  bool keep = x->out[0].ndim == a->ndim;
  int32_t shape[LZ_MAX_DIMS];
  int n = 0;
  for (int i = 0; i < a->ndim; i++) {
    bool gone = axes & (UINT32_C(1) << i);
    if (!gone || keep) shape[n++] = gone ? 1 : a->shape[i];
  }
  return infer_put(x, 0, dtype, n, shape);
}

int infer_reduce(lz_infer* x) {
  const reduce_params* p = x->params;
  if (infer_expect(x, 1, 1, sizeof *p)) return 1;
  const lz_array* a = x->in[0];
  reduce_kind kind = (reduce_kind)(x->op - op_reduce_descs);
  if (p->kind != kind) return infer_fail(x, "a reduction of kind %u", p->kind);
  if (a->ndim < 32 && p->axes >> a->ndim)
    return infer_fail(x, "axes 0x%x of %d", p->axes, a->ndim);
  if ((kind == REDUCE_MIN || kind == REDUCE_MAX) && a->size == 0)
    return infer_fail(x, "of an array of %s", error_shape_of(a));
  return reduced_put(x, p->axes, reduce_dtype(kind, (lz_dtype)a->dtype));
}

int infer_variance(lz_infer* x) {
  const variance_params* p = x->params;
  if (infer_expect(x, 1, 1, sizeof *p)) return 1;
  const lz_array* a = x->in[0];
  if (a->ndim < 32 && p->axes >> a->ndim)
    return infer_fail(x, "axes 0x%x of %d", p->axes, a->ndim);
  if (a->dtype != DTYPE_FLOAT32 && a->dtype != DTYPE_FLOAT64)
    return infer_fail(x, "not of a float type with a kernel");
  if (a->size == 0)
    return infer_fail(x, "of an array of %s", error_shape_of(a));
  return reduced_put(x, p->axes, (lz_dtype)a->dtype);
}

int infer_arg(lz_infer* x) {
  const arg_params* p = x->params;
  if (infer_expect(x, 1, 1, sizeof *p)) return 1;
  const lz_array* a = x->in[0];
  if (a->size == 0)
    return infer_fail(x, "of an array of %s", error_shape_of(a));
  if (p->axis == -1) {
    uint32_t all = a->ndim == 32 ? UINT32_MAX : (UINT32_C(1) << a->ndim) - 1;
    return reduced_put(x, all, DTYPE_UINT32);
  }
  return infer_axis(x, p->axis, a->ndim) ||
         reduced_put(x, UINT32_C(1) << p->axis, DTYPE_UINT32);
}

static int softmax_expect(const lz_infer* x) {
  const softmax_params* p = x->params;
  if (infer_expect(x, 1, 1, sizeof *p) ||
      infer_axis(x, p->axis, x->in[0]->ndim))
    return 1;
  return dtype_is_float((lz_dtype)x->in[0]->dtype)
             ? 0
             : infer_fail(x, "not of a float type");
}

int infer_softmax(lz_infer* x) {
  return softmax_expect(x) || infer_like(x, 0, x->in[0]);
}

int infer_logsumexp(lz_infer* x) {
  const softmax_params* p = x->params;
  return softmax_expect(x) ||
         reduced_put(x, UINT32_C(1) << p->axis, (lz_dtype)x->in[0]->dtype);
}

int infer_order(lz_infer* x) {
  const order_params* p = x->params;
  if (infer_expect(x, 1, 1, sizeof *p)) return 1;
  const lz_array* a = x->in[0];
  if (infer_axis(x, p->axis, a->ndim)) return 1;
  bool kth = x->op == &op_partition_desc || x->op == &op_argpartition_desc;
  if (kth && a->size && (p->kth < 0 || p->kth >= a->shape[p->axis]))
    return infer_fail(x, "rank %d of %d elements", p->kth, a->shape[p->axis]);
  bool positions = x->op == &op_argsort_desc || x->op == &op_argpartition_desc;
  lz_dtype dtype = positions ? DTYPE_UINT32 : (lz_dtype)a->dtype;
  return infer_put(x, 0, dtype, a->ndim, a->shape);
}

int infer_scan(lz_infer* x) {
  const scan_params* p = x->params;
  if (infer_expect(x, 1, 1, sizeof *p)) return 1;
  const lz_array* a = x->in[0];
  scan_kind kind = (scan_kind)(x->op - op_scan_descs);
  return infer_axis(x, p->axis, a->ndim) ||
         infer_put(
             x, 0, scan_dtype(kind, (lz_dtype)a->dtype), a->ndim, a->shape);
}

int infer_random_bits(lz_infer* x) {
  const int32_t* width = x->params;
  if (infer_expect(x, 1, 1, sizeof *width) || infer_unchanged(x)) return 1;
  const lz_array* keys = x->in[0];
  const lz_output* o = &x->out[0];
  lz_dtype dtype = *width == 4   ? DTYPE_UINT32
                   : *width == 2 ? DTYPE_UINT16
                                 : DTYPE_UINT8;
  int64_t n = keys->size / 2, size = 1;
  for (int i = 0; i < o->ndim; i++) size *= o->shape[i];
  bool fits = keys->dtype == DTYPE_UINT32 && keys->ndim > 0 &&
              keys->shape[keys->ndim - 1] == 2 && n > 0 && size % n == 0;
  if (!fits)
    return infer_fail(
        x,
        "keys of %s for %s",
        error_shape_of(keys),
        error_shape(o->ndim, o->shape));
  return infer_put(x, 0, dtype, o->ndim, o->shape);
}

/* ---- products ------------------------------------------------------------ */

static int product_put(lz_infer* x) {
  lz_array *a = x->in[0], *b = x->in[1];
  if (infer_one_type(x)) return 1;
  bool fits = a->ndim >= 2 && b->ndim >= 2 &&
              dtype_is_inexact((lz_dtype)a->dtype) &&
              a->shape[a->ndim - 1] == b->shape[b->ndim - 2];
  if (!fits)
    return infer_fail(
        x,
        "inner dimensions differ: %s @ %s",
        error_shape_of(a),
        error_shape_of(b));
  lz_array la = {.ndim = (uint8_t)(a->ndim - 2), .shape = a->shape};
  lz_array lb = {.ndim = (uint8_t)(b->ndim - 2), .shape = b->shape};
  lz_array* lead[] = {&la, &lb};
  int32_t shape[LZ_MAX_DIMS];
  int n = infer_broadcast(x, lead, 2, shape);
  if (n < 0) return 1;
  shape[n] = a->shape[a->ndim - 2];
  shape[n + 1] = b->shape[b->ndim - 1];
  return infer_put(x, 0, (lz_dtype)a->dtype, n + 2, shape);
}

int infer_matmul(lz_infer* x) {
  return infer_expect(x, 2, 1, 0) || product_put(x);
}

int infer_addmm(lz_infer* x) {
  return infer_expect(x, 3, 1, sizeof(matmul_params)) || product_put(x) ||
         infer_fits_output(x, x->in[2]);
}
