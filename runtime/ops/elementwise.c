#include "ops/elementwise.h"

#include <ctype.h>
#include <string.h>

#include "core/error.h"
#include "core/scope.h"
#include "ops/create.h"
#include "ops/infer.h"
#include "ops/rules.h"
#include "ops/shape.h"
#include "ops/view.h"

const lz_op op_elementwise_descs[] = {
#define EW_OP(id, label, arity, rule, cost, glsl) \
  [EW_##id] = {                                   \
      .name = label,                              \
      .flags = OP_ELEMENTWISE,                    \
      .elementwise = EW_##id,                     \
      .vjp = elementwise_vjp,                     \
      .jvp = elementwise_jvp,                     \
      .vmap = elementwise_vmap,                   \
      .infer = infer_elementwise},
#include "ops/elementwise.def"
};

/* Kinds of dtypes that an operation keeps as they are: bits. */
#define EW_NOT_NEGATIVE (1 << DTYPE_KIND_BOOL | 1 << DTYPE_KIND_UNSIGNED)
#define EW_WHOLE (EW_NOT_NEGATIVE | 1 << DTYPE_KIND_SIGNED)

static const uint8_t elementwise_kept[EW_COUNT] = {
#define EW_KEEPS(id, kinds) [EW_##id] = kinds,
#include "ops/elementwise.def"
};

static bool elementwise_keeps(int ew, lz_dtype d) {
  return elementwise_kept[ew] >> dtype_kind(d) & 1;
}

static int elementwise_infer_kept(lz_infer* x) {
  lz_dtype d = (lz_dtype)x->in[0]->dtype;
  if (infer_elementwise(x)) return 1;
  if (elementwise_keeps(x->op->elementwise, d)) return 0;
  return infer_fail(x, "does not keep %s", dtype_name(d));
}

const lz_op op_kept_descs[] = {
#define EW_OP(id, label, arity, rule, cost, glsl) \
  [EW_##id] = {                                   \
      .name = label,                              \
      .flags = OP_VIEW,                           \
      .elementwise = EW_##id,                     \
      .cpu = alias_share,                         \
      .vjp = elementwise_vjp,                     \
      .jvp = elementwise_jvp,                     \
      .vmap = elementwise_vmap,                   \
      .infer = elementwise_infer_kept},
#include "ops/elementwise.def"
};

/* "LogAddExp" as messages have it: "logaddexp". Some texts a thread. */
static const char* elementwise_name(int ew) {
  static _Thread_local char text[32];
  const char* label = op_elementwise_descs[ew].name;
  size_t n = strlen(label);
  if (n >= sizeof text) n = sizeof text - 1;
  for (size_t i = 0; i < n; i++)
    text[i] = (char)tolower((unsigned char)label[i]);
  text[n] = 0;
  return text;
}

static int elementwise_check(int ew, lz_dtype in) {
  if (ew_supported((ew_op)ew, in)) return 0;
  return error_fail(
      "[%s] not defined for %s", elementwise_name(ew), dtype_name(in));
}

lz_array* op_unary(int ew, lz_array* a, lz_stream* s) {
  if (!a || !s) return NULL;
  lz_dtype in = ew_operand_dtype((ew_op)ew, (lz_dtype)a->dtype);
  if (elementwise_check(ew, in)) return NULL;
  if (in != a->dtype && !(a = op_astype(a, in, s))) return NULL;
  return scope_own(node_make(
      elementwise_keeps(ew, in) ? &op_kept_descs[ew]
                                : &op_elementwise_descs[ew],
      s,
      &a,
      1,
      NULL,
      0,
      ew_output_dtype((ew_op)ew, in),
      a->ndim,
      a->shape));
}

lz_array* op_binary(int ew, lz_array* a, lz_array* b, lz_stream* s) {
  if (!a || !b || !s) return NULL;
  lz_dtype in = (lz_dtype)a->dtype;
  if (a->dtype != b->dtype) in = dtype_promote(in, (lz_dtype)b->dtype);
  in = ew_operand_dtype((ew_op)ew, in);
  if (elementwise_check(ew, in)) return NULL;
  int32_t shape[LZ_MAX_DIMS];
  int ndim = a->ndim;
  const int32_t* result = a->shape;
  if (!array_same_shape(a, b)) {
    ndim = shape_broadcast(elementwise_name(ew), a, b, shape);
    if (ndim < 0) return NULL;
    result = shape;
  }
  if (in != a->dtype && !(a = op_astype(a, in, s))) return NULL;
  if (in != b->dtype && !(b = op_astype(b, in, s))) return NULL;
  lz_array* operands[] = {a, b};
  return scope_own(node_make(
      &op_elementwise_descs[ew],
      s,
      operands,
      2,
      NULL,
      0,
      ew_output_dtype((ew_op)ew, in),
      ndim,
      result));
}

lz_array* op_where(
    lz_array* condition, lz_array* x, lz_array* y, lz_stream* s) {
  if (!condition || !x || !y || !s) return NULL;
  lz_dtype dtype = dtype_promote((lz_dtype)x->dtype, (lz_dtype)y->dtype);
  int32_t shape[LZ_MAX_DIMS];
  int ndim = shape_broadcast("where", x, y, shape);
  if (ndim < 0) return NULL;
  int most = ndim > condition->ndim ? ndim : condition->ndim;
  int32_t full[LZ_MAX_DIMS];
  for (int i = 0; i < most; i++) {
    int iv = i - (most - ndim), ic = i - (most - condition->ndim);
    int32_t v = iv < 0 ? 1 : shape[iv], c = ic < 0 ? 1 : condition->shape[ic];
    if (v != c && v != 1 && c != 1)
      return error_set(
          "[where] Shapes %s and %s cannot be broadcast.",
          error_shape_of(condition),
          error_shape(ndim, shape));
    full[i] = v == 1 ? c : v;
  }
  condition = op_astype(condition, DTYPE_BOOL, s);
  x = op_astype(x, dtype, s);
  y = op_astype(y, dtype, s);
  if (!condition || !x || !y) return NULL;
  lz_array* operands[] = {condition, x, y};
  return scope_own(node_make(
      &op_elementwise_descs[EW_SELECT],
      s,
      operands,
      3,
      NULL,
      0,
      dtype,
      most,
      full));
}

lz_array* op_astype(lz_array* a, lz_dtype dtype, lz_stream* s) {
  if (!a || !s) return NULL;
  if (a->dtype == dtype) return a;
  return scope_own(node_make(
      &op_elementwise_descs[EW_ASTYPE],
      s,
      &a,
      1,
      NULL,
      0,
      dtype,
      a->ndim,
      a->shape));
}

/* ---- operations with types of their own ---------------------------------- */

static bool elementwise_is_complex(const lz_array* a) {
  return a->dtype == DTYPE_COMPLEX64;
}

lz_array* op_abs(lz_array* a, lz_stream* s) {
  if (!a || !s) return NULL;
  lz_array* size = op_unary(EW_ABS, a, s);
  return elementwise_is_complex(a) ? op_astype(size, DTYPE_FLOAT32, s) : size;
}

lz_array* op_conjugate(lz_array* a, lz_stream* s) {
  if (!a || !s) return NULL;
  return elementwise_is_complex(a) ? op_unary(EW_CONJUGATE, a, s) : a;
}

lz_array* op_real(lz_array* a, lz_stream* s) {
  if (!a || !s) return NULL;
  return elementwise_is_complex(a) ? op_unary(EW_REAL, a, s) : a;
}

lz_array* op_imag(lz_array* a, lz_stream* s) {
  if (!a || !s) return NULL;
  return elementwise_is_complex(a) ? op_unary(EW_IMAG, a, s)
                                   : op_zeros_like(a, s);
}

lz_array* op_bitwise_invert(lz_array* a, lz_stream* s) {
  if (!a || !s) return NULL;
  return op_unary(
      a->dtype == DTYPE_BOOL ? EW_LOGICAL_NOT : EW_BITWISE_INVERT, a, s);
}

lz_array* op_divide(lz_array* a, lz_array* b, lz_stream* s) {
  if (!a || !b || !s) return NULL;
  lz_dtype dtype =
      dtype_inexact(dtype_promote((lz_dtype)a->dtype, (lz_dtype)b->dtype));
  return op_binary(
      EW_DIVIDE, op_astype(a, dtype, s), op_astype(b, dtype, s), s);
}
