#include "ops/arith.h"

#include <math.h>

#include "core/error.h"
#include "core/scope.h"
#include "ops/create.h"
#include "ops/elementwise.h"

static lz_array* arith_scaled(lz_array* a, double factor, lz_stream* s) {
  if (!a || !s) return NULL;
  lz_dtype dtype = dtype_inexact((lz_dtype)a->dtype);
  return op_multiply(a, op_scalar(dtype, factor), s);
}

lz_array* op_degrees(lz_array* a, lz_stream* s) {
  return arith_scaled(a, 180 / M_PI, s);
}

lz_array* op_radians(lz_array* a, lz_stream* s) {
  return arith_scaled(a, M_PI / 180, s);
}

lz_array* op_reciprocal(lz_array* a, lz_stream* s) {
  if (!a || !s) return NULL;
  return op_divide(op_scalar(dtype_inexact((lz_dtype)a->dtype), 1), a, s);
}

lz_array* op_floor_divide(lz_array* a, lz_array* b, lz_stream* s) {
  if (!a || !b || !s) return NULL;
  lz_dtype dtype = dtype_promote((lz_dtype)a->dtype, (lz_dtype)b->dtype);
  if (dtype_is_inexact(dtype)) return op_floor(op_divide(a, b, s), s);
  return op_binary(EW_DIVIDE, a, b, s);
}

int op_divmod(lz_array* a, lz_array* b, lz_stream* s, lz_array* out[2]) {
  if (!a || !b || !s) return 1;
  if (dtype_promote((lz_dtype)a->dtype, (lz_dtype)b->dtype) == DTYPE_COMPLEX64)
    return error_fail("[divmod] Complex type not supported.");
  out[0] = op_binary(EW_DIVMOD_QUOTIENT, a, b, s);
  out[1] = op_binary(EW_DIVMOD_REMAINDER, a, b, s);
  return !out[0] || !out[1];
}

lz_array* op_round(lz_array* a, int decimals, lz_stream* s) {
  if (!a || !s) return NULL;
  if (decimals == 0) return op_unary(EW_ROUND, a, s);
  lz_dtype dtype = dtype_inexact((lz_dtype)a->dtype);
  float scale = (float)pow(10, decimals);
  lz_array* out = op_multiply(a, op_scalar(dtype, scale), s);
  out = op_multiply(op_unary(EW_ROUND, out, s), op_scalar(dtype, 1 / scale), s);
  return op_astype(out, (lz_dtype)a->dtype, s);
}

lz_array* op_to_fp8(lz_array* a, lz_stream* s) {
  return op_unary(EW_TO_FP8, a, s);
}

lz_array* op_from_fp8(lz_array* a, lz_dtype dtype, lz_stream* s) {
  if (!a || !s) return NULL;
  if (a->dtype != DTYPE_UINT8 || !dtype_is_float(dtype))
    return error_set(
        "[from_fp8] uint8 becomes a float, not %s becomes %s",
        dtype_name((lz_dtype)a->dtype),
        dtype_name(dtype));
  return scope_own(node_make(
      &op_elementwise_descs[EW_FROM_FP8],
      s,
      &a,
      1,
      NULL,
      0,
      dtype,
      a->ndim,
      a->shape));
}
