/* Exported functions together with the rest: transformations inside and
 * outside, threads, streams, and graphs of many nodes. */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "functions.h"

static mlx_vector_array list_of(int n) {
  mlx_array a = floats(n);
  mlx_vector_array v = mlx_vector_array_new_value(a);
  mlx_array_free(a);
  return v;
}

/* Element i of result k. */
static float at(mlx_vector_array v, size_t k, size_t i) {
  mlx_array a = mlx_array_new();
  assert_fine(mlx_vector_array_get(&a, v, k));
  assert_fine(mlx_array_eval(a));
  assert_true(i < mlx_array_size(a));
  float value = mlx_array_data_float32(a)[i];
  mlx_array_free(a);
  return value;
}

/* sum(x^3) */
static int cubes(mlx_vector_array* res, const mlx_vector_array in) {
  mlx_array x = mlx_array_new(), y = mlx_array_new();
  *res = mlx_vector_array_new();
  int failed = mlx_vector_array_get(&x, in, 0) || mlx_square(&y, x, cpu()) ||
               mlx_multiply(&y, y, x, cpu()) || mlx_sum(&y, y, false, cpu()) ||
               mlx_vector_array_append_value(*res, y);
  mlx_array_free(x);
  mlx_array_free(y);
  return failed;
}

/* Values and gradients of a closure as one function. */
static int with_gradient(
    mlx_vector_array* res, const mlx_vector_array in, void* payload) {
  mlx_vector_array values = {0}, grads = {0};
  *res = mlx_vector_array_new();
  int failed = mlx_closure_value_and_grad_apply(
      &values, &grads, *(mlx_closure_value_and_grad*)payload, in);
  mlx_array a = mlx_array_new();
  failed = failed || mlx_vector_array_get(&a, values, 0) ||
           mlx_vector_array_append_value(*res, a) ||
           mlx_vector_array_get(&a, grads, 0) ||
           mlx_vector_array_append_value(*res, a);
  mlx_array_free(a);
  mlx_vector_array_free(values);
  mlx_vector_array_free(grads);
  return failed;
}

static mlx_closure gradient_of(
    mlx_closure f, mlx_closure_value_and_grad* made) {
  const int first = 0;
  assert_fine(mlx_value_and_grad(made, f, &first, 1));
  return mlx_closure_new_func_payload(with_gradient, made, NULL);
}

/* A gradient is a graph like any other; a compiled function inside as well. */
static void test_gradient_inside(void** state) {
  (void)state;
  for (int shapeless = 0; shapeless < 2; shapeless++) {
    mlx_closure f = mlx_closure_new_func(cubes), fast = {0};
    assert_fine(mlx_compile(&fast, f, false));
    mlx_closure_value_and_grad made = {0};
    mlx_closure g = gradient_of(fast, &made);
    mlx_vector_array in = list_of(3), res = {0};
    assert_fine(mlx_export_function(path, g, in, shapeless));
    mlx_imported_function i = mlx_imported_function_new(path);
    assert_fine(mlx_imported_function_apply(&res, i, in));
    assert_true(fabsf(at(res, 0, 0) - 36) < 1e-4f);
    assert_true(fabsf(at(res, 1, 2) - 27) < 1e-4f);
    mlx_vector_array_free(in);
    mlx_vector_array_free(res);
    mlx_imported_function_free(i);
    mlx_closure_free(g);
    mlx_closure_free(f);
    mlx_closure_free(fast);
    mlx_closure_value_and_grad_free(made);
  }
}

static int imported(
    mlx_vector_array* res, const mlx_vector_array in, void* payload) {
  return mlx_imported_function_apply(res, *(mlx_imported_function*)payload, in);
}

/* What was imported is differentiated and compiled as it stands. */
static void test_transformed(void** state) {
  (void)state;
  mlx_closure f = mlx_closure_new_func(cubes);
  mlx_vector_array in = list_of(3), res = {0};
  assert_fine(mlx_export_function(path, f, in, false));
  mlx_imported_function i = mlx_imported_function_new(path);
  mlx_closure again = mlx_closure_new_func_payload(imported, &i, NULL);
  mlx_closure_value_and_grad made = {0};
  mlx_closure g = gradient_of(again, &made), fast = {0};
  assert_fine(mlx_compile(&fast, g, false));
  for (int k = 0; k < 2; k++) {
    assert_fine(mlx_closure_apply(&res, fast, in));
    assert_true(fabsf(at(res, 1, 1) - 12) < 1e-4f);
  }
  /* And exported a second time. */
  assert_fine(mlx_export_function(path, fast, in, false));
  mlx_imported_function second = mlx_imported_function_new(path);
  assert_fine(mlx_imported_function_apply(&res, second, in));
  assert_true(fabsf(at(res, 1, 1) - 12) < 1e-4f);
  mlx_vector_array_free(in);
  mlx_vector_array_free(res);
  mlx_closure_free(fast);
  mlx_closure_free(g);
  mlx_closure_free(again);
  mlx_closure_free(f);
  mlx_closure_value_and_grad_free(made);
  mlx_imported_function_free(i);
  mlx_imported_function_free(second);
}

/* ---- shapes ---------------------------------------------------------------
 */

static int times_weights(mlx_vector_array* res, const mlx_vector_array in) {
  const int shape[] = {3, 2};
  const float values[] = {1, 2, 3, 4, 5, 6};
  mlx_array w = mlx_array_new_data(values, shape, 2, MLX_FLOAT32);
  mlx_array x = mlx_array_new(), y = mlx_array_new();
  *res = mlx_vector_array_new();
  int failed = mlx_vector_array_get(&x, in, 0) || mlx_matmul(&y, x, w, cpu()) ||
               mlx_vector_array_append_value(*res, y);
  mlx_array_free(w);
  mlx_array_free(x);
  mlx_array_free(y);
  return failed;
}

static mlx_vector_array rows(int n, int width) {
  mlx_array a = floats(n * width), b = mlx_array_new();
  const int shape[] = {n, width};
  assert_fine(mlx_reshape(&b, a, shape, 2, cpu()));
  mlx_vector_array v = mlx_vector_array_new_value(b);
  mlx_array_free(a);
  mlx_array_free(b);
  return v;
}

/* Other shapes are as good as the first one if they fit; if not, the operation
 * that they do not fit is named. */
static void test_other_shapes(void** state) {
  (void)state;
  mlx_closure f = mlx_closure_new_func(times_weights);
  mlx_vector_array in = rows(1, 3), res = {0};
  assert_fine(mlx_export_function(path, f, in, true));
  mlx_vector_array_free(in);
  mlx_imported_function i = mlx_imported_function_new(path);
  in = rows(5, 3);
  assert_fine(mlx_imported_function_apply(&res, i, in));
  assert_true(at(res, 0, 9) == 13 * 2 + 14 * 4 + 15 * 6);
  mlx_vector_array_free(in);
  in = rows(5, 4);
  assert_error(
      mlx_imported_function_apply(&res, i, in),
      "[Matmul] inner dimensions differ: (5,4) @ (3,2)");
  mlx_vector_array_free(in);
  mlx_vector_array_free(res);
  mlx_imported_function_free(i);
  mlx_closure_free(f);
}

/* ---- threads and streams ---------------------------------------------------
 */

typedef struct worker {
  pthread_t thread;
  mlx_imported_function function;
  int wrong;
} worker;

static void* work(void* of) {
  worker* w = of;
  for (int k = 0; k < 50; k++) {
    mlx_vector_array in = list_of(3), res = {0};
    mlx_array a = mlx_array_new();
    float value = 0;
    if (mlx_imported_function_apply(&res, w->function, in) ||
        mlx_vector_array_get(&a, res, 0) || mlx_array_item_float32(&value, a))
      w->wrong++;
    w->wrong += value != 36;
    mlx_array_free(a);
    mlx_vector_array_free(in);
    mlx_vector_array_free(res);
  }
  return NULL;
}

static void test_threads(void** state) {
  (void)state;
  mlx_closure f = mlx_closure_new_func(cubes);
  mlx_vector_array in = list_of(3);
  assert_fine(mlx_export_function(path, f, in, false));
  mlx_imported_function i = mlx_imported_function_new(path);
  worker workers[4];
  for (int k = 0; k < 4; k++) {
    workers[k] = (worker){.function = i};
    assert_int_equal(
        pthread_create(&workers[k].thread, NULL, work, &workers[k]), 0);
  }
  for (int k = 0; k < 4; k++) {
    pthread_join(workers[k].thread, NULL);
    assert_int_equal(workers[k].wrong, 0);
  }
  mlx_vector_array_free(in);
  mlx_imported_function_free(i);
  mlx_closure_free(f);
}

static int on_streams(
    mlx_vector_array* res, const mlx_vector_array in, void* payload) {
  mlx_array x = mlx_array_new();
  *res = mlx_vector_array_new();
  int failed = mlx_vector_array_get(&x, in, 0);
  for (int k = 0; k < 3 && !failed; k++)
    failed = mlx_exp(&x, x, ((mlx_stream*)payload)[k]) || mlx_log(&x, x, cpu());
  failed = failed || mlx_vector_array_append_value(*res, x);
  mlx_array_free(x);
  return failed;
}

/* Streams of one's own are streams of one's own again, and as many. */
static void test_streams(void** state) {
  (void)state;
  mlx_device device = mlx_device_new_type(MLX_CPU, 0);
  mlx_stream streams[3];
  for (int k = 0; k < 3; k++) streams[k] = mlx_stream_new_device(device);
  mlx_closure f = mlx_closure_new_func_payload(on_streams, streams, NULL);
  mlx_vector_array in = list_of(3), res = {0};
  assert_fine(mlx_export_function(path, f, in, false));
  for (int k = 0; k < 20; k++) {
    mlx_imported_function i = mlx_imported_function_new(path);
    assert_fine(mlx_imported_function_apply(&res, i, in));
    assert_true(fabsf(at(res, 0, 2) - 3) < 1e-5f);
    mlx_imported_function_free(i);
  }
  for (int k = 0; k < 3; k++) mlx_stream_free(streams[k]);
  mlx_device_free(device);
  mlx_vector_array_free(in);
  mlx_vector_array_free(res);
  mlx_closure_free(f);
}

/* ---- many nodes -------------------------------------------------------------
 */

enum { MANY = 100000 };

static int long_chain(mlx_vector_array* res, const mlx_vector_array in) {
  mlx_array x = mlx_array_new(), one = mlx_array_new_float(1);
  *res = mlx_vector_array_new();
  int failed = mlx_vector_array_get(&x, in, 0);
  for (int k = 0; k < MANY && !failed; k++) failed = mlx_add(&x, x, one, cpu());
  failed = failed || mlx_vector_array_append_value(*res, x);
  mlx_array_free(x);
  mlx_array_free(one);
  return failed;
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Nothing recurses and nothing takes longer than in proportion. */
static void test_many_nodes(void** state) {
  (void)state;
  mlx_closure f = mlx_closure_new_func(long_chain);
  mlx_vector_array in = list_of(1), res = {0};
  double begin = now();
  assert_fine(mlx_export_function(path, f, in, true));
  double written = now();
  mlx_imported_function i = mlx_imported_function_new(path);
  assert_non_null(i.ctx);
  double read = now();
  assert_fine(mlx_imported_function_apply(&res, i, in));
  double built = now();
  assert_true(at(res, 0, 0) == 1 + MANY);
  print_message(
      "%d nodes: exported in %.0f ms, imported in %.0f ms, built in %.0f ms\n",
      MANY,
      (written - begin) * 1e3,
      (read - written) * 1e3,
      (built - read) * 1e3);
  mlx_vector_array_free(res);
  mlx_vector_array_free(in);
  mlx_imported_function_free(i);
  mlx_closure_free(f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_gradient_inside),
      cmocka_unit_test(test_transformed),
      cmocka_unit_test(test_other_shapes),
      cmocka_unit_test(test_threads),
      cmocka_unit_test(test_streams),
      cmocka_unit_test(test_many_nodes),
  };
  return cmocka_run_group_tests(tests, functions_set_up, functions_tear_down);
}
