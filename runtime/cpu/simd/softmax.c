#include "cpu/simd/softmax.h"

#include "cpu/simd/vec.h"

VEC_MATH(exp)
VEC_MATH(log)

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

/* exp(x) for x ≤ 0 as a term of a sum in which there is a 1: what matters is
 * the error beside that 1, so x is brought to a power of two in one step, and
 * what is below exp(-86) counts as that. exp(0) is exactly 1. 1.6e-7 at most.
 * A NaN does not stay one: it is in the sums' top. */
#if defined(LZ_ISA_avx512)
static inline vec_f32 exp_term_f32(vec_f32 x) {
  const __m512 magic = EXP_OF(0x1.8p23f), log2e = EXP_OF(1.44269504f);
  __m512 v = _mm512_max_ps(EXP_OF(-86.0f), (__m512)x);
  __m512 z = _mm512_fmadd_ps(v, log2e, magic);
  __m512 r = _mm512_fmsub_ps(v, log2e, _mm512_sub_ps(z, magic));
  __m512 p = EXP_OF(0.001326472731307149f);
  p = _mm512_fmadd_ps(p, r, EXP_OF(0.009671512991189957f));
  p = _mm512_fmadd_ps(p, r, EXP_OF(0.05550733581185341f));
  p = _mm512_fmadd_ps(p, r, EXP_OF(0.24022242426872253f));
  p = _mm512_fmadd_ps(p, r, EXP_OF(0.6931470036506653f));
  p = _mm512_fmadd_ps(p, r, EXP_OF(1));
  __m512i n = _mm512_slli_epi32(_mm512_castps_si512(z), 23);
  return (vec_f32)_mm512_castsi512_ps(
      _mm512_add_epi32(_mm512_castps_si512(p), n));
}
#elif defined(LZ_ISA_avx2)
static inline vec_f32 exp_term_f32(vec_f32 x) {
  const __m256 magic = EXP_OF(0x1.8p23f), log2e = EXP_OF(1.44269504f);
  __m256 v = _mm256_max_ps(EXP_OF(-86.0f), (__m256)x);
  __m256 z = _mm256_fmadd_ps(v, log2e, magic);
  __m256 r = _mm256_fmsub_ps(v, log2e, _mm256_sub_ps(z, magic));
  __m256 p = EXP_OF(0.001326472731307149f);
  p = _mm256_fmadd_ps(p, r, EXP_OF(0.009671512991189957f));
  p = _mm256_fmadd_ps(p, r, EXP_OF(0.05550733581185341f));
  p = _mm256_fmadd_ps(p, r, EXP_OF(0.24022242426872253f));
  p = _mm256_fmadd_ps(p, r, EXP_OF(0.6931470036506653f));
  p = _mm256_fmadd_ps(p, r, EXP_OF(1));
  __m256i n = _mm256_slli_epi32(_mm256_castps_si256(z), 23);
  return (vec_f32)_mm256_castsi256_ps(
      _mm256_add_epi32(_mm256_castps_si256(p), n));
}
#else
static inline vec_f32 exp_term_f32(vec_f32 x) {
  return exp_low_f32(x);
}
#endif
static inline vec_f64 exp_low_f64(vec_f64 x) {
  return vec_exp_f64(x);
}

static inline vec_f64 exp_term_f64(vec_f64 x) {
  return vec_exp_f64(x);
}

#if defined(LZ_ISA_avx512)
#define LARGEST_f32(v) _mm512_reduce_max_ps((__m512)(v))
#define LARGEST_f64(v) _mm512_reduce_max_pd((__m512d)(v))
#else
#define LARGEST_f32(v) largest_f32(v)
#define LARGEST_f64(v) largest_f64(v)
#define LARGEST(s, T, LANES)                                       \
  static inline T largest_##s(vec_##s v) {                         \
    T top = v[0];                                                  \
    for (int k = 1; k < LANES; k++) top = v[k] > top ? v[k] : top; \
    return top;                                                    \
  }
LARGEST(f32, float, VEC_F32)
LARGEST(f64, double, VEC_F64)
#endif

/* Rows of a block of columns whose exponentials are summed at once. */
enum { SOME = 8 };

typedef int32_t mask_f32 __attribute__((vector_size(4 * VEC_F32)));
typedef int64_t mask_f64 __attribute__((vector_size(8 * VEC_F64)));

#define SOFTMAX(s, T, LANES)                                                  \
  static inline void store_##s(T* x, vec_##s v, int64_t n) {                  \
    memcpy(x, &v, n >= LANES ? sizeof v : (size_t)n * sizeof(T));             \
  }                                                                           \
  /* the greater one; b where there is a NaN */                               \
  static inline vec_##s greater_##s(vec_##s a, vec_##s b) {                   \
    mask_##s above = a > b;                                                   \
    return (vec_##s)(((mask_##s)a & above) | ((mask_##s)b & ~above));         \
  }                                                                           \
  static double max_##s(const void* xv, int64_t n, double top) {              \
    const T* x = xv;                                                          \
    vec_##s most[4];                                                          \
    mask_##s odd[4] = {{0}};                                                  \
    for (int k = 0; k < 4; k++) most[k] = (T)top - (vec_##s){0};              \
    int64_t i = 0;                                                            \
    for (; i + 4 * LANES <= n; i += 4 * LANES)                                \
      _Pragma("GCC unroll 4") for (int k = 0; k < 4; k++) {                   \
        vec_##s v = vec_load_##s(x + i + k * LANES);                          \
        odd[k] |= v != v;                                                     \
        most[k] = greater_##s(most[k], v);                                    \
      }                                                                       \
    for (; i < n; i += LANES) {                                               \
      vec_##s v = vec_load_some_##s(x + i, n - i, -(T)INFINITY);              \
      odd[0] |= v != v;                                                       \
      most[0] = greater_##s(most[0], v);                                      \
    }                                                                         \
    most[0] = greater_##s(                                                    \
        greater_##s(most[0], most[1]), greater_##s(most[2], most[3]));        \
    odd[0] |= odd[1] | odd[2] | odd[3];                                       \
    for (int k = 0; k < LANES; k++)                                           \
      if (odd[0][k]) return NAN;                                              \
    return top != top ? top : (double)LARGEST_##s(most[0]);                   \
  }                                                                           \
  /* terms are written or only summed */                                      \
  static inline __attribute__((always_inline)) double exp_sum_of_##s(         \
      const T* x, int64_t n, double m, T* e, const bool term) {               \
    vec_##s sum[4] = {{0}}, shift = (T)m - (vec_##s){0};                      \
    int64_t i = 0;                                                            \
    for (; i + 4 * LANES <= n; i += 4 * LANES)                                \
      _Pragma("GCC unroll 4") for (int k = 0; k < 4; k++) {                   \
        const T* at = x + i + k * LANES;                                      \
        /* what lies behind is most often the next row */                     \
        __builtin_prefetch(at + n, 0, 2);                                     \
        vec_##s t = vec_load_##s(at) - shift;                                 \
        t = term ? exp_term_##s(t) : exp_low_##s(t);                          \
        if (!term) vec_store_##s(e + i + k * LANES, t);                       \
        sum[k] += t;                                                          \
      }                                                                       \
    for (; i < n; i += LANES) {                                               \
      vec_##s t = vec_load_some_##s(x + i, n - i, -(T)INFINITY) - shift;      \
      vec_##s low = exp_low_##s(t);                                           \
      if (!term) store_##s(e + i, low, n - i);                                \
      sum[0] += low;                                                          \
    }                                                                         \
    sum[0] += sum[1] + (sum[2] + sum[3]);                                     \
    return vec_total_##s(sum[0]);                                             \
  }                                                                           \
  static double exp_sum_##s(const void* x, int64_t n, double m, void* e) {    \
    return e ? exp_sum_of_##s(x, n, m, e, false)                              \
             : exp_sum_of_##s(x, n, m, NULL, true);                           \
  }                                                                           \
  static void scale_##s(                                                      \
      const void* ev, int64_t n, double f, void* outv, bool stream) {         \
    const T* e = ev;                                                          \
    T *out = outv, by = (T)f;                                                 \
    int64_t i = 0;                                                            \
    if (stream && (uintptr_t)out % sizeof(vec_##s) == 0)                      \
      for (; i + LANES <= n; i += LANES)                                      \
        vec_stream_##s(out + i, vec_load_##s(e + i) * by);                    \
    for (; i < n; i++) out[i] = e[i] * by;                                    \
  }                                                                           \
  /* Takes in n rows: the sums so far are those of exp(x - top). */           \
  static inline void take_some_##s(                                           \
      const T* x, int64_t stride, int64_t n, int64_t cols, T* top, T* sum) {  \
    for (int64_t c = 0; c < cols; c += LANES) {                               \
      vec_##s old = vec_load_##s(top + c), now = old, t = {0}, u = {0};       \
      mask_##s odd = old != old;                                              \
      for (int64_t r = 0; r < n; r++) {                                       \
        __builtin_prefetch(x + (n + r) * stride + c, 0, 2);                   \
        vec_##s v = vec_load_##s(x + r * stride + c);                         \
        odd |= v != v;                                                        \
        now = greater_##s(now, v);                                            \
      }                                                                       \
      now = (vec_##s)((mask_##s)now | odd); /* all bits: a NaN that stays */  \
      /* where all is -infinity so far, nothing is taken off */               \
      mask_##s none = now == -(T)INFINITY;                                    \
      vec_##s shift = (vec_##s)((mask_##s)now & ~none);                       \
      int64_t r = 0;                                                          \
      for (; r + 2 <= n; r += 2) {                                            \
        t += exp_term_##s(vec_load_##s(x + r * stride + c) - shift);          \
        u += exp_term_##s(vec_load_##s(x + (r + 1) * stride + c) - shift);    \
      }                                                                       \
      if (r < n) t += exp_term_##s(vec_load_##s(x + r * stride + c) - shift); \
      t += u + vec_load_##s(sum + c) * exp_term_##s(old - shift);             \
      vec_store_##s(sum + c, t);                                              \
      vec_store_##s(top + c, now);                                            \
    }                                                                         \
  }                                                                           \
  static void take_##s(                                                       \
      const void* xv,                                                         \
      int64_t stride,                                                         \
      int64_t rows,                                                           \
      int64_t cols,                                                           \
      void* topv,                                                             \
      void* sumv) {                                                           \
    const T* x = xv;                                                          \
    int64_t r = 0;                                                            \
    for (; r + SOME <= rows; r += SOME, x += SOME * stride)                   \
      take_some_##s(x, stride, SOME, cols, topv, sumv);                       \
    if (r < rows) take_some_##s(x, stride, rows - r, cols, topv, sumv);       \
  }                                                                           \
  static void log_sum_##s(int64_t cols, const void* topv, void* sumv) {       \
    const T* top = topv;                                                      \
    T* sum = sumv;                                                            \
    for (int64_t c = 0; c < cols; c += LANES) {                               \
      vec_##s t = vec_load_##s(top + c);                                      \
      mask_##s end = (t == (T)INFINITY) | (t == -(T)INFINITY);                \
      vec_##s l = vec_log_##s(vec_load_##s(sum + c)) + t;                     \
      l = (vec_##s)(((mask_##s)t & end) | ((mask_##s)l & ~end));              \
      vec_store_##s(sum + c, l);                                              \
    }                                                                         \
  }                                                                           \
  static void give_##s(                                                       \
      const void* xv,                                                         \
      int64_t stride,                                                         \
      int64_t rows,                                                           \
      int64_t cols,                                                           \
      const void* topv,                                                       \
      const void* fv,                                                         \
      void* outv,                                                             \
      int64_t out_stride,                                                     \
      bool stream) {                                                          \
    const T *x = xv, *top = topv, *f = fv;                                    \
    T* out = outv;                                                            \
    if (((uintptr_t)out | (uintptr_t)out_stride * sizeof(T)) %                \
        sizeof(vec_##s))                                                      \
      stream = false;                                                         \
    for (int64_t r = 0; r < rows; r++, x += stride, out += out_stride)        \
      for (int64_t c = 0; c < cols; c += LANES) {                             \
        vec_##s t = vec_load_##s(x + c) - vec_load_##s(top + c);              \
        t = exp_low_##s(t) * vec_load_##s(f + c);                             \
        if (stream)                                                           \
          vec_stream_##s(out + c, t);                                         \
        else                                                                  \
          vec_store_##s(out + c, t);                                          \
      }                                                                       \
  }

SOFTMAX(f32, float, VEC_F32)
SOFTMAX(f64, double, VEC_F64)

const softmax_table ISA_NAME(softmax_kernels) = {
    .max = {max_f32, max_f64},
    .exp_sum = {exp_sum_f32, exp_sum_f64},
    .scale = {scale_f32, scale_f64},
    .take = {take_f32, take_f64},
    .log_sum = {log_sum_f32, log_sum_f64},
    .give = {give_f32, give_f64},
};
