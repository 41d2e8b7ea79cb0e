/* Dilated input, as transposed convolutions have it, without multiplying the
 * zeros between its elements: outputs that see the same residue of taps are a
 * plain convolution with those taps.
 *
 * Along an axis with input dilation d output o meets tap k at input
 * (o * stride + k * kernel_dilation - padding) / d, where that is whole. It is
 * for all o of one residue modulo period = d / gcd(stride, d) or none, and for
 * taps first, first + step, …, with step = d / gcd(kernel_dilation, d). */
#include <string.h>

#include "cpu/conv_plan.h"
#include "cpu/copy.h"
#include "cpu/lead.h"

static int64_t gcd(int64_t a, int64_t b) {
  while (b) {
    const int64_t t = a % b;
    a = b;
    b = t;
  }
  return a;
}

typedef struct phase_view {
  lz_view view;
  int32_t shape[LZ_MAX_DIMS];
  int64_t strides[LZ_MAX_DIMS];
} phase_view;

static void phase_copy(phase_view* to, const lz_view* from) {
  to->view = *from;
  memcpy(to->shape, from->shape, (size_t)from->ndim * sizeof *to->shape);
  memcpy(to->strides, from->strides, (size_t)from->ndim * sizeof *to->strides);
  to->view.shape = to->shape;
  to->view.strides = to->strides;
}

/* Every step-th element of an axis from `first` on. */
static void phase_take(
    phase_view* v, int axis, int64_t first, int64_t step, int64_t count) {
  v->view.data = lead_data(&v->view, first * v->strides[axis]);
  v->strides[axis] *= step;
  v->shape[axis] = (int32_t)count;
}

static void phase_clear(const lz_view* out) {
  char zero[8] = {0};
  const int64_t steps[LZ_MAX_DIMS] = {0};
  const lz_view from = {zero, out->dtype, out->ndim, out->shape, steps};
  copy_run(out, &from);
}

/* Narrows w, out and p to residue r of axis i. False: no tap meets it. */
static bool phase_axis(
    phase_view* w, phase_view* out, conv_params* p, int i, int64_t r) {
  const int64_t d = p->input_dilation[i], s = p->stride[i];
  const int64_t kd = p->kernel_dilation[i], taps = w->shape[1 + i];
  const int64_t period = d / gcd(s, d), step = d / gcd(kd, d);
  phase_take(
      out, 1 + i, r, period, (out->shape[1 + i] - r + period - 1) / period);
  int64_t first = 0;
  while (first < step && first < taps &&
         (r * s + first * kd - p->padding[i]) % d != 0)
    first++;
  if (first >= step || first >= taps) return false;
  phase_take(w, 1 + i, first, step, (taps - first + step - 1) / step);
  p->padding[i] = (int32_t)((p->padding[i] - r * s - first * kd) / d);
  p->stride[i] = (int32_t)(period * s / d);
  p->kernel_dilation[i] = (int32_t)(step * kd / d);
  p->input_dilation[i] = 1;
  return true;
}

int conv_phases(
    const lz_view* in,
    const lz_view* w,
    const lz_view* out,
    const conv_params* p) {
  const int spatial = in->ndim - 2;
  int64_t periods[CONV_SPATIAL] = {1, 1, 1}, total = 1;
  for (int i = 0; i < spatial; i++) {
    periods[i] = p->input_dilation[i] / gcd(p->stride[i], p->input_dilation[i]);
    total *= periods[i];
  }
  phase_view whole;
  phase_copy(&whole, w);
  /* Backwards once, here: then the taps count as they lie. */
  for (int i = 0; i < spatial && p->flip; i++)
    phase_take(&whole, 1 + i, w->shape[1 + i] - 1, -1, w->shape[1 + i]);
  for (int64_t phase = 0; phase < total; phase++) {
    phase_view part_w, part_out;
    conv_params part = *p;
    part.flip = false;
    phase_copy(&part_w, &whole.view);
    phase_copy(&part_out, out);
    bool met = true;
    int64_t rest = phase;
    for (int i = 0; i < spatial; i++) {
      met &= phase_axis(&part_w, &part_out, &part, i, rest % periods[i]);
      rest /= periods[i];
    }
    if (!met)
      phase_clear(&part_out.view);
    else if (conv_run(in, &part_w.view, &part_out.view, &part))
      return 1;
  }
  return 0;
}
