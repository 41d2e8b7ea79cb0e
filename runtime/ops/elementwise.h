/* Element-wise operations on the graph: operands are promoted to one type and
 * broadcast against each other; casts are nodes of their own, broadcasting is
 * part of the operation. */
#ifndef OPS_ELEMENTWISE_H
#define OPS_ELEMENTWISE_H

#include "core/op.h"
#include "cpu/elementwise.h"

lz_array* op_unary(int ew, lz_array* a, lz_stream* s);
lz_array* op_binary(int ew, lz_array* a, lz_array* b, lz_stream* s);
/* condition ? x : y */
lz_array* op_where(lz_array* condition, lz_array* x, lz_array* y, lz_stream* s);
/* The array itself where the type is right. */
lz_array* op_astype(lz_array* a, lz_dtype dtype, lz_stream* s);

/* Those whose types the table does not tell: real types have no imaginary
 * part, and integers divide as floats. */
lz_array* op_abs(lz_array* a, lz_stream* s);
lz_array* op_conjugate(lz_array* a, lz_stream* s);
lz_array* op_real(lz_array* a, lz_stream* s);
lz_array* op_imag(lz_array* a, lz_stream* s);
lz_array* op_bitwise_invert(lz_array* a, lz_stream* s);
lz_array* op_divide(lz_array* a, lz_array* b, lz_stream* s);

/* One descriptor an operation of ops/elementwise.def; and one for where it
 * changes nothing (EW_KEEPS), a view of its operand. */
extern const lz_op op_elementwise_descs[], op_kept_descs[];

#define OP_UNARY(name, ew)                                       \
  static inline lz_array* op_##name(lz_array* a, lz_stream* s) { \
    return op_unary(ew, a, s);                                   \
  }
#define OP_BINARY(name, ew)                                                   \
  static inline lz_array* op_##name(lz_array* a, lz_array* b, lz_stream* s) { \
    return op_binary(ew, a, b, s);                                            \
  }
#include "ops/elementwise_names.def"
#undef OP_UNARY
#undef OP_BINARY

#endif
