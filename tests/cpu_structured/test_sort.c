/* sort_… against the C library's sort with the position as last key. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arrays.h"
#include "cpu/sort.h"

typedef struct element {
  number value;
  uint64_t whole; /* of 64-bit integers, ordered as unsigned */
  int64_t at;
} element;

static int by_value(const element* a, const element* b) {
  if (a->whole != b->whole) return a->whole < b->whole ? -1 : 1;
  bool na = isnan(a->value.re), nb = isnan(b->value.re);
  if (na || nb) return na - nb;
  if (a->value.re != b->value.re) return a->value.re < b->value.re ? -1 : 1;
  if (a->value.im != b->value.im) return a->value.im < b->value.im ? -1 : 1;
  return 0;
}

static int compare(const void* av, const void* bv) {
  const element *a = av, *b = bv;
  int c = by_value(a, b);
  return c ? c : a->at < b->at ? -1 : a->at > b->at;
}

static int64_t line_place(const lz_view* v, int axis, int64_t line, int64_t i) {
  int64_t inner = 1;
  for (int k = axis + 1; k < v->ndim; k++) inner *= v->shape[k];
  return (line / inner * v->shape[axis] + i) * inner + line % inner;
}

static element get(const lz_view* v, int64_t place, int64_t at) {
  element e = {array_get(v, place), 0, at};
  if (v->dtype == DTYPE_INT64 || v->dtype == DTYPE_UINT64) {
    e.whole = (uint64_t)array_int(v, place);
    if (v->dtype == DTYPE_INT64) e.whole ^= (uint64_t)1 << 63;
    e.value = (number){0, 0};
  }
  return e;
}

static void fill(array* a) {
  lz_dtype d = a->view.dtype;
  int kind = arrays_below(3);
  if (kind == 0 && (d == DTYPE_INT64 || d == DTYPE_UINT64 || d == DTYPE_INT32 ||
                    d == DTYPE_UINT32)) {
    for (int64_t i = 0; i < view_size(&a->view); i++) {
      uint64_t bits = arrays_random();
      memcpy(array_at(&a->view, i), &bits, dtype_size(d));
    }
    return;
  }
  if (kind == 1)
    array_fill(a, -2, 2);
  else
    array_fill(a, -1000, 1000);
  if (arrays_below(2)) array_spice(a, 20);
}

static void check(lz_dtype d, uint64_t seed, int64_t limit) {
  arrays_seed(seed);
  int ndim = limit > 100000 ? 1 : 1 + arrays_below(4);
  int axis = arrays_below(ndim);
  int32_t shape[LZ_MAX_DIMS];
  array_shape(ndim, limit, true, shape);
  if (limit > 100000) shape[0] = (int32_t)limit;
  array* in = array_new(d, ndim, shape, arrays_below(LAYOUTS));
  fill(in);
  array* out = array_new(d, ndim, shape, arrays_below(LAYOUT_BROADCAST));
  array* part = array_new(d, ndim, shape, arrays_below(LAYOUT_BROADCAST));
  array* arg =
      array_new(DTYPE_UINT32, ndim, shape, arrays_below(LAYOUT_BROADCAST));
  array* argpart =
      array_new(DTYPE_UINT32, ndim, shape, arrays_below(LAYOUT_BROADCAST));
  int64_t n = shape[axis], lines = n ? view_size(&in->view) / n : 0;
  int kth = n ? arrays_below((int)n) : 0;
  assert_int_equal(0, sort_run(&in->view, axis, &out->view));
  assert_int_equal(0, sort_arg(&in->view, axis, &arg->view));
  assert_int_equal(0, sort_partition(&in->view, axis, kth, &part->view));
  assert_int_equal(0, sort_argpartition(&in->view, axis, kth, &argpart->view));
  element* want = malloc(((size_t)n + 1) * sizeof *want);
  element* some = malloc(((size_t)n + 1) * sizeof *some);
  char* seen = malloc((size_t)n + 1);
  for (int64_t line = 0; line < lines; line++) {
    for (int64_t i = 0; i < n; i++)
      want[i] = get(&in->view, line_place(&in->view, axis, line, i), i);
    qsort(want, (size_t)n, sizeof *want, compare);
    for (int64_t i = 0; i < n; i++) {
      int64_t place = line_place(&in->view, axis, line, i);
      int64_t from = line_place(&in->view, axis, line, want[i].at);
      bool both_nan = isnan(array_get(&out->view, place).re) &&
                      isnan(array_get(&in->view, from).re);
      if (!both_nan && memcmp(
                           array_at(&out->view, place),
                           array_at(&in->view, from),
                           dtype_size(d)) != 0)
        fail_msg(
            "sort %s seed %llu line %lld at %lld: got %g, want %g",
            dtype_name(d),
            (unsigned long long)seed,
            (long long)line,
            (long long)i,
            array_get(&out->view, place).re,
            want[i].value.re);
      if (array_int(&arg->view, place) != want[i].at)
        fail_msg(
            "argsort %s seed %llu line %lld at %lld: got %lld, want %lld",
            dtype_name(d),
            (unsigned long long)seed,
            (long long)line,
            (long long)i,
            (long long)array_int(&arg->view, place),
            (long long)want[i].at);
    }
    for (int way = 0; way < 2; way++) { /* values, then indices */
      memset(seen, 0, (size_t)n + 1);
      for (int64_t i = 0; i < n; i++) {
        int64_t place = line_place(&in->view, axis, line, i);
        if (way == 0) {
          some[i] = get(&part->view, place, 0);
        } else {
          int64_t at = array_int(&argpart->view, place);
          if (at < 0 || at >= n || seen[at])
            fail_msg(
                "argpartition %s seed %llu: index %lld",
                dtype_name(d),
                (unsigned long long)seed,
                (long long)at);
          seen[at] = 1;
          some[i] = get(&in->view, line_place(&in->view, axis, line, at), at);
        }
        int c = by_value(&some[i], &want[kth]);
        if (i < kth ? c > 0 : i > kth ? c < 0 : c != 0)
          fail_msg(
              "%spartition %s seed %llu line %lld kth %d at %lld",
              way ? "arg" : "",
              dtype_name(d),
              (unsigned long long)seed,
              (long long)line,
              kth,
              (long long)i);
      }
      if (way == 0) { /* the same elements, whatever the order */
        for (int64_t i = 0; i < n; i++) some[i].at = i;
        qsort(some, (size_t)n, sizeof *some, compare);
        for (int64_t i = 0; i < n; i++)
          if (by_value(&some[i], &want[i]) != 0)
            fail_msg(
                "partition %s seed %llu lost an element",
                dtype_name(d),
                (unsigned long long)seed);
      }
    }
  }
  free(want);
  free(some);
  free(seen);
  array_free(in);
  array_free(out);
  array_free(part);
  array_free(arg);
  array_free(argpart);
}

static void test_small(void** unused) {
  (void)unused;
  uint64_t seed = 1;
  for (int d = 0; d < DTYPE_COUNT; d++)
    for (int i = 0; i < 60; i++)
      check((lz_dtype)d, seed++, i % 10 ? 1000 : 20000);
}

static void test_long_rows(void** unused) {
  (void)unused;
  for (int d = 0; d < DTYPE_COUNT; d++)
    check((lz_dtype)d, 5000 + (uint64_t)d, 140000);
}

/* As MLX 0.31.2 has it: stable for zeros, NaN of either sign last. */
static void test_facts(void** unused) {
  (void)unused;
  float x[] = {NAN, 1, -0.0f, 0.0f, -NAN, 2}, y[6];
  const uint32_t want[] = {2, 3, 1, 5, 0, 4};
  uint32_t at[6];
  int32_t six = 6;
  int64_t unit = 1;
  lz_view in = {x, DTYPE_FLOAT32, 1, &six, &unit};
  lz_view out = {y, DTYPE_FLOAT32, 1, &six, &unit};
  lz_view arg = {at, DTYPE_UINT32, 1, &six, &unit};
  assert_int_equal(0, sort_run(&in, 0, &out));
  assert_int_equal(0, sort_arg(&in, 0, &arg));
  assert_memory_equal(at, want, sizeof want);
  assert_true(signbit(y[0]) && !signbit(y[1]) && y[2] == 1 && y[3] == 2);
  assert_true(isnan(y[4]) && isnan(y[5]));
  lz_complex c[] = {{1, 2}, {NAN, 3}, {2, 1}, {5, 5}, {1, -2}}, d[5];
  int32_t five = 5;
  lz_view cin = {c, DTYPE_COMPLEX64, 1, &five, &unit};
  lz_view cout = {d, DTYPE_COMPLEX64, 1, &five, &unit};
  assert_int_equal(0, sort_run(&cin, 0, &cout));
  assert_true(d[0].im == -2 && d[1].im == 2 && d[2].re == 2 && d[3].re == 5);
  assert_true(isnan(d[4].re) && d[4].im == 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_small),
      cmocka_unit_test(test_long_rows),
      cmocka_unit_test(test_facts),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
