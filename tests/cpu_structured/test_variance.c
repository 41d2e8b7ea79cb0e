/* variance_run against two passes in double. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "arrays.h"
#include "cpu/variance.h"

static void check(lz_dtype d, uint64_t seed) {
  arrays_seed(seed);
  int ndim = 1 + arrays_below(4), kept = 0;
  int32_t shape[LZ_MAX_DIMS], out_shape[LZ_MAX_DIMS];
  array_shape(ndim, arrays_below(6) ? 3000 : 90000, false, shape);
  if (arrays_below(6) == 0) shape[arrays_below(ndim)] = 20000;
  int64_t size = 1;
  for (int i = 0; i < ndim; i++) size *= shape[i];
  if (size > 200000) return;
  uint32_t axes = 1u + (uint32_t)arrays_below((1 << ndim) - 1);
  bool ones = arrays_below(2);
  for (int i = 0; i < ndim; i++) {
    bool gone = axes & (1u << i);
    if (!gone || ones) out_shape[kept++] = gone ? 1 : shape[i];
  }
  array* x = array_new(d, ndim, shape, arrays_below(LAYOUTS));
  array* out = array_new(d, kept, out_shape, arrays_below(LAYOUT_BROADCAST));
  double middle = arrays_uniform(-20, 20), factor = arrays_uniform(0.01, 2);
  array_fill(x, middle - 2, middle + 2);
  assert_int_equal(variance_run(&x->view, axes, factor, &out->view), 0);

  int64_t places = view_size(&out->view);
  double* mean = calloc((size_t)places, sizeof *mean);
  double* squares = calloc((size_t)places, sizeof *squares);
  int64_t* at = malloc((size_t)size * sizeof *at);
  for (int64_t k = 0; k < size; k++) {
    int64_t rest = k, place = 0, step = 1;
    for (int i = ndim; i-- > 0;) {
      int64_t index = rest % shape[i];
      rest /= shape[i];
      if (axes & (1u << i)) continue;
      place += index * step;
      step *= shape[i];
    }
    at[k] = place;
    mean[place] += array_get(&x->view, k).re * (double)places / (double)size;
  }
  for (int64_t k = 0; k < size; k++) {
    double off = array_get(&x->view, k).re - mean[at[k]];
    squares[at[k]] += off * off;
  }
  double near = d == DTYPE_FLOAT64 ? 1e-12 : 1e-5;
  /* Where all are equal: what the rounded means leave, here and there. */
  double rest = (d == DTYPE_FLOAT64 ? 1e-11 : 1e-6) * (fabs(middle) + 2);
  rest *= rest * factor * (double)size / (double)places;
  for (int64_t p = 0; p < places; p++) {
    double want = squares[p] * factor, got = array_get(&out->view, p).re;
    double room = near * want + rest;
    if (!(fabs(got - want) <= room))
      fail_msg(
          "seed %llu, place %lld: %.9g, not %.9g",
          (unsigned long long)seed,
          (long long)p,
          got,
          want);
  }
  free(mean);
  free(squares);
  free(at);
  array_free(x);
  array_free(out);
}

static void many(void** state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 400; seed++)
    check(seed % 3 ? DTYPE_FLOAT32 : DTYPE_FLOAT64, seed);
}

/* The sum of squares alone would lose all of it. */
static void far_from_zero(void** state) {
  (void)state;
  int32_t shape[] = {64, 32}, row[] = {64}, column[] = {32};
  array* x = array_new(DTYPE_FLOAT32, 2, shape, LAYOUT_ROW);
  for (int64_t i = 0; i < 64 * 32; i++)
    array_set(&x->view, i, (number){1e6 + (double)((i + i / 32) % 2), 0});
  array* rows = array_new(DTYPE_FLOAT32, 1, row, LAYOUT_ROW);
  array* columns = array_new(DTYPE_FLOAT32, 1, column, LAYOUT_ROW);
  assert_int_equal(variance_run(&x->view, 2, 1.0 / 32, &rows->view), 0);
  assert_int_equal(variance_run(&x->view, 1, 1.0 / 64, &columns->view), 0);
  for (int i = 0; i < 64; i++)
    assert_true(fabs(array_get(&rows->view, i).re - 0.25) < 1e-6);
  for (int i = 0; i < 32; i++)
    assert_true(fabs(array_get(&columns->view, i).re - 0.25) < 1e-6);
  array_free(x);
  array_free(rows);
  array_free(columns);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(many), cmocka_unit_test(far_from_zero)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
