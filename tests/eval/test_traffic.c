/* What moves between kernels: values that are computed again rather than kept,
 * arrays that several kernels read in one pass, and what is said of values that
 * had to go through memory. */
#include <math.h>
#include <string.h>

#include "make.h"
#include "memory/alloc.h"
#include "ops/elementwise.h"
#include "ops/matmul.h"
#include "ops/norm.h"
#include "ops/order.h"
#include "ops/reduce.h"
#include "ops/shape.h"
#include "watch.h"

enum { ROWS = 256, COLS = 256 }; /* 256 KB */
#define SQUARE ((uint64_t)4 * ROWS * COLS)

static void evaluate_both(lz_array* a, lz_array* b) {
  lz_array* both[] = {a, b};
  if (!a || !b || eval_arrays(both, 2, LAZULI_TRIGGER_EVAL, false))
    fail_msg("%s", error_message());
}

static float at(const lz_array* a, int i) {
  return ((const float*)array_data(a))[i];
}

static void a_cheap_value_is_computed_again(void** state) {
  (void)state;
  size_t scope = scope_open();
  lz_array* x = NUMBERS(ROWS, COLS);
  watch_start();
  size_t inner = scope_open();
  lz_array* e = op_exp(op_multiply(x, scalar(0.5f), S), S);
  lz_array* y = op_divide(e, op_sum(e, AXES_ALL, false, S), S);
  scope_own(y = scope_close(inner, y));
  evaluate(y);
  assert_int_equal(watched.kernels, 2);
  assert_int_equal(watched.recomputed, 2); /* exp, and the product in it */
  assert_int_equal(watched.written, SQUARE + 4);
  double sum = 0;
  for (int i = 0; i < ROWS * COLS; i++) sum += exp(0.5 * at(x, i));
  for (int i = 0; i < ROWS * COLS; i += 97)
    assert_true(
        fabs(at(y, i) - exp(0.5 * at(x, i)) / sum) < 1e-6 * exp(0.5) / sum);
  watch_stop();
  scope_close(scope, NULL);
}

static void a_dear_value_is_kept(void** state) {
  (void)state;
  size_t scope = scope_open();
  lz_array *x = NUMBERS(ROWS, COLS), *z = NUMBERS(ROWS, COLS);
  watch_start();
  size_t inner = scope_open();
  lz_array* e = op_power(op_square(x, S), op_square(z, S), S);
  lz_array* y = op_divide(e, op_sum(e, AXES_ALL, false, S), S);
  scope_own(y = scope_close(inner, y));
  evaluate(y);
  assert_int_equal(watched.kernels, 3);
  assert_int_equal(watched.recomputed, 0);
  assert_int_equal(watched.written, 2 * SQUARE + 4);
  assert_int_equal(watched.last_refusal, LAZULI_REFUSAL_SHARED);
  watch_stop();
  scope_close(scope, NULL);
}

/* x·w, then gelu of it; its derivative reads the product alone. */
static void a_derivative_reads_one_array_of_what_went_before(void** state) {
  (void)state;
  size_t scope = scope_open();
  lz_array *x = NUMBERS(ROWS, 64), *w = NUMBERS(64, COLS),
           *back = NUMBERS(COLS, COLS);
  watch_start();
  size_t inner = scope_open();
  lz_array* u = op_matmul(x, w, S);
  lz_array* half = op_multiply(u, scalar(0.5f), S);
  lz_array* root = op_multiply(u, scalar(0.70710678f), S);
  lz_array* e = op_add(op_erf(root, S), scalar(1), S);
  lz_array* y = op_matmul(op_multiply(half, e, S), back, S);
  lz_array* bell = op_exp(op_negative(op_square(root, S), S), S);
  lz_array* d = op_add(
      op_multiply(e, scalar(0.5f), S),
      op_multiply(op_multiply(half, bell, S), scalar(0.79788456f), S),
      S);
  lz_array* g = op_multiply(op_matmul(y, back, S), d, S);
  scope_own(g = scope_close(inner, g));
  evaluate(g);
  assert_int_equal(watched.kernels, 3);
  /* The product, gelu, y, and the result. */
  assert_int_equal(watched.written, 4 * SQUARE);
  assert_true(watched.recomputed >= 3);
  watch_stop();
  scope_close(scope, NULL);
}

static void kernels_that_read_the_same_are_one(void** state) {
  (void)state;
  size_t scope = scope_open();
  lz_array *x = NUMBERS(ROWS, COLS), *z = NUMBERS(COLS);
  watch_start();
  lz_array* a = op_tanh(op_multiply(x, scalar(2), S), S);
  lz_array* b = op_add(x, z, S);
  evaluate_both(a, b);
  assert_int_equal(watched.kernels, 1);
  for (int i = 0; i < ROWS * COLS; i += 61) {
    assert_true(fabs(at(a, i) - tanh(2.0 * at(x, i))) < 1e-6);
    assert_true(at(b, i) == at(x, i) + at(z, i % COLS));
  }
  watch_stop();
  scope_close(scope, NULL);
}

/* One of the two waits for the other, through a kernel between them. */
static void kernels_that_wait_for_each_other_stay_two(void** state) {
  (void)state;
  size_t scope = scope_open();
  lz_array* x = NUMBERS(ROWS, COLS);
  watch_start();
  lz_array* a = op_add(x, scalar(1), S);
  lz_array* sorted = op_sort(a, (const int[]){0}, S);
  lz_array* b = op_multiply(x, sorted, S);
  evaluate_both(a, b);
  assert_int_equal(watched.kernels, 3);
  assert_true(at(b, 0) == at(x, 0) * at(sorted, 0));
  watch_stop();
  scope_close(scope, NULL);
}

static void a_boundary_that_splits_a_chain_is_told(void** state) {
  (void)state;
  size_t scope = scope_open();
  lz_array* x = NUMBERS(ROWS, COLS);
  watch_start();
  for (int i = 0; i < 3; i++) evaluate(x = op_add(x, scalar(1), S));
  assert_int_equal(watched.refusals, 2);
  assert_int_equal(watched.last_refusal, LAZULI_REFUSAL_EVALUATED);
  watch_stop();
  scope_close(scope, NULL);
}

static void a_view_between_is_told(void** state) {
  (void)state;
  size_t scope = scope_open();
  lz_array* x = NUMBERS(ROWS, COLS);
  watch_start();
  for (int i = 0; i < 2; i++) { /* planned, and from the plan */
    lz_array* t = op_transpose(op_exp(x, S), (const int[]){1, 0}, 2, S);
    evaluate(op_sort(op_add(t, scalar(1), S), (const int[]){1}, S));
    assert_int_equal(watched.refusals, i + 1);
    assert_int_equal(watched.last_refusal, LAZULI_REFUSAL_VIEW);
  }
  assert_int_equal(watched.planned, 1);
  watch_stop();
  scope_close(scope, NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_cheap_value_is_computed_again),
      cmocka_unit_test(a_dear_value_is_kept),
      cmocka_unit_test(a_derivative_reads_one_array_of_what_went_before),
      cmocka_unit_test(kernels_that_read_the_same_are_one),
      cmocka_unit_test(kernels_that_wait_for_each_other_stay_two),
      cmocka_unit_test(a_boundary_that_splits_a_chain_is_told),
      cmocka_unit_test(a_view_between_is_told),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
