#include "io/gguf_blocks.h"

#include <math.h>
#include <string.h>

#include "core/dtype.h"

static float half_at(const unsigned char* p) {
  uint16_t h;
  memcpy(&h, p, sizeof h);
  return dtype_f16_to_f32(h);
}

static uint32_t word_at(const unsigned char* p) {
  uint32_t w;
  memcpy(&w, p, sizeof w);
  return w;
}

/* 16 fields of the bytes, where `mask` keeps them after the shift, as weights.
 */
static inline void run_16(
    const unsigned char* restrict from,
    int shift,
    int mask,
    float scale,
    float least,
    float* restrict to) {
  for (int i = 0; i < 16; i++)
    to[i] = (float)(from[i] >> shift & mask) * scale - least;
}

/* ---- blocks of 32: weights i and i + 16 share a byte ----------------------
 */

void gguf_blocks_q5_0(const unsigned char* block, float* to) {
  float scale = half_at(block);
  uint32_t high = word_at(block + 2);
  for (int i = 0; i < 16; i++) {
    int low = block[6 + i];
    to[i] = (float)(((low & 15) | (int)(high >> i & 1) << 4) - 16) * scale;
    to[i + 16] =
        (float)((low >> 4 | (int)(high >> (i + 16) & 1) << 4) - 16) * scale;
  }
}

void gguf_blocks_q5_1(const unsigned char* block, float* to) {
  float scale = half_at(block), least = half_at(block + 2);
  uint32_t high = word_at(block + 4);
  for (int i = 0; i < 16; i++) {
    int low = block[8 + i];
    to[i] = (float)((low & 15) | (int)(high >> i & 1) << 4) * scale + least;
    to[i + 16] =
        (float)(low >> 4 | (int)(high >> (i + 16) & 1) << 4) * scale + least;
  }
}

/* Weights by what 4 bits name. */
static void named_32(
    const int8_t names[16], const unsigned char* from, float scale, float* to) {
  for (int i = 0; i < 16; i++) {
    to[i] = scale * names[from[i] & 15];
    to[i + 16] = scale * names[from[i] >> 4];
  }
}

static const int8_t iq4_names[16] = {
    -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
/* Twice the numbers of E2M1. */
static const int8_t mxfp4_names[16] = {
    0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

void gguf_blocks_iq4_nl(const unsigned char* block, float* to) {
  named_32(iq4_names, block + 2, half_at(block), to);
}

void gguf_blocks_mxfp4(const unsigned char* block, float* to) {
  named_32(mxfp4_names, block + 1, ldexpf(1, block[0] - 128), to);
}

/* ---- blocks of 256 --------------------------------------------------------
 */

/* Pair i of the eight scales and minima of 6 bits that lie in 12 bytes: of the
 * last four the upper two bits stand beside the first four. */
static void pair_at(
    const unsigned char* from, int i, uint8_t* scale, uint8_t* least) {
  if (i < 4) {
    *scale = from[i] & 63;
    *least = from[i + 4] & 63;
    return;
  }
  *scale = (uint8_t)((from[i + 4] & 15) | from[i - 4] >> 6 << 4);
  *least = (uint8_t)(from[i + 4] >> 4 | from[i] >> 6 << 4);
}

void gguf_blocks_q2_k(const unsigned char* block, float* to) {
  float scales = half_at(block + 80), minima = half_at(block + 82);
  for (int k = 0; k < 16; k++) {
    const unsigned char pair = block[k];
    const unsigned char* q = block + 16 + k / 8 * 32 + k % 2 * 16;
    float scale = scales * (float)(pair & 15);
    run_16(
        q, k % 8 / 2 * 2, 3, scale, minima * (float)(pair >> 4), to + 16 * k);
  }
}

void gguf_blocks_q3_k(const unsigned char* restrict block, float* restrict to) {
  const unsigned char* six = block + 96;
  float scales = half_at(block + 108);
  for (int k = 0; k < 16; k++) {
    int field = (k < 8 ? six[k] & 15 : six[k - 8] >> 4) |
                (six[8 + k % 4] >> (k / 4 * 2) & 3) << 4;
    const unsigned char *low = block + 32 + k / 8 * 32 + k % 2 * 16,
                        *high = block + k % 2 * 16;
    const int shift = k % 8 / 2 * 2;
    const float scale = scales * (float)(field - 32);
    for (int i = 0; i < 16; i++) {
      int q = (low[i] >> shift & 3) | (high[i] >> k / 2 & 1) << 2;
      to[16 * k + i] = scale * (float)(q - 4);
    }
  }
}

void gguf_blocks_q4_k(const unsigned char* block, float* to) {
  float scales = half_at(block), minima = half_at(block + 2);
  for (int k = 0; k < 8; k++, to += 32) {
    const unsigned char* q = block + 16 + k / 2 * 32;
    uint8_t d, m;
    pair_at(block + 4, k, &d, &m);
    float scale = d * scales, least = m * minima;
    run_16(q, k % 2 * 4, 15, scale, least, to);
    run_16(q + 16, k % 2 * 4, 15, scale, least, to + 16);
  }
}

void gguf_blocks_q5_k(const unsigned char* restrict block, float* restrict to) {
  float scales = half_at(block), minima = half_at(block + 2);
  const unsigned char* high = block + 16;
  for (int k = 0; k < 8; k++, to += 32) {
    const unsigned char* q = block + 48 + k / 2 * 32;
    uint8_t d, m;
    pair_at(block + 4, k, &d, &m);
    float scale = d * scales, least = m * minima;
    for (int i = 0; i < 32; i++)
      to[i] = (float)((q[i] >> (k % 2 * 4) & 15) | (high[i] >> k & 1) << 4) *
                  scale -
              least;
  }
}

void gguf_blocks_q6_k(const unsigned char* restrict block, float* restrict to) {
  float scales = half_at(block + 208);
  for (int k = 0; k < 16; k++) {
    const int half = k / 8, part = k % 8 / 2, at = k % 2 * 16;
    const unsigned char *low = block + 64 * half + part % 2 * 32 + at,
                        *high = block + 128 + 32 * half + at;
    const float scale = scales * (float)(int8_t)block[192 + k];
    for (int i = 0; i < 16; i++) {
      int q = (low[i] >> part / 2 * 4 & 15) | (high[i] >> part * 2 & 3) << 4;
      to[16 * k + i] = scale * (float)(q - 32);
    }
  }
}

void gguf_blocks_q8_k(const unsigned char* restrict block, float* restrict to) {
  float scale;
  memcpy(&scale, block, sizeof scale);
  for (int i = 0; i < 256; i++) to[i] = scale * (int8_t)block[4 + i];
}

void gguf_blocks_iq4_xs(const unsigned char* block, float* to) {
  float scales = half_at(block);
  int high = block[2] | block[3] << 8;
  for (int k = 0; k < 8; k++) {
    int scale = (block[4 + k / 2] >> (k % 2 * 4) & 15) | (high >> (2 * k) & 3)
                                                             << 4;
    named_32(
        iq4_names,
        block + 8 + 16 * k,
        scales * (float)(scale - 32),
        to + 32 * k);
  }
}

/* ---- what stays quantized -------------------------------------------------
 */

/* The low halves of eight bytes beside each other. */
static uint32_t nibbles_of(uint64_t x) {
  x &= 0x0F0F0F0F0F0F0F0F;
  x = (x | x >> 4) & 0x00FF00FF00FF00FF;
  x = (x | x >> 8) & 0x0000FFFF0000FFFF;
  return (uint32_t)(x | x >> 16);
}

/* Neighbours share a byte there. */
void gguf_blocks_pack_4(const unsigned char* from, unsigned char* words) {
  for (int i = 0; i < 2; i++) {
    uint64_t x;
    memcpy(&x, from + 8 * i, 8);
    uint32_t low = nibbles_of(x), high = nibbles_of(x >> 4);
    memcpy(words + 4 * i, &low, 4);
    memcpy(words + 8 + 4 * i, &high, 4);
  }
}

void gguf_blocks_pack_8(
    const unsigned char* restrict from, unsigned char* restrict words) {
  for (int i = 0; i < 32; i++) words[i] = from[i] ^ 0x80;
}
