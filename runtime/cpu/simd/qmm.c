/* One row of codes times a vector.
 *
 * With groups g: sum of s_g * (sum of code * x) + b_g * (sum of x). Four-bit
 * codes are taken from words of eight: shifting all lanes by 4 j leaves code j
 * of each word in the low bits, and x is arranged to match. */
#include "cpu/qmm.h"

#include <string.h>

#include "cpu/isa.h"
#include "cpu/simd/gemm_vec.h"

static inline bool nibbles(const quantize_format* f) {
#if defined(LZ_ISA_avx512)
  return f->bits == 4;
#else
  (void)f;
  return false;
#endif
}

static int64_t arranged(const quantize_format* f, int64_t k) {
  return nibbles(f) ? (k + 127) / 128 * 128 : k;
}

static int arrange(
    const quantize_format* f,
    float* to,
    float* sums,
    const float* x,
    int64_t k) {
  const int n = f->group_size;
  for (int64_t g = 0; g < k / n; g++) {
    float s = 0;
    for (int i = 0; i < n; i++) s += x[g * n + i];
    sums[g] = s;
  }
  if (!nibbles(f)) {
    memcpy(to, x, (size_t)k * sizeof *to);
    return 0;
  }
  for (int64_t i = 0; i < arranged(f, k); i += 128)
    for (int j = 0; j < 8; j++)
      for (int word = 0; word < 16; word++) {
        const int64_t at = i + word * 8 + j;
        to[i + j * 16 + word] = at < k ? x[at] : 0;
      }
  return 0;
}

#if defined(LZ_ISA_avx512)
/* Bytes of codes asked for before they are used: rows follow each other, and
 * the hardware stops at the end of each page. */
#define AHEAD 4096

static inline const float* nibble_values(const quantize_format* f) {
  static const float affine[16] = {
      0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  static const float fp4[16] = {
      0, .5f, 1, 1.5f, 2, 3, 4, 6, -0.f, -.5f, -1, -1.5f, -2, -3, -4, -6};
  return f->mode == QUANTIZE_AFFINE ? affine : fp4;
}

static float dot_nibbles(
    const quantize_format* f,
    const uint8_t* codes,
    const float* s,
    const qmm_vector* x,
    int64_t k,
    const float* lut) {
  const __m512 table = _mm512_loadu_ps(lut);
  const int words = f->group_size / 8; /* of a group */
  int32_t lanes[16];
  for (int i = 0; i < 16; i++) lanes[i] = i / words;
  const __m512i spread = _mm512_loadu_si512(lanes);
  const int groups = 128 / f->group_size; /* of a vector */
  __m512 total = vf_zero(), other = vf_zero();
  const float* at = x->x;
  for (int64_t i = 0; i < k; i += 128, codes += 64, s += groups, at += 128) {
    const int left = k - i >= 128 ? 16 : (int)(k - i) / 8;
    _mm_prefetch((const char*)codes + AHEAD, _MM_HINT_T0);
    const __m512i w = left == 16 ? _mm512_loadu_si512(codes)
                                 : _mm512_maskz_loadu_epi32(
                                       (__mmask16)((1u << left) - 1), codes);
    __m512 even = vf_zero(), odd = vf_zero();
#define STEP(j, sum)                                               \
  sum = vf_fma(                                                    \
      _mm512_permutexvar_ps(_mm512_srli_epi32(w, 4 * (j)), table), \
      vf_load(at + 16 * (j)),                                      \
      sum)
    STEP(0, even);
    STEP(1, odd);
    STEP(2, even);
    STEP(3, odd);
    STEP(4, even);
    STEP(5, odd);
    STEP(6, even);
    STEP(7, odd);
#undef STEP
    const int rest = (int)((k - i) / f->group_size);
    const __mmask16 mine = rest >= 16 ? 0xffff : (__mmask16)((1u << rest) - 1);
    const __m512 scale =
        _mm512_permutexvar_ps(spread, _mm512_maskz_loadu_ps(mine, s));
    total = vf_fma(scale, even, total);
    other = vf_fma(scale, odd, other);
  }
  return vf_sum(total + other);
}

static float dot_bytes(
    const quantize_format* f,
    const uint8_t* codes,
    const float* s,
    const qmm_vector* x,
    int64_t k) {
  const int n = f->group_size;
  const bool fp8 = f->mode == QUANTIZE_MXFP8;
  const float* at = x->x;
  __m512 total = vf_zero();
  for (int64_t i = 0; i < k; i += n, s++) {
    __m512 even = vf_zero(), odd = vf_zero();
    for (int j = 0; j < n; j += 64)
      _mm_prefetch((const char*)codes + j + AHEAD, _MM_HINT_T0);
    if (fp8) {
      for (int j = 0; j < n; j += 16, codes += 16, at += 16) {
        __m256i b =
            _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i*)codes));
        __m256i half = _mm256_or_si256(
            _mm256_and_si256(
                _mm256_slli_epi16(b, 8), _mm256_set1_epi16((short)0x8000)),
            _mm256_and_si256(
                _mm256_slli_epi16(b, 7), _mm256_set1_epi16(0x3f80)));
        even = vf_fma(_mm512_cvtph_ps(half), vf_load(at), even);
      }
      total = vf_fma(vf_set1(256 * *s), even, total);
      continue;
    }
    for (int j = 0; j < n; j += 32, codes += 32, at += 32) {
      __m512i a = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i*)codes));
      __m512i b =
          _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i*)(codes + 16)));
      even = vf_fma(_mm512_cvtepi32_ps(a), vf_load(at), even);
      odd = vf_fma(_mm512_cvtepi32_ps(b), vf_load(at + 16), odd);
    }
    total = vf_fma(vf_set1(*s), even + odd, total);
  }
  return vf_sum(total);
}
#endif

extern const quantize_table ISA_NAME(quantize_table);

/* Codes decoded at a time: whole groups of any size. */
#define RUN 512

static float dot_any(
    const quantize_format* f,
    const uint8_t* codes,
    const float* s,
    const qmm_vector* x,
    int64_t k) {
  const int n = f->group_size;
  float values[RUN];
  vf total = vf_zero();
  for (int64_t i = 0; i < k; i += RUN) {
    const int64_t run = k - i < RUN ? k - i : RUN;
    ISA_NAME(quantize_table)
        .decode[f->mode](values, codes + i / 8 * f->bits, f->bits, run);
    for (int64_t g = 0; g < run; g += n, s++) {
      const float *v = values + g, *at = x->x + i + g;
      vf even = vf_zero(), odd = vf_zero();
      int j = 0;
      for (; j + 2 * VF <= n; j += 2 * VF) {
        even = vf_fma(vf_load(v + j), vf_load(at + j), even);
        odd = vf_fma(vf_load(v + j + VF), vf_load(at + j + VF), odd);
      }
      if (j < n) even = vf_fma(vf_load(v + j), vf_load(at + j), even);
      total = vf_fma(vf_set1(*s), even + odd, total);
    }
  }
  return vf_sum(total);
}

static float dot_row(
    const quantize_format* f,
    const uint8_t* codes,
    const float* s,
    const float* b,
    const qmm_vector* x,
    int64_t k) {
  float sum = 0;
#if defined(LZ_ISA_avx512)
  if (f->bits == 4)
    sum = dot_nibbles(f, codes, s, x, k, nibble_values(f));
  else if (f->bits == 8)
    sum = dot_bytes(f, codes, s, x, k);
  else
#endif
    sum = dot_any(f, codes, s, x, k);
  if (f->mode == QUANTIZE_AFFINE) {
    const int64_t groups = k / f->group_size;
    vf total = vf_zero();
    int64_t g = 0;
    for (; g + VF <= groups; g += VF)
      total = vf_fma(vf_load(b + g), vf_load(x->sums + g), total);
    sum += vf_sum(total);
    for (; g < groups; g++) sum += b[g] * x->sums[g];
  }
  return sum;
}

static void dot(
    const quantize_format* f,
    float* y,
    const uint8_t* codes,
    int64_t code_row,
    const qmm_factors* by,
    const qmm_vector* x,
    int64_t k) {
  for (int r = 0; r < QMM_STREAMS; r++) {
    if (r && code_row == 0)
      y[r] = y[0];
    else
      y[r] = dot_row(
          f,
          codes + r * code_row,
          by->s + r * by->step,
          by->b + r * by->step,
          x,
          k);
  }
}

static void add_biases(
    const quantize_format* f,
    float* sums,
    const qmm_factors* by,
    float x,
    int64_t n) {
  if (f->mode != QUANTIZE_AFFINE) return;
  for (int64_t g = 0; g < n / f->group_size; g++) sums[g] += by->b[g] * x;
}

#if defined(LZ_ISA_avx512)
/* As dot_nibbles: the element of lane l and shift 4 j is 8 l + j. */
static void axpy_nibbles(
    const quantize_format* f,
    float* y,
    const uint8_t* codes,
    const float* s,
    float x,
    int64_t n) {
  const __m512 table = _mm512_loadu_ps(nibble_values(f)), by = vf_set1(x);
  const int words = f->group_size / 8, groups = 128 / f->group_size;
  int32_t lanes[16];
  for (int i = 0; i < 16; i++) lanes[i] = i / words;
  const __m512i spread = _mm512_loadu_si512(lanes);
  for (int64_t i = 0; i < n; i += 128, codes += 64, s += groups, y += 128) {
    const int left = n - i >= 128 ? 16 : (int)(n - i) / 8;
    _mm_prefetch((const char*)codes + AHEAD, _MM_HINT_T0);
    const __m512i w =
        _mm512_maskz_loadu_epi32((__mmask16)((1u << left) - 1), codes);
    const int rest = (int)((n - i) / f->group_size);
    const __mmask16 mine = rest >= 16 ? 0xffff : (__mmask16)((1u << rest) - 1);
    const __m512 scale = _mm512_mul_ps(
        by, _mm512_permutexvar_ps(spread, _mm512_maskz_loadu_ps(mine, s)));
#pragma GCC unroll 8
    for (int j = 0; j < 8; j++) {
      const __m512 q =
          _mm512_permutexvar_ps(_mm512_srli_epi32(w, 4 * j), table);
      vf_store(y + 16 * j, vf_fma(q, scale, vf_load(y + 16 * j)));
    }
  }
}
#endif

#if defined(VF_HALVES)
static inline vf vf_load_bytes(const uint8_t* p) {
#if defined(LZ_ISA_avx512)
  return _mm512_cvtepi32_ps(
      _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i*)p)));
#else
  return _mm256_cvtepi32_ps(
      _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i*)p)));
#endif
}

/* Codes that are whole bytes and numbers. */
static void axpy_bytes(
    float* y,
    const uint8_t* codes,
    const float* s,
    float x,
    int64_t n,
    int size) {
  for (int64_t i = 0; i < n; i += size, s++) {
    const vf scale = vf_set1(*s * x);
    for (int64_t j = i; j < i + size; j += VF)
      vf_store(y + j, vf_fma(vf_load_bytes(codes + j), scale, vf_load(y + j)));
  }
}
#endif

static void axpy(
    const quantize_format* f,
    float* y,
    float* sums,
    const uint8_t* codes,
    const qmm_factors* by,
    float x,
    int64_t n) {
  add_biases(f, sums, by, x, n);
#if defined(LZ_ISA_avx512)
  if (nibbles(f)) {
    axpy_nibbles(f, y, codes, by->s, x, n);
    return;
  }
#endif
#if defined(VF_HALVES)
  if (f->bits == 8 && f->mode == QUANTIZE_AFFINE) {
    axpy_bytes(y, codes, by->s, x, n, f->group_size);
    return;
  }
#endif
  float values[RUN];
  const int size = f->group_size;
  const float* s = by->s;
  for (int64_t i = 0; i < n; i += RUN) {
    const int64_t run = n - i < RUN ? n - i : RUN;
    ISA_NAME(quantize_table)
        .decode[f->mode](values, codes + i / 8 * f->bits, f->bits, run);
    for (int64_t g = 0; g < run; g += size, s++) {
      const vf scale = vf_set1(*s * x);
      for (int j = 0; j < size; j += VF) {
        float* at = y + i + g + j;
        vf_store(at, vf_fma(vf_load(values + g + j), scale, vf_load(at)));
      }
    }
  }
}

static void settle(
    const quantize_format* f,
    float* to,
    const float* y,
    const float* sums,
    int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    const int64_t in = i % 128;
    const int64_t at = nibbles(f) ? i - in + in % 8 * 16 + in / 8 : i;
    to[i] = y[at] + sums[i / f->group_size];
  }
}

static void row(
    const quantize_format* f,
    float* to,
    const uint8_t* codes,
    const qmm_factors* by,
    int64_t n) {
  float values[RUN];
  const int size = f->group_size;
  const float *s = by->s, *b = by->b;
  for (int64_t i = 0; i < n; i += RUN) {
    const int64_t run = n - i < RUN ? n - i : RUN;
    ISA_NAME(quantize_table)
        .decode[f->mode](values, codes + i / 8 * f->bits, f->bits, run);
    for (int64_t g = 0; g < run; g += size, s++, b++) {
      const vf scale = vf_set1(*s), bias = vf_set1(*b);
      for (int j = 0; j < size; j += VF)
        vf_store(to + i + g + j, vf_fma(vf_load(values + g + j), scale, bias));
    }
  }
}

extern const qmm_table ISA_NAME(qmm_table);
const qmm_table ISA_NAME(qmm_table) = {
    {arranged, arrange, dot}, axpy, settle, row};
