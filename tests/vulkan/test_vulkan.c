/* The GPU backend, on whatever device Vulkan offers. Exits with 77 without
 * one; with --none it checks that nothing else needs one. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/error.h"
#include "core/scope.h"
#include "eval/eval.h"
#include "ops/create.h"
#include "ops/elementwise.h"
#include "ops/join.h"
#include "ops/matmul.h"
#include "ops/order.h"
#include "ops/reduce.h"
#include "ops/shape.h"
#include "stream/stream.h"
#include "watch.h"

static lz_stream* cpu(void) {
  return stream_default(DEVICE_CPU);
}
static lz_stream* gpu(void) {
  return stream_default(DEVICE_GPU);
}

static lz_array* noise(int ndim, const int32_t* shape, unsigned seed) {
  int64_t n = 1;
  for (int i = 0; i < ndim; i++) n *= shape[i];
  float* v = malloc((size_t)n * sizeof *v + 1);
  for (int64_t i = 0; i < n; i++) {
    seed = seed * 1664525u + 1013904223u;
    v[i] = (float)(seed >> 8) / 8388608.f - 1.f;
  }
  lz_array* a = array_new_data(DTYPE_FLOAT32, ndim, shape, v);
  free(v);
  return scope_own(a);
}

static int evaluate(lz_array* a) {
  int failed = eval_array(a, LAZULI_TRIGGER_EVAL);
  if (failed) print_error("%s\n", error_message());
  return failed;
}

static void assert_close(lz_array* a, lz_array* b, float tolerance) {
  a = op_contiguous(a, false, cpu());
  b = op_contiguous(b, false, cpu());
  assert_int_equal(evaluate(a), 0);
  assert_int_equal(evaluate(b), 0);
  assert_true(array_same_shape(a, b));
  const float *x = array_data(a), *y = array_data(b);
  for (int64_t i = 0; i < a->size; i++)
    if (!(fabsf(x[i] - y[i]) <= tolerance * (1 + fabsf(y[i])))) {
      print_error("element %lld: %g, not %g\n", (long long)i, x[i], y[i]);
      fail();
    }
}

static void a_chain_is_one_dispatch(void** state) {
  (void)state;
  size_t scope = scope_open();
  const int32_t shape[] = {1 << 20};
  lz_array *a = noise(1, shape, 1), *b = noise(1, shape, 2),
           *c = noise(1, shape, 3);
  watch_start();
  lz_array* y[2];
  for (int k = 0; k < 2; k++) {
    lz_stream* s = k ? cpu() : gpu();
    y[k] = op_maximum(
        op_multiply(op_add(a, b, s), c, s), op_scalar(DTYPE_FLOAT32, 0), s);
    assert_int_equal(evaluate(y[k]), 0);
    assert_int_equal(watched.kernels, k + 1);
    assert_int_equal(watched.ended, k + 1);
    assert_int_equal(watched.written, (k + 1) * 4l << 20);
  }
  watch_stop();
  assert_memory_equal(array_data(y[0]), array_data(y[1]), 4 << 20);
  scope_close(scope, NULL);
}

static void functions_agree_with_the_cpu(void** state) {
  (void)state;
  static const int unary[] = {
      EW_ABS,
      EW_NEGATIVE,
      EW_SIGN,
      EW_CEIL,
      EW_FLOOR,
      EW_ROUND,
      EW_SQUARE,
      EW_EXP,
      EW_EXPM1,
      EW_SINH,
      EW_COSH,
      EW_TANH,
      EW_ARCSINH,
      EW_SIGMOID,
      EW_ERF};
  static const int binary[] = {
      EW_ADD,
      EW_SUBTRACT,
      EW_MULTIPLY,
      EW_DIVIDE,
      EW_MAXIMUM,
      EW_MINIMUM,
      EW_LOGADDEXP,
      EW_REMAINDER};
  size_t scope = scope_open();
  const int32_t shape[] = {37, 41};
  lz_array *a = noise(2, shape, 4), *b = noise(2, shape, 5);
  for (size_t i = 0; i < sizeof unary / sizeof *unary; i++)
    assert_close(
        op_unary(unary[i], a, gpu()), op_unary(unary[i], a, cpu()), 4e-6f);
  for (size_t i = 0; i < sizeof binary / sizeof *binary; i++)
    assert_close(
        op_binary(binary[i], a, b, gpu()),
        op_binary(binary[i], a, b, cpu()),
        4e-6f);
  lz_array* positive =
      op_add(op_abs(a, cpu()), op_scalar(DTYPE_FLOAT32, 1.01), cpu());
  static const int of_positive[] = {
      EW_SQRT, EW_RSQRT, EW_LOG, EW_LOG2, EW_LOG10, EW_LOG1P, EW_ARCCOSH};
  for (size_t i = 0; i < sizeof of_positive / sizeof *of_positive; i++)
    assert_close(
        op_unary(of_positive[i], positive, gpu()),
        op_unary(of_positive[i], positive, cpu()),
        4e-6f);
  lz_array* inside = op_multiply(a, op_scalar(DTYPE_FLOAT32, 0.9), cpu());
  assert_close(op_erfinv(inside, gpu()), op_erfinv(inside, cpu()), 2e-5f);
  assert_close(op_arctanh(inside, gpu()), op_arctanh(inside, cpu()), 2e-5f);
  /* Vulkan asks little of a device's trigonometry: 2^-11 for sin and cos, 4096
   * units for arcs. */
  static const int loose[] = {
      EW_SIN, EW_COS, EW_TAN, EW_ARCTAN, EW_ARCSIN, EW_ARCCOS};
  for (size_t i = 0; i < sizeof loose / sizeof *loose; i++)
    assert_close(
        op_unary(loose[i], inside, gpu()),
        op_unary(loose[i], inside, cpu()),
        1e-3f);
  assert_close(op_arctan2(a, b, gpu()), op_arctan2(a, b, cpu()), 1e-3f);
  assert_close(
      op_where(op_greater(a, b, gpu()), a, op_power(positive, b, gpu()), gpu()),
      op_where(op_greater(a, b, cpu()), a, op_power(positive, b, cpu()), cpu()),
      1e-5f);
  scope_close(scope, NULL);
}

static void types_agree_with_the_cpu(void** state) {
  (void)state;
  static const lz_dtype dtypes[] = {
      DTYPE_FLOAT16,
      DTYPE_BFLOAT16,
      DTYPE_INT32,
      DTYPE_UINT32,
      DTYPE_INT64,
      DTYPE_BOOL};
  size_t scope = scope_open();
  const int32_t shape[] = {1000};
  lz_array* a =
      op_multiply(noise(1, shape, 6), op_scalar(DTYPE_FLOAT32, 100), cpu());
  a = op_abs(a, cpu());
  assert_int_equal(evaluate(a), 0);
  for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++) {
    lz_array* y[2];
    for (int k = 0; k < 2; k++) {
      lz_stream* s = k ? cpu() : gpu();
      lz_array* x = op_astype(a, dtypes[i], s);
      y[k] =
          op_astype(op_maximum(op_multiply(x, x, s), x, s), DTYPE_FLOAT32, s);
    }
    assert_close(y[0], y[1], 0);
  }
  scope_close(scope, NULL);
}

static void operands_broadcast(void** state) {
  (void)state;
  size_t scope = scope_open();
  const int32_t row[] = {1, 7, 1}, col[] = {5, 1, 3}, one[] = {3};
  lz_array *a = noise(3, row, 7), *b = noise(3, col, 8), *c = noise(1, one, 9);
  lz_array* t =
      op_transpose_all(noise(3, (const int32_t[]){3, 7, 5}, 10), cpu());
  lz_array* y[2];
  for (int k = 0; k < 2; k++) {
    lz_stream* s = k ? cpu() : gpu();
    y[k] = op_multiply(op_add(op_add(a, b, s), t, s), c, s);
  }
  assert_close(y[0], y[1], 1e-6f);
  scope_close(scope, NULL);
}

static void products_agree_with_the_cpu(void** state) {
  (void)state;
  static const int sizes[][3] = {
      {1, 1, 1}, {17, 33, 5}, {64, 64, 64}, {1, 100, 31}};
  size_t scope = scope_open();
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    int m = sizes[i][0], n = sizes[i][1], k = sizes[i][2];
    lz_array* a = noise(3, (const int32_t[]){2, m, k}, 11);
    lz_array* b = noise(2, (const int32_t[]){n, k}, 12);
    lz_array* bt = op_transpose_all(b, cpu());
    assert_close(op_matmul(a, bt, gpu()), op_matmul(a, bt, cpu()), 1e-5f);
  }
  scope_close(scope, NULL);
}

static void reductions_and_softmax_agree_with_the_cpu(void** state) {
  (void)state;
  size_t scope = scope_open();
  lz_array* a = noise(3, (const int32_t[]){3, 300, 5}, 13);
  static const reduce_kind kinds[] = {
      REDUCE_SUM, REDUCE_MAX, REDUCE_MIN, REDUCE_PROD};
  for (size_t i = 0; i < 4; i++)
    for (int axis = 0; axis < 3; axis++) {
      assert_close(
          op_reduce(kinds[i], a, AXIS(axis), false, gpu()),
          op_reduce(kinds[i], a, AXIS(axis), false, cpu()),
          1e-5f);
    }
  assert_close(
      op_sum(a, AXES_ALL, true, gpu()),
      op_sum(a, AXES_ALL, true, cpu()),
      1e-4f);
  lz_array* large = noise(2, (const int32_t[]){2, 9000001}, 19);
  assert_close(
      op_max(large, AXIS(1), true, gpu()),
      op_max(large, AXIS(1), true, cpu()),
      0);
  lz_array* b = noise(2, (const int32_t[]){31, 777}, 14);
  assert_close(
      op_softmax(b, AXIS(-1), false, gpu()),
      op_softmax(b, AXIS(-1), false, cpu()),
      1e-5f);
  scope_close(scope, NULL);
}

static void devices_share_arrays(void** state) {
  (void)state;
  size_t scope = scope_open();
  lz_array* a = noise(1, (const int32_t[]){4096}, 15);
  lz_array* x = a;
  for (int i = 0; i < 20; i++) {
    lz_stream* s = i % 2 ? cpu() : gpu();
    x = op_add(op_multiply(x, op_scalar(DTYPE_FLOAT32, 0.5), s), a, s);
  }
  lz_array* y = a;
  for (int i = 0; i < 20; i++)
    y = op_add(op_multiply(y, op_scalar(DTYPE_FLOAT32, 0.5), cpu()), a, cpu());
  assert_close(x, y, 1e-6f);
  scope_close(scope, NULL);
}

static void erfinv_ends_at_infinity(void** state) {
  (void)state;
  size_t scope = scope_open();
  const float ends[] = {-1, 1};
  const int32_t two = 2;
  lz_array* a = scope_own(array_new_data(DTYPE_FLOAT32, 1, &two, ends));
  lz_array* y = op_erfinv(a, gpu());
  assert_int_equal(evaluate(y), 0);
  const float* got = array_data(y);
  assert_true(got[0] == -INFINITY && got[1] == INFINITY);
  scope_close(scope, NULL);
}

static void constants_are_exact(void** state) {
  (void)state;
  size_t scope = scope_open();
  const float given[] = {-1, 1};
  const int32_t two = 2, high[] = {1, 2};
  lz_array* a = scope_own(array_new_data(DTYPE_FLOAT32, 1, &two, given));
  lz_array* b = scope_own(array_new_data(DTYPE_INT32, 1, &two, high));
  lz_array* zero = op_scalar(DTYPE_FLOAT32, 0);
  lz_array* x = op_where(
      op_less(a, zero, gpu()),
      op_scalar(DTYPE_FLOAT32, -INFINITY),
      op_scalar(DTYPE_FLOAT32, INFINITY),
      gpu());
  lz_array* y = op_subtract(op_scalar(DTYPE_INT32, INT32_MAX), b, gpu());
  assert_int_equal(evaluate(x), 0);
  assert_int_equal(evaluate(y), 0);
  assert_int_equal(
      evaluate(op_arange(10, 0, INFINITY, DTYPE_FLOAT32, gpu())), 0);
  const float* f = array_data(x);
  assert_true(f[0] == -INFINITY && f[1] == INFINITY);
  const int32_t* i = array_data(y);
  assert_int_equal(i[0], INT32_MAX - 1);
  assert_int_equal(i[1], INT32_MAX - 2);
  scope_close(scope, NULL);
}

/* Between kernels of the GPU what it has none for: the host helps out. */
static void the_host_helps_out(void** state) {
  (void)state;
  size_t scope = scope_open();
  const int axis = 0, axes[] = {0, 2}, back[] = {2, 0, 1};
  lz_array* a = noise(3, (const int32_t[]){6, 7, 8}, 21);
  lz_array* results[2][6];
  for (int on = 0; on < 2; on++) {
    lz_stream* s = on ? gpu() : cpu();
    lz_array *x = op_add(a, a, s), **r = results[on];
    x = op_sort(x, &axis, s); /* no kernel at all */
    x = op_multiply(x, op_scalar(DTYPE_FLOAT32, 3), s);
    r[0] = x;
    r[1] = op_sum(op_transpose(x, back, 3, s), AXIS(1), false, s); /* strided */
    r[2] = op_sum(x, AXES(axes, 2), false, s); /* axes apart */
    r[3] = op_softmax(op_negative(x, s), AXIS(0), false, s);
    r[4] = op_real(
        op_multiply(
            op_astype(x, DTYPE_COMPLEX64, s),
            op_astype(a, DTYPE_COMPLEX64, s),
            s),
        s); /* a type that shaders do not have */
    r[5] = op_concatenate((lz_array*[]){x, op_exp(a, s)}, 2, 1, s);
  }
  for (int i = 0; i < 6; i++) assert_close(results[1][i], results[0][i], 1e-4f);
  /* Doubles are refused all the same. */
  lz_array* d = op_sort(op_astype(a, DTYPE_FLOAT64, cpu()), &axis, gpu());
  assert_int_not_equal(eval_array(d, LAZULI_TRIGGER_EVAL), 0);
  assert_non_null(strstr(error_message(), "float64"));
  scope_close(scope, NULL);
}

static void what_is_missing_is_said(void** state) {
  (void)state;
  size_t scope = scope_open();
  lz_array* a =
      op_astype(noise(1, (const int32_t[]){8}, 16), DTYPE_FLOAT64, cpu());
  lz_array* y = op_add(a, a, gpu());
  assert_int_not_equal(eval_array(y, LAZULI_TRIGGER_EVAL), 0);
  assert_non_null(strstr(error_message(), "float64"));
  assert_non_null(strstr(error_message(), "cpu"));
  /* And the stream goes on. */
  lz_array* b = noise(1, (const int32_t[]){8}, 17);
  assert_close(op_add(b, b, gpu()), op_add(b, b, cpu()), 0);
  scope_close(scope, NULL);
}

static void without_a_driver_the_cpu_works(void** state) {
  (void)state;
  size_t scope = scope_open();
  assert_int_equal(device_count(DEVICE_GPU), 0);
  assert_false(device_available(DEVICE_GPU, 0));
  assert_int_equal(device_default(), DEVICE_CPU);
  assert_null(stream_default(DEVICE_GPU));
  assert_non_null(strstr(error_message(), "gpu"));
  assert_int_not_equal(device_set_default(DEVICE_GPU), 0);
  lz_array* a = noise(1, (const int32_t[]){8}, 18);
  assert_int_equal(evaluate(op_add(a, a, cpu())), 0);
  scope_close(scope, NULL);
}

int main(int argc, char** argv) {
  if (argc > 1 && strcmp(argv[1], "--none") == 0) {
    const struct CMUnitTest none[] = {
        cmocka_unit_test(without_a_driver_the_cpu_works)};
    return cmocka_run_group_tests(none, NULL, NULL);
  }
  if (device_count(DEVICE_GPU) == 0) {
    printf("skipped: no Vulkan device\n");
    return 77;
  }
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_chain_is_one_dispatch),
      cmocka_unit_test(functions_agree_with_the_cpu),
      cmocka_unit_test(types_agree_with_the_cpu),
      cmocka_unit_test(operands_broadcast),
      cmocka_unit_test(products_agree_with_the_cpu),
      cmocka_unit_test(reductions_and_softmax_agree_with_the_cpu),
      cmocka_unit_test(devices_share_arrays),
      cmocka_unit_test(erfinv_ends_at_infinity),
      cmocka_unit_test(constants_are_exact),
      cmocka_unit_test(the_host_helps_out),
      cmocka_unit_test(what_is_missing_is_said),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
