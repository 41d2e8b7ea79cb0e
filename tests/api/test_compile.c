/* Compiled functions as a program sees them: how often its function is called,
 * the modes, shapes that change; and functions with rules of their own. */
#include "support.h"

static mlx_stream s;
static int calls;

static int start(void** state) {
  s = mlx_default_cpu_stream_new();
  return errors_catch(state);
}
static int stop(void** state) {
  (void)state;
  return mlx_stream_free(s);
}

/* The mean over the last axis, counted by hand, in one way or the other: sum /
 * number of elements. */
static bool inverted;

static int mean(mlx_vector_array* res, const mlx_vector_array in) {
  calls++;
  mlx_array a = {0}, n = {0};
  int failed =
      mlx_vector_array_get(&a, in, 0) ||
      mlx_number_of_elements(&n, a, (int[]){-1}, 1, inverted, MLX_FLOAT32, s) ||
      mlx_sum_axis(&a, a, -1, false, s) ||
      (inverted ? mlx_multiply : mlx_divide)(&a, a, n, s) ||
      mlx_vector_array_set_value(res, a);
  mlx_array_free(a);
  mlx_array_free(n);
  return failed;
}

/* f(1 … n) as one float. */
static float of_floats(mlx_closure f, int n) {
  mlx_array a = floats(n), out = {0};
  mlx_vector_array in = mlx_vector_array_new_value(a), got = {0};
  float value = -1;
  assert_fine(mlx_closure_apply(&got, f, in));
  assert_fine(mlx_vector_array_get(&out, got, 0));
  assert_fine(mlx_array_item_float32(&value, out));
  mlx_array_free(a);
  mlx_array_free(out);
  mlx_vector_array_free(in);
  mlx_vector_array_free(got);
  return value;
}

static void the_cache(void** state) {
  (void)state;
  mlx_closure f = mlx_closure_new_func(mean), fast = {0};
  assert_fine(mlx_compile(&fast, f, false));
  calls = 0;
  assert_float_equal(of_floats(fast, 3), 2, 1e-6);
  assert_float_equal(of_floats(fast, 3), 2, 1e-6);
  assert_int_equal(calls, 1);
  assert_float_equal(of_floats(fast, 5), 3, 1e-6);
  assert_int_equal(calls, 2);
  mlx_closure_free(fast);
  mlx_closure_free(f);
}

static void any_shape(void** state) {
  (void)state;
  for (int i = 0; i < 2; i++) {
    inverted = i;
    mlx_closure f = mlx_closure_new_func(mean), fast = {0};
    assert_fine(mlx_compile(&fast, f, true));
    assert_float_equal(of_floats(fast, 3), 2, 1e-6);
    assert_float_equal(of_floats(fast, 5), 3, 1e-6);
    assert_float_equal(of_floats(fast, 3), 2, 1e-6);
    mlx_closure_free(fast);
    mlx_closure_free(f);
  }
}

/* What is compiled by a number of the program's own is found again by it, until
 * the program says that it is no more. */
static void by_number(void** state) {
  (void)state;
  const uintptr_t number = 77;
  const uint64_t other = 5;
  calls = 0;
  for (int i = 0; i < 6; i++) {
    mlx_closure f = mlx_closure_new_func(mean), fast = {0};
    if (i == 3) assert_fine(mlx_detail_compile_erase(number));
    assert_fine(mlx_detail_compile(&fast, f, number, i == 5, &other, i == 4));
    assert_float_equal(of_floats(fast, 3), 2, 1e-6);
    assert_int_equal(calls, i < 3 ? 1 : i - 1);
    mlx_closure_free(fast);
    mlx_closure_free(f);
  }
  assert_fine(mlx_detail_compile_erase(number));
}

/* An array that the function is also given as its argument. */
static mlx_array around;

static int takes_from_around(mlx_vector_array* res, const mlx_vector_array in) {
  mlx_array a = {0}, b = {0};
  int failed = mlx_vector_array_get(&a, in, 0) || mlx_square(&b, around, s) ||
               mlx_add(&a, a, b, s) || mlx_vector_array_set_value(res, a);
  mlx_array_free(a);
  mlx_array_free(b);
  return failed;
}

static void arguments_come_as_arguments(void** state) {
  (void)state;
  mlx_closure f = mlx_closure_new_func(takes_from_around), fast = {0};
  assert_fine(mlx_compile(&fast, f, false));
  around = floats(3);
  mlx_vector_array in = mlx_vector_array_new_value(around), got = {0};
  assert_error(mlx_closure_apply(&got, fast, in), "uncaptured inputs");
  mlx_vector_array_free(in);
  mlx_array_free(around);
  mlx_closure_free(fast);
  mlx_closure_free(f);
}

static void the_modes(void** state) {
  (void)state;
  mlx_closure f = mlx_closure_new_func(mean), fast = {0};
  assert_fine(mlx_disable_compile());
  assert_fine(mlx_compile(&fast, f, false));
  calls = 0;
  of_floats(fast, 3);
  of_floats(fast, 3);
  assert_int_equal(calls, 2); /* each time */
  assert_fine(mlx_enable_compile());
  mlx_closure_free(fast);
  fast = mlx_closure_new();
  const mlx_compile_mode modes[] = {
      MLX_COMPILE_MODE_NO_SIMPLIFY,
      MLX_COMPILE_MODE_NO_FUSE,
      MLX_COMPILE_MODE_ENABLED};
  for (int i = 0; i < 3; i++) {
    assert_fine(mlx_set_compile_mode(modes[i]));
    assert_fine(mlx_compile(&fast, f, false));
    calls = 0;
    assert_float_equal(of_floats(fast, 7), 4, 1e-6);
    assert_float_equal(of_floats(fast, 7), 4, 1e-6);
    assert_true(calls <= 1);
  }
  assert_fine(mlx_set_compile_mode(MLX_COMPILE_MODE_DISABLED));
  assert_fine(mlx_compile(&fast, f, false));
  calls = 0;
  of_floats(fast, 3);
  of_floats(fast, 3);
  assert_int_equal(calls, 2);
  assert_fine(mlx_set_compile_mode(MLX_COMPILE_MODE_ENABLED));
  mlx_closure_free(fast);
  mlx_closure_free(f);
}

static int square(mlx_vector_array* res, const mlx_vector_array in) {
  mlx_array a = {0};
  int failed = mlx_vector_array_get(&a, in, 0) || mlx_square(&a, a, s) ||
               mlx_vector_array_set_value(res, a);
  mlx_array_free(a);
  return failed;
}

/* Not the derivative: a hundred times the cotangents, or the tangents. */
static int hundredfold(mlx_vector_array* res, const mlx_vector_array given) {
  mlx_array a = {0}, c = mlx_array_new_float32(100);
  int failed = mlx_vector_array_get(&a, given, 0) ||
               mlx_multiply(&a, a, c, s) || mlx_vector_array_set_value(res, a);
  mlx_array_free(a);
  mlx_array_free(c);
  return failed;
}
static int own_vjp(
    mlx_vector_array* res,
    const mlx_vector_array primals,
    const mlx_vector_array cotangents,
    const mlx_vector_array outputs) {
  (void)primals, (void)outputs;
  return hundredfold(res, cotangents);
}
static int own_jvp(
    mlx_vector_array* res,
    const mlx_vector_array primals,
    const mlx_vector_array tangents,
    const int* which,
    size_t n) {
  (void)primals;
  assert_int_equal(n, 1);
  assert_int_equal(which[0], 0);
  return hundredfold(res, tangents);
}

static void own_rules(void** state) {
  (void)state;
  mlx_closure f = mlx_closure_new_func(square), own = {0};
  mlx_closure_custom vjp = mlx_closure_custom_new_func(own_vjp);
  mlx_closure_custom_jvp jvp = mlx_closure_custom_jvp_new_func(own_jvp);
  assert_fine(
      mlx_custom_function(&own, f, vjp, jvp, (mlx_closure_custom_vmap){0}));
  assert_float_equal(of_floats(own, 1), 1, 0);
  mlx_array a = mlx_array_new_float32(3), g = mlx_array_new_float32(2);
  mlx_vector_array in = mlx_vector_array_new_value(a);
  mlx_vector_array along = mlx_vector_array_new_value(g);
  for (int reverse = 0; reverse < 2; reverse++) {
    mlx_vector_array out = {0}, got = {0};
    assert_fine((reverse ? mlx_vjp : mlx_jvp)(&out, &got, own, in, along));
    mlx_array d = {0};
    float value;
    assert_fine(mlx_vector_array_get(&d, got, 0));
    assert_fine(mlx_array_item_float32(&value, d));
    assert_float_equal(value, 200, 0);
    mlx_array_free(d);
    mlx_vector_array_free(out);
    mlx_vector_array_free(got);
  }
  mlx_vector_array_free(in);
  mlx_vector_array_free(along);
  mlx_array_free(a);
  mlx_array_free(g);
  mlx_closure_custom_free(vjp);
  mlx_closure_custom_jvp_free(jvp);
  mlx_closure_free(own);
  mlx_closure_free(f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_cache),
      cmocka_unit_test(any_shape),
      cmocka_unit_test(by_number),
      cmocka_unit_test(arguments_come_as_arguments),
      cmocka_unit_test(the_modes),
      cmocka_unit_test(own_rules),
  };
  return cmocka_run_group_tests(tests, start, stop);
}
