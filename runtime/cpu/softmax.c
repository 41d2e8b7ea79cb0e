#include "cpu/softmax.h"

#include <math.h>

#include "cpu/repeat.h"
#include "cpu/softmax_job.h"
#include "cpu/tile.h"
#include "stream/pool.h"

enum {
  ROW = 8192, /* floats of a row that is worked on in the cache */
#if defined(LAZULI_HOSTILE)
  STREAM_BYTES = 64
#else
  STREAM_BYTES = 4 << 20 /* of an output that goes past the caches */
#endif
};

static const void* load(
    const softmax_job* job, const uint8_t* x, int64_t n, void* tile) {
  return floats_load(job->type, x, job->in_stride, n, tile);
}

static void store(
    const softmax_job* job, uint8_t* out, const void* tile, int64_t n) {
  floats_store(job->type, out, job->out_stride, tile, n);
}

static void softmax_row(
    const softmax_job* job, const uint8_t* x, uint8_t* out, float* tile) {
  const softmax_table* k = job->kernels;
  int w = job->wide;
  int64_t most = w ? ROW / 2 : ROW;
  if (job->n <= most ||
      (!job->half && job->in_stride == 1 && job->out_stride == 1)) {
    const void* row = load(job, x, job->n, tile);
    bool direct = !job->half && job->out_stride == 1;
    bool stream = direct && job->stream && job->n <= most;
    void* e = direct && !stream ? (void*)out : (void*)tile;
    double top = k->max[w](row, job->n, -INFINITY);
    double sum = k->exp_sum[w](row, job->n, top, e);
    k->scale[w](e, job->n, 1 / sum, stream ? out : e, stream);
    if (!stream) store(job, out, e, job->n);
    return;
  }
  double top = -INFINITY, sum = 0;
  for (int pass = 0; pass < 3; pass++)
    for (int64_t i = 0; i < job->n; i += most) {
      int64_t m = job->n - i < most ? job->n - i : most;
      const void* part = load(job, x + i * job->in_stride * job->size, m, tile);
      if (pass == 0) {
        top = k->max[w](part, m, top);
      } else if (pass == 1) {
        sum += k->exp_sum[w](part, m, top, NULL);
      } else {
        k->exp_sum[w](part, m, top, tile);
        k->scale[w](tile, m, 1 / sum, tile, false);
        store(job, out + i * job->out_stride * job->size, tile, m);
      }
    }
}

static void softmax_rows(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const softmax_job* job = ctx;
  float tile[ROW];
  walk_at at;
  for (walk_seek(&job->rows, &at, begin); begin < end; begin++) {
    softmax_row(
        job,
        job->in + at.offset[0] * job->size,
        job->out + at.offset[1] * job->size,
        tile);
    if (begin + 1 < end) walk_next(&job->rows, &at);
  }
  tile_stream_end();
}

double softmax_log(const softmax_job* job, double sum, double top) {
  if (isinf(top)) return top;
  return job->wide ? log(sum) + top : (double)(logf((float)sum) + (float)top);
}

static void logsumexp_rows(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const softmax_job* job = ctx;
  const softmax_table* k = job->kernels;
  float tile[ROW];
  int w = job->wide;
  int64_t most = w ? ROW / 2 : ROW;
  if (!job->half && job->in_stride == 1) most = job->n;
  walk_at at;
  for (walk_seek(&job->rows, &at, begin); begin < end; begin++) {
    const uint8_t* x = job->in + at.offset[0] * job->size;
    const void* part = NULL;
    double top = -INFINITY, sum = 0;
    for (int64_t i = 0; i < job->n; i += most) {
      int64_t m = job->n - i < most ? job->n - i : most;
      part = load(job, x + i * job->in_stride * job->size, m, tile);
      top = k->max[w](part, m, top);
    }
    for (int64_t i = 0; i < job->n; i += most) {
      int64_t m = job->n - i < most ? job->n - i : most;
      if (most < job->n)
        part = load(job, x + i * job->in_stride * job->size, m, tile);
      sum += k->exp_sum[w](part, m, top, NULL);
    }
    double value = softmax_log(job, sum, top);
    dtype_store(job->type, job->out + at.offset[1] * job->size, value);
    if (begin + 1 < end) walk_next(&job->rows, &at);
  }
}

static softmax_job make_job(
    const lz_view* in, int axis, const lz_view* out, int64_t out_stride) {
  softmax_job job = {
      .kernels = ISA_PICK(softmax_kernels),
      .in = in->data,
      .out = out->data,
      .type = in->dtype,
      .size = (int64_t)dtype_size(in->dtype),
      .half = dtype_size(in->dtype) == 2,
      .wide = in->dtype == DTYPE_FLOAT64,
      .n = in->shape[axis],
      .in_stride = in->strides[axis],
      .out_stride = out_stride,
  };
  const lz_view* views[] = {in, out};
  walk_make(&job.rows, 2, views, axis);
  return job;
}

void softmax_run(
    const lz_view* in, int axis, bool precise, const lz_view* out) {
  assert(dtype_is_float(in->dtype) && out->dtype == in->dtype);
  repeat_once once;
  if (repeat_cut(&once, in, out, UINT32_C(1) << axis)) {
    softmax_run(&once.in, axis, precise, &once.out);
    repeat_spread(out, once.axes);
    return;
  }
  softmax_job job = make_job(in, axis, out, out->strides[axis]);
  if (job.rows.size == 0 || job.n == 0) return;
  job.stream =
      in->data != out->data && job.rows.size * job.n * job.size >= STREAM_BYTES;
  if (softmax_by_cols(&job)) return;
  pool_for(
      job.rows.size,
      SOFTMAX_GRAIN / (job.n > SOFTMAX_GRAIN ? SOFTMAX_GRAIN : job.n),
      softmax_rows,
      &job);
}

void softmax_logsumexp(const lz_view* in, int axis, const lz_view* out) {
  assert(dtype_is_float(in->dtype) && out->dtype == in->dtype);
  repeat_once once;
  if (repeat_cut(&once, in, out, UINT32_C(1) << axis)) {
    softmax_logsumexp(&once.in, axis, &once.out);
    repeat_spread(out, once.axes);
    return;
  }
  int64_t strides[LZ_MAX_DIMS] = {0};
  for (int i = 0, o = 0; i < in->ndim; i++) {
    if (i != axis) strides[i] = out->strides[o];
    o += i != axis || out->ndim == in->ndim;
  }
  lz_view full = {out->data, out->dtype, in->ndim, in->shape, strides};
  softmax_job job = make_job(in, axis, &full, 0);
  job.log_sum = true;
  if (job.rows.size == 0) return;
  if (softmax_by_cols(&job)) return;
  int64_t n = job.n > SOFTMAX_GRAIN ? SOFTMAX_GRAIN : job.n + 1;
  pool_for(job.rows.size, SOFTMAX_GRAIN / n, logsumexp_rows, &job);
}
