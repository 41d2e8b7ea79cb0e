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

/* Rows of the matrix, and vectors, that are summed at the same time. */
#define ROWS 4
#define VECTORS 4

#define MATVEC(tag, S)                                                         \
  static inline __attribute__((always_inline)) void dot_block_##tag(           \
      const int rows,                                                          \
      const int vectors,                                                       \
      float* y,                                                                \
      int64_t ldy,                                                             \
      const S* m,                                                              \
      int64_t ld,                                                              \
      const float* x,                                                          \
      int64_t ldx,                                                             \
      int64_t kn) {                                                            \
    vf sum[ROWS][VECTORS];                                                     \
    for (int r = 0; r < rows; r++)                                             \
      for (int v = 0; v < vectors; v++) sum[r][v] = vf_zero();                 \
    int64_t k = 0;                                                             \
    for (; k + VF <= kn; k += VF) {                                            \
      vf w[ROWS];                                                              \
      _Pragma("GCC unroll 4") for (int r = 0; r < rows; r++) w[r] =            \
          vf_load_##tag(m + r * ld + k);                                       \
      _Pragma("GCC unroll 4") for (int v = 0; v < vectors; v++) {              \
        const vf at = vf_load(x + v * ldx + k);                                \
        _Pragma("GCC unroll 4") for (int r = 0; r < rows; r++) sum[r][v] =     \
            vf_fma(w[r], at, sum[r][v]);                                       \
      }                                                                        \
    }                                                                          \
    for (int r = 0; r < rows; r++)                                             \
      for (int v = 0; v < vectors; v++) {                                      \
        float s = vf_sum(sum[r][v]);                                           \
        for (int64_t t = k; t < kn; t++)                                       \
          s += f32_of_##tag(m + r * ld + t) * x[v * ldx + t];                  \
        y[v * ldy + r] = s;                                                    \
      }                                                                        \
  }                                                                            \
  static void dot_##tag(                                                       \
      float* y,                                                                \
      int64_t ldy,                                                             \
      const void* rows,                                                        \
      int64_t ld,                                                              \
      int64_t n,                                                               \
      const float* x,                                                          \
      int64_t ldx,                                                             \
      int64_t kn,                                                              \
      int vectors) {                                                           \
    const S* m = rows;                                                         \
    int64_t i = 0;                                                             \
    for (; i + ROWS <= n; i += ROWS, m += ROWS * ld) {                         \
      int v = 0;                                                               \
      for (; v + VECTORS <= vectors; v += VECTORS)                             \
        dot_block_##tag(                                                       \
            ROWS, VECTORS, y + v * ldy + i, ldy, m, ld, x + v * ldx, ldx, kn); \
      for (; v < vectors; v++)                                                 \
        dot_block_##tag(                                                       \
            ROWS, 1, y + v * ldy + i, ldy, m, ld, x + v * ldx, ldx, kn);       \
    }                                                                          \
    for (; i < n; i++, m += ld)                                                \
      for (int v = 0; v < vectors; v++)                                        \
        dot_block_##tag(                                                       \
            1, 1, y + v * ldy + i, ldy, m, ld, x + v * ldx, ldx, kn);          \
  }                                                                            \
  static inline __attribute__((always_inline)) void axpy_block_##tag(          \
      const int vectors,                                                       \
      float* y,                                                                \
      int64_t ldy,                                                             \
      const S* m,                                                              \
      int64_t ld,                                                              \
      int64_t n,                                                               \
      const float* x,                                                          \
      int64_t ldx) {                                                           \
    int64_t j = 0;                                                             \
    for (; j + VF <= n; j += VF) {                                             \
      vf w[ROWS];                                                              \
      _Pragma("GCC unroll 4") for (int r = 0; r < ROWS; r++) w[r] =            \
          vf_load_##tag(m + r * ld + j);                                       \
      /* The next rows: what a core asks for by itself is too little. */       \
      _Pragma("GCC unroll 4") for (int r = 0; r < ROWS; r++)                   \
          __builtin_prefetch(m + (r + ROWS) * ld + j);                         \
      _Pragma("GCC unroll 4") for (int v = 0; v < vectors; v++) {              \
        vf sum = vf_load(y + v * ldy + j);                                     \
        _Pragma("GCC unroll 4") for (int r = 0; r < ROWS; r++) sum =           \
            vf_fma(vf_set1(x[v * ldx + r]), w[r], sum);                        \
        vf_store(y + v * ldy + j, sum);                                        \
      }                                                                        \
    }                                                                          \
    for (; j < n; j++)                                                         \
      for (int v = 0; v < vectors; v++)                                        \
        for (int r = 0; r < ROWS; r++)                                         \
          y[v * ldy + j] += x[v * ldx + r] * f32_of_##tag(m + r * ld + j);     \
  }                                                                            \
  static void axpy_##tag(                                                      \
      float* y,                                                                \
      int64_t ldy,                                                             \
      const void* rows,                                                        \
      int64_t ld,                                                              \
      int64_t n,                                                               \
      const float* x,                                                          \
      int64_t ldx,                                                             \
      int64_t kn,                                                              \
      int vectors) {                                                           \
    const S* m = rows;                                                         \
    int64_t k = 0;                                                             \
    for (; k + ROWS <= kn; k += ROWS, m += ROWS * ld) {                        \
      int v = 0;                                                               \
      for (; v + VECTORS <= vectors; v += VECTORS)                             \
        axpy_block_##tag(                                                      \
            VECTORS, y + v * ldy, ldy, m, ld, n, x + v * ldx + k, ldx);        \
      for (; v < vectors; v++)                                                 \
        axpy_block_##tag(1, y + v * ldy, ldy, m, ld, n, x + v * ldx + k, ldx); \
    }                                                                          \
    for (; k < kn; k++, m += ld)                                               \
      for (int v = 0; v < vectors; v++) {                                      \
        float* to = y + v * ldy;                                               \
        const float by = x[v * ldx + k];                                       \
        for (int64_t j = 0; j < n; j++) to[j] += by * f32_of_##tag(m + j);     \
      }                                                                        \
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
