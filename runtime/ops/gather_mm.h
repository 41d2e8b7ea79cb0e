/* Products whose matrices are picked, masked in blocks, or cut in segments. */
#ifndef OPS_GATHER_MM_H
#define OPS_GATHER_MM_H

#include "core/op.h"

/* Product i takes matrix lhs[i] of a and rhs[i] of b, counted over their
 * leading axes; either may be NULL: all in order; both: matmul. */
lz_array* op_gather_mm(
    lz_array* a, lz_array* b, lz_array* lhs, lz_array* rhs, lz_stream* s);
/* Blocks of block_size (32 or 64) squared are left out where a mask is false,
 * or scaled by it; each mask may be NULL. */
lz_array* op_block_masked_mm(
    lz_array* a,
    lz_array* b,
    int block_size,
    lz_array* mask_out,
    lz_array* mask_lhs,
    lz_array* mask_rhs,
    lz_stream* s);
/* a (M, K), b (K, N), segments (…, 2): sums over k from one to the other. */
lz_array* op_segmented_mm(
    lz_array* a, lz_array* b, lz_array* segments, lz_stream* s);

/* Of the family: 0, 1, … in the shape of a's leading axes, where `indices` is
 * NULL; checked and as uint32 otherwise. */
lz_array* gather_mm_indices(
    const char* op, lz_array* indices, const lz_array* a, lz_stream* s);
/* Kernels: non-zero with a message where an index has no matrix. */
int gather_mm_check(const char* op, const lz_array* indices, int64_t n);

/* Sums matrix i of g, whose leading axes are those of indices, into matrix
 * indices[i] of zeros like `like`. */
lz_array* gather_mm_sum(
    lz_array* g, lz_array* indices, const lz_array* like, lz_stream* s);

extern const lz_op op_gather_mm_desc, op_block_masked_mm_desc,
    op_segmented_mm_desc;

#endif
