/* scatter_… against updates applied one after another. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arrays.h"
#include "cpu/scatter.h"

static const lz_dtype index_types[] = {
    DTYPE_UINT8,
    DTYPE_UINT16,
    DTYPE_UINT32,
    DTYPE_UINT64,
    DTYPE_INT8,
    DTYPE_INT16,
    DTYPE_INT32,
    DTYPE_INT64};

static bool more(number a, number b) {
  return a.re > b.re || (a.re == b.re && a.im > b.im);
}

/* The element at p becomes what `how` makes of it and of x. */
static void apply(
    scatter_reduce how, bool nan_stays, lz_dtype d, void* p, const void* x) {
  size_t size = dtype_size(d);
  if (how == SCATTER_NONE) {
    memcpy(p, x, size);
    return;
  }
  number a = {dtype_load(d, p), 0}, b = {dtype_load(d, x), 0}, r = b;
  if (d == DTYPE_COMPLEX64) {
    a.im = ((const lz_complex*)p)->im;
    b.im = ((const lz_complex*)x)->im;
    r = b;
  }
  bool keep = how == SCATTER_MAX ? more(a, b) : more(b, a);
  if (how == SCATTER_MAX || how == SCATTER_MIN) {
    if (!keep && !(nan_stays && isnan(a.re))) memcpy(p, x, size);
    return;
  }
  if (dtype_is_integer(d) || d == DTYPE_BOOL) {
    uint64_t u = 0, v = 0;
    memcpy(&u, p, size);
    memcpy(&v, x, size);
    u = how == SCATTER_SUM ? u + v : u * v;
    if (d == DTYPE_BOOL) u = u != 0;
    memcpy(p, &u, size);
    return;
  }
  if (how == SCATTER_SUM) {
    r.re = a.re + b.re;
    r.im = a.im + b.im;
  } else if (d == DTYPE_COMPLEX64) {
    float ar = (float)a.re, ai = (float)a.im;
    float br = (float)b.re, bi = (float)b.im;
    volatile float rr = ar * br, ii = ai * bi, ri = ar * bi, ir = ai * br;
    r.re = rr - ii;
    r.im = ri + ir;
  } else {
    r.re = a.re * b.re;
  }
  dtype_store(d, p, r.re);
  if (d == DTYPE_COMPLEX64) ((lz_complex*)p)->im = (float)r.im;
}

static array* copy_of(const array* a) {
  array* b = array_new(a->view.dtype, a->view.ndim, a->shape, LAYOUT_ROW);
  int64_t n = view_size(&a->view);
  for (int64_t i = 0; i < n; i++)
    memcpy(
        array_at(&b->view, i),
        array_at(&a->view, i),
        dtype_size(a->view.dtype));
  return b;
}

static void check_same(
    const char* what, uint64_t seed, array* got, array* want) {
  int64_t n = view_size(&want->view);
  for (int64_t i = 0; i < n; i++) {
    number g = array_get(&got->view, i), w = array_get(&want->view, i);
    if (isnan(w.re) && isnan(g.re)) continue;
    if (got->view.dtype == DTYPE_COMPLEX64) {
      double size = fabs(w.re) + fabs(w.im); /* a product may be fused */
      array_assert_close(what, i, g, w, 1e-6, 1e-6 * (1 + size));
      continue;
    }
    if (memcmp(
            array_at(&got->view, i),
            array_at(&want->view, i),
            dtype_size(got->view.dtype)) != 0)
      fail_msg(
          "%s %s seed %llu at %lld: got %g%+gi, want %g%+gi",
          what,
          dtype_name(got->view.dtype),
          (unsigned long long)seed,
          (long long)i,
          g.re,
          g.im,
          w.re,
          w.im);
  }
}

static void fill_indices(array* a, int32_t extent, int32_t room) {
  int64_t n = view_size(&a->view);
  int last = extent - room > 100 ? 100 : extent - room;
  bool is_signed = dtype_kind(a->view.dtype) == DTYPE_KIND_SIGNED;
  for (int64_t i = 0; i < n; i++) {
    int at = arrays_below(last + 1);
    if (is_signed && arrays_below(3) == 0 && extent < 100) at -= extent;
    if (arrays_below(50) == 0) at = arrays_below(2) ? 120 : 101;
    array_set(&a->view, i, (number){at, 0});
  }
}

static bool in_range(int64_t* at, int32_t extent, int32_t room) {
  if (*at < 0) *at += extent;
  return *at >= 0 && *at + room <= extent;
}

static void check_scatter(uint64_t seed) {
  arrays_seed(seed);
  lz_dtype d = (lz_dtype)arrays_below(DTYPE_COUNT);
  scatter_reduce how = (scatter_reduce)arrays_below(5);
  int ndim = arrays_below(4), n_indices = ndim ? arrays_below(ndim + 1) : 0;
  int index_ndim = n_indices ? arrays_below(3) : 0;
  int32_t shape[LZ_MAX_DIMS], index_shape[LZ_MAX_DIMS], room[LZ_MAX_DIMS];
  int32_t all_shape[LZ_MAX_DIMS];
  bool large = arrays_below(8) == 0;
  array_shape(ndim, large ? 20000 : 500, false, shape);
  array_shape(index_ndim, large ? 60000 : 200, true, index_shape);
  int axes[LZ_MAX_DIMS], order[] = {0, 1, 2};
  for (int i = ndim; i-- > 1;) {
    int j = arrays_below(i + 1), t = order[i];
    order[i] = order[j];
    order[j] = t;
  }
  for (int i = 0; i < ndim; i++)
    room[i] = arrays_below(2) ? shape[i] : 1 + arrays_below(shape[i]);
  bool points = arrays_below(2);
  for (int i = 0; i < ndim; i++) {
    if (i < n_indices && arrays_below(4)) room[order[i]] = 1;
    if (points) room[i] = 1;
  }
  array* arrays[LZ_MAX_DIMS];
  lz_view views[LZ_MAX_DIMS];
  lz_dtype it = index_types[arrays_below(8)];
  for (int k = 0; k < n_indices; k++) {
    axes[k] = order[k];
    arrays[k] = array_new(it, index_ndim, index_shape, arrays_below(LAYOUTS));
    fill_indices(arrays[k], shape[axes[k]], room[axes[k]]);
    views[k] = arrays[k]->view;
  }
  memcpy(all_shape, index_shape, sizeof index_shape[0] * (size_t)index_ndim);
  memcpy(all_shape + index_ndim, room, sizeof room[0] * (size_t)ndim);
  int64_t work = 1;
  for (int i = 0; i < index_ndim + ndim; i++) work *= all_shape[i];
  if (work < 500000) {
    array* out = array_new(d, ndim, shape, arrays_below(LAYOUT_BROADCAST));
    array* updates =
        array_new(d, index_ndim + ndim, all_shape, arrays_below(LAYOUTS));
    array_fill(out, -3, 3);
    array_fill(updates, -3, 3);
    if (arrays_below(3) == 0) array_spice(updates, 30), array_spice(out, 30);
    array* want = copy_of(out);
    scatter_run(how, &out->view, n_indices, views, axes, &updates->view);
    for (int64_t i = 0; i < work; i++) {
      int32_t index[LZ_MAX_DIMS], to[LZ_MAX_DIMS];
      array_index(&updates->view, i, index);
      bool valid = true;
      for (int a = 0; a < ndim; a++) to[a] = index[index_ndim + a];
      for (int k = 0; k < n_indices; k++) {
        int64_t at = array_int(&views[k], array_place(&views[k], index));
        valid = in_range(&at, shape[axes[k]], room[axes[k]]) && valid;
        to[axes[k]] += (int32_t)at;
      }
      if (valid)
        apply(
            how,
            false,
            d,
            array_at(&want->view, array_place(&want->view, to)),
            array_at(&updates->view, i));
    }
    check_same("scatter", seed, out, want);
    array_free(out);
    array_free(updates);
    array_free(want);
  }
  for (int k = 0; k < n_indices; k++) array_free(arrays[k]);
}

static void check_along(uint64_t seed) {
  arrays_seed(seed);
  lz_dtype d = (lz_dtype)arrays_below(DTYPE_COUNT);
  scatter_reduce how = (scatter_reduce)arrays_below(5);
  int ndim = 1 + arrays_below(4), axis = arrays_below(ndim);
  int32_t shape[LZ_MAX_DIMS], out_shape[LZ_MAX_DIMS];
  array_shape(ndim, arrays_below(8) ? 1000 : 60000, true, shape);
  memcpy(out_shape, shape, sizeof shape);
  out_shape[axis] = 1 + arrays_below(50);
  array* indices = array_new(
      index_types[arrays_below(8)], ndim, shape, arrays_below(LAYOUTS));
  fill_indices(indices, out_shape[axis], 1);
  array* updates = array_new(d, ndim, shape, arrays_below(LAYOUTS));
  array* out = array_new(d, ndim, out_shape, arrays_below(LAYOUT_BROADCAST));
  array_fill(out, -3, 3);
  array_fill(updates, -3, 3);
  array* want = copy_of(out);
  array* base = copy_of(out);
  bool apart = arrays_below(2);
  if (apart) array_fill(out, 5, 6);
  scatter_along(
      how,
      &out->view,
      apart ? &base->view : NULL,
      &indices->view,
      axis,
      &updates->view);
  array_free(base);
  int64_t n = view_size(&updates->view);
  for (int64_t i = 0; i < n; i++) {
    int32_t index[LZ_MAX_DIMS];
    array_index(&updates->view, i, index);
    int64_t at = array_int(&indices->view, i);
    if (!in_range(&at, out_shape[axis], 1)) continue;
    index[axis] = (int32_t)at;
    apply(
        how,
        false,
        d,
        array_at(&want->view, array_place(&want->view, index)),
        array_at(&updates->view, i));
  }
  check_same("scatter_along", seed, out, want);
  array_free(out);
  array_free(updates);
  array_free(indices);
  array_free(want);
}

static void check_slice(uint64_t seed) {
  arrays_seed(seed);
  lz_dtype d = (lz_dtype)arrays_below(DTYPE_COUNT);
  scatter_reduce how = (scatter_reduce)arrays_below(5);
  int ndim = arrays_below(5);
  int32_t shape[LZ_MAX_DIMS];
  array_shape(ndim, arrays_below(8) ? 1000 : 100000, true, shape);
  array* out = array_new(d, ndim, shape, arrays_below(LAYOUT_BROADCAST));
  array* updates = array_new(d, ndim, shape, arrays_below(LAYOUTS));
  array_fill(out, -3, 3);
  array_fill(updates, -3, 3);
  if (d != DTYPE_COMPLEX64) array_spice(updates, 30), array_spice(out, 30);
  array* want = copy_of(out);
  scatter_slice(how, &out->view, &updates->view);
  int64_t n = view_size(&out->view);
  for (int64_t i = 0; i < n; i++)
    apply(how, true, d, array_at(&want->view, i), array_at(&updates->view, i));
  check_same("scatter_slice", seed, out, want);
  array_free(out);
  array_free(updates);
  array_free(want);
}

static void check_masked(uint64_t seed) {
  arrays_seed(seed);
  lz_dtype d = (lz_dtype)arrays_below(DTYPE_COUNT);
  int ndim = 1 + arrays_below(3);
  int32_t shape[LZ_MAX_DIMS], src_shape[2];
  array_shape(ndim, arrays_below(8) ? 1000 : 200000, true, shape);
  if (arrays_below(2)) shape[0] = 1;
  array* mask = array_new(DTYPE_BOOL, ndim, shape, arrays_below(LAYOUTS));
  array* out = array_new(d, ndim, shape, arrays_below(LAYOUT_BROADCAST));
  array_fill(mask, 0, 1);
  array_fill(out, -100, 100);
  int64_t n = view_size(&mask->view), batch = shape[0] ? n / shape[0] : 0;
  int64_t most = 0;
  for (int64_t b = 0; b < shape[0]; b++) {
    int64_t count = 0;
    for (int64_t i = 0; i < batch; i++)
      count += array_int(&mask->view, b * batch + i);
    if (count > most) most = count;
  }
  bool enough = most == 0 || arrays_below(4);
  src_shape[0] = shape[0];
  src_shape[1] = (int32_t)(enough ? most + arrays_below(3) : most - 1);
  array* src = array_new(d, 2, src_shape, arrays_below(LAYOUTS));
  array_fill(src, -100, 100);
  array* want = copy_of(out);
  int rc = scatter_masked(&out->view, &mask->view, &src->view);
  assert_true(enough ? rc == 0 : rc != 0);
  if (enough) {
    for (int64_t b = 0; b < shape[0]; b++) {
      int64_t taken = 0;
      for (int64_t i = b * batch; i < (b + 1) * batch; i++)
        if (array_int(&mask->view, i))
          memcpy(
              array_at(&want->view, i),
              array_at(&src->view, b * src_shape[1] + taken++),
              dtype_size(d));
    }
    check_same("scatter_masked", seed, out, want);
  }
  array_free(mask);
  array_free(out);
  array_free(src);
  array_free(want);
}

#define EACH(name, count)                                              \
  static void test_##name(void** unused) {                             \
    (void)unused;                                                      \
    for (uint64_t seed = 1; seed <= count; seed++) check_##name(seed); \
  }
EACH(scatter, 1000)
EACH(along, 1000)
EACH(slice, 1000)
EACH(masked, 500)

static void test_offset(void** unused) {
  (void)unused;
  float data[24];
  int32_t shape[] = {4, 6}, sizes[] = {2, 3}, two = 2;
  int64_t strides[] = {6, 1}, unit = 1;
  int32_t start[] = {1, 2}, far[] = {9, -1};
  int axes[] = {0, 1};
  lz_view whole = {data, DTYPE_FLOAT32, 2, shape, strides};
  lz_view s = {start, DTYPE_INT32, 1, &two, &unit};
  lz_view f = {far, DTYPE_INT32, 1, &two, &unit};
  assert_int_equal(scatter_offset(&whole, &s, 2, axes, sizes), 8);
  assert_int_equal(scatter_offset(&whole, &f, 2, axes, sizes), 15);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_scatter),
      cmocka_unit_test(test_along),
      cmocka_unit_test(test_slice),
      cmocka_unit_test(test_masked),
      cmocka_unit_test(test_offset),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
