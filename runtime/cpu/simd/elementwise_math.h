/* Functions that SLEEF lacks, or has only in forms slower than memory, over
 * lanes of float and double. */
#ifndef CPU_SIMD_ELEMENTWISE_MATH_H
#define CPU_SIMD_ELEMENTWISE_MATH_H

#include "cpu/simd/elementwise_lanes.h"

LANES vd tanh_d(vd x) {
  return M_d(tanh, u10)(x);
}
LANES vd erf_d(vd x) {
  return M_d(erf, u10)(x);
}

/* Near 0 an odd polynomial, further out 1 - 2 / (exp(2|x|) + 1), which loses
 * nothing there. The coefficients, here and below, are minimax fits made for
 * this file; x + x * (small) keeps their last bit from the result. */
LANES vf tanh_f(vf x) {
  /* From 10 on it is 1. */
  vf y = min_f(set_f(10), abs_f(x)), z = x * x;
  vf p = set_f(-0.006282472907905053f);
  p = fma_f(p, z, set_f(0.021077758098029586f));
  p = fma_f(p, z, set_f(-0.053853857891835055f));
  p = fma_f(p, z, set_f(0.1333260168542909f));
  p = fma_f(p, z, set_f(-0.3333331804571066f));
  vf near = fma_f(x * z, p, x);
  vf one = set_f(1);
  vf far = one - ratio_f(set_f(2), exp_f(y + y) + one);
  return sel_f(lt_f(y, set_f(0.55f)), near, copysign_f(far, x));
}

/* Below 1 a polynomial for erf(x) / x - 1 in x², from there on 1 - exp(p(x)):
 * erfc needs few digits where it is subtracted from 1. */
LANES vf erf_f(vf x) {
  vf y = abs_f(x), z = x * x;
  vf p = set_f(7.853860980744795e-05f);
  p = fma_f(p, z, set_f(-0.0008010193512518534f));
  p = fma_f(p, z, set_f(0.005188327672913477f));
  p = fma_f(p, z, set_f(-0.02685381192854323f));
  p = fma_f(p, z, set_f(0.11283585148452138f));
  p = fma_f(p, z, set_f(-0.37612625824218726f));
  p = fma_f(p, z, set_f(0.1283791657267097f));
  vf near = fma_f(x, p, x);
  vf t = sel_f(lt_f(set_f(4), y), set_f(4), y);
  vf q = set_f(0.0001863792560121399f);
  q = fma_f(q, t, set_f(-0.0029476589163156736f));
  q = fma_f(q, t, set_f(0.02183806639031606f));
  q = fma_f(q, t, set_f(-0.10310675938517144f));
  q = fma_f(q, t, set_f(-0.6381448274635125f));
  q = fma_f(q, t, set_f(-1.1270891932395f));
  q = fma_f(q, t, set_f(-0.0003415222958503897f));
  vf far = set_f(1) - exp_f(q);
  return sel_f(lt_f(y, set_f(1)), near, copysign_f(far, x));
}

/* Where SLEEF's functions overflow too early. */
#define LANES_LARGE(S, V, M, T, large, top)                                   \
  LANES V rarely_##S(M there, V r, V (*f)(V), V x) {                          \
    if (__builtin_expect(any_##S(there), 0)) r = sel_##S(there, f(x), r);     \
    return r;                                                                 \
  }                                                                           \
  LANES V log_of_twice_##S(V y) {                                             \
    return log_##S(y) + set_##S((T)0.6931471805599453);                       \
  }                                                                           \
  LANES V half_of_exp_##S(V y) {                                              \
    V h = exp_##S(y * set_##S((T)0.5));                                       \
    return h * set_##S((T)0.5) * h;                                           \
  }                                                                           \
  LANES V asinh_##S(V x) {                                                    \
    V y = abs_##S(x), r = M_##S(asinh, u10)(x);                               \
    M big = lt_##S(set_##S((T)large), y);                                     \
    return copysign_##S(rarely_##S(big, abs_##S(r), log_of_twice_##S, y), x); \
  }                                                                           \
  LANES V acosh_##S(V x) {                                                    \
    V r = M_##S(acosh, u10)(x);                                               \
    return rarely_##S(lt_##S(set_##S((T)large), x), r, log_of_twice_##S, x);  \
  }                                                                           \
  LANES V sinh_##S(V x) {                                                     \
    V y = abs_##S(x), r = M_##S(sinh, u10)(x);                                \
    M big = lt_##S(set_##S((T)top), y);                                       \
    return copysign_##S(rarely_##S(big, abs_##S(r), half_of_exp_##S, y), x);  \
  }                                                                           \
  LANES V cosh_##S(V x) {                                                     \
    V y = abs_##S(x), r = M_##S(cosh, u10)(x);                                \
    return rarely_##S(lt_##S(set_##S((T)top), y), r, half_of_exp_##S, y);     \
  }
LANES_LARGE(f, vf, mf, float, 1e9, 88)
LANES_LARGE(d, vd, md, double, 1e18, 709)

/* The powers that people write by hand, without the general function where no
 * lane needs it. What a lane gets does not depend on the others. */
#define LANES_POW(S, V, M)                                                  \
  LANES V pow_##S(V a, V b) {                                               \
    V zero = set_##S(0), one = set_##S(1), two = set_##S(2);                \
    M square = eq_##S(b, two), cube = eq_##S(b, set_##S(3));                \
    M same = eq_##S(b, one), half = eq_##S(b, set_##S(0.5));                \
    half = half & lt_##S(zero, a);                                          \
    V r = sel_##S(same, a, a * sel_##S(cube, a * a, a));                    \
    if (any_##S(half)) r = sel_##S(half, sqrt_##S(a), r);                   \
    M rest = ne_##S(sel_##S(square | cube | same | half, zero, one), zero); \
    if (any_##S(rest)) r = sel_##S(rest, M_##S(pow, u10)(a, b), r);         \
    return r;                                                               \
  }
LANES_POW(f, vf, mf)
LANES_POW(d, vd, md)

/* Mike Giles, "Approximating the erfinv function" (2010): polynomials in
 * w = -log(1 - x²) for the middle and in sqrt(w) for the tails. */
#define ERFINV_START(S, V, M)                        \
  LANES V erfinv_start_##S(V x) {                    \
    V one = set_##S(1);                              \
    V w = -log_##S((one - x) * (one + x));           \
    V m = w - set_##S(2.5);                          \
    V p = set_##S(2.81022636e-08);                   \
    p = fma_##S(p, m, set_##S(3.43273939e-07));      \
    p = fma_##S(p, m, set_##S(-3.5233877e-06));      \
    p = fma_##S(p, m, set_##S(-4.39150654e-06));     \
    p = fma_##S(p, m, set_##S(0.00021858087));       \
    p = fma_##S(p, m, set_##S(-0.00125372503));      \
    p = fma_##S(p, m, set_##S(-0.00417768164));      \
    p = fma_##S(p, m, set_##S(0.246640727));         \
    p = fma_##S(p, m, set_##S(1.50140941));          \
    V t = sqrt_##S(w) - set_##S(3);                  \
    V q = set_##S(-0.000200214257);                  \
    q = fma_##S(q, t, set_##S(0.000100950558));      \
    q = fma_##S(q, t, set_##S(0.00134934322));       \
    q = fma_##S(q, t, set_##S(-0.00367342844));      \
    q = fma_##S(q, t, set_##S(0.00573950773));       \
    q = fma_##S(q, t, set_##S(-0.0076224613));       \
    q = fma_##S(q, t, set_##S(0.00943887047));       \
    q = fma_##S(q, t, set_##S(1.00167406));          \
    q = fma_##S(q, t, set_##S(2.83297682));          \
    V r = sel_##S(lt_##S(w, set_##S(5)), p, q) * x;  \
    V inf = x * set_##S((float)__builtin_inf());     \
    return sel_##S(eq_##S(abs_##S(x), one), inf, r); \
  }
ERFINV_START(f, vf, mf)
ERFINV_START(d, vd, md)

LANES vf erfinv_f(vf x) {
  return erfinv_start_f(x);
}

/* Halley's steps on erfc, in whose tail erf's own value would be lost. */
LANES vd erfinv_d(vd x) {
  vd one = set_d(1), y = abs_d(x);
  vd w = -M_d(log, u10)((one - y) * (one + y));
  /* Beyond the range of the float polynomials: the tail's first terms. */
  vd far = sqrt_d(w - set_d(0.5) * M_d(log, u10)(set_d(3.14159265358979) * w));
  vd r = sel_d(lt_d(set_d(15), w), far, erfinv_start_d(y));
  for (int i = 0; i < 3; i++) {
    vd middle = M_d(erf, u10)(r) - y;
    vd tail = (one - y) - M_d(erfc, u15)(r);
    vd error = sel_d(lt_d(y, set_d(0.5)), middle, tail);
    vd slope = set_d(1.1283791670955126) * M_d(exp, u10)(-(r * r));
    vd step = error / slope;
    r = r - step / (one + r * step);
  }
  vd inf = set_d(__builtin_inf());
  r = sel_d(eq_d(y, one), inf, r);
  return sel_d(lt_d(x, set_d(0)), -r, sel_d(eq_d(x, set_d(0)), x, r));
}

#endif
