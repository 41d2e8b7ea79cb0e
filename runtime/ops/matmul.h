/* Matrix products on the graph. */
#ifndef OPS_MATMUL_H
#define OPS_MATMUL_H

#include "core/op.h"

/* NumPy's rules for vectors and leading axes. Floating and complex types. */
lz_array* op_matmul(lz_array* a, lz_array* b, lz_stream* s);
/* alpha * a @ b + beta * c, c broadcast to the product. */
lz_array* op_addmm(
    lz_array* c,
    lz_array* a,
    lz_array* b,
    float alpha,
    float beta,
    lz_stream* s);

typedef struct matmul_params {
  float alpha, beta;
} matmul_params;

extern const lz_op op_matmul_desc, op_addmm_desc;

#endif
