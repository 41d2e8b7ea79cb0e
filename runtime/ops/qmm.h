/* Products with quantised matrices. */
#ifndef OPS_QMM_H
#define OPS_QMM_H

#include "ops/quantize.h"

/* A quantised matrix as a caller gives it; biases NULL unless affine. */
typedef struct quantized {
  lz_array *w, *scales, *biases;
  quantize_wish wish;
  bool transpose; /* w is (…, N, K packed), else (…, K, N packed) */
} quantized;

/* x (…, K); leading axes broadcast where both have some. */
lz_array* op_quantized_matmul(lz_array* x, quantized q, lz_stream* s);
/* Product i takes matrix lhs[i] of x and rhs[i] of w, counted over their
 * leading axes; either may be NULL: all in order; both: quantized_matmul. */
lz_array* op_gather_qmm(
    lz_array* x, quantized q, lz_array* lhs, lz_array* rhs, lz_stream* s);
/* x quantised and back, times a quantised w (scales given) or one that is
 * quantised first (scales NULL). "nvfp4" and "mxfp8". */
lz_array* op_qqmm(
    lz_array* x,
    lz_array* w,
    lz_array* scales,
    quantize_wish wish,
    lz_array* global_x,
    lz_array* global_w,
    lz_stream* s);

extern const lz_op op_quantized_matmul_desc, op_gather_qmm_desc, op_qqmm_desc;

#endif
