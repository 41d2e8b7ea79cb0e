/* The table of softmax kernels, one for each instruction set. Rows and tiles
 * are contiguous; T is float for halves and float32, double for float64. */
#ifndef CPU_SIMD_SOFTMAX_H
#define CPU_SIMD_SOFTMAX_H

#include "cpu/isa.h"
#include "cpu/softmax.h"

typedef struct softmax_table {
  /* Sum of exp(x - m), the terms written to e where e is not NULL. e may be
   * x. */
  double (*exp_sum[2])(const void* x, int64_t n, double m, void* e);
  /* e[i] *= f */
  void (*scale[2])(void* e, int64_t n, double f);
  /* `rows` rows of `cols` ≤ SOFTMAX_COLS, each column a softmax of its own. */
  void (*cols[2])(
      const void* x,
      int64_t x_stride,
      void* out,
      int64_t out_stride,
      int64_t rows,
      int64_t cols);
} softmax_table;

enum { SOFTMAX_COLS = 1024 };

ISA_DECLARE(softmax_table, softmax_kernels)

#endif
