#include "cpu/simd/softmax.h"

#include "cpu/simd/vec.h"

VEC_MATH(exp)

/* exp(x) for x ≤ 0 or NaN, good to 1 ulp: a third of SLEEF's time, which has
 * all of the line to serve and cannot be inlined. With n = round(x / ln 2),
 * exp(x) = 2^n exp(r), and exp(r) = 1 + r + r² p(r) with p fitted to the least
 * relative error on |r| ≤ ln 2 / 2. */
#if defined(LZ_ISA_avx512)
#define EXP_OF(x) _mm512_set1_ps(x)
static inline vec_f32 exp_low_f32(vec_f32 x) {
  /* the second operand is what a NaN yields */
  __m512 v = _mm512_max_ps(EXP_OF(-105.0f), (__m512)x);
  __m512 n = _mm512_roundscale_ps(_mm512_mul_ps(v, EXP_OF(1.44269504f)), 0);
  __m512 r = _mm512_fnmadd_ps(n, EXP_OF(0.693359375f), v);
  r = _mm512_fnmadd_ps(n, EXP_OF(-2.12194440e-4f), r);
  __m512 p = EXP_OF(0.00138145988f);
  p = _mm512_fmadd_ps(p, r, EXP_OF(0.00836871751f));
  p = _mm512_fmadd_ps(p, r, EXP_OF(0.0416683890f));
  p = _mm512_fmadd_ps(p, r, EXP_OF(0.166665211f));
  p = _mm512_fmadd_ps(p, r, EXP_OF(0.499999940f));
  p = _mm512_fmadd_ps(_mm512_mul_ps(r, r), p, r);
  /* What is hidden by a mask ends at n = -151. A result that underflows costs
   * fifty times as much as one that is 0 by the mask. */
  __mmask16 there = _mm512_cmp_ps_mask(n, EXP_OF(-151.0f), _CMP_NLE_UQ);
  return (vec_f32)_mm512_maskz_scalef_ps(there, _mm512_add_ps(p, EXP_OF(1)), n);
}
#elif defined(LZ_ISA_avx2)
#define EXP_OF(x) _mm256_set1_ps(x)
/* Results below the normal numbers are 0. */
static inline vec_f32 exp_low_f32(vec_f32 x) {
  __m256 v = _mm256_max_ps(EXP_OF(-87.3f), (__m256)x);
  __m256 tiny = _mm256_cmp_ps((__m256)x, EXP_OF(-87.3f), _CMP_LT_OQ);
  __m256 n = _mm256_round_ps(
      _mm256_mul_ps(v, EXP_OF(1.44269504f)),
      _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  __m256 r = _mm256_fnmadd_ps(n, EXP_OF(0.693359375f), v);
  r = _mm256_fnmadd_ps(n, EXP_OF(-2.12194440e-4f), r);
  __m256 p = EXP_OF(0.00138145988f);
  p = _mm256_fmadd_ps(p, r, EXP_OF(0.00836871751f));
  p = _mm256_fmadd_ps(p, r, EXP_OF(0.0416683890f));
  p = _mm256_fmadd_ps(p, r, EXP_OF(0.166665211f));
  p = _mm256_fmadd_ps(p, r, EXP_OF(0.499999940f));
  p = _mm256_fmadd_ps(_mm256_mul_ps(r, r), p, r);
  __m256i power = _mm256_slli_epi32(
      _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)), 23);
  p = _mm256_mul_ps(_mm256_add_ps(p, EXP_OF(1)), _mm256_castsi256_ps(power));
  return (vec_f32)_mm256_andnot_ps(tiny, p);
}
#else
static inline vec_f32 exp_low_f32(vec_f32 x) {
  return vec_exp_f32(x);
}
#endif
static inline vec_f64 exp_low_f64(vec_f64 x) {
  return vec_exp_f64(x);
}

/* Rows of a block of columns whose exponentials are summed at once. */
enum { SOME = 8 };

typedef int32_t mask_f32 __attribute__((vector_size(4 * VEC_F32)));
typedef int64_t mask_f64 __attribute__((vector_size(8 * VEC_F64)));

#define SOFTMAX(s, T, LANES)                                                 \
  /* up to LANES elements; what is missing is -infinity */                   \
  static inline vec_##s load_##s(const T* x, int64_t n) {                    \
    if (n >= LANES) return vec_load_##s(x);                                  \
    T some[LANES];                                                           \
    for (int k = 0; k < LANES; k++) some[k] = k < n ? x[k] : -(T)INFINITY;   \
    return vec_load_##s(some);                                               \
  }                                                                          \
  static inline void store_##s(T* x, vec_##s v, int64_t n) {                 \
    memcpy(x, &v, n >= LANES ? sizeof v : (size_t)n * sizeof(T));            \
  }                                                                          \
  /* the greater one; b where there is a NaN */                              \
  static inline vec_##s greater_##s(vec_##s a, vec_##s b) {                  \
    mask_##s above = a > b;                                                  \
    return (vec_##s)(((mask_##s)a & above) | ((mask_##s)b & ~above));        \
  }                                                                          \
  static double exp_sum_##s(const void* xv, int64_t n, double m, void* ev) { \
    const T* x = xv;                                                         \
    T* e = ev;                                                               \
    vec_##s sum = {0}, sum2 = {0}, shift = (T)m - (vec_##s){0};              \
    int64_t i = 0;                                                           \
    for (; i + 2 * LANES <= n; i += 2 * LANES) {                             \
      /* what lies behind is most often the next row */                      \
      __builtin_prefetch(x + n + i, 0, 2);                                   \
      __builtin_prefetch(x + n + i + LANES, 0, 2);                           \
      vec_##s t = exp_low_##s(vec_load_##s(x + i) - shift);                  \
      vec_##s u = exp_low_##s(vec_load_##s(x + i + LANES) - shift);          \
      if (e) {                                                               \
        vec_store_##s(e + i, t);                                             \
        vec_store_##s(e + i + LANES, u);                                     \
      }                                                                      \
      sum += t;                                                              \
      sum2 += u;                                                             \
    }                                                                        \
    for (; i < n; i += LANES) {                                              \
      vec_##s t = exp_low_##s(load_##s(x + i, n - i) - shift);               \
      if (e) store_##s(e + i, t, n - i);                                     \
      sum += t;                                                              \
    }                                                                        \
    sum += sum2;                                                             \
    T total = 0;                                                             \
    for (int k = 0; k < LANES; k++) total += sum[k];                         \
    return total;                                                            \
  }                                                                          \
  static void scale_##s(void* ev, int64_t n, double f) {                     \
    T *e = ev, by = (T)f;                                                    \
    for (int64_t i = 0; i < n; i++) e[i] *= by;                              \
  }                                                                          \
  /* Takes in n rows: the sums so far are those of exp(x - top). */          \
  static inline void take_some_##s(                                          \
      const T* x, int64_t stride, int64_t n, int64_t cols, T* top, T* sum) { \
    for (int64_t c = 0; c < cols; c += LANES) {                              \
      vec_##s old = vec_load_##s(top + c), now = old, t = {0}, u = {0};      \
      mask_##s odd = old != old;                                             \
      for (int64_t r = 0; r < n; r++) {                                      \
        __builtin_prefetch(x + (n + r) * stride + c, 0, 2);                  \
        vec_##s v = vec_load_##s(x + r * stride + c);                        \
        odd |= v != v;                                                       \
        now = greater_##s(now, v);                                           \
      }                                                                      \
      now = (vec_##s)((mask_##s)now | odd); /* all bits: a NaN that stays */ \
      /* where all is -infinity so far, nothing is taken off */              \
      mask_##s none = now == -(T)INFINITY;                                   \
      vec_##s shift = (vec_##s)((mask_##s)now & ~none);                      \
      int64_t r = 0;                                                         \
      for (; r + 2 <= n; r += 2) {                                           \
        t += exp_low_##s(vec_load_##s(x + r * stride + c) - shift);          \
        u += exp_low_##s(vec_load_##s(x + (r + 1) * stride + c) - shift);    \
      }                                                                      \
      if (r < n) t += exp_low_##s(vec_load_##s(x + r * stride + c) - shift); \
      t += u + vec_load_##s(sum + c) * exp_low_##s(old - shift);             \
      vec_store_##s(sum + c, t);                                             \
      vec_store_##s(top + c, now);                                           \
    }                                                                        \
  }                                                                          \
  static void take_##s(                                                      \
      const void* xv,                                                        \
      int64_t stride,                                                        \
      int64_t rows,                                                          \
      int64_t cols,                                                          \
      void* topv,                                                            \
      void* sumv) {                                                          \
    const T* x = xv;                                                         \
    int64_t r = 0;                                                           \
    for (; r + SOME <= rows; r += SOME, x += SOME * stride)                  \
      take_some_##s(x, stride, SOME, cols, topv, sumv);                      \
    if (r < rows) take_some_##s(x, stride, rows - r, cols, topv, sumv);      \
  }                                                                          \
  static void give_##s(                                                      \
      const void* xv,                                                        \
      int64_t stride,                                                        \
      int64_t rows,                                                          \
      int64_t cols,                                                          \
      const void* topv,                                                      \
      const void* fv,                                                        \
      void* outv,                                                            \
      int64_t out_stride) {                                                  \
    const T *x = xv, *top = topv, *f = fv;                                   \
    T* out = outv;                                                           \
    for (int64_t r = 0; r < rows; r++, x += stride, out += out_stride)       \
      for (int64_t c = 0; c < cols; c += LANES) {                            \
        vec_##s t = vec_load_##s(x + c) - vec_load_##s(top + c);             \
        vec_store_##s(out + c, exp_low_##s(t) * vec_load_##s(f + c));        \
      }                                                                      \
  }

SOFTMAX(f32, float, VEC_F32)
SOFTMAX(f64, double, VEC_F64)

const softmax_table ISA_NAME(softmax_kernels) = {
    .exp_sum = {exp_sum_f32, exp_sum_f64},
    .scale = {scale_f32, scale_f64},
    .take = {take_f32, take_f64},
    .give = {give_f32, give_f64},
};
