/* Every kernel of the table against its reference, on random values, on random
 * bits and on all pairs of the values where functions break. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arrays.h"
#include "reference.h"

enum { N = 2048 };

/* Operands and result of one call, with room for what kernels touch beyond. */
static _Alignas(64) uint8_t a[(N + EW_PAD) * 8], b[(N + EW_PAD) * 8],
    c[(N + EW_PAD) * 8], out[(N + EW_PAD) * 8];

/* ---- precision of the float types ---- */
typedef struct precision {
  int digits, lowest; /* bits of the mantissa; exponent of the least normal */
  long double most;
} precision;

static precision precision_of(lz_dtype d) {
  switch (d) {
    case DTYPE_FLOAT16:
      return (precision){11, -14, 65504};
    case DTYPE_BFLOAT16:
      return (precision){8, -126, 0x1.fep127L};
    case DTYPE_FLOAT64:
      return (precision){53, -1022, DBL_MAX};
    default:
      return (precision){24, -126, FLT_MAX};
  }
}

/* Spacing of the type at |x|. */
static long double unit_at(long double x, precision p) {
  int e;
  frexpl(x, &e);
  if (x == 0 || e - 1 < p.lowest) e = p.lowest + 1;
  return ldexpl(1, e - p.digits);
}

/* Whether `got` may stand for the exact value: within `units` and the rounding,
 * or an infinity where the value is past the largest number by no less. */
static bool is_close(
    long double got, long double want, long double units, lz_dtype d) {
  if (isnan(want)) return isnan(got);
  if (isnan(got)) return false;
  precision p = precision_of(d);
  long double slack = (units + 0.5L) * unit_at(want, p) * (1 + 0x1p-10L);
  if (isinf(got))
    return (got > 0) == (want > 0) &&
           (isinf(want) ||
            fabsl(want) + slack >= p.most + unit_at(p.most, p) / 2);
  if (isinf(want)) return false;
  return fabsl(got - want) <= slack;
}

/* ---- operands ---- */
static const double edges[] = {
    0.0,    -0.0,   1.0,  -1.0,  0.5,     -0.5,     1.5,       2.5,   -2.5,
    3.0,    7.0,    -7.0, 0.1,   100.0,   -100.0,   88.7,      -87.5, -104.0,
    709.7,  -745.2, 1e-3, 1e-5,  1e-8,    -1e-8,    6e-8,      1e-38, 1e-40,
    1e-45,  1e-300, 1e30, -1e30, 65504.0, 65520.0,  3.4e38,    1e300, 0.99999,
    -0.999, 0.5625, 0.55, 4.0,   1e9,     INFINITY, -INFINITY, NAN,   1.7e308};
enum { EDGES = sizeof edges / sizeof *edges };

static void put_edge(lz_dtype d, uint8_t* p, int k) {
  if (dtype_is_inexact(d)) {
    dtype_store(d, p, edges[k % EDGES]);
    return;
  }
  /* Of integers: 0, ±1, ±2, the ends of the range and what lies beside them. */
  int bits = 8 * (int)dtype_size(d);
  uint64_t top = (uint64_t)1 << (bits - 1);
  uint64_t all[] = {
      0,
      1,
      2,
      (uint64_t)-1,
      (uint64_t)-2,
      top,
      top - 1,
      3,
      top + 1,
      31,
      32,
      33,
      64,
      100,
      255,
      7,
      (uint64_t)-7,
      10};
  uint64_t v = all[k % (int)(sizeof all / sizeof *all)];
  if (d == DTYPE_BOOL) v &= 1;
  memcpy(p, &v, dtype_size(d));
}

/* Round 0: edges, all pairs of them over the rounds' first; 1: values around
 * 1; 2: bits. */
static void fill_operand(lz_dtype d, uint8_t* p, int round, int step) {
  size_t size = dtype_size(d);
  for (int i = 0; i < N; i++, p += size) {
    uint64_t bits = arrays_random();
    if (round == 0)
      put_edge(d, p, step ? i / EDGES : i % EDGES);
    else if (d == DTYPE_BOOL)
      *p = bits & 1;
    else if (round == 1 && d == DTYPE_COMPLEX64)
      memcpy(
          p,
          &(lz_complex){
              (float)arrays_uniform(-3, 3), (float)arrays_uniform(-3, 3)},
          8);
    else if (round == 1)
      dtype_store(
          d,
          p,
          arrays_uniform(dtype_kind(d) == DTYPE_KIND_UNSIGNED ? 0 : -4, 4) *
              (dtype_is_inexact(d) ? 1 : 8));
    else
      memcpy(p, &bits, size);
  }
}

static long double real_at(lz_dtype d, const uint8_t* p, int i) {
  return (long double)dtype_load(d, p + (size_t)i * dtype_size(d));
}
static int64_t sint_at(lz_dtype d, const uint8_t* p, int i) {
  int bits = 8 * (int)dtype_size(d);
  uint64_t v = 0;
  memcpy(&v, p + (size_t)i * dtype_size(d), dtype_size(d));
  return (int64_t)(v << (64 - bits)) >> (64 - bits);
}
static uint64_t uint_at(lz_dtype d, const uint8_t* p, int i) {
  uint64_t v = 0;
  memcpy(&v, p + (size_t)i * dtype_size(d), dtype_size(d));
  return v;
}
static double complex complex_at(const uint8_t* p, int i) {
  lz_complex z;
  memcpy(&z, p + (size_t)i * 8, 8);
  return CMPLX(z.re, z.im);
}

/* ---- one kernel ---- */
static void check_real(ew_op op, lz_dtype d, const reference* r) {
  lz_dtype result = ew_output_dtype(op, d);
  for (int i = 0; i < N; i++) {
    long double x = real_at(d, a, i), y = real_at(d, b, i);
    long double want = r->real(x, y), got = real_at(result, out, i);
    long double units = (long double)ew_ulp(op, d);
    /* The sum may cancel: its error is that of the larger operand. */
    if (op == EW_LOGADDEXP && isfinite(want) && want != 0)
      units *= 1 + fmaxl(fabsl(x), fabsl(y)) / fabsl(want);
    /* The quotient is rounded before it is cut. */
    if (op == EW_DIVMOD_QUOTIENT)
      want = d == DTYPE_FLOAT64 ? trunc((double)x / (double)y)
                                : truncf((float)x / (float)y);
    bool ok =
        result == DTYPE_BOOL ? got == want : is_close(got, want, units, result);
    if (!ok)
      fail_msg(
          "%s %s of %La (%Lg), %La (%Lg): got %La, want %La, allowed %Lg",
          ew_name(op),
          dtype_name(d),
          x,
          x,
          y,
          y,
          got,
          want,
          units);
  }
}

static void check_integer(ew_op op, lz_dtype d, const reference* r) {
  lz_dtype result = ew_output_dtype(op, d);
  int bits = 8 * (int)dtype_size(d);
  uint64_t mask = ~(uint64_t)0 >> (64 - 8 * (int)dtype_size(result));
  for (int i = 0; i < N; i++) {
    uint64_t want;
    if (d == DTYPE_BOOL)
      want = (uint64_t)r->boolean(a[i], b[i]);
    else if (dtype_kind(d) == DTYPE_KIND_SIGNED)
      want = (uint64_t)r->sint(sint_at(d, a, i), sint_at(d, b, i), bits);
    else
      want = r->uint(uint_at(d, a, i), uint_at(d, b, i), bits);
    uint64_t got = uint_at(result, out, i);
    if (got != (want & mask))
      fail_msg(
          "%s %s of %lld, %lld: got %llx, want %llx",
          ew_name(op),
          dtype_name(d),
          (long long)sint_at(d, a, i),
          (long long)sint_at(d, b, i),
          (unsigned long long)got,
          (unsigned long long)(want & mask));
  }
}

static void check_complex(ew_op op, const reference* r) {
  lz_dtype result = ew_output_dtype(op, DTYPE_COMPLEX64);
  for (int i = 0; i < N; i++) {
    double complex x = complex_at(a, i), y = complex_at(b, i);
    double complex want = r->pair(x, y), got;
    if (result == DTYPE_COMPLEX64)
      got = complex_at(out, i);
    else
      got = (double)real_at(result, out, i);
    /* Where parts overflow or are NaN the original is the reference. */
    double size = cabs(want);
    if (!(cabs(x) < 1e6 && cabs(y) < 1e6 && size < 1e30 && size > 1e-30))
      continue;
    /* A float's rounding of the operands' own errors: log near 1, powers. */
    double scale = fmax(size, op == EW_LOG1P || op == EW_LOGADDEXP ? 1 : 0);
    if (op == EW_LOGADDEXP) scale += cabs(x) + cabs(y);
    if (op == EW_POWER) scale *= 1 + cabs(y * clog(x));
    double allowed = (ew_ulp(op, DTYPE_COMPLEX64) + 1) * scale * 0x1p-23;
    if (!(cabs(got - want) <= allowed))
      fail_msg(
          "%s complex64 of %g%+gi, %g%+gi: got %.9g%+.9gi, want %.9g%+.9gi",
          ew_name(op),
          creal(x),
          cimag(x),
          creal(y),
          cimag(y),
          creal(got),
          cimag(got),
          creal(want),
          cimag(want));
  }
}

static bool has_reference(const reference* r, lz_dtype d) {
  switch (dtype_kind(d)) {
    case DTYPE_KIND_BOOL:
      return r->boolean;
    case DTYPE_KIND_SIGNED:
      return r->sint;
    case DTYPE_KIND_UNSIGNED:
      return r->uint;
    case DTYPE_KIND_FLOAT:
      return r->real;
    default:
      return r->pair;
  }
}

static void check_kernel(ew_op op, lz_dtype d, int round) {
  const reference* r = reference_of(op);
  fill_operand(d, a, round, 0);
  fill_operand(d, b, round, 1);
  ew_kernel(op, d, d)(out, a, b, a, N);
  if (dtype_kind(d) == DTYPE_KIND_FLOAT)
    check_real(op, d, r);
  else if (d == DTYPE_COMPLEX64)
    check_complex(op, r);
  else
    check_integer(op, d, r);
}

static void test_kernels(void** state) {
  (void)state;
  arrays_seed(11);
  for (int op = 0; op < EW_COUNT; op++) {
    ew_rule rule = ew_rule_of((ew_op)op);
    if (rule >= EW_RULE_SELECT) continue;
    for (int d = 0; d < DTYPE_COUNT; d++) {
      bool supported = ew_supported((ew_op)op, (lz_dtype)d);
      if (supported != has_reference(reference_of((ew_op)op), (lz_dtype)d))
        fail_msg(
            "%s %s: supported %d, reference %d",
            ew_name((ew_op)op),
            dtype_name((lz_dtype)d),
            supported,
            !supported);
      if (!supported) continue;
      for (int round = 0; round < 3; round++)
        check_kernel((ew_op)op, (lz_dtype)d, round);
    }
  }
}

/* Kernels write n elements and at most up to the pad, read no more, and may
 * work in place; the result does not depend on n. */
static void test_extent(void** state) {
  (void)state;
  arrays_seed(12);
  static _Alignas(64) uint8_t place[(N + EW_PAD) * 8];
  for (int op = 0; op < EW_COUNT; op++) {
    if (ew_rule_of((ew_op)op) >= EW_RULE_SELECT) continue;
    for (int d = 0; d < DTYPE_COUNT; d++) {
      ew_fn fn = ew_kernel((ew_op)op, (lz_dtype)d, (lz_dtype)d);
      if (!fn) continue;
      size_t size = dtype_size((lz_dtype)d);
      lz_dtype result = ew_output_dtype((ew_op)op, (lz_dtype)d);
      fill_operand((lz_dtype)d, a, 1, 0);
      fill_operand((lz_dtype)d, b, 1, 1);
      fn(out, a, b, a, N);
      for (int n = 1; n < 70; n += n < 20 ? 1 : 7) {
        size_t bytes = (size_t)n * dtype_size(result);
        size_t reach =
            (size_t)((n + EW_PAD - 1) & -EW_PAD) * dtype_size(result);
        memset(place, 0xa5, sizeof place);
        fn(place, a, b, a, n);
        if (memcmp(place, out, bytes))
          fail_msg(
              "%s %s of %d elements differs",
              ew_name((ew_op)op),
              dtype_name((lz_dtype)d),
              n);
        for (size_t k = reach; k < reach + 64; k++)
          assert_int_equal(place[k], 0xa5);
        if (dtype_size(result) != size) continue;
        memcpy(place, a, sizeof place);
        fn(place, place, b, place, n);
        if (memcmp(place, out, bytes))
          fail_msg(
              "%s %s of %d elements differs in place",
              ew_name((ew_op)op),
              dtype_name((lz_dtype)d),
              n);
      }
    }
  }
}

static void test_select(void** state) {
  (void)state;
  arrays_seed(13);
  for (int d = 0; d < DTYPE_COUNT; d++) {
    size_t size = dtype_size((lz_dtype)d);
    fill_operand(DTYPE_BOOL, a, 2, 0);
    fill_operand((lz_dtype)d, b, 2, 0);
    fill_operand((lz_dtype)d, c, 2, 0);
    ew_kernel(EW_SELECT, (lz_dtype)d, (lz_dtype)d)(out, a, b, c, N);
    for (int i = 0; i < N; i++)
      assert_memory_equal(
          out + (size_t)i * size, (a[i] ? b : c) + (size_t)i * size, size);
  }
}

/* Conversions of values that the target holds to within its rounding; what
 * lies outside is checked against the original. */
static void test_casts(void** state) {
  (void)state;
  arrays_seed(14);
  for (int s = 0; s < DTYPE_COUNT; s++)
    for (int t = 0; t < DTYPE_COUNT; t++) {
      lz_dtype from = (lz_dtype)s, to = (lz_dtype)t;
      for (int round = 0; round < 3; round++) {
        fill_operand(from, a, round, 0);
        ew_kernel(EW_ASTYPE, from, to)(out, a, a, a, N);
        for (int i = 0; i < N; i++) {
          bool integer = dtype_is_integer(from);
          long double x = !integer ? real_at(from, a, i)
                          : dtype_kind(from) == DTYPE_KIND_SIGNED
                              ? (long double)sint_at(from, a, i)
                              : (long double)uint_at(from, a, i);
          if (to == DTYPE_BOOL) {
            assert_int_equal(out[i], x != 0);
          } else if (dtype_is_integer(to)) {
            int bits = 8 * (int)dtype_size(to);
            uint64_t mask = ~(uint64_t)0 >> (64 - bits);
            if (integer) { /* the low bits */
              assert_int_equal(
                  uint_at(to, out, i),
                  (uint64_t)sint_at(from, a, i) & mask &
                      (dtype_kind(from) == DTYPE_KIND_SIGNED ||
                               dtype_size(from) >= dtype_size(to)
                           ? mask
                           : ~(uint64_t)0 >> (64 - 8 * (int)dtype_size(from))));
            } else if (fabsl(x) < 0x1p31L) {
              assert_int_equal(
                  uint_at(to, out, i), (uint64_t)(int64_t)x & mask);
            }
          } else {
            lz_dtype part = to == DTYPE_COMPLEX64 ? DTYPE_FLOAT32 : to;
            long double got = real_at(to, out, i);
            /* Halves of wider numbers are rounded twice, by way of float. */
            long double units = dtype_size(to) == 2 ? 0x1p-12L : 0;
            if (!is_close(got, x, units, part))
              fail_msg(
                  "%s to %s of %La: got %La",
                  dtype_name(from),
                  dtype_name(to),
                  x,
                  got);
          }
        }
      }
    }
}

/* All 256 patterns are read as their value, and each half between two
 * neighbours is written to the even one. */
static void test_fp8(void** state) {
  (void)state;
  float* values = (float*)(void*)out;
  for (int i = 0; i < 256; i++) a[i] = (uint8_t)i;
  ew_kernel(EW_FROM_FP8, DTYPE_FLOAT32, 0)(values, a, a, a, 256);
  for (int i = 0; i < 127; i++) {
    int exponent = i >> 3, mantissa = i & 7;
    double want = exponent ? ldexp(1 + mantissa / 8.0, exponent - 7)
                           : ldexp(mantissa / 8.0, -6);
    assert_true(values[i] == (float)want);
    assert_true(values[i + 128] == (float)-want);
  }
  float between[256] = {0};
  for (int i = 0; i + 1 < 127; i++)
    between[i] = (values[i] + values[i + 1]) / 2;
  ew_kernel(EW_TO_FP8, DTYPE_FLOAT32, 0)(b, between, between, between, 256);
  for (int i = 0; i + 1 < 127; i++) assert_int_equal(b[i], i & 1 ? i + 1 : i);
  ew_kernel(EW_TO_FP8, DTYPE_FLOAT32, 0)(b, values, values, values, 256);
  for (int i = 0; i < 256; i++)
    if ((i & 127) != 127) assert_int_equal(b[i], i);
  float large[EW_PAD] = {449, 1e9f, INFINITY, -1e9f};
  ew_kernel(EW_TO_FP8, DTYPE_FLOAT32, 0)(b, large, large, large, EW_PAD);
  assert_int_equal(b[0], 0x7e);
  assert_int_equal(b[1], 0x7e);
  assert_int_equal(b[2], 0x7e);
  assert_int_equal(b[3], 0xfe);
}

static void test_iota(void** state) {
  (void)state;
  for (int d = 1; d < DTYPE_COUNT; d++) {
    int64_t start = -5, step = 3;
    double fstart = -5, fstep = 0.25;
    bool whole = dtype_is_integer((lz_dtype)d);
    ew_iota(
        (lz_dtype)d,
        out,
        whole ? (void*)&start : (void*)&fstart,
        whole ? (void*)&step : (void*)&fstep,
        1000,
        100);
    for (int i = 0; i < 100; i++) {
      uint8_t want[8] = {0};
      int64_t v = start + step * (1000 + i);
      if (whole)
        memcpy(want, &v, dtype_size((lz_dtype)d));
      else
        dtype_store((lz_dtype)d, want, fstart + fstep * (1000 + i));
      size_t size = dtype_size((lz_dtype)d);
      assert_memory_equal(out + (size_t)i * size, want, size);
    }
  }
}

static void test_facts(void** state) {
  (void)state;
  assert_string_equal(ew_name(EW_ADD), "Add");
  assert_string_equal(ew_name(EW_NAN_EQUAL), "NaNEqual");
  assert_int_equal(ew_operand_dtype(EW_EXP, DTYPE_INT8), DTYPE_FLOAT32);
  assert_int_equal(ew_operand_dtype(EW_EXP, DTYPE_BFLOAT16), DTYPE_BFLOAT16);
  assert_int_equal(ew_operand_dtype(EW_LEFT_SHIFT, DTYPE_BOOL), DTYPE_UINT8);
  assert_int_equal(ew_operand_dtype(EW_LOGICAL_OR, DTYPE_FLOAT32), DTYPE_BOOL);
  assert_int_equal(ew_output_dtype(EW_LESS, DTYPE_FLOAT64), DTYPE_BOOL);
  assert_int_equal(ew_output_dtype(EW_REAL, DTYPE_COMPLEX64), DTYPE_FLOAT32);
  assert_false(ew_supported(EW_NEGATIVE, DTYPE_BOOL));
  assert_false(ew_supported(EW_BITWISE_AND, DTYPE_FLOAT32));
  assert_true(ew_supported(EW_ASTYPE, DTYPE_COMPLEX64));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_facts),
      cmocka_unit_test(test_kernels),
      cmocka_unit_test(test_extent),
      cmocka_unit_test(test_select),
      cmocka_unit_test(test_casts),
      cmocka_unit_test(test_fp8),
      cmocka_unit_test(test_iota),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
