#include "cpu/rope.h"

#include <math.h>

#include "cpu/floats.h"
#include "cpu/simd/rope.h"
#include "cpu/walk.h"
#include "stream/pool.h"

enum {
  STEPS = 16,  /* whose angles are made at once */
  GRAIN = 8192 /* elements worth a thread's while */
};

typedef struct rope_job {
  const rope_table* kernels;
  const lz_view* x;
  const lz_view* offset;
  const lz_view* freqs;
  const rope_spec* spec;
  const lz_view* out;
  walk heads; /* views x, out: axes between the first and the last two */
  int64_t batches, steps, depth; /* B, T, D */
} rope_job;

/* Inverse frequencies [i, i+n). */
static void inverse_freqs(
    const rope_job* job, int64_t i, int64_t n, float* inverse) {
  int half = job->spec->dims / 2;
  if (job->freqs) {
    const float* freqs = job->freqs->data;
    int64_t stride = job->freqs->strides[0];
    for (int64_t k = 0; k < n; k++) inverse[k] = 1 / freqs[(i + k) * stride];
    return;
  }
  float slope = logf(job->spec->base) / (float)half;
  for (int64_t k = 0; k < n; k++) inverse[k] = expf((float)-(i + k) * slope);
}

static float position(const rope_job* job, int64_t batch, int64_t step) {
  int64_t stride = job->offset->ndim && job->offset->shape[0] > 1
                       ? job->offset->strides[0]
                       : 0;
  const uint8_t* p = (const uint8_t*)job->offset->data + batch * stride * 4;
  float start = (float)dtype_load(job->offset->dtype, p);
  return ((float)step + start) * job->spec->scale;
}

/* Pairs [i, i+n) of one vector. */
static void turn_some(
    const rope_job* job,
    const uint8_t* x,
    uint8_t* out,
    int64_t i,
    int64_t n,
    const float* cos,
    const float* sin) {
  lz_dtype d = job->x->dtype;
  int64_t size = (int64_t)dtype_size(d);
  int last = job->x->ndim - 1, half = job->spec->dims / 2;
  bool pairs = job->spec->traditional;
  int64_t from = job->x->strides[last] * (pairs ? 2 : 1);
  int64_t to = job->out->strides[last] * (pairs ? 2 : 1);
  int64_t from_b = job->x->strides[last] * (pairs ? 1 : half);
  int64_t to_b = job->out->strides[last] * (pairs ? 1 : half);
  x += i * from * size;
  out += i * to * size;
  if (floats_is_wide(d)) {
    double sign = job->spec->forward ? 1 : -1;
    for (int64_t k = 0; k < n; k++) {
      const double *a = (const double*)x + k * from, *b = a + from_b;
      double *oa = (double*)out + k * to, *ob = oa + to_b;
      double c = cos[k], s = sign * sin[k];
      double ra = *a * c - *b * s, rb = *a * s + *b * c;
      *oa = ra;
      *ob = rb;
    }
    return;
  }
  float a[ROPE_TILE], b[ROPE_TILE], turned_a[ROPE_TILE], turned_b[ROPE_TILE];
  const void* ta = floats_load(d, x, from, n, a);
  const void* tb = floats_load(d, x + from_b * size, from, n, b);
  bool direct = d == DTYPE_FLOAT32 && to == 1 && job->out->data != job->x->data;
  void* ra = direct ? (void*)out : (void*)turned_a;
  void* rb = direct ? (void*)(out + to_b * size) : (void*)turned_b;
  job->kernels->turn(d, ta, tb, cos, sin, job->spec->forward, n, ra, rb);
  floats_store(d, out, to, ra, n);
  floats_store(d, out + to_b * size, to, rb, n);
}

/* The angles of steps [first, first + steps), all pairs of a tile. */
static void block_angles(
    const rope_job* job,
    int64_t batch,
    int64_t first,
    int64_t steps,
    const float* inverse,
    int64_t n,
    float (*cos)[ROPE_TILE],
    float (*sin)[ROPE_TILE]) {
  for (int64_t t = 0; t < steps; t++) {
    job->kernels->angles(
        position(job, batch, first + t), inverse, n, cos[t], sin[t]);
    floats_round(job->x->dtype, cos[t], n);
    floats_round(job->x->dtype, sin[t], n);
  }
}

/* Units of (block of steps, batch): all heads share the angles, and so do the
 * batches that begin at the same place; each head is read in one run of
 * neighbouring steps. */
static void rope_units(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const rope_job* job = ctx;
  int64_t size = (int64_t)dtype_size(job->x->dtype);
  int ndim = job->x->ndim, half = job->spec->dims / 2;
  int64_t x_step = job->x->strides[ndim - 2];
  int64_t out_step = job->out->strides[ndim - 2];
  bool plain = job->x->dtype == DTYPE_FLOAT32 && !job->spec->traditional &&
               job->x->strides[ndim - 1] == 1 &&
               job->out->strides[ndim - 1] == 1;
  bool shared = !job->offset->ndim || job->offset->shape[0] == 1;
  float inverse[ROPE_TILE], cos[STEPS][ROPE_TILE], sin[STEPS][ROPE_TILE];
  for (int64_t i = 0; i < half; i += ROPE_TILE) {
    int64_t n = half - i < ROPE_TILE ? half - i : ROPE_TILE, known = -1;
    inverse_freqs(job, i, n, inverse);
    for (int64_t unit = begin; unit < end; unit++) {
      int64_t batch = unit % job->batches, first = unit / job->batches * STEPS;
      int64_t steps = job->steps - first < STEPS ? job->steps - first : STEPS;
      if (!shared || known != first)
        block_angles(job, batch, first, steps, inverse, n, cos, sin);
      known = first;
      walk_at at;
      walk_seek(&job->heads, &at, 0);
      for (int64_t h = 0; h < job->heads.size; h++) {
        const uint8_t* x =
            (const uint8_t*)job->x->data +
            (batch * job->x->strides[0] + first * x_step + at.offset[0]) * size;
        uint8_t* out =
            (uint8_t*)job->out->data +
            (batch * job->out->strides[0] + first * out_step + at.offset[1]) *
                size;
        if (plain)
          job->kernels->turn_steps(
              (const float*)x + i,
              x_step,
              cos,
              sin,
              job->spec->forward,
              steps,
              n,
              half,
              (float*)out + i,
              out_step);
        else
          for (int64_t t = 0; t < steps; t++)
            turn_some(
                job,
                x + t * x_step * size,
                out + t * out_step * size,
                i,
                n,
                cos[t],
                sin[t]);
        walk_skip(&job->heads, &at, 1);
      }
    }
  }
}

/* What does not rotate. */
static void copy_rest(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const rope_job* job = ctx;
  int64_t size = (int64_t)dtype_size(job->x->dtype);
  int ndim = job->x->ndim;
  int64_t from = job->x->strides[ndim - 1], to = job->out->strides[ndim - 1];
  int64_t dims = job->spec->dims;
  for (int64_t unit = begin; unit < end; unit++) {
    int64_t batch = unit % job->batches, step = unit / job->batches;
    walk_at at;
    walk_seek(&job->heads, &at, 0);
    int64_t x = batch * job->x->strides[0] + step * job->x->strides[ndim - 2] +
                dims * from;
    int64_t out = batch * job->out->strides[0] +
                  step * job->out->strides[ndim - 2] + dims * to;
    for (int64_t h = 0; h < job->heads.size; h++) {
      walk_copy(
          (uint8_t*)job->out->data + (out + at.offset[1]) * size,
          to,
          (const uint8_t*)job->x->data + (x + at.offset[0]) * size,
          from,
          job->depth - dims,
          (size_t)size);
      walk_skip(&job->heads, &at, 1);
    }
  }
}

void rope_run(
    const lz_view* x,
    const lz_view* offset,
    const lz_view* freqs,
    const rope_spec* spec,
    const lz_view* out) {
  assert(dtype_is_float(x->dtype) && x->dtype == out->dtype && x->ndim >= 3);
  int ndim = x->ndim;
  rope_job job = {
      .kernels = ISA_PICK(rope_kernels),
      .x = x,
      .offset = offset,
      .freqs = freqs,
      .spec = spec,
      .out = out,
      .batches = x->shape[0],
      .steps = x->shape[ndim - 2],
      .depth = x->shape[ndim - 1],
  };
  lz_view from = {x->data, x->dtype, ndim - 3, x->shape + 1, x->strides + 1};
  lz_view to = {out->data, x->dtype, ndim - 3, x->shape + 1, out->strides + 1};
  const lz_view* views[] = {&from, &to};
  walk_make(&job.heads, 2, views, -1);
  int64_t units = job.batches * job.steps;
  int64_t work = job.heads.size * job.depth;
  if (units == 0 || work == 0) return;
  int64_t grain = GRAIN / (work > GRAIN ? GRAIN : work);
  int64_t blocks = job.batches * ((job.steps + STEPS - 1) / STEPS);
  pool_for(blocks, grain / STEPS, rope_units, &job);
  if (job.depth > spec->dims && out->data != x->data)
    pool_for(units, grain, copy_rest, &job);
}
