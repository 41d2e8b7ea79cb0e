/* What products end with, over rows of sums. */
#include "cpu/isa.h"
#include "cpu/matmul_plan.h"

static void scale(float* x, int64_t n, float by) {
  for (int64_t i = 0; i < n; i++) x[i] *= by;
}

static void add(
    float* restrict x, int64_t n, float by, const float* restrict c) {
  for (int64_t i = 0; i < n; i++) x[i] += by * c[i];
}

static void wide(
    double* out,
    const double* x,
    int64_t n,
    double alpha,
    double beta,
    const double* c) {
  for (int64_t i = 0; i < n; i++) out[i] = alpha * x[i] + beta * c[i];
}

extern const matmul_rows ISA_NAME(matmul_rows);
const matmul_rows ISA_NAME(matmul_rows) = {
    .scale = scale, .add = add, .wide = wide};
