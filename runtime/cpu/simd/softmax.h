/* The table of softmax kernels, one for each instruction set. Rows and tiles
 * are contiguous; T is float for halves and float32, double for float64. */
#ifndef CPU_SIMD_SOFTMAX_H
#define CPU_SIMD_SOFTMAX_H

#include <stdbool.h>

#include "cpu/isa.h"
#include "cpu/softmax.h"

typedef struct softmax_table {
  /* The greatest of top and n elements; a NaN stays. */
  double (*max[2])(const void* x, int64_t n, double top);
  /* Sum of exp(x - m), the terms written to e where e is not NULL. e may be
   * x. */
  double (*exp_sum[2])(const void* x, int64_t n, double m, void* e);
  /* out[i] = e[i]·f, past the caches if `stream`. out may be e. */
  void (*scale[2])(const void* e, int64_t n, double f, void* out, bool stream);
  /* Columns side by side, `cols` of them, a multiple of SOFTMAX_LANES; rows
   * are `stride` apart. take: with sum[c] that of exp(x - top[c]) over the
   * column so far, takes in `rows` rows. */
  void (*take[2])(
      const void* x,
      int64_t stride,
      int64_t rows,
      int64_t cols,
      void* top,
      void* sum);
  /* sum[c] = log(sum[c]) + top[c], or an infinite top as it is */
  void (*log_sum[2])(int64_t cols, const void* top, void* sum);
  /* out = exp(x - top[c])·f[c], past the caches if `stream` */
  void (*give[2])(
      const void* x,
      int64_t stride,
      int64_t rows,
      int64_t cols,
      const void* top,
      const void* f,
      void* out,
      int64_t out_stride,
      bool stream);
} softmax_table;

enum { SOFTMAX_LANES = 16 };

ISA_DECLARE(softmax_table, softmax_kernels)

#endif
