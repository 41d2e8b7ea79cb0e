/* Small convolutions, element by element: gathering windows for a product, or
 * making a primitive of oneDNN's, costs more than these do. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/conv_plan.h"
#include "cpu/copy.h"
#include "cpu/gemm.h"
#include "cpu/lead.h"
#include "cpu/scratch.h"
#include "cpu/simd/conv.h"
#include "stream/pool.h"

enum {
  TAPS = 512,       /* at most */
  GRAIN = 1 << 16,  /* products worth a thread */
  DIRECT = 4 << 20, /* products, at most, unless each channel is by itself */
  FEW = 4,          /* outputs a group from which on a pixel's are a vector */
  LINE = 2048,      /* pixels of one output at a time */
};

typedef struct conv_direct_job {
  const conv_plan* c;
  const conv_table* kernels;
  const float* x; /* dense: image, axes, channels of all groups */
  int64_t step[CONV_SPATIAL], image, pixels;
  const float* w; /* tap, channel, output for each group; or tap, group */
  bool depth;
  _Atomic int failed;
} conv_direct_job;

/* Taps of output element `at` that meet the input. */
static int direct_taps(
    const conv_direct_job* j,
    const int64_t* at,
    int64_t* offset,
    const float** w,
    int64_t w_tap) {
  const conv_plan* c = j->c;
  const conv_params* p = &c->params;
  int64_t low[CONV_SPATIAL], high[CONV_SPATIAL], first[CONV_SPATIAL];
  for (int i = 0; i < CONV_SPATIAL; i++) {
    const int64_t by = p->kernel_dilation[i], n = c->in_extent[i];
    first[i] = at[i] * p->stride[i] - p->padding[i];
    low[i] = first[i] < 0 ? (by - 1 - first[i]) / by : 0;
    high[i] = first[i] < n ? (n - 1 - first[i]) / by + 1 : 0;
    if (high[i] > c->w_extent[i]) high[i] = c->w_extent[i];
  }
  int count = 0;
  for (int64_t a = low[0]; a < high[0]; a++)
    for (int64_t b = low[1]; b < high[1]; b++)
      for (int64_t k = low[2]; k < high[2]; k++) {
        const int64_t tap = (a * c->w_extent[1] + b) * c->w_extent[2] + k;
        offset[count] = (first[0] + a * p->kernel_dilation[0]) * j->step[0] +
                        (first[1] + b * p->kernel_dilation[1]) * j->step[1] +
                        (first[2] + k * p->kernel_dilation[2]) * j->step[2];
        w[count++] = j->w + tap * w_tap;
      }
  return count;
}

static void direct_pixels(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  conv_direct_job* j = ctx;
  const conv_plan* c = j->c;
  const int64_t groups = c->params.groups, all = groups * c->outputs;
  const int64_t each = c->taps * c->channels * c->outputs; /* weights a group */
  float* line = scratch_get(SCRATCH_KERNEL, (size_t)all * sizeof *line);
  if (!line) {
    atomic_store(&j->failed, 1);
    return;
  }
  int64_t offset[TAPS];
  const float* w[TAPS];
  for (int64_t i = begin; i < end; i++) {
    int64_t at[CONV_SPATIAL], left = i % j->pixels;
    int64_t out = i / j->pixels * c->out->strides[0];
    for (int a = CONV_SPATIAL; a-- > 0;) {
      at[a] = left % c->out_extent[a];
      left /= c->out_extent[a];
      out += at[a] * c->out_step[a];
    }
    char* to = lead_data(c->out, out);
    const bool there = c->size == 4 && c->out_channel == 1;
    float* sums = there ? (float*)to : line;
    const float* x = j->x + i / j->pixels * j->image;
    conv_taps taps = {0, offset, w};
    taps.count = direct_taps(
        j, at, offset, w, j->depth ? groups : c->channels * c->outputs);
    if (j->depth)
      j->kernels->depth(sums, x, &taps, groups);
    else
      for (int64_t g = 0; g < groups; g++) {
        j->kernels->group(
            sums + g * c->outputs,
            x + g * c->channels,
            &taps,
            c->channels,
            c->outputs);
        for (int t = 0; t < taps.count && g + 1 < groups; t++) w[t] += each;
      }
    if (!there)
      gemm_kernels()->store[c->out->dtype](to, c->out_channel, sums, all);
  }
}

/* Of pixels x0 … x0 + n of a row, output `o` of a group: taps one by one, each
 * for all pixels that it has something under. `from`: where the row's window
 * begins in the axes before the last. */
static void direct_line(
    const conv_direct_job* j,
    const int64_t* from,
    const float* x,
    const float* w,
    int64_t x0,
    int64_t n,
    float* sums) {
  const conv_plan* c = j->c;
  const int64_t s = c->params.stride[2];
  memset(sums, 0, (size_t)n * sizeof *sums);
  for (int64_t tap = 0; tap < c->taps; tap++) {
    const int64_t k = tap % c->w_extent[2], outer = tap / c->w_extent[2];
    const int64_t at[] = {
        from[0] + outer / c->w_extent[1] * c->params.kernel_dilation[0],
        from[1] + outer % c->w_extent[1] * c->params.kernel_dilation[1],
        x0 * s - c->params.padding[2] + k * c->params.kernel_dilation[2]};
    if (at[0] < 0 || at[0] >= c->in_extent[0] || at[1] < 0 ||
        at[1] >= c->in_extent[1] || at[2] >= c->in_extent[2])
      continue;
    const int64_t low = at[2] < 0 ? (s - 1 - at[2]) / s : 0;
    int64_t high = (c->in_extent[2] - 1 - at[2]) / s + 1;
    if (high > n) high = n;
    if (low >= high) continue;
    const float* under = x + at[0] * j->step[0] + at[1] * j->step[1] +
                         (at[2] + low * s) * j->step[2];
    for (int64_t i = 0; i < c->channels; i++)
      j->kernels->line(
          sums + low,
          under + i,
          s * j->step[2],
          w[(tap * c->channels + i) * c->outputs],
          high - low);
  }
}

/* Rows of pixels, for few outputs. */
static void direct_lines(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  conv_direct_job* j = ctx;
  const conv_plan* c = j->c;
  const int64_t* extent = c->out_extent;
  float sums[LINE];
  for (int64_t i = begin; i < end; i++) {
    const int64_t image = i / (extent[0] * extent[1]);
    const int64_t at[] = {i / extent[1] % extent[0], i % extent[1]};
    int64_t from[2], out = image * c->out->strides[0];
    for (int a = 0; a < 2; a++) {
      from[a] = at[a] * c->params.stride[a] - c->params.padding[a];
      out += at[a] * c->out_step[a];
    }
    for (int64_t o = 0; o < c->params.groups * c->outputs; o++) {
      const int64_t g = o / c->outputs;
      const float* x = j->x + image * j->image + g * c->channels;
      const float* w = j->w + g * c->taps * c->channels * c->outputs;
      for (int64_t x0 = 0; x0 < extent[2]; x0 += LINE) {
        const int64_t n = extent[2] - x0 < LINE ? extent[2] - x0 : LINE;
        direct_line(j, from, x, w + o % c->outputs, x0, n, sums);
        gemm_kernels()->store[c->out->dtype](
            lead_data(c->out, out + o * c->out_channel + x0 * c->out_step[2]),
            c->out_step[2],
            sums,
            n);
      }
    }
  }
}

/* The weights in the kernels' order, as floats. */
static float* direct_weights(const conv_plan* c, bool depth) {
  const int64_t each = c->taps * c->channels, groups = c->params.groups;
  float* w = malloc((size_t)(groups * c->outputs * each) * sizeof *w);
  char* raw = malloc((size_t)(each * (c->size + 4)));
  float* line = (float*)(void*)raw;
  for (int64_t o = 0; w && raw && o < groups * c->outputs; o++) {
    conv_kernel(c, o, 0, each, raw + 4 * each);
    gemm_kernels()->load[c->in->dtype](line, raw + 4 * each, 1, each);
    const int64_t group = o / c->outputs, nth = o % c->outputs;
    for (int64_t k = 0; k < each; k++)
      w[depth ? k * groups + o
              : group * each * c->outputs + k * c->outputs + nth] = line[k];
  }
  free(raw);
  if (raw) return w;
  free(w);
  return NULL;
}

bool conv_in_lines(const conv_plan* c) {
  return c->outputs < FEW && c->out_extent[2] >= 2 * FEW &&
         gemm_kind_of(c->in->dtype) == GEMM_F32;
}

int conv_direct(const conv_plan* c) {
  const int64_t groups = c->params.groups;
  const bool depth = c->channels == 1 && c->outputs == 1 && groups > 1;
  conv_direct_job j = {
      .c = c, .kernels = ISA_PICK(conv_kernels), .depth = depth};
  j.pixels = c->out_extent[0] * c->out_extent[1] * c->out_extent[2];
  const int64_t one = c->taps * c->channels * c->outputs * groups;
  const int64_t elements = j.pixels * c->images;
  const bool lines = !depth && conv_in_lines(c);
  if (gemm_kind_of(c->in->dtype) != GEMM_F32 || c->taps > TAPS || one == 0 ||
      (!depth && !lines && elements > DIRECT / one))
    return 1;
  j.step[2] = c->channels * groups;
  j.step[1] = j.step[2] * c->in_extent[2];
  j.step[0] = j.step[1] * c->in_extent[1];
  j.image = j.step[0] * c->in_extent[0];
  float *w = direct_weights(c, depth), *copy = NULL;
  j.w = w;
  j.x = c->in->data;
  if (w && (c->in->dtype != DTYPE_FLOAT32 || !view_is_contiguous(c->in))) {
    copy = malloc((size_t)view_size(c->in) * sizeof *copy + 1);
    int64_t strides[LZ_MAX_DIMS];
    view_row_strides(c->in->ndim, c->in->shape, strides);
    lz_view dense = {copy, DTYPE_FLOAT32, c->in->ndim, c->in->shape, strides};
    if (copy) copy_run(&dense, c->in);
    j.x = copy;
  }
  int status = w && j.x ? 0 : -1;
  if (!status) {
    const int64_t row = c->out_extent[2];
    if (lines)
      pool_for(elements / row, GRAIN / (one * row) + 1, direct_lines, &j);
    else
      pool_for(elements, GRAIN / one + 1, direct_pixels, &j);
    if (atomic_load(&j.failed)) status = -1;
  }
  free(w);
  free(copy);
  return status;
}
