/* Kernels of several operations: how many there are for what people write by
 * hand, what they write to memory, and that their values are those of one
 * operation after the other. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "make.h"
#include "memory/alloc.h"
#include "ops/elementwise.h"
#include "ops/index.h"
#include "ops/matmul.h"
#include "ops/norm.h"
#include "ops/order.h"
#include "ops/reduce.h"
#include "ops/shape.h"
#include "watch.h"

/* ---- what people write -----------------------------------------------------
 */

static void attention_is_three_kernels_and_one_square(void** state) {
  (void)state;
  size_t scope = scope_open();
  enum { B = 2, H = 4, T = 64, D = 32 };
  lz_array *q = NUMBERS(B, H, T, D), *k = NUMBERS(B, H, T, D),
           *v = NUMBERS(B, H, T, D), *mask = NUMBERS(T, T);
  watch_start();
  size_t inner = scope_open();
  lz_array* scores =
      op_matmul(q, op_transpose(k, (const int[]){0, 1, 3, 2}, 4, S), S);
  scores = op_add(op_multiply(scores, scalar(0.125f), S), mask, S);
  lz_array* out = op_matmul(op_softmax(scores, AXIS(-1), true, S), v, S);
  scope_own(out = scope_close(inner, out));
  evaluate(out);
  assert_true(watched.kernels <= 3);
  /* Scores once, probabilities in their memory, the result. */
  assert_true(
      watched.written <= (uint64_t)4 * (2 * B * H * T * T + B * H * T * D));
  assert_true(watched.donated >= 1);
  watch_stop();
  scope_close(scope, NULL);
}

static void gelu_by_hand_is_one_kernel(void** state) {
  (void)state;
  size_t scope = scope_open();
  lz_array* x = NUMBERS(64, 256);
  watch_start();
  lz_array* cube = op_multiply(op_multiply(x, x, S), x, S);
  lz_array* inner = op_multiply(
      op_add(x, op_multiply(cube, scalar(0.044715f), S), S),
      scalar(0.79788456f),
      S);
  lz_array* y = op_multiply(
      op_multiply(x, scalar(0.5f), S),
      op_add(op_tanh(inner, S), scalar(1), S),
      S);
  evaluate(y);
  assert_int_equal(watched.kernels, 1);
  assert_int_equal(watched.written, 64 * 256 * 4);
  watch_stop();
  scope_close(scope, NULL);
}

static void adam_is_one_kernel_of_three_results(void** state) {
  (void)state;
  size_t scope = scope_open();
  lz_array *w = NUMBERS(128, 64), *m = NUMBERS(128, 64), *v = NUMBERS(128, 64),
           *g = NUMBERS(128, 64);
  v = op_square(v, S);
  evaluate(v);
  watch_start();
  m = op_add(
      op_multiply(m, scalar(0.9f), S), op_multiply(g, scalar(0.1f), S), S);
  v = op_add(
      op_multiply(v, scalar(0.999f), S),
      op_multiply(op_square(g, S), scalar(0.001f), S),
      S);
  w = op_subtract(
      w,
      op_divide(
          op_multiply(m, scalar(0.01f), S),
          op_add(op_sqrt(v, S), scalar(1e-8f), S),
          S),
      S);
  lz_array* all[] = {w, m, v};
  assert_int_equal(eval_arrays(all, 3, LAZULI_TRIGGER_EVAL, false), 0);
  assert_int_equal(watched.kernels, 1);
  assert_int_equal(watched.written, 3 * 128 * 64 * 4);
  watch_stop();
  scope_close(scope, NULL);
}

static lz_array* rms_by_hand(lz_array* x, lz_array* w) {
  lz_array* mean = op_mean(op_square(x, S), AXIS(-1), true, S);
  lz_array* r = op_rsqrt(op_add(mean, scalar(1e-5f), S), S);
  return op_multiply(op_multiply(x, r, S), w, S);
}

static void rms_norm_by_hand_is_one_kernel(void** state) {
  (void)state;
  size_t scope = scope_open();
  lz_array *x = NUMBERS(64, 256), *w = NUMBERS(256);
  watch_start();
  evaluate(rms_by_hand(x, w));
  assert_int_equal(watched.kernels, 1);
  assert_int_equal(watched.written, 64 * 256 * 4);
  watch_stop();
  scope_close(scope, NULL);
}

static void cross_entropy_is_a_kernel_for_the_rows_and_one_for_the_mean(
    void** state) {
  (void)state;
  size_t scope = scope_open();
  enum { N = 256, C = 64 };
  int32_t labels[N];
  for (int i = 0; i < N; i++) labels[i] = below(C);
  lz_array* logits = NUMBERS(N, C);
  lz_array* y = scope_own(
      array_new_data(DTYPE_INT32, 2, (const int32_t[]){N, 1}, labels));
  watch_start();
  lz_array* loss = op_mean(
      op_subtract(
          op_logsumexp(logits, AXIS(-1), true, S),
          op_take_along_axis(logits, y, 1, S),
          S),
      AXES_ALL,
      false,
      S);
  evaluate(loss);
  assert_true(watched.kernels <= 2);
  double want = 0;
  const float* p = array_data(logits);
  for (int i = 0; i < N; i++) {
    double sum = 0;
    for (int j = 0; j < C; j++) sum += exp(p[i * C + j]);
    want += log(sum) - p[i * C + labels[i]];
  }
  assert_true(fabs(*(float*)array_data(loss) - want / N) < 1e-5);
  watch_stop();
  scope_close(scope, NULL);
}

static void sums_take_in_what_they_sum(void** state) {
  (void)state;
  size_t scope = scope_open();
  lz_array *x = NUMBERS(300, 70), *y = NUMBERS(300, 70);
  for (int axis = -1; axis < 2; axis++) {
    watch_start();
    lz_axes axes = {&axis, axis < 0 ? -1 : 1};
    lz_array* s = op_mean(op_square(op_subtract(x, y, S), S), axes, false, S);
    evaluate(s);
    assert_int_equal(watched.kernels, 1);
    assert_int_equal(
        watched.written,
        4 * (axis < 0    ? 1
             : axis == 0 ? 70
                         : 300));
    watch_stop();
  }
  scope_close(scope, NULL);
}

static void products_take_in_what_follows(void** state) {
  (void)state;
  size_t scope = scope_open();
  lz_array *x = NUMBERS(200, 96), *w = NUMBERS(96, 130), *b = NUMBERS(130);
  watch_start();
  lz_array* h = op_add(op_matmul(x, w, S), b, S);
  lz_array* y = op_maximum(h, scalar(0), S);
  evaluate(y);
  assert_int_equal(watched.kernels, 1);
  assert_int_equal(watched.written, 200 * 130 * 4);
  watch_stop();
  scope_close(scope, NULL);
}

/* A large result that is needed late, beside a small one with large
 * temporaries: written down first, it is made last. */
static void what_needs_more_on_the_way_is_made_first(void** state) {
  (void)state;
  size_t scope = scope_open();
  enum { N = 1 << 20 };
  lz_array* seed_of = NUMBERS(1, 1024);
  alloc_clear_cache();
  size_t before = alloc_active();
  alloc_reset_peak();
  size_t inner = scope_open();
  const int32_t wide[] = {1024, 1024}, wider[] = {6, 1024, 1024};
  lz_array* late = op_sort(
      op_sin(op_broadcast_to(seed_of, wide, 2, S), S), (const int[]){0}, S);
  lz_array* big = op_sort(
      op_cos(op_broadcast_to(seed_of, wider, 3, S), S), (const int[]){1}, S);
  lz_array* small = op_max(big, AXIS(0), false, S);
  lz_array* y = op_sort(op_add(late, small, S), (const int[]){0}, S);
  y = scope_close(inner, y);
  evaluate(y);
  /* The large temporaries, in and out of the sort, without the late result. */
  assert_true(alloc_peak() - before < (size_t)4 * N * (2 * 6 + 1));
  array_unref(y);
  scope_close(scope, NULL);
}

static lz_array* step_of(lz_array* w, lz_array* x, float rate) {
  lz_array* y = op_matmul(x, w, S);
  lz_array* g =
      op_matmul(op_transpose(x, (const int[]){1, 0}, 2, S), op_tanh(y, S), S);
  return op_subtract(w, op_multiply(g, scalar(rate), S), S);
}

static void the_second_training_step_plans_nothing(void** state) {
  (void)state;
  size_t scope = scope_open();
  lz_array *w = NUMBERS(24, 8), *x = NUMBERS(32, 24);
  watch_start();
  for (int i = 0; i < 10; i++)
    evaluate(w = step_of(w, x, 0.01f / (float)(i + 1)));
  assert_int_equal(watched.evals, 10);
  assert_int_equal(watched.planned, 1);
  /* Another shape is another plan; what is 1 may be left out. */
  evaluate(step_of(w, NUMBERS(33, 24), 0.01f));
  assert_int_equal(watched.planned, 2);
  evaluate(step_of(w, x, 1));
  assert_int_equal(watched.planned, 3);
  watch_stop();
  scope_close(scope, NULL);
}

/* ---- the same values as one by one -----------------------------------------
 */

enum { STEPS = 14 };

/* One random operation on arrays made so far. The same seed makes the same
 * graph; `each` evaluates every array at once. */
static lz_array* random_step(lz_array** made, int n) {
  lz_array *a = made[below(n)], *b = made[below(n)];
  switch (below(16)) {
    case 0:
      return op_sin(a, S);
    case 1:
      return op_multiply(op_square(a, S), scalar(0.5f), S);
    case 2:
    case 3:
      if (a->ndim == b->ndim && array_same_shape(a, b)) return op_add(a, b, S);
      return op_maximum(a, scalar(0.1f), S);
    case 4: {
      /* A row's sum, spread again. */
      lz_array* sum = op_sum(a, AXIS(-1), true, S);
      return op_subtract(a, op_multiply(sum, scalar(0.01f), S), S);
    }
    case 5:
      return op_softmax(a, AXIS(-1), true, S);
    case 6:
      return op_max(a, AXIS(-1), true, S);
    case 7:
      return op_mean(a, AXIS(below(a->ndim)), true, S);
    case 8:
      return op_rms_norm(a, NULL, 1e-5f, S);
    case 9:
      return op_expand_dims(a, (const int[]){a->ndim}, 1, S);
    case 10:
      if (a->ndim > 1 && a->shape[a->ndim - 1] == 1)
        return op_squeeze(a, (const int[]){a->ndim - 1}, 1, S);
      return op_cos(a, S);
    case 11:
      if (a->ndim == 3) {
        int32_t shape[] = {a->shape[0], a->shape[1] * a->shape[2]};
        return op_reshape(op_sin(a, S), shape, 2, S);
      }
      return op_abs(a, S);
    case 12:
      if (a->ndim == 2 && b->ndim == 2 && a->shape[1] == b->shape[0])
        return op_add(op_matmul(a, b, S), scalar(0.5f), S);
      return op_negative(a, S);
    case 13:
      if (a->ndim >= 2) {
        int32_t shape[8];
        memcpy(shape, a->shape, sizeof(int32_t) * a->ndim);
        if (shape[a->ndim - 1] == 1) {
          shape[a->ndim - 1] = 5;
          return op_exp(
              op_negative(op_abs(op_broadcast_to(a, shape, a->ndim, S), S), S),
              S);
        }
      }
      return op_tanh(a, S);
    case 14:
      if (a->ndim == b->ndim) {
        bool fits = true;
        for (int i = 0; i < a->ndim; i++)
          fits &= a->shape[i] == b->shape[i] || a->shape[i] == 1 ||
                  b->shape[i] == 1;
        if (fits) return op_multiply(a, b, S);
      }
      return op_square(a, S);
    default: {
      int axes[8];
      for (int i = 0; i < a->ndim; i++) axes[i] = a->ndim - 1 - i;
      return op_cos(op_transpose(a, axes, a->ndim, S), S);
    }
  }
}

static float value_at(const lz_array* a, int64_t i) {
  int64_t at = 0;
  for (int d = a->ndim; d-- > 0; i /= a->shape[d])
    at += i % a->shape[d] * a->strides[d];
  return ((const float*)array_data(a))[at];
}

static void same_values(const lz_array* a, const lz_array* b, uint32_t graph) {
  assert_true(array_same_shape(a, b));
  for (int64_t i = 0; i < a->size; i++) {
    float x = value_at(a, i), y = value_at(b, i);
    if (isnan(x) && isnan(y)) continue;
    if (!(fabsf(x - y) <= 2e-5f * (1 + fabsf(y))))
      fail_msg(
          "graph %u, element %lld of %s: %g, one by one %g",
          graph,
          (long long)i,
          error_shape_of(a),
          (double)x,
          (double)y);
  }
}

static int build(
    uint32_t from, bool each, lz_array** made, int32_t rows, int32_t cols) {
  seed = from;
  int n = 0;
  made[n++] = numbers(2, (const int32_t[]){rows, cols});
  made[n++] = numbers(3, (const int32_t[]){rows, 3, cols});
  made[n++] = numbers(1, (const int32_t[]){cols});
  made[n++] = numbers(2, (const int32_t[]){cols, cols});
  for (int i = 0; i < STEPS; i++) {
    lz_array* a = random_step(made, n);
    if (!a) fail_msg("graph %u: %s", from, error_message());
    if (each) evaluate(a);
    made[n++] = a;
  }
  return n;
}

/* Only the last arrays are asked for, in one eval: the rest is the
 * optimiser's. */
static void random_graphs(int count, int32_t rows, int32_t cols) {
  for (uint32_t graph = 1; graph <= (uint32_t)count; graph++) {
    size_t scope = scope_open();
    lz_array *made[STEPS + 4], *one_by_one[STEPS + 4];
    int n = build(graph * 7919, true, one_by_one, rows, cols);
    int k = (int)(graph % 3) + 1;
    /* Planned, by the plan of the first, watched, by the plan of that. */
    for (int time = 0; time < 4; time++) {
      if (time == 2) watch_start();
      build(graph * 7919, false, made, rows, cols);
      lz_array* asked[] = {made[n - 1], made[n - 2], made[n - 4]};
      if (eval_arrays(asked, (size_t)k, LAZULI_TRIGGER_EVAL, false))
        fail_msg("graph %u: %s", graph, error_message());
      for (int i = 0; i < k; i++) {
        static const int back[] = {1, 2, 4};
        same_values(asked[i], one_by_one[n - back[i]], graph);
      }
      /* What was left out is there when asked for. */
      evaluate(made[n - 3]);
      same_values(made[n - 3], one_by_one[n - 3], graph);
    }
    assert_true(watched.evals == 0 || watched.planned < watched.evals);
    watch_stop();
    scope_close(scope, NULL);
  }
}

static void small_graphs_have_the_values_of_single_steps(void** state) {
  (void)state;
  random_graphs(1500, 6, 10);
  random_graphs(500, 1, 33);
}
static void large_graphs_have_the_values_of_single_steps(void** state) {
  (void)state;
  random_graphs(150, 301, 130);
  random_graphs(100, 64, 515);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(attention_is_three_kernels_and_one_square),
      cmocka_unit_test(gelu_by_hand_is_one_kernel),
      cmocka_unit_test(adam_is_one_kernel_of_three_results),
      cmocka_unit_test(rms_norm_by_hand_is_one_kernel),
      cmocka_unit_test(
          cross_entropy_is_a_kernel_for_the_rows_and_one_for_the_mean),
      cmocka_unit_test(sums_take_in_what_they_sum),
      cmocka_unit_test(products_take_in_what_follows),
      cmocka_unit_test(what_needs_more_on_the_way_is_made_first),
      cmocka_unit_test(the_second_training_step_plans_nothing),
      cmocka_unit_test(small_graphs_have_the_values_of_single_steps),
      cmocka_unit_test(large_graphs_have_the_values_of_single_steps),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
