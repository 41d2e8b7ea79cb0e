/* Einstein sums. */
#ifndef OPS_EINSUM_H
#define OPS_EINSUM_H

#include "core/array.h"

/* "bij,bjk->bik": letters name axes, "..." stands for any number of leading
 * ones, extents of 1 broadcast; without "->" the letters that occur once are
 * the result's, in alphabetical order. Operands are contracted a pair at a
 * time, the cheapest first, by matrix products. */
lz_array* op_einsum(
    const char* subscripts, lz_array* const* operands, size_t n, lz_stream* s);

#endif
