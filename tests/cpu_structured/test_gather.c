/* gather_run and gather_along against loops over indices. */
#include <stdio.h>
#include <string.h>

#include "arrays.h"
#include "cpu/gather.h"

static const lz_dtype index_types[] = {
    DTYPE_UINT8,
    DTYPE_UINT16,
    DTYPE_UINT32,
    DTYPE_UINT64,
    DTYPE_INT8,
    DTYPE_INT16,
    DTYPE_INT32,
    DTYPE_INT64};

/* Indices in range for an axis where `room` must follow, some negative. */
static void fill_indices(array* a, int32_t extent, int32_t room) {
  int64_t n = view_size(&a->view);
  int32_t last = extent - room;
  bool is_signed = dtype_kind(a->view.dtype) == DTYPE_KIND_SIGNED;
  for (int64_t i = 0; i < n; i++) {
    int most = last > 100 ? 100 : last;
    int at = arrays_below(most + 1);
    if (is_signed && arrays_below(3) == 0 && extent < 100) at -= extent;
    array_set(&a->view, i, (number){at, 0});
  }
}

static int64_t wrapped(const lz_view* v, int64_t place, int32_t extent) {
  int64_t at = array_int(v, place);
  return at < 0 ? at + extent : at;
}

static void check_gather(uint64_t seed) {
  arrays_seed(seed);
  lz_dtype d = (lz_dtype)arrays_below(DTYPE_COUNT);
  lz_dtype it = index_types[arrays_below(8)];
  int ndim = arrays_below(4), n_indices = ndim ? arrays_below(ndim + 1) : 0;
  int index_ndim = n_indices ? arrays_below(3) : 0;
  int32_t shape[LZ_MAX_DIMS], index_shape[LZ_MAX_DIMS], slices[LZ_MAX_DIMS];
  int32_t out_shape[LZ_MAX_DIMS];
  array_shape(ndim, 3000, false, shape);
  array_shape(index_ndim, 300, true, index_shape);
  array* src = array_new(d, ndim, shape, arrays_below(LAYOUTS));
  array_fill(src, -100, 100);
  int axes[LZ_MAX_DIMS], order[] = {0, 1, 2};
  for (int i = ndim; i-- > 1;) {
    int j = arrays_below(i + 1), t = order[i];
    order[i] = order[j];
    order[j] = t;
  }
  for (int i = 0; i < ndim; i++)
    slices[i] = arrays_below(2) ? shape[i] : 1 + arrays_below(shape[i]);
  array* arrays[LZ_MAX_DIMS];
  lz_view views[LZ_MAX_DIMS];
  for (int k = 0; k < n_indices; k++) {
    axes[k] = order[k];
    if (arrays_below(2)) slices[axes[k]] = 1;
    arrays[k] = array_new(it, index_ndim, index_shape, arrays_below(LAYOUTS));
    fill_indices(arrays[k], shape[axes[k]], slices[axes[k]]);
    views[k] = arrays[k]->view;
  }
  memcpy(out_shape, index_shape, sizeof index_shape[0] * (size_t)index_ndim);
  memcpy(out_shape + index_ndim, slices, sizeof slices[0] * (size_t)ndim);
  array* out = array_new(
      d, index_ndim + ndim, out_shape, arrays_below(LAYOUT_BROADCAST));
  gather_run(&src->view, n_indices, views, axes, slices, &out->view);
  int64_t n = view_size(&out->view);
  for (int64_t i = 0; i < n; i++) {
    int32_t index[LZ_MAX_DIMS], from[LZ_MAX_DIMS];
    array_index(&out->view, i, index);
    for (int a = 0; a < ndim; a++) from[a] = index[index_ndim + a];
    for (int k = 0; k < n_indices; k++)
      from[axes[k]] += (int32_t)wrapped(
          &views[k], array_place(&views[k], index), shape[axes[k]]);
    if (memcmp(
            array_at(&out->view, i),
            array_at(&src->view, array_place(&src->view, from)),
            dtype_size(d)) != 0)
      fail_msg(
          "gather seed %llu at %lld", (unsigned long long)seed, (long long)i);
  }
  for (int k = 0; k < n_indices; k++) array_free(arrays[k]);
  array_free(src);
  array_free(out);
}

static void check_along(uint64_t seed) {
  arrays_seed(seed);
  lz_dtype d = (lz_dtype)arrays_below(DTYPE_COUNT);
  int ndim = 1 + arrays_below(4), axis = arrays_below(ndim);
  int32_t shape[LZ_MAX_DIMS], src_shape[LZ_MAX_DIMS];
  array_shape(ndim, arrays_below(8) ? 3000 : 100000, true, shape);
  memcpy(src_shape, shape, sizeof shape);
  src_shape[axis] = 1 + arrays_below(50);
  array* src = array_new(d, ndim, src_shape, arrays_below(LAYOUTS));
  array_fill(src, -100, 100);
  array* indices = array_new(
      index_types[arrays_below(8)], ndim, shape, arrays_below(LAYOUTS));
  fill_indices(indices, src_shape[axis], 1);
  array* out = array_new(d, ndim, shape, arrays_below(LAYOUT_BROADCAST));
  gather_along(&src->view, &indices->view, axis, &out->view);
  int64_t n = view_size(&out->view);
  for (int64_t i = 0; i < n; i++) {
    int32_t index[LZ_MAX_DIMS];
    array_index(&out->view, i, index);
    index[axis] = (int32_t)wrapped(&indices->view, i, src_shape[axis]);
    if (memcmp(
            array_at(&out->view, i),
            array_at(&src->view, array_place(&src->view, index)),
            dtype_size(d)) != 0)
      fail_msg(
          "gather_along seed %llu at %lld",
          (unsigned long long)seed,
          (long long)i);
  }
  array_free(src);
  array_free(indices);
  array_free(out);
}

static void test_gather(void** unused) {
  (void)unused;
  for (uint64_t seed = 1; seed <= 1500; seed++) check_gather(seed);
}

static void test_along(void** unused) {
  (void)unused;
  for (uint64_t seed = 1; seed <= 800; seed++) check_along(seed);
}

/* Indices out of range read something of the array, whatever their type. */
static void test_out_of_range(void** unused) {
  (void)unused;
  float src[] = {1, 2, 3}, out[4];
  int64_t wild[] = {3, -4, INT64_MAX, INT64_MIN};
  uint64_t wilder[] = {3, UINT64_MAX, (uint64_t)1 << 63, 2};
  int32_t three = 3, four = 4, out_shape[] = {4, 1}, one = 1;
  int64_t unit = 1, out_strides[] = {1, 1};
  int axis = 0;
  lz_view s = {src, DTYPE_FLOAT32, 1, &three, &unit};
  lz_view i = {wild, DTYPE_INT64, 1, &four, &unit};
  lz_view u = {wilder, DTYPE_UINT64, 1, &four, &unit};
  lz_view o = {out, DTYPE_FLOAT32, 2, out_shape, out_strides};
  lz_view flat = {out, DTYPE_FLOAT32, 1, &four, &unit};
  gather_run(&s, 1, &i, &axis, &one, &o);
  assert_true(out[0] == 3 && out[1] == 1 && out[2] == 3 && out[3] == 1);
  gather_along(&s, &u, 0, &flat);
  assert_true(out[0] == 3 && out[1] == 3 && out[2] == 3 && out[3] == 3);
  int32_t none = 0;
  lz_view empty = {src, DTYPE_FLOAT32, 1, &none, &unit};
  gather_along(&empty, &i, 0, &flat);
  assert_true(out[0] == 0 && out[3] == 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_gather),
      cmocka_unit_test(test_along),
      cmocka_unit_test(test_out_of_range),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
