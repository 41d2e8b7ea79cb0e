#include "tensor.h"

#include <stdlib.h>
#include <string.h>

static uint64_t state = 88172645463325252u;

void test_seed(uint64_t seed) {
  state = seed * 0x9e3779b97f4a7c15u + 1;
}

uint32_t test_random(void) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return (uint32_t)(state >> 32);
}

int test_range(int low, int high) {
  return low + (int)(test_random() % (uint32_t)(high - low + 1));
}

double test_uniform(double low, double high) {
  return low + (high - low) * (test_random() / 4294967296.0);
}

void tensor_init(
    tensor* t,
    lz_dtype dtype,
    int ndim,
    const int32_t* shape,
    enum tensor_layout layout) {
  memset(t, 0, sizeof *t);
  for (int i = 0; i < ndim; i++) t->shape[i] = shape[i];
  int order[LZ_MAX_DIMS];
  for (int i = 0; i < ndim; i++) order[i] = i;
  if (layout == TENSOR_SWAPPED && ndim > 1) {
    order[ndim - 1] = ndim - 2;
    order[ndim - 2] = ndim - 1;
  }
  if (layout == TENSOR_SHUFFLED)
    for (int i = ndim; i-- > 1;) {
      int j = test_range(0, i), o = order[i];
      order[i] = order[j];
      order[j] = o;
    }
  int64_t stride = layout == TENSOR_STEPPED ? 2 : 1, total = 1;
  for (int i = ndim; i-- > 0;) {
    t->strides[order[i]] = stride;
    stride *= shape[order[i]] + (layout == TENSOR_STEPPED);
    total = stride;
  }
  const size_t bytes = (size_t)(total + 1) * dtype_size(dtype);
  t->base = aligned_alloc(64, (bytes + 63) & ~(size_t)63);
  memset(t->base, 0xff, bytes);
  char* data = t->base;
  if (layout == TENSOR_REVERSED && ndim > 0 && shape[ndim - 1] > 0) {
    data += (size_t)(shape[ndim - 1] - 1) * dtype_size(dtype);
    t->strides[ndim - 1] = -1;
  }
  t->view = (lz_view){data, dtype, ndim, t->shape, t->strides};
}

void tensor_free(tensor* t) {
  free(t->base);
  memset(t, 0, sizeof *t);
}

int64_t tensor_size(const tensor* t) {
  return view_size(&t->view);
}

int64_t tensor_offset(const tensor* t, const int32_t* index) {
  int64_t at = 0;
  for (int i = 0; i < t->view.ndim; i++) at += index[i] * t->strides[i];
  return at;
}

char* tensor_at(const tensor* t, int64_t i) {
  int64_t at = 0;
  for (int axis = t->view.ndim; axis-- > 0;) {
    at += i % t->shape[axis] * t->strides[axis];
    i /= t->shape[axis];
  }
  return (char*)t->view.data + at * (int64_t)dtype_size(t->view.dtype);
}

double tensor_get(const tensor* t, int64_t i) {
  return dtype_load(t->view.dtype, tensor_at(t, i));
}

double tensor_get_imag(const tensor* t, int64_t i) {
  if (t->view.dtype != DTYPE_COMPLEX64) return 0;
  float im;
  memcpy(&im, tensor_at(t, i) + 4, 4);
  return im;
}

void tensor_set(tensor* t, int64_t i, double value) {
  dtype_store(t->view.dtype, tensor_at(t, i), value);
}

void tensor_fill(tensor* t, double low, double high) {
  const int64_t n = tensor_size(t);
  for (int64_t i = 0; i < n; i++) {
    char* p = tensor_at(t, i);
    dtype_store(t->view.dtype, p, test_uniform(low, high));
    if (t->view.dtype == DTYPE_COMPLEX64) {
      float im = (float)test_uniform(low, high);
      memcpy(p + 4, &im, 4);
    }
  }
}
