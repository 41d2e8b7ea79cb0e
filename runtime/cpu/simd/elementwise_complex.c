/* Element-wise bodies over complex64. Arithmetic is written out so that it can
 * be vectorised; functions are the C library's. */
#include <complex.h>
#include <math.h>

#include "cpu/elementwise.h"
#include "cpu/isa.h"

#define INLINE static inline __attribute__((always_inline, unused))
#define C(re, im) ((lz_complex){re, im})

INLINE float complex to_c(lz_complex a) {
  return CMPLXF(a.re, a.im);
}
INLINE lz_complex from_c(float complex z) {
  return C(crealf(z), cimagf(z));
}

/* The compiler's own product and quotient put infinities right as C's Annex G
 * asks; they are needed only where both parts came out as NaN. */
INLINE lz_complex complex_mul(lz_complex a, lz_complex b) {
  lz_complex r = C(a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re);
  if (__builtin_expect(r.re != r.re && r.im != r.im, 0))
    return from_c(to_c(a) * to_c(b));
  return r;
}
INLINE lz_complex complex_div(lz_complex a, lz_complex b) {
  return from_c(to_c(a) / to_c(b));
}

INLINE int complex_gt(lz_complex a, lz_complex b) {
  return (a.re > b.re) | ((a.re == b.re) & (a.im > b.im));
}
INLINE int complex_ge(lz_complex a, lz_complex b) {
  return (a.re > b.re) | ((a.re == b.re) & (a.im >= b.im));
}
INLINE float complex_abs(lz_complex a) {
  return hypotf(a.re, a.im);
}
INLINE lz_complex complex_sign(lz_complex a) {
  if (a.re == 0 && a.im == 0) return a;
  return complex_div(a, C(complex_abs(a), 0));
}

#define LIBRARY(name)                              \
  INLINE lz_complex complex_##name(lz_complex a) { \
    return from_c(c##name##f(to_c(a)));            \
  }
LIBRARY(sqrt)
LIBRARY(exp)
LIBRARY(log)
LIBRARY(sin)
LIBRARY(cos)
LIBRARY(tan)
LIBRARY(asin)
LIBRARY(acos)
LIBRARY(atan)
LIBRARY(sinh)
LIBRARY(cosh)
LIBRARY(tanh)
LIBRARY(asinh)
LIBRARY(acosh)
LIBRARY(atanh)

INLINE lz_complex complex_pow(lz_complex a, lz_complex b) {
  return from_c(cpowf(to_c(a), to_c(b)));
}
INLINE lz_complex complex_log2(lz_complex a) {
  lz_complex r = complex_log(a);
  return C(r.re / (float)M_LN2, r.im / (float)M_LN2);
}
INLINE lz_complex complex_log10(lz_complex a) {
  lz_complex r = complex_log(a);
  return C(r.re / (float)M_LN10, r.im / (float)M_LN10);
}
/* Near 0 by the size of |1 + a|² - 1, which keeps what log would lose. */
INLINE lz_complex complex_log1p(lz_complex a) {
  float angle = atan2f(a.im, a.re + 1);
  if (complex_abs(a) < 0.5f) {
    float r = a.re * (2 + a.re) + a.im * a.im;
    return C(r == 0 ? a.re : 0.5f * log1pf(r), angle);
  }
  return C(logf(hypotf(a.re + 1, a.im)), angle);
}
INLINE lz_complex complex_logaddexp(lz_complex a, lz_complex b) {
  lz_complex hi = a.re != a.re || complex_gt(a, b) ? a : b;
  lz_complex lo = a.re != a.re || complex_gt(b, a) ? a : b;
  if ((lo.re == -INFINITY && lo.im == 0) || (hi.re == INFINITY && hi.im == 0))
    return hi;
  lz_complex r = complex_log1p(complex_exp(C(lo.re - hi.re, lo.im - hi.im)));
  return C(hi.re + r.re, hi.im + r.im);
}

enum {
#define EW_OP(id, name, arity, rule, cost, glsl) ARITY_##id = arity,
#include "ops/elementwise.def"
};

#define KERNEL(id, OUT, e)                                                \
  void ISA_NAME(ew_##id##_c64)(                                           \
      void* out, const void* pa, const void* pb, const void* pc, int n) { \
    (void)pb, (void)pc;                                                   \
    _Pragma("GCC ivdep") for (int i = 0; i < n; i++) {                    \
      lz_complex a = ((const lz_complex*)pa)[i];                          \
      lz_complex b = ARITY_##id > 1 ? ((const lz_complex*)pb)[i] : a;     \
      (void)b;                                                            \
      ((OUT*)out)[i] = (e);                                               \
    }                                                                     \
  }
#define EW_COMPLEX(id, ulp, e) KERNEL(id, lz_complex, e)
#define EW_COMPLEX_TEST(id, e) KERNEL(id, uint8_t, e)
#define EW_COMPLEX_PART(id, e) KERNEL(id, float, e)
#include "ops/elementwise.def"
