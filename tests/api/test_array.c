/* Arrays: making them, looking at them, getting values out. */
#include <complex.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>

#include "support.h"

static void handles(void** state) {
  (void)state;
  mlx_array a = mlx_array_new(), b = mlx_array_new();
  assert_null(a.ctx);
  assert_fine(mlx_array_free(a));
  assert_error(mlx_array_set(&a, b), "[array_set] argument src");
  b = floats(3);
  assert_fine(mlx_array_set(&a, b));
  void* ctx = a.ctx;
  assert_ptr_equal(mlx_array_shape(a), mlx_array_shape(b)); /* one node */
  assert_fine(mlx_array_set_int(&a, 5));
  assert_ptr_equal(a.ctx, ctx);
  assert_int_equal(mlx_array_ndim(a), 0);
  assert_fine(mlx_array_set(&a, a));
  assert_int_equal(mlx_array_dtype(a), MLX_INT32);
  assert_int_equal(mlx_array_size(b), 3);
  assert_error(mlx_array_set(NULL, b), "argument arr");
  mlx_array_free(a);
  mlx_array_free(b);
}

static void scalars(void** state) {
  (void)state;
  mlx_array a = mlx_array_new_bool(true);
  bool flag = false;
  assert_int_equal(mlx_array_dtype(a), MLX_BOOL);
  assert_fine(mlx_array_item_bool(&flag, a));
  assert_true(flag);
  void* ctx = a.ctx;

  int32_t i = 0;
  assert_fine(mlx_array_set_int(&a, -7));
  assert_fine(mlx_array_item_int32(&i, a));
  assert_int_equal(i, -7);
  assert_ptr_equal(a.ctx, ctx);
  float f = 0;
  assert_fine(mlx_array_set_float32(&a, 1.5f));
  assert_fine(mlx_array_item_float32(&f, a));
  assert_true(f == 1.5f);
  assert_fine(mlx_array_set_float(&a, 2.5f));
  assert_fine(mlx_array_item_float32(&f, a));
  assert_true(f == 2.5f);
  double d = 0;
  assert_fine(mlx_array_set_float64(&a, 0.1));
  assert_int_equal(mlx_array_dtype(a), MLX_FLOAT64);
  assert_fine(mlx_array_item_float64(&d, a));
  assert_true(d == 0.1);
  assert_fine(mlx_array_set_double(&a, 0.2));
  assert_fine(mlx_array_item_float64(&d, a));
  assert_true(d == 0.2);
  assert_fine(mlx_array_set_bool(&a, false));
  assert_fine(mlx_array_item_bool(&flag, a));
  assert_false(flag);
  mlx_complex64_t z = 0;
  assert_fine(mlx_array_set_complex(&a, 1, -2));
  assert_fine(mlx_array_item_complex64(&z, a));
  assert_true(crealf(z) == 1 && cimagf(z) == -2);
  mlx_array_free(a);

  struct {
    mlx_array a;
    mlx_dtype dtype;
  } made[] = {
      {mlx_array_new_int(1), MLX_INT32},
      {mlx_array_new_float(1), MLX_FLOAT32},
      {mlx_array_new_float32(1), MLX_FLOAT32},
      {mlx_array_new_float64(1), MLX_FLOAT64},
      {mlx_array_new_double(1), MLX_FLOAT64},
      {mlx_array_new_complex(1, 2), MLX_COMPLEX64}};
  for (size_t k = 0; k < sizeof made / sizeof *made; k++) {
    assert_int_equal(mlx_array_dtype(made[k].a), made[k].dtype);
    assert_int_equal(mlx_array_ndim(made[k].a), 0);
    assert_non_null(mlx_array_shape(made[k].a));
    assert_non_null(mlx_array_strides(made[k].a));
    assert_int_equal(mlx_array_size(made[k].a), 1);
    assert_int_equal(
        mlx_array_nbytes(made[k].a), mlx_dtype_size(made[k].dtype));
    mlx_array_free(made[k].a);
  }
}

static void dtypes(void** state) {
  (void)state;
  static const size_t sizes[] = {1, 1, 2, 4, 8, 1, 2, 4, 8, 2, 4, 8, 2, 8};
  for (int d = MLX_BOOL; d <= MLX_COMPLEX64; d++)
    assert_int_equal(mlx_dtype_size((mlx_dtype)d), sizes[d]);
  assert_int_equal(mlx_dtype_size((mlx_dtype)14), 0);
  errors_take(1, "14 is no dtype");
}

static void from_data(void** state) {
  (void)state;
  int16_t data[] = {1, 2, 3, 4, 5, 6};
  int shape[] = {2, 3};
  mlx_array a = mlx_array_new_data(data, shape, 2, MLX_INT16);
  data[0] = 99;
  shape[0] = 77;
  assert_int_equal(mlx_array_ndim(a), 2);
  assert_int_equal(mlx_array_shape(a)[0], 2);
  assert_int_equal(mlx_array_dim(a, 1), 3);
  assert_int_equal(mlx_array_dim(a, -2), 2);
  assert_int_equal(mlx_array_dim(a, 2), 0);
  errors_take(1, "axis 2 of an array of shape (2,3)");
  assert_int_equal(mlx_array_dim(a, -3), 0);
  errors_take(1, "axis -3");
  assert_int_equal(mlx_array_strides(a)[0], 3);
  assert_int_equal(mlx_array_strides(a)[1], 1);
  assert_int_equal(mlx_array_itemsize(a), 2);
  assert_int_equal(mlx_array_nbytes(a), 12);
  assert_int_equal(mlx_array_data_int16(a)[0], 1);
  assert_int_equal(mlx_array_data_int16(a)[5], 6);

  int two = 2;
  assert_fine(mlx_array_set_data(&a, data, &two, 1, MLX_INT16));
  assert_int_equal(mlx_array_data_int16(a)[0], 99);
  int negative[] = {2, -1}, empty[] = {3, 0}, huge[] = {1 << 30, 1 << 30, 16};
  int many[300];
  for (int i = 0; i < 300; i++) many[i] = 1;
  assert_error(
      mlx_array_set_data(&a, data, negative, 2, MLX_INT16),
      "extent of axis 1 is -1");
  assert_error(mlx_array_set_data(&a, data, huge, 3, MLX_INT16), "memory");
  assert_error(mlx_array_set_data(&a, data, &two, -1, MLX_INT16), "-1 axes");
  assert_error(mlx_array_set_data(&a, data, many, 300, MLX_INT16), "300 axes");
  assert_error(mlx_array_set_data(&a, data, &two, 1, (mlx_dtype)55), "55");
  assert_error(mlx_array_set_data(&a, NULL, &two, 1, MLX_INT16), "data");
  assert_error(mlx_array_set_data(&a, data, NULL, 1, MLX_INT16), "shape");
  assert_int_equal(mlx_array_size(a), 2); /* untouched by all that */
  assert_null(mlx_array_new_data(data, negative, 2, MLX_INT16).ctx);
  errors_take(1, "[array_new_data]");
  assert_fine(mlx_array_set_data(&a, NULL, empty, 2, MLX_FLOAT32));
  assert_int_equal(mlx_array_size(a), 0);
  assert_int_equal(mlx_array_nbytes(a), 0);
  int deep[] = {1, 2, 1, 3, 1, 2};
  float values[12] = {0};
  values[11] = 11;
  assert_fine(mlx_array_set_data(&a, values, deep, 6, MLX_FLOAT32));
  assert_int_equal(mlx_array_dim(a, -3), 3);
  assert_true(mlx_array_data_float32(a)[11] == 11);
  mlx_array_free(a);
}

static int dropped;
static void* dropped_what;
static void drop(void* what) {
  dropped++;
  dropped_what = what;
}

static void managed_data(void** state) {
  (void)state;
  _Alignas(16) static float data[4] = {1, 2, 3, 4};
  int four = 4, three = 3, negative = -4;
  dropped = 0;
  mlx_array a = mlx_array_new_data_managed(data, &four, 1, MLX_FLOAT32, drop);
  mlx_array b = mlx_array_new();
  assert_fine(mlx_array_set(&b, a));
  assert_true(mlx_array_data_float32(a)[3] == 4);
  assert_ptr_equal(mlx_array_data_float32(a), data); /* not copied */
  mlx_array_free(a);
  assert_int_equal(dropped, 0);
  mlx_array_free(b);
  assert_int_equal(dropped, 1);
  assert_ptr_equal(dropped_what, data);

  int payload;
  a = mlx_array_new_data_managed_payload(
      data, &four, 1, MLX_FLOAT32, &payload, drop);
  mlx_array_free(a);
  assert_int_equal(dropped, 2);
  assert_ptr_equal(dropped_what, &payload);

  /* Memory that kernels could not read in place. */
  char* odd = (char*)data + 1;
  a = mlx_array_new_data_managed(odd, &three, 1, MLX_FLOAT32, drop);
  assert_int_equal(dropped, 3);
  assert_memory_equal(mlx_array_data_float32(a), odd, 12);
  mlx_array_free(a);
  assert_int_equal(dropped, 3);
  a = mlx_array_new_data_managed(data, &four, 1, MLX_FLOAT32, NULL);
  mlx_array_free(a);

  a = mlx_array_new_data_managed(data, &negative, 1, MLX_FLOAT32, drop);
  assert_null(a.ctx);
  errors_take(1, "-4");
  assert_int_equal(dropped, 3); /* still the program's */
}

static void items(void** state) {
  (void)state;
  mlx_array three = floats(3), one = floats(1);
  float f = -1;
  assert_error(
      mlx_array_item_float32(&f, three),
      "item can only be called on arrays of size 1");
  assert_true(f == -1);
  assert_fine(mlx_array_item_float32(&f, one));
  assert_true(f == 1);
  /* The bits, not the value. */
  uint32_t bits = 0;
  assert_fine(mlx_array_item_uint32(&bits, one));
  assert_int_equal(bits, 0x3f800000);
  uint64_t wide = UINT64_MAX;
  assert_fine(mlx_array_item_uint64(&wide, one));
  assert_int_equal(wide, 0x3f800000);
  uint8_t low = 1;
  assert_fine(mlx_array_item_uint8(&low, one));
  assert_int_equal(low, 0);
  assert_error(mlx_array_item_float32(&f, mlx_array_new()), "argument arr");
  assert_error(mlx_array_item_float32(NULL, one), "argument res");

  struct {
    mlx_dtype dtype;
    const void* data;
  } in[] = {
      {MLX_UINT8, &(uint8_t){200}},
      {MLX_UINT16, &(uint16_t){60000}},
      {MLX_UINT64, &(uint64_t){1ull << 60}},
      {MLX_INT8, &(int8_t){-8}},
      {MLX_INT16, &(int16_t){-16}},
      {MLX_INT64, &(int64_t){-64}}};
  uint8_t u8;
  uint16_t u16;
  uint64_t u64;
  int8_t i8;
  int16_t i16;
  int64_t i64;
  mlx_array a[6];
  for (int k = 0; k < 6; k++)
    a[k] = mlx_array_new_data(in[k].data, NULL, 0, in[k].dtype);
  assert_fine(mlx_array_item_uint8(&u8, a[0]));
  assert_fine(mlx_array_item_uint16(&u16, a[1]));
  assert_fine(mlx_array_item_uint64(&u64, a[2]));
  assert_fine(mlx_array_item_int8(&i8, a[3]));
  assert_fine(mlx_array_item_int16(&i16, a[4]));
  assert_fine(mlx_array_item_int64(&i64, a[5]));
  assert_true(u8 == 200 && u16 == 60000 && u64 == 1ull << 60);
  assert_true(i8 == -8 && i16 == -16 && i64 == -64);
  for (int k = 0; k < 6; k++) mlx_array_free(a[k]);
  mlx_array_free(three);
  mlx_array_free(one);
}

/* Each accessor on nothing: reported, and 0 or NULL. */
static void nothing(void** state) {
  (void)state;
  mlx_array none = mlx_array_new();
#define NOTHING(expr)      \
  do {                     \
    assert_true(!(expr));  \
    errors_take(1, "arr"); \
  } while (0)
  NOTHING(mlx_array_itemsize(none));
  NOTHING(mlx_array_size(none));
  NOTHING(mlx_array_nbytes(none));
  NOTHING(mlx_array_ndim(none));
  NOTHING(mlx_array_shape(none));
  NOTHING(mlx_array_strides(none));
  NOTHING(mlx_array_dim(none, 0));
  NOTHING(mlx_array_dtype(none));
  NOTHING(mlx_array_data_bool(none));
  NOTHING(mlx_array_data_uint8(none));
  NOTHING(mlx_array_data_uint16(none));
  NOTHING(mlx_array_data_uint32(none));
  NOTHING(mlx_array_data_uint64(none));
  NOTHING(mlx_array_data_int8(none));
  NOTHING(mlx_array_data_int16(none));
  NOTHING(mlx_array_data_int32(none));
  NOTHING(mlx_array_data_int64(none));
  NOTHING(mlx_array_data_float32(none));
  NOTHING(mlx_array_data_float64(none));
  NOTHING(mlx_array_data_complex64(none));
  bool is;
  mlx_string s = mlx_string_new();
  assert_error(mlx_array_eval(none), "[array_eval] argument arr");
  assert_error(mlx_array_tostring(&s, none), "[array_tostring]");
  assert_null(s.ctx);
  assert_error(_mlx_array_is_available(&is, none), "arr");
  assert_error(_mlx_array_wait(none), "arr");
  assert_error(_mlx_array_is_contiguous(&is, none), "arr");
  assert_error(_mlx_array_is_row_contiguous(&is, none), "arr");
  assert_error(_mlx_array_is_col_contiguous(&is, none), "arr");
  assert_error(mlx_eval((mlx_vector_array){0}), "[eval] argument outputs");
  assert_error(mlx_async_eval((mlx_vector_array){0}), "[async_eval]");
}

static void evaluated(void** state) {
  (void)state;
  mlx_array a = floats(4);
  bool is = false;
  assert_fine(_mlx_array_is_available(&is, a));
  assert_true(is);
  assert_fine(mlx_array_eval(a));
  assert_fine(_mlx_array_wait(a));
  mlx_vector_array v = mlx_vector_array_new_value(a);
  assert_fine(mlx_eval(v));
  assert_fine(mlx_eval(v));
  assert_fine(mlx_async_eval(v));
  mlx_vector_array none = mlx_vector_array_new();
  assert_fine(mlx_eval(none));
  assert_fine(mlx_async_eval(none));
  assert_fine(_mlx_array_is_contiguous(&is, a));
  assert_true(is);
  assert_fine(_mlx_array_is_row_contiguous(&is, a));
  assert_true(is);
  assert_fine(_mlx_array_is_col_contiguous(&is, a));
  assert_true(is);
  int shape[] = {2, 2};
  assert_fine(
      mlx_array_set_data(&a, mlx_array_data_float32(a), shape, 2, MLX_FLOAT32));
  assert_fine(_mlx_array_is_col_contiguous(&is, a));
  assert_false(is);
  mlx_vector_array_free(v);
  mlx_vector_array_free(none);
  mlx_array_free(a);
}

/* Broadcast axes have no stride and leave no holes; what is empty is anything.
 */
static void broadcasts(void** state) {
  (void)state;
  mlx_stream s = mlx_default_cpu_stream_new();
  const float data[] = {1, 2, 3, 4};
  const int from[] = {2, 1, 2}, to[] = {4, 2, 1, 2}, none[] = {4, 2, 0, 2};
  mlx_array a = mlx_array_new_data(data, from, 3, MLX_FLOAT32), b = {0};
  bool is;
  assert_fine(mlx_broadcast_to(&b, a, to, 4, s));
  assert_fine(mlx_array_eval(b));
  const size_t strides[] = {0, 2, 0, 1};
  assert_memory_equal(mlx_array_strides(b), strides, sizeof strides);
  assert_fine(_mlx_array_is_contiguous(&is, b));
  assert_true(is);
  assert_fine(_mlx_array_is_row_contiguous(&is, b));
  assert_false(is);
  assert_fine(_mlx_array_is_col_contiguous(&is, b));
  assert_false(is);
  assert_fine(mlx_broadcast_to(&b, a, none, 4, s));
  assert_fine(mlx_array_eval(b));
  assert_fine(_mlx_array_is_col_contiguous(&is, b));
  assert_true(is);
  const int start[] = {0, 0, 0}, stop[] = {2, 1, 2}, step[] = {1, 1, 2};
  assert_fine(mlx_slice(&b, a, start, 3, stop, 3, step, 3, s));
  assert_fine(mlx_array_eval(b));
  assert_fine(_mlx_array_is_contiguous(&is, b));
  assert_false(is);
  mlx_array_free(a);
  mlx_array_free(b);
  mlx_stream_free(s);
}

static void check_text(mlx_array a, const char* expected) {
  char* t = text_of(a);
  assert_string_equal(t, expected);
  free(t);
  mlx_array_free(a);
}

static void text(void** state) {
  (void)state;
  check_text(mlx_array_new_int(3), "array(3, dtype=int32)");
  check_text(mlx_array_new_bool(true), "array(true, dtype=bool)");
  check_text(mlx_array_new_complex(1.5f, -2), "array(1.5-2j, dtype=complex64)");
  check_text(
      mlx_array_new_complex(INFINITY, NAN), "array(inf+nanj, dtype=complex64)");
  check_text(mlx_array_new_float(-INFINITY), "array(-inf, dtype=float32)");
  check_text(mlx_array_new_float(1e10f), "array(1e+10, dtype=float32)");
  check_text(mlx_array_new_float(0.1f), "array(0.1, dtype=float32)");
  check_text(mlx_array_new_float64(1.0 / 3), "array(0.333333, dtype=float64)");
  check_text(floats(3), "array([1, 2, 3], dtype=float32)");
  check_text(floats(7), "array([1, 2, 3, ..., 5, 6, 7], dtype=float32)");
  int shape[] = {2, 3}, empty[] = {2, 0}, none = 0;
  uint8_t bytes[] = {1, 2, 3, 4, 5, 255};
  check_text(
      mlx_array_new_data(bytes, shape, 2, MLX_UINT8),
      "array([[1, 2, 3],\n       [4, 5, 255]], dtype=uint8)");
  check_text(
      mlx_array_new_data(bytes, empty, 2, MLX_UINT8),
      "array([[],\n       []], dtype=uint8)");
  check_text(
      mlx_array_new_data(bytes, &none, 1, MLX_INT64), "array([], dtype=int64)");
  uint16_t halves[] = {0x3c00, 0xc000};
  int two = 2;
  check_text(
      mlx_array_new_data(halves, &two, 1, MLX_FLOAT16),
      "array([1, -2], dtype=float16)");
}

static void text_knows_no_locale(void** state) {
  (void)state;
  if (!setlocale(LC_ALL, "de_DE.UTF-8")) setlocale(LC_ALL, "C.UTF-8");
  check_text(mlx_array_new_float(0.5f), "array(0.5, dtype=float32)");
  setlocale(LC_ALL, "C");
}

/* Handles made on one thread and freed on another, many at once. */
enum { CROSSING = 2000 };
static void* free_them(void* handles) {
  mlx_array* a = handles;
  for (int i = 0; i < CROSSING; i++) mlx_array_free(a[i]);
  for (int i = 0; i < CROSSING; i++) a[i] = mlx_array_new_int(i);
  return NULL;
}

static void handles_cross_threads(void** state) {
  (void)state;
  static mlx_array a[4][CROSSING];
  pthread_t threads[4];
  for (int t = 0; t < 4; t++)
    for (int i = 0; i < CROSSING; i++) a[t][i] = mlx_array_new_int(i);
  for (int t = 0; t < 4; t++)
    pthread_create(&threads[t], NULL, free_them, a[t]);
  for (int t = 0; t < 4; t++) pthread_join(threads[t], NULL);
  for (int t = 0; t < 4; t++)
    for (int i = 0; i < CROSSING; i++) {
      int32_t value = -1;
      assert_int_equal(mlx_array_item_int32(&value, a[t][i]), 0);
      assert_int_equal(value, i);
      mlx_array_free(a[t][i]);
    }
  errors_take(0, "");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(handles),
      cmocka_unit_test(scalars),
      cmocka_unit_test(dtypes),
      cmocka_unit_test(from_data),
      cmocka_unit_test(managed_data),
      cmocka_unit_test(items),
      cmocka_unit_test(nothing),
      cmocka_unit_test(evaluated),
      cmocka_unit_test(broadcasts),
      cmocka_unit_test(text),
      cmocka_unit_test(text_knows_no_locale),
      cmocka_unit_test(handles_cross_threads),
  };
  return cmocka_run_group_tests(tests, errors_catch, NULL);
}
