#include "cpu/elementwise.h"

#include <stddef.h>

#include "cpu/isa.h"

typedef struct ew_fact {
  const char* name;
  const char* glsl;
  uint8_t arity, rule, cost;
} ew_fact;

static const ew_fact facts[EW_ALL] = {
#define EW_OP(id, name, arity, rule, cost, glsl) \
  [EW_##id] = {name, glsl, arity, EW_RULE_##rule, cost},
#include "ops/elementwise.def"
    [EW_CONST] = {"Const", "", 0, EW_RULE_SAME, 0},
    [EW_IOTA] = {"Iota", "", 0, EW_RULE_SAME, 2},
};

typedef struct ew_bounds {
  uint8_t real, complex;
} ew_bounds;

static const ew_bounds bounds[EW_COUNT] = {
#define EW_FLOAT(id, ulp, e) [EW_##id].real = ulp,
#define EW_COMPLEX(id, ulp, e) [EW_##id].complex = ulp,
#include "ops/elementwise.def"
};

typedef struct ew_unreads {
  uint8_t kinds, operands;
} ew_unreads;

static const ew_unreads unreads[EW_ALL] = {
#define EW_UNREAD(id, kinds, operands) [EW_##id] = {kinds, operands},
#include "ops/elementwise.def"
};

const char* ew_name(ew_op op) {
  return facts[op].name;
}
int ew_arity(ew_op op) {
  return facts[op].arity;
}
ew_rule ew_rule_of(ew_op op) {
  return (ew_rule)facts[op].rule;
}
int ew_cost(ew_op op) {
  return facts[op].cost;
}
int ew_unread(ew_op op, lz_dtype d) {
  return unreads[op].kinds >> dtype_kind(d) & 1 ? unreads[op].operands : 0;
}
const char* ew_glsl(ew_op op) {
  return facts[op].glsl;
}

double ew_ulp(ew_op op, lz_dtype d) {
  if (op >= EW_COUNT) return 0;
  if (dtype_kind(d) == DTYPE_KIND_COMPLEX) return bounds[op].complex;
  if (dtype_kind(d) != DTYPE_KIND_FLOAT) return 0;
  /* A half is a rounded float: the float's error shows only where it crosses
   * the middle between two halves. */
  if (dtype_size(d) == 2) return bounds[op].real ? 1 : 0;
  return bounds[op].real;
}

lz_dtype ew_operand_dtype(ew_op op, lz_dtype promoted) {
  switch (facts[op].rule) {
    case EW_RULE_INEXACT:
      return dtype_inexact(promoted);
    case EW_RULE_LOGICAL:
      return DTYPE_BOOL;
    case EW_RULE_INTEGER:
      return promoted == DTYPE_BOOL ? DTYPE_UINT8 : promoted;
    case EW_RULE_PART:
      return DTYPE_COMPLEX64;
    case EW_RULE_FROM_BYTE:
      return DTYPE_UINT8;
    default:
      return promoted;
  }
}

lz_dtype ew_output_dtype(ew_op op, lz_dtype d) {
  switch (facts[op].rule) {
    case EW_RULE_COMPARE:
    case EW_RULE_LOGICAL:
      return DTYPE_BOOL;
    case EW_RULE_PART:
    case EW_RULE_FROM_BYTE:
      return DTYPE_FLOAT32;
    case EW_RULE_TO_BYTE:
      return DTYPE_UINT8;
    default:
      return d;
  }
}

ISA_DECLARE(ew_table, ew_kernels)

const ew_table* ew_table_best(void) {
  return ISA_PICK(ew_kernels);
}

bool ew_supported(ew_op op, lz_dtype d) {
  if ((unsigned)op >= EW_COUNT || (unsigned)d >= DTYPE_COUNT) return false;
  return op == EW_ASTYPE || ew_kernels_generic.fn[op][d] != NULL;
}

ew_fn ew_kernel(ew_op op, lz_dtype d, lz_dtype out) {
  const ew_table* table = ew_table_best();
  return op == EW_ASTYPE ? table->cast[d][out] : table->fn[op][d];
}

void ew_iota(
    lz_dtype d,
    void* out,
    const void* start,
    const void* step,
    int64_t first,
    int n) {
  ew_table_best()->iota[d](out, start, step, first, n);
}
