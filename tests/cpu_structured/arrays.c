#include "arrays.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t state = 1;

void arrays_seed(uint64_t seed) {
  state = seed * 0x9e3779b97f4a7c15u + 1;
}

uint64_t arrays_random(void) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state * 0x2545f4914f6cdd1du;
}

int arrays_below(int n) {
  return (int)((arrays_random() >> 33) % (uint64_t)n);
}

double arrays_uniform(double low, double high) {
  return low + (high - low) * (double)(arrays_random() >> 11) * 0x1p-53;
}

void array_shape(int ndim, int64_t limit, bool zeros, int32_t* shape) {
  for (int i = 0; i < ndim; i++) {
    int64_t most = limit < 1 ? 1 : limit;
    double wide = pow((double)most, arrays_uniform(0, 1));
    shape[i] = (int32_t)wide;
    if (shape[i] < 1) shape[i] = 1;
    limit /= shape[i];
    if (zeros && arrays_below(40) == 0) shape[i] = 0;
  }
  for (int i = ndim; i-- > 1;) {
    int j = arrays_below(i + 1);
    int32_t t = shape[i];
    shape[i] = shape[j];
    shape[j] = t;
  }
}

enum { MARGIN = 64, PATTERN = 0xa5 };

array* array_new(
    lz_dtype dtype, int ndim, const int32_t* shape, enum layout layout) {
  array* a = calloc(1, sizeof *a);
  int order[LZ_MAX_DIMS];
  for (int i = 0; i < ndim; i++) order[i] = i;
  if (layout != LAYOUT_ROW)
    for (int i = ndim; i-- > 1;) {
      int j = arrays_below(i + 1), t = order[i];
      order[i] = order[j];
      order[j] = t;
    }
  int64_t stride = 1, offset = 0;
  for (int i = ndim; i-- > 0;) {
    int axis = order[i];
    int64_t step = 1;
    a->shape[axis] = shape[axis];
    if (layout >= LAYOUT_SLICED && arrays_below(3) == 0)
      step = 2 + arrays_below(2);
    int64_t extent = shape[axis] > 0 ? shape[axis] : 1;
    if (layout == LAYOUT_BROADCAST && arrays_below(3) == 0) {
      a->strides[axis] = 0;
      continue;
    }
    a->strides[axis] = stride * step;
    if (layout >= LAYOUT_SLICED && arrays_below(3) == 0) {
      offset += stride * step * (extent - 1);
      a->strides[axis] = -stride * step;
    }
    stride *= step * extent;
  }
  if (layout >= LAYOUT_SLICED) {
    int64_t shift = arrays_below(7);
    offset += shift;
    stride += shift;
  }
  size_t size = dtype_size(dtype);
  a->bytes = (size_t)stride * size;
  a->memory = malloc(a->bytes + 2 * MARGIN);
  memset(a->memory, PATTERN, a->bytes + 2 * MARGIN);
  a->view.data = (char*)a->memory + MARGIN + offset * (int64_t)size;
  a->view.dtype = dtype;
  a->view.ndim = ndim;
  a->view.shape = a->shape;
  a->view.strides = a->strides;
  return a;
}

void array_free(array* a) {
  if (!a) return;
  const unsigned char *before = a->memory, *after = before + MARGIN + a->bytes;
  for (int i = 0; i < MARGIN; i++)
    if (before[i] != PATTERN || after[i] != PATTERN)
      fail_msg("memory around an array was written");
  free(a->memory);
  free(a);
}

void array_index(const lz_view* v, int64_t place, int32_t* index) {
  for (int i = v->ndim; i-- > 0;) {
    index[i] = (int32_t)(place % v->shape[i]);
    place /= v->shape[i];
  }
}

int64_t array_place(const lz_view* v, const int32_t* index) {
  int64_t place = 0;
  for (int i = 0; i < v->ndim; i++) place = place * v->shape[i] + index[i];
  return place;
}

void* array_at(const lz_view* v, int64_t place) {
  int64_t offset = 0;
  for (int i = v->ndim; i-- > 0;) {
    offset += place % v->shape[i] * v->strides[i];
    place /= v->shape[i];
  }
  return (char*)v->data + offset * (int64_t)dtype_size(v->dtype);
}

number array_get(const lz_view* v, int64_t place) {
  const void* p = array_at(v, place);
  number n = {dtype_load(v->dtype, p), 0};
  if (v->dtype == DTYPE_COMPLEX64) n.im = ((const lz_complex*)p)->im;
  return n;
}

int64_t array_int(const lz_view* v, int64_t place) {
  const void* p = array_at(v, place);
  if (v->dtype == DTYPE_INT64 || v->dtype == DTYPE_UINT64) {
    int64_t n;
    memcpy(&n, p, sizeof n);
    return n;
  }
  return (int64_t)dtype_load(v->dtype, p);
}

void array_set(const lz_view* v, int64_t place, number value) {
  void* p = array_at(v, place);
  dtype_store(v->dtype, p, value.re);
  if (v->dtype == DTYPE_COMPLEX64) ((lz_complex*)p)->im = (float)value.im;
}

void array_fill(array* a, double low, double high) {
  int64_t n = view_size(&a->view);
  for (int64_t i = 0; i < n; i++) {
    number x = {arrays_uniform(low, high), arrays_uniform(low, high)};
    lz_dtype_kind kind = dtype_kind(a->view.dtype);
    if (kind == DTYPE_KIND_UNSIGNED || kind == DTYPE_KIND_BOOL)
      x.re = fabs(x.re);
    if (kind == DTYPE_KIND_BOOL) x.re = arrays_below(2);
    if (!dtype_is_inexact(a->view.dtype)) x.re = floor(x.re + 0.5);
    array_set(&a->view, i, x);
  }
}

void array_spice(array* a, int one_in) {
  if (!dtype_is_inexact(a->view.dtype)) return;
  static const double odd[] = {NAN, INFINITY, -INFINITY, -0.0, 0.0};
  int64_t n = view_size(&a->view);
  for (int64_t i = 0; i < n; i++)
    if (arrays_below(one_in) == 0)
      array_set(&a->view, i, (number){odd[arrays_below(5)], 0});
}

number array_round(lz_dtype d, number value) {
  uint64_t bits;
  number n = {0, 0};
  dtype_store(d, &bits, value.re);
  n.re = dtype_load(d, &bits);
  if (d == DTYPE_COMPLEX64) n.im = (float)value.im;
  return n;
}

double array_eps(lz_dtype d) {
  switch (d) {
    case DTYPE_FLOAT16:
      return 0x1p-10;
    case DTYPE_BFLOAT16:
      return 0x1p-7;
    case DTYPE_FLOAT64:
      return 0x1p-52;
    case DTYPE_FLOAT32:
    case DTYPE_COMPLEX64:
      return 0x1p-23;
    default:
      return 0;
  }
}

static int close_enough(double got, double want, double rel, double abs) {
  if (isnan(want) || isnan(got)) return isnan(want) && isnan(got);
  if (got == want) return 1;
  return fabs(got - want) <= abs + rel * fabs(want);
}

void array_assert_close(
    const char* what,
    int64_t place,
    number got,
    number want,
    double rel,
    double abs) {
  if (close_enough(got.re, want.re, rel, abs) &&
      close_enough(got.im, want.im, rel, abs))
    return;
  fail_msg(
      "%s: at %lld got %.17g%+.9gi, want %.17g%+.9gi",
      what,
      (long long)place,
      got.re,
      got.im,
      want.re,
      want.im);
}
