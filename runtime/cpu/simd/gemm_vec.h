/* The few vector operations that the products are written in, for the
 * instruction set at hand. Unlike the element-wise kernels products do want
 * fused multiply-add: their sums have no fixed order anyway. */
#ifndef CPU_SIMD_GEMM_VEC_H
#define CPU_SIMD_GEMM_VEC_H

#include <stdint.h>
#include <string.h>

#if defined(LZ_ISA_avx512) || defined(LZ_ISA_avx2)
#include <immintrin.h>
#endif

#if defined(LZ_ISA_avx512)
typedef __m512 vf;
typedef __m512d vd;
#define VF 16
#define VD 8
static inline vf vf_load(const float* p) {
  return _mm512_loadu_ps(p);
}
static inline void vf_store(float* p, vf v) {
  _mm512_storeu_ps(p, v);
}
static inline vf vf_set1(float x) {
  return _mm512_set1_ps(x);
}
static inline vf vf_fma(vf a, vf b, vf c) {
  return _mm512_fmadd_ps(a, b, c);
}
static inline vf vf_fnma(vf a, vf b, vf c) {
  return _mm512_fnmadd_ps(a, b, c);
}
static inline vd vd_load(const double* p) {
  return _mm512_loadu_pd(p);
}
static inline void vd_store(double* p, vd v) {
  _mm512_storeu_pd(p, v);
}
static inline vd vd_set1(double x) {
  return _mm512_set1_pd(x);
}
static inline vd vd_fma(vd a, vd b, vd c) {
  return _mm512_fmadd_pd(a, b, c);
}
static inline vf vf_load_f16(const uint16_t* p) {
  return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i*)p));
}
static inline void vf_store_f16(uint16_t* p, vf v) {
  _mm256_storeu_si256((__m256i*)p, _mm512_cvtps_ph(v, 0));
}
static inline vf vf_load_bf16(const uint16_t* p) {
  __m512i w = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i*)p));
  return _mm512_castsi512_ps(_mm512_slli_epi32(w, 16));
}
static inline float vf_sum(vf v) {
  return _mm512_reduce_add_ps(v);
}
static inline double vd_sum(vd v) {
  return _mm512_reduce_add_pd(v);
}

/* Rows become columns. */
static inline void vf_transpose(__m512 r[16]) {
  __m512 t[16];
#pragma GCC unroll 8
  for (int i = 0; i < 16; i += 2) {
    t[i] = _mm512_unpacklo_ps(r[i], r[i + 1]);
    t[i + 1] = _mm512_unpackhi_ps(r[i], r[i + 1]);
  }
#define LO(x, y) \
  _mm512_castpd_ps(_mm512_unpacklo_pd(_mm512_castps_pd(x), _mm512_castps_pd(y)))
#define HI(x, y) \
  _mm512_castpd_ps(_mm512_unpackhi_pd(_mm512_castps_pd(x), _mm512_castps_pd(y)))
#pragma GCC unroll 4
  for (int i = 0; i < 16; i += 4) {
    r[i] = LO(t[i], t[i + 2]);
    r[i + 1] = HI(t[i], t[i + 2]);
    r[i + 2] = LO(t[i + 1], t[i + 3]);
    r[i + 3] = HI(t[i + 1], t[i + 3]);
  }
#undef LO
#undef HI
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) {
    t[i] = _mm512_shuffle_f32x4(r[i], r[i + 4], 0x88);
    t[i + 4] = _mm512_shuffle_f32x4(r[i], r[i + 4], 0xdd);
    t[i + 8] = _mm512_shuffle_f32x4(r[i + 8], r[i + 12], 0x88);
    t[i + 12] = _mm512_shuffle_f32x4(r[i + 8], r[i + 12], 0xdd);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) {
    r[i] = _mm512_shuffle_f32x4(t[i], t[i + 8], 0x88);
    r[i + 4] = _mm512_shuffle_f32x4(t[i + 4], t[i + 12], 0x88);
    r[i + 8] = _mm512_shuffle_f32x4(t[i], t[i + 8], 0xdd);
    r[i + 12] = _mm512_shuffle_f32x4(t[i + 4], t[i + 12], 0xdd);
  }
}
#define VF_HALVES 1
#elif defined(LZ_ISA_avx2)
typedef __m256 vf;
typedef __m256d vd;
#define VF 8
#define VD 4
static inline vf vf_load(const float* p) {
  return _mm256_loadu_ps(p);
}
static inline void vf_store(float* p, vf v) {
  _mm256_storeu_ps(p, v);
}
static inline vf vf_set1(float x) {
  return _mm256_set1_ps(x);
}
static inline vf vf_fma(vf a, vf b, vf c) {
  return _mm256_fmadd_ps(a, b, c);
}
static inline vf vf_fnma(vf a, vf b, vf c) {
  return _mm256_fnmadd_ps(a, b, c);
}
static inline vd vd_load(const double* p) {
  return _mm256_loadu_pd(p);
}
static inline void vd_store(double* p, vd v) {
  _mm256_storeu_pd(p, v);
}
static inline vd vd_set1(double x) {
  return _mm256_set1_pd(x);
}
static inline vd vd_fma(vd a, vd b, vd c) {
  return _mm256_fmadd_pd(a, b, c);
}
static inline vf vf_load_f16(const uint16_t* p) {
  return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i*)p));
}
static inline void vf_store_f16(uint16_t* p, vf v) {
  _mm_storeu_si128((__m128i*)p, _mm256_cvtps_ph(v, 0));
}
static inline vf vf_load_bf16(const uint16_t* p) {
  __m256i w = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i*)p));
  return _mm256_castsi256_ps(_mm256_slli_epi32(w, 16));
}
#define VF_HALVES 1
#else
typedef float vf __attribute__((vector_size(16)));
typedef double vd __attribute__((vector_size(16)));
#define VF 4
#define VD 2
static inline vf vf_load(const float* p) {
  vf v;
  memcpy(&v, p, sizeof v);
  return v;
}
static inline void vf_store(float* p, vf v) {
  memcpy(p, &v, sizeof v);
}
static inline vf vf_set1(float x) {
  return (vf){x, x, x, x};
}
static inline vf vf_fma(vf a, vf b, vf c) {
  return a * b + c;
}
static inline vf vf_fnma(vf a, vf b, vf c) {
  return c - a * b;
}
static inline vd vd_load(const double* p) {
  vd v;
  memcpy(&v, p, sizeof v);
  return v;
}
static inline void vd_store(double* p, vd v) {
  memcpy(p, &v, sizeof v);
}
static inline vd vd_set1(double x) {
  return (vd){x, x};
}
static inline vd vd_fma(vd a, vd b, vd c) {
  return a * b + c;
}
#endif

#if !defined(LZ_ISA_avx512)
static inline float vf_sum(vf v) {
  float s = 0;
  for (int i = 0; i < VF; i++) s += v[i];
  return s;
}
static inline double vd_sum(vd v) {
  double s = 0;
  for (int i = 0; i < VD; i++) s += v[i];
  return s;
}
#endif

/* The first n lanes, at most all: others are 0, or are left. */
#if defined(LZ_ISA_avx512)
static inline vf vf_load_some(const float* p, int64_t n) {
  return _mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
}
static inline void vf_store_some(float* p, vf v, int64_t n) {
  _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), v);
}
static inline vd vd_load_some(const double* p, int64_t n) {
  return _mm512_maskz_loadu_pd((__mmask8)((1u << n) - 1), p);
}
static inline void vd_store_some(double* p, vd v, int64_t n) {
  _mm512_mask_storeu_pd(p, (__mmask8)((1u << n) - 1), v);
}
#elif defined(LZ_ISA_avx2)
/* All bits of the first n lanes. */
static inline __m256i some_floats(int64_t n) {
  static const int32_t bits[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
  return _mm256_loadu_si256((const __m256i*)(bits + 8 - n));
}
static inline __m256i some_doubles(int64_t n) {
  return some_floats(2 * n);
}
static inline vf vf_load_some(const float* p, int64_t n) {
  return _mm256_maskload_ps(p, some_floats(n));
}
static inline void vf_store_some(float* p, vf v, int64_t n) {
  _mm256_maskstore_ps(p, some_floats(n), v);
}
static inline vd vd_load_some(const double* p, int64_t n) {
  return _mm256_maskload_pd(p, some_doubles(n));
}
static inline void vd_store_some(double* p, vd v, int64_t n) {
  _mm256_maskstore_pd(p, some_doubles(n), v);
}
#else
static inline vf vf_load_some(const float* p, int64_t n) {
  float lanes[VF] = {0};
  for (int64_t i = 0; i < n; i++) lanes[i] = p[i];
  return vf_load(lanes);
}
static inline void vf_store_some(float* p, vf v, int64_t n) {
  for (int64_t i = 0; i < n; i++) p[i] = v[i];
}
static inline vd vd_load_some(const double* p, int64_t n) {
  double lanes[VD] = {0};
  for (int64_t i = 0; i < n; i++) lanes[i] = p[i];
  return vd_load(lanes);
}
static inline void vd_store_some(double* p, vd v, int64_t n) {
  for (int64_t i = 0; i < n; i++) p[i] = v[i];
}
#endif

/* The two of each pair change places. */
static inline vf vf_swap(vf v) {
#if defined(LZ_ISA_avx512)
  return _mm512_permute_ps(v, 0xb1);
#elif defined(LZ_ISA_avx2)
  return _mm256_permute_ps(v, 0xb1);
#else
  typedef int32_t vi __attribute__((vector_size(sizeof(vf))));
  return __builtin_shuffle(v, (vi){1, 0, 3, 2});
#endif
}

/* Maximum; a NaN in b stays. */
static inline vf vf_max(vf a, vf b) {
#if defined(LZ_ISA_avx512)
  return _mm512_max_ps(a, b);
#elif defined(LZ_ISA_avx2)
  return _mm256_max_ps(a, b);
#else
  typedef int32_t vi __attribute__((vector_size(sizeof(vf))));
  vi m = b < a;
  return (vf)(((vi)a & m) | ((vi)b & ~m));
#endif
}

/* e^x, x at most some 88, within 2 units in the last place; below -87.3 it may
 * be, below -104 it is 0. A NaN stays. */
static inline vf vf_exp(vf x) {
  typedef int32_t vi __attribute__((vector_size(sizeof(vf))));
#if defined(LZ_ISA_avx512)
  x = vf_max(vf_set1(-105), x);
  const vf n = _mm512_roundscale_ps(
      _mm512_mul_ps(x, vf_set1(1.44269504f)),
      _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
#else
  const vf given = x;
  x = vf_max(vf_set1(-87.3f), x);
  /* Adding and taking away 1.5 * 2^23 leaves an integer. */
  const vf magic = vf_set1(12582912.0f);
  const vf shifted = vf_fma(x, vf_set1(1.44269504f), magic);
  const vf n = shifted - magic;
#endif
  vf r = vf_fnma(n, vf_set1(0.693359375f), x);
  r = vf_fnma(n, vf_set1(-2.12194440e-4f), r);
  vf p = vf_set1(1.0f / 5040);
  p = vf_fma(p, r, vf_set1(1.0f / 720));
  p = vf_fma(p, r, vf_set1(1.0f / 120));
  p = vf_fma(p, r, vf_set1(1.0f / 24));
  p = vf_fma(p, r, vf_set1(1.0f / 6));
  p = vf_fma(p, r, vf_set1(0.5f));
  p = vf_fma(p, r, vf_set1(1));
  p = vf_fma(p, r, vf_set1(1));
#if defined(LZ_ISA_avx512)
  (void)sizeof(vi);
  /* Hidden scores end at n = -151. A result that underflows costs fifty times
   * as much as one that is 0 by the mask. */
  const __mmask16 there = _mm512_cmp_ps_mask(n, vf_set1(-151), _CMP_NLE_UQ);
  return _mm512_maskz_scalef_ps(there, p, n);
#else
  const vi power = (vi)shifted << 23;
  const vi gone = given < vf_set1(-87.3f);
  return (vf)(((vi)p + power) & ~gone);
#endif
}

static inline vf vf_zero(void) {
  return vf_set1(0);
}
static inline vd vd_zero(void) {
  return vd_set1(0);
}

static inline float f32_of_f32(const float* p) {
  return *p;
}
static inline float f32_of_bf16(const uint16_t* p) {
  uint32_t bits = (uint32_t)*p << 16;
  float f;
  memcpy(&f, &bits, sizeof f);
  return f;
}
static inline float f32_of_f16(const uint16_t* p) {
  _Float16 h;
  memcpy(&h, p, sizeof h);
  return (float)h;
}
static inline void f32_to_f32(float* p, float f) {
  *p = f;
}
static inline void f32_to_bf16(uint16_t* p, float f) {
  uint32_t bits;
  memcpy(&bits, &f, sizeof bits);
  *p = (bits & 0x7fffffffu) > 0x7f800000u
           ? 0x7fc0
           : (uint16_t)((bits + 0x7fffu + ((bits >> 16) & 1)) >> 16);
}
static inline void f32_to_f16(uint16_t* p, float f) {
  _Float16 h = (_Float16)f;
  memcpy(p, &h, sizeof h);
}

#endif
