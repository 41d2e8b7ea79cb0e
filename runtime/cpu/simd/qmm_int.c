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

/* Sixteen elements' digits of one kind, from x's element i on. Words of eight
 * nibbles are read as their even and then their odd ones, 64 of either. */
BYTES static inline void put_digits(
    const quantize_format* f, int8_t* digit, int64_t i, __m512i m) {
  __m128i bytes = _mm512_cvtepi32_epi8(m);
  if (!nibbles(f)) {
    _mm_storeu_si128((__m128i*)(digit + i), bytes);
    return;
  }
  bytes = _mm_shuffle_epi8(
      bytes,
      _mm_setr_epi8(0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15));
  int8_t* to = digit + i - i % 128 + i % 128 / 2;
  _mm_storel_epi64((__m128i*)to, bytes);
  _mm_storel_epi64((__m128i*)(to + 64), _mm_unpackhi_epi64(bytes, bytes));
}

BYTES static inline __attribute__((always_inline)) int arrange(
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
  if (wide > k) memset(to, 0, (size_t)(wide * digits));
  for (int64_t g = 0; g < k / n; g++, x += n) {
    __m512i most = _mm512_setzero_si512();
    for (int i = 0; i < n; i += 16)
      most = _mm512_max_epu32(
          most, _mm512_castps_si512(_mm512_abs_ps(vf_load(x + i))));
    const uint32_t bits = _mm512_reduce_max_epu32(most);
    if (bits >= 0x7f800000) return 1;
    /* 2^e is above all. Subnormal groups are as good as 0; their scale would
     * overflow. */
    int e = (int)(bits >> 23) - 126;
    if (e < -100) e = -100;
    float size;
    memcpy(&size, &bits, sizeof size);
    int up = digits * 8 - 1 - e;
    if (ldexpf(size, up) > limit) up--;
    const __m512 by = vf_set1(ldexpf(1, up));
    __m512i sum = _mm512_setzero_si512();
    for (int i = 0; i < n; i += 16) {
      __m512i m = _mm512_cvtps_epi32(_mm512_mul_ps(vf_load(x + i), by));
      sum = _mm512_add_epi32(sum, m);
      for (int d = digits; d-- > 0;) {
        put_digits(f, digit + d * wide, g * n + i, m);
        m = _mm512_srai_epi32(_mm512_add_epi32(m, _mm512_set1_epi32(128)), 8);
      }
    }
    scales[g] = ldexpf(1, -up);
    sums[g] = (float)_mm512_reduce_add_epi32(sum) * scales[g];
  }
  for (int i = 0; i < 16; i++) scales[k / n + i] = 0;
  return 0;
}

/* What a block of codes is multiplied with, the digits of the highest worth
 * first; nibbles have two vectors of each. */
typedef struct int_block {
  __m512i m[3][2];
  __m512i group; /* of each lane, within 16 groups */
} int_block;

static inline __attribute__((always_inline)) int_block block_at(
    const int digits, const int halves, const int8_t* m, int64_t wide) {
  int_block b;
#pragma GCC unroll 3
  for (int d = 0; d < digits; d++)
#pragma GCC unroll 2
    for (int h = 0; h < halves; h++)
      b.m[d][h] = _mm512_loadu_si512(m + d * wide + h * 64);
  return b;
}

/* The sum of products with a digit, on top of what those before left. */
BYTES static inline __attribute__((always_inline)) __m512i add_digit(
    const int halves, __m512i sum, const __m512i* codes, const __m512i* m) {
#pragma GCC unroll 2
  for (int h = 0; h < halves; h++)
    sum = _mm512_dpbusd_epi32(sum, codes[h], m[h]);
  return sum;
}

/* The products of a block, in whole numbers where those cannot overflow: three
 * digits of codes of eight bits can. */
BYTES static inline __attribute__((always_inline)) __m512 product(
    const int digits,
    const int halves,
    const bool large,
    const __m512i* codes,
    const int_block* b) {
  const __m512i zero = _mm512_setzero_si512();
  __m512i sum = add_digit(halves, zero, codes, b->m[0]);
  sum = add_digit(halves, _mm512_slli_epi32(sum, 8), codes, b->m[1]);
  if (digits == 3 && !large)
    sum = add_digit(halves, _mm512_slli_epi32(sum, 8), codes, b->m[2]);
  const __m512 x = _mm512_cvtepi32_ps(sum);
  if (digits == 2 || !large) return x;
  const __m512i low = add_digit(halves, zero, codes, b->m[2]);
  return vf_fma(x, vf_set1(256), _mm512_cvtepi32_ps(low));
}

/* How codes become bytes. Nibbles: the even, then the odd ones of each word,
 * e2m1 as twice its value, 12 up. Others: the bytes that hold eight of them go
 * to a word of their own, and each is shifted down. */
typedef struct int_codes {
  __m512i mask, words, shifts, fp4;
} int_codes;

BYTES static int_codes codes_of(int bits) {
  uint8_t words[64], shifts[64];
  for (int i = 0; i < 64; i++) {
    words[i] = (uint8_t)(i / 8 * bits + i % 8);
    shifts[i] = (uint8_t)(i % 8 * bits);
  }
  return (int_codes){
      _mm512_set1_epi8((char)((1 << bits) - 1)),
      _mm512_loadu_si512(words),
      _mm512_loadu_si512(shifts),
      _mm512_broadcast_i32x4(_mm_setr_epi8(
          12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0))};
}

/* The forms that the loops below are compiled for. */
enum int_form { NIBBLES, FP4, BYTE, LESS };

BYTES static inline __attribute__((always_inline)) void unpack(
    const enum int_form form,
    const int_codes* how,
    __mmask64 there,
    const uint8_t* at,
    __m512i* codes) {
  const __m512i w = there == ~(__mmask64)0 ? _mm512_loadu_si512(at)
                                           : _mm512_maskz_loadu_epi8(there, at);
  codes[0] = w;
  if (form == NIBBLES || form == FP4) {
    codes[0] = _mm512_and_si512(w, how->mask);
    codes[1] = _mm512_and_si512(_mm512_srli_epi16(w, 4), how->mask);
  }
  if (form == FP4) {
    codes[0] = _mm512_shuffle_epi8(how->fp4, codes[0]);
    codes[1] = _mm512_shuffle_epi8(how->fp4, codes[1]);
  }
  if (form == LESS)
    codes[0] = _mm512_and_si512(
        _mm512_multishift_epi64_epi8(
            how->shifts, _mm512_permutexvar_epi8(how->words, w)),
        how->mask);
}

BYTES static inline __attribute__((always_inline)) void dot(
    const int digits,
    const enum int_form form,
    const quantize_format* f,
    float* y,
    const uint8_t* codes,
    int64_t code_row,
    const qmm_factors* by,
    const qmm_vector* x,
    int64_t k) {
  const int halves = form == NIBBLES || form == FP4 ? 2 : 1;
  const int64_t block = 64 * halves, wide = padded(f, k),
                groups_of_row = k / f->group_size;
  const int size = f->group_size, shift = __builtin_ctz((unsigned)size);
  const int8_t* digit = (const int8_t*)x->x;
  const float *scales = x->x + wide * digits / 4, *s = by->s;
  const float* b = form == FP4 ? s : by->b;
  const int_codes how = codes_of(f->bits);
  int32_t lanes[16];
  for (int i = 0; i < 16; i++) lanes[i] = i * 4 * halves / size;
  const __m512i spread = _mm512_loadu_si512(lanes);
  __m512 sum[QMM_STREAMS], q[QMM_STREAMS], bias[QMM_STREAMS];
#pragma GCC unroll 4
  for (int r = 0; r < QMM_STREAMS; r++) sum[r] = bias[r] = vf_zero();
  /* Sixteen groups' factors are one vector. */
  for (int64_t g = 0; g < groups_of_row; g += 16) {
    const int64_t groups = groups_of_row - g < 16 ? groups_of_row - g : 16;
    const __mmask16 mine = (__mmask16)((1u << groups) - 1);
    const __m512 x_scale = vf_load(scales + g);
    const __m512 x_sum = _mm512_maskz_loadu_ps(mine, x->sums + g);
#pragma GCC unroll 4
    for (int r = 0; r < QMM_STREAMS; r++) {
      q[r] = _mm512_mul_ps(
          _mm512_maskz_loadu_ps(mine, s + r * by->step + g), x_scale);
      bias[r] = vf_fma(
          _mm512_maskz_loadu_ps(mine, b + r * by->step + g), x_sum, bias[r]);
    }
    const int64_t end = (g + groups) * size;
    for (int64_t i = g * size; i < end; i += block) {
      int_block m = block_at(digits, halves, digit + i, wide);
      m.group =
          _mm512_add_epi32(spread, _mm512_set1_epi32((int)((i >> shift) - g)));
      const int64_t bytes = (end - i) * f->bits / 8;
      const int64_t whole = block * f->bits / 8;
      const __mmask64 there =
          ~(__mmask64)0 >> (64 - (bytes < whole ? bytes : whole));
      const uint8_t* at = codes + i / 8 * f->bits;
#pragma GCC unroll 4
      for (int r = 0; r < QMM_STREAMS; r++, at += code_row) {
        __m512i c[2];
        _mm_prefetch((const char*)at + AHEAD, _MM_HINT_T0);
        unpack(form, &how, there, at, c);
        sum[r] = vf_fma(
            product(digits, halves, form == BYTE, c, &m),
            _mm512_permutexvar_ps(m.group, q[r]),
            sum[r]);
      }
    }
  }
#pragma GCC unroll 4
  for (int r = 0; r < QMM_STREAMS; r++)
    y[r] = form == FP4
               ? vf_sum(vf_fma(bias[r], vf_set1(-6), sum[r] * vf_set1(0.5f)))
               : vf_sum(sum[r] + bias[r]);
}

#define DOTS(n)                                                     \
  static int64_t arranged##n(const quantize_format* f, int64_t k) { \
    return arranged(n, f, k);                                       \
  }                                                                 \
  BYTES static int arrange##n(                                      \
      const quantize_format* f,                                     \
      float* to,                                                    \
      float* sums,                                                  \
      const float* x,                                               \
      int64_t k) {                                                  \
    return arrange(n, f, to, sums, x, k);                           \
  }                                                                 \
  BYTES static void dot##n(                                         \
      const quantize_format* f,                                     \
      float* y,                                                     \
      const uint8_t* codes,                                         \
      int64_t code_row,                                             \
      const qmm_factors* by,                                        \
      const qmm_vector* x,                                          \
      int64_t k) {                                                  \
    if (nibbles(f) && f->mode == QUANTIZE_AFFINE)                   \
      dot(n, NIBBLES, f, y, codes, code_row, by, x, k);             \
    else if (nibbles(f))                                            \
      dot(n, FP4, f, y, codes, code_row, by, x, k);                 \
    else if (f->bits == 8)                                          \
      dot(n, BYTE, f, y, codes, code_row, by, x, k);                \
    else                                                            \
      dot(n, LESS, f, y, codes, code_row, by, x, k);                \
  }                                                                 \
  const qmm_dots ISA_NAME(qmm_int##n) = {arranged##n, arrange##n, dot##n};

DOTS(2)
DOTS(3)
#else
const qmm_dots ISA_NAME(qmm_int2) = {NULL, NULL, NULL};
const qmm_dots ISA_NAME(qmm_int3) = {NULL, NULL, NULL};
#endif
