/* One row of codes times a vector, in integers.
 *
 * Within each group x is m * 2^e with whole m, in digits of 8 bits: two of them
 * hold every bfloat16 within 2^7 of the largest exactly, three every float16
 * within 2^12, and for a float32 three are off by at most 2^-24 of the largest,
 * which is what summing in float32 costs too. Codes are bytes, so one
 * instruction multiplies and sums 64 of them: they are then used as fast as
 * memory gives them. */
#include "cpu/qmm.h"

#include <math.h>
#include <string.h>

#include "cpu/isa.h"
#include "cpu/simd/gemm_vec.h"

extern const qmm_dots ISA_NAME(qmm_int2), ISA_NAME(qmm_int3);

#if defined(LZ_ISA_avx512)
#define BYTES __attribute__((target("avx512vnni,avx512vbmi")))
#define AHEAD 4096

static inline bool nibbles(const quantize_format* f) {
  return f->bits == 4;
}

/* Elements are padded to whole vectors: 128 of nibbles, else 64. */
static int64_t padded(const quantize_format* f, int64_t k) {
  return nibbles(f) ? (k + 127) / 128 * 128 : (k + 63) / 64 * 64;
}

/* Digits, the highest first, then the scale of each group. */
static inline int64_t arranged(
    const int digits, const quantize_format* f, int64_t k) {
  return padded(f, k) * digits / 4 + k / f->group_size + 16;
}

/* Where element i of a block of 128 goes: words of eight nibbles are read as
 * their even and then their odd ones. */
static int64_t place(const quantize_format* f, int64_t i) {
  if (!nibbles(f)) return i;
  const int64_t in = i % 128;
  return i - in + (in % 2) * 64 + in / 8 * 4 + in % 8 / 2;
}

static inline __attribute__((always_inline)) void arrange(
    const int digits,
    const quantize_format* f,
    float* to,
    float* sums,
    const float* x,
    int64_t k) {
  const int64_t wide = padded(f, k);
  const int n = f->group_size;
  int8_t* digit = (int8_t*)to;
  float* scales = to + wide * digits / 4;
  /* The largest whole number of so many digits from -128 to 127. */
  const float limit = digits == 2 ? 32639.0f : 8355711.0f;
  memset(to, 0, (size_t)(wide * digits));
  for (int64_t g = 0; g < k / n; g++) {
    float most = 0;
    for (int i = 0; i < n; i++) {
      const float size = fabsf(x[g * n + i]);
      most = size > most ? size : most;
    }
    int e = 0;
    if (most > 0) frexpf(most, &e);
    /* Subnormal groups are as good as 0; their scale would overflow. */
    if (e < -100) e = -100;
    int up = digits * 8 - 1 - e;
    if (ldexpf(most, up) > limit) up--;
    const float by = ldexpf(1, up);
    float sum = 0;
    for (int i = 0; i < n; i++) {
      int m = (int)rintf(x[g * n + i] * by);
      const int64_t at = place(f, g * n + i);
      sum += (float)m;
      for (int d = digits; d-- > 0;) {
        const int high = (m + 128) >> 8;
        digit[d * wide + at] = (int8_t)(m - high * 256);
        m = high;
      }
    }
    scales[g] = ldexpf(1, -up);
    sums[g] = sum * scales[g];
  }
  for (int i = 0; i < 16; i++) scales[k / n + i] = 0;
}

/* Sums of digits' products to one of numbers; not in integers alone, which
 * three digits overflow. */
BYTES static inline __m512 number(const int digits, const __m512i* sums) {
  const __m512i low = _mm512_add_epi32(
      _mm512_slli_epi32(sums[digits - 2], 8), sums[digits - 1]);
  __m512 x = _mm512_cvtepi32_ps(low);
  if (digits == 3) x = vf_fma(_mm512_cvtepi32_ps(sums[0]), vf_set1(65536), x);
  return x;
}

BYTES static inline __attribute__((always_inline)) void dot_nibbles(
    const int digits,
    const quantize_format* f,
    __m512* total,
    const uint8_t* codes,
    int64_t code_row,
    const qmm_factors* by,
    const qmm_vector* x,
    int64_t k) {
  /* Twice the value of e2m1, 12 up. */
  const __m512i fp4 = _mm512_broadcast_i32x4(
      _mm_setr_epi8(12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0));
  const bool affine = f->mode == QUANTIZE_AFFINE;
  const int64_t wide = padded(f, k);
  const int8_t* digit = (const int8_t*)x->x;
  const float *scales = x->x + wide * digits / 4, *s = by->s;
  const int words = f->group_size / 8, groups = 128 / f->group_size;
  int32_t lanes[16];
  for (int i = 0; i < 16; i++) lanes[i] = i / words;
  const __m512i spread = _mm512_loadu_si512(lanes);
  const __m512i mask = _mm512_set1_epi8(15);
  for (int64_t i = 0; i < k; i += 128, s += groups, scales += groups) {
    const int left = k - i >= 128 ? 16 : (int)(k - i) / 8;
    const __mmask16 there = (__mmask16)((1u << left) - 1);
    /* Beyond the row lies another's scale, and who knows what it holds. */
    const int64_t rest = k / f->group_size - i / f->group_size;
    const __mmask16 mine = rest >= 16 ? 0xffff : (__mmask16)((1u << rest) - 1);
    const __m512 x_scale = vf_load(scales);
#pragma GCC unroll 4
    for (int r = 0; r < QMM_STREAMS; r++) {
      const uint8_t* at = codes + r * code_row + i / 2;
      _mm_prefetch((const char*)at + AHEAD, _MM_HINT_T0);
      const __m512i w = _mm512_maskz_loadu_epi32(there, at);
      __m512i even = _mm512_and_si512(w, mask);
      __m512i odd = _mm512_and_si512(_mm512_srli_epi16(w, 4), mask);
      if (!affine) {
        even = _mm512_shuffle_epi8(fp4, even);
        odd = _mm512_shuffle_epi8(fp4, odd);
      }
      __m512i sums[3];
#pragma GCC unroll 3
      for (int d = 0; d < digits; d++) {
        const int8_t* m = digit + d * wide + i;
        sums[d] = _mm512_dpbusd_epi32(
            _mm512_setzero_si512(), even, _mm512_loadu_si512(m));
        sums[d] = _mm512_dpbusd_epi32(sums[d], odd, _mm512_loadu_si512(m + 64));
      }
      const __m512 scale =
          _mm512_mul_ps(_mm512_maskz_loadu_ps(mine, s + r * by->step), x_scale);
      total[r] = vf_fma(
          number(digits, sums), _mm512_permutexvar_ps(spread, scale), total[r]);
    }
  }
}

/* How 64 codes of so many bits become bytes: the bytes that hold eight of them
 * go to a word of their own, and each is shifted down. */
typedef struct code_bytes {
  __m512i words, shifts, mask;
} code_bytes;

BYTES static code_bytes code_bytes_of(int bits) {
  uint8_t words[64], shifts[64];
  for (int i = 0; i < 64; i++) {
    words[i] = (uint8_t)(i / 8 * bits + i % 8);
    shifts[i] = (uint8_t)(i % 8 * bits);
  }
  return (code_bytes){
      _mm512_loadu_si512(words),
      _mm512_loadu_si512(shifts),
      _mm512_set1_epi8((char)((1 << bits) - 1))};
}

BYTES static inline __attribute__((always_inline)) void dot_bytes(
    const int digits,
    const quantize_format* f,
    __m512* total,
    const uint8_t* codes,
    int64_t code_row,
    const qmm_factors* by,
    const qmm_vector* x,
    int64_t k) {
  const int64_t wide = padded(f, k);
  const int8_t* digit = (const int8_t*)x->x;
  const float* scales = x->x + wide * digits / 4;
  const int n = f->group_size, bits = f->bits;
  const code_bytes how = code_bytes_of(bits);
  int32_t lanes[16];
  for (int i = 0; i < 16; i++) lanes[i] = i * 4 / n;
  const __m512i spread = _mm512_loadu_si512(lanes);
  for (int64_t i = 0; i < k; i += 64) {
    const int64_t left = k - i < 64 ? k - i : 64, g = i / n;
    const __mmask64 there = ~(__mmask64)0 >> (64 - left * bits / 8);
    const int64_t rest = k / n - g;
    const __mmask16 mine = rest >= 16 ? 0xffff : (__mmask16)((1u << rest) - 1);
    const __m512 x_scale = vf_load(scales + g);
#pragma GCC unroll 4
    for (int r = 0; r < QMM_STREAMS; r++) {
      const uint8_t* at = codes + r * code_row + i / 8 * bits;
      _mm_prefetch((const char*)at + AHEAD, _MM_HINT_T0);
      __m512i w = _mm512_maskz_loadu_epi8(there, at);
      if (bits != 8)
        w = _mm512_and_si512(
            _mm512_multishift_epi64_epi8(
                how.shifts, _mm512_permutexvar_epi8(how.words, w)),
            how.mask);
      __m512i sums[3];
#pragma GCC unroll 3
      for (int d = 0; d < digits; d++)
        sums[d] = _mm512_dpbusd_epi32(
            _mm512_setzero_si512(),
            w,
            _mm512_loadu_si512(digit + d * wide + i));
      const __m512 scale = _mm512_mul_ps(
          _mm512_maskz_loadu_ps(mine, by->s + r * by->step + g), x_scale);
      total[r] = vf_fma(
          number(digits, sums), _mm512_permutexvar_ps(spread, scale), total[r]);
    }
  }
}

static inline __attribute__((always_inline)) float biased(
    const quantize_format* f,
    float product,
    const float* factors,
    const qmm_vector* x,
    int64_t k) {
  const int64_t groups = k / f->group_size;
  vf total = vf_zero();
  int64_t g = 0;
  for (; g + VF <= groups; g += VF)
    total = vf_fma(vf_load(factors + g), vf_load(x->sums + g), total);
  float rest = vf_sum(total);
  for (; g < groups; g++) rest += factors[g] * x->sums[g];
  return f->mode == QUANTIZE_AFFINE ? product + rest
                                    : 0.5f * product - 6 * rest;
}

#define DOTS(n)                                                         \
  static int64_t arranged##n(const quantize_format* f, int64_t k) {     \
    return arranged(n, f, k);                                           \
  }                                                                     \
  static void arrange##n(                                               \
      const quantize_format* f,                                         \
      float* to,                                                        \
      float* sums,                                                      \
      const float* x,                                                   \
      int64_t k) {                                                      \
    arrange(n, f, to, sums, x, k);                                      \
  }                                                                     \
  BYTES static void dot##n(                                             \
      const quantize_format* f,                                         \
      float* y,                                                         \
      const uint8_t* codes,                                             \
      int64_t code_row,                                                 \
      const qmm_factors* by,                                            \
      const qmm_vector* x,                                              \
      int64_t k) {                                                      \
    __m512 total[QMM_STREAMS];                                          \
    for (int r = 0; r < QMM_STREAMS; r++) total[r] = vf_zero();         \
    if (nibbles(f))                                                     \
      dot_nibbles(n, f, total, codes, code_row, by, x, k);              \
    else                                                                \
      dot_bytes(n, f, total, codes, code_row, by, x, k);                \
    const float* factors = f->mode == QUANTIZE_AFFINE ? by->b : by->s;  \
    for (int r = 0; r < QMM_STREAMS; r++)                               \
      y[r] = biased(f, vf_sum(total[r]), factors + r * by->step, x, k); \
  }                                                                     \
  const qmm_dots ISA_NAME(qmm_int##n) = {arranged##n, arrange##n, dot##n};

DOTS(2)
DOTS(3)
#else
const qmm_dots ISA_NAME(qmm_int2) = {NULL, NULL, NULL};
const qmm_dots ISA_NAME(qmm_int3) = {NULL, NULL, NULL};
#endif
