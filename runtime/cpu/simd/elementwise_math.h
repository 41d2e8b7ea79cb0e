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
LANES vf erfinv_f(vf x) {
  vf one = set_f(1);
  vf w = -log_f((one - x) * (one + x));
  vf m = w - set_f(2.5f);
  vf p = set_f(2.81022636e-08f);
  p = fma_f(p, m, set_f(3.43273939e-07f));
  p = fma_f(p, m, set_f(-3.5233877e-06f));
  p = fma_f(p, m, set_f(-4.39150654e-06f));
  p = fma_f(p, m, set_f(0.00021858087f));
  p = fma_f(p, m, set_f(-0.00125372503f));
  p = fma_f(p, m, set_f(-0.00417768164f));
  p = fma_f(p, m, set_f(0.246640727f));
  p = fma_f(p, m, set_f(1.50140941f));
  vf t = sqrt_f(w) - set_f(3);
  vf q = set_f(-0.000200214257f);
  q = fma_f(q, t, set_f(0.000100950558f));
  q = fma_f(q, t, set_f(0.00134934322f));
  q = fma_f(q, t, set_f(-0.00367342844f));
  q = fma_f(q, t, set_f(0.00573950773f));
  q = fma_f(q, t, set_f(-0.0076224613f));
  q = fma_f(q, t, set_f(0.00943887047f));
  q = fma_f(q, t, set_f(1.00167406f));
  q = fma_f(q, t, set_f(2.83297682f));
  vf r = sel_f(lt_f(w, set_f(5)), p, q) * x;
  vf inf = x * set_f(__builtin_inff());
  return sel_f(eq_f(abs_f(x), one), inf, r);
}

/* Lowest power first. */
LANES vd polynomial_d(const double* c, int n, vd x) {
  vd r = set_d(c[n - 1]);
  for (int i = n - 2; i >= 0; i--) r = fma_d(r, x, set_d(c[i]));
  return r;
}
#define RATIO_D(up, down, x) (polynomial_d(up, 8, x) / polynomial_d(down, 8, x))

/* M. J. Wichura, "Algorithm AS 241: the percentage points of the normal
 * distribution" (1988), whose quantile at (1 + x) / 2 is sqrt(2) times this:
 * quotients of polynomials in x² for the middle and in sqrt(-log((1 - x) / 2))
 * for the tails. */
LANES vd erfinv_d(vd x) {
  static const double up0[] = {
      3.3871328727963666080e0,
      1.3314166789178437745e2,
      1.9715909503065514427e3,
      1.3731693765509461125e4,
      4.5921953931549871457e4,
      6.7265770927008700853e4,
      3.3430575583588128105e4,
      2.5090809287301226727e3};
  static const double down0[] = {
      1,
      4.2313330701600911252e1,
      6.8718700749205790830e2,
      5.3941960214247511077e3,
      2.1213794301586595867e4,
      3.9307895800092710610e4,
      2.8729085735721942674e4,
      5.2264952788528545610e3};
  static const double up1[] = {
      1.42343711074968357734e0,
      4.63033784615654529590e0,
      5.76949722146069140550e0,
      3.64784832476320460504e0,
      1.27045825245236838258e0,
      2.41780725177450611770e-1,
      2.27238449892691845833e-2,
      7.74545014278341407640e-4};
  static const double down1[] = {
      1,
      2.05319162663775882187e0,
      1.67638483018380384940e0,
      6.89767334985100004550e-1,
      1.48103976427480074590e-1,
      1.51986665636164571966e-2,
      5.47593808499534494600e-4,
      1.05075007164441684324e-9};
  static const double up2[] = {
      6.65790464350110377720e0,
      5.46378491116411436990e0,
      1.78482653991729133580e0,
      2.96560571828504891230e-1,
      2.65321895265761230930e-2,
      1.24266094738807843860e-3,
      2.71155556874348757815e-5,
      2.01033439929228813265e-7};
  static const double down2[] = {
      1,
      5.99832206555887937690e-1,
      1.36929880922735805310e-1,
      1.48753612908506148525e-2,
      7.86869131145613259100e-4,
      1.84631831751005468180e-5,
      1.42151175831644588870e-7,
      2.04426310338993978564e-15};
  vd y = abs_d(x), one = set_d(1), q = set_d(0.5) * y;
  vd m = fma_d(-q, q, set_d(0.180625)), r = q * RATIO_D(up0, down0, m);
  md tail = lt_d(set_d(0.85), y);
  if (any_d(tail)) {
    vd t = sqrt_d(-M_d(log, u10)(set_d(0.5) * (one - y)));
    vd far = RATIO_D(up1, down1, t - set_d(1.6));
    md last = lt_d(set_d(5), t);
    if (any_d(last)) far = sel_d(last, RATIO_D(up2, down2, t - set_d(5)), far);
    r = sel_d(tail, far, r);
  }
  r = copysign_d(r * set_d(0.70710678118654752440), x);
  vd inf = set_d(__builtin_inf());
  return sel_d(
      lt_d(y, one), r, sel_d(eq_d(y, one), copysign_d(inf, x), inf - inf));
}

#endif
