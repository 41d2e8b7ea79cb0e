/* Matrix times vector: reads the matrix once, as fast as memory gives it. */
#ifndef CPU_MATVEC_H
#define CPU_MATVEC_H

#include <stdint.h>

#include "core/dtype.h"

typedef struct matvec_table {
  /* y[i] = sum over k of rows[i * ld + k] * x[k], i < n. */
  void (*dot[DTYPE_COUNT])(
      float* y,
      const void* rows,
      int64_t ld,
      int64_t n,
      const float* x,
      int64_t kn);
  /* y[j] += sum over k of x[k] * rows[k * ld + j], j < n. */
  void (*axpy[DTYPE_COUNT])(
      float* y,
      const void* rows,
      int64_t ld,
      int64_t n,
      const float* x,
      int64_t kn);
} matvec_table;

const matvec_table* matvec_kernels(void);

/* y[i], i < n, of a matrix with element (i, k) at m[i * row + k * col]; one of
 * row and col is 1 (or its extent is). Runs on the pool. Nonzero: not done,
 * because of strides, type or memory. */
int matvec_run(
    lz_dtype dtype,
    float* y,
    const void* m,
    int64_t row,
    int64_t col,
    int64_t n,
    int64_t kn,
    const float* x);

#endif
