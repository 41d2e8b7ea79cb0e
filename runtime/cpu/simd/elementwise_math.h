/* Functions that SLEEF lacks, over lanes of float and double. */
#ifndef CPU_SIMD_ELEMENTWISE_MATH_H
#define CPU_SIMD_ELEMENTWISE_MATH_H

#include "cpu/simd/elementwise_lanes.h"

/* Mike Giles, "Approximating the erfinv function" (2010): polynomials in
 * w = -log(1 - x²) for the middle and in sqrt(w) for the tails. */
#define ERFINV_START(S, V, M)                        \
  LANES V erfinv_start_##S(V x) {                    \
    V one = set_##S(1);                              \
    V w = -M_##S(log, u10)((one - x) * (one + x));   \
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
