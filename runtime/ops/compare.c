#include "ops/compare.h"

#include <float.h>
#include <math.h>

#include "core/error.h"
#include "core/scope.h"
#include "ops/create.h"
#include "ops/elementwise.h"
#include "ops/reduce.h"

static bool compare_is_inexact(const lz_array* a) {
  return dtype_is_inexact((lz_dtype)a->dtype);
}

static lz_array* compare_constant(lz_array* a, bool value, lz_stream* s) {
  return op_full(
      a->shape, a->ndim, op_scalar(DTYPE_BOOL, value), DTYPE_BOOL, s);
}

static lz_array* compare_infinity(lz_array* a, double which, lz_stream* s) {
  if (!a || !s) return NULL;
  if (!compare_is_inexact(a)) return compare_constant(a, false, s);
  return op_equal(a, op_scalar((lz_dtype)a->dtype, which), s);
}

lz_array* op_isposinf(lz_array* a, lz_stream* s) {
  return compare_infinity(a, INFINITY, s);
}

lz_array* op_isneginf(lz_array* a, lz_stream* s) {
  return compare_infinity(a, -INFINITY, s);
}

lz_array* op_isnan(lz_array* a, lz_stream* s) {
  if (!a || !s) return NULL;
  return compare_is_inexact(a) ? op_not_equal(a, a, s)
                               : compare_constant(a, false, s);
}

lz_array* op_isinf(lz_array* a, lz_stream* s) {
  if (!a || !s) return NULL;
  if (!compare_is_inexact(a)) return compare_constant(a, false, s);
  return op_logical_or(op_isposinf(a, s), op_isneginf(a, s), s);
}

lz_array* op_isfinite(lz_array* a, lz_stream* s) {
  if (!a || !s) return NULL;
  if (!compare_is_inexact(a)) return compare_constant(a, true, s);
  return op_logical_not(op_logical_or(op_isinf(a, s), op_isnan(a, s), s), s);
}

lz_array* op_isclose(
    lz_array* a,
    lz_array* b,
    double rtol,
    double atol,
    bool equal_nan,
    lz_stream* s) {
  if (!a || !b || !s) return NULL;
  lz_array* bound = op_add(
      op_scalar(DTYPE_FLOAT32, atol),
      op_multiply(op_scalar(DTYPE_FLOAT32, rtol), op_abs(b, s), s),
      s);
  lz_array* near = op_less_equal(op_abs(op_subtract(a, b, s), s), bound, s);
  lz_array *ap = op_isposinf(a, s), *an = op_isneginf(a, s);
  lz_array *bp = op_isposinf(b, s), *bn = op_isneginf(b, s);
  lz_array* infinite =
      op_logical_or(op_logical_or(ap, an, s), op_logical_or(bp, bn, s), s);
  lz_array* same =
      op_logical_or(op_logical_and(ap, bp, s), op_logical_and(an, bn, s), s);
  near = op_logical_and(near, op_logical_not(infinite, s), s);
  near = op_logical_or(near, same, s);
  if (!equal_nan) return near;
  return op_logical_or(
      near, op_logical_and(op_isnan(a, s), op_isnan(b, s), s), s);
}

lz_array* op_allclose(
    lz_array* a,
    lz_array* b,
    double rtol,
    double atol,
    bool equal_nan,
    lz_stream* s) {
  return op_all(op_isclose(a, b, rtol, atol, equal_nan, s), AXES_ALL, false, s);
}

lz_array* op_array_equal(
    lz_array* a, lz_array* b, bool equal_nan, lz_stream* s) {
  if (!a || !b || !s) return NULL;
  if (!array_same_shape(a, b)) return op_scalar(DTYPE_BOOL, false);
  bool nan = equal_nan && dtype_is_inexact(dtype_promote(
                              (lz_dtype)a->dtype, (lz_dtype)b->dtype));
  return op_all(
      op_binary(nan ? EW_NAN_EQUAL : EW_EQUAL, a, b, s), AXES_ALL, false, s);
}

/* The largest number of a type; 0 where MLX knows none. */
static float compare_largest(lz_dtype dtype) {
  switch (dtype) {
    case DTYPE_FLOAT32:
      return FLT_MAX;
    case DTYPE_FLOAT16:
      return dtype_f16_to_f32(0x7bff);
    case DTYPE_BFLOAT16:
      return dtype_bf16_to_f32(0x7f7f);
    default:
      return 0;
  }
}

lz_array* op_nan_to_num(
    lz_array* a,
    float nan,
    const float* posinf,
    const float* neginf,
    lz_stream* s) {
  if (!a || !s) return NULL;
  if (!compare_is_inexact(a)) return a;
  lz_dtype dtype = (lz_dtype)a->dtype;
  float most = compare_largest(dtype);
  if (most == 0 && (!posinf || !neginf))
    return error_set(
        "[nan_to_num] no largest number of %s is known: give posinf and neginf",
        dtype_name(dtype));
  lz_array* out = op_where(op_isnan(a, s), op_scalar(dtype, nan), a, s);
  out = op_where(
      op_isposinf(a, s), op_scalar(dtype, posinf ? *posinf : most), out, s);
  return op_where(
      op_isneginf(a, s), op_scalar(dtype, neginf ? *neginf : -most), out, s);
}

lz_array* op_clip(lz_array* a, lz_array* low, lz_array* high, lz_stream* s) {
  if (!a || !s) return NULL;
  if (!low && !high)
    return error_set("[clip] neither a_min nor a_max is given");
  if (low) a = op_maximum(a, low, s);
  if (high) a = op_minimum(a, high, s);
  return a;
}
