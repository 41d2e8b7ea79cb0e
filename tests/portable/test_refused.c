/* What cannot be exported, and files that are no functions. */
#include <stdio.h>
#include <unistd.h>

#include "functions.h"

static int reads_value(mlx_vector_array* res, const mlx_vector_array in) {
  mlx_array x = get(in, 0);
  float value;
  *res = mlx_vector_array_new();
  int failed = mlx_array_item_float32(&value, x);
  mlx_array_free(x);
  return failed;
}

static void test_trace_fails(void** state) {
  (void)state;
  export_negative_exp(false);
  long before = size_of_file();
  mlx_closure c = mlx_closure_new_func(reads_value);
  mlx_vector_array in = list1(mlx_array_new_float(1));
  assert_true(mlx_export_function(path, c, in, false) != 0);
  assert_true(errors_count() >= 1);
  errors_take(errors_count(), "");
  /* The file is what it was, and nothing lies beside it. */
  assert_int_equal(size_of_file(), before);
  char beside[96];
  snprintf(beside, sizeof beside, "%s.tmp%ld", path, (long)getpid());
  assert_int_equal(access(beside, F_OK), -1);
  mlx_vector_array_free(in);
  mlx_closure_free(c);
}

static void test_custom_refused(void** state) {
  (void)state;
  mlx_closure plain = mlx_closure_new_func(negative_exp), c = {0};
  assert_fine(mlx_checkpoint(&c, plain));
  mlx_vector_array in = list1(floats(2));
  assert_error(
      mlx_export_function(path, c, in, false),
      "the operation CustomTransforms cannot be exported");
  mlx_vector_array_free(in);
  mlx_closure_free(c);
  mlx_closure_free(plain);
}

static void test_nothing_given(void** state) {
  (void)state;
  mlx_closure f = mlx_closure_new_func(negative_exp), empty = {0};
  mlx_vector_array in = list1(floats(2)), none = {0}, res = {0};
  mlx_function_exporter no_exporter = {0};
  mlx_imported_function no_function = {0};
  mlx_map_string_to_array no_map = {0};
  assert_error(mlx_export_function(path, empty, in, false), "argument fun");
  assert_error(mlx_export_function(path, f, none, false), "argument args");
  assert_error(mlx_export_function(NULL, f, in, false), "argument file");
  assert_error(mlx_function_exporter_apply(no_exporter, in), "argument xfunc");
  assert_error(
      mlx_imported_function_apply(&res, no_function, in), "argument xfunc");
  assert_error(
      mlx_imported_function_apply_kwargs(&res, no_function, in, no_map),
      "argument kwargs");
  assert_null(mlx_imported_function_new(NULL).ctx);
  errors_take(1, "argument file");
  assert_null(mlx_function_exporter_new("/nowhere/f", f, false).ctx);
  errors_take(1, "Failed to open /nowhere/f");
  assert_fine(mlx_function_exporter_free(no_exporter));
  assert_fine(mlx_imported_function_free(no_function));
  mlx_vector_array_free(in);
  mlx_closure_free(f);
}

/* ---- files that are none ------------------------------------------------- */

static char contents[1 << 16];

static size_t read_file(void) {
  FILE* f = fopen(path, "rb");
  assert_non_null(f);
  size_t n = fread(contents, 1, sizeof contents, f);
  fclose(f);
  return n;
}

static void write_file(const void* data, size_t n) {
  FILE* f = fopen(path, "wb");
  assert_non_null(f);
  assert_int_equal(fwrite(data, 1, n, f), n);
  fclose(f);
}

static void refused(const void* data, size_t n, const char* words) {
  write_file(data, n);
  assert_null(mlx_imported_function_new(path).ctx);
  errors_take(1, words);
}

static void test_foreign_files(void** state) {
  (void)state;
  unlink(path);
  assert_null(mlx_imported_function_new(path).ctx);
  errors_take(1, "Failed to open");
  refused("", 0, "is no file of functions");
  refused(
      "NUMPY and so on, long enough to be a header of functions as well",
      64,
      "is no file of functions");
  refused(
      "\x06\0\0\0\0\0\0\0"
      "0.31.2"
      "\x01\0\0\0\0",
      19,
      "written by MLX 0.31.2");
  export_negative_exp(false);
  size_t n = read_file();
  refused(contents, 63, "is no file of functions");
  refused(contents, n - 1, "is cut short");
  contents[8] = 9;
  refused(contents, n, "has version 9");
  contents[8] = 1;
  contents[12] = 1;
  refused(contents, n, "another byte order");
  contents[12] = 4;
  contents[20] = 2;
  refused(contents, n, "damaged: its header");
  contents[20] = 1;
  contents[100] ^= 1;
  refused(contents, n, "damaged: the function at byte 88");
}

/* A constant is looked at when it is read. */
static void test_damaged_constant(void** state) {
  (void)state;
  mlx_array constant = full(2, 1, (const int[]){1000});
  mlx_array_eval(constant);
  mlx_closure c = summing(&constant);
  mlx_vector_array in = ones(1), res = {0};
  assert_fine(mlx_export_function(path, c, in, false));
  size_t n = read_file();
  contents[1000] ^= 1;
  write_file(contents, n);
  mlx_imported_function f = mlx_imported_function_new(path);
  assert_fine(mlx_imported_function_apply(&res, f, in));
  mlx_array a = get(res, 0);
  assert_error(mlx_array_eval(a), "is damaged: 4000 bytes from byte 88 on");
  mlx_array_free(a);
  mlx_vector_array_free(res);
  mlx_vector_array_free(in);
  mlx_imported_function_free(f);
  mlx_closure_free(c);
  mlx_array_free(constant);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_trace_fails),
      cmocka_unit_test(test_custom_refused),
      cmocka_unit_test(test_nothing_given),
      cmocka_unit_test(test_foreign_files),
      cmocka_unit_test(test_damaged_constant),
  };
  return cmocka_run_group_tests(tests, functions_set_up, functions_tear_down);
}
