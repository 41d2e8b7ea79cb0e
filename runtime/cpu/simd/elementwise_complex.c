/* Element-wise bodies over complex64. Arithmetic is written out so that it can
 * be vectorised; functions work on lanes, and are the C library's where those
 * give up. */
#include <complex.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "cpu/elementwise.h"
#include "cpu/isa.h"
#include "cpu/simd/elementwise_pairs.h"

#define INLINE static inline __attribute__((always_inline, unused))
#define C(re, im) ((lz_complex){re, im})

INLINE float complex to_c(lz_complex a) {
  return CMPLXF(a.re, a.im);
}
INLINE lz_complex from_c(float complex z) {
  return C(crealf(z), cimagf(z));
}

INLINE int is_nan(lz_complex a) {
  return (a.re != a.re) & (a.im != a.im);
}

/* Products and quotients are computed plainly first. Where both parts came out
 * as NaN the compiler's own, which put infinities right as C's Annex G asks,
 * decide: kernels compute such elements again with `careful`. In double the
 * products are exact, so results do not depend on whether the compiler fuses
 * (GCC 12 does so to complex products, whatever it is told), and the squares
 * of a quotient do not overflow. */
INLINE lz_complex product(lz_complex a, lz_complex b, bool careful) {
  if (careful) return from_c(to_c(a) * to_c(b));
  double re = a.re, im = a.im;
  return C((float)(re * b.re - im * b.im), (float)(re * b.im + im * b.re));
}
INLINE lz_complex quotient(lz_complex a, lz_complex b, bool careful) {
  if (careful) return from_c(to_c(a) / to_c(b));
  double re = b.re, im = b.im, size = re * re + im * im;
  return C(
      (float)((a.re * re + a.im * im) / size),
      (float)((a.im * re - a.re * im) / size));
}
/* In the table's bodies; `wild` tells the kernel that this may be needed. */
#define complex_mul(a, b) (wild = true, product(a, b, careful))
#define complex_div(a, b) (wild = true, quotient(a, b, careful))

INLINE int complex_gt(lz_complex a, lz_complex b) {
  return (a.re > b.re) | ((a.re == b.re) & (a.im > b.im));
}
INLINE int complex_ge(lz_complex a, lz_complex b) {
  return (a.re > b.re) | ((a.re == b.re) & (a.im >= b.im));
}
/* hypot: an infinity outweighs a NaN. */
INLINE float complex_abs(lz_complex a) {
  double re = a.re, im = a.im;
  float r = (float)__builtin_sqrt(re * re + im * im);
  bool infinite =
      (__builtin_fabsf(a.re) == INFINITY) | (__builtin_fabsf(a.im) == INFINITY);
  return infinite ? INFINITY : r;
}
INLINE lz_complex complex_sign(lz_complex a) {
  if (a.re == 0 && a.im == 0) return a;
  return quotient(a, C(complex_abs(a), 0), true);
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
#define EW_COMPLEX_TEST(id, e) KERNEL(id, uint8_t, e)
#define EW_COMPLEX_PART(id, e) KERNEL(id, float, e)
#include "ops/elementwise.def"

/* Blocks are computed aside, since the output may be an operand; of one that
 * holds NaN those elements are computed again. */
#define ELEMENT(id, e, again)                                           \
  {                                                                     \
    bool careful = again;                                               \
    (void)careful;                                                      \
    lz_complex a = ((const lz_complex*)pa)[i + j];                      \
    lz_complex b = ARITY_##id > 1 ? ((const lz_complex*)pb)[i + j] : a; \
    (void)b;                                                            \
    r[j] = (e);                                                         \
  }
#define EW_COMPLEX(id, ulp, e)                                            \
  void ISA_NAME(ew_##id##_c64)(                                           \
      void* out, const void* pa, const void* pb, const void* pc, int n) { \
    (void)pb, (void)pc;                                                   \
    for (int i = 0; i < n; i += EW_PAD) {                                 \
      int m = n - i < EW_PAD ? n - i : EW_PAD, nans = 0;                  \
      lz_complex r[EW_PAD];                                               \
      bool wild = false;                                                  \
      for (int j = 0; j < m; j++) ELEMENT(id, e, false)                   \
      for (int j = 0; wild && j < m; j++) nans |= is_nan(r[j]);           \
      for (int j = 0; nans && j < m; j++)                                 \
        if (is_nan(r[j])) ELEMENT(id, e, true)                            \
      memcpy((lz_complex*)out + i, r, (size_t)m * sizeof *r);             \
    }                                                                     \
  }

/* Lanes first; where they gave up, those elements again. */
#define EW_COMPLEX_LANES(id, ulp, e, lanes)                               \
  void ISA_NAME(ew_##id##_c64)(                                           \
      void* out, const void* pa, const void* pb, const void* pc, int n) { \
    (void)pb, (void)pc;                                                   \
    bool wild;                                                            \
    for (int i = 0; i < n; i += WIDTH_f) {                                \
      pairs a = pairs_load((const lz_complex*)pa + i), b = a;             \
      if (ARITY_##id > 1) b = pairs_load((const lz_complex*)pb + i);      \
      mf left = {0}, *rest = &left;                                       \
      (void)b, (void)wild, (void)rest;                                    \
      pairs all = lanes;                                                  \
      lz_complex r[EW_PAD];                                               \
      if (__builtin_expect(!any_f(left), 1)) {                            \
        pairs_store((lz_complex*)out + i, all);                           \
        continue;                                                         \
      }                                                                   \
      uint8_t again[EW_PAD];                                              \
      store_mask_f(again, left);                                          \
      pairs_store(r, all);                                                \
      for (int j = 0; j < WIDTH_f; j++)                                   \
        if (again[j]) ELEMENT(id, e, true)                                \
      memcpy((lz_complex*)out + i, r, WIDTH_f * sizeof *r);               \
    }                                                                     \
  }
#include "ops/elementwise.def"
