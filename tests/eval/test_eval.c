/* Evaluation: laziness, fusion, donation, streams, long graphs. */
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/error.h"
#include "core/scope.h"
#include "eval/eval.h"
#include "memory/alloc.h"
#include "ops/create.h"
#include "ops/elementwise.h"
#include "ops/index.h"
#include "ops/matmul.h"
#include "ops/reduce.h"
#include "ops/shape.h"
#include "ops/update.h"
#include "stream/stream.h"
#include "watch.h"

static lz_stream* cpu(void) {
  return stream_default(DEVICE_CPU);
}

/* A READY float32 array of n values first, first+1, … */
static lz_array* ramp(int n, float first) {
  float* v = malloc((size_t)n * sizeof *v);
  for (int i = 0; i < n; i++) v[i] = first + (float)i;
  lz_array* a = array_new_data(DTYPE_FLOAT32, 1, (const int32_t[]){n}, v);
  free(v);
  return scope_own(a);
}

static float at(const lz_array* a, int i) {
  return ((const float*)array_data(a))[i * (a->ndim ? a->strides[0] : 1)];
}

static int evaluate(lz_array* a) {
  return eval_array(a, LAZULI_TRIGGER_EVAL);
}

static void nothing_runs_before_eval(void** state) {
  (void)state;
  size_t scope = scope_open();
  lz_array* a = ramp(1000, 0);
  size_t before = alloc_active();
  watch_start();
  lz_array* b = op_exp(op_add(a, a, cpu()), cpu());
  assert_int_equal(watched.nodes, 2);
  assert_int_equal(watched.kernels, 0);
  assert_int_equal(alloc_active(), before);
  assert_int_equal(array_status(b), ARRAY_LAZY);
  watch_stop();
  scope_close(scope, NULL);
}

static void a_chain_is_one_kernel_and_one_buffer(void** state) {
  (void)state;
  enum { N = 100000 };
  size_t scope = scope_open();
  lz_array *a = ramp(N, -50000), *b = ramp(N, 1), *c = ramp(N, 2);
  watch_start();
  lz_array* x = op_multiply(op_add(a, b, cpu()), c, cpu());
  lz_array* y = op_maximum(x, op_scalar(DTYPE_FLOAT32, 0), cpu());
  assert_int_equal(evaluate(y), 0);
  assert_int_equal(watched.kernels, 1);
  assert_int_equal(watched.written, N * sizeof(float));
  assert_string_equal(watched.last_kernel, "Add+Multiply+Maximum");
  /* x is held by the scope, yet nobody asked for it: it was not written. */
  assert_int_equal(array_status(x), ARRAY_LAZY);
  assert_true(watched.absorbed >= 1);
  for (int i = 0; i < N; i += 997) {
    float want = ((float)i - 50000 + (float)i + 1) * ((float)i + 2);
    assert_true(at(y, i) == (want > 0 ? want : 0));
  }
  /* Asked for later it is computed, and right. */
  assert_int_equal(evaluate(x), 0);
  assert_true(at(x, 1) == (-49999.f + 2.f) * 3.f);
  watch_stop();
  scope_close(scope, NULL);
}

static void an_absorbed_value_is_computed_at_most_twice(void** state) {
  (void)state;
  size_t scope = scope_open();
  lz_array* a = ramp(100, 0);
  lz_array* m = op_add(a, a, cpu());
  assert_int_equal(evaluate(op_exp(m, cpu())), 0);
  assert_int_equal(array_status(m), ARRAY_LAZY);
  assert_int_equal(evaluate(op_sin(m, cpu())), 0);
  assert_int_equal(array_status(m), ARRAY_READY);
  scope_close(scope, NULL);
}

static void outputs_of_one_eval_share_a_kernel(void** state) {
  (void)state;
  size_t scope = scope_open();
  lz_array* a = ramp(64, 0);
  watch_start();
  lz_array* x = op_add(a, a, cpu());
  lz_array* y = op_square(x, cpu());
  lz_array* both[] = {x, y};
  assert_int_equal(eval_arrays(both, 2, LAZULI_TRIGGER_EVAL, false), 0);
  assert_int_equal(watched.kernels, 1);
  assert_true(at(x, 3) == 6 && at(y, 3) == 36);
  watch_stop();
  scope_close(scope, NULL);
}

static void dead_branches_are_not_computed(void** state) {
  (void)state;
  size_t scope = scope_open();
  lz_array* a = ramp(64, 0);
  lz_array* dead = op_exp(a, cpu());
  lz_array* live = op_add(a, a, cpu());
  watch_start();
  assert_int_equal(evaluate(live), 0);
  assert_int_equal(watched.last_nodes, 1);
  assert_int_equal(array_status(dead), ARRAY_LAZY);
  /* Again: nothing to do, and nothing is reported. */
  assert_int_equal(evaluate(live), 0);
  assert_int_equal(watched.evals, 1);
  watch_stop();
  scope_close(scope, NULL);
}

static void operands_broadcast_without_copies(void** state) {
  (void)state;
  size_t scope = scope_open();
  lz_array* row = op_reshape(ramp(4, 0), (const int32_t[]){1, 4}, 2, cpu());
  lz_array* col = op_reshape(ramp(3, 10), (const int32_t[]){3, 1}, 2, cpu());
  watch_start();
  lz_array* sum = op_add(row, col, cpu());
  assert_int_equal(evaluate(sum), 0);
  assert_int_equal(watched.kernels, 1);
  for (int i = 0; i < 3; i++)
    for (int j = 0; j < 4; j++)
      assert_true(((float*)array_data(sum))[4 * i + j] == 10.f + i + j);
  watch_stop();
  scope_close(scope, NULL);
}

static void views_cost_nothing(void** state) {
  (void)state;
  size_t scope = scope_open();
  lz_array* a = op_reshape(ramp(24, 0), (const int32_t[]){2, 3, 4}, 3, cpu());
  lz_array* t = op_transpose_all(a, cpu());
  lz_array* v = op_slice(
      t,
      (const int[]){3, 0, 0},
      (const int[]){-5, 3, 2},
      (const int[]){-1, 2, 1},
      3,
      cpu());
  watch_start();
  assert_int_equal(evaluate(v), 0);
  assert_int_equal(watched.kernels, 0);
  assert_int_equal(v->shape[0], 4);
  assert_int_equal(v->shape[1], 2);
  const float* p = array_data(v);
  /* v[i][j][k] = a[k][2j][3-i] */
  for (int i = 0; i < 4; i++)
    for (int j = 0; j < 2; j++)
      for (int k = 0; k < 2; k++)
        assert_true(
            p[i * v->strides[0] + j * v->strides[1] + k * v->strides[2]] ==
            12.f * k + 4.f * (2 * j) + 3 - i);
  /* Reshaping what no strides can show copies, and says so. */
  lz_array* flat = op_reshape(t, (const int32_t[]){24}, 1, cpu());
  assert_int_equal(evaluate(flat), 0);
  assert_int_equal(watched.kernels, 1);
  assert_true(at(flat, 1) == 12 && at(flat, 2) == 4);
  watch_stop();
  scope_close(scope, NULL);
}

static void temporaries_are_written_over(void** state) {
  (void)state;
  enum { N = 1 << 20 };
  size_t scope = scope_open();
  lz_array* a = array_new_data(
      DTYPE_FLOAT32, 2, (const int32_t[]){1024, 1024}, array_data(ramp(N, 0)));
  watch_start();
  size_t inner = scope_open();
  lz_array* y =
      op_exp(op_softmax(op_sin(a, cpu()), AXIS(0), false, cpu()), cpu());
  y = scope_close(inner, y);
  assert_int_equal(evaluate(y), 0);
  /* sin → softmax → exp: the second and the third reuse the first's memory. */
  assert_int_equal(watched.kernels, 3);
  assert_int_equal(watched.donated, 2);
  array_unref(y);
  array_unref(a);
  watch_stop();
  scope_close(scope, NULL);
}

/* What an update in place and a lookup leave alone is not counted. */
static void bytes_are_those_touched(void** state) {
  (void)state;
  enum { N = 1 << 20 };
  size_t scope = scope_open();
  const float few[] = {1, 2, 3, 4};
  const int32_t rows[] = {7, 9};
  lz_array* update =
      scope_own(array_new_data(DTYPE_FLOAT32, 1, (const int32_t[]){4}, few));
  lz_array* index =
      scope_own(array_new_data(DTYPE_INT32, 1, (const int32_t[]){2}, rows));
  size_t inner = scope_open();
  lz_array* a = op_sin(ramp(N, 0), cpu());
  assert_int_equal(evaluate(a), 0);
  a = scope_close(inner, a);
  inner = scope_open();
  watch_start();
  const int start = 8, stop = 12, stride = 1;
  lz_array* y = op_slice_update(
      SCATTER_NONE, a, update, &start, &stop, &stride, 1, cpu());
  array_unref(a);
  y = scope_close(inner, y);
  assert_int_equal(evaluate(y), 0);
  assert_int_equal(watched.donated, 1);
  assert_int_equal(watched.read, sizeof few);
  assert_int_equal(watched.written, sizeof few);
  watch_start();
  lz_array* taken = op_take(y, index, 0, cpu());
  assert_int_equal(evaluate(taken), 0);
  assert_true(at(taken, 0) == sinf(7) && at(taken, 1) == 2);
  assert_int_equal(watched.read, sizeof(float[2]) + sizeof rows);
  assert_int_equal(watched.written, sizeof(float[2]));
  /* Held by someone: all is copied, and counted. */
  watch_start();
  lz_array* z = op_slice_update(
      SCATTER_NONE, y, update, &start, &stop, &stride, 1, cpu());
  assert_int_equal(evaluate(z), 0);
  assert_int_equal(watched.written, N * sizeof(float));
  watch_stop();
  array_unref(y);
  scope_close(scope, NULL);
}

static void long_chains_need_no_stack(void** state) {
  (void)state;
  enum { N = 1000000 };
  size_t outer = scope_open();
  lz_array* one = op_scalar(DTYPE_FLOAT32, 1);
  lz_array* x = array_ref(one);
  for (int i = 0; i < N; i++) {
    size_t scope = scope_open();
    lz_array* next = scope_close(scope, op_add(x, one, cpu()));
    array_unref(x);
    x = next;
  }
  assert_int_equal(evaluate(x), 0);
  assert_true(array_scalar(x) == N + 1);
  array_unref(x);
  /* And a long one that nobody evaluates is let go of. */
  x = array_ref(one);
  for (int i = 0; i < N; i++) {
    size_t scope = scope_open();
    lz_array* next = scope_close(scope, op_sin(x, cpu()));
    array_unref(x);
    x = next;
  }
  array_unref(x);
  scope_close(outer, NULL);
}

static void streams_wait_for_each_other(void** state) {
  (void)state;
  size_t scope = scope_open();
  lz_stream *s = cpu(), *t = stream_new(DEVICE_CPU);
  lz_array* a = ramp(1 << 16, 0);
  for (int i = 0; i < 200; i++) {
    lz_array* x = op_add(a, a, s);
    lz_array* y = op_multiply(x, a, t);
    lz_array* z = op_subtract(y, x, s);
    assert_int_equal(eval_arrays(&z, 1, LAZULI_TRIGGER_ASYNC_EVAL, true), 0);
    assert_int_equal(eval_wait(z), 0);
    assert_true(at(z, 5) == 2 * 5 * 5 - 10);
  }
  stream_synchronize_all();
  scope_close(scope, NULL);
}

static void async_eval_returns_and_later_evals_build_on_it(void** state) {
  (void)state;
  size_t scope = scope_open();
  lz_array* x = ramp(1 << 18, 0);
  lz_array* start = x;
  for (int i = 0; i < 50; i++) {
    x = op_add(
        op_multiply(x, op_scalar(DTYPE_FLOAT32, 0.5), cpu()), start, cpu());
    assert_int_equal(eval_arrays(&x, 1, LAZULI_TRIGGER_ASYNC_EVAL, true), 0);
  }
  assert_int_equal(evaluate(x), 0);
  assert_true(fabsf(at(x, 100) - 200) < 0.001f);
  eval_trace_enter();
  lz_array* y = op_add(x, x, cpu());
  assert_int_not_equal(eval_arrays(&y, 1, LAZULI_TRIGGER_ASYNC_EVAL, true), 0);
  eval_trace_leave();
  scope_close(scope, NULL);
}

static void* build_and_eval(void* arg) {
  lz_array* shared = arg;
  for (int i = 0; i < 200; i++) {
    size_t scope = scope_open();
    lz_stream* s = stream_default(DEVICE_CPU);
    lz_array* y = op_add(op_multiply(shared, shared, s), shared, s);
    if (eval_array(y, LAZULI_TRIGGER_EVAL) || at(y, 7) != 7.f * 7.f + 7.f)
      return arg;
    scope_close(scope, NULL);
  }
  return NULL;
}

static void threads_share_arrays(void** state) {
  (void)state;
  size_t scope = scope_open();
  lz_array* lazy = op_add(ramp(5000, 0), op_scalar(DTYPE_FLOAT32, 0), cpu());
  pthread_t t[6];
  for (int i = 0; i < 6; i++) pthread_create(&t[i], NULL, build_and_eval, lazy);
  for (int i = 0; i < 6; i++) {
    void* failed;
    pthread_join(t[i], &failed);
    assert_null(failed);
  }
  scope_close(scope, NULL);
}

static void constants_fold(void** state) {
  (void)state;
  size_t scope = scope_open();
  lz_array* x = ramp(1000, 0);
  lz_array* combined =
      op_add(op_scalar(DTYPE_FLOAT32, 2), op_scalar(DTYPE_FLOAT32, 3), cpu());
  watch_start();
  lz_array* y = op_multiply(x, combined, cpu());
  assert_int_equal(evaluate(y), 0);
  assert_int_equal(watched.folded, 1);
  assert_int_equal(watched.kernels, 1);
  assert_true(at(y, 3) == 15);
  assert_int_equal(array_status(combined), ARRAY_READY);
  watch_stop();
  scope_close(scope, NULL);
}

static void equal_expressions_are_computed_once(void** state) {
  (void)state;
  size_t scope = scope_open();
  lz_array *a = ramp(1000, 0), *b = ramp(1000, 1), *c = ramp(1000, 2);
  watch_start();
  lz_array* sum = op_add(op_multiply(a, a, cpu()), b, cpu());
  lz_array* difference = op_subtract(op_multiply(a, a, cpu()), c, cpu());
  lz_array* same = op_add(op_multiply(a, a, cpu()), b, cpu());
  lz_array* all[] = {sum, difference, same};
  assert_int_equal(eval_arrays(all, 3, LAZULI_TRIGGER_EVAL, false), 0);
  assert_int_equal(watched.merged, 3);
  assert_true(at(sum, 4) == 21 && at(difference, 4) == 10 && at(same, 4) == 21);
  assert_ptr_equal(sum->buffer, same->buffer);
  watch_stop();
  scope_close(scope, NULL);
}

static void operations_that_change_nothing_go(void** state) {
  (void)state;
  size_t scope = scope_open();
  lz_array* a = ramp(1000, 0);
  lz_array* one = op_scalar(DTYPE_FLOAT32, 1);
  watch_start();
  lz_array* x = op_divide(op_multiply(a, one, cpu()), one, cpu());
  lz_array* y = op_add(x, a, cpu());
  lz_array* both[] = {x, y};
  assert_int_equal(eval_arrays(both, 2, LAZULI_TRIGGER_EVAL, false), 0);
  assert_int_equal(watched.simplified, 2);
  assert_int_equal(watched.kernels, 1);
  assert_ptr_equal(x->buffer, a->buffer);
  assert_true(at(y, 9) == 18);
  /* +0 would turn -0 around: it stays. */
  lz_array* z = op_negative(op_scalar(DTYPE_FLOAT32, 0), cpu());
  z = op_add(z, op_scalar(DTYPE_FLOAT32, 0), cpu());
  assert_int_equal(evaluate(z), 0);
  assert_false(signbit(at(z, 0)));
  watch_stop();
  scope_close(scope, NULL);
}

static void dead_branches_are_told(void** state) {
  (void)state;
  size_t scope = scope_open();
  lz_array* x = ramp(100, 0);
  watch_start();
  size_t inner = scope_open();
  lz_array* a = op_exp(op_sin(x, cpu()), cpu()); /* nobody asks for it */
  lz_array* b = op_exp(op_cos(x, cpu()), cpu());
  (void)a;
  b = scope_close(inner, b);
  assert_int_equal(evaluate(b), 0);
  assert_int_equal(watched.dropped, 2);
  assert_int_equal(watched.last_nodes, 2);
  array_unref(b);
  assert_int_equal(watched.dropped, 2);
  watch_stop();
  scope_close(scope, NULL);
}

static void failures_name_what_is_wrong(void** state) {
  (void)state;
  size_t scope = scope_open();
  lz_array* a = op_reshape(ramp(6, 0), (const int32_t[]){2, 3}, 2, cpu());
  lz_array* b = op_reshape(ramp(20, 0), (const int32_t[]){4, 5}, 2, cpu());
  assert_null(op_add(a, b, cpu()));
  assert_non_null(strstr(error_message(), "(2,3)"));
  assert_non_null(strstr(error_message(), "(4,5)"));
  assert_null(op_matmul(a, b, cpu()));
  assert_non_null(strstr(error_message(), "[matmul]"));
  assert_null(op_exp(op_add(a, b, cpu()), cpu()));
  scope_close(scope, NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nothing_runs_before_eval),
      cmocka_unit_test(a_chain_is_one_kernel_and_one_buffer),
      cmocka_unit_test(an_absorbed_value_is_computed_at_most_twice),
      cmocka_unit_test(outputs_of_one_eval_share_a_kernel),
      cmocka_unit_test(dead_branches_are_not_computed),
      cmocka_unit_test(operands_broadcast_without_copies),
      cmocka_unit_test(views_cost_nothing),
      cmocka_unit_test(temporaries_are_written_over),
      cmocka_unit_test(bytes_are_those_touched),
      cmocka_unit_test(long_chains_need_no_stack),
      cmocka_unit_test(streams_wait_for_each_other),
      cmocka_unit_test(async_eval_returns_and_later_evals_build_on_it),
      cmocka_unit_test(threads_share_arrays),
      cmocka_unit_test(constants_fold),
      cmocka_unit_test(equal_expressions_are_computed_once),
      cmocka_unit_test(operations_that_change_nothing_go),
      cmocka_unit_test(dead_branches_are_told),
      cmocka_unit_test(failures_name_what_is_wrong),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
