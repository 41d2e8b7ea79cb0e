/* Sums of products along two runs of memory. */
#ifndef CPU_SIMD_DOT_H
#define CPU_SIMD_DOT_H

#include "core/dtype.h"
#include "cpu/simd/gemm_vec.h"

/* Four sums at a time hide how long one takes. */
#define DOT(tag, T, V, W, load, load_some, fma, total)                         \
  static inline T dot_##tag(const T* a, const T* b, int64_t n) {               \
    V sum[4] = {{0}, {0}, {0}, {0}};                                           \
    int64_t i = 0;                                                             \
    for (; i + 4 * W <= n; i += 4 * W)                                         \
      _Pragma("GCC unroll 4") for (int u = 0; u < 4; u++) sum[u] =             \
          fma(load(a + i + u * W), load(b + i + u * W), sum[u]);               \
    for (; i + W <= n; i += W) sum[0] = fma(load(a + i), load(b + i), sum[0]); \
    if (i < n)                                                                 \
      sum[1] = fma(load_some(a + i, n - i), load_some(b + i, n - i), sum[1]);  \
    return total((sum[0] + sum[1]) + (sum[2] + sum[3]));                       \
  }

DOT(f32, float, vf, VF, vf_load, vf_load_some, vf_fma, vf_sum)
DOT(f64, double, vd, VD, vd_load, vd_load_some, vd_fma, vd_sum)

/* Of pairs: products of like parts, whose difference is the real part, and of
 * unlike ones, whose sum is the imaginary one. */
static inline lz_complex dot_c64(
    const lz_complex* a_, const lz_complex* b_, int64_t n) {
  const float *a = (const float*)a_, *b = (const float*)b_;
  vf like[2] = {{0}, {0}}, unlike[2] = {{0}, {0}};
  int64_t i = 0;
  n *= 2;
  for (; i + 2 * VF <= n; i += 2 * VF)
    for (int u = 0; u < 2; u++) {
      const vf x = vf_load(a + i + u * VF), y = vf_load(b + i + u * VF);
      like[u] = vf_fma(x, y, like[u]);
      unlike[u] = vf_fma(x, vf_swap(y), unlike[u]);
    }
  while (i < n) {
    const int64_t some = n - i < VF ? n - i : VF;
    const vf x = vf_load_some(a + i, some), y = vf_load_some(b + i, some);
    like[0] = vf_fma(x, y, like[0]);
    unlike[0] = vf_fma(x, vf_swap(y), unlike[0]);
    i += some;
  }
  const vf sum = like[0] + like[1];
  lz_complex r = {0, vf_sum(unlike[0] + unlike[1])};
  for (int u = 0; u < VF; u += 2) r.re += sum[u] - sum[u + 1];
  return r;
}

#endif
