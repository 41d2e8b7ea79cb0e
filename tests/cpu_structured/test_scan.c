/* scan_run against one step after another. */
#include <complex.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arrays.h"
#include "cpu/scan.h"

static const char* const names[] = {"sum", "prod", "max", "min", "logaddexp"};

/* A running value: as a number, and as wrapped bits. */
typedef struct state {
  number value;
  uint64_t whole;
  double absolute;
} state;

static bool less(number a, number b) {
  return a.re < b.re || (a.re == b.re && a.im < b.im);
}

static number log_add(number a, number b, bool is_complex) {
  if (isnan(a.re) || (isnan(b.re) && !is_complex))
    return (number){NAN, isnan(a.re) ? a.im : 0};
  number high = less(a, b) ? b : a, low = less(a, b) ? a : b;
  if (low.re == -INFINITY || high.re == INFINITY) return high;
  double complex d = cexp(low.re - high.re + I * (low.im - high.im));
  d = clog(1 + d);
  return (number){high.re + creal(d), is_complex ? high.im + cimag(d) : 0};
}

static void step(scan_kind kind, lz_dtype d, state* s, number x, int64_t i) {
  bool is_complex = d == DTYPE_COMPLEX64;
  bool whole = !dtype_is_inexact(d);
  bool no_sign = dtype_kind(d) == DTYPE_KIND_UNSIGNED;
  number v = s->value;
  int64_t w = (int64_t)s->whole;
  bool below = whole ? (no_sign ? s->whole < (uint64_t)i : w < i) : less(v, x);
  bool above = whole ? (no_sign ? s->whole > (uint64_t)i : w > i) : less(x, v);
  switch (kind) {
    case SCAN_SUM:
      s->value = (number){v.re + x.re, v.im + x.im};
      s->whole += (uint64_t)i;
      break;
    case SCAN_PROD:
      s->value.re = v.re * x.re - v.im * x.im;
      s->value.im = is_complex ? v.re * x.im + v.im * x.re : 0;
      s->whole *= (uint64_t)i;
      break;
    case SCAN_MAX:
      if (!above) s->value = x, s->whole = (uint64_t)i;
      break;
    case SCAN_MIN:
      if (whole ? !below : above) s->value = x, s->whole = (uint64_t)i;
      break;
    default:
      if (whole) {
        if (below) s->whole = (uint64_t)i;
      } else {
        s->value = log_add(v, x, is_complex);
      }
  }
  if (isfinite(x.re)) s->absolute += fabs(x.re) + fabs(x.im);
}

static state start(scan_kind kind, lz_dtype d) {
  state s = {{0, 0}, 0, 0};
  if (kind == SCAN_SUM) return s;
  if (kind == SCAN_PROD) return (state){{1, 0}, 1, 0};
  if (d == DTYPE_COMPLEX64) return s;
  bool low = kind != SCAN_MIN;
  s.value.re = low ? -INFINITY : INFINITY;
  int bits = 8 * (int)dtype_size(d);
  if (d == DTYPE_BOOL)
    s.whole = !low;
  else if (dtype_kind(d) == DTYPE_KIND_SIGNED)
    s.whole = low ? (uint64_t)INT64_MIN >> (64 - bits) : 0;
  if (dtype_kind(d) == DTYPE_KIND_SIGNED) {
    int64_t least = INT64_MIN >> (64 - bits);
    s.whole = (uint64_t)(low ? least : ~least);
  } else if (dtype_kind(d) == DTYPE_KIND_UNSIGNED) {
    s.whole = low ? 0 : ~(uint64_t)0 >> (64 - bits);
  }
  return s;
}

static void check(
    scan_kind kind, lz_dtype d, uint64_t seed, int64_t limit, int ndim) {
  arrays_seed(seed);
  int axis = arrays_below(ndim);
  int32_t shape[LZ_MAX_DIMS];
  array_shape(ndim, limit, true, shape);
  if (ndim == 1 && limit > 100000) shape[0] = (int32_t)limit;
  array* in = array_new(d, ndim, shape, arrays_below(LAYOUTS));
  if (kind == SCAN_PROD && dtype_is_inexact(d))
    array_fill(in, 0.6, d == DTYPE_COMPLEX64 ? 0.8 : 1.35);
  else if (kind == SCAN_LOGADDEXP && arrays_below(2))
    array_fill(in, -60, 60);
  else
    array_fill(in, -4, 4);
  if (arrays_below(3) == 0 && d != DTYPE_COMPLEX64)
    array_spice(in, limit > 100000 ? 60000 : 100);
  lz_dtype type = scan_dtype(kind, d);
  bool reverse = arrays_below(2), inclusive = arrays_below(2);
  bool in_place = type == d && arrays_below(4) == 0;
  array* out = array_new(type, ndim, shape, arrays_below(LAYOUT_BROADCAST));
  if (in_place) {
    for (int64_t i = 0; i < view_size(&in->view); i++)
      memcpy(array_at(&out->view, i), array_at(&in->view, i), dtype_size(d));
  }
  scan_run(
      kind,
      in_place ? &out->view : &in->view,
      axis,
      reverse,
      inclusive,
      &out->view);
  int64_t n = shape[axis], inner = 1;
  for (int k = axis + 1; k < ndim; k++) inner *= shape[k];
  int64_t lines = n ? view_size(&in->view) / n : 0;
  double single = d == DTYPE_FLOAT64 ? 0x1p-52 : 0x1p-23;
  char what[120];
  snprintf(
      what,
      sizeof what,
      "cum%s %s%s%s seed %llu",
      names[kind],
      dtype_name(d),
      reverse ? " reverse" : "",
      inclusive ? "" : " exclusive",
      (unsigned long long)seed);
  for (int64_t line = 0; line < lines; line++) {
    state s = start(kind, type);
    for (int64_t k = 0; k < n; k++) {
      int64_t i = reverse ? n - 1 - k : k;
      int64_t place = (line / inner * n + i) * inner + line % inner;
      number x = array_get(&in->view, place);
      int64_t w = array_int(&in->view, place);
      state before = s;
      if (k == 0 && inclusive) {
        s.value = x;
        s.whole = (uint64_t)w;
        s.absolute = isfinite(x.re) ? fabs(x.re) + fabs(x.im) : 0;
      } else {
        step(kind, type, &s, x, w);
      }
      state want = inclusive ? s : before;
      if (type == DTYPE_BOOL) s.whole = s.whole != 0;
      if (!dtype_is_inexact(type)) {
        uint64_t mask = dtype_size(type) == 8
                            ? ~(uint64_t)0
                            : ((uint64_t)1 << 8 * dtype_size(type)) - 1;
        uint64_t got = (uint64_t)array_int(&out->view, place);
        /* the running extreme is compared as the type has it */
        if ((got & mask) != (want.whole & mask))
          fail_msg(
              "%s: at %lld got %llx, want %llx",
              what,
              (long long)place,
              (unsigned long long)(got & mask),
              (unsigned long long)(want.whole & mask));
        continue;
      }
      double rel = array_eps(type), margin = 0;
      if (kind == SCAN_SUM)
        margin = single * (8 + (double)k / 4) * want.absolute;
      if (kind == SCAN_PROD)
        rel += single * (double)(k + 2),
            margin = rel * (fabs(want.value.re) + fabs(want.value.im)) + 1e-37;
      if (type == DTYPE_FLOAT16) margin += 0x1p-24; /* subnormal */
      if (kind == SCAN_LOGADDEXP) {
        rel += single * (double)(k + 8);
        margin = single * (double)(k + 8) * 16;
      }
      if (kind == SCAN_MAX || kind == SCAN_MIN) rel = 0;
      array_assert_close(
          what,
          place,
          array_get(&out->view, place),
          array_round(type, want.value),
          rel,
          margin);
    }
  }
  array_free(in);
  array_free(out);
}

static void test_small(void** unused) {
  (void)unused;
  uint64_t seed = 1;
  for (int kind = 0; kind < SCAN_KINDS; kind++)
    for (int d = 0; d < DTYPE_COUNT; d++)
      for (int i = 0; i < 60; i++) {
        seed++;
        check(
            (scan_kind)kind,
            (lz_dtype)d,
            seed,
            i % 10 ? 2000 : 30000,
            1 + (int)(seed % 4));
      }
}

static void test_long_rows(void** unused) {
  (void)unused;
  uint64_t seed = 10000;
  for (int kind = 0; kind < SCAN_KINDS; kind++)
    for (int d = 0; d < DTYPE_COUNT; d++)
      for (int i = 0; i < 2; i++) {
        /* complex logarithms are slow and have no parts of their own */
        if (d == DTYPE_COMPLEX64 && kind == SCAN_LOGADDEXP) continue;
        check((scan_kind)kind, (lz_dtype)d, seed++, 150000, 1);
      }
}

static void one(
    scan_kind kind, bool inclusive, const float x[3], const float want[3]) {
  float out[3];
  int32_t three = 3;
  int64_t unit = 1;
  lz_view in = {(void*)(uintptr_t)x, DTYPE_FLOAT32, 1, &three, &unit};
  lz_view o = {out, DTYPE_FLOAT32, 1, &three, &unit};
  scan_run(kind, &in, 0, false, inclusive, &o);
  for (int i = 0; i < 3; i++)
    array_assert_close(
        "fact", i, (number){out[i], 0}, (number){want[i], 0}, 0, 0);
}

/* As MLX 0.31.2 has it. */
static void test_facts(void** unused) {
  (void)unused;
  const float first[] = {NAN, 2, 1}, inside[] = {3, NAN, 1};
  one(SCAN_MAX, true, first, (float[]){NAN, 2, 2});
  one(SCAN_MIN, true, first, (float[]){NAN, NAN, NAN});
  one(SCAN_MAX, true, inside, (float[]){3, NAN, 1});
  one(SCAN_MIN, true, inside, (float[]){3, 3, 1});
  one(SCAN_MIN, false, first, (float[]){INFINITY, INFINITY, 2});
  one(SCAN_MAX, false, inside, (float[]){-INFINITY, 3, NAN});
  one(SCAN_LOGADDEXP, false, inside, (float[]){-INFINITY, 3, NAN});
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_small),
      cmocka_unit_test(test_long_rows),
      cmocka_unit_test(test_facts),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
