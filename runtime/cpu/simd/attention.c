/* The steps of attention over a block of keys and a panel of queries. */
#include "cpu/attention.h"

#include <float.h>
#include <math.h>

#include "cpu/isa.h"
#include "cpu/simd/gemm_vec.h"

#define NV 2
#define LANES (NV * VF)
#if defined(LZ_ISA_avx512)
#define ROWS 14
#elif defined(LZ_ISA_avx2)
#define ROWS 6
#else
#define ROWS 4
#endif

/* rows x LANES results. a[i * a_row + k * a_k], b[k * LANES + lane]. */
static inline __attribute__((always_inline)) void product(
    const int rows,
    float* restrict out,
    const float* restrict a,
    int64_t a_row,
    int64_t a_k,
    int64_t kn,
    const float* restrict b,
    const float* factor) {
  vf sum[ROWS][NV];
#pragma GCC unroll 16
  for (int i = 0; i < rows; i++)
    for (int j = 0; j < NV; j++) sum[i][j] = vf_zero();
  for (int64_t k = 0; k < kn; k++, b += LANES, a += a_k) {
    const vf b0 = vf_load(b), b1 = vf_load(b + VF);
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++) {
      const vf x = vf_set1(a[i * a_row]);
      sum[i][0] = vf_fma(x, b0, sum[i][0]);
      sum[i][1] = vf_fma(x, b1, sum[i][1]);
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < rows; i++)
    for (int j = 0; j < NV; j++) {
      float* at = out + i * LANES + j * VF;
      if (factor)
        sum[i][j] = vf_fma(vf_load(at), vf_load(factor + j * VF), sum[i][j]);
      vf_store(at, sum[i][j]);
    }
}

#define CASE(n, ...)         \
  case n:                    \
    product(n, __VA_ARGS__); \
    break;
#if ROWS == 14
#define MORE(...)       \
  CASE(7, __VA_ARGS__)  \
  CASE(8, __VA_ARGS__)  \
  CASE(9, __VA_ARGS__)  \
  CASE(10, __VA_ARGS__) \
  CASE(11, __VA_ARGS__) \
  CASE(12, __VA_ARGS__) \
  CASE(13, __VA_ARGS__) \
  CASE(14, __VA_ARGS__)
#else
#define MORE(...)
#endif
#if ROWS >= 6
#define SOME(...) CASE(5, __VA_ARGS__) CASE(6, __VA_ARGS__)
#else
#define SOME(...)
#endif
#define EACH(rows, ...)  \
  switch (rows) {        \
    CASE(1, __VA_ARGS__) \
    CASE(2, __VA_ARGS__) \
    CASE(3, __VA_ARGS__) \
    CASE(4, __VA_ARGS__) \
    SOME(__VA_ARGS__)    \
    MORE(__VA_ARGS__)    \
  }

/* Rows of a tile when n rows are cut evenly. */
static inline int64_t even_rows(int64_t n) {
  const int64_t tiles = (n + ROWS - 1) / ROWS;
  return (n + tiles - 1) / tiles;
}

static void scores(
    float* s,
    const float* k,
    int64_t ldk,
    int64_t n,
    const float* q,
    int64_t d) {
  const int64_t step = n ? even_rows(n) : 1;
  for (int64_t j = 0; j < n; j += step) {
    const int rows = (int)(n - j < step ? n - j : step);
    EACH(rows, s + j * LANES, k + j * ldk, ldk, 1, d, q, NULL)
  }
}

static void values(
    float* o,
    const float* v,
    int64_t ldv,
    int64_t n,
    int64_t e,
    const float* p,
    const float* factor) {
  const int64_t step = e ? even_rows(e) : 1;
  for (int64_t i = 0; i < e; i += step) {
    const int rows = (int)(e - i < step ? e - i : step);
    EACH(rows, o + i * LANES, v + i, 1, ldv, n, p, factor)
  }
}

static void softmax(
    float* s, int64_t n, float* largest, float* sums, float* factor) {
  for (int c = 0; c < LANES; c += VF) {
    const vf before = vf_load(largest + c);
    vf m = before;
    for (int64_t j = 0; j < n; j++) m = vf_max(m, vf_load(s + j * LANES + c));
    /* Nothing but -infinity so far: then all exponentials are 0. */
    float lanes[VF];
    vf_store(lanes, m);
    for (int l = 0; l < VF; l++)
      lanes[l] = lanes[l] == -INFINITY ? 0 : lanes[l];
    const vf by = vf_load(lanes);
    const vf f = vf_exp(before - by);
    vf sum = vf_load(sums + c) * f;
    for (int64_t j = 0; j < n; j++) {
      const vf p = vf_exp(vf_load(s + j * LANES + c) - by);
      vf_store(s + j * LANES + c, p);
      sum = sum + p;
    }
    vf_store(largest + c, m);
    vf_store(sums + c, sum);
    vf_store(factor + c, f);
  }
}

static void hide(float* s, const float* mask, int64_t n) {
  for (int64_t i = 0; i < n * LANES; i++) s[i] = mask[i] == 0 ? -FLT_MAX : s[i];
}

static void hide_after(float* s, int64_t j0, const float* last, int64_t n) {
  for (int64_t j = 0; j < n; j++) {
    const float at = (float)(j0 + j);
    for (int l = 0; l < LANES; l++)
      s[j * LANES + l] = at > last[l] ? -FLT_MAX : s[j * LANES + l];
  }
}

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
#define vf_load_f32 vf_load

/* Queries that share what is loaded, and vectors of values summed at once. */
#define FEW 4
#define WIDE 4

/* Rows asked for before they are used. */
#define AHEAD 16
static inline void ahead(const void* p, size_t bytes) {
  for (size_t i = 0; i < bytes; i += 64) __builtin_prefetch((const char*)p + i);
}

#define FEW_KERNELS(tag, S)                                                \
  static inline __attribute__((always_inline)) void scores_rows_##tag(     \
      const int rows,                                                      \
      float* s,                                                            \
      int64_t ld,                                                          \
      const S* k,                                                          \
      int64_t ldk,                                                         \
      int64_t n,                                                           \
      const float* q,                                                      \
      int64_t d) {                                                         \
    for (int64_t j = 0; j < n; j++, k += ldk) {                            \
      ahead(k + AHEAD * ldk, d * sizeof(S));                               \
      vf sum[FEW];                                                         \
      for (int r = 0; r < rows; r++) sum[r] = vf_zero();                   \
      int64_t i = 0;                                                       \
      for (; i + VF <= d; i += VF) {                                       \
        const vf x = vf_load_##tag(k + i);                                 \
        _Pragma("GCC unroll 4") for (int r = 0; r < rows; r++) sum[r] =    \
            vf_fma(x, vf_load(q + r * d + i), sum[r]);                     \
      }                                                                    \
      for (int r = 0; r < rows; r++) {                                     \
        float one = vf_sum(sum[r]);                                        \
        for (int64_t t = i; t < d; t++)                                    \
          one += f32_of_##tag(k + t) * q[r * d + t];                       \
        s[r * ld + j] = one;                                               \
      }                                                                    \
    }                                                                      \
  }                                                                        \
  static void few_scores_##tag(                                            \
      float* s,                                                            \
      int64_t ld,                                                          \
      const void* k,                                                       \
      int64_t ldk,                                                         \
      int64_t n,                                                           \
      const float* q,                                                      \
      int rows,                                                            \
      int64_t d) {                                                         \
    for (; rows > 0; rows -= FEW, s += FEW * ld, q += FEW * d)             \
      if (rows >= FEW)                                                     \
        scores_rows_##tag(FEW, s, ld, k, ldk, n, q, d);                    \
      else if (rows == 1)                                                  \
        scores_rows_##tag(1, s, ld, k, ldk, n, q, d);                      \
      else                                                                 \
        scores_rows_##tag(rows, s, ld, k, ldk, n, q, d);                   \
  }                                                                        \
  static inline __attribute__((always_inline)) void values_rows_##tag(     \
      const int rows,                                                      \
      const int wide,                                                      \
      float* o,                                                            \
      const S* v,                                                          \
      int64_t ldv,                                                         \
      int64_t n,                                                           \
      int64_t e,                                                           \
      const float* p,                                                      \
      int64_t ld) {                                                        \
    vf sum[FEW][WIDE];                                                     \
    _Pragma("GCC unroll 4") for (int r = 0; r < rows; r++)                 \
        _Pragma("GCC unroll 4") for (int w = 0; w < wide; w++) sum[r][w] = \
            vf_load(o + r * e + w * VF);                                   \
    for (int64_t j = 0; j < n; j++, v += ldv) {                            \
      ahead(v + AHEAD * ldv, wide * VF * sizeof(S));                       \
      vf x[WIDE];                                                          \
      _Pragma("GCC unroll 4") for (int w = 0; w < wide; w++) x[w] =        \
          vf_load_##tag(v + w * VF);                                       \
      _Pragma("GCC unroll 4") for (int r = 0; r < rows; r++) {             \
        const vf by = vf_set1(p[r * ld + j]);                              \
        _Pragma("GCC unroll 4") for (int w = 0; w < wide; w++) sum[r][w] = \
            vf_fma(by, x[w], sum[r][w]);                                   \
      }                                                                    \
    }                                                                      \
    _Pragma("GCC unroll 4") for (int r = 0; r < rows; r++)                 \
        _Pragma("GCC unroll 4") for (int w = 0; w < wide; w++)             \
            vf_store(o + r * e + w * VF, sum[r][w]);                       \
  }                                                                        \
  static void few_values_##tag(                                            \
      float* o,                                                            \
      const void* v_,                                                      \
      int64_t ldv,                                                         \
      int64_t n,                                                           \
      int64_t e,                                                           \
      const float* p,                                                      \
      int64_t ld,                                                          \
      int rows) {                                                          \
    const S* v = v_;                                                       \
    for (; rows > 0; rows -= FEW, o += FEW * e, p += FEW * ld) {           \
      const int some = rows < FEW ? rows : FEW;                            \
      int64_t i = 0;                                                       \
      for (; i + WIDE * VF <= e; i += WIDE * VF)                           \
        if (some == FEW)                                                   \
          values_rows_##tag(FEW, WIDE, o + i, v + i, ldv, n, e, p, ld);    \
        else                                                               \
          for (int r = 0; r < some; r++)                                   \
            values_rows_##tag(                                             \
                1, WIDE, o + r * e + i, v + i, ldv, n, e, p + r * ld, ld); \
      for (; i + VF <= e; i += VF)                                         \
        for (int r = 0; r < some; r++)                                     \
          values_rows_##tag(                                               \
              1, 1, o + r * e + i, v + i, ldv, n, e, p + r * ld, ld);      \
      for (; i < e; i++)                                                   \
        for (int r = 0; r < some; r++)                                     \
          for (int64_t j = 0; j < n; j++)                                  \
            o[r * e + i] += p[r * ld + j] * f32_of_##tag(v + j * ldv + i); \
    }                                                                      \
  }

FEW_KERNELS(f32, float)
FEW_KERNELS(f16, uint16_t)
FEW_KERNELS(bf16, uint16_t)

static float max_of(const float* s, int64_t n) {
  float m = -INFINITY;
  for (int64_t i = 0; i < n; i++) m = s[i] > m || s[i] != s[i] ? s[i] : m;
  return m;
}

static float exp_of(float* s, int64_t n, float largest) {
  const vf by = vf_set1(largest);
  vf sums = vf_zero();
  int64_t i = 0;
  for (; i + VF <= n; i += VF) {
    const vf p = vf_exp(vf_load(s + i) - by);
    vf_store(s + i, p);
    sums = sums + p;
  }
  float sum = vf_sum(sums);
  if (i < n) {
    float rest[VF] = {0};
    for (int64_t j = i; j < n; j++) rest[j - i] = s[j];
    vf_store(rest, vf_exp(vf_load(rest) - by));
    for (int64_t j = i; j < n; j++) sum += s[j] = rest[j - i];
  }
  return sum;
}

extern const attention_table ISA_NAME(attention_table);
const attention_table ISA_NAME(attention_table) = {
    .lanes = LANES,
    .scores = scores,
    .softmax = softmax,
    .values = values,
    .hide = hide,
    .hide_after = hide_after,
    .few_scores =
        {[DTYPE_FLOAT32] = few_scores_f32,
         [DTYPE_FLOAT16] = few_scores_f16,
         [DTYPE_BFLOAT16] = few_scores_bf16},
    .few_values =
        {[DTYPE_FLOAT32] = few_values_f32,
         [DTYPE_FLOAT16] = few_values_f16,
         [DTYPE_BFLOAT16] = few_values_bf16},
    .max = max_of,
    .exp = exp_of};
