/* Copies between layouts move every element to its place, whatever the sizes,
 * and write nothing else. */
#include <string.h>

#include "arrays.h"
#include "cpu/copy.h"
#include "cpu/elementwise.h"

static const lz_dtype of_each_size[] = {
    DTYPE_UINT8, DTYPE_FLOAT16, DTYPE_FLOAT32, DTYPE_COMPLEX64};

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
      _Alignas(64) uint8_t one[EW_PAD * 8] = {0}, result[EW_PAD * 8];
      memcpy(one, array_at(&from->view, i), dtype_size(s));
      ew_kernel(EW_ASTYPE, s, t)(result, one, one, one, 1);
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
      cmocka_unit_test(test_converting),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
