#include "functions.h"

#include <math.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

char path[64];

int functions_set_up(void** state) {
  snprintf(path, sizeof path, "/tmp/lazuli-export-%ld.mlxfn", (long)getpid());
  return errors_catch(state);
}

int functions_tear_down(void** state) {
  (void)state;
  unlink(path);
  return 0;
}

mlx_stream cpu(void) {
  static mlx_stream s;
  if (!s.ctx) s = mlx_default_cpu_stream_new();
  return s;
}

mlx_vector_array list1(mlx_array a) {
  mlx_vector_array v = mlx_vector_array_new_value(a);
  mlx_array_free(a);
  return v;
}

mlx_vector_array list2(mlx_array a, mlx_array b) {
  mlx_vector_array v = list1(a);
  mlx_vector_array_append_value(v, b);
  mlx_array_free(b);
  return v;
}

mlx_array get(mlx_vector_array v, size_t i) {
  mlx_array a = mlx_array_new();
  assert_fine(mlx_vector_array_get(&a, v, i));
  return a;
}

int give(mlx_vector_array* res, mlx_array a) {
  int failed = mlx_vector_array_append_value(*res, a);
  mlx_array_free(a);
  return failed;
}

mlx_array full(float value, int n, const int* shape) {
  mlx_array res = mlx_array_new(), v = mlx_array_new_float(value);
  assert_fine(mlx_full(&res, shape, (size_t)n, v, MLX_FLOAT32, cpu()));
  mlx_array_free(v);
  return res;
}

void expect(
    mlx_vector_array res, size_t k, size_t size, size_t i, double value) {
  mlx_array a = get(res, k);
  assert_fine(mlx_array_eval(a));
  assert_int_equal(mlx_array_size(a), size);
  assert_true(fabs(mlx_array_data_float32(a)[i] - value) < 1e-5);
  mlx_array_free(a);
}

int negative_exp(mlx_vector_array* res, const mlx_vector_array in) {
  mlx_array x = get(in, 0), e = mlx_array_new();
  *res = mlx_vector_array_new();
  if (mlx_exp(&e, x, cpu()) || mlx_negative(&e, e, cpu())) return 1;
  mlx_array_free(x);
  return give(res, e);
}

int sum_all(mlx_vector_array* res, const mlx_vector_array in, void* payload) {
  mlx_array sum = mlx_array_new();
  mlx_array_set(&sum, *(mlx_array*)payload);
  *res = mlx_vector_array_new();
  for (size_t i = 0; i < mlx_vector_array_size(in); i++) {
    mlx_array a = get(in, i);
    if (mlx_add(&sum, sum, a, cpu())) return 1;
    mlx_array_free(a);
  }
  return give(res, sum);
}

mlx_closure summing(mlx_array* payload) {
  return mlx_closure_new_func_payload(sum_all, payload, NULL);
}

mlx_map_string_to_array named(const char* a, float x, const char* b, float y) {
  mlx_map_string_to_array m = mlx_map_string_to_array_new();
  mlx_array v = mlx_array_new_float(x), w = mlx_array_new_float(y);
  mlx_map_string_to_array_insert(m, a, v);
  if (b) mlx_map_string_to_array_insert(m, b, w);
  mlx_array_free(v);
  mlx_array_free(w);
  return m;
}

void export_negative_exp(bool shapeless) {
  mlx_closure f = mlx_closure_new_func(negative_exp);
  mlx_vector_array in = list1(floats(2));
  assert_fine(mlx_export_function(path, f, in, shapeless));
  mlx_vector_array_free(in);
  mlx_closure_free(f);
}

mlx_vector_array ones(int n) {
  mlx_vector_array v = mlx_vector_array_new();
  for (int i = 0; i < n; i++) {
    mlx_array a = mlx_array_new_float(1);
    mlx_vector_array_append_value(v, a);
    mlx_array_free(a);
  }
  return v;
}

long size_of_file(void) {
  struct stat st;
  assert_int_equal(stat(path, &st), 0);
  return (long)st.st_size;
}
