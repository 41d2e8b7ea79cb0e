/* Copies between layouts move every element to its place, whatever the sizes,
 * and write nothing else. */
#include <stdlib.h>
#include <string.h>

#include "arrays.h"
#include "cpu/copy.h"
#include "cpu/elementwise.h"

static const lz_dtype of_each_size[] = {
    DTYPE_UINT8, DTYPE_FLOAT16, DTYPE_FLOAT32, DTYPE_COMPLEX64};

static const int64_t one[] = {1};

static void fill_bits(const lz_view* v) {
  int64_t n = view_size(v);
  size_t size = dtype_size(v->dtype);
  for (int64_t i = 0; i < n; i++) {
    uint64_t bits = arrays_random();
    memcpy(array_at(v, i), &bits, size);
  }
}

static void assert_equal(const lz_view* to, const lz_view* from) {
  int64_t n = view_size(to);
  size_t size = dtype_size(to->dtype);
  for (int64_t i = 0; i < n; i++)
    if (memcmp(array_at(to, i), array_at(from, i), size))
      fail_msg("element %lld of %lld differs", (long long)i, (long long)n);
}

/* from's axes 0 and 1 exchanged, and the other way about. */
static void copy_turned(lz_dtype d, int rows, int columns, int batch) {
  int32_t shape[3] = {batch, rows, columns}, other[3] = {batch, columns, rows};
  array* from = array_new(d, 3, shape, LAYOUT_ROW);
  array* to = array_new(d, 3, other, LAYOUT_ROW);
  fill_bits(&from->view);
  int64_t strides[3] = {from->strides[0], from->strides[2], from->strides[1]};
  lz_view turned = {from->view.data, d, 3, other, strides};
  copy_run(&to->view, &turned);
  assert_equal(&to->view, &turned);
  /* Into the turned array: what is written lies across. */
  array* back = array_new(d, 3, shape, LAYOUT_ROW);
  lz_view across = {back->view.data, d, 3, other, strides};
  copy_run(&across, &to->view);
  assert_equal(&across, &to->view);
  array_free(from);
  array_free(to);
  array_free(back);
}

static void test_turned(void** state) {
  (void)state;
  arrays_seed(21);
  static const int extents[] = {2, 3, 7, 16, 17, 64, 100, 129, 257, 600};
  enum { E = sizeof extents / sizeof *extents };
  for (int k = 0; k < 4; k++)
    for (int i = 0; i < E; i++)
      for (int j = 0; j < E; j++)
        copy_turned(of_each_size[k], extents[i], extents[j], 1 + (i + j) % 3);
}

/* Large enough to go past the caches, at an address that no line begins. */
static void test_large(void** state) {
  (void)state;
  arrays_seed(22);
  for (int k = 0; k < 4; k++) {
    copy_turned(of_each_size[k], 1031, 1500, 1);
    copy_turned(of_each_size[k], 3, 500000, 1);
    int32_t shape[1] = {5000011};
    array* from = array_new(of_each_size[k], 1, shape, LAYOUT_ROW);
    array* to = array_new(of_each_size[k], 1, shape, LAYOUT_ROW);
    fill_bits(&from->view);
    int32_t less[1] = {shape[0] - 3};
    size_t size = dtype_size(of_each_size[k]);
    lz_view a = {
        (char*)from->view.data + size,
        from->view.dtype,
        1,
        less,
        from->strides};
    lz_view b = {
        (char*)to->view.data + 2 * size, to->view.dtype, 1, less, to->strides};
    copy_run(&b, &a);
    assert_equal(&b, &a);
    array_free(from);
    array_free(to);
  }
}

static void test_layouts(void** state) {
  (void)state;
  arrays_seed(23);
  for (int k = 0; k < 800; k++) {
    int32_t shape[5];
    int ndim = arrays_below(6);
    array_shape(ndim, k % 10 ? 3000 : 200000, k % 20 == 0, shape);
    lz_dtype d = of_each_size[arrays_below(4)];
    array* from = array_new(d, ndim, shape, (enum layout)arrays_below(LAYOUTS));
    array* to =
        array_new(d, ndim, shape, (enum layout)arrays_below(LAYOUT_BROADCAST));
    fill_bits(&from->view);
    copy_run(&to->view, &from->view);
    assert_equal(&to->view, &from->view);
    array_free(from);
    array_free(to);
  }
}

/* Strides that lay axes out in an order drawn by chance, with gaps; of one in
 * `repeats` 0. How many elements they reach. */
static int64_t scattered(
    int ndim, const int32_t* shape, int repeats, int64_t* strides) {
  int order[5];
  int64_t apart = 1 + (arrays_below(4) == 0 ? arrays_below(3) : 0);
  for (int d = 0; d < ndim; d++) {
    const int k = arrays_below(d + 1);
    order[d] = order[k];
    order[k] = d;
  }
  for (int d = 0; d < ndim; d++) {
    const int at = order[d];
    strides[at] = repeats && arrays_below(repeats) == 0 ? 0 : apart;
    if (strides[at])
      apart = apart * shape[at] + (arrays_below(3) == 0 ? arrays_below(9) : 0);
  }
  return apart;
}

static lz_view scattered_view(
    lz_dtype d, int ndim, const int32_t* shape, int repeats, int64_t* strides) {
  const int64_t reach = scattered(ndim, shape, repeats, strides);
  lz_view v = {malloc((size_t)reach * dtype_size(d)), d, ndim, shape, strides};
  const lz_view all = {v.data, d, 1, (const int32_t[]){(int32_t)reach}, one};
  assert_non_null(v.data);
  fill_bits(&all);
  return v;
}

/* Repeated, turned and in pieces; what lies between stays as it is. */
static void test_scattered(void** state) {
  (void)state;
  arrays_seed(25);
  for (int k = 0; k < 1500; k++) {
    int32_t shape[5];
    int64_t strides[2][5];
    const int ndim = 1 + arrays_below(5);
    const lz_dtype d = of_each_size[arrays_below(4)];
    array_shape(ndim, k % 20 ? 3000 : 400000, false, shape);
    lz_view from = scattered_view(d, ndim, shape, 5, strides[0]);
    lz_view to = scattered_view(d, ndim, shape, 0, strides[1]);
    int64_t reach = 1;
    for (int i = 0; i < ndim; i++) reach += (shape[i] - 1) * strides[1][i];
    const size_t size = dtype_size(d), bytes = (size_t)reach * size;
    lz_view expected = to;
    expected.data = malloc(bytes);
    assert_non_null(expected.data);
    memcpy(expected.data, to.data, bytes);
    for (int64_t i = 0; i < view_size(&to); i++)
      memcpy(array_at(&expected, i), array_at(&from, i), size);
    copy_run(&to, &from);
    if (memcmp(to.data, expected.data, bytes)) fail_msg("copy %d", k);
    free(from.data);
    free(to.data);
    free(expected.data);
  }
}

static void test_joined(void** state) {
  (void)state;
  arrays_seed(26);
  for (int k = 0; k < 300; k++) {
    int32_t shapes[4][4], shape[4];
    int64_t strides[4][4], rows[4], at = 0;
    lz_view from[4];
    const int ndim = 1 + arrays_below(4), axis = arrays_below(ndim);
    const int n = 2 + arrays_below(3);
    const lz_dtype d = of_each_size[arrays_below(4)];
    array_shape(ndim, k % 10 ? 1000 : 60000, false, shape);
    shape[axis] = 0;
    for (int i = 0; i < n; i++) {
      memcpy(shapes[i], shape, sizeof shape);
      shape[axis] += shapes[i][axis] = 1 + arrays_below(4);
      from[i] = scattered_view(d, ndim, shapes[i], 5, strides[i]);
    }
    const int64_t all = view_row_strides(ndim, shape, rows);
    lz_view to = {malloc((size_t)all * dtype_size(d)), d, ndim, shape, rows};
    assert_non_null(to.data);
    copy_joined(&to, axis, n, from);
    for (int i = 0; i < n; i++) {
      lz_view part = {
          (char*)to.data + at * rows[axis] * (int64_t)dtype_size(d),
          d,
          ndim,
          shapes[i],
          rows};
      assert_equal(&part, &from[i]);
      at += shapes[i][axis];
      free(from[i].data);
    }
    free(to.data);
  }
}

/* With a conversion: the same as the kernel on contiguous memory. */
static void test_converting(void** state) {
  (void)state;
  arrays_seed(24);
  for (int k = 0; k < 600; k++) {
    int32_t shape[4];
    int ndim = 1 + arrays_below(4);
    array_shape(ndim, 4000, false, shape);
    lz_dtype s = (lz_dtype)arrays_below(DTYPE_COUNT);
    lz_dtype t = (lz_dtype)arrays_below(DTYPE_COUNT);
    array* from = array_new(s, ndim, shape, (enum layout)arrays_below(LAYOUTS));
    array* to =
        array_new(t, ndim, shape, (enum layout)arrays_below(LAYOUT_BROADCAST));
    array_fill(from, -100, 100);
    copy_run(&to->view, &from->view);
    for (int64_t i = 0; i < view_size(&to->view); i++) {
      _Alignas(64) uint8_t element[EW_PAD * 8] = {0}, result[EW_PAD * 8];
      memcpy(element, array_at(&from->view, i), dtype_size(s));
      ew_kernel(EW_ASTYPE, s, t)(result, element, element, element, 1);
      assert_memory_equal(array_at(&to->view, i), result, dtype_size(t));
    }
    array_free(from);
    array_free(to);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_turned),
      cmocka_unit_test(test_large),
      cmocka_unit_test(test_layouts),
      cmocka_unit_test(test_scattered),
      cmocka_unit_test(test_joined),
      cmocka_unit_test(test_converting),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
