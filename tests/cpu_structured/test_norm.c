/* norm_… against formulas in double, and gradients against differences. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "arrays.h"
#include "cpu/norm.h"

static const lz_dtype types[] = {
    DTYPE_FLOAT16, DTYPE_BFLOAT16, DTYPE_FLOAT32, DTYPE_FLOAT64};

static double at(const array* a, int64_t place) {
  return array_get(&a->view, place).re;
}

/* A weight or bias: one axis, no axis, or NULL. */
static array* make_param(lz_dtype d, int32_t n) {
  int kind = arrays_below(4);
  if (kind == 0) return NULL;
  array* a = array_new(d, kind != 1, &n, arrays_below(LAYOUTS));
  array_fill(a, -2, 2);
  return a;
}
static double param_at(const array* a, int64_t i, double missing) {
  return a ? at(a, a->view.ndim ? i : 0) : missing;
}
static const lz_view* view_of(const array* a) {
  return a ? &a->view : NULL;
}

static double rounded(lz_dtype d, double x) {
  return array_round(d, (number){x, 0}).re;
}

typedef struct row {
  double mean, scale;
} row;

static row measure(
    const array* x, int64_t line, int64_t n, bool centred, double eps) {
  row r = {0, 0};
  double squares = 0;
  for (int64_t i = 0; centred && i < n; i++)
    r.mean += at(x, line * n + i) / (double)n;
  for (int64_t i = 0; i < n; i++) {
    double c = at(x, line * n + i) - r.mean;
    squares += c * c;
  }
  r.scale = 1 / sqrt(squares / (double)n + eps);
  return r;
}

static void check(lz_dtype d, bool centred, uint64_t seed) {
  arrays_seed(seed);
  int ndim = 1 + arrays_below(4);
  int32_t shape[LZ_MAX_DIMS];
  array_shape(ndim, arrays_below(6) ? 2000 : 50000, true, shape);
  if (arrays_below(12) == 0) {
    for (int i = 0; i < ndim; i++) shape[i] = shape[i] > 2 ? 2 : shape[i];
    shape[ndim - 1] = 5000;
  }
  int32_t n = shape[ndim - 1];
  array* x = array_new(d, ndim, shape, arrays_below(LAYOUTS));
  array* g = array_new(d, ndim, shape, arrays_below(LAYOUTS));
  array* out = array_new(d, ndim, shape, arrays_below(LAYOUT_BROADCAST));
  array* gx = array_new(d, ndim, shape, arrays_below(LAYOUT_BROADCAST));
  array* gw = array_new(d, 1, &n, arrays_below(LAYOUT_BROADCAST));
  array* gb = array_new(d, 1, &n, arrays_below(LAYOUT_BROADCAST));
  array* w = make_param(d, n);
  array* b = centred ? make_param(d, n) : NULL;
  array_fill(x, -3, 5);
  array_fill(g, -1, 1);
  float eps = 1e-5f;
  if (centred) {
    norm_layer(&x->view, view_of(w), view_of(b), eps, &out->view);
    assert_int_equal(
        0,
        norm_layer_vjp(
            &x->view,
            view_of(w),
            &g->view,
            eps,
            &gx->view,
            &gw->view,
            &gb->view));
  } else {
    norm_rms(&x->view, view_of(w), eps, &out->view);
    assert_int_equal(
        0,
        norm_rms_vjp(
            &x->view, view_of(w), &g->view, eps, &gx->view, &gw->view));
  }
  int64_t lines = n ? view_size(&x->view) / n : 0;
  double* want_gw = calloc((size_t)n + 1, sizeof *want_gw);
  double* want_gb = calloc((size_t)n + 1, sizeof *want_gb);
  double e = array_eps(d), single = d == DTYPE_FLOAT64 ? 0x1p-42 : 0x1p-20;
  double most = single;
  char what[100];
  snprintf(
      what,
      sizeof what,
      "%s %s seed %llu",
      centred ? "layer" : "rms",
      dtype_name(d),
      (unsigned long long)seed);
  for (int64_t line = 0; line < lines; line++) {
    row r = measure(x, line, n, centred, eps);
    double u_sum = 0, ux_sum = 0;
    /* of the mean, which a small variance magnifies */
    double slack = single * (1 + fabs(r.mean) * r.scale);
    if (slack > most) most = slack;
    for (int64_t i = 0; i < n; i++) {
      int64_t place = line * n + i;
      double c = at(x, place) - r.mean, gi = at(g, place);
      double y = rounded(d, c * r.scale);
      if (w) y = rounded(d, y * param_at(w, i, 1));
      y += param_at(b, i, 0);
      /* three roundings, the last one of a sum that may cancel */
      array_assert_close(
          what,
          place,
          array_get(&out->view, place),
          (number){y, 0},
          2 * e + single,
          2 * e * (2 + fabs(c * r.scale)) + slack * 4);
      u_sum += gi * param_at(w, i, 1);
      ux_sum += gi * param_at(w, i, 1) * c;
      want_gw[i] += gi * c * r.scale;
      want_gb[i] += gi;
    }
    for (int64_t i = 0; i < n; i++) {
      int64_t place = line * n + i;
      double c = at(x, place) - r.mean;
      double u = at(g, place) * param_at(w, i, 1);
      double mean = centred ? u_sum / n : 0;
      double tail = c * r.scale * r.scale * r.scale * ux_sum / n;
      double y = (u - mean) * r.scale - tail;
      array_assert_close(
          what,
          place,
          array_get(&gx->view, place),
          (number){y, 0},
          e + single,
          slack * (fabs(u * r.scale) + fabs(tail) + r.scale) * 8);
    }
  }
  for (int64_t i = 0; i < n; i++) {
    double margin = most * (double)(lines + 8) * 4;
    if (!w || w->view.ndim)
      array_assert_close(
          what,
          i,
          array_get(&gw->view, i),
          (number){want_gw[i], 0},
          e + single,
          margin);
    if (centred)
      array_assert_close(
          what,
          i,
          array_get(&gb->view, i),
          (number){want_gb[i], 0},
          e + single,
          margin);
  }
  free(want_gw);
  free(want_gb);
  array_free(x);
  array_free(g);
  array_free(out);
  array_free(gx);
  array_free(gw);
  array_free(gb);
  array_free(w);
  array_free(b);
}

static void test_layer(void** unused) {
  (void)unused;
  for (uint64_t i = 0; i < 480; i++) check(types[i % 4], true, i + 1);
}
static void test_rms(void** unused) {
  (void)unused;
  for (uint64_t i = 0; i < 480; i++) check(types[i % 4], false, i + 1001);
}

/* The gradient is that of the function, not only of our own formula. */
static void test_differences(void** unused) {
  (void)unused;
  arrays_seed(7);
  int32_t shape[] = {2, 6};
  for (int centred = 0; centred < 2; centred++) {
    array* x = array_new(DTYPE_FLOAT64, 2, shape, LAYOUT_ROW);
    array* g = array_new(DTYPE_FLOAT64, 2, shape, LAYOUT_ROW);
    array* y = array_new(DTYPE_FLOAT64, 2, shape, LAYOUT_ROW);
    array* gx = array_new(DTYPE_FLOAT64, 2, shape, LAYOUT_ROW);
    array* w = array_new(DTYPE_FLOAT64, 1, shape + 1, LAYOUT_ROW);
    array_fill(x, -1, 1);
    array_fill(g, -1, 1);
    array_fill(w, -1, 1);
    if (centred)
      norm_layer_vjp(
          &x->view, &w->view, &g->view, 1e-5f, &gx->view, NULL, NULL);
    else
      norm_rms_vjp(&x->view, &w->view, &g->view, 1e-5f, &gx->view, NULL);
    double* data = x->view.data;
    for (int i = 0; i < 12; i++) {
      double keep = data[i], step = 1e-6, value[2];
      for (int side = 0; side < 2; side++) {
        data[i] = keep + (side ? step : -step);
        if (centred)
          norm_layer(&x->view, &w->view, NULL, 1e-5f, &y->view);
        else
          norm_rms(&x->view, &w->view, 1e-5f, &y->view);
        value[side] = 0;
        for (int k = 0; k < 12; k++) value[side] += at(y, k) * at(g, k);
      }
      data[i] = keep;
      array_assert_close(
          "difference",
          i,
          array_get(&gx->view, i),
          (number){(value[1] - value[0]) / (2 * step), 0},
          1e-6,
          1e-6);
    }
    array_free(x);
    array_free(g);
    array_free(y);
    array_free(gx);
    array_free(w);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_layer),
      cmocka_unit_test(test_rms),
      cmocka_unit_test(test_differences),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
