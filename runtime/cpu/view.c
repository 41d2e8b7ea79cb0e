#include "cpu/view.h"

#include <stdlib.h>

bool view_is_contiguous(const lz_view* v) {
  int64_t expected = 1;
  for (int i = v->ndim; i-- > 0;) {
    if (v->shape[i] == 0) return true;
    if (v->shape[i] != 1 && v->strides[i] != expected) return false;
    expected *= v->shape[i];
  }
  return true;
}

void view_order(
    int n_views, int ndim, int32_t* shape, int64_t strides[][LZ_MAX_DIMS]) {
  for (int i = 1; i < ndim; i++) {
    int64_t own[n_views],
        far = strides[0][i] ? llabs(strides[0][i]) : INT64_MAX;
    int32_t n = shape[i];
    for (int k = 0; k < n_views; k++) own[k] = strides[k][i];
    int at = i;
    for (; at > 0; at--) {
      int64_t before = llabs(strides[0][at - 1]);
      if (before == 0 || before >= far) break;
      shape[at] = shape[at - 1];
      for (int k = 0; k < n_views; k++) strides[k][at] = strides[k][at - 1];
    }
    shape[at] = n;
    for (int k = 0; k < n_views; k++) strides[k][at] = own[k];
  }
}

int view_collapse(
    int n_views, int ndim, int32_t* shape, int64_t strides[][LZ_MAX_DIMS]) {
  int out = 0;
  for (int i = 0; i < ndim; i++) {
    if (shape[i] == 1) continue;
    bool merge = out > 0;
    for (int k = 0; merge && k < n_views; k++)
      merge = strides[k][out - 1] == strides[k][i] * shape[i];
    /* A merged extent must still fit an int. */
    if (merge && (int64_t)shape[out - 1] * shape[i] > INT32_MAX) merge = false;
    if (merge) {
      shape[out - 1] *= shape[i];
    } else {
      shape[out] = shape[i];
      out++;
    }
    for (int k = 0; k < n_views; k++) strides[k][out - 1] = strides[k][i];
  }
  if (out == 0) {
    shape[0] = 1;
    for (int k = 0; k < n_views; k++) strides[k][0] = 0;
    out = 1;
  }
  return out;
}
