/* The table of update kernels, one for each instruction set. */
#ifndef CPU_SIMD_SCATTER_H
#define CPU_SIMD_SCATTER_H

#include "cpu/isa.h"
#include "cpu/scatter.h"

/* scatter_reduce, and the extremes that keep a NaN of either side. */
enum { SCATTER_NAN_MAX = SCATTER_MIN + 1, SCATTER_NAN_MIN, SCATTER_WAYS };

typedef struct scatter_table {
  /* out[i·to] op= updates[i·from] */
  void (*line[SCATTER_WAYS][DTYPE_COUNT])(
      void* out, int64_t to, const void* updates, int64_t from, int64_t n);
  /* out[offsets[i]] op= updates[i·from] where low <= offsets[i] < high, in
   * order */
  void (*points[SCATTER_WAYS][DTYPE_COUNT])(
      void* out,
      const int64_t* offsets,
      int64_t low,
      int64_t high,
      const void* updates,
      int64_t from,
      int64_t n);
  /* out[positions[i] * to + i * step] op= updates[i * from]; a position of -1
   * goes nowhere. */
  void (*along[SCATTER_WAYS][DTYPE_COUNT])(
      void* out,
      int64_t to,
      int64_t step,
      const int64_t* positions,
      const void* updates,
      int64_t from,
      int64_t n);
} scatter_table;

ISA_DECLARE(scatter_table, scatter_kernels)

#endif
