#include "gradients.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/error.h"
#include "core/scope.h"
#include "eval/eval.h"
#include "ops/create.h"
#include "ops/elementwise.h"
#include "ops/reduce.h"
#include "ops/shape.h"
#include "transform/vjp.h"

lz_stream* cpu(void) {
  return stream_default(DEVICE_CPU);
}

lz_array* noise(int ndim, const int32_t* shape, unsigned seed, lz_dtype d) {
  int64_t n = 1;
  for (int i = 0; i < ndim; i++) n *= shape[i];
  double* v = malloc((size_t)n * sizeof *v + 1);
  for (int64_t i = 0; i < n; i++) {
    seed = seed * 1664525u + 1013904223u;
    v[i] = 0.2 + 0.6 * (double)(seed >> 8) / 16777216.0;
  }
  lz_array* a = scope_own(array_new_data(DTYPE_FLOAT64, ndim, shape, v));
  free(v);
  a = op_astype(a, d, cpu());
  assert_int_equal(eval_array(a, LAZULI_TRIGGER_EVAL), 0);
  return a;
}

static int call_function(lz_closure* self, closure_args* args) {
  function f = (function)self->payload;
  size_t scope = scope_open();
  lz_array* y = scope_close(scope, f(args->in[0]->items));
  if (!y) return 1;
  int failed = list_append(&args->out[0], y);
  array_unref(y);
  return failed;
}

lz_closure* closure_of(function f) {
  return closure_new(CLOSURE_PLAIN, call_function, (void*)f, NULL);
}

static double value_of(function f, lz_array* const* in) {
  size_t scope = scope_open();
  lz_array* y =
      op_sum(op_astype(f(in), DTYPE_FLOAT64, cpu()), AXES_ALL, false, cpu());
  assert_non_null(y);
  assert_int_equal(eval_array(y, LAZULI_TRIGGER_EVAL), 0);
  double v = array_scalar(y);
  scope_close(scope, NULL);
  return v;
}

/* The sum of all gradients. */
static double check_differences(
    function f, lz_array* const* in, int n, const lz_list* grads) {
  bool wide = in[0]->dtype == DTYPE_FLOAT64;
  const double h = wide ? 1e-5 : 1e-2, near = wide ? 1e-6 : 5e-3;
  double along = 0;
  for (int k = 0; k < n; k++) {
    lz_dtype d = (lz_dtype)in[k]->dtype;
    lz_array* g = op_contiguous(grads->items[k], false, cpu());
    assert_int_equal(eval_array(g, LAZULI_TRIGGER_EVAL), 0);
    assert_true(array_same_shape(g, in[k]));
    for (int64_t i = 0; i < g->size; i++) {
      char* x = (char*)array_data(in[k]) + (size_t)i * dtype_size(d);
      double old = dtype_load(d, x);
      double got =
          dtype_load(d, (char*)array_data(g) + (size_t)i * dtype_size(d));
      dtype_store(d, x, old + h);
      double up = value_of(f, in);
      dtype_store(d, x, old - h);
      double down = value_of(f, in);
      dtype_store(d, x, old);
      double want = (up - down) / (2 * h);
      if (!(fabs(got - want) <= near * (1 + fabs(want))))
        fail_msg("d/d%d[%d]: %.9g, not %.9g", k, (int)i, got, want);
      along += got;
    }
  }
  return along;
}

static void check(function f, lz_array* const* in, int n, bool forward) {
  size_t scope = scope_open();
  lz_closure* c = closure_of(f);
  lz_list primals = {0}, outs = {0}, grads = {0}, cotan = {0};
  lz_list tangents = {0}, outs2 = {0}, results = {0};
  for (int i = 0; i < n; i++) list_append(&primals, in[i]);
  lz_array* y = f(in);
  if (!y) fail_msg("%s", error_message());
  list_append(&cotan, op_ones_like(y, cpu()));
  if (vjp_function(c, &primals, &cotan, &outs, &grads))
    fail_msg("%s", error_message());
  double along = check_differences(f, in, n, &grads);
  for (int i = 0; i < n && forward; i++)
    list_append(&tangents, op_ones_like(in[i], cpu()));
  if (forward) {
    if (jvp_function(c, &primals, &tangents, &outs2, &results))
      fail_msg("%s", error_message());
    lz_array* sum = op_sum(
        op_astype(results.items[0], DTYPE_FLOAT64, cpu()),
        AXES_ALL,
        false,
        cpu());
    assert_int_equal(eval_array(sum, LAZULI_TRIGGER_EVAL), 0);
    double near = in[0]->dtype == DTYPE_FLOAT64 ? 1e-8 : 1e-4;
    if (!(fabs(array_scalar(sum) - along) <= near * (1 + fabs(along))))
      fail_msg("jvp: %.12g, not %.12g", array_scalar(sum), along);
  }
  list_clear(&primals), list_clear(&outs), list_clear(&grads);
  list_clear(&cotan), list_clear(&tangents), list_clear(&outs2);
  list_clear(&results);
  closure_unref(c);
  scope_close(scope, NULL);
}

void check_gradient(function f, lz_array* const* in, int n) {
  check(f, in, n, true);
}

void check_gradient_only(function f, lz_array* const* in, int n) {
  check(f, in, n, false);
}
