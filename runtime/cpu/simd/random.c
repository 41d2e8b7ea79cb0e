#include "cpu/simd/random.h"

/* Threefry-2x32-20 (Salmon et al. 2011). Twenty rounds are unrolled by hand of
 * the macro so that the loop over counters is the one that is vectorised. */
#define ROTL(x, r) ((x) << (r) | (x) >> (32 - (r)))
#define ROUND(r) \
  a += b;        \
  b = ROTL(b, r) ^ a;
#define FOUR(r0, r1, r2, r3, ka, kb, i) \
  ROUND(r0)                             \
  ROUND(r1)                             \
  ROUND(r2)                             \
  ROUND(r3)                             \
  a += ka;                              \
  b += kb + i;

static void pairs(
    uint32_t k0,
    uint32_t k1,
    uint32_t c0,
    uint32_t c1,
    int64_t n,
    uint32_t* restrict first,
    uint32_t* restrict second) {
  uint32_t k2 = k0 ^ k1 ^ 0x1bd11bdau;
  for (int64_t i = 0; i < n; i++) {
    uint32_t a = c0 + (uint32_t)i + k0, b = c1 + (uint32_t)i + k1;
    FOUR(13, 15, 26, 6, k1, k2, 1)
    FOUR(17, 29, 16, 24, k2, k0, 2)
    FOUR(13, 15, 26, 6, k0, k1, 3)
    FOUR(17, 29, 16, 24, k1, k2, 4)
    FOUR(13, 15, 26, 6, k2, k0, 5)
    first[i] = a;
    second[i] = b;
  }
}

const random_pairs ISA_NAME(random_pairs_fn) = pairs;
