#include <stdlib.h>

#include "cpu/softmax_job.h"
#include "cpu/tile.h"
#include "stream/pool.h"

enum {
  COLS = 1024, /* most columns worked on side by side */
  SOME = 8     /* rows that go through a tile at once */
};

/* Columns of one block: their maxima and sums as the type computed in. */
typedef struct columns {
  const uint8_t* in;
  uint8_t* out;
  int64_t n;      /* columns */
  int64_t apart;  /* from one to the next */
  int64_t padded; /* as many as kernels take: those more are not stored */
  double top[COLS], sum[COLS], tile[SOME * COLS];
} columns;

/* Whether kernels may read and write the columns where they are. */
static bool is_direct(const softmax_job* job, const columns* c) {
  return !job->half && c->apart == 1 && c->n == c->padded;
}

/* Rows [first, first+rows) of the columns to the tile. */
static void load_rows(
    const softmax_job* job, columns* c, int64_t first, int64_t rows) {
  int64_t size = job->wide ? 8 : 4;
  for (int64_t r = 0; r < rows; r++) {
    uint8_t* to = (uint8_t*)c->tile + r * c->padded * size;
    const void* from = floats_load(
        job->type,
        c->in + (first + r) * job->in_stride * job->size,
        c->apart,
        c->n,
        to);
    if (from != to) memcpy(to, from, (size_t)(c->n * size));
    memset(to + c->n * size, 0, (size_t)((c->padded - c->n) * size));
  }
}

static void sum_columns(const softmax_job* job, columns* c) {
  const softmax_table* k = job->kernels;
  if (job->wide)
    for (int64_t i = 0; i < c->padded; i++) c->top[i] = -__builtin_inf();
  else
    for (int64_t i = 0; i < c->padded; i++)
      ((float*)c->top)[i] = -__builtin_inff();
  memset(c->sum, 0, (size_t)c->padded * (job->wide ? 8 : 4));
  if (is_direct(job, c)) {
    k->take[job->wide](
        c->in, job->in_stride, job->n, c->padded, c->top, c->sum);
    return;
  }
  for (int64_t r = 0; r < job->n; r += SOME) {
    int64_t rows = job->n - r < SOME ? job->n - r : SOME;
    load_rows(job, c, r, rows);
    k->take[job->wide](c->tile, c->padded, rows, c->padded, c->top, c->sum);
  }
}

static void write_softmax(const softmax_job* job, columns* c) {
  const softmax_table* k = job->kernels;
  for (int64_t i = 0; i < c->padded; i++) {
    if (job->wide)
      c->sum[i] = 1 / c->sum[i];
    else
      ((float*)c->sum)[i] = 1 / ((float*)c->sum)[i];
  }
  if (is_direct(job, c)) {
    k->give[job->wide](
        c->in,
        job->in_stride,
        job->n,
        c->padded,
        c->top,
        c->sum,
        c->out,
        job->out_stride,
        job->stream);
    return;
  }
  for (int64_t r = 0; r < job->n; r++) {
    load_rows(job, c, r, 1);
    k->give[job->wide](
        c->tile, 0, 1, c->padded, c->top, c->sum, c->tile, 0, false);
    floats_store(
        job->type, c->out + r * job->out_stride * job->size, 1, c->tile, c->n);
  }
}

static void write_log_sums(
    const softmax_job* job, columns* c, int64_t out_stride) {
  lz_dtype d = job->wide ? DTYPE_FLOAT64 : DTYPE_FLOAT32;
  int64_t size = job->wide ? 8 : 4;
  job->kernels->log_sum[job->wide](c->padded, c->top, c->sum);
  if (!job->half && out_stride == 1) {
    memcpy(c->out, c->sum, (size_t)(c->n * size));
    return;
  }
  for (int64_t i = 0; i < c->n; i++)
    dtype_store(
        job->type,
        c->out + i * out_stride * job->size,
        dtype_load(d, (uint8_t*)c->sum + i * size));
}

/* Blocks of columns; the innermost axis of `rows` is across. */
static void softmax_blocks(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const softmax_job* job = ctx;
  int last = job->rows.ndim - 1;
  int64_t across = job->rows.shape[last];
  int64_t blocks = (across + job->block - 1) / job->block;
  columns c;
  c.apart = job->rows.strides[0][last];
  for (; begin < end; begin++) {
    int64_t first = begin % blocks * job->block;
    int64_t most = across - first < job->block ? across - first : job->block;
    /* what does not fill a vector is a block of its own */
    int64_t whole = most / SOFTMAX_LANES * SOFTMAX_LANES;
    for (int64_t i = 0; i < most; i += c.n) {
      walk_at at;
      walk_seek(&job->rows, &at, begin / blocks * across + first + i);
      c.in = job->in + at.offset[0] * job->size;
      c.out = job->out + at.offset[1] * job->size;
      c.n = i < whole ? whole : most - whole;
      c.padded = (c.n + SOFTMAX_LANES - 1) / SOFTMAX_LANES * SOFTMAX_LANES;
      sum_columns(job, &c);
      if (job->log_sum)
        write_log_sums(job, &c, job->rows.strides[1][last]);
      else
        write_softmax(job, &c);
    }
  }
  tile_stream_end();
}

bool softmax_by_cols(softmax_job* job) {
  int last = job->rows.ndim - 1;
  int64_t across = job->rows.shape[last];
  int64_t apart = llabs(job->rows.strides[0][last]);
  if (across < 8 || apart >= llabs(job->in_stride)) return false;
  if (!job->log_sum && job->rows.strides[1][last] != 1) return false;
  /* Wide blocks read memory in long runs; each thread should have some. */
  int64_t lines = job->rows.size / across;
  int64_t share = across * lines / (2 * pool_threads());
  job->block = share < 64 ? 64 : share > COLS ? COLS : share / 64 * 64;
  int64_t work = job->n * (across < job->block ? across : job->block);
  pool_for(
      lines * ((across + job->block - 1) / job->block),
      SOFTMAX_GRAIN / (work > SOFTMAX_GRAIN ? SOFTMAX_GRAIN : work + 1),
      softmax_blocks,
      job);
  return true;
}
