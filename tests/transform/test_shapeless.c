/* Functions compiled for any shape: traced once, and once more only where an
 * operation cannot tell its result's shape. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/error.h"
#include "core/scope.h"
#include "eval/eval.h"
#include "ops/arrange.h"
#include "ops/create.h"
#include "ops/elementwise.h"
#include "ops/linalg.h"
#include "ops/matmul.h"
#include "ops/reduce.h"
#include "ops/shape.h"
#include "stream/stream.h"
#include "transform/compile.h"

typedef lz_array* (*body)(lz_array* x, lz_stream* s);

static int traces;

static int call(lz_closure* self, closure_args* args) {
  size_t scope = scope_open();
  traces++;
  lz_array* y =
      ((body)self->payload)(args->in[0]->items[0], stream_default(DEVICE_CPU));
  y = scope_close(scope, y);
  if (!y) return 1;
  int failed = list_append(&args->out[0], y);
  array_unref(y);
  return failed;
}

static lz_array* rows(int n, int width) {
  float v[64];
  const int32_t shape[] = {n, width};
  for (int i = 0; i < n * width; i++) v[i] = (float)i;
  return array_new_data(DTYPE_FLOAT32, 2, shape, v);
}

/* Calls f and its compiled form on (n, width); the values of both are equal. */
static void check(lz_closure* plain, lz_closure* fast, int n, int width) {
  lz_array* x = rows(n, width);
  lz_list in = {&x, 1, 1}, got = {0}, want = {0};
  assert_int_equal(closure_apply(fast, &in, &got), 0);
  int before = traces;
  assert_int_equal(closure_apply(plain, &in, &want), 0);
  traces = before;
  lz_array* both[] = {got.items[0], want.items[0]};
  assert_int_equal(eval_arrays(both, 2, LAZULI_TRIGGER_EVAL, false), 0);
  assert_true(array_same_shape(both[0], both[1]));
  assert_int_equal(both[0]->dtype, both[1]->dtype);
  size_t scope = scope_open();
  for (int i = 0; i < 2; i++) {
    lz_array* flat = op_contiguous(both[i], false, stream_default(DEVICE_CPU));
    both[i] = flat;
  }
  assert_int_equal(eval_arrays(both, 2, LAZULI_TRIGGER_EVAL, false), 0);
  const float *g = array_data(both[0]), *w = array_data(both[1]);
  for (int64_t i = 0; i < both[0]->size; i++)
    assert_true(g[i] - w[i] < 1e-4f && w[i] - g[i] < 1e-4f);
  scope_close(scope, NULL);
  list_clear(&got);
  list_clear(&want);
  array_unref(x);
}

/* Calls with three shapes, one twice, and how often f was traced for them. */
static int traced(body f) {
  static uint64_t id = 1000;
  lz_closure* plain = closure_new(CLOSURE_PLAIN, call, (void*)f, NULL);
  lz_closure* fast = compile_function(plain, ++id, true, true, NULL, 0);
  traces = 0;
  check(plain, fast, 4, 3);
  check(plain, fast, 1, 5);
  check(plain, fast, 4, 3);
  check(plain, fast, 7, 2);
  int n = traces;
  closure_unref(fast);
  closure_unref(plain);
  return n;
}

static lz_array* elementwise(lz_array* x, lz_stream* s) {
  return op_multiply(op_exp(op_negative(x, s), s), x, s);
}
static lz_array* normed(lz_array* x, lz_stream* s) {
  lz_array* off = op_subtract(x, op_mean(x, AXIS(-1), true, s), s);
  return op_add(off, op_var(x, AXIS(0), true, 0, s), s);
}
static lz_array* gram(lz_array* x, lz_stream* s) {
  return op_softmax(op_matmul(x, op_transpose_all(x, s), s), AXIS(-1), true, s);
}
static lz_array* reshaped(lz_array* x, lz_stream* s) {
  lz_array* flat = op_flatten(x, 0, -1, s);
  lz_array* pair = op_expand_dims(flat, (const int[]){0, 2}, 2, s);
  return op_squeeze(
      op_reshape(pair, (const int32_t[]){1, -1}, 2, s), (const int[]){0}, 1, s);
}
static lz_array* summed(lz_array* x, lz_stream* s) {
  return op_sum(op_sum(x, AXIS(1), false, s), AXES_ALL, false, s);
}
/* Several outputs of which one is read. */
static lz_array* singular(lz_array* x, lz_stream* s) {
  lz_array* three[3];
  return op_svd(x, true, s, three) ? NULL : three[1];
}
static lz_array* first_column(lz_array* x, lz_stream* s) {
  return op_slice(
      x,
      (const int[]){0, 0},
      (const int[]){x->shape[0], 1},
      (const int[]){1, 1},
      2,
      s);
}
static lz_array* beside_ones(lz_array* x, lz_stream* s) {
  return op_add(x, op_ones_like(x, s), s);
}

static void test_traced_once(void** state) {
  (void)state;
  assert_int_equal(traced(elementwise), 1);
  assert_int_equal(traced(normed), 1);
  assert_int_equal(traced(gram), 1);
  assert_int_equal(traced(reshaped), 1);
  assert_int_equal(traced(summed), 1);
  assert_int_equal(traced(singular), 1);
  assert_int_equal(traced(beside_ones), 1);
}

/* The second shape is not traced anew when it comes again. */
static void test_traced_again(void** state) {
  (void)state;
  assert_int_equal(traced(first_column), 3);
  assert_false(error_is_set());
}

/* An error of the function is told as it is. */
static lz_array* times_three(lz_array* x, lz_stream* s) {
  const int32_t shape[] = {3, 1};
  return op_matmul(x, op_ones(shape, 2, DTYPE_FLOAT32, s), s);
}

static void test_misfit(void** state) {
  (void)state;
  lz_closure* plain =
      closure_new(CLOSURE_PLAIN, call, (void*)times_three, NULL);
  lz_closure* fast = compile_function(plain, 2000, true, true, NULL, 0);
  check(plain, fast, 4, 3);
  check(plain, fast, 2, 3);
  lz_array* x = rows(2, 5);
  lz_list in = {&x, 1, 1}, out = {0};
  assert_int_not_equal(closure_apply(fast, &in, &out), 0);
  assert_non_null(strstr(error_message(), "[matmul] inner dimensions differ"));
  error_clear();
  array_unref(x);
  closure_unref(fast);
  closure_unref(plain);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_traced_once),
      cmocka_unit_test(test_traced_again),
      cmocka_unit_test(test_misfit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
