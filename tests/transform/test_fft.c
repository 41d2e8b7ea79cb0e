/* Linear transforms: gradients against differences, which are exact; values
 * that are, where the roots of one are 1 and i. */
#include <math.h>
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
#include "ops/create.h"
#include "ops/elementwise.h"
#include "ops/fft.h"
#include "ops/reduce.h"
#include "ops/shape.h"
#include "stream/stream.h"
#include "transform/vjp.h"

typedef struct transform {
  bool real, inverse, hadamard;
  int n[2], axes[2], n_axes;
} transform;

static lz_stream* cpu(void) {
  return stream_default(DEVICE_CPU);
}

static lz_array* weighted(lz_array* a, double step) {
  lz_array* w = op_arange(1, 1 + (double)a->size, 1, DTYPE_FLOAT32, cpu());
  w = op_sin(op_multiply(w, op_scalar(DTYPE_FLOAT32, step), cpu()), cpu());
  w = op_reshape(w, a->shape, a->ndim, cpu());
  return op_sum(op_multiply(a, w, cpu()), AXES_ALL, false, cpu());
}

/* Some real number that depends on all that comes out. */
static lz_array* run(const transform* t, lz_array* x) {
  if (t->hadamard) return weighted(op_hadamard_transform(x, NULL, cpu()), 0.7);
  /* Real and Imag have no rules: casts take the real part and give it back. */
  if (!t->real || t->inverse) x = op_astype(x, DTYPE_COMPLEX64, cpu());
  lz_array* y = op_fft(
      x,
      t->n,
      t->n_axes,
      t->axes,
      t->n_axes,
      t->real,
      t->inverse,
      FFT_ORTHO,
      cpu());
  assert_non_null(y);
  return weighted(op_astype(y, DTYPE_FLOAT32, cpu()), 0.7);
}

static int run_closure(lz_closure* self, closure_args* args) {
  size_t scope = scope_open();
  lz_array* y = scope_close(scope, run(self->payload, args->in[0]->items[0]));
  if (!y) return 1;
  int failed = list_append(&args->out[0], y);
  array_unref(y);
  return failed;
}

static void gradients(void** state) {
  (void)state;
  static const transform cases[] = {
      {.n = {6}, .axes = {1}, .n_axes = 1},
      {.inverse = true, .n = {3, 6}, .axes = {0, 1}, .n_axes = 2},
      {.n = {4, 5}, .axes = {1, 0}, .n_axes = 2},
      {.real = true, .n = {6}, .axes = {1}, .n_axes = 1},
      {.real = true, .n = {5, 3}, .axes = {1, 0}, .n_axes = 2},
      {.real = true, .n = {8}, .axes = {1}, .n_axes = 1},
      {.real = true, .inverse = true, .n = {10}, .axes = {1}, .n_axes = 1},
      {.real = true,
       .inverse = true,
       .n = {3, 11},
       .axes = {0, 1},
       .n_axes = 2},
      {.real = true, .inverse = true, .n = {4}, .axes = {0}, .n_axes = 1},
      {.hadamard = true}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    size_t scope = scope_open();
    int32_t shape[] = {3, cases[i].hadamard ? 8 : 6};
    lz_array* x = op_zeros(shape, 2, DTYPE_FLOAT32, cpu());
    x = op_add(x, op_scalar(DTYPE_FLOAT32, 0.25), cpu());
    assert_int_equal(eval_array(x, LAZULI_TRIGGER_EVAL), 0);
    lz_closure* c = closure_new(
        CLOSURE_PLAIN, run_closure, (void*)(uintptr_t)&cases[i], NULL);
    lz_list primals = {0}, cotan = {0}, outs = {0}, grads = {0};
    list_append(&primals, x);
    list_append(&cotan, op_scalar(DTYPE_FLOAT32, 1));
    if (vjp_function(c, &primals, &cotan, &outs, &grads))
      fail_msg("case %zu: %s", i, error_message());
    lz_array* g = op_contiguous(grads.items[0], false, cpu());
    assert_int_equal(eval_array(g, LAZULI_TRIGGER_EVAL), 0);
    assert_true(array_same_shape(g, x));
    double size = 0;
    for (int k = 0; k < x->size; k++) {
      float* at = (float*)array_data(x) + k;
      double value[2];
      for (int side = 0; side < 2; side++) {
        *at = side ? 1.25f : -0.75f;
        lz_array* y = run(&cases[i], x);
        assert_int_equal(eval_array(y, LAZULI_TRIGGER_EVAL), 0);
        value[side] = array_scalar(y);
      }
      *at = 0.25f;
      double want = (value[1] - value[0]) / 2;
      double got = ((float*)array_data(g))[k];
      size += fabs(want);
      if (fabs(got - want) > 2e-5)
        fail_msg("case %zu, d/dx[%d]: %.7g, not %.7g", i, k, got, want);
    }
    assert_true(size > 0.1);
    list_clear(&primals), list_clear(&cotan);
    list_clear(&outs), list_clear(&grads);
    closure_unref(c);
    scope_close(scope, NULL);
  }
}

/* One line and many of four elements 0 1 2 3, real and complex. */
static void quarters_are_exact(void** state) {
  (void)state;
  const float want[] = {6, 0, -2, 2, -2, 0, -2, -2};
  for (int32_t lines = 1; lines <= 64; lines *= 64)
    for (int real = 0; real < 2; real++) {
      size_t scope = scope_open();
      const int four = 4, last = 1;
      const int32_t shape[] = {lines, 4};
      lz_array* x = op_broadcast_to(
          op_arange(0, 4, 1, DTYPE_FLOAT32, cpu()), shape, 2, cpu());
      lz_array* y =
          op_fft(x, &four, 1, &last, 1, real, false, FFT_BACKWARD, cpu());
      assert_int_equal(eval_array(y, LAZULI_TRIGGER_EVAL), 0);
      const float* got = array_data(y);
      const size_t line = 2 * (size_t)y->shape[1];
      for (int32_t k = 0; k < lines; k++)
        for (size_t i = 0; i < line; i++)
          assert_true(got[(size_t)k * line + i] == want[i]);
      scope_close(scope, NULL);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(gradients), cmocka_unit_test(quarters_are_exact)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
