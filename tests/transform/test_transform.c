/* Transformations: derivatives against differences, vmap against a loop,
 * compiled against called. */
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
#include "gradients.h"
#include "mlx/c/mlx.h"
#include "ops/create.h"
#include "ops/elementwise.h"
#include "ops/join.h"
#include "ops/matmul.h"
#include "ops/reduce.h"
#include "ops/shape.h"
#include "stream/stream.h"
#include "transform/compile.h"
#include "transform/vjp.h"
#include "transform/vmap.h"
#include "watch.h"

#define F1(name, e)                                \
  static lz_array* f_##name(lz_array* const* in) { \
    lz_array* a = in[0];                           \
    lz_stream* s = cpu();                          \
    return e;                                      \
  }
#define F2(name, e)                                \
  static lz_array* f_##name(lz_array* const* in) { \
    lz_array *a = in[0], *b = in[1];               \
    lz_stream* s = cpu();                          \
    return e;                                      \
  }
/* clang-format off: it takes these for one expression. */
F1(exp, op_exp(a, s))
F1(expm1, op_expm1(a, s))
F1(log, op_log(a, s))
F1(log2, op_log2(a, s))
F1(log10, op_log10(a, s))
F1(log1p, op_log1p(a, s))
F1(sin, op_sin(a, s))
F1(cos, op_cos(a, s))
F1(tan, op_tan(a, s))
F1(arcsin, op_arcsin(a, s))
F1(arccos, op_arccos(a, s))
F1(arctan, op_arctan(a, s))
F1(sinh, op_sinh(a, s))
F1(cosh, op_cosh(a, s))
F1(tanh, op_tanh(a, s))
F1(arcsinh, op_arcsinh(a, s))
F1(arccosh, op_arccosh(op_add(a, op_scalar(DTYPE_FLOAT64, 1), s), s))
F1(arctanh, op_arctanh(a, s))
F1(sigmoid, op_sigmoid(a, s))
F1(erf, op_erf(a, s))
F1(sqrt, op_sqrt(a, s))
F1(rsqrt, op_rsqrt(a, s))
F1(square, op_square(a, s))
F1(abs, op_abs(op_negative(a, s), s))
F2(add, op_add(a, b, s))
F2(subtract, op_subtract(a, b, s))
F2(multiply, op_multiply(a, b, s))
F2(divide, op_divide(a, b, s))
F2(power, op_power(a, b, s))
F2(maximum, op_maximum(a, b, s))
F2(minimum, op_minimum(a, b, s))
F2(logaddexp, op_logaddexp(a, b, s))
F2(arctan2, op_arctan2(a, b, s))
F2(where, op_where(op_less(a, b, s), op_square(a, s), op_exp(b, s), s))
F2(matmul, op_square(op_matmul(a, op_transpose_all(b, s), s), s))
F1(softmax, op_square(op_softmax(a, AXIS(-1), false, s), s))
F1(logsumexp, op_logsumexp(a, AXIS(0), false, s))
F1(reductions,
   op_add(
       op_square(op_sum(a, AXIS(1), true, s), s),
       op_prod(a, AXIS(0), true, s),
       s))
F1(extremes,
   op_multiply(op_max(a, AXIS(0), true, s), op_min(a, AXIS(1), true, s), s))
F1(spread, op_var(a, AXIS(1), false, 1, s))
F1(views,
   op_multiply(
       op_transpose_all(a, s),
       op_reshape(op_square(a, s), (const int32_t[]){4, 3}, 2, s),
       s))
F2(joined,
   op_square(op_concatenate((lz_array*[]){a, op_exp(b, s)}, 2, 1, s), s))
F1(casts,
   op_astype(op_exp(op_astype(a, DTYPE_FLOAT64, s), s), DTYPE_FLOAT64, s))
/* clang-format on */

static void gradients_match_differences(void** state) {
  (void)state;
  static const function unary[] = {
      f_exp,     f_expm1,     f_log,        f_log2,     f_log10,   f_log1p,
      f_sin,     f_cos,       f_tan,        f_arcsin,   f_arccos,  f_arctan,
      f_sinh,    f_cosh,      f_tanh,       f_arcsinh,  f_arccosh, f_arctanh,
      f_sigmoid, f_erf,       f_sqrt,       f_rsqrt,    f_square,  f_abs,
      f_softmax, f_logsumexp, f_reductions, f_extremes, f_spread,  f_views,
      f_casts};
  static const function binary[] = {
      f_add,
      f_subtract,
      f_multiply,
      f_divide,
      f_power,
      f_maximum,
      f_minimum,
      f_logaddexp,
      f_arctan2,
      f_where,
      f_matmul,
      f_joined};
  size_t scope = scope_open();
  const int32_t shape[] = {3, 4}, row[] = {1, 4};
  lz_array* in[] = {
      noise(2, shape, 1, DTYPE_FLOAT64), noise(2, shape, 2, DTYPE_FLOAT64)};
  for (size_t i = 0; i < sizeof unary / sizeof *unary; i++)
    check_gradient(unary[i], in, 1);
  for (size_t i = 0; i < sizeof binary / sizeof *binary; i++)
    check_gradient(binary[i], in, 2);
  /* And broadcast operands get gradients of their own shape. */
  lz_array* narrow[] = {in[0], noise(2, row, 3, DTYPE_FLOAT64)};
  for (size_t i = 0; i < 10; i++) check_gradient(binary[i], narrow, 2);
  scope_close(scope, NULL);
}

static lz_array* cubed(lz_array* const* in) {
  return op_multiply(in[0], op_square(in[0], cpu()), cpu());
}
static lz_closure* inner;
static lz_array* gradient_of_inner(lz_array* const* in) {
  lz_list list = {(lz_array**)in, 1, 1};
  closure_args args = {.in = {&list}};
  lz_array* g = NULL;
  if (closure_call(inner, &args) == 0)
    g = scope_own(array_ref(args.out[1].items[0]));
  closure_args_clear(&args);
  return g;
}

static void derivatives_nest(void** state) {
  (void)state;
  size_t scope = scope_open();
  const int zero = 0;
  lz_closure* f = closure_of(cubed);
  lz_closure* first = value_and_grad(f, &zero, 1);
  inner = first;
  lz_closure* g = closure_of(gradient_of_inner);
  lz_closure* second = value_and_grad(g, &zero, 1);
  lz_array* x = op_scalar(DTYPE_FLOAT32, 2);
  lz_list in = {&x, 1, 1};
  closure_args args = {.in = {&in}};
  assert_int_equal(closure_call(second, &args), 0);
  assert_int_equal(
      eval_arrays(args.out[1].items, 1, LAZULI_TRIGGER_EVAL, false), 0);
  assert_true(array_scalar(args.out[1].items[0]) == 12); /* 6x */
  closure_args_clear(&args);
  closure_unref(second), closure_unref(g), closure_unref(first),
      closure_unref(f);
  scope_close(scope, NULL);
}

/* A branch on a value inside the function. */
static lz_array* branches(lz_array* const* in) {
  lz_array* y = op_square(in[0], cpu());
  if (eval_array(y, LAZULI_TRIGGER_ITEM)) return NULL;
  return array_scalar(y) > 1 ? op_multiply(y, in[0], cpu()) : y;
}

static void values_may_steer_inside_grad(void** state) {
  (void)state;
  size_t scope = scope_open();
  const int zero = 0;
  lz_closure* f = closure_of(branches);
  lz_closure* g = value_and_grad(f, &zero, 1);
  for (int k = 0; k < 2; k++) {
    lz_array* x = op_scalar(DTYPE_FLOAT32, k ? 2 : 0.5);
    lz_list in = {&x, 1, 1};
    closure_args args = {.in = {&in}};
    assert_int_equal(closure_call(g, &args), 0);
    assert_int_equal(
        eval_arrays(args.out[1].items, 1, LAZULI_TRIGGER_EVAL, false), 0);
    assert_true(array_scalar(args.out[1].items[0]) == (k ? 12 : 1));
    closure_args_clear(&args);
  }
  closure_unref(g), closure_unref(f);
  scope_close(scope, NULL);
}

static void vmap_matches_a_loop(void** state) {
  (void)state;
  static const function functions[] = {
      f_multiply, f_divide, f_where, f_matmul, f_joined};
  static const function single[] = {
      f_softmax, f_reductions, f_views, f_spread, f_logsumexp};
  size_t scope = scope_open();
  const int32_t batch[] = {3, 5, 4}, one[] = {3, 4};
  lz_array* a = noise(3, batch, 4, DTYPE_FLOAT64); /* mapped at axis 1 */
  lz_array* b = noise(2, one, 5, DTYPE_FLOAT64);
  for (size_t k = 0; k < 10; k++) {
    function f = k < 5 ? functions[k] : single[k - 5];
    int n = k < 5 ? 2 : 1;
    const int in_axes[] = {1, -1}, out_axes[] = {0};
    lz_closure* c = closure_of(f);
    lz_array* items[] = {a, b};
    lz_list in = {items, (size_t)n, (size_t)n}, si = {0}, so = {0}, out = {0};
    if (vmap_trace(c, &in, in_axes, (size_t)n, &si, &so) ||
        vmap_replace(&in, &si, &so, in_axes, (size_t)n, out_axes, 1, &out))
      fail_msg("function %zu: %s", k, error_message());
    lz_array* rows[5];
    for (int i = 0; i < 5; i++) {
      const int start[] = {0, i, 0}, stop[] = {3, i + 1, 4}, step[] = {1, 1, 1};
      const int axis = 1;
      lz_array* row[] = {
          op_squeeze(op_slice(a, start, stop, step, 3, cpu()), &axis, 1, cpu()),
          b};
      rows[i] = f(row);
    }
    lz_array* want = op_stack(rows, 5, 0, cpu());
    lz_array* off = op_max(
        op_abs(op_subtract(out.items[0], want, cpu()), cpu()),
        AXES_ALL,
        false,
        cpu());
    assert_true(array_same_shape(out.items[0], want));
    assert_int_equal(eval_array(off, LAZULI_TRIGGER_EVAL), 0);
    assert_true(array_scalar(off) < 1e-12);
    list_clear(&si), list_clear(&so), list_clear(&out);
    closure_unref(c);
  }
  scope_close(scope, NULL);
}

static int calls;
static lz_array* counted(lz_array* const* in) {
  calls++;
  lz_array* x = op_add(in[0], in[1], cpu());
  return op_maximum(
      op_multiply(x, in[1], cpu()), op_scalar(DTYPE_FLOAT32, 0), cpu());
}

static void compiled_functions_are_called_once_a_form(void** state) {
  (void)state;
  size_t scope = scope_open();
  lz_closure* f = closure_of(counted);
  lz_closure* c = compile_function(f, f->id, true, false, NULL, 0);
  calls = 0;
  for (int round = 0; round < 6; round++) {
    const int32_t shape[] = {8 + round % 2};
    lz_array* in[] = {
        noise(1, shape, (unsigned)round, DTYPE_FLOAT32),
        noise(1, shape, 77, DTYPE_FLOAT32)};
    lz_list list = {in, 2, 2}, out = {0};
    assert_int_equal(closure_apply(c, &list, &out), 0);
    lz_array* want = counted(in);
    calls--;
    lz_array* off = op_max(
        op_abs(op_subtract(out.items[0], want, cpu()), cpu()),
        AXES_ALL,
        false,
        cpu());
    assert_int_equal(eval_array(off, LAZULI_TRIGGER_EVAL), 0);
    assert_true(array_scalar(off) == 0);
    list_clear(&out);
  }
  assert_int_equal(calls, 2); /* one a shape */
  /* Placeholders have no value to look at. */
  lz_closure* b = closure_of(branches);
  lz_closure* bad = compile_function(b, b->id, true, false, NULL, 0);
  lz_array* x = op_scalar(DTYPE_FLOAT32, 2);
  lz_list list = {&x, 1, 1}, out = {0};
  assert_int_not_equal(closure_apply(bad, &list, &out), 0);
  assert_non_null(strstr(error_message(), "not allowed"));
  closure_unref(bad), closure_unref(b), closure_unref(c), closure_unref(f);
  scope_close(scope, NULL);
}

static void many_forms_are_forgotten_in_turn(void** state) {
  (void)state;
  size_t scope = scope_open();
  lz_closure* f = closure_of(counted);
  lz_closure* c = compile_function(f, f->id, true, false, NULL, 0);
  calls = 0;
  for (int32_t n = 1; n <= 3 * COMPILE_MAX; n++) {
    lz_array* in[] = {
        noise(1, &n, 1, DTYPE_FLOAT32), noise(1, &n, 2, DTYPE_FLOAT32)};
    lz_list list = {in, 2, 2}, out = {0};
    assert_int_equal(closure_apply(c, &list, &out), 0);
    list_clear(&out);
  }
  assert_int_equal(calls, 3 * COMPILE_MAX);
  closure_unref(c), closure_unref(f);
  scope_close(scope, NULL);
}

static int doubled_vjp(lz_closure* self, closure_args* args) {
  (void)self;
  size_t scope = scope_open();
  lz_array* g = scope_close(
      scope,
      op_multiply(args->in[1]->items[0], op_scalar(DTYPE_FLOAT32, 100), cpu()));
  int failed = list_append(&args->out[0], g);
  array_unref(g);
  return failed;
}

static void custom_rules_and_checkpoints(void** state) {
  (void)state;
  size_t scope = scope_open();
  const int zero = 0;
  lz_closure* f = closure_of(cubed);
  lz_closure* rule = closure_new(CLOSURE_CUSTOM, doubled_vjp, NULL, NULL);
  lz_closure* both[] = {custom_function(f, rule, NULL, NULL), checkpoint(f)};
  for (int k = 0; k < 2; k++) {
    lz_closure* g = value_and_grad(both[k], &zero, 1);
    lz_array* x = op_scalar(DTYPE_FLOAT32, 2);
    lz_list in = {&x, 1, 1};
    closure_args args = {.in = {&in}};
    if (closure_call(g, &args)) fail_msg("%s", error_message());
    assert_int_equal(
        eval_arrays(args.out[0].items, 1, LAZULI_TRIGGER_EVAL, false), 0);
    assert_int_equal(
        eval_arrays(args.out[1].items, 1, LAZULI_TRIGGER_EVAL, false), 0);
    assert_true(array_scalar(args.out[0].items[0]) == 8);
    assert_true(array_scalar(args.out[1].items[0]) == (k ? 12 : 100));
    closure_args_clear(&args);
    closure_unref(g), closure_unref(both[k]);
  }
  closure_unref(rule), closure_unref(f);
  scope_close(scope, NULL);
}

static lz_array* long_chain(lz_array* const* in) {
  lz_array* x = array_ref(in[0]);
  for (int i = 0; i < 200000; i++) {
    size_t scope = scope_open();
    lz_array* next = scope_close(scope, op_sin(x, cpu()));
    array_unref(x);
    x = next;
  }
  return scope_own(x);
}

static void long_chains_differentiate(void** state) {
  (void)state;
  size_t scope = scope_open();
  const int zero = 0;
  lz_closure* f = closure_of(long_chain);
  lz_closure* g = value_and_grad(f, &zero, 1);
  lz_array* x = op_scalar(DTYPE_FLOAT32, 1);
  lz_list in = {&x, 1, 1};
  closure_args args = {.in = {&in}};
  assert_int_equal(closure_call(g, &args), 0);
  assert_int_equal(
      eval_arrays(args.out[1].items, 1, LAZULI_TRIGGER_EVAL, false), 0);
  closure_args_clear(&args);
  closure_unref(g), closure_unref(f);
  scope_close(scope, NULL);
}

/* Every node that a result hangs on, in turn. */
static int nodes_elsewhere(const lz_array* a, const lz_stream* s) {
  int n = 0;
  if (!a->node) return 0;
  n += a->node->stream != s;
  for (uint32_t i = 0; i < a->node->n_inputs; i++)
    n += nodes_elsewhere(a->node->inputs[i], s);
  return n;
}

static lz_stream* apart;
static lz_array* twice_apart(lz_array* const* in) {
  return op_add(in[0], op_add(in[0], in[0], apart), apart);
}

static void derivatives_run_where_the_function_does(void** state) {
  (void)state;
  size_t scope = scope_open();
  const int32_t four = 4;
  apart = stream_new(DEVICE_CPU);
  lz_closure* f = closure_of(twice_apart);
  lz_array* x = op_zeros(&four, 1, DTYPE_FLOAT32, apart);
  lz_array* g = op_zeros(&four, 1, DTYPE_FLOAT16, apart);
  lz_list in = {&x, 1, 1}, with = {&g, 1, 1}, out = {0}, made = {0};
  assert_int_equal(vjp_function(f, &in, &with, &out, &made), 0);
  assert_int_equal(jvp_function(f, &in, &with, &out, &made), 0);
  for (size_t i = 0; i < 2; i++) {
    assert_int_equal(nodes_elsewhere(out.items[i], apart), 0);
    assert_int_equal(nodes_elsewhere(made.items[i], apart), 0);
  }
  list_clear(&out), list_clear(&made);
  closure_unref(f);
  scope_close(scope, NULL);
}

static lz_array* kept;
static lz_array* keeps(lz_array* const* in) {
  array_unref(kept);
  kept = array_ref(in[0]);
  return op_sum(in[1], AXES_ALL, false, cpu());
}

/* A function that keeps its argument and is given that the next time. */
static void a_kept_argument_grows_no_chain(void** state) {
  (void)state;
  size_t scope = scope_open();
  const int zero = 0;
  lz_closure* f = closure_of(keeps);
  lz_closure* g = value_and_grad(f, &zero, 1);
  kept = array_ref(op_scalar(DTYPE_FLOAT32, 1));
  for (int i = 0; i < 5; i++) {
    lz_array* arrays[] = {kept, op_scalar(DTYPE_FLOAT32, 2)};
    lz_list in = {arrays, 2, 2};
    closure_args args = {.in = {&in}};
    assert_int_equal(closure_call(g, &args), 0);
    closure_args_clear(&args);
  }
  assert_non_null(kept->node);
  assert_null(kept->node->inputs[0]->node);
  array_unref(kept);
  closure_unref(g), closure_unref(f);
  scope_close(scope, NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(gradients_match_differences),
      cmocka_unit_test(derivatives_nest),
      cmocka_unit_test(values_may_steer_inside_grad),
      cmocka_unit_test(vmap_matches_a_loop),
      cmocka_unit_test(compiled_functions_are_called_once_a_form),
      cmocka_unit_test(many_forms_are_forgotten_in_turn),
      cmocka_unit_test(custom_rules_and_checkpoints),
      cmocka_unit_test(long_chains_differentiate),
      cmocka_unit_test(derivatives_run_where_the_function_does),
      cmocka_unit_test(a_kept_argument_grows_no_chain),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
