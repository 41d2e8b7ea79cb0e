/* The activation that products end with, over rows of sums. */
#include "cpu/isa.h"
#include "cpu/matmul_plan.h"
#include "cpu/simd/elementwise_math.h"

static void gelu(float* x, int64_t n) {
  enum { LANES_F = sizeof(vf) / sizeof(float) };
  float rest[LANES_F] = {0};
  for (int64_t i = 0; i < n; i += LANES_F) {
    const bool whole = n - i >= LANES_F;
    float* at = whole ? x + i : rest;
    if (!whole) memcpy(rest, x + i, (size_t)(n - i) * sizeof *x);
    const vf v = load_f32(at), half = v * set_f(0.5f);
    store_f32(at, fma_f(half, erf_f(v * set_f(0.70710678f)), half));
    if (!whole) memcpy(x + i, rest, (size_t)(n - i) * sizeof *x);
  }
}

extern const matmul_rows ISA_NAME(matmul_rows);
const matmul_rows ISA_NAME(matmul_rows) = {gelu};
