/* Element-wise operations on the CPU: which there are, what they take and give,
 * and the function that computes one of them over a tile.
 *
 * Everything here comes from ops/elementwise.def. All functions may be called
 * from any thread. */
#ifndef CPU_ELEMENTWISE_H
#define CPU_ELEMENTWISE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/dtype.h"

/* The operations; then two that have no operand and exist in programs only. */
typedef enum ew_op {
#define EW_OP(id, name, arity, rule, cost, glsl) EW_##id,
#include "ops/elementwise.def"
  EW_COUNT,
  EW_CONST = EW_COUNT, /* one value in every element */
  EW_IOTA,             /* start + step * (index in row-major order) */
  EW_ALL
} ew_op;

/* How dtypes meet: the operands are brought to `operand`, the result has
 * `result`, where T is the promotion of the operands' dtypes. */
typedef enum ew_rule {
  EW_RULE_SAME,     /* T → T */
  EW_RULE_INEXACT,  /* T, bool and integers as float32 → the same */
  EW_RULE_COMPARE,  /* T → bool */
  EW_RULE_LOGICAL,  /* bool → bool */
  EW_RULE_BITS,     /* T, integer or bool → T */
  EW_RULE_INTEGER,  /* T, bool as uint8 → the same */
  EW_RULE_PART,     /* complex64 → float32 */
  EW_RULE_SELECT,   /* bool, T, T → T */
  EW_RULE_CAST,     /* any → any other */
  EW_RULE_TO_BYTE,  /* float → uint8 */
  EW_RULE_FROM_BYTE /* uint8 → any float */
} ew_rule;

/* "Add", as MLX names it; "Const" and "Iota". */
const char* ew_name(ew_op op);
int ew_arity(ew_op op);
ew_rule ew_rule_of(ew_op op);
/* Time of one float32 element relative to an add that stays in cache. */
int ew_cost(ew_op op);
/* The operands of dtype `d`, as bits, that the kernel does not look at. */
int ew_unread(ew_op op, lz_dtype d);
/* The float expression over a, b and c in GLSL; "" without one. */
const char* ew_glsl(ew_op op);
/* Error bounds of results of this dtype against the exact value, in units of
 * the last place; 0 for exact operations. */
double ew_ulp(ew_op op, lz_dtype d);

/* The dtype that the operands must be brought to when their promoted dtype is
 * `promoted`. (Select: of its second and third operand. AsType: unchanged.) */
lz_dtype ew_operand_dtype(ew_op op, lz_dtype promoted);

/* The dtype of the result for operands of dtype `d` (as ew_operand_dtype gives
 * it). AsType and FromFP8 give what the node asks for; here float32. */
lz_dtype ew_output_dtype(ew_op op, lz_dtype d);

/* Whether there is a kernel for operands of dtype `d`. For Select `d` is that
 * of its second and third operand; for FromFP8 that of the result. */
bool ew_supported(ew_op op, lz_dtype d);

/* Computes n elements, contiguous. Operands and output may be the same memory,
 * else do not overlap. Up to 15 elements beyond the n are read and written:
 * every buffer must hold n rounded up to EW_PAD elements. Operands that the
 * operation does not have are ignored. */
typedef void (*ew_fn)(
    void* out, const void* a, const void* b, const void* c, int n);

#define EW_PAD 16

/* `d` as for ew_supported; `out` matters to AsType alone. NULL if unsupported;
 * the pointer is of the best instruction set of this machine. */
ew_fn ew_kernel(ew_op op, lz_dtype d, lz_dtype out);

/* All kernels of the best instruction set, for who looks up many. */
struct ew_table;
const struct ew_table* ew_table_best(void);

/* out[i] = start + step * (first + i) for i < n. Integers wrap; floats are
 * computed in double and rounded once. `start` and `step` point to int64_t for
 * integer dtypes, to double for floats and complex. Not for bool. */
void ew_iota(
    lz_dtype d,
    void* out,
    const void* start,
    const void* step,
    int64_t first,
    int n);

/* What one instruction set offers; filled in cpu/simd/elementwise_table.c. */
typedef void (*ew_iota_fn)(
    void* out, const void* start, const void* step, int64_t first, int n);
typedef struct ew_table {
  ew_fn fn[EW_COUNT][DTYPE_COUNT];
  ew_fn cast[DTYPE_COUNT][DTYPE_COUNT]; /* [from][to] */
  ew_iota_fn iota[DTYPE_COUNT];
} ew_table;

#endif
