/* The table of normalisation kernels over tiles, one for each instruction
 * set. Index 0: tiles of float, 1: of double. */
#ifndef CPU_SIMD_NORM_H
#define CPU_SIMD_NORM_H

#include "cpu/isa.h"
#include "cpu/norm.h"

typedef struct norm_table {
  double (*sum)(const void* x, int64_t n);
  /* sum of (x - shift)² */
  double (*squares)(const void* x, int64_t n, double shift);
  /* out = (x - shift)·scale [·w] [+ b]; w and b may be NULL, out may be x */
  void (*apply)(
      const void* x,
      int64_t n,
      double shift,
      double scale,
      const void* w,
      const void* b,
      void* out);
  /* The norm of rows of n elements, `stride` and `out_stride` apart: less their
   * mean if `centred`, over the root of their mean square and eps [· w] [+ b].
   * out may be x. */
  void (*rows)(
      const void* x,
      int64_t stride,
      int64_t n,
      int64_t rows,
      bool centred,
      double eps,
      const void* w,
      const void* b,
      void* out,
      int64_t out_stride);
  /* Rows without gaps: x = x [· w] [+ b] */
  void (*scaled)(
      void* x, int64_t n, int64_t rows, const void* w, const void* b);
  /* With u = g·w (w NULL: g): adds the sums of u and of u·(x - shift). */
  void (*dots)(
      const void* x,
      const void* g,
      const void* w,
      int64_t n,
      double shift,
      double* u_sum,
      double* ux_sum);
  /* gx = (u - mean)·scale - (x - shift)·slope */
  void (*slope)(
      const void* x,
      const void* g,
      const void* w,
      int64_t n,
      double shift,
      double scale,
      double mean,
      double slope,
      void* gx);
  /* gw += g·(x - shift)·scale, gb += g; either may be NULL */
  void (*collect)(
      const void* x,
      const void* g,
      int64_t n,
      double shift,
      double scale,
      void* gw,
      void* gb);
  /* Columns side by side, rows `stride` apart: takes in `rows` rows after
   * `before` others, whose means and sums of squares around them are given */
  void (*moments)(
      const void* x,
      int64_t stride,
      int64_t rows,
      int64_t cols,
      int64_t before,
      void* mean,
      void* squares);
} norm_table;

ISA_DECLARE(norm_table, norm_kernels_f32)
ISA_DECLARE(norm_table, norm_kernels_f64)

#endif
