/* Matrices of float16 as sums of two of bfloat16, multiplied by the machine's
 * tiles.
 *
 * Of a float16's eleven bits bfloat16 holds the first eight and, as a number
 * of its own, what is left; the exponent fits with room. So x = high + low,
 * and a product is four, each exact in the float that it is added to: what is
 * rounded are the sums, as in any other kernel.
 *
 * Tiles are 16 rows of 16 words; a word is two k beside each other. A panel
 * holds, for each 32 k, its 32 lanes in four tiles: high and high, low and low.
 * Rows are lanes in a's tiles, and words of k in b's. */
#include "cpu/simd/gemm_split.h"

#include <string.h>

#include "cpu/simd/gemm_vec.h"

#if defined(LZ_ISA_avx512)
#define TILES __attribute__((target("amx-tile,amx-bf16,avx512bf16,avx512vbmi")))
#define TILE 1024 /* bytes */

typedef struct tile_config {
  uint8_t palette, start, reserved[14];
  uint16_t bytes[16];
  uint8_t rows[16];
} tile_config;

TILES void GEMM_SPLIT_ENTER(void) {
  static const tile_config config __attribute__((aligned(64))) = {
      .palette = 1,
      .bytes = {64, 64, 64, 64, 64, 64, 64, 64},
      .rows = {16, 16, 16, 16, 16, 16, 16, 16}};
  _tile_loadconfig(&config);
}

TILES void GEMM_SPLIT_LEAVE(void) {
  _tile_release();
}

TILES void GEMM_SPLIT_KERNEL(
    int64_t kn,
    const void* a_,
    const void* b_,
    void* tile,
    int64_t ld,
    bool add) {
  const char *a = a_, *b = b_;
  char *top = tile, *low = top + 16 * ld * 4;
  if (add) {
    _tile_loadd(0, top, ld * 4);
    _tile_loadd(1, top + 64, ld * 4);
    _tile_loadd(2, low, ld * 4);
    _tile_loadd(3, low + 64, ld * 4);
  } else {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
  }
#define PRODUCTS(a0, a1, b0, b1) \
  _tile_dpbf16ps(0, a0, b0);     \
  _tile_dpbf16ps(1, a0, b1);     \
  _tile_dpbf16ps(2, a1, b0);     \
  _tile_dpbf16ps(3, a1, b1)
#define LOAD(to, from, which)               \
  _tile_loadd(to, from + (which)*TILE, 64); \
  _tile_loadd(to + 1, from + (which + 1) * TILE, 64)
  for (int64_t k = 0; k < kn; k += 32, a += 4 * TILE, b += 4 * TILE) {
    _tile_loadd(4, a, 64);
    _tile_loadd(5, a + TILE, 64);
    _tile_loadd(6, b + 2 * TILE, 64);
    _tile_loadd(7, b + 3 * TILE, 64);
    PRODUCTS(4, 5, 6, 7);
    _tile_loadd(6, b, 64);
    _tile_loadd(7, b + TILE, 64);
    PRODUCTS(4, 5, 6, 7);
    _tile_loadd(4, a + 2 * TILE, 64);
    _tile_loadd(5, a + 3 * TILE, 64);
    PRODUCTS(4, 5, 6, 7);
    _tile_loadd(6, b + 2 * TILE, 64);
    _tile_loadd(7, b + 3 * TILE, 64);
    PRODUCTS(4, 5, 6, 7);
  }
  _tile_stored(0, top, ld * 4);
  _tile_stored(1, top + 64, ld * 4);
  _tile_stored(2, low, ld * 4);
  _tile_stored(3, low + 64, ld * 4);
}

/* Words of sixteen lanes and sixteen pairs of k; a row is a lane's or a
 * pair's. */
typedef struct split_words {
  __m512 high[16], low[16];
} split_words;

static inline __m512 wide(__m256i bfloats) {
  return _mm512_castsi512_ps(
      _mm512_slli_epi32(_mm512_cvtepu16_epi32(bfloats), 16));
}

/* 32 of float16 as two times 32 of bfloat16. */
TILES static inline __attribute__((always_inline)) void split_row(
    split_words* w, int row, __m512i halves) {
  const __m512 a = _mm512_cvtph_ps(_mm512_castsi512_si256(halves));
  const __m512 b = _mm512_cvtph_ps(_mm512_extracti64x4_epi64(halves, 1));
  const __m512i high = (__m512i)_mm512_cvtne2ps_pbh(b, a);
  const __m512i low = (__m512i)_mm512_cvtne2ps_pbh(
      b - wide(_mm512_extracti64x4_epi64(high, 1)),
      a - wide(_mm512_castsi512_si256(high)));
  w->high[row] = _mm512_castsi512_ps(high);
  w->low[row] = _mm512_castsi512_ps(low);
}

/* Whether one of 32 float16 is infinite or no number. */
TILES static inline __mmask32 beyond(__m512i halves) {
  const __m512i exponent = _mm512_set1_epi16(0x7c00);
  return _mm512_cmpeq_epi16_mask(_mm512_and_si512(halves, exponent), exponent);
}

static inline __mmask32 first32(int64_t n) {
  return n >= 32 ? 0xffffffff : (__mmask32)((1u << n) - 1);
}

/* Lanes whose 32 k lie beside each other. Nonzero: one is not finite. */
TILES static inline __attribute__((always_inline)) __mmask32 split_lanes(
    split_words* w,
    int lanes,
    int64_t kn,
    const uint16_t* src,
    int64_t lane_stride) {
  __mmask32 bad = 0;
#pragma GCC unroll 2
  for (int i = 0; i < 16; i++) {
    const __m512i halves =
        i < lanes ? _mm512_maskz_loadu_epi16(first32(kn), src + i * lane_stride)
                  : _mm512_setzero_si512();
    bad |= beyond(halves);
    split_row(w, i, halves);
  }
  return bad;
}

/* Sixteen lanes beside each other, `k_stride` from k to k. */
TILES static inline __attribute__((always_inline)) __mmask32 split_pairs(
    split_words* w,
    int lanes,
    int64_t kn,
    const uint16_t* src,
    int64_t k_stride) {
  const __mmask16 mask = (__mmask16)((1u << (lanes < 16 ? lanes : 16)) - 1);
  __mmask32 bad = 0;
#pragma GCC unroll 2
  for (int i = 0; i < 16; i++) {
    const uint16_t* at = src + 2 * i * k_stride;
    const __m256i none = _mm256_setzero_si256();
    const __m256i even = 2 * i < kn ? _mm256_maskz_loadu_epi16(mask, at) : none;
    const __m256i odd =
        2 * i + 1 < kn ? _mm256_maskz_loadu_epi16(mask, at + k_stride) : none;
    const __m512i halves = _mm512_or_si512(
        _mm512_cvtepu16_epi32(even),
        _mm512_slli_epi32(_mm512_cvtepu16_epi32(odd), 16));
    bad |= beyond(halves);
    split_row(w, i, halves);
  }
  return bad;
}

TILES static inline __attribute__((always_inline)) int split(
    const bool lanes_are_rows,
    void* panel,
    int lanes,
    int64_t kn,
    const void* src_,
    int64_t lane_stride,
    int64_t k_stride) {
  char* to = panel;
  __mmask32 bad = 0;
  for (int64_t k = 0; k < kn; k += 32, to += 4 * TILE)
    for (int l = 0; l < 32; l += 16) {
      const uint16_t* src =
          (const uint16_t*)src_ + l * lane_stride + k * k_stride;
      const int there = lanes - l;
      const int64_t run = kn - k < 32 ? kn - k : 32;
      bool as_lanes = true;
      split_words w;
      if (there <= 0) {
        memset(&w, 0, sizeof w);
        as_lanes = lanes_are_rows;
      } else if (k_stride == 1) {
        bad |= split_lanes(&w, there, run, src, lane_stride);
      } else if (lane_stride == 1) {
        bad |= split_pairs(&w, there, run, src, k_stride);
        as_lanes = false;
      } else {
        uint16_t taken[16 * 32];
        for (int i = 0; i < there && i < 16; i++)
          for (int64_t j = 0; j < run; j++)
            taken[i * 32 + j] = src[i * lane_stride + j * k_stride];
        bad |= split_lanes(&w, there, run, taken, 32);
      }
      if (as_lanes != lanes_are_rows) {
        vf_transpose(w.high);
        vf_transpose(w.low);
      }
      memcpy(to + l / 16 * TILE, w.high, TILE);
      memcpy(to + (2 + l / 16) * TILE, w.low, TILE);
    }
  return bad != 0;
}

TILES int GEMM_SPLIT_A(
    void* panel,
    int lanes,
    int64_t kn,
    const void* src,
    int64_t lane_stride,
    int64_t k_stride) {
  return split(true, panel, lanes, kn, src, lane_stride, k_stride);
}

TILES int GEMM_SPLIT_B(
    void* panel,
    int lanes,
    int64_t kn,
    const void* src,
    int64_t lane_stride,
    int64_t k_stride) {
  return split(false, panel, lanes, kn, src, lane_stride, k_stride);
}
#endif
