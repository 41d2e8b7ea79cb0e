#include "cpu/repeat.h"

#include <string.h>

#include "cpu/copy.h"

uint32_t repeat_axes(const lz_view* v) {
  uint32_t axes = 0;
  for (int i = 0; i < v->ndim; i++)
    if (v->strides[i] == 0 && v->shape[i] > 1) axes |= UINT32_C(1) << i;
  return axes;
}

static lz_view first_of(const lz_view* v, uint32_t axes, int32_t* shape) {
  for (int i = 0; i < v->ndim; i++) shape[i] = axes >> i & 1 ? 1 : v->shape[i];
  lz_view first = *v;
  first.shape = shape;
  return first;
}

void repeat_spread(const lz_view* v, uint32_t axes) {
  axes &= ~repeat_axes(v);
  int32_t shape[LZ_MAX_DIMS];
  int64_t strides[LZ_MAX_DIMS];
  /* Axis by axis, the innermost first: what is read is not written. */
  for (int i = v->ndim; i-- > 0;) {
    if (!(axes >> i & 1)) continue;
    axes &= ~(UINT32_C(1) << i);
    lz_view to = first_of(v, axes, shape), from = to;
    if (--shape[i] == 0) continue;
    to.data = (char*)v->data + v->strides[i] * (int64_t)dtype_size(v->dtype);
    memcpy(strides, v->strides, (size_t)v->ndim * sizeof *strides);
    strides[i] = 0;
    from.strides = strides;
    copy_run(&to, &from);
  }
}

bool repeat_cut(
    repeat_once* once,
    const lz_view* in,
    const lz_view* out,
    uint32_t reduced) {
  uint32_t axes = repeat_axes(in) & ~reduced;
  if (!axes) return false;
  once->axes = 0;
  for (int i = 0, o = 0; i < in->ndim; i++) {
    if (axes >> i & 1) once->axes |= UINT32_C(1) << o;
    o += !(reduced >> i & 1) || out->ndim == in->ndim;
  }
  once->in = first_of(in, axes, once->shape[0]);
  once->out = first_of(out, once->axes, once->shape[1]);
  return true;
}
