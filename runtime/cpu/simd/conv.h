/* The table of kernels of small convolutions, one for each instruction set. */
#ifndef CPU_SIMD_CONV_H
#define CPU_SIMD_CONV_H

#include <stdint.h>

#include "cpu/isa.h"

/* What one output element sees: `count` taps, the input under each at x +
 * offset[t], its weights at w[t]. */
typedef struct conv_taps {
  int count;
  const int64_t* offset;
  const float* const* w;
} conv_taps;

typedef struct conv_table {
  /* out[o] = sum of x[offset + c] · w[c · outputs + o] over taps and channels
   */
  void (*group)(
      float* out,
      const float* x,
      const conv_taps* taps,
      int64_t channels,
      int64_t outputs);
  /* Each channel by itself: out[i] = sum of x[offset + i] · w[i] over taps */
  void (*depth)(float* out, const float* x, const conv_taps* taps, int64_t n);
  /* sum[i] += w · x[i · step], i < n */
  void (*line)(float* sum, const float* x, int64_t step, float w, int64_t n);
} conv_table;

ISA_DECLARE(conv_table, conv_kernels)

#endif
