#include "ops/create.h"

#include <math.h>

#include "core/error.h"
#include "core/op.h"
#include "core/scope.h"
#include "cpu/program.h"
#include "ops/elementwise.h"
#include "ops/infer.h"
#include "ops/rules.h"
#include "ops/shape.h"

/* An identity whose operand is broadcast: it fuses with what reads it. */
const lz_op op_full_desc = {
    .name = "Full",
    .flags = OP_ELEMENTWISE,
    .elementwise = EW_ASTYPE,
    .vjp = elementwise_vjp,
    .jvp = elementwise_jvp,
    .vmap = elementwise_vmap,
    .infer = infer_full};

/* start + step * index; the parameters are the instruction's immediate. */
const lz_op op_arange_desc = {
    .name = "Arange",
    .flags = OP_ELEMENTWISE,
    .elementwise = EW_IOTA,
    .infer = infer_arange};

lz_array* op_scalar(lz_dtype dtype, double value) {
  return scope_own(array_new_scalar(dtype, value));
}

static int create_check(const char* op, const int32_t* shape, int ndim) {
  if (ndim < 0 || ndim > LZ_MAX_DIMS)
    return error_fail(
        "[%s] %d dimensions: at most %d are possible", op, ndim, LZ_MAX_DIMS);
  for (int i = 0; i < ndim; i++)
    if (shape[i] < 0)
      return error_fail(
          "[%s] Negative dimensions not allowed: %s",
          op,
          error_shape(ndim, shape));
  return 0;
}

lz_array* op_full(
    const int32_t* shape,
    int ndim,
    lz_array* value,
    lz_dtype dtype,
    lz_stream* s) {
  if (!value || !s || create_check("full", shape, ndim)) return NULL;
  int lead = ndim - value->ndim;
  bool fits = lead >= 0;
  for (int i = 0; fits && i < value->ndim; i++)
    fits = value->shape[i] == 1 || value->shape[i] == shape[lead + i];
  if (!fits)
    return error_set(
        "[full] values of shape %s do not broadcast to %s",
        error_shape_of(value),
        error_shape(ndim, shape));
  value = op_astype(value, dtype, s);
  if (!value) return NULL;
  /* Rows again and again need no memory of their own. */
  if (value->size > 1 && !infer_shapeless())
    return op_broadcast_to(value, shape, ndim, s);
  return scope_own(
      node_make(&op_full_desc, s, &value, 1, NULL, 0, dtype, ndim, shape));
}

lz_array* op_zeros(
    const int32_t* shape, int ndim, lz_dtype dtype, lz_stream* s) {
  return op_full(shape, ndim, op_scalar(dtype, 0), dtype, s);
}

lz_array* op_ones(
    const int32_t* shape, int ndim, lz_dtype dtype, lz_stream* s) {
  return op_full(shape, ndim, op_scalar(dtype, 1), dtype, s);
}

/* Traced for other shapes: a node that takes its shape from `like`, of whose
 * values it takes none. */
static lz_array* chosen_like(lz_array* a, lz_array* like, lz_stream* s) {
  if (!a || !like) return NULL;
  like = op_astype(like, (lz_dtype)a->dtype, s);
  return op_where(op_scalar(DTYPE_BOOL, 1), a, like, s);
}

static lz_array* full_like(lz_array* a, double value, lz_stream* s) {
  if (!a || !s) return NULL;
  lz_dtype d = (lz_dtype)a->dtype;
  if (infer_shapeless()) return chosen_like(op_scalar(d, value), a, s);
  return value ? op_ones(a->shape, a->ndim, d, s)
               : op_zeros(a->shape, a->ndim, d, s);
}

lz_array* op_zeros_like(lz_array* a, lz_stream* s) {
  return full_like(a, 0, s);
}

lz_array* op_ones_like(lz_array* a, lz_stream* s) {
  return full_like(a, 1, s);
}

lz_array* op_broadcast_like(lz_array* a, lz_array* like, lz_stream* s) {
  if (!a || !like || !s) return NULL;
  if (infer_shapeless()) return chosen_like(a, like, s);
  return op_broadcast_to(a, like->shape, like->ndim, s);
}

lz_array* op_arange(
    double start, double stop, double step, lz_dtype dtype, lz_stream* s) {
  if (!s) return NULL;
  if (dtype == DTYPE_BOOL) return error_set("[arange] bool is not supported.");
  if (isnan(start) || isnan(stop) || isnan(step))
    return error_set(
        "[arange] Cannot compute length: %g, %g, %g", start, stop, step);
  if (isinf(start) || isinf(stop))
    return error_set(
        "[arange] Cannot compute length: %g, %g, %g", start, stop, step);
  if (step == 0) return error_set("[arange] step is 0");
  /* One step of any length leads beyond the end. */
  bool far = isinf(step) && (step > 0 ? start < stop : start > stop);
  double length = far ? 1 : ceil((stop - start) / step);
  if (far) step = 0; /* never taken; 0 times infinity is no number */
  if (length > INT32_MAX)
    return error_set("[arange] Maximum size exceeded: %g elements", length);
  int32_t n = length > 0 ? (int32_t)length : 0;
  lz_immediate p = program_iota(dtype, start, step);
  return scope_own(
      node_make(&op_arange_desc, s, NULL, 0, &p, sizeof p, dtype, 1, &n));
}
