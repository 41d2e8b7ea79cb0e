/* As a product: a row of the left matrix is the window of one output element,
 * gathered while panels are packed, never stored. */
#include "cpu/conv.h"

#include <stdatomic.h>
#include <string.h>

#include "cpu/conv_plan.h"
#include "cpu/gemm.h"
#include "cpu/lead.h"
#include "cpu/scratch.h"

typedef struct conv_call {
  conv_plan p;
  _Atomic int failed;
} conv_call;

static void conv_plan_of(
    conv_plan* c,
    const lz_view* in,
    const lz_view* w,
    const lz_view* out,
    const conv_params* p) {
  const int spatial = in->ndim - 2;
  *c = (conv_plan){.in = in, .w = w, .out = out, .params = *p};
  c->size = (int64_t)dtype_size(in->dtype);
  c->images = out->shape[0];
  c->channels = w->shape[w->ndim - 1];
  c->outputs = w->shape[0] / p->groups;
  /* Fewer axes: the missing ones come first, of extent 1. */
  const int skip = CONV_SPATIAL - spatial;
  c->taps = 1;
  for (int i = 0; i < CONV_SPATIAL; i++) {
    const int from = i - skip;
    const bool there = from >= 0;
    c->in_extent[i] = there ? in->shape[1 + from] : 1;
    c->in_step[i] = there ? in->strides[1 + from] : 0;
    c->w_extent[i] = there ? w->shape[1 + from] : 1;
    c->w_step[i] = there ? w->strides[1 + from] : 0;
    c->out_extent[i] = there ? out->shape[1 + from] : 1;
    c->out_step[i] = there ? out->strides[1 + from] : 0;
    c->params.stride[i] = there ? p->stride[from] : 1;
    c->params.padding[i] = there ? p->padding[from] : 0;
    c->params.kernel_dilation[i] = there ? p->kernel_dilation[from] : 1;
    c->taps *= c->w_extent[i];
  }
  c->in_channel = in->strides[in->ndim - 1];
  c->w_channel = w->strides[w->ndim - 1];
  c->out_channel = out->strides[out->ndim - 1];
}

/* Splits a flat index over three extents. */
static void conv_split(const int64_t* extents, int64_t flat, int64_t* index) {
  for (int i = CONV_SPATIAL; i-- > 0;) {
    index[i] = flat % extents[i];
    flat /= extents[i];
  }
}

/* Elements from src, `step` apart. */
static void conv_copy(
    char* to, const char* src, int64_t step, int64_t n, int64_t size) {
  if (step == 1) {
    memcpy(to, src, (size_t)(n * size));
    return;
  }
  for (int64_t i = 0; i < n; i++)
    memcpy(to + i * size, src + i * step * size, (size_t)size);
}

/* The input element under tap `tap` of output element `at`; NULL: none, in
 * the padding. */
static const char* conv_under(
    const conv_plan* c,
    int64_t image,
    int64_t group,
    const int64_t* at,
    int64_t tap) {
  int64_t k[CONV_SPATIAL], offset = image * c->in->strides[0];
  conv_split(c->w_extent, tap, k);
  for (int i = 0; i < CONV_SPATIAL; i++) {
    const int64_t u = at[i] * c->params.stride[i] +
                      k[i] * c->params.kernel_dilation[i] -
                      c->params.padding[i];
    if (u < 0 || u >= c->in_extent[i]) return NULL;
    offset += u * c->in_step[i];
  }
  offset += group * c->channels * c->in_channel;
  return lead_data(c->in, offset);
}

/* n elements from k0 on of the window of `row`. */
static void conv_window(
    const conv_plan* c,
    int64_t group,
    int64_t row,
    int64_t k0,
    int64_t n,
    char* to) {
  int64_t at[CONV_SPATIAL];
  const int64_t pixels = c->out_extent[0] * c->out_extent[1] * c->out_extent[2];
  conv_split(c->out_extent, row % pixels, at);
  while (n > 0) {
    const int64_t channel = k0 % c->channels;
    const int64_t run = c->channels - channel < n ? c->channels - channel : n;
    const char* src = conv_under(c, row / pixels, group, at, k0 / c->channels);
    if (src)
      conv_copy(
          to,
          src + channel * c->in_channel * c->size,
          c->in_channel,
          run,
          c->size);
    else
      memset(to, 0, (size_t)(run * c->size));
    to += run * c->size;
    k0 += run;
    n -= run;
  }
}

void conv_kernel(
    const conv_plan* c, int64_t o, int64_t k0, int64_t n, char* to) {
  while (n > 0) {
    const int64_t channel = k0 % c->channels;
    const int64_t run = c->channels - channel < n ? c->channels - channel : n;
    int64_t tap = k0 / c->channels, k[CONV_SPATIAL];
    if (c->params.flip) tap = c->taps - 1 - tap;
    conv_split(c->w_extent, tap, k);
    int64_t offset = o * c->w->strides[0] + channel * c->w_channel;
    for (int i = 0; i < CONV_SPATIAL; i++) offset += k[i] * c->w_step[i];
    conv_copy(to, lead_data(c->w, offset), c->w_channel, run, c->size);
    to += run * c->size;
    k0 += run;
    n -= run;
  }
}

static int conv_pack_a(
    void* ctx,
    int64_t group,
    void* panel,
    int width,
    int64_t i0,
    int rows,
    int64_t k0,
    int64_t kn) {
  conv_call* call = ctx;
  const conv_plan* c = &call->p;
  char* lines = scratch_get(SCRATCH_KERNEL, (size_t)(rows * kn * c->size));
  if (!lines) {
    atomic_store(&call->failed, 1);
    return 0;
  }
  for (int i = 0; i < rows; i++)
    conv_window(c, group, i0 + i, k0, kn, lines + i * kn * c->size);
  gemm_kernels()->pack[c->in->dtype](panel, width, rows, kn, lines, kn, 1);
  return 0;
}

static int conv_pack_b(
    void* ctx,
    int64_t group,
    void* panel,
    int width,
    int64_t j0,
    int cols,
    int64_t k0,
    int64_t kn) {
  conv_call* call = ctx;
  const conv_plan* c = &call->p;
  char* lines = scratch_get(SCRATCH_KERNEL, (size_t)(cols * kn * c->size));
  if (!lines) {
    atomic_store(&call->failed, 1);
    return 0;
  }
  for (int j = 0; j < cols; j++)
    conv_kernel(
        c, group * c->outputs + j0 + j, k0, kn, lines + j * kn * c->size);
  gemm_kernels()->pack[c->in->dtype](panel, width, cols, kn, lines, kn, 1);
  return 0;
}

static void conv_store(
    void* ctx,
    int64_t group,
    void* tile,
    int64_t ld,
    int64_t i0,
    int64_t rows,
    int64_t j0,
    int64_t cols) {
  const conv_plan* c = &((conv_call*)ctx)->p;
  const int64_t pixels = c->out_extent[0] * c->out_extent[1] * c->out_extent[2];
  const gemm_kind kind = gemm_kind_of(c->out->dtype);
  for (int64_t i = 0; i < rows; i++) {
    int64_t at[CONV_SPATIAL];
    conv_split(c->out_extent, (i0 + i) % pixels, at);
    int64_t offset = (i0 + i) / pixels * c->out->strides[0] +
                     (group * c->outputs + j0) * c->out_channel;
    for (int s = 0; s < CONV_SPATIAL; s++) offset += at[s] * c->out_step[s];
    char* to = lead_data(c->out, offset);
    const char* row = (char*)tile + (size_t)(i * ld) * gemm_kind_size(kind);
    if (kind == GEMM_F32)
      gemm_kernels()->store[c->out->dtype](
          to, c->out_channel, (const float*)row, cols);
    else
      for (int64_t j = 0; j < cols; j++)
        memcpy(to + j * c->out_channel * 8, row + j * 8, 8);
  }
}

int conv_run(
    const lz_view* in,
    const lz_view* w,
    const lz_view* out,
    const conv_params* p) {
  if (view_size(out) == 0) return 0;
  for (int i = 0; i < in->ndim - 2; i++)
    if (p->input_dilation[i] != 1) return conv_phases(in, w, out, p);
  conv_call c = {.failed = 0};
  conv_plan_of(&c.p, in, w, out, p);
  const bool lines = c.p.channels == 1 && conv_in_lines(&c.p);
  int status = lines ? 1 : conv_onednn(&c.p);
  if (status > 0) status = conv_direct(&c.p);
  if (status <= 0) return status != 0;
  const gemm_problem g = {
      .kind = gemm_kind_of(in->dtype),
      .batch = p->groups,
      .m = c.p.images * c.p.out_extent[0] * c.p.out_extent[1] *
           c.p.out_extent[2],
      .n = c.p.outputs,
      .k = c.p.taps * c.p.channels,
      .ctx = &c,
      .pack_a = conv_pack_a,
      .pack_b = conv_pack_b,
      .store = conv_store};
  return gemm_run(&g) || atomic_load(&c.failed);
}
