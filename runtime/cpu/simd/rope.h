/* Rotations over tiles, one table for each instruction set. */
#ifndef CPU_SIMD_ROPE_H
#define CPU_SIMD_ROPE_H

#include "cpu/isa.h"
#include "cpu/rope.h"

enum { ROPE_TILE = 256 /* most that n may be */ };

typedef struct rope_table {
  /* Cosines and sines of position·freqs[i]. */
  void (*angles)(
      float position, const float* freqs, int64_t n, float* cos, float* sin);
  /* out = (a·cos - b·sin, a·sin + b·cos), or turned the other way when not
   * forward; products and results rounded to `d`, one of float16, bfloat16 and
   * float32. The outputs overlap nothing. */
  void (*turn)(
      lz_dtype d,
      const float* a,
      const float* b,
      const float* cos,
      const float* sin,
      bool forward,
      int64_t n,
      float* out_a,
      float* out_b);
  /* The same for float32 over `steps` vectors whose pairs lie `apart`; the
   * output may be the input. */
  void (*turn_steps)(
      const float* x,
      int64_t x_step,
      const float (*cos)[ROPE_TILE],
      const float (*sin)[ROPE_TILE],
      bool forward,
      int64_t steps,
      int64_t n,
      int64_t apart,
      float* out,
      int64_t out_step);
} rope_table;

ISA_DECLARE(rope_table, rope_kernels)

#endif
