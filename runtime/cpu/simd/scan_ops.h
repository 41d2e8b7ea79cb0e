/* What scans combine by, one element with another, and which of it each type
 * takes. */
#ifndef CPU_SIMD_SCAN_OPS_H
#define CPU_SIMD_SCAN_OPS_H

#include "cpu/simd/vec.h"

#define ADD(a, b) ((a) + (b))
#define MUL(a, b) ((a) * (b))
#define MUL_WIDE(a, b) ((uint64_t)(a) * (uint64_t)(b))
/* A NaN that comes in replaces the maximum and leaves the minimum alone. */
#define MAX(a, b) ((b) < (a) ? (a) : (b))
#define MIN(a, b) ((b) < (a) ? (b) : (a))

static inline lz_complex c64_add(lz_complex a, lz_complex b) {
  return (lz_complex){a.re + b.re, a.im + b.im};
}
/* Sums by their bits, which vectors of them can be shifted by. */
static inline uint64_t c64_add_bits(uint64_t a, uint64_t b) {
  lz_complex x, y;
  memcpy(&x, &a, sizeof x);
  memcpy(&y, &b, sizeof y);
  x = c64_add(x, y);
  memcpy(&a, &x, sizeof a);
  return a;
}
#define V_ADD_C64(a, b) ((__typeof__(a))((vec_f32)(a) + (vec_f32)(b)))
#define C64_MINUS_0 0x8000000080000000u
static inline lz_complex c64_mul(lz_complex a, lz_complex b) {
  return (lz_complex){a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}
static inline int c64_less(lz_complex a, lz_complex b) {
  return (a.re < b.re) | ((a.re == b.re) & (a.im < b.im));
}
/* Without a branch, which would be a guess each time. */
static inline lz_complex c64_pick(int first, lz_complex a, lz_complex b) {
  uint64_t x, y, mask = 0 - (uint64_t)first;
  memcpy(&x, &a, sizeof x);
  memcpy(&y, &b, sizeof y);
  x = (x & mask) | (y & ~mask);
  memcpy(&a, &x, sizeof a);
  return a;
}
#define C64_MAX(a, b) c64_pick(c64_less(b, a), a, b)
#define C64_MIN(a, b) c64_pick(c64_less(b, a), b, a)
/* The exponential's size is at most 1. */
static inline lz_complex c64_log_add(lz_complex a, lz_complex b) {
  lz_complex high = a.re != a.re ? a : C64_MAX(a, b);
  lz_complex low = a.re != a.re ? a : C64_MIN(a, b);
  if (low.re == -INFINITY || high.re == INFINITY) return high;
  float size = expf(low.re - high.re), angle = low.im - high.im;
  float re = size * cosf(angle), im = size * sinf(angle), right = 1 + re;
  float grown = size < 0.5f ? 0.5f * log1pf(re * (2 + re) + im * im)
                            : 0.5f * logf(right * right + im * im);
  return (lz_complex){high.re + grown, high.im + atan2f(im, right)};
}

/* log(exp(a) + exp(b)): a NaN of either side stays, infinities are exact. */
#define LOG_ADD(s, T, exp_, log1p_)                              \
  static inline T log_add_##s(T a, T b) {                        \
    if (a != a || b != b) return a + b;                          \
    T high = a > b ? a : b, low = a > b ? b : a;                 \
    if (low == -(T)INFINITY || high == (T)INFINITY) return high; \
    return high + log1p_(exp_(low - high));                      \
  }
LOG_ADD(f32, float, expf, log1pf)
LOG_ADD(f64, double, exp, log1p)

/* The same of vectors of any size, V, and V64, the same bytes as
 * integers of 64 bits. A comparison is a mask of whole lanes. */
#define LANES(T, bytes) T __attribute__((vector_size(bytes), unused))
#define V_PICK(V, mask, a, b) \
  ((V)(((__typeof__(mask))(a) & (mask)) | ((__typeof__(mask))(b) & ~(mask))))
#define V_ADD(a, b) ((a) + (b))
#define V_MUL(a, b) ((a) * (b))
#define V_MAX(a, b) V_PICK(V, (b) < (a), a, b)
#define V_MIN(a, b) V_PICK(V, (b) < (a), b, a)
/* Where the instruction set has them for whole vectors: the second operand
 * stays unless the first is beyond it, as above. */
#define V_CALL(call, M, a, b, other) \
  ({                                 \
    V a_ = (a), b_ = (b), r_;        \
    if (sizeof(V) == sizeof(M)) {    \
      M x_ = {0}, y_ = {0};          \
      memcpy(&x_, &a_, sizeof(V));   \
      memcpy(&y_, &b_, sizeof(V));   \
      x_ = call(x_, y_);             \
      memcpy(&r_, &x_, sizeof(V));   \
    } else {                         \
      r_ = other;                    \
    }                                \
    r_;                              \
  })
#define V_MAX_BY(call, M, a, b) V_CALL(call, M, a, b, V_MAX(a_, b_))
#define V_MIN_BY(call, M, a, b) V_CALL(call, M, b, a, V_MIN(b_, a_))
#if defined(LZ_ISA_avx512)
#define V_MAX_f32(a, b) V_MAX_BY(_mm512_max_ps, __m512, a, b)
#define V_MIN_f32(a, b) V_MIN_BY(_mm512_min_ps, __m512, a, b)
#define V_MAX_f64(a, b) V_MAX_BY(_mm512_max_pd, __m512d, a, b)
#define V_MIN_f64(a, b) V_MIN_BY(_mm512_min_pd, __m512d, a, b)
#define V_MAX_i32(a, b) V_MAX_BY(_mm512_max_epi32, __m512i, a, b)
#define V_MIN_i32(a, b) V_MIN_BY(_mm512_min_epi32, __m512i, a, b)
#define V_MAX_u32(a, b) V_MAX_BY(_mm512_max_epu32, __m512i, a, b)
#define V_MIN_u32(a, b) V_MIN_BY(_mm512_min_epu32, __m512i, a, b)
#define V_MAX_i64(a, b) V_MAX_BY(_mm512_max_epi64, __m512i, a, b)
#define V_MIN_i64(a, b) V_MIN_BY(_mm512_min_epi64, __m512i, a, b)
#define V_MAX_u64(a, b) V_MAX_BY(_mm512_max_epu64, __m512i, a, b)
#define V_MIN_u64(a, b) V_MIN_BY(_mm512_min_epu64, __m512i, a, b)
#elif defined(LZ_ISA_avx2)
#define V_MAX_f32(a, b) V_MAX_BY(_mm256_max_ps, __m256, a, b)
#define V_MIN_f32(a, b) V_MIN_BY(_mm256_min_ps, __m256, a, b)
#define V_MAX_f64(a, b) V_MAX_BY(_mm256_max_pd, __m256d, a, b)
#define V_MIN_f64(a, b) V_MIN_BY(_mm256_min_pd, __m256d, a, b)
#define V_MAX_i32(a, b) V_MAX_BY(_mm256_max_epi32, __m256i, a, b)
#define V_MIN_i32(a, b) V_MIN_BY(_mm256_min_epi32, __m256i, a, b)
#define V_MAX_u32(a, b) V_MAX_BY(_mm256_max_epu32, __m256i, a, b)
#define V_MIN_u32(a, b) V_MIN_BY(_mm256_min_epu32, __m256i, a, b)
#define V_MAX_i64 V_MAX
#define V_MIN_i64 V_MIN
#define V_MAX_u64 V_MAX
#define V_MIN_u64 V_MIN
#else
#define V_MAX_f32 V_MAX
#define V_MIN_f32 V_MIN
#define V_MAX_f64 V_MAX
#define V_MIN_f64 V_MIN
#define V_MAX_i32 V_MAX
#define V_MIN_i32 V_MIN
#define V_MAX_u32 V_MAX
#define V_MIN_u32 V_MIN
#define V_MAX_i64 V_MAX
#define V_MIN_i64 V_MIN
#define V_MAX_u64 V_MAX
#define V_MIN_u64 V_MIN
#endif
#define V_MAX_u8 V_MAX
#define V_MIN_u8 V_MIN
#define V_MAX_u16 V_MAX
#define V_MIN_u16 V_MIN
#define V_MAX_i8 V_MAX
#define V_MIN_i8 V_MIN
#define V_MAX_i16 V_MAX
#define V_MIN_i16 V_MIN
/* Bytes have no products of their own. */
#define V_MUL_8(a, b)                               \
  (                                                 \
      (V)((((V16)(a) * (V16)(b)) & (uint16_t)255) | \
          ((V16)(a) >> 8) * ((V16)(b) >> 8) << 8))

/* Complex numbers as floats: what one part holds, in both. */
#define REAL_OF(v) (((V64)(v)&0xffffffffu) | (V64)(v) << 32)
#define OTHER_OF(v) ((V64)(v) >> 32 | (V64)(v) << 32)
#define IMAGINARY_OF(v) (((V64)(v) & ~(uint64_t)0xffffffffu) | (V64)(v) >> 32)
#define LESS_C64(a, b) \
  REAL_OF((V64)((a) < (b)) | ((V64)((a) == (b)) & OTHER_OF((a) < (b))))
#define V_MAX_C64(a, b) V_PICK(V, LESS_C64(b, a), a, b)
#define V_MIN_C64(a, b) V_PICK(V, LESS_C64(b, a), b, a)
#define V_MUL_C64(a, b)  \
  ((a) * (V)REAL_OF(b) + \
   (V)((V64)((V)OTHER_OF(a) * (V)IMAGINARY_OF(b)) ^ 0x80000000u))

enum { WIDEST = 4 * VEC_F32 };

#if defined(LZ_ISA_avx512)
#define ANY_NAN(s, v, type) (_mm512_cmp_##s##_mask(type(v), type(v), 3) != 0)
#define nan_f32(v) ANY_NAN(ps, v, (__m512))
#define nan_f64(v) ANY_NAN(pd, v, (__m512d))
#elif defined(LZ_ISA_avx2)
#define nan_f32(v) \
  _mm256_movemask_ps(_mm256_cmp_ps((__m256)(v), (__m256)(v), 3))
#define nan_f64(v) \
  _mm256_movemask_pd(_mm256_cmp_pd((__m256d)(v), (__m256d)(v), 3))
#else
static inline int nan_f32(vec_f32 v) {
  int any = 0;
  __typeof__(v != v) odd = v != v;
  for (int k = 0; k < VEC_F32; k++) any |= odd[k];
  return any;
}
static inline int nan_f64(vec_f64 v) {
  int64_t any = 0;
  __typeof__(v != v) odd = v != v;
  for (int k = 0; k < VEC_F64; k++) any |= odd[k];
  return any != 0;
}
#endif

#define EACH(op, way)                                                    \
  {                                                                      \
    [DTYPE_BOOL] = op##_u8_##way, [DTYPE_UINT8] = op##_u8_##way,         \
    [DTYPE_UINT16] = op##_u16_##way, [DTYPE_UINT32] = op##_u32_##way,    \
    [DTYPE_UINT64] = op##_u64_##way, [DTYPE_INT8] = op##_i8_##way,       \
    [DTYPE_INT16] = op##_i16_##way, [DTYPE_INT32] = op##_i32_##way,      \
    [DTYPE_INT64] = op##_i64_##way, [DTYPE_FLOAT32] = op##_f32_##way,    \
    [DTYPE_FLOAT64] = op##_f64_##way, [DTYPE_COMPLEX64] = op##_c64_##way \
  }
/* Wrapping arithmetic has no sign. The product of bools is the least of them.
 */
#define SUMS(op, way)                                                    \
  {                                                                      \
    [DTYPE_BOOL] = min_u8_##way, [DTYPE_UINT8] = op##_u8_##way,          \
    [DTYPE_UINT16] = op##_u16_##way, [DTYPE_UINT32] = op##_u32_##way,    \
    [DTYPE_UINT64] = op##_u64_##way, [DTYPE_INT8] = op##_u8_##way,       \
    [DTYPE_INT16] = op##_u16_##way, [DTYPE_INT32] = op##_u32_##way,      \
    [DTYPE_INT64] = op##_u64_##way, [DTYPE_FLOAT32] = op##_f32_##way,    \
    [DTYPE_FLOAT64] = op##_f64_##way, [DTYPE_COMPLEX64] = op##_c64_##way \
  }
/* The logarithm that integers leave after truncation is 0. */
#define LOGS(way)                                                      \
  {                                                                    \
    [DTYPE_BOOL] = max_u8_##way, [DTYPE_UINT8] = max_u8_##way,         \
    [DTYPE_UINT16] = max_u16_##way, [DTYPE_UINT32] = max_u32_##way,    \
    [DTYPE_UINT64] = max_u64_##way, [DTYPE_INT8] = max_i8_##way,       \
    [DTYPE_INT16] = max_i16_##way, [DTYPE_INT32] = max_i32_##way,      \
    [DTYPE_INT64] = max_i64_##way, [DTYPE_FLOAT32] = log_f32_##way,    \
    [DTYPE_FLOAT64] = log_f64_##way, [DTYPE_COMPLEX64] = log_c64_##way \
  }
#define ALL(way)                                                \
  {                                                             \
    [SCAN_SUM] = SUMS(sum, way), [SCAN_PROD] = SUMS(prod, way), \
    [SCAN_MAX] = EACH(max, way), [SCAN_MIN] = EACH(min, way),   \
    [SCAN_LOGADDEXP] = LOGS(way)                                \
  }

#endif
