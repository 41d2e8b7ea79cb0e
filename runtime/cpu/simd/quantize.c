/* Codes to and from packed bits, and what they stand for. */
#include "cpu/quantize.h"

#include <math.h>
#include <string.h>

#include "cpu/isa.h"
#include "cpu/simd/gemm_vec.h"

static inline uint64_t bytes_load(const uint8_t* p, int n) {
  uint64_t v = 0;
  memcpy(&v, p, (size_t)n);
  return v;
}

/* Eight codes in `bits` bytes to eight bytes, and back. */
static inline uint64_t spread(uint64_t word, int bits) {
#if defined(LZ_ISA_avx2) || defined(LZ_ISA_avx512)
  return _pdep_u64(word, 0x0101010101010101u * ((1u << bits) - 1));
#else
  const uint64_t mask = (1u << bits) - 1;
  uint64_t out = 0;
  for (int i = 0; i < 8; i++) out |= (word >> (i * bits) & mask) << (8 * i);
  return out;
#endif
}

static inline uint64_t gather(uint64_t bytes, int bits) {
#if defined(LZ_ISA_avx2) || defined(LZ_ISA_avx512)
  return _pext_u64(bytes, 0x0101010101010101u * ((1u << bits) - 1));
#else
  const uint64_t mask = (1u << bits) - 1;
  uint64_t out = 0;
  for (int i = 0; i < 8; i++) out |= (bytes >> (8 * i) & mask) << (i * bits);
  return out;
#endif
}

static void unpack(uint8_t* codes, const uint8_t* packed, int bits, int64_t n) {
  if (bits == 8) {
    memcpy(codes, packed, (size_t)n);
    return;
  }
  int64_t i = 0;
  /* Whole words while they end inside the n codes. */
  for (; (n - i) * bits >= 64; i += 8, packed += bits) {
    uint64_t out = spread(bytes_load(packed, 8), bits);
    memcpy(codes + i, &out, 8);
  }
  for (; i < n; i += 8, packed += bits) {
    uint64_t word = 0;
    for (int b = 0; b < bits; b++) word |= (uint64_t)packed[b] << (8 * b);
    const uint64_t out = spread(word, bits);
    memcpy(codes + i, &out, 8);
  }
}

static void pack(uint8_t* packed, const uint8_t* codes, int bits, int64_t n) {
  for (int64_t i = 0; i < n; i += 8, packed += bits) {
    uint64_t out = gather(bytes_load(codes + i, 8), bits);
    memcpy(packed, &out, (size_t)bits);
  }
}

/* Two codes a byte, each through a table of sixteen. */
static void decode_nibbles(
    float* restrict values,
    const uint8_t* packed,
    int64_t n,
    const float* lut) {
#if defined(LZ_ISA_avx512)
  const __m512 table = _mm512_loadu_ps(lut);
  for (; n >= 16; n -= 16, packed += 8, values += 16) {
    __m128i b = _mm_loadl_epi64((const __m128i*)packed);
    /* A lane's index is its low four bits. */
    __m128i two = _mm_unpacklo_epi8(b, _mm_srli_epi16(b, 4));
    _mm512_storeu_ps(
        values, _mm512_permutexvar_ps(_mm512_cvtepu8_epi32(two), table));
  }
#elif defined(LZ_ISA_avx2)
  const __m256 low = _mm256_loadu_ps(lut), high = _mm256_loadu_ps(lut + 8);
  const __m256i shifts = _mm256_setr_epi32(0, 4, 8, 12, 16, 20, 24, 28);
  for (; n >= 8; n -= 8, packed += 4, values += 8) {
    int32_t word;
    memcpy(&word, packed, 4);
    /* A lane's index is its low three bits, and which table the next one. */
    const __m256i at = _mm256_srlv_epi32(_mm256_set1_epi32(word), shifts);
    _mm256_storeu_ps(
        values,
        _mm256_blendv_ps(
            _mm256_permutevar8x32_ps(low, at),
            _mm256_permutevar8x32_ps(high, at),
            _mm256_castsi256_ps(_mm256_slli_epi32(at, 28))));
  }
#endif
  for (int64_t i = 0; i < n; i += 2) {
    values[i] = lut[packed[i / 2] & 15];
    values[i + 1] = lut[packed[i / 2] >> 4];
  }
}

#define BLOCK 256

static void decode_affine(
    float* restrict values, const uint8_t* packed, int bits, int64_t n) {
  static const float lut[16] = {
      0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  uint8_t codes[BLOCK];
  if (bits == 4) {
    decode_nibbles(values, packed, n, lut);
    return;
  }
  for (int64_t i = 0; i < n; i += BLOCK) {
    const int64_t m = n - i < BLOCK ? n - i : BLOCK;
    const uint8_t* at = packed + i / 8 * bits;
    if (bits != 8) {
      unpack(codes, at, bits, m);
      at = codes;
    }
    for (int64_t j = 0; j < m; j++) values[i + j] = at[j];
  }
}

static void decode_fp4(
    float* restrict values, const uint8_t* packed, int bits, int64_t n) {
  static const float lut[16] = {
      0, .5f, 1, 1.5f, 2, 3, 4, 6, -0.f, -.5f, -1, -1.5f, -2, -3, -4, -6};
  (void)bits;
  decode_nibbles(values, packed, n, lut);
}

static void decode_fp8(
    float* restrict values, const uint8_t* packed, int bits, int64_t n) {
  (void)bits;
#if defined(LZ_ISA_avx512)
  for (; n >= 16; n -= 16, packed += 16, values += 16) {
    __m256i b = _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i*)packed));
    __m256i sign = _mm256_and_si256(
        _mm256_slli_epi16(b, 8), _mm256_set1_epi16((short)0x8000));
    __m256i rest =
        _mm256_and_si256(_mm256_slli_epi16(b, 7), _mm256_set1_epi16(0x3f80));
    __m512 half = _mm512_cvtph_ps(_mm256_or_si256(sign, rest));
    _mm512_storeu_ps(values, _mm512_mul_ps(half, _mm512_set1_ps(256)));
  }
#endif
  for (int64_t i = 0; i < n; i++) {
    /* Halves have one exponent bit more, eight higher. */
    const uint16_t half =
        (uint16_t)((packed[i] & 128) << 8 | (packed[i] & 127) << 7);
    values[i] = f32_of_f16(&half) * 256;
  }
}

static void scales_e8m0(
    float* restrict values, const uint8_t* codes, int bits, int64_t n) {
  (void)bits;
  for (int64_t i = 0; i < n; i++) {
    const uint32_t c = codes[i], word = c ? c << 23 : (uint32_t)1 << 22;
    memcpy(&values[i], &word, sizeof word);
  }
}

/* Comparisons are written so that a NaN loses each. */
static void affine(
    uint8_t* codes,
    const float* w,
    int n,
    int bits,
    float* scale,
    float* bias) {
  const float bins = (float)((1 << bits) - 1);
  float low = INFINITY, high = -INFINITY;
  for (int i = 0; i < n; i++) {
    low = w[i] < low ? w[i] : low;
    high = w[i] > high ? w[i] : high;
  }
  const bool down = fabsf(low) > fabsf(high);
  float s = (high - low) / bins;
  s = s < 1e-7f ? 1e-7f : s;
  s = down ? s : -s;
  const float edge = down ? low : high;
  const float q0 = rintf(edge / s);
  float b = 0;
  if (q0 != 0) {
    s = edge / q0;
    b = edge;
  }
  for (int i = 0; i < n; i++) {
    float q = rintf((w[i] - b) / s);
    q = q > 0 ? q : 0;
    q = q < bins ? q : bins;
    codes[i] = (uint8_t)(int)q;
  }
  *scale = s;
  *bias = b;
}

/* As quantize_to_fp8 says, without a branch. Adding and taking away 1.5 * 2^23
 * rounds to nearest, ties to even. */
static void to_fp8(
    uint8_t* restrict codes, const float* restrict x, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    uint32_t bits, small;
    memcpy(&bits, &x[i], 4);
    const uint32_t sign = bits >> 24 & 0x80;
    bits &= 0x7fffffff;
    const float steps = fabsf(x[i]) * 512 + 12582912.0f;
    memcpy(&small, &steps, 4);
    uint32_t code = ((bits + 0x7ffff + (bits >> 20 & 1)) >> 20) - (120 << 3);
    code = bits < 0x3c800000 ? small & 0xff : code;
    code = bits >= 0x43e00000 ? 0x7e : code;
    codes[i] = (uint8_t)(sign | code);
  }
}

/* Magnitudes are ordered as their bits are, NaN last. */
static float largest(const float* x, int64_t n) {
  uint32_t most = 0;
  for (int64_t i = 0; i < n; i++) {
    uint32_t bits;
    memcpy(&bits, &x[i], 4);
    bits &= 0x7fffffff;
    most = bits > most ? bits : most;
  }
  float found;
  memcpy(&found, &most, 4);
  return found;
}

static void times(float* x, int64_t n, float by) {
  for (int64_t i = 0; i < n; i++) x[i] *= by;
}

static void plus(float* x, int64_t n, float by) {
  for (int64_t i = 0; i < n; i++) x[i] += by;
}

static void over(float* x, int64_t n, float by) {
  for (int64_t i = 0; i < n; i++) x[i] /= by;
}

extern const quantize_table ISA_NAME(quantize_table);
const quantize_table ISA_NAME(quantize_table) = {
    .unpack = unpack,
    .pack = pack,
    .decode =
        {[QUANTIZE_AFFINE] = decode_affine,
         [QUANTIZE_MXFP4] = decode_fp4,
         [QUANTIZE_NVFP4] = decode_fp4,
         [QUANTIZE_MXFP8] = decode_fp8},
    .scales =
        {[QUANTIZE_MXFP4] = scales_e8m0,
         [QUANTIZE_MXFP8] = scales_e8m0,
         [QUANTIZE_NVFP4] = decode_fp8},
    .affine = affine,
    .to_fp8 = to_fp8,
    .largest = largest,
    .times = times,
    .plus = plus,
    .over = over};
