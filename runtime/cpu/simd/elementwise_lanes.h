/* Lanes of float and of double for element-wise bodies: one set of names over
 * three instruction sets. Suffix _f is for float, _d for double.
 *
 *   vf, vd           WIDTH_f, WIDTH_d values; + - * / work on them
 *   mf, md           masks; & | ^ work on them
 *   load_x, store_x  for x = f32, bf16, f16, f64: memory of that type as lanes,
 *                    halves rounded to nearest even on their way back
 *   store_mask_f/_d  one byte, 0 or 1, a lane
 *
 * M_f(exp, u10) and M_d(exp, u10) name SLEEF's function. It is the
 * deterministic one: its result for a lane does not depend on the other lanes,
 * so tiling never shows, and with fused multiply-add (avx2, avx512) it is the
 * same at every width.
 *
 * Included by files of cpu/simd alone. */
#ifndef CPU_SIMD_ELEMENTWISE_LANES_H
#define CPU_SIMD_ELEMENTWISE_LANES_H

#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif
#include <sleef.h>

#include "cpu/isa.h"

#define LANES static inline __attribute__((always_inline, unused))

#if defined(LZ_ISA_avx512)
#include "cpu/simd/elementwise_lanes_avx512.h"
#elif defined(LZ_ISA_avx2)
#include "cpu/simd/elementwise_lanes_avx2.h"
#else
#include "cpu/simd/elementwise_lanes_generic.h"
#endif

/* What is built from those, once for float and once for double. */
#define LANES_BUILD(S, V, M, T)                                         \
  LANES M isnan_##S(V a) {                                              \
    return ne_##S(a, a);                                                \
  }                                                                     \
  LANES V log1p_##S(V a) {                                              \
    /* SLEEF's overflows near the top of the range. */                  \
    V big = M_##S(log, u10)(a);                                         \
    V r = M_##S(log1p, u10)(a);                                         \
    return sel_##S(lt_##S(set_##S((T)1e16), a), big, r);                \
  }                                                                     \
  /* The remainder of a truncated division as that of a floored one. */ \
  LANES V floored_##S(V r, V b) {                                       \
    M wrong = lt_##S(r, set_##S(0)) ^ lt_##S(b, set_##S(0));            \
    return sel_##S(wrong & ne_##S(r, set_##S(0)), r + b, r);            \
  }                                                                     \
  LANES V sigmoid_##S(V a) {                                            \
    V e = M_##S(exp, u10)(-abs_##S(a));                                 \
    V one = set_##S(1);                                                 \
    return sel_##S(lt_##S(a, set_##S(0)), e, one) / (one + e);          \
  }                                                                     \
  LANES V logaddexp_##S(V a, V b) {                                     \
    V hi = sel_##S(isnan_##S(a), a, max_##S(a, b));                     \
    V lo = sel_##S(isnan_##S(a), a, min_##S(a, b));                     \
    V inf = set_##S((T)__builtin_inf());                                \
    M end = eq_##S(lo, -inf) | eq_##S(hi, inf);                         \
    V sum = hi + M_##S(log1p, u10)(M_##S(exp, u10)(lo - hi));           \
    return sel_##S(end, hi, sum);                                       \
  }

LANES_BUILD(f, vf, mf, float)
LANES_BUILD(d, vd, md, double)

#endif
