/* What products end with, over rows of sums. */
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

static void scale(float* x, int64_t n, float by) {
  for (int64_t i = 0; i < n; i++) x[i] *= by;
}

static void add(
    float* restrict x, int64_t n, float by, const float* restrict c) {
  for (int64_t i = 0; i < n; i++) x[i] += by * c[i];
}

static void relu(float* x, int64_t n) {
  for (int64_t i = 0; i < n; i++) x[i] = x[i] < 0 ? 0 : x[i];
}

extern const matmul_rows ISA_NAME(matmul_rows);
const matmul_rows ISA_NAME(matmul_rows) = {
    .scale = scale, .add = add, .relu = relu, .gelu = gelu};
