/* A matrix times a few vectors: reads the matrix once, as fast as memory gives
 * it. */
#ifndef CPU_MATVEC_H
#define CPU_MATVEC_H

#include <stdint.h>

#include "core/dtype.h"

/* Vectors at most; more are worth a product of matrices. */
#define MATVEC_MOST 8

typedef struct matvec_table {
  /* y[v * ldy + i] = sum over k of rows[i * ld + k] * x[v * ldx + k], i < n,
   * v < vectors. */
  void (*dot[DTYPE_COUNT])(
      float* y,
      int64_t ldy,
      const void* rows,
      int64_t ld,
      int64_t n,
      const float* x,
      int64_t ldx,
      int64_t kn,
      int vectors);
  /* y[v * ldy + j] += sum over k of x[v * ldx + k] * rows[k * ld + j], j < n.
   */
  void (*axpy[DTYPE_COUNT])(
      float* y,
      int64_t ldy,
      const void* rows,
      int64_t ld,
      int64_t n,
      const float* x,
      int64_t ldx,
      int64_t kn,
      int vectors);
} matvec_table;

const matvec_table* matvec_kernels(void);

/* float64 and complex64, whose sums are of their own type. */
typedef struct matvec_wide_table {
  /* y[i] = sum over k of rows[i * ld + k] * x[k], i < n. */
  void (*dot[DTYPE_COUNT])(
      void* y,
      const void* rows,
      int64_t ld,
      int64_t n,
      const void* x,
      int64_t kn);
  /* y[j] = sum over k of x[k] * rows[k * ld + j], j < n. */
  void (*axpy[DTYPE_COUNT])(
      void* y,
      const void* rows,
      int64_t ld,
      int64_t n,
      const void* x,
      int64_t kn);
} matvec_wide_table;

const matvec_wide_table* matvec_wide_kernels(void);

/* y[v][i], i < n, v < vectors, of a matrix with element (i, k) at
 * m[i * row + k * col]; one of row and col is 1 (or its extent is). x is
 * [v][k]. Runs on the pool. Nonzero: not done, because of strides, type or
 * memory. */
int matvec_run(
    lz_dtype dtype,
    float* y,
    const void* m,
    int64_t row,
    int64_t col,
    int64_t n,
    int64_t kn,
    const float* x,
    int vectors);

#endif
