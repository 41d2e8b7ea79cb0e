/* Products that are done before panels would be packed. */
#ifndef CPU_GEMM_TINY_H
#define CPU_GEMM_TINY_H

#include <stdint.h>

#include "core/dtype.h"

/* At most so many rows and columns of results, sums of at most so many. */
#define GEMM_TINY 16
#define GEMM_TINY_K 64

typedef struct gemm_tiny_table {
  /* out[i * ld + j] = the product, for i < m, j < n, and nothing else; element
   * (i, k) of a at a[i * a_row + k * a_col]. out is float for halves. NULL for
   * types that are not multiplied. */
  void (*run[DTYPE_COUNT])(
      void* out,
      int64_t ld,
      int m,
      int n,
      int k,
      const void* a,
      int64_t a_row,
      int64_t a_col,
      const void* b,
      int64_t b_row,
      int64_t b_col);
} gemm_tiny_table;

const gemm_tiny_table* gemm_tiny_kernels(void);

#endif
