/* Arrays of matrices: which element the matrix of a product starts at. The
 * last `inner` axes are the matrix, those before lead. Offsets are elements. */
#ifndef CPU_LEAD_H
#define CPU_LEAD_H

#include "cpu/view.h"

/* The stride of leading axis `axis`, counted from the last one; 0 where v
 * broadcasts. */
static inline int64_t lead_stride(const lz_view* v, int inner, int axis) {
  const int i = v->ndim - inner - 1 - axis;
  return i >= 0 && v->shape[i] != 1 ? v->strides[i] : 0;
}

/* Where v's matrix for product i starts; out, with the same or more leading
 * axes, says how many products there are and in what order. */
static inline int64_t lead_offset(
    const lz_view* v, int inner, const lz_view* out, int out_inner, int64_t i) {
  int64_t at = 0;
  const int lead = out->ndim - out_inner;
  for (int axis = 0; axis < lead; axis++) {
    const int32_t extent = out->shape[lead - 1 - axis];
    at += i % extent * lead_stride(v, inner, axis);
    i /= extent;
  }
  return at;
}

/* Where v's own matrix i starts, row-major over its leading axes. */
static inline int64_t lead_nth(const lz_view* v, int inner, int64_t i) {
  int64_t at = 0;
  for (int axis = v->ndim - inner; axis-- > 0;) {
    at += i % v->shape[axis] * v->strides[axis];
    i /= v->shape[axis];
  }
  return at;
}

/* Element i of an array of uint32, row-major. */
static inline int64_t lead_index(const lz_view* v, int64_t i) {
  return ((const uint32_t*)v->data)[lead_nth(v, 0, i)];
}

static inline char* lead_data(const lz_view* v, int64_t offset) {
  return (char*)v->data + offset * (int64_t)dtype_size(v->dtype);
}

#endif
