/* Matrices of doubles and of complex numbers times one vector. */
#include "cpu/isa.h"
#include "cpu/matvec.h"
#include "cpu/simd/dot.h"

#define ROWS(tag, T)                                          \
  static void rows_##tag(                                     \
      void* y,                                                \
      const void* rows,                                       \
      int64_t ld,                                             \
      int64_t n,                                              \
      const void* x,                                          \
      int64_t kn) {                                           \
    for (int64_t i = 0; i < n; i++)                           \
      ((T*)y)[i] = dot_##tag((const T*)rows + i * ld, x, kn); \
  }
ROWS(f64, double)
ROWS(c64, lz_complex)

/* Columns of results that are summed in registers. */
#define WIDE 4

/* Many rows: four at a time from end to end, as memory likes to be read. */
static void long_sums_f64(
    double* y,
    const double* m,
    int64_t ld,
    int64_t n,
    const double* x,
    int64_t kn) {
  for (int64_t j = 0; j < n; j++) y[j] = 0;
  for (int64_t k = 0; k < kn; k += 4, m += 4 * ld, x += 4) {
    const int rows = kn - k < 4 ? (int)(kn - k) : 4;
    for (int64_t j = 0; j < n; j += VD) {
      const int64_t some = n - j < VD ? n - j : VD;
      vd sum = vd_load_some(y + j, some);
      if (some == VD && rows == 4) {
#pragma GCC unroll 4
        for (int r = 0; r < 4; r++)
          sum = vd_fma(vd_set1(x[r]), vd_load(m + r * ld + j), sum);
        vd_store(y + j, sum);
        continue;
      }
      for (int r = 0; r < rows; r++)
        sum = vd_fma(vd_set1(x[r]), vd_load_some(m + r * ld + j, some), sum);
      vd_store_some(y + j, sum, some);
    }
  }
}

static void sums_f64(
    void* y_,
    const void* rows,
    int64_t ld,
    int64_t n,
    const void* x_,
    int64_t kn) {
  double* y = y_;
  const double *m = rows, *x = x_;
  int64_t j = 0;
  if (kn > 16) {
    long_sums_f64(y, m, ld, n, x, kn);
    return;
  }
  for (; j + WIDE * VD <= n; j += WIDE * VD) {
    vd sum[WIDE] = {{0}, {0}, {0}, {0}};
    for (int64_t k = 0; k < kn; k++)
#pragma GCC unroll 4
      for (int u = 0; u < WIDE; u++)
        sum[u] =
            vd_fma(vd_set1(x[k]), vd_load(m + k * ld + j + u * VD), sum[u]);
    for (int u = 0; u < WIDE; u++) vd_store(y + j + u * VD, sum[u]);
  }
  for (; j < n; j += VD) {
    const int64_t some = n - j < VD ? n - j : VD;
    vd sum = vd_zero();
    for (int64_t k = 0; k < kn; k++)
      sum = vd_fma(vd_set1(x[k]), vd_load_some(m + k * ld + j, some), sum);
    vd_store_some(y + j, sum, some);
  }
}

static inline vf times_c64(vf sum, lz_complex x, vf m) {
  static const float sign[] = {
      -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1};
  const vf turned = vf_set1(x.im) * vf_load(sign);
  return vf_fma(turned, vf_swap(m), vf_fma(vf_set1(x.re), m, sum));
}

static void sums_c64(
    void* y_,
    const void* rows,
    int64_t ld,
    int64_t n,
    const void* x_,
    int64_t kn) {
  float* y = y_;
  const float* m = rows;
  const lz_complex* x = x_;
  int64_t j = 0;
  n *= 2;
  ld *= 2;
  for (; j + WIDE * VF <= n; j += WIDE * VF) {
    vf sum[WIDE] = {{0}, {0}, {0}, {0}};
    for (int64_t k = 0; k < kn; k++)
#pragma GCC unroll 4
      for (int u = 0; u < WIDE; u++)
        sum[u] = times_c64(sum[u], x[k], vf_load(m + k * ld + j + u * VF));
    for (int u = 0; u < WIDE; u++) vf_store(y + j + u * VF, sum[u]);
  }
  for (; j < n; j += VF) {
    const int64_t some = n - j < VF ? n - j : VF;
    vf sum = vf_zero();
    for (int64_t k = 0; k < kn; k++)
      sum = times_c64(sum, x[k], vf_load_some(m + k * ld + j, some));
    vf_store_some(y + j, sum, some);
  }
}

extern const matvec_wide_table ISA_NAME(matvec_wide_table);
const matvec_wide_table ISA_NAME(matvec_wide_table) = {
    .dot = {[DTYPE_FLOAT64] = rows_f64, [DTYPE_COMPLEX64] = rows_c64},
    .axpy = {[DTYPE_FLOAT64] = sums_f64, [DTYPE_COMPLEX64] = sums_c64},
};
