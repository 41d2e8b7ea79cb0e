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
typedef int32_t vi __attribute__((vector_size(sizeof(vf))));
typedef uint32_t vu __attribute__((vector_size(sizeof(vf))));

LANES vd exp_d(vd x) {
  return M_d(exp, u10)(x);
}

/* 2^n * exp(r) with |r| <= ln(2) / 2: shorter than SLEEF's, and small enough to
 * stand within tanh and the like. ln(2) is taken away in two parts, of which
 * n times the first is exact. The coefficients are a minimax fit made for this
 * file. */
LANES vf exp_f(vf x) {
  x = min_f(set_f(89), max_f(set_f(-105), x));
  vf n = rint_f(x * set_f(1.44269504f));
  vf r = fma_f(n, set_f(-0.693359375f), x);
  r = fma_f(n, set_f(2.12194440e-4f), r);
  vf q = set_f(0.0013811662146289393f);
  q = fma_f(q, r, set_f(0.008370134824024749f));
  q = fma_f(q, r, set_f(0.041668528278974694f));
  q = fma_f(q, r, set_f(0.1666650871683239f));
  q = fma_f(q, r, set_f(0.499999926295484f));
  return scale_f(fma_f(r * r, q, r) + set_f(1), n);
}

LANES vd log_d(vd x) {
  return M_d(log, u10)(x);
}

/* x = 2^e * (1 + f) with 1 + f between the roots of 1/2 and 2; then e * ln(2)
 * and a polynomial in f, smallest terms first. */
LANES vf log_f(vf x) {
  mf tiny = lt_f(x, set_f(0x1p-126f));
  vf y = sel_f(tiny, x * set_f(0x1p23f), x);
  vu bits = (vu)y - 0x3f3504f3; /* wraps for 0 and below, see the end */
  vf e = __builtin_convertvector((vi)bits >> 23, vf);
  e = e - sel_f(tiny, set_f(23), set_f(0));
  vf f = (vf)((bits & 0x7fffff) + 0x3f3504f3) - set_f(1);
  vf z = f * f;
  vf q = set_f(-0.07634384001199868f);
  q = fma_f(q, f, set_f(0.12765426378432787f));
  q = fma_f(q, f, set_f(-0.13162004865747995f));
  q = fma_f(q, f, set_f(0.14201368906356338f));
  q = fma_f(q, f, set_f(-0.16623144415978103f));
  q = fma_f(q, f, set_f(0.20001235863980726f));
  q = fma_f(q, f, set_f(-0.25000826769659096f));
  q = fma_f(q, f, set_f(0.3333333168213538f));
  q = q * z * f;
  q = fma_f(e, set_f(-2.12194440e-4f), q);
  q = fma_f(z, set_f(-0.5f), q) + f;
  q = fma_f(e, set_f(0.693359375f), q);
  vf inf = set_f(__builtin_inff());
  vf end = sel_f(
      eq_f(x, set_f(0)),
      -inf,
      sel_f(lt_f(x, set_f(0)), set_f(__builtin_nanf("")), x));
  return sel_f(lt_f(set_f(0), x) & lt_f(x, inf), q, end);
}

#if defined(LZ_ISA_avx2) || defined(LZ_ISA_avx512)
/* |a| - q |b| is exact when fused. The quotient is too large by one where it
 * was rounded up to an integer. What is too large for this, or not finite, is
 * left to the C library, a lane at a time. */
#define LANES_FMOD(S, V, M, T, C_FMOD, large)                                  \
  LANES V fmod_##S(V a, V b) {                                                 \
    V x = abs_##S(a), y = abs_##S(b), inf = set_##S((T)__builtin_inf());       \
    V q = trunc_##S(x / y);                                                    \
    V r = fma_##S(-q, y, x);                                                   \
    r = sel_##S(lt_##S(r, set_##S(0)), r + y, r);                              \
    r = copysign_##S(r, a);                                                    \
    M rest = le_##S(set_##S((T)large), q) | ne_##S(q, q) | le_##S(inf, y);     \
    if (__builtin_expect(any_##S(rest), 0))                                    \
      for (int i = 0; i < WIDTH_##S; i++)                                      \
        if (!(q[i] < (T)large) || !(y[i] < inf[i])) r[i] = C_FMOD(a[i], b[i]); \
    return r;                                                                  \
  }
LANES_FMOD(f, vf, mf, float, __builtin_fmodf, 0x1p23)
LANES_FMOD(d, vd, md, double, __builtin_fmod, 0x1p52)
#endif

/* log(1 + x) for x from 0 to 1: the log of the rounded sum, and what the
 * rounding took. */
LANES vf log1p_unit_f(vf x) {
  vf u = set_f(1) + x;
  return log_f(u) + ratio_f(x - (u - set_f(1)), u);
}
LANES vd log1p_unit_d(vd x) {
  return M_d(log1p, u10)(x);
}

#define LANES_BUILD(S, V, M, T)                                             \
  LANES M isnan_##S(V a) {                                                  \
    return ne_##S(a, a);                                                    \
  }                                                                         \
  /* SLEEF's overflows a little below the top of the range. */              \
  LANES V log1p_##S(V a) {                                                  \
    V r = M_##S(log1p, u10)(a);                                             \
    M big = lt_##S(set_##S(sizeof(T) == 4 ? (T)1e38 : (T)1e307), a);        \
    if (__builtin_expect(any_##S(big), 0)) r = sel_##S(big, log_##S(a), r); \
    return r;                                                               \
  }                                                                         \
  /* The remainder of a truncated division as that of a floored one. */     \
  LANES V floored_##S(V r, V b) {                                           \
    M wrong = lt_##S(r, set_##S(0)) ^ lt_##S(b, set_##S(0));                \
    return sel_##S(wrong & ne_##S(r, set_##S(0)), r + b, r);                \
  }                                                                         \
  LANES V sigmoid_##S(V a) {                                                \
    V e = exp_##S(-abs_##S(a));                                             \
    V one = set_##S(1);                                                     \
    return ratio_##S(sel_##S(lt_##S(a, set_##S(0)), e, one), one + e);      \
  }                                                                         \
  LANES V logaddexp_##S(V a, V b) {                                         \
    V hi = sel_##S(isnan_##S(a), a, max_##S(a, b));                         \
    V lo = sel_##S(isnan_##S(a), a, min_##S(a, b));                         \
    V inf = set_##S((T)__builtin_inf());                                    \
    M end = eq_##S(lo, -inf) | eq_##S(hi, inf);                             \
    V sum = hi + log1p_unit_##S(exp_##S(lo - hi));                          \
    return sel_##S(end, hi, sum);                                           \
  }

LANES_BUILD(f, vf, mf, float)
LANES_BUILD(d, vd, md, double)

#endif
