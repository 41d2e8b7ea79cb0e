/* Functions exported and imported, as a program does it. */
#include <math.h>
#include <sys/wait.h>
#include <unistd.h>

#include "functions.h"

static const char* self;

static void test_round_trip(void** state) {
  (void)state;
  export_negative_exp(false);
  mlx_imported_function f = mlx_imported_function_new(path);
  assert_non_null(f.ctx);
  mlx_vector_array in = list1(floats(2)), res = {0};
  assert_fine(mlx_imported_function_apply(&res, f, in));
  expect(res, 0, 2, 1, -exp(2));
  mlx_vector_array_free(res);
  mlx_vector_array_free(in);

  /* A name that the function does not know stands for the next input. */
  mlx_array x = floats(2);
  mlx_map_string_to_array name = mlx_map_string_to_array_new();
  assert_fine(mlx_map_string_to_array_insert(name, "x", x));
  in = mlx_vector_array_new();
  res = mlx_vector_array_new();
  assert_fine(mlx_imported_function_apply_kwargs(&res, f, in, name));
  expect(res, 0, 2, 1, -exp(2));
  mlx_vector_array_free(res);
  mlx_vector_array_free(in);
  mlx_map_string_to_array_free(name);
  mlx_array_free(x);

  /* What fits no trace is refused, with both told. */
  mlx_vector_array wrong = list2(floats(2), floats(2)), none = {0};
  assert_error(
      mlx_imported_function_apply(&none, f, wrong),
      "2 by position and 0 by name: (2,) float32, (2,) float32");
  mlx_vector_array_free(wrong);
  wrong = list1(floats(3));
  assert_error(
      mlx_imported_function_apply(&none, f, wrong), "by name: (3,) float32");
  assert_error(
      mlx_imported_function_apply(&none, f, wrong),
      "1. 1 by position and 0 by name: (2,) float32");
  mlx_vector_array_free(wrong);
  mlx_array ints =
      mlx_array_new_data((int[]){1, 2}, (const int[]){2}, 1, MLX_INT32);
  wrong = list1(ints);
  assert_error(mlx_imported_function_apply(&none, f, wrong), "(2,) int32");
  mlx_vector_array_free(wrong);
  assert_null(none.ctx);
  assert_fine(mlx_imported_function_free(f));
}

static int no_inputs(mlx_vector_array* res, const mlx_vector_array in) {
  (void)in;
  *res = mlx_vector_array_new();
  return give(res, full(3, 2, (const int[]){2, 2}));
}

static void test_no_inputs(void** state) {
  (void)state;
  mlx_closure c = mlx_closure_new_func(no_inputs);
  mlx_vector_array none = mlx_vector_array_new(), res = {0};
  assert_fine(mlx_export_function(path, c, none, false));
  mlx_imported_function f = mlx_imported_function_new(path);
  assert_fine(mlx_imported_function_apply(&res, f, none));
  expect(res, 0, 4, 3, 3);
  mlx_vector_array_free(res);
  mlx_vector_array_free(none);
  mlx_imported_function_free(f);
  mlx_closure_free(c);
}

/* The first output of a node with three that nobody else reads; and an
 * argument as it came. */
static int one_of_several(mlx_vector_array* res, const mlx_vector_array in) {
  mlx_array x = get(in, 0), one = mlx_array_new();
  mlx_vector_array parts = mlx_vector_array_new();
  *res = mlx_vector_array_new();
  if (mlx_linalg_svd(&parts, x, true, cpu()) ||
      mlx_vector_array_get(&one, parts, 1))
    return 1;
  mlx_vector_array_free(parts);
  return give(res, one) || give(res, x);
}

static void test_several_outputs(void** state) {
  (void)state;
  mlx_closure c = mlx_closure_new_func(one_of_several);
  const float values[] = {3, 0, 0, 4};
  const int shape[] = {2, 2};
  mlx_vector_array in =
      list1(mlx_array_new_data(values, shape, 2, MLX_FLOAT32));
  mlx_vector_array res = {0};
  assert_fine(mlx_export_function(path, c, in, false));
  mlx_imported_function f = mlx_imported_function_new(path);
  assert_fine(mlx_imported_function_apply(&res, f, in));
  assert_int_equal(mlx_vector_array_size(res), 2);
  expect(res, 0, 2, 0, 4);
  expect(res, 0, 2, 1, 3);
  expect(res, 1, 4, 3, 4);
  mlx_vector_array_free(res);
  mlx_vector_array_free(in);
  mlx_imported_function_free(f);
  mlx_closure_free(c);
}

/* x - y, and x again */
static int subtract_named(
    mlx_vector_array* res,
    const mlx_vector_array in,
    const mlx_map_string_to_array names) {
  mlx_array x = mlx_array_new(), y = mlx_array_new(), d = mlx_array_new();
  (void)in;
  *res = mlx_vector_array_new();
  if (mlx_map_string_to_array_get(&x, names, "x") ||
      mlx_map_string_to_array_get(&y, names, "y") ||
      mlx_subtract(&d, x, y, cpu()) || give(res, d))
    return 1;
  mlx_array_free(y);
  return give(res, x);
}

static void test_names(void** state) {
  (void)state;
  mlx_closure_kwargs c = mlx_closure_kwargs_new_func(subtract_named);
  mlx_vector_array none = mlx_vector_array_new(), res = {0};
  mlx_map_string_to_array xy = named("x", 5, "y", 3);
  assert_fine(mlx_export_function_kwargs(path, c, none, xy, false));
  mlx_imported_function f = mlx_imported_function_new(path);
  assert_fine(mlx_imported_function_apply_kwargs(&res, f, none, xy));
  expect(res, 0, 1, 0, 2);
  expect(res, 1, 1, 0, 5);
  mlx_map_string_to_array yx = named("y", 1, "x", 9);
  assert_fine(mlx_imported_function_apply_kwargs(&res, f, none, yx));
  expect(res, 0, 1, 0, 8);

  mlx_map_string_to_array wrong = named("a", 1, "b", 2);
  assert_error(
      mlx_imported_function_apply_kwargs(&res, f, none, wrong),
      "a=() float32, b=() float32");
  mlx_map_string_to_array_free(wrong);
  wrong = named("x", 1, NULL, 0);
  assert_error(
      mlx_imported_function_apply_kwargs(&res, f, none, wrong),
      "x=() float32, y=() float32");
  mlx_vector_array both = list2(mlx_array_new_float(1), mlx_array_new_float(2));
  assert_error(
      mlx_imported_function_apply(&res, f, both), "2 by position and 0");
  expect(res, 0, 1, 0, 8); /* as it was */
  mlx_vector_array_free(both);
  mlx_map_string_to_array_free(wrong);
  mlx_map_string_to_array_free(xy);
  mlx_map_string_to_array_free(yx);
  mlx_vector_array_free(res);
  mlx_vector_array_free(none);
  mlx_imported_function_free(f);
  mlx_closure_kwargs_free(c);
}

static void test_many_traces(void** state) {
  (void)state;
  mlx_array constant = full(2, 2, (const int[]){16, 2048});
  assert_fine(mlx_array_eval(constant));
  mlx_closure c = summing(&constant);
  mlx_function_exporter e = mlx_function_exporter_new(path, c, false);
  assert_non_null(e.ctx);
  for (int n = 0; n < 5; n++) {
    mlx_vector_array in = ones(n);
    assert_fine(mlx_function_exporter_apply(e, in));
    if (n == 3) {
      assert_error(
          mlx_function_exporter_apply(e, in),
          "export a function twice with the same signature");
      /* It is a whole file after each. */
      mlx_imported_function f = mlx_imported_function_new(path);
      mlx_vector_array res = {0};
      assert_fine(mlx_imported_function_apply(&res, f, in));
      expect(res, 0, 16 * 2048, 77, 5);
      mlx_vector_array_free(res);
      mlx_imported_function_free(f);
    }
    mlx_vector_array_free(in);
  }
  /* A name is part of a signature, though the closure takes none. */
  mlx_vector_array in = ones(1);
  mlx_map_string_to_array name = named("z", 1, NULL, 0);
  assert_fine(mlx_function_exporter_apply_kwargs(e, in, name));
  assert_error(mlx_function_exporter_apply_kwargs(e, in, name), "z=() float32");
  assert_fine(mlx_function_exporter_free(e));
  assert_true(size_of_file() < 4 * 16 * 2048 + 8192);

  mlx_imported_function f = mlx_imported_function_new(path);
  mlx_array_free(constant);
  mlx_closure_free(c);
  for (int n = 0; n < 5; n++) {
    mlx_vector_array some = ones(n), res = {0};
    assert_fine(mlx_imported_function_apply(&res, f, some));
    expect(res, 0, 16 * 2048, 5, 2 + n);
    mlx_vector_array_free(res);
    mlx_vector_array_free(some);
  }
  mlx_vector_array res = {0};
  assert_fine(mlx_imported_function_apply_kwargs(&res, f, in, name));
  expect(res, 0, 16 * 2048, 5, 3);
  mlx_vector_array_free(res);
  mlx_vector_array_free(in);
  in = ones(5);
  assert_error(mlx_imported_function_apply(&res, f, in), "It has 6");
  mlx_vector_array_free(in);
  mlx_map_string_to_array_free(name);
  mlx_imported_function_free(f);
}

/* A captured graph goes into the file as it is, not as its value. */
static void test_captured_graph(void** state) {
  (void)state;
  mlx_array lazy = full(2, 2, (const int[]){1000, 1000});
  assert_fine(mlx_square(&lazy, lazy, cpu()));
  mlx_closure c = summing(&lazy);
  mlx_vector_array in = ones(1), res = {0};
  assert_fine(mlx_export_function(path, c, in, false));
  assert_true(size_of_file() < 2000);
  mlx_imported_function f = mlx_imported_function_new(path);
  assert_fine(mlx_imported_function_apply(&res, f, in));
  expect(res, 0, 1000000, 999999, 5);
  mlx_vector_array_free(res);
  mlx_vector_array_free(in);
  mlx_imported_function_free(f);
  mlx_closure_free(c);
  mlx_array_free(lazy);
}

static void test_shapeless(void** state) {
  (void)state;
  export_negative_exp(true);
  mlx_imported_function f = mlx_imported_function_new(path);
  for (int n = 1; n < 5; n++) {
    mlx_vector_array in = list1(floats(n)), res = {0};
    assert_fine(mlx_imported_function_apply(&res, f, in));
    expect(res, 0, (size_t)n, (size_t)n - 1, -exp(n));
    mlx_vector_array_free(res);
    mlx_vector_array_free(in);
  }
  /* The rank and the type still count. */
  mlx_vector_array in = list1(mlx_array_new_float(1)), res = {0};
  assert_error(mlx_imported_function_apply(&res, f, in), "of any shape");
  mlx_vector_array_free(in);
  mlx_imported_function_free(f);
}

/* A slice of the first two elements cannot know what it is of others. */
static int first_two(mlx_vector_array* res, const mlx_vector_array in) {
  mlx_array x = get(in, 0), y = mlx_array_new();
  const int start[] = {0}, stop[] = {2}, step[] = {1};
  *res = mlx_vector_array_new();
  if (mlx_slice(&y, x, start, 1, stop, 1, step, 1, cpu())) return 1;
  mlx_array_free(x);
  return give(res, y);
}

static void test_shapeless_slice(void** state) {
  (void)state;
  mlx_closure c = mlx_closure_new_func(first_two);
  mlx_vector_array in = list1(floats(3)), res = {0};
  assert_fine(mlx_export_function(path, c, in, true));
  mlx_imported_function f = mlx_imported_function_new(path);
  assert_fine(mlx_imported_function_apply(&res, f, in));
  expect(res, 0, 2, 1, 2);
  mlx_vector_array_free(in);
  in = list1(floats(4));
  assert_error(
      mlx_imported_function_apply(&res, f, in), "[Slice] cannot infer");
  mlx_vector_array_free(in);
  mlx_vector_array_free(res);
  mlx_imported_function_free(f);
  mlx_closure_free(c);
}

/* An array that is still to be loaded is a constant. */
static void test_captured_load(void** state) {
  (void)state;
  char npy[80];
  snprintf(npy, sizeof npy, "%s.npy", path);
  mlx_array a = floats(3), lazy = mlx_array_new();
  assert_fine(mlx_save(npy, a));
  assert_fine(mlx_load(&lazy, npy, cpu()));
  mlx_closure c = summing(&lazy);
  mlx_vector_array in = ones(1), res = {0};
  assert_fine(mlx_export_function(path, c, in, false));
  unlink(npy);
  mlx_imported_function f = mlx_imported_function_new(path);
  assert_fine(mlx_imported_function_apply(&res, f, in));
  expect(res, 0, 3, 2, 4);
  mlx_vector_array_free(res);
  mlx_vector_array_free(in);
  mlx_imported_function_free(f);
  mlx_closure_free(c);
  mlx_array_free(lazy);
  mlx_array_free(a);
}

/* Who has imported a file keeps what it was, also what is not read yet; and a
 * function that was imported can be exported over its own file. */
static void test_replaced(void** state) {
  (void)state;
  const int shape[] = {64, 64};
  mlx_array two = full(2, 2, shape), three = full(3, 2, shape);
  mlx_array_eval(two);
  mlx_array_eval(three);
  mlx_closure c = summing(&two), d = summing(&three);
  mlx_vector_array in = ones(1), res = {0};
  assert_fine(mlx_export_function(path, c, in, false));
  mlx_imported_function f = mlx_imported_function_new(path);
  assert_fine(mlx_export_function(path, d, in, false));
  mlx_imported_function g = mlx_imported_function_new(path);
  assert_fine(mlx_imported_function_apply(&res, f, in));
  expect(res, 0, 64 * 64, 9, 3);
  assert_fine(mlx_imported_function_apply(&res, g, in));
  expect(res, 0, 64 * 64, 9, 4);
  mlx_vector_array_free(res);
  mlx_vector_array_free(in);
  mlx_imported_function_free(f);
  mlx_imported_function_free(g);
  mlx_closure_free(c);
  mlx_closure_free(d);
  mlx_array_free(two);
  mlx_array_free(three);
}

/* ---- another process ----------------------------------------------------- */

/* What the other process does: import, call, compare. */
static int in_other_process(const char* file) {
  mlx_imported_function f = mlx_imported_function_new(file);
  mlx_vector_array in = ones(2), res = {0};
  mlx_array a = mlx_array_new();
  int wrong = !f.ctx || mlx_imported_function_apply(&res, f, in) ||
              mlx_vector_array_get(&a, res, 0) || mlx_array_eval(a) ||
              mlx_array_size(a) != 5000;
  for (int i = 0; i < 5000 && !wrong; i++)
    wrong = mlx_array_data_float32(a)[i] != 9;
  mlx_array_free(a);
  mlx_vector_array_free(res);
  mlx_vector_array_free(in);
  mlx_imported_function_free(f);
  return wrong;
}

static void test_other_process(void** state) {
  (void)state;
  mlx_array constant = full(7, 1, (const int[]){5000});
  assert_fine(mlx_array_eval(constant));
  mlx_closure c = summing(&constant);
  mlx_vector_array in = ones(2);
  assert_fine(mlx_export_function(path, c, in, false));
  pid_t child = fork();
  if (child == 0) {
    execl(self, self, "--import", path, (char*)NULL);
    _exit(99);
  }
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
  mlx_vector_array_free(in);
  mlx_closure_free(c);
  mlx_array_free(constant);
}

int main(int argc, char** argv) {
  if (argc == 3) return in_other_process(argv[2]);
  self = argv[0];
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_round_trip),
      cmocka_unit_test(test_no_inputs),
      cmocka_unit_test(test_several_outputs),
      cmocka_unit_test(test_names),
      cmocka_unit_test(test_many_traces),
      cmocka_unit_test(test_captured_graph),
      cmocka_unit_test(test_shapeless),
      cmocka_unit_test(test_shapeless_slice),
      cmocka_unit_test(test_captured_load),
      cmocka_unit_test(test_replaced),
      cmocka_unit_test(test_other_process),
  };
  return cmocka_run_group_tests(tests, functions_set_up, functions_tear_down);
}
