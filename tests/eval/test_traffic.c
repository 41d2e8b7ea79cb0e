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
  /* The product, y, and the result: gelu of it is an operand that is made. */
  assert_int_equal(watched.written, 3 * SQUARE);
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
  lz_array* x = array_ref(NUMBERS(ROWS, COLS));
  watch_start();
  for (int i = 0; i < 3; i++) {
    size_t inner = scope_open();
    lz_array* y = scope_close(inner, op_add(x, scalar(1), S));
    array_unref(x);
    evaluate(x = y);
  }
  assert_int_equal(watched.refusals, 2);
  assert_int_equal(watched.last_refusal, LAZULI_REFUSAL_EVALUATED);
  watch_stop();
  array_unref(x);
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

static void a_product_takes_in_what_makes_its_operand(void** state) {
  (void)state;
  size_t scope = scope_open();
  lz_array *x = NUMBERS(3, 200, 96), *w = NUMBERS(96, 130), *b = NUMBERS(130),
           *s = NUMBERS(96);
  /* The left operand; the right one; neither, as each has a value of its own
   * to be made. */
  for (int side = 0; side < 3; side++) {
    watch_start();
    size_t inner = scope_open();
    lz_array *left = x, *right = w;
    if (side != 1)
      left = op_multiply(op_tanh(op_multiply(x, scalar(2), S), S), s, S);
    if (side != 0) right = op_square(op_add(w, b, S), S);
    lz_array* y =
        op_maximum(op_add(op_matmul(left, right, S), b, S), scalar(0), S);
    scope_own(y = scope_close(inner, y));
    evaluate(y);
    assert_int_equal(watched.kernels, side == 2 ? 2 : 1);
    if (side < 2) assert_int_equal(watched.written, 3 * 200 * 130 * 4);
    watch_stop();
    for (int i = 0; i < 3 * 200 * 130; i += 37) {
      double sum = at(b, i % 130);
      for (int k = 0; k < 96; k++) {
        double l = at(x, i / 130 * 96 + k), r = at(w, k * 130 + i % 130);
        if (side != 1) l = tanh(2 * l) * at(s, k);
        if (side != 0) r = (r + at(b, i % 130)) * (r + at(b, i % 130));
        sum += l * r;
      }
      assert_true(fabs(at(y, i) - fmax(sum, 0)) < 1e-4 * (1 + fabs(sum)));
    }
  }
  scope_close(scope, NULL);
}

/* Every type, strided in stripes, one row, alone and with what follows. */
static void operands_that_are_made_have_the_same_products(void** state) {
  (void)state;
  static const lz_dtype types[] = {
      DTYPE_FLOAT32, DTYPE_FLOAT16, DTYPE_BFLOAT16, DTYPE_COMPLEX64};
  size_t scope = scope_open();
  for (int turn = 0; turn < 96; turn++) {
    lz_dtype d = types[turn % 4];
    /* Made as they stand, or turned. */
    const int around[] = {1, 0};
    bool turned = turn & 32;
    int32_t m = turn % 3 ? 1 + below(700) : 1, k = 20 + below(90);
    int32_t n = turn % 5 ? 1 + below(300) : 1;
    lz_array* x = op_astype(turned ? NUMBERS(k, m) : NUMBERS(m, k), d, S);
    lz_array* w = op_astype(turned ? NUMBERS(n, k) : NUMBERS(k, n), d, S);
    lz_array* c = op_astype(NUMBERS(n), d, S);
    lz_array* s = op_astype(NUMBERS(k), d, S);
    evaluate_both(x, w);
    evaluate_both(c, s);
    lz_array* got[2];
    for (int fused = 0; fused < 2; fused++) {
      lz_array *left = x, *right = w;
      if (turn & 4)
        left = op_multiply(x, x, S);
      else
        right = op_add(w, turned ? s : c, S);
      if (!fused) evaluate_both(left, right);
      if (turned) {
        left = op_transpose(left, around, 2, S);
        right = op_transpose(right, around, 2, S);
      }
      lz_array* y = turn & 8 && d != DTYPE_COMPLEX64
                        ? op_addmm(c, left, right, 0.5f, 2, S)
                        : op_matmul(left, right, S);
      got[fused] = turn & 16 ? op_square(y, S) : y;
      watch_start();
      evaluate(got[fused]);
      /* A right operand of few rows is better made whole, in pieces of its
       * rows; what is one row, turned, needs no turning. */
      bool whole = turn & 4 ? turned && m == 1 : !turned && m < 64;
      assert_int_equal(watched.kernels, fused && whole ? 2 : 1);
      watch_stop();
    }
    lz_array *a = op_astype(got[0], DTYPE_FLOAT32, S),
             *b = op_astype(got[1], DTYPE_FLOAT32, S);
    evaluate_both(a, b);
    double near = d == DTYPE_BFLOAT16 ? 2e-2 : d == DTYPE_FLOAT16 ? 2e-3 : 2e-5;
    for (int i = 0; i < m * n; i++)
      if (!(fabs(at(a, i) - at(b, i)) <= near * (1 + fabs(at(b, i)))))
        fail_msg(
            "turn %d: element %d is %g, from memory %g",
            turn,
            i,
            (double)at(b, i),
            (double)at(a, i));
  }
  scope_close(scope, NULL);
}

/* The gradient of weights: what the forward pass left, flattened and turned,
 * is made once more from the product before it. */
static void activations_are_made_again_for_the_gradient(void** state) {
  (void)state;
  size_t scope = scope_open();
  enum { B = 4, T = 64, IN = 32, HIDDEN = 256, OUT = 80 };
  lz_array *x = NUMBERS(B, T, IN), *w = NUMBERS(IN, HIDDEN),
           *v = NUMBERS(HIDDEN, OUT), *dy = NUMBERS(B * T, OUT);
  lz_array *y[2], *dv[2];
  for (int fused = 0; fused < 2; fused++) {
    watch_start();
    size_t inner = scope_open();
    lz_array* u = op_matmul(x, w, S);
    lz_array* h = op_maximum(u, scalar(0), S);
    if (!fused) evaluate_both(u, h);
    y[fused] = op_matmul(h, v, S);
    lz_array* flat = op_reshape(h, (const int[]){B * T, HIDDEN}, 2, S);
    lz_array* turned = op_transpose(flat, (const int[]){1, 0}, 2, S);
    dv[fused] = array_ref(op_matmul(turned, dy, S));
    array_ref(y[fused]);
    scope_close(inner, NULL);
    evaluate_both(y[fused], dv[fused]);
    if (fused) {
      assert_int_equal(watched.kernels, 3);
      /* The product, and the two results. */
      assert_int_equal(
          watched.written, 4 * (B * T * HIDDEN + B * T * OUT + HIDDEN * OUT));
    }
    watch_stop();
    scope_own(y[fused]);
    scope_own(dv[fused]);
  }
  for (int i = 0; i < HIDDEN * OUT; i++)
    assert_true(fabs(at(dv[0], i) - at(dv[1], i)) < 1e-3);
  for (int i = 0; i < B * T * OUT; i++)
    assert_true(fabs(at(y[0], i) - at(y[1], i)) < 1e-3);
  scope_close(scope, NULL);
}

/* The view waits for a value that is too dear to be made twice, and which a
 * kernel behind the view's place would have taken in. */
static void a_view_of_what_stays_in_memory_comes_after_it(void** state) {
  (void)state;
  size_t scope = scope_open();
  lz_array *x = NUMBERS(ROWS, COLS), *z = NUMBERS(ROWS, COLS);
  lz_array* h = op_power(op_square(x, S), op_square(z, S), S);
  lz_array* turned = op_transpose(h, (const int[]){1, 0}, 2, S);
  lz_array* product = op_matmul(turned, z, S);
  lz_array* s = op_sort(op_softmax(h, AXIS(-1), true, S), (const int[]){1}, S);
  lz_array* y = op_multiply(product, s, S);
  evaluate_both(y, s);
  for (int i = 0; i < ROWS * COLS; i += 4001) {
    double sum = 0;
    for (int k = 0; k < ROWS; k++) {
      double b = at(x, k * COLS + i / COLS), c = at(z, k * COLS + i / COLS);
      sum += pow(b * b, c * c) * at(z, k * COLS + i % COLS);
    }
    sum *= at(s, i);
    assert_true(fabs(at(y, i) - sum) < 1e-4 * (1 + fabs(sum)));
  }
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
      cmocka_unit_test(a_product_takes_in_what_makes_its_operand),
      cmocka_unit_test(activations_are_made_again_for_the_gradient),
      cmocka_unit_test(a_view_of_what_stays_in_memory_comes_after_it),
      cmocka_unit_test(operands_that_are_made_have_the_same_products),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
