/* Dot products of several rows at a time, and sums of several scaled rows at a
 * time: enough streams for the prefetchers, enough sums for the latency. */
#include "cpu/matvec.h"

#include "cpu/isa.h"
#include "cpu/simd/gemm_vec.h"

#if !defined(VF_HALVES)
static inline vf vf_load_f16(const uint16_t* p) {
  return (vf){
      f32_of_f16(p), f32_of_f16(p + 1), f32_of_f16(p + 2), f32_of_f16(p + 3)};
}
static inline vf vf_load_bf16(const uint16_t* p) {
  return (vf){
      f32_of_bf16(p),
      f32_of_bf16(p + 1),
      f32_of_bf16(p + 2),
      f32_of_bf16(p + 3)};
}
#endif
static inline vf vf_load_f32(const float* p) {
  return vf_load(p);
}

#define ROWS 4
#define MATVEC(tag, S)                                                       \
  static void dot_##tag(                                                     \
      float* y,                                                              \
      const void* rows,                                                      \
      int64_t ld,                                                            \
      int64_t n,                                                             \
      const float* x,                                                        \
      int64_t kn) {                                                          \
    const S* m = rows;                                                       \
    int64_t i = 0;                                                           \
    for (; i + ROWS <= n; i += ROWS, m += ROWS * ld) {                       \
      vf sum[ROWS][2];                                                       \
      for (int r = 0; r < ROWS; r++) sum[r][0] = sum[r][1] = vf_zero();      \
      int64_t k = 0;                                                         \
      for (; k + 2 * VF <= kn; k += 2 * VF) {                                \
        vf x0 = vf_load(x + k), x1 = vf_load(x + k + VF);                    \
        _Pragma("GCC unroll 8") for (int r = 0; r < ROWS; r++) {             \
          const S* p = m + r * ld + k;                                       \
          sum[r][0] = vf_fma(vf_load_##tag(p), x0, sum[r][0]);               \
          sum[r][1] = vf_fma(vf_load_##tag(p + VF), x1, sum[r][1]);          \
        }                                                                    \
      }                                                                      \
      for (int r = 0; r < ROWS; r++) {                                       \
        float s = vf_sum(sum[r][0] + sum[r][1]);                             \
        for (int64_t t = k; t < kn; t++)                                     \
          s += f32_of_##tag(m + r * ld + t) * x[t];                          \
        y[i + r] = s;                                                        \
      }                                                                      \
    }                                                                        \
    for (; i < n; i++, m += ld) {                                            \
      vf sum[4] = {vf_zero(), vf_zero(), vf_zero(), vf_zero()};              \
      int64_t k = 0;                                                         \
      for (; k + 4 * VF <= kn; k += 4 * VF)                                  \
        _Pragma("GCC unroll 4") for (int u = 0; u < 4; u++) sum[u] = vf_fma( \
            vf_load_##tag(m + k + u * VF), vf_load(x + k + u * VF), sum[u]); \
      float s = vf_sum((sum[0] + sum[1]) + (sum[2] + sum[3]));               \
      for (; k < kn; k++) s += f32_of_##tag(m + k) * x[k];                   \
      y[i] = s;                                                              \
    }                                                                        \
  }                                                                          \
  static void axpy_##tag(                                                    \
      float* y,                                                              \
      const void* rows,                                                      \
      int64_t ld,                                                            \
      int64_t n,                                                             \
      const float* x,                                                        \
      int64_t kn) {                                                          \
    const S* m = rows;                                                       \
    int64_t k = 0;                                                           \
    for (; k + ROWS <= kn; k += ROWS, m += ROWS * ld) {                      \
      vf s[ROWS];                                                            \
      for (int r = 0; r < ROWS; r++) s[r] = vf_set1(x[k + r]);               \
      int64_t j = 0;                                                         \
      for (; j + VF <= n; j += VF) {                                         \
        vf v = vf_load(y + j);                                               \
        _Pragma("GCC unroll 8") for (int r = 0; r < ROWS; r++) v =           \
            vf_fma(s[r], vf_load_##tag(m + r * ld + j), v);                  \
        vf_store(y + j, v);                                                  \
      }                                                                      \
      for (; j < n; j++)                                                     \
        for (int r = 0; r < ROWS; r++)                                       \
          y[j] += x[k + r] * f32_of_##tag(m + r * ld + j);                   \
    }                                                                        \
    for (; k < kn; k++, m += ld)                                             \
      for (int64_t j = 0; j < n; j++) y[j] += x[k] * f32_of_##tag(m + j);    \
  }

MATVEC(f32, float)
MATVEC(f16, uint16_t)
MATVEC(bf16, uint16_t)

extern const matvec_table ISA_NAME(matvec_table);
const matvec_table ISA_NAME(matvec_table) = {
    .dot =
        {[DTYPE_FLOAT32] = dot_f32,
         [DTYPE_FLOAT16] = dot_f16,
         [DTYPE_BFLOAT16] = dot_bf16},
    .axpy =
        {[DTYPE_FLOAT32] = axpy_f32,
         [DTYPE_FLOAT16] = axpy_f16,
         [DTYPE_BFLOAT16] = axpy_bf16},
};
