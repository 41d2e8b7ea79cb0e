/* Arithmetic made of element-wise operations. */
#ifndef OPS_ARITH_H
#define OPS_ARITH_H

#include "core/array.h"

lz_array* op_degrees(lz_array* a, lz_stream* s);
lz_array* op_radians(lz_array* a, lz_stream* s);
lz_array* op_reciprocal(lz_array* a, lz_stream* s);
/* Floats: floor of the quotient. Integers: C's quotient. */
lz_array* op_floor_divide(lz_array* a, lz_array* b, lz_stream* s);
/* Quotient and remainder. Non-zero with a message on failure. */
int op_divmod(lz_array* a, lz_array* b, lz_stream* s, lz_array* out[2]);
/* Halves go to even. */
lz_array* op_round(lz_array* a, int decimals, lz_stream* s);
/* 8-bit floats are kept as uint8. */
lz_array* op_to_fp8(lz_array* a, lz_stream* s);
lz_array* op_from_fp8(lz_array* a, lz_dtype dtype, lz_stream* s);

#endif
