/* reduce_run and reduce_arg against sums in double over random arrays. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arrays.h"
#include "cpu/reduce.h"

static const char* const names[] = {"and", "or", "sum", "prod", "min", "max"};

static bool less(number a, number b) {
  return a.re < b.re || (a.re == b.re && a.im < b.im);
}
static bool is_nan(number a) {
  return isnan(a.re) || isnan(a.im);
}

/* What the element is to `and` and `or`: its bits. */
static bool bits_set(const lz_view* v, int64_t place) {
  const unsigned char* p = array_at(v, place);
  for (size_t i = 0; i < dtype_size(v->dtype); i++)
    if (p[i]) return true;
  return false;
}

typedef struct expected {
  number value;
  uint64_t whole;  /* integers, wrapped */
  double absolute; /* sum of magnitudes */
} expected;

static void step(
    reduce_kind kind,
    lz_dtype d,
    expected* e,
    const lz_view* in,
    int64_t place,
    bool first) {
  number x = array_get(in, place);
  switch (kind) {
    case REDUCE_AND:
      e->whole = (first || e->whole) && bits_set(in, place);
      break;
    case REDUCE_OR:
      e->whole = (!first && e->whole) || bits_set(in, place);
      break;
    case REDUCE_SUM:
      e->value.re += x.re;
      e->value.im += x.im;
      if (isfinite(x.re)) e->absolute += fabs(x.re);
      if (isfinite(x.im)) e->absolute += fabs(x.im);
      e->whole += (uint64_t)array_int(in, place);
      break;
    case REDUCE_PROD: {
      if (first) e->value = (number){1, 0}, e->whole = 1;
      number v = e->value;
      e->value.re = v.re * x.re - v.im * x.im;
      e->value.im = d == DTYPE_COMPLEX64 ? v.re * x.im + v.im * x.re : 0;
      e->whole *= (uint64_t)array_int(in, place);
      break;
    }
    default: {
      if (is_nan(x)) x = (number){NAN, 0};
      bool better = kind == REDUCE_MIN ? less(x, e->value) : less(e->value, x);
      if (first || (!is_nan(e->value) && (is_nan(x) || better))) {
        e->value = x;
        e->whole = (uint64_t)array_int(in, place);
      }
    }
  }
}

/* A source that counts how often it gives each element. */
typedef struct counted {
  const array* a;
  _Atomic unsigned char* given;
} counted;

static void give(void* ctx, int64_t begin, int64_t n, void* tile, int worker) {
  (void)worker;
  const counted* c = ctx;
  size_t size = dtype_size(c->a->view.dtype);
  if (n < 1 || n > REDUCE_SOURCE_MAX) abort();
  memcpy(tile, (char*)c->a->view.data + (size_t)begin * size, (size_t)n * size);
  for (int64_t i = 0; i < n; i++) c->given[begin + i]++;
}

static void check_reduce(
    reduce_kind kind, lz_dtype d, uint64_t seed, bool from_source) {
  arrays_seed(seed);
  int ndim = arrays_below(5);
  int32_t shape[LZ_MAX_DIMS], out_shape[LZ_MAX_DIMS];
  bool extreme = kind == REDUCE_MIN || kind == REDUCE_MAX;
  array_shape(ndim, arrays_below(8) ? 3000 : 300000, !extreme, shape);
  array* in = array_new(
      d, ndim, shape, arrays_below(from_source ? LAYOUT_SLICED : LAYOUTS));
  if (kind == REDUCE_AND)
    array_fill(in, 0.6, 3);
  else if (kind == REDUCE_PROD && dtype_is_inexact(d))
    array_fill(in, 0.6, d == DTYPE_COMPLEX64 ? 0.8 : 1.35);
  else
    array_fill(in, -100, 100);
  if (arrays_below(4) == 0 && kind != REDUCE_PROD) array_spice(in, 500);
  uint32_t axes = (uint32_t)arrays_random() & ((1u << ndim) - 1);
  bool drop = arrays_below(2);
  int out_ndim = 0;
  for (int i = 0; i < ndim; i++) {
    if (!(axes >> i & 1))
      out_shape[out_ndim++] = shape[i];
    else if (!drop)
      out_shape[out_ndim++] = 1;
  }
  lz_dtype type = reduce_dtype(kind, d);
  array* out =
      array_new(type, out_ndim, out_shape, arrays_below(LAYOUT_BROADCAST));
  if (from_source) {
    /* Elements are numbered as they lie in memory, where the outermost axis may
     * repeat. */
    size_t n = (size_t)view_size(&in->view);
    int far = 0;
    for (int i = 1; i < ndim; i++)
      if (in->strides[i] > in->strides[far] && shape[i] > 1) far = i;
    if (ndim && n && arrays_below(2)) {
      in->strides[far] = 0;
      n /= (size_t)shape[far];
    }
    counted c = {in, calloc(n + 1, 1)};
    reduce_run_from(kind, &in->view, axes, give, &c, &out->view);
    for (size_t i = 0; i < n; i++)
      if (c.given[i] != 1)
        fail_msg("element %zu was asked for %d times", i, c.given[i]);
    free((void*)c.given);
  } else {
    reduce_run(kind, &in->view, axes, &out->view);
  }

  int64_t places = view_size(&out->view), n = view_size(&in->view);
  expected* want = calloc((size_t)places + 1, sizeof *want);
  unsigned char* seen = calloc((size_t)places + 1, 1);
  for (int64_t i = 0; i < n; i++) {
    int32_t index[LZ_MAX_DIMS], to[LZ_MAX_DIMS];
    array_index(&in->view, i, index);
    int o = 0;
    for (int k = 0; k < ndim; k++) {
      if (!(axes >> k & 1))
        to[o++] = index[k];
      else if (!drop)
        to[o++] = 0;
    }
    int64_t place = array_place(&out->view, to);
    step(kind, d, &want[place], &in->view, i, !seen[place]);
    seen[place] = 1;
  }
  double count = places ? (double)n / (double)places : 0;
  char what[100];
  snprintf(
      what,
      sizeof what,
      "%s %s seed %llu",
      names[kind],
      dtype_name(d),
      (unsigned long long)seed);
  for (int64_t i = 0; i < places; i++) {
    number got = array_get(&out->view, i);
    if (!seen[i] && kind == REDUCE_PROD) want[i].value.re = want[i].whole = 1;
    if (!seen[i] && kind == REDUCE_AND) want[i].whole = 1;
    if (dtype_is_inexact(type)) {
      double single = type == DTYPE_FLOAT64 ? 0x1p-52 : 0x1p-23;
      double rel = extreme ? 0 : array_eps(type) + single * (count + 8);
      number value = array_round(type, want[i].value);
      double margin = kind == REDUCE_SUM
                          ? single * want[i].absolute * 8
                          : rel * (1 + fabs(value.re) + fabs(value.im));
      if (!(margin < 1e300)) margin = 0;
      array_assert_close(what, i, got, value, rel, extreme ? 0 : margin);
    } else {
      uint64_t g = (uint64_t)array_int(&out->view, i);
      uint64_t mask = dtype_size(type) == 8
                          ? ~(uint64_t)0
                          : ((uint64_t)1 << 8 * dtype_size(type)) - 1;
      if ((g & mask) != (want[i].whole & mask))
        fail_msg(
            "%s: at %lld got %llx, want %llx",
            what,
            (long long)i,
            (unsigned long long)(g & mask),
            (unsigned long long)(want[i].whole & mask));
    }
  }
  free(want);
  free(seen);
  array_free(in);
  array_free(out);
}

static void test_reduce(void** unused) {
  (void)unused;
  uint64_t seed = 1;
  for (int kind = 0; kind < REDUCE_KINDS; kind++)
    for (int d = 0; d < DTYPE_COUNT; d++)
      for (int i = 0; i < 40; i++)
        check_reduce((reduce_kind)kind, (lz_dtype)d, seed++, false);
}

static void test_source(void** unused) {
  (void)unused;
  uint64_t seed = 100000;
  for (int kind = 0; kind < REDUCE_KINDS; kind++)
    for (int d = 0; d < DTYPE_COUNT; d++)
      for (int i = 0; i < 20; i++)
        check_reduce((reduce_kind)kind, (lz_dtype)d, seed++, true);
}

static void check_arg(bool greatest, lz_dtype d, uint64_t seed) {
  arrays_seed(seed);
  int ndim = arrays_below(5);
  int32_t shape[LZ_MAX_DIMS], out_shape[LZ_MAX_DIMS];
  array_shape(ndim, arrays_below(8) ? 3000 : 300000, false, shape);
  array* in = array_new(d, ndim, shape, arrays_below(LAYOUTS));
  array_fill(in, -100, 100);
  if (arrays_below(3) == 0) array_spice(in, 50);
  int axis = ndim ? arrays_below(ndim + 1) - 1 : -1;
  bool drop = arrays_below(2);
  int o = 0;
  for (int i = 0; i < ndim; i++)
    if (axis >= 0 && i != axis)
      out_shape[o++] = shape[i];
    else if (!drop)
      out_shape[o++] = 1;
  array* out =
      array_new(DTYPE_UINT32, o, out_shape, arrays_below(LAYOUT_BROADCAST));
  reduce_arg(greatest, &in->view, axis, &out->view);
  int64_t places = view_size(&out->view), n = view_size(&in->view);
  number* best = calloc((size_t)places, sizeof *best);
  int64_t* at = malloc((size_t)places * sizeof *at);
  for (int64_t i = 0; i < places; i++) at[i] = -1;
  for (int64_t i = 0; i < n; i++) {
    int32_t index[LZ_MAX_DIMS], to[LZ_MAX_DIMS];
    array_index(&in->view, i, index);
    o = 0;
    for (int k = 0; k < ndim; k++)
      if (axis >= 0 && k != axis)
        to[o++] = index[k];
      else if (!drop)
        to[o++] = 0;
    int64_t place = array_place(&out->view, to);
    number x = array_get(&in->view, i);
    if (at[place] < 0 ||
        (greatest ? less(best[place], x) : less(x, best[place]))) {
      best[place] = x;
      at[place] = axis >= 0 ? index[axis] : i;
    }
  }
  for (int64_t i = 0; i < places; i++)
    if (array_int(&out->view, i) != at[i])
      fail_msg(
          "arg%s %s seed %llu: at %lld got %lld, want %lld",
          greatest ? "max" : "min",
          dtype_name(d),
          (unsigned long long)seed,
          (long long)i,
          (long long)array_int(&out->view, i),
          (long long)at[i]);
  free(best);
  free(at);
  array_free(in);
  array_free(out);
}

static void test_arg(void** unused) {
  (void)unused;
  uint64_t seed = 1000;
  for (int d = 0; d < DTYPE_COUNT; d++)
    for (int i = 0; i < 40; i++) {
      check_arg(true, (lz_dtype)d, seed++);
      check_arg(false, (lz_dtype)d, seed++);
    }
}

/* What the original's CPU kernels do and one would not guess. */
static void test_facts(void** unused) {
  (void)unused;
  float zeros[] = {-0.0f, -0.0f}, nan_first[] = {NAN, 1, 2};
  float nan_inside[] = {1, NAN, 2};
  int32_t two = 2, three = 3, one = 1;
  int64_t unit = 1;
  uint8_t truth = 0;
  lz_view in = {zeros, DTYPE_FLOAT32, 1, &two, &unit};
  lz_view out = {&truth, DTYPE_BOOL, 1, &one, &unit};
  reduce_run(REDUCE_AND, &in, 1, &out);
  assert_int_equal(truth, 1);
  uint32_t at = 9;
  lz_view place = {&at, DTYPE_UINT32, 0, NULL, NULL};
  lz_view first = {nan_first, DTYPE_FLOAT32, 1, &three, &unit};
  reduce_arg(true, &first, 0, &place);
  assert_int_equal(at, 0);
  lz_view inside = {nan_inside, DTYPE_FLOAT32, 1, &three, &unit};
  reduce_arg(true, &inside, 0, &place);
  assert_int_equal(at, 2);
  float top = 0;
  lz_view scalar = {&top, DTYPE_FLOAT32, 0, NULL, NULL};
  reduce_run(REDUCE_MAX, &inside, 1, &scalar);
  assert_true(isnan(top));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_reduce),
      cmocka_unit_test(test_source),
      cmocka_unit_test(test_arg),
      cmocka_unit_test(test_facts),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
