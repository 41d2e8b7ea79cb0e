/* Complex numbers as lanes of their parts, for the table's functions.
 *
 * Functions compute what is ordinary, within the table's bounds relative to the
 * magnitude of the result. Lanes in which an operand is no number or infinite,
 * or so large or small that a step might overflow or lose its digits, are added
 * to *rest: for those the caller asks the C library, which knows C's Annex G.
 *
 * Included by files of cpu/simd alone. */
#ifndef CPU_SIMD_ELEMENTWISE_PAIRS_H
#define CPU_SIMD_ELEMENTWISE_PAIRS_H

#include "core/dtype.h"
#include "cpu/simd/elementwise_lanes.h"
#include "cpu/simd/elementwise_math.h"

typedef struct pairs {
  vf re, im;
} pairs;

#define PAIRS(re, im) ((pairs){re, im})

#if defined(LZ_ISA_avx512)
#define PAIRS_EACH(_, at)                                               \
  _(at, 0), _(at, 1), _(at, 2), _(at, 3), _(at, 4), _(at, 5), _(at, 6), \
      _(at, 7), _(at, 8), _(at, 9), _(at, 10), _(at, 11), _(at, 12),    \
      _(at, 13), _(at, 14), _(at, 15)
#elif defined(LZ_ISA_avx2)
#define PAIRS_EACH(_, at) \
  _(at, 0), _(at, 1), _(at, 2), _(at, 3), _(at, 4), _(at, 5), _(at, 6), _(at, 7)
#else
#define PAIRS_EACH(_, at) _(at, 0), _(at, 1), _(at, 2), _(at, 3)
#endif
#define PAIRS_EVERY_OTHER(first, i) (first) + 2 * (i)
#define PAIRS_IN_TURN(first, i) \
  (first) / 2 * WIDTH_f / 2 + (i) / 2 + ((i)&1) * WIDTH_f

LANES pairs pairs_load(const lz_complex* p) {
  vf a = load_f32((const float*)p), b = load_f32((const float*)p + WIDTH_f);
  return PAIRS(
      __builtin_shufflevector(a, b, PAIRS_EACH(PAIRS_EVERY_OTHER, 0)),
      __builtin_shufflevector(a, b, PAIRS_EACH(PAIRS_EVERY_OTHER, 1)));
}
LANES void pairs_store(lz_complex* p, pairs a) {
  store_f32(
      (float*)p,
      __builtin_shufflevector(a.re, a.im, PAIRS_EACH(PAIRS_IN_TURN, 0)));
  store_f32(
      (float*)p + WIDTH_f,
      __builtin_shufflevector(a.re, a.im, PAIRS_EACH(PAIRS_IN_TURN, 2)));
}

/* Lanes whose value is `limit` or more, or none. */
LANES mf pairs_beyond(vf x, float limit) {
  return le_f(set_f(limit), x) | ne_f(x, x);
}
LANES vf pairs_sum(pairs a) {
  return abs_f(a.re) + abs_f(a.im);
}
/* Squares of the larger part stay in range, and what the smaller part's square
 * loses does not matter. */
LANES mf pairs_far(pairs a) {
  vf sum = pairs_sum(a);
  return pairs_beyond(sum, 0x1p60f) | lt_f(sum, set_f(0x1p-50f));
}

LANES pairs pairs_scaled(pairs a, float by) {
  return PAIRS(a.re * set_f(by), a.im * set_f(by));
}

/* sin and cos of x as a pair. */
LANES pairs pairs_sincos(vf x) {
  __auto_type r = M_f(sincos, u10)(x);
  return PAIRS(r.x, r.y);
}
/* sinh and cosh of x, |x| < 85. */
LANES pairs pairs_sinhcosh(vf x) {
  vf half = set_f(0.5f), m = M_f(expm1, u10)(abs_f(x)), e = m + set_f(1);
  vf back = set_f(1) / e;
  return PAIRS(copysign_f(half * fma_f(m, back, m), x), half * (e + back));
}

LANES pairs pairs_exp(pairs a, mf* rest) {
  pairs t = pairs_sincos(a.im);
  vf e = exp_f(a.re), inf = set_f(__builtin_inff());
  *rest |= pairs_beyond(a.re, 85) | pairs_beyond(abs_f(a.im), 0x1p120f) |
           eq_f(a.re, -inf);
  return PAIRS(e * t.im, e * t.re);
}

LANES pairs pairs_sinh(pairs a, mf* rest) {
  pairs t = pairs_sincos(a.im), h = pairs_sinhcosh(a.re);
  *rest |= pairs_beyond(abs_f(a.re), 85) | pairs_beyond(abs_f(a.im), 0x1p120f);
  return PAIRS(h.re * t.im, h.im * t.re);
}
LANES pairs pairs_cosh(pairs a, mf* rest) {
  pairs t = pairs_sincos(a.im), h = pairs_sinhcosh(a.re);
  *rest |= pairs_beyond(abs_f(a.re), 85) | pairs_beyond(abs_f(a.im), 0x1p120f);
  return PAIRS(h.im * t.im, h.re * t.re);
}
/* (sinh cosh + i sin cos) / (sinh² + cos²), of the real and the imaginary
 * part: nothing cancels. */
LANES pairs pairs_tanh(pairs a, mf* rest) {
  pairs t = pairs_sincos(a.im), h = pairs_sinhcosh(a.re);
  vf by = set_f(1) / fma_f(h.re, h.re, t.im * t.im);
  *rest |= pairs_beyond(abs_f(a.re), 40) | pairs_beyond(abs_f(a.im), 0x1p120f);
  return PAIRS(h.re * h.im * by, t.re * t.im * by);
}
/* f(z) = -i g(i z) for sin and sinh, tan and tanh; cos z = cosh(i z). */
LANES pairs pairs_turned(pairs a) {
  return PAIRS(-a.im, a.re);
}
LANES pairs pairs_back(pairs a) {
  return PAIRS(a.im, -a.re);
}
LANES pairs pairs_sin(pairs a, mf* rest) {
  return pairs_back(pairs_sinh(pairs_turned(a), rest));
}
LANES pairs pairs_cos(pairs a, mf* rest) {
  return pairs_cosh(pairs_turned(a), rest);
}
LANES pairs pairs_tan(pairs a, mf* rest) {
  return pairs_back(pairs_tanh(pairs_turned(a), rest));
}

/* The larger part from the size, the smaller one from the larger. */
LANES pairs pairs_sqrt(pairs a, mf* rest) {
  vf x = abs_f(a.re), half = set_f(0.5f);
  vf size = sqrt_f(fma_f(a.re, a.re, a.im * a.im));
  vf large = sqrt_f((size + x) * half), small = half * a.im / large;
  mf left = lt_f(a.re, set_f(0)), none = eq_f(x, -abs_f(a.im));
  small = sel_f(none, a.im, small);
  *rest |= pairs_far(a) & ne_f(x, -abs_f(a.im));
  return PAIRS(
      sel_f(left, abs_f(small), large),
      sel_f(left, copysign_f(large, a.im), small));
}
LANES pairs pairs_rsqrt(pairs a, mf* rest) {
  pairs r = pairs_sqrt(a, rest);
  vf by = set_f(1) / fma_f(r.re, r.re, r.im * r.im);
  *rest |= eq_f(pairs_sum(a), set_f(0));
  return PAIRS(r.re * by, (set_f(0) - r.im) * by);
}

/* Half the log of 1 + t where `near`, of the square s where not. */
LANES vf pairs_log_size(mf near, vf t, vf s) {
  vf one = set_f(1), u = sel_f(near, one + t, s);
  vf lost = sel_f(near, t - (u - one), set_f(0));
  return set_f(0.5f) * (log_f(u) + lost / u);
}
/* Near the unit circle by the square less 1, which keeps what the log would
 * lose. */
LANES pairs pairs_log(pairs a, mf* rest) {
  vf x = abs_f(a.re), y = abs_f(a.im), one = set_f(1);
  vf hi = max_f(x, y), low = min_f(x, y), low2 = low * low;
  vf s = fma_f(hi, hi, low2), t = fma_f(hi - one, hi + one, low2);
  mf near = lt_f(set_f(0.5f), s) & lt_f(s, set_f(3));
  *rest |= pairs_far(a);
  return PAIRS(pairs_log_size(near, t, s), M_f(atan2, u10)(a.im, a.re));
}
/* As complex_log1p. */
LANES pairs pairs_log1p(pairs a, mf* rest) {
  vf right = a.re + set_f(1), y2 = a.im * a.im;
  vf t = fma_f(a.re, set_f(2) + a.re, y2), s = fma_f(right, right, y2);
  mf near = lt_f(fma_f(a.re, a.re, y2), set_f(0.25f));
  vf size = pairs_log_size(near, t, s);
  size = sel_f(near & eq_f(t, set_f(0)), a.re, size);
  *rest |= pairs_beyond(pairs_sum(a), 0x1p60f) | lt_f(s, set_f(0x1p-100f));
  return PAIRS(size, M_f(atan2, u10)(a.im, right));
}

LANES mf pairs_gt(pairs a, pairs b) {
  return lt_f(b.re, a.re) | (eq_f(a.re, b.re) & lt_f(b.im, a.im));
}
LANES pairs pairs_sel(mf m, pairs a, pairs b) {
  return PAIRS(sel_f(m, a.re, b.re), sel_f(m, a.im, b.im));
}
/* As the reals': what is no number in the first operand stays. */
LANES pairs pairs_max(pairs a, pairs b) {
  return pairs_sel(pairs_gt(a, b) | ne_f(a.re, a.re), a, b);
}
LANES pairs pairs_min(pairs a, pairs b) {
  return pairs_sel(pairs_gt(b, a) | ne_f(a.re, a.re), a, b);
}
LANES pairs pairs_logaddexp(pairs a, pairs b, mf* rest) {
  pairs hi = pairs_max(a, b), lo = pairs_min(a, b);
  pairs d = PAIRS(lo.re - hi.re, lo.im - hi.im);
  *rest |= pairs_beyond(pairs_sum(a) + pairs_sum(b), 0x1p100f);
  pairs r = pairs_log1p(pairs_exp(d, rest), rest);
  return PAIRS(hi.re + r.re, hi.im + r.im);
}

/* Half the log of |1 + z| / |1 - z|, and half the angle between them. */
LANES pairs pairs_atanh(pairs a, mf* rest) {
  vf x = abs_f(a.re), one = set_f(1), y2 = a.im * a.im, left = one - x;
  vf s = fma_f(left, left, y2);
  vf size = M_f(log1p, u10)(set_f(4) * x / s);
  vf angle = M_f(atan2, u10)(a.im + a.im, fma_f(left, one + x, -y2));
  *rest |= pairs_beyond(pairs_sum(a), 0x1p60f) | lt_f(s, set_f(0x1p-100f));
  return PAIRS(copysign_f(size * set_f(0.25f), a.re), angle * set_f(0.5f));
}
LANES pairs pairs_atan(pairs a, mf* rest) {
  return pairs_back(pairs_atanh(pairs_turned(a), rest));
}

/* T. E. Hull et al., "Implementing the complex arcsine and arccosine functions
 * using exception handling" (1997), with sums of positive terms throughout: m
 * is half the sum of the distances from 1 and -1.
 *   im     log(m + sqrt(m² - 1)), the size of the imaginary part of both
 *   along  |re|, across  sqrt(m² - re²): sides of the angle's triangle */
typedef struct pairs_arc {
  vf im, along, across;
} pairs_arc;

LANES pairs_arc pairs_arc_of(pairs a, mf* rest) {
  vf x = abs_f(a.re), one = set_f(1), half = set_f(0.5f), y2 = a.im * a.im;
  vf right = x + one, left = x - one;
  vf from = y2 / (sqrt_f(fma_f(right, right, y2)) + right);
  vf s = sqrt_f(fma_f(left, left, y2)) + abs_f(left);
  vf other = sel_f(lt_f(set_f(0), s), y2 / s, s);
  mf inside = lt_f(x, one);
  vf over = half * (from + sel_f(inside, other, s));  /* m - 1 */
  vf under = half * (from + sel_f(inside, s, other)); /* m - |re| */
  vf m = one + over;
  *rest |= pairs_beyond(x + abs_f(a.im), 0x1p60f) |
           lt_f(abs_f(left) + abs_f(a.im), set_f(0x1p-50f));
  return (pairs_arc){
      M_f(log1p, u10)(over + sqrt_f(over * (m + one))),
      x,
      sqrt_f((m + x) * under)};
}
LANES pairs pairs_asin(pairs a, mf* rest) {
  pairs_arc arc = pairs_arc_of(a, rest);
  mf tiny = lt_f(pairs_sum(a), set_f(0x1p-12f)); /* its own arcsine */
  vf angle = M_f(atan2, u10)(arc.along, arc.across);
  return PAIRS(
      copysign_f(sel_f(tiny, arc.along, angle), a.re),
      copysign_f(sel_f(tiny, abs_f(a.im), arc.im), a.im));
}
LANES pairs pairs_asinh(pairs a, mf* rest) {
  return pairs_back(pairs_asin(pairs_turned(a), rest));
}
LANES pairs pairs_acos(pairs a, mf* rest) {
  pairs_arc arc = pairs_arc_of(a, rest);
  return PAIRS(M_f(atan2, u10)(arc.across, a.re), copysign_f(arc.im, -a.im));
}
LANES pairs pairs_acosh(pairs a, mf* rest) {
  pairs r = pairs_acos(a, rest);
  return PAIRS(abs_f(r.im), copysign_f(r.re, a.im));
}

/* exp(b log(a)) in double: what is small before exp is large after. */
typedef float pairs_half __attribute__((vector_size(sizeof(vd) / 2)));

LANES vd pairs_wide(const float* p) {
  pairs_half h;
  memcpy(&h, p, sizeof h);
  return __builtin_convertvector(h, vd);
}
LANES void pairs_narrow(float* p, vd x) {
  pairs_half h = __builtin_convertvector(x, pairs_half);
  memcpy(p, &h, sizeof h);
}
LANES pairs pairs_pow(pairs a, pairs b, mf* rest) {
  float in[4][WIDTH_f], out[2][WIDTH_f], size[WIDTH_f];
  store_f32(in[0], a.re);
  store_f32(in[1], a.im);
  store_f32(in[2], b.re);
  store_f32(in[3], b.im);
  for (int i = 0; i < WIDTH_f; i += WIDTH_d) {
    vd x = pairs_wide(in[0] + i), y = pairs_wide(in[1] + i);
    vd p = pairs_wide(in[2] + i), q = pairs_wide(in[3] + i);
    vd l = set_d(0.5) * M_d(log, u35)(fma_d(x, x, y * y));
    vd angle = M_d(atan2, u35)(y, x);
    vd w = p * l - q * angle, turn = p * angle + q * l;
    vd e = M_d(exp, u10)(w);
    __auto_type t = M_d(sincos, u35)(turn);
    pairs_narrow(out[0] + i, e * t.y);
    pairs_narrow(out[1] + i, e * t.x);
    pairs_narrow(size + i, abs_d(w) + abs_d(turn));
  }
  *rest |= pairs_beyond(load_f32(size), 85) |
           pairs_beyond(pairs_sum(b), 0x1p100f) | pairs_far(a);
  return PAIRS(load_f32(out[0]), load_f32(out[1]));
}

#endif
