#include "reference.h"

#include <math.h>

/* Each line of the tables below is a function of a and b. */
#define REAL(id, e)                                            \
  static long double real_##id(long double a, long double b) { \
    (void)a, (void)b;                                          \
    return e;                                                  \
  }
#define SINT(id, e)                                          \
  static int64_t sint_##id(int64_t a, int64_t b, int bits) { \
    (void)a, (void)b, (void)bits;                            \
    return (int64_t)(e);                                     \
  }
#define UINT(id, e)                                             \
  static uint64_t uint_##id(uint64_t a, uint64_t b, int bits) { \
    (void)a, (void)b, (void)bits;                               \
    return (uint64_t)(e);                                       \
  }
#define BOTH(id, e) SINT(id, e) UINT(id, e)
#define BOOLEAN(id, e)                    \
  static int boolean_##id(int a, int b) { \
    (void)a, (void)b;                     \
    return e;                             \
  }
#define COMPLEX(id, e)                                                  \
  static double complex pair_##id(double complex a, double complex b) { \
    (void)a, (void)b;                                                   \
    return e;                                                           \
  }

static long double floored(long double a, long double b) {
  long double r = fmodl(a, b);
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}
static long double larger(long double a, long double b) {
  return isnan(a) || a > b ? a : b;
}
static long double smaller(long double a, long double b) {
  return isnan(a) || a < b ? a : b;
}
static long double logaddexp(long double a, long double b) {
  if (isnan(a) || isnan(b)) return NAN;
  long double hi = larger(a, b), lo = smaller(a, b);
  if (lo == -INFINITY || hi == INFINITY) return hi;
  return hi + log1pl(expl(lo - hi));
}
/* Newton's steps from both ends: erfc where erf has no digits left. */
static long double erfinv(long double x) {
  long double y = fabsl(x);
  if (isnan(x) || y > 1) return NAN;
  if (y == 1) return copysignl(INFINITY, x);
  long double w = -logl((1 - y) * (1 + y)), r = sqrtl(w);
  if (y < 0.5L) r = y * 0.886226925452758L;
  for (int i = 0; i < 60; i++) {
    long double f = y < 0.5L ? erfl(r) - y : (1 - y) - erfcl(r);
    r -= f / (1.1283791670955125739L * expl(-r * r));
  }
  return y == 0 ? x : copysignl(r, x);
}
static int64_t shift_of(uint64_t b, int bits) {
  return (int64_t)(b & (bits == 64 ? 63u : 31u));
}
static uint64_t integer_power(uint64_t a, uint64_t b) {
  uint64_t r = 1;
  for (int i = 63; i >= 0; i--) {
    r *= r;
    if (b >> i & 1) r *= a;
  }
  return r;
}
static int64_t quotient(int64_t a, int64_t b) {
  if (b == 0) return 0;
  return b == -1 ? (int64_t)(0 - (uint64_t)a) : a / b;
}
static int64_t modulus(int64_t a, int64_t b) {
  return b == 0 || b == -1 ? 0 : a % b;
}
static int64_t floored_int(int64_t a, int64_t b) {
  int64_t r = modulus(a, b);
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}
static bool greater(double complex a, double complex b) {
  if (creal(a) != creal(b)) return creal(a) > creal(b);
  return cimag(a) > cimag(b);
}
static double complex logaddexp_complex(double complex a, double complex b) {
  double complex hi = greater(a, b) ? a : b, lo = greater(b, a) ? a : b;
  return hi + clog(1 + cexp(lo - hi));
}

#define SHARED                                                             \
  ALL(ADD, a + b, (uint64_t)a + (uint64_t)b, a | b, a + b)                 \
  ALL(SUBTRACT, a - b, (uint64_t)a - (uint64_t)b, a != b, a - b)           \
  ALL(MULTIPLY, a* b, (uint64_t)a*(uint64_t)b, a& b, a* b)                 \
  ALL(MAXIMUM, larger(a, b), a > b ? a : b, a | b, greater(a, b) ? a : b)  \
  ALL(MINIMUM, smaller(a, b), a < b ? a : b, a & b, greater(b, a) ? a : b) \
  ALL(EQUAL, a == b, a == b, a == b, a == b)                               \
  ALL(NOT_EQUAL, a != b, a != b, a != b, a != b)                           \
  ALL(GREATER, a > b, a > b, a > b, greater(a, b))                         \
  ALL(GREATER_EQUAL, a >= b, a >= b, a >= b, !greater(b, a))               \
  ALL(LESS, a < b, a < b, a < b, greater(b, a))                            \
  ALL(LESS_EQUAL, a <= b, a <= b, a <= b, !greater(a, b))                  \
  ALL(SQUARE, a* a, (uint64_t)a*(uint64_t)a, a, a* a)
#define FUNCTIONS                              \
  ANALYTIC(SQRT, sqrtl(a), csqrt(a))           \
  ANALYTIC(RSQRT, 1 / sqrtl(a), 1 / csqrt(a))  \
  ANALYTIC(EXP, expl(a), cexp(a))              \
  ANALYTIC(LOG, logl(a), clog(a))              \
  ANALYTIC(LOG2, log2l(a), clog(a) / M_LN2)    \
  ANALYTIC(LOG10, log10l(a), clog(a) / M_LN10) \
  ANALYTIC(LOG1P, log1pl(a), clog(1 + a))      \
  ANALYTIC(SIN, sinl(a), csin(a))              \
  ANALYTIC(COS, cosl(a), ccos(a))              \
  ANALYTIC(TAN, tanl(a), ctan(a))              \
  ANALYTIC(ARCSIN, asinl(a), casin(a))         \
  ANALYTIC(ARCCOS, acosl(a), cacos(a))         \
  ANALYTIC(ARCTAN, atanl(a), catan(a))         \
  ANALYTIC(SINH, sinhl(a), csinh(a))           \
  ANALYTIC(COSH, coshl(a), ccosh(a))           \
  ANALYTIC(TANH, tanhl(a), ctanh(a))           \
  ANALYTIC(ARCSINH, asinhl(a), casinh(a))      \
  ANALYTIC(ARCCOSH, acoshl(a), cacosh(a))      \
  ANALYTIC(ARCTANH, atanhl(a), catanh(a))      \
  ANALYTIC(LOGADDEXP, logaddexp(a, b), logaddexp_complex(a, b))

#define ALL(id, real, integer, boolean, pair) \
  REAL(id, real) BOTH(id, integer) BOOLEAN(id, boolean) COMPLEX(id, pair)
#define ANALYTIC(id, real, pair) REAL(id, real) COMPLEX(id, pair)
SHARED
FUNCTIONS
#undef ALL
#undef ANALYTIC

REAL(DIVIDE, a / b)
SINT(DIVIDE, quotient(a, b))
UINT(DIVIDE, b ? a / b : 0)
BOOLEAN(DIVIDE, a)
COMPLEX(DIVIDE, a / b)
REAL(REMAINDER, floored(a, b))
SINT(REMAINDER, floored_int(a, b))
UINT(REMAINDER, b ? a % b : 0)
BOOLEAN(REMAINDER, 0)
REAL(DIVMOD_QUOTIENT, truncl(a / b))
REAL(DIVMOD_REMAINDER, fmodl(a, b))
SINT(DIVMOD_REMAINDER, modulus(a, b))
REAL(POWER, powl(a, b))
SINT(POWER, b < 0 ? 0 : integer_power((uint64_t)a, (uint64_t)b))
UINT(POWER, integer_power(a, b))
BOOLEAN(POWER, a || !b)
COMPLEX(POWER, cpow(a, b))
REAL(ARCTAN2, atan2l(a, b))
REAL(NAN_EQUAL, a == b || (isnan(a) && isnan(b)))
COMPLEX(NAN_EQUAL, a == b || (isnan(creal(a)) && isnan(creal(b))))
BOOLEAN(AND, a&& b)
BOOLEAN(OR, a || b)
BOOLEAN(NOT, !a)
BOOLEAN(XOR, a ^ b)
BOOLEAN(SAME, a)
BOTH(AND, a& b)
BOTH(OR, a | b)
BOTH(XOR, a ^ b)
BOTH(LEFT_SHIFT, (uint64_t)a << shift_of((uint64_t)b, bits))
BOTH(RIGHT_SHIFT, a >> shift_of((uint64_t)b, bits))
BOTH(INVERT, ~a)
BOTH(SAME, a)
REAL(ABS, fabsl(a))
SINT(ABS, a < 0 ? 0 - (uint64_t)a : (uint64_t)a)
COMPLEX(ABS, cabs(a))
REAL(NEGATIVE, -a)
BOTH(NEGATIVE, 0 - (uint64_t)a)
COMPLEX(NEGATIVE, -a)
REAL(SIGN, (a > 0) - (a < 0))
SINT(SIGN, (a > 0) - (a < 0))
UINT(SIGN, a > 0)
COMPLEX(SIGN, a == 0 ? 0 : a / cabs(a))
REAL(CEIL, ceill(a))
REAL(FLOOR, floorl(a))
REAL(ROUND, rintl(a))
COMPLEX(ROUND, CMPLX(rint(creal(a)), rint(cimag(a))))
REAL(EXPM1, expm1l(a))
REAL(SIGMOID, a < 0 ? expl(a) / (1 + expl(a)) : 1 / (1 + expl(-a)))
REAL(ERF, erfl(a))
REAL(ERFINV, erfinv(a))
COMPLEX(REAL, creal(a))
COMPLEX(IMAG, cimag(a))
COMPLEX(CONJUGATE, conj(a))

static const reference references[EW_COUNT] = {
#define ALL(id, real, integer, boolean, pair) \
  [EW_##id] = {real_##id, sint_##id, uint_##id, boolean_##id, pair_##id},
#define ANALYTIC(id, r, c) [EW_##id] = {.real = real_##id, .pair = pair_##id},
    SHARED FUNCTIONS[EW_DIVIDE] =
        {real_DIVIDE, sint_DIVIDE, uint_DIVIDE, boolean_DIVIDE, pair_DIVIDE},
    [EW_REMAINDER] =
        {real_REMAINDER,
         sint_REMAINDER,
         uint_REMAINDER,
         boolean_REMAINDER,
         NULL},
    [EW_DIVMOD_QUOTIENT] =
        {real_DIVMOD_QUOTIENT, sint_DIVIDE, uint_DIVIDE, boolean_DIVIDE, NULL},
    [EW_DIVMOD_REMAINDER] =
        {real_DIVMOD_REMAINDER,
         sint_DIVMOD_REMAINDER,
         uint_REMAINDER,
         boolean_REMAINDER,
         NULL},
    [EW_POWER] =
        {real_POWER, sint_POWER, uint_POWER, boolean_POWER, pair_POWER},
    [EW_ARCTAN2] = {.real = real_ARCTAN2},
    [EW_NAN_EQUAL] = {.real = real_NAN_EQUAL, .pair = pair_NAN_EQUAL},
    [EW_LOGICAL_AND] = {.boolean = boolean_AND},
    [EW_LOGICAL_OR] = {.boolean = boolean_OR},
    [EW_LOGICAL_NOT] = {.boolean = boolean_NOT},
    [EW_BITWISE_AND] = {NULL, sint_AND, uint_AND, boolean_AND, NULL},
    [EW_BITWISE_OR] = {NULL, sint_OR, uint_OR, boolean_OR, NULL},
    [EW_BITWISE_XOR] = {NULL, sint_XOR, uint_XOR, boolean_XOR, NULL},
    [EW_LEFT_SHIFT] = {NULL, sint_LEFT_SHIFT, uint_LEFT_SHIFT, NULL, NULL},
    [EW_RIGHT_SHIFT] = {NULL, sint_RIGHT_SHIFT, uint_RIGHT_SHIFT, NULL, NULL},
    [EW_BITWISE_INVERT] = {NULL, sint_INVERT, uint_INVERT, NULL, NULL},
    [EW_ABS] = {real_ABS, sint_ABS, uint_SAME, boolean_SAME, pair_ABS},
    [EW_NEGATIVE] =
        {real_NEGATIVE, sint_NEGATIVE, uint_NEGATIVE, NULL, pair_NEGATIVE},
    [EW_SIGN] = {real_SIGN, sint_SIGN, uint_SIGN, boolean_SAME, pair_SIGN},
    [EW_CEIL] = {real_CEIL, sint_SAME, uint_SAME, boolean_SAME, NULL},
    [EW_FLOOR] = {real_FLOOR, sint_SAME, uint_SAME, boolean_SAME, NULL},
    [EW_ROUND] = {real_ROUND, sint_SAME, uint_SAME, boolean_SAME, pair_ROUND},
    [EW_EXPM1] = {.real = real_EXPM1},
    [EW_SIGMOID] = {.real = real_SIGMOID},
    [EW_ERF] = {.real = real_ERF},
    [EW_ERFINV] = {.real = real_ERFINV},
    [EW_REAL] = {.pair = pair_REAL},
    [EW_IMAG] = {.pair = pair_IMAG},
    [EW_CONJUGATE] = {.pair = pair_CONJUGATE},
};

const reference* reference_of(ew_op op) {
  return &references[op];
}
