#include "cpu/norm.h"

#include <math.h>
#include <stdlib.h>

#include "cpu/floats.h"
#include "cpu/repeat.h"
#include "cpu/simd/norm.h"
#include "cpu/tile.h"
#include "cpu/walk.h"
#include "stream/pool.h"

enum {
  TILE = 4096,    /* elements of a row worked on at once */
  GRAIN = 16384,  /* elements worth a thread's while */
  TURNED = 64,    /* rows that are turned at once, at least */
  MAX_PARTS = 32, /* sets of sums for weight and bias gradients */
#if defined(LAZULI_HOSTILE)
  STREAM_BYTES = 64
#else
  STREAM_BYTES = 4 << 20 /* of an output that goes past the caches */
#endif
};

typedef struct norm_job {
  const norm_table* kernels;
  lz_dtype type;
  int64_t size; /* of an element */
  bool centred; /* layer norm: the mean is taken off */
  bool stream;  /* the output is so large that it goes past the caches */
  float eps;
  int64_t n;
  walk rows; /* views x, out; or x, g, gx */
  const uint8_t *x, *g, *w, *b;
  uint8_t *out, *gw, *gb;
  int64_t x_stride, g_stride, w_stride, b_stride, out_stride;
  /* gradients of weight and bias, one set each part of the rows */
  uint8_t *gw_parts, *gb_parts;
  int64_t part;
} norm_job;

typedef struct row_stats {
  double mean, scale;
} row_stats;

typedef double tile_space[TILE];

/* Elements [i, i+n) of what starts at p, or NULL where there is nothing. */
static const void* part_of(
    const norm_job* job,
    const uint8_t* p,
    int64_t stride,
    int64_t i,
    int64_t n,
    void* tile) {
  if (!p) return NULL;
  return floats_load(job->type, p + i * stride * job->size, stride, n, tile);
}

static int64_t tile_length(const norm_job* job, int64_t i) {
  return job->n - i < TILE ? job->n - i : TILE;
}

/* *row becomes the whole row as a tile, where it fits in one. */
static row_stats measure(
    const norm_job* job, const uint8_t* x, void* tile, const void** row) {
  row_stats s = {0, 0};
  const void* t = NULL;
  double squares = 0;
  if (job->centred) {
    for (int64_t i = 0; i < job->n; i += TILE) {
      int64_t m = tile_length(job, i);
      t = part_of(job, x, job->x_stride, i, m, tile);
      s.mean += job->kernels->sum(t, m);
    }
    s.mean /= (double)job->n;
    if (!floats_is_wide(job->type)) s.mean = (float)s.mean;
  }
  for (int64_t i = 0; i < job->n; i += TILE) {
    int64_t m = tile_length(job, i);
    if (!t || job->n > TILE) t = part_of(job, x, job->x_stride, i, m, tile);
    squares += job->kernels->squares(t, m, s.mean);
  }
  *row = job->n <= TILE ? t : NULL;
  s.scale = 1 / sqrt(squares / (double)job->n + (double)job->eps);
  return s;
}

static void norm_row(const norm_job* job, const uint8_t* x, uint8_t* out) {
  tile_space a, b, c;
  const void* row;
  row_stats s = measure(job, x, a, &row);
  bool half = job->size == 2;
  for (int64_t i = 0; i < job->n; i += TILE) {
    int64_t m = tile_length(job, i);
    const void* t = row ? row : part_of(job, x, job->x_stride, i, m, a);
    const void* w = part_of(job, job->w, job->w_stride, i, m, b);
    const void* bias = part_of(job, job->b, job->b_stride, i, m, c);
    uint8_t* to = out + i * job->out_stride * job->size;
    bool direct = !half && job->out_stride == 1;
    void* o = direct && !job->stream ? (void*)to : (void*)a;
    if (half) {
      /* Rounded before the weight and before the bias. */
      job->kernels->apply(t, m, s.mean, s.scale, NULL, NULL, o);
      if (w) {
        floats_round(job->type, o, m);
        job->kernels->apply(o, m, 0, 1, w, NULL, o);
      }
      if (bias) {
        floats_round(job->type, o, m);
        job->kernels->apply(o, m, 0, 1, NULL, bias, o);
      }
    } else {
      job->kernels->apply(t, m, s.mean, s.scale, w, bias, o);
    }
    if (direct && job->stream)
      tile_stream(to, o, (size_t)(m * job->size));
    else
      floats_store(job->type, to, job->out_stride, o, m);
  }
}

/* Weight and bias as tiles, where rows fit in one. */
typedef struct norm_params {
  tile_space w_space, b_space;
  const void *w, *b;
} norm_params;

/* As many rows as fit in a tile, from memory row by row to a tile, and so back.
 * x_row and out_row: from row to row. */
static void norm_tile(
    const norm_job* job,
    const norm_params* p,
    const uint8_t* x,
    int64_t x_row,
    uint8_t* out,
    int64_t out_row,
    int64_t rows) {
  tile_space tile;
  int64_t n = job->n, all = rows * n;
  int64_t wide = floats_is_wide(job->type) ? 8 : 4;
  bool half = job->size == 2;
  const void* from = x;
  bool whole = x_row == n && job->x_stride == 1;
  if (half || job->x_stride != 1) {
    from = tile;
    for (int64_t r = 0; r < (whole ? 1 : rows); r++)
      floats_load(
          job->type,
          x + r * x_row * job->size,
          job->x_stride,
          whole ? all : n,
          (uint8_t*)tile + r * n * wide);
    x_row = n;
  }
  bool direct = !half && job->out_stride == 1 && !job->stream;
  job->kernels->rows(
      from,
      x_row,
      n,
      rows,
      job->centred,
      job->eps,
      half ? NULL : p->w,
      half ? NULL : p->b,
      direct ? (void*)out : tile,
      direct ? out_row : n);
  if (direct) return;
  /* Halves are rounded before the weight and before the bias. */
  if (half && p->w) {
    floats_round(job->type, tile, all);
    job->kernels->scaled(tile, n, rows, p->w, NULL);
  }
  if (half && p->b) {
    floats_round(job->type, tile, all);
    job->kernels->scaled(tile, n, rows, NULL, p->b);
  }
  whole = out_row == n && job->out_stride == 1;
  for (int64_t r = 0; r < (whole ? 1 : rows); r++) {
    uint8_t* to = out + r * out_row * job->size;
    const uint8_t* some = (uint8_t*)tile + r * n * wide;
    int64_t m = whole ? all : n;
    if (job->stream && !half && job->out_stride == 1)
      tile_stream(to, some, (size_t)(m * job->size));
    else
      floats_store(job->type, to, job->out_stride, some, m);
  }
}

static void norm_lines(
    const norm_job* job,
    const norm_params* p,
    const uint8_t* x,
    int64_t x_row,
    uint8_t* out,
    int64_t out_row,
    int64_t rows) {
  int64_t most = TILE / job->n;
  for (int64_t r = 0, some; r < rows; r += some) {
    some = most == 0 ? 1 : rows - r < most ? rows - r : most;
    const uint8_t* from = x + r * x_row * job->size;
    uint8_t* to = out + r * out_row * job->size;
    if (most == 0)
      norm_row(job, from, to);
    else
      norm_tile(job, p, from, x_row, to, out_row, some);
  }
}

static void norm_rows(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const norm_job* job = ctx;
  int64_t n = job->n;
  norm_params p = {.w = NULL};
  if (n <= TILE) {
    p.w = part_of(job, job->w, job->w_stride, 0, n, p.w_space);
    p.b = part_of(job, job->b, job->b_stride, 0, n, p.b_space);
  }
  int64_t x_row = walk_stride(&job->rows, 0);
  int64_t out_row = walk_stride(&job->rows, 1);
  /* Rows whose elements lie apart are turned on their way to the output. */
  norm_job turned = *job;
  turned.x_stride = 1;
  turned.stream = false;
  bool turns = job->x_stride != 1 && job->out_stride == 1 && out_row == n;
  int64_t most = TILE / n > TURNED ? TILE / n : TURNED;
  walk_at at;
  walk_seek(&job->rows, &at, begin);
  for (int64_t some; begin < end; begin += some) {
    some = walk_left(&job->rows, &at);
    if (some > end - begin) some = end - begin;
    if (turns && some > most) some = most;
    const uint8_t* x = job->x + at.offset[0] * job->size;
    uint8_t* out = job->out + at.offset[1] * job->size;
    if (turns && some > 1) {
      tile_load(
          out, x, x_row, job->x_stride, (int)some, (int)n, (size_t)job->size);
      norm_lines(&turned, &p, out, n, out, n, some);
    } else {
      norm_lines(job, &p, x, x_row, out, out_row, some);
    }
    if (begin + some < end) walk_skip(&job->rows, &at, some);
  }
  tile_stream_end();
}

static void set_param(const lz_view* v, const uint8_t** data, int64_t* stride) {
  if (!v) return;
  *data = v->data;
  *stride = v->ndim ? v->strides[v->ndim - 1] : 0;
}

static void norm_run(
    bool centred,
    const lz_view* x,
    const lz_view* weight,
    const lz_view* bias,
    float eps,
    const lz_view* out) {
  assert(dtype_is_float(x->dtype) && out->dtype == x->dtype);
  int last = x->ndim - 1;
  repeat_once once;
  if (repeat_cut(&once, x, out, UINT32_C(1) << last)) {
    norm_run(centred, &once.in, weight, bias, eps, &once.out);
    repeat_spread(out, once.axes);
    return;
  }
  norm_job job = {
      .kernels = floats_is_wide(x->dtype) ? ISA_PICK(norm_kernels_f64)
                                          : ISA_PICK(norm_kernels_f32),
      .type = x->dtype,
      .size = (int64_t)dtype_size(x->dtype),
      .centred = centred,
      .eps = eps,
      .n = x->shape[last],
      .x = x->data,
      .out = out->data,
      .x_stride = x->strides[last],
      .out_stride = out->strides[last],
  };
  set_param(weight, &job.w, &job.w_stride);
  set_param(bias, &job.b, &job.b_stride);
  const lz_view* views[] = {x, out};
  walk_make(&job.rows, 2, views, last);
  if (job.rows.size == 0 || job.n == 0) return;
  job.stream =
      x->data != out->data && job.rows.size * job.n * job.size >= STREAM_BYTES;
  pool_for(
      job.rows.size, GRAIN / (job.n > GRAIN ? GRAIN : job.n), norm_rows, &job);
}

void norm_layer(
    const lz_view* x,
    const lz_view* weight,
    const lz_view* bias,
    float eps,
    const lz_view* out) {
  norm_run(true, x, weight, bias, eps, out);
}

void norm_rms(
    const lz_view* x, const lz_view* weight, float eps, const lz_view* out) {
  norm_run(false, x, weight, NULL, eps, out);
}

static void vjp_row(
    const norm_job* job,
    const uint8_t* x,
    const uint8_t* g,
    uint8_t* gx,
    uint8_t* gw,
    uint8_t* gb) {
  tile_space a, b, c;
  double n = (double)job->n, u_sum = 0, ux_sum = 0;
  size_t wide = floats_is_wide(job->type) ? 8 : 4;
  const void* row;
  row_stats s = measure(job, x, a, &row);
  for (int64_t i = 0; i < job->n; i += TILE) {
    int64_t m = tile_length(job, i);
    job->kernels->dots(
        row ? row : part_of(job, x, job->x_stride, i, m, a),
        part_of(job, g, job->g_stride, i, m, b),
        part_of(job, job->w, job->w_stride, i, m, c),
        m,
        s.mean,
        &u_sum,
        &ux_sum);
  }
  double mean = job->centred ? u_sum / n : 0;
  double slope = s.scale * s.scale * s.scale * ux_sum / n;
  for (int64_t i = 0; i < job->n; i += TILE) {
    int64_t m = tile_length(job, i);
    const void* tx = row ? row : part_of(job, x, job->x_stride, i, m, a);
    const void* tg = part_of(job, g, job->g_stride, i, m, b);
    if (gw || gb)
      job->kernels->collect(
          tx,
          tg,
          m,
          s.mean,
          s.scale,
          gw ? gw + (size_t)i * wide : NULL,
          gb ? gb + (size_t)i * wide : NULL);
    const void* tw = part_of(job, job->w, job->w_stride, i, m, c);
    uint8_t* to = gx + i * job->out_stride * job->size;
    void* o = job->size != 2 && job->out_stride == 1 ? (void*)to : (void*)a;
    job->kernels->slope(tx, tg, tw, m, s.mean, s.scale, mean, slope, o);
    floats_store(job->type, to, job->out_stride, o, m);
  }
}

static void vjp_parts(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const norm_job* job = ctx;
  size_t bytes = (size_t)job->n * (floats_is_wide(job->type) ? 8 : 4);
  for (; begin < end; begin++) {
    int64_t row = begin * job->part, last = row + job->part;
    if (last > job->rows.size) last = job->rows.size;
    uint8_t* gw = job->gw_parts ? job->gw_parts + (size_t)begin * bytes : NULL;
    uint8_t* gb = job->gb_parts ? job->gb_parts + (size_t)begin * bytes : NULL;
    walk_at at;
    for (walk_seek(&job->rows, &at, row); row < last; row++) {
      vjp_row(
          job,
          job->x + at.offset[0] * job->size,
          job->g + at.offset[1] * job->size,
          job->out + at.offset[2] * job->size,
          gw,
          gb);
      walk_skip(&job->rows, &at, 1);
    }
  }
}

/* Adds the parts up into the first and stores it. */
static void finish_param(
    const norm_job* job, uint8_t* parts, int64_t n_parts, const lz_view* to) {
  if (!to) return;
  size_t bytes = (size_t)job->n * (floats_is_wide(job->type) ? 8 : 4);
  for (int64_t p = 1; p < n_parts; p++)
    job->kernels->apply(
        parts + (size_t)p * bytes, job->n, 0, 1, NULL, parts, parts);
  floats_store(job->type, to->data, to->strides[0], parts, job->n);
}

static int norm_vjp(
    bool centred,
    const lz_view* x,
    const lz_view* weight,
    const lz_view* g,
    float eps,
    const lz_view* gx,
    const lz_view* gw,
    const lz_view* gb) {
  assert(dtype_is_float(x->dtype) && gx->dtype == x->dtype);
  int last = x->ndim - 1;
  if (weight && weight->ndim == 0) gw = NULL;
  norm_job job = {
      .kernels = floats_is_wide(x->dtype) ? ISA_PICK(norm_kernels_f64)
                                          : ISA_PICK(norm_kernels_f32),
      .type = x->dtype,
      .size = (int64_t)dtype_size(x->dtype),
      .centred = centred,
      .eps = eps,
      .n = x->shape[last],
      .x = x->data,
      .g = g->data,
      .out = gx->data,
      .x_stride = x->strides[last],
      .g_stride = g->strides[last],
      .out_stride = gx->strides[last],
  };
  set_param(weight, &job.w, &job.w_stride);
  const lz_view* views[] = {x, g, gx};
  walk_make(&job.rows, 3, views, last);
  if (job.n == 0) return 0;
  /* The sums' parts are a matter of sizes alone: see reduce.c. */
  int64_t n_parts = job.rows.size * job.n / GRAIN;
  if (n_parts > MAX_PARTS) n_parts = MAX_PARTS;
  if (n_parts > job.rows.size) n_parts = job.rows.size;
  if (n_parts < 1) n_parts = 1;
  job.part = (job.rows.size + n_parts - 1) / n_parts;
  size_t bytes = (size_t)(n_parts * job.n) * (floats_is_wide(x->dtype) ? 8 : 4);
  uint8_t* parts = NULL;
  if (gw || gb) {
    parts = calloc(2, bytes);
    if (!parts) return -1;
    job.gw_parts = gw ? parts : NULL;
    job.gb_parts = gb ? parts + bytes : NULL;
  }
  if (job.rows.size > 0) pool_for(n_parts, 1, vjp_parts, &job);
  finish_param(&job, job.gw_parts, n_parts, gw);
  finish_param(&job, job.gb_parts, n_parts, gb);
  free(parts);
  return 0;
}

int norm_layer_vjp(
    const lz_view* x,
    const lz_view* weight,
    const lz_view* g,
    float eps,
    const lz_view* gx,
    const lz_view* gw,
    const lz_view* gb) {
  return norm_vjp(true, x, weight, g, eps, gx, gw, gb);
}

int norm_rms_vjp(
    const lz_view* x,
    const lz_view* weight,
    const lz_view* g,
    float eps,
    const lz_view* gx,
    const lz_view* gw) {
  return norm_vjp(false, x, weight, g, eps, gx, gw, NULL);
}
