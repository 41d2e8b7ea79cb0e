/* What the files of cpu/simd share: the vectors of the instruction set at hand,
 * halves to float and back in bulk, and SLEEF's functions under one name.
 *
 * Plain loops over arrays are left to the compiler, which vectorises them for
 * each instruction set; only what it cannot do is spelt out here. */
#ifndef CPU_SIMD_VEC_H
#define CPU_SIMD_VEC_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "core/dtype.h"
#include "cpu/isa.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <sleef.h>
#endif

/* Lanes of a vector. */
#if defined(LZ_ISA_avx512)
#define VEC_F32 16
#define VEC_F64 8
#elif defined(LZ_ISA_avx2)
#define VEC_F32 8
#define VEC_F64 4
#else
#define VEC_F32 4
#define VEC_F64 2
#endif

typedef float vec_f32 __attribute__((vector_size(4 * VEC_F32)));
typedef double vec_f64 __attribute__((vector_size(8 * VEC_F64)));

/* From and to any alignment. */
static inline vec_f32 vec_load_f32(const float* p) {
  vec_f32 v;
  memcpy(&v, p, sizeof v);
  return v;
}
static inline void vec_store_f32(float* p, vec_f32 v) {
  memcpy(p, &v, sizeof v);
}
static inline vec_f64 vec_load_f64(const double* p) {
  vec_f64 v;
  memcpy(&v, p, sizeof v);
  return v;
}
static inline void vec_store_f64(double* p, vec_f64 v) {
  memcpy(p, &v, sizeof v);
}

/* Up to a vector of elements; lanes behind them are `fill`. */
#if defined(LZ_ISA_avx512)
static inline vec_f32 vec_load_some_f32(const float* p, int64_t n, float fill) {
  const __mmask16 mask = (__mmask16)(n >= 16 ? 0xffff : (1u << n) - 1);
  return (vec_f32)_mm512_mask_loadu_ps(_mm512_set1_ps(fill), mask, p);
}
static inline vec_f64 vec_load_some_f64(
    const double* p, int64_t n, double fill) {
  const __mmask8 mask = (__mmask8)(n >= 8 ? 0xff : (1u << n) - 1);
  return (vec_f64)_mm512_mask_loadu_pd(_mm512_set1_pd(fill), mask, p);
}
#else
#define VEC_LOAD_SOME(s, T, LANES)                                         \
  static inline vec_##s vec_load_some_##s(const T* p, int64_t n, T fill) { \
    if (n >= LANES) return vec_load_##s(p);                                \
    T some[LANES];                                                         \
    for (int k = 0; k < LANES; k++) some[k] = k < n ? p[k] : fill;         \
    return vec_load_##s(some);                                             \
  }
VEC_LOAD_SOME(f32, float, VEC_F32)
VEC_LOAD_SOME(f64, double, VEC_F64)
#endif

/* Lanes added up, in halves: short rows spend their time in that. The order is
 * the same for all of an instruction set. */
#if defined(LZ_ISA_avx512)
static inline float vec_total_f32(vec_f32 v) {
  return _mm512_reduce_add_ps((__m512)v);
}
static inline double vec_total_f64(vec_f64 v) {
  return _mm512_reduce_add_pd((__m512d)v);
}
#else
static inline float vec_total_f32(vec_f32 v) {
  for (int w = VEC_F32 / 2; w; w /= 2)
    for (int k = 0; k < w; k++) v[k] += v[k + w];
  return v[0];
}
static inline double vec_total_f64(vec_f64 v) {
  for (int w = VEC_F64 / 2; w; w /= 2)
    for (int k = 0; k < w; k++) v[k] += v[k + w];
  return v[0];
}
#endif

/* Past the caches, to where a vector is aligned; see tile_stream_end(). */
static inline void vec_stream_f32(float* p, vec_f32 v) {
#if defined(LZ_ISA_avx512)
  _mm512_stream_ps(p, (__m512)v);
#elif defined(LZ_ISA_avx2)
  _mm256_stream_ps(p, (__m256)v);
#elif defined(__x86_64__)
  _mm_stream_ps(p, (__m128)v);
#else
  vec_store_f32(p, v);
#endif
}
static inline void vec_stream_f64(double* p, vec_f64 v) {
#if defined(LZ_ISA_avx512)
  _mm512_stream_pd(p, (__m512d)v);
#elif defined(LZ_ISA_avx2)
  _mm256_stream_pd(p, (__m256d)v);
#elif defined(__x86_64__)
  _mm_stream_pd(p, (__m128d)v);
#else
  vec_store_f64(p, v);
#endif
}

/* VEC_MATH(exp) makes vec_exp_f32 and vec_exp_f64, good to 1 ulp. */
#if defined(LZ_ISA_avx512)
#define VEC_MATH(name)                                       \
  static inline vec_f32 vec_##name##_f32(vec_f32 v) {        \
    return (vec_f32)Sleef_##name##f16_u10avx512f((__m512)v); \
  }                                                          \
  static inline vec_f64 vec_##name##_f64(vec_f64 v) {        \
    return (vec_f64)Sleef_##name##d8_u10avx512f((__m512d)v); \
  }
#elif defined(LZ_ISA_avx2)
#define VEC_MATH(name)                                    \
  static inline vec_f32 vec_##name##_f32(vec_f32 v) {     \
    return (vec_f32)Sleef_##name##f8_u10avx2((__m256)v);  \
  }                                                       \
  static inline vec_f64 vec_##name##_f64(vec_f64 v) {     \
    return (vec_f64)Sleef_##name##d4_u10avx2((__m256d)v); \
  }
#elif defined(__x86_64__)
#define VEC_MATH(name)                                    \
  static inline vec_f32 vec_##name##_f32(vec_f32 v) {     \
    return (vec_f32)Sleef_##name##f4_u10sse2((__m128)v);  \
  }                                                       \
  static inline vec_f64 vec_##name##_f64(vec_f64 v) {     \
    return (vec_f64)Sleef_##name##d2_u10sse2((__m128d)v); \
  }
#else
#define VEC_MATH(name)                                      \
  static inline vec_f32 vec_##name##_f32(vec_f32 v) {       \
    for (int i = 0; i < VEC_F32; i++) v[i] = name##f(v[i]); \
    return v;                                               \
  }                                                         \
  static inline vec_f64 vec_##name##_f64(vec_f64 v) {       \
    for (int i = 0; i < VEC_F64; i++) v[i] = name(v[i]);    \
    return v;                                               \
  }
#endif

/* Single halves. Where no instruction converts, by the bits: shifted into
 * place, with subnormals set right by an exact subtraction or addition; the
 * compiler vectorises that over a loop. */
#if defined(LZ_ISA_generic) && defined(__x86_64__)
static inline float vec_bits_f32(uint32_t bits) {
  float f;
  memcpy(&f, &bits, sizeof f);
  return f;
}
static inline uint32_t vec_f32_bits(float f) {
  uint32_t bits;
  memcpy(&bits, &f, sizeof bits);
  return bits;
}
static inline float vec_f16_value(uint16_t h) {
  uint32_t magnitude = h & 0x7fffu, shifted = magnitude << 13;
  uint32_t tiny = vec_f32_bits(vec_bits_f32(shifted + (113u << 23)) - 0x1p-14f);
  uint32_t bits = shifted + ((magnitude >= 0x7c00u ? 224u : 112u) << 23);
  bits = magnitude < 0x400u ? tiny : bits;
  return vec_bits_f32(bits | (uint32_t)(h & 0x8000u) << 16);
}
static inline uint16_t vec_f16_round(float f) {
  uint32_t bits = vec_f32_bits(f), magnitude = bits & 0x7fffffffu;
  uint32_t tiny = vec_f32_bits(vec_bits_f32(magnitude) + 0.5f) - (126u << 23);
  uint32_t normal = magnitude - (112u << 23);
  normal = (normal + 0xfffu + ((normal >> 13) & 1)) >> 13;
  uint32_t h = magnitude < (113u << 23) ? tiny : normal;
  h = magnitude >= (143u << 23) ? 0x7c00u : h;
  h = magnitude > 0x7f800000u ? 0x7e00u : h;
  return (uint16_t)(h | (bits >> 16 & 0x8000u));
}
#else
static inline float vec_f16_value(uint16_t h) {
  _Float16 v;
  memcpy(&v, &h, sizeof v);
  return (float)v;
}
static inline uint16_t vec_f16_round(float f) {
  _Float16 v = (_Float16)f;
  uint16_t h;
  memcpy(&h, &v, sizeof h);
  return h;
}
#endif
static inline float vec_bf16_value(uint16_t h) {
  uint32_t bits = (uint32_t)h << 16;
  float f;
  memcpy(&f, &bits, sizeof f);
  return f;
}
static inline uint16_t vec_bf16_round(float f) {
  uint32_t bits;
  memcpy(&bits, &f, sizeof bits);
  uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1)) >> 16;
  return (bits & 0x7fffffffu) > 0x7f800000u ? 0x7fc0 : (uint16_t)rounded;
}

/* Halves to float and back, n elements, round to nearest even; dst and src do
 * not overlap. */
static inline void vec_widen_bf16(
    float* restrict dst, const uint16_t* restrict src, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    uint32_t bits = (uint32_t)src[i] << 16;
    memcpy(dst + i, &bits, sizeof bits);
  }
}

static inline void vec_narrow_bf16(
    uint16_t* restrict dst, const float* restrict src, int64_t n) {
  for (int64_t i = 0; i < n; i++) dst[i] = vec_bf16_round(src[i]);
}

static inline void vec_widen_f16(
    float* restrict dst, const uint16_t* restrict src, int64_t n) {
  int64_t i = 0;
#if defined(LZ_ISA_avx512)
  for (; i + 16 <= n; i += 16)
    _mm512_storeu_ps(
        dst + i,
        _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i*)(src + i))));
#elif defined(LZ_ISA_avx2)
  for (; i + 8 <= n; i += 8)
    _mm256_storeu_ps(
        dst + i, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i*)(src + i))));
#endif
  for (; i < n; i++) dst[i] = vec_f16_value(src[i]);
}

static inline void vec_narrow_f16(
    uint16_t* restrict dst, const float* restrict src, int64_t n) {
  int64_t i = 0;
#if defined(LZ_ISA_avx512)
  for (; i + 16 <= n; i += 16)
    _mm256_storeu_si256(
        (__m256i*)(dst + i),
        _mm512_cvtps_ph(
            _mm512_loadu_ps(src + i),
            _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
#elif defined(LZ_ISA_avx2)
  for (; i + 8 <= n; i += 8)
    _mm_storeu_si128(
        (__m128i*)(dst + i),
        _mm256_cvtps_ph(
            _mm256_loadu_ps(src + i),
            _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
#endif
  for (; i < n; i++) dst[i] = vec_f16_round(src[i]);
}

/* Either half by its dtype. */
static inline void vec_widen(
    lz_dtype d, float* dst, const uint16_t* src, int64_t n) {
  if (d == DTYPE_FLOAT16)
    vec_widen_f16(dst, src, n);
  else
    vec_widen_bf16(dst, src, n);
}
static inline void vec_narrow(
    lz_dtype d, uint16_t* dst, const float* src, int64_t n) {
  if (d == DTYPE_FLOAT16)
    vec_narrow_f16(dst, src, n);
  else
    vec_narrow_bf16(dst, src, n);
}

#endif
