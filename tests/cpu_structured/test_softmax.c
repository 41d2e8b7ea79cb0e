/* softmax_run and softmax_logsumexp against sums in double. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "arrays.h"
#include "cpu/softmax.h"

static const lz_dtype types[] = {
    DTYPE_FLOAT16, DTYPE_BFLOAT16, DTYPE_FLOAT32, DTYPE_FLOAT64};

/* Place in `in` of element i of line `line` along `axis`. */
static int64_t line_place(const lz_view* v, int axis, int64_t line, int64_t i) {
  int64_t inner = 1;
  for (int k = axis + 1; k < v->ndim; k++) inner *= v->shape[k];
  return (line / inner * v->shape[axis] + i) * inner + line % inner;
}

static void check(lz_dtype d, uint64_t seed) {
  arrays_seed(seed);
  int ndim = 1 + arrays_below(4), axis = arrays_below(ndim);
  int32_t shape[LZ_MAX_DIMS], sums[LZ_MAX_DIMS];
  array_shape(ndim, arrays_below(6) ? 3000 : 100000, true, shape);
  array* in = array_new(d, ndim, shape, arrays_below(LAYOUTS));
  array_fill(in, -20, 20);
  if (arrays_below(4) == 0) array_spice(in, 300);
  array* out = array_new(d, ndim, shape, arrays_below(LAYOUT_BROADCAST));
  int o = 0;
  bool drop = arrays_below(2);
  for (int i = 0; i < ndim; i++)
    if (i != axis)
      sums[o++] = shape[i];
    else if (!drop)
      sums[o++] = 1;
  array* log_sum = array_new(d, o, sums, arrays_below(LAYOUT_BROADCAST));
  softmax_run(&in->view, axis, arrays_below(2), &out->view);
  softmax_logsumexp(&in->view, axis, &log_sum->view);
  int64_t n = shape[axis], lines = n ? view_size(&in->view) / n : 0;
  double single = d == DTYPE_FLOAT64 ? 0x1p-46 : 0x1p-18; /* of x - max */
  double rel = array_eps(d) + single;
  char what[100];
  snprintf(
      what,
      sizeof what,
      "softmax %s seed %llu",
      dtype_name(d),
      (unsigned long long)seed);
  for (int64_t line = 0; line < lines; line++) {
    double top = -INFINITY, sum = 0;
    bool nan = false;
    for (int64_t i = 0; i < n; i++)
      top = fmax(
          top, array_get(&in->view, line_place(&in->view, axis, line, i)).re);
    for (int64_t i = 0; i < n; i++)
      nan |=
          isnan(array_get(&in->view, line_place(&in->view, axis, line, i)).re);
    for (int64_t i = 0; i < n; i++)
      sum += exp(
          array_get(&in->view, line_place(&in->view, axis, line, i)).re - top);
    for (int64_t i = 0; i < n; i++) {
      int64_t place = line_place(&in->view, axis, line, i);
      number want = {exp(array_get(&in->view, place).re - top) / sum, 0};
      number got = array_get(&out->view, place);
      array_assert_close(
          what,
          place,
          got,
          array_round(d, want),
          rel,
          d == DTYPE_FLOAT16 ? 0x1p-24 : 1e-37);
    }
    bool exact = isinf(top) && !nan;
    number want = {exact ? top : top + log(sum), 0};
    array_assert_close(
        what,
        line,
        array_get(&log_sum->view, line),
        array_round(d, want),
        rel,
        rel);
  }
  array_free(in);
  array_free(out);
  array_free(log_sum);
}

static void test_random(void** unused) {
  (void)unused;
  uint64_t seed = 1;
  for (int t = 0; t < 4; t++)
    for (int i = 0; i < 120; i++) check(types[t], seed++);
}

static void test_in_place(void** unused) {
  (void)unused;
  for (int t = 0; t < 4; t++) {
    arrays_seed((uint64_t)t);
    int32_t shape[] = {5, 9000};
    array* a = array_new(types[t], 2, shape, LAYOUT_ROW);
    array* b = array_new(types[t], 2, shape, LAYOUT_ROW);
    array_fill(a, -3, 3);
    softmax_run(&a->view, 1, true, &b->view);
    softmax_run(&a->view, 1, true, &a->view);
    for (int64_t i = 0; i < 45000; i++)
      assert_true(array_get(&a->view, i).re == array_get(&b->view, i).re);
    array_free(a);
    array_free(b);
  }
}

static void test_facts(void** unused) {
  (void)unused;
  float low[] = {-INFINITY, -INFINITY}, high[] = {INFINITY, 1}, out[2], sum;
  int32_t two = 2;
  int64_t unit = 1;
  lz_view x = {low, DTYPE_FLOAT32, 1, &two, &unit};
  lz_view y = {high, DTYPE_FLOAT32, 1, &two, &unit};
  lz_view o = {out, DTYPE_FLOAT32, 1, &two, &unit};
  lz_view s = {&sum, DTYPE_FLOAT32, 0, NULL, NULL};
  softmax_run(&x, 0, false, &o);
  assert_true(isnan(out[0]) && isnan(out[1]));
  softmax_logsumexp(&x, 0, &s);
  assert_true(sum == -INFINITY);
  softmax_logsumexp(&y, 0, &s);
  assert_true(sum == INFINITY);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_random),
      cmocka_unit_test(test_in_place),
      cmocka_unit_test(test_facts),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
