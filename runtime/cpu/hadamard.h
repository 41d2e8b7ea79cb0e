/* Hadamard transforms along the last axis. */
#ifndef CPU_HADAMARD_H
#define CPU_HADAMARD_H

#include "cpu/view.h"

/* n = m * power, power a power of two and m one of 1, 12, 20 and 28. Nonzero:
 * n is no such number. */
int hadamard_split(int n, int* m, int* power);

/* in and out of float16, bfloat16 or float32, any strides; may be the same.
 * Sums are float, rounded once. The matrices of order 12, 20 and 28 are those
 * of MLX. The last axis splits. Runs on the pool. Nonzero: out of memory. */
int hadamard_run(const lz_view* in, const lz_view* out, float scale);

typedef struct hadamard_table {
  /* `count` lines, one after the other, in place; power and m as
   * hadamard_split gives them; row j of the m x m matrix has bit k set where it
   * is +1. */
  void (*lines)(
      float* x,
      int64_t count,
      int m,
      int power,
      const uint32_t* rows,
      float scale);
} hadamard_table;

#endif
