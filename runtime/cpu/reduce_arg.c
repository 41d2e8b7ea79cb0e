/* argmin and argmax. */
#include <stdlib.h>

#include "cpu/reduce.h"
#include "cpu/repeat.h"
#include "cpu/simd/reduce.h"
#include "cpu/tile.h"
#include "cpu/walk.h"
#include "stream/pool.h"

enum {
  TILE = 1024,
  COLS = 512,  /* columns worked on side by side */
  SHORT = 64,  /* lines so short are turned into columns, if so many: */
  NARROW = 16, /* also rows of a tile at least */
  GRAIN = 32768,
  MAX_PARTS = 64
};

typedef struct arg_job {
  const uint8_t* in;
  uint32_t* out;
  lz_dtype type;
  int64_t size;
  reduce_seek seek;
  reduce_seek merge; /* seek for bests */
  reduce_seek_cols seek_cols;
  walk kept;         /* views in, out */
  walk line;         /* the axis searched but for its innermost runs */
  int64_t n, stride; /* those runs */
  int64_t cols;      /* side by side; through a tile fewer */
  bool tiled;
  int64_t part, n_parts;
  uint64_t* bests; /* [place][part] */
  int64_t* ats;
} arg_job;

/* Element in the type that bests have. */
static uint64_t first_best(const arg_job* job, const uint8_t* x) {
  uint64_t bits = 0;
  if (job->type == DTYPE_FLOAT16 || job->type == DTYPE_BFLOAT16) {
    float f = (float)dtype_load(job->type, x);
    memcpy(&bits, &f, sizeof f);
  } else {
    memcpy(&bits, x, (size_t)job->size);
  }
  return bits;
}

/* Seeks in [begin, begin+n) of the line that starts at x. */
static void seek_line(
    const arg_job* job,
    const uint8_t* x,
    int64_t begin,
    int64_t n,
    uint64_t* best,
    int64_t* place) {
  uint64_t gathered[TILE];
  int64_t inner = begin % job->n;
  walk_at at;
  walk_seek(&job->line, &at, begin / job->n);
  while (n > 0) {
    int64_t m = job->n - inner < n ? job->n - inner : n;
    const uint8_t* run = x + (at.offset[0] + inner * job->stride) * job->size;
    if (job->stride == 1) {
      job->seek(run, m, begin, best, place);
    } else {
      for (int64_t i = 0; i < m; i += TILE) {
        int64_t some = m - i < TILE ? m - i : TILE;
        walk_copy(
            gathered,
            1,
            run + i * job->stride * job->size,
            job->stride,
            some,
            (size_t)job->size);
        job->seek(gathered, some, begin + i, best, place);
      }
    }
    begin += m;
    n -= m;
    inner = 0;
    if (n > 0) walk_next(&job->line, &at);
  }
}

static void arg_units(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const arg_job* job = ctx;
  int64_t total = job->line.size * job->n;
  for (; begin < end; begin++) {
    int64_t part = begin % job->n_parts;
    walk_at at;
    walk_seek(&job->kept, &at, begin / job->n_parts);
    const uint8_t* x = job->in + at.offset[0] * job->size;
    uint64_t best = first_best(job, x);
    int64_t place = 0, first = part * job->part;
    int64_t n = total - first < job->part ? total - first : job->part;
    seek_line(job, x, first, n, &best, &place);
    if (job->n_parts == 1) {
      job->out[at.offset[1]] = (uint32_t)place;
    } else {
      job->bests[begin] = best;
      job->ats[begin] = place;
    }
  }
}

/* Blocks of neighbouring columns; the innermost axis of `kept` is across. */
static void arg_cols(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const arg_job* job = ctx;
  uint64_t best[COLS], tile[TILE];
  uint32_t place[COLS];
  int64_t across = job->kept.shape[job->kept.ndim - 1];
  int64_t blocks = (across + job->cols - 1) / job->cols;
  int64_t line = walk_stride(&job->kept, 0), apart = line * job->size;
  bool half = dtype_is_float(job->type) && job->size == 2;
  int64_t best_size = half ? 4 : job->size;
  for (; begin < end; begin++) {
    int64_t first = begin % blocks * job->cols;
    int64_t n = across - first < job->cols ? across - first : job->cols;
    walk_at at;
    walk_seek(&job->kept, &at, begin / blocks * across + first);
    const uint8_t* x = job->in + at.offset[0] * job->size;
    for (int64_t c = 0; c < n; c++) {
      uint64_t bits = first_best(job, x + c * apart);
      memcpy((uint8_t*)best + c * best_size, &bits, (size_t)best_size);
      place[c] = 0;
    }
    int64_t rows = job->tiled ? TILE * 8 / (n * job->size) : job->n;
    for (int64_t r = 0; r < job->n; r += rows) {
      int64_t m = job->n - r < rows ? job->n - r : rows, stride = job->stride;
      const void* from = x + r * stride * job->size;
      if (job->tiled) {
        tile_load(tile, from, stride, line, (int)m, (int)n, (size_t)job->size);
        from = tile;
        stride = n;
      }
      job->seek_cols(from, stride, m, n, r, best, place);
    }
    walk_copy(
        job->out + at.offset[1], walk_stride(&job->kept, 1), place, 1, n, 4);
  }
}

void reduce_arg(
    bool greatest, const lz_view* in, int axis, const lz_view* out) {
  uint32_t searched = axis >= 0 ? UINT32_C(1) << axis : UINT32_MAX;
  repeat_once once;
  if (repeat_cut(&once, in, out, searched)) {
    reduce_arg(greatest, &once.in, axis, &once.out);
    repeat_spread(out, once.axes);
    return;
  }
  const reduce_table* kernels = ISA_PICK(reduce_kernels);
  const reduce_seek* seeks = greatest ? kernels->greatest : kernels->least;
  arg_job job = {
      .in = in->data,
      .out = out->data,
      .type = in->dtype,
      .size = (int64_t)dtype_size(in->dtype),
      .seek = seeks[in->dtype],
      .merge = seeks[reduce_acc_dtype(REDUCE_MAX, in->dtype)],
      .seek_cols =
          (greatest ? kernels->greatest_cols : kernels->least_cols)[in->dtype],
      .n = 1,
  };
  if (axis >= 0) {
    /* out with in's number of axes, whether it has the searched one or not */
    int64_t strides[LZ_MAX_DIMS] = {0};
    for (int i = 0, o = 0; i < in->ndim; i++) {
      if (i != axis) strides[i] = out->strides[o];
      o += i != axis || out->ndim == in->ndim;
    }
    lz_view full = {out->data, out->dtype, in->ndim, in->shape, strides};
    const lz_view* views[] = {in, &full};
    walk_make(&job.kept, 2, views, axis);
    job.n = in->shape[axis];
    job.stride = in->strides[axis];
    job.line.views = 1;
    job.line.size = 1;
  } else {
    const lz_view* views[] = {in};
    walk_make(&job.line, 1, views, -1);
    int inner = --job.line.ndim;
    job.n = job.line.shape[inner];
    job.stride = job.line.strides[0][inner];
    if (job.n > 0) job.line.size /= job.n;
    job.kept.views = 2;
    job.kept.size = 1;
  }
  int64_t places = job.kept.size, total = job.line.size * job.n;
  if (places == 0 || total == 0) return;
  int last = job.kept.ndim - 1;
  bool columns = axis >= 0 && job.kept.shape[last] >= 8 &&
                 job.kept.strides[0][last] == 1 && job.stride != 1;
  job.cols = COLS;
  if (axis >= 0 && !columns && job.kept.shape[last] >= NARROW && job.n > 1 &&
      (job.n <= SHORT ||
       llabs(job.kept.strides[0][last]) < llabs(job.stride))) {
    job.tiled = columns = true;
    int64_t most = TILE * 8 / (NARROW * job.size);
    if (most < COLS) job.cols = most;
  }
  if (columns) {
    int64_t across = job.kept.shape[last];
    int64_t blocks = (across + job.cols - 1) / job.cols;
    int64_t work = job.n * (across < job.cols ? across : job.cols);
    pool_for(
        places / across * blocks,
        GRAIN / (work > GRAIN ? GRAIN : work),
        arg_cols,
        &job);
    return;
  }
  job.n_parts = places < MAX_PARTS ? total / GRAIN : 1;
  if (job.n_parts > MAX_PARTS / places) job.n_parts = MAX_PARTS / places;
  if (job.n_parts < 1) job.n_parts = 1;
  job.part = (total + job.n_parts - 1) / job.n_parts;
  job.n_parts = (total + job.part - 1) / job.part;
  uint64_t bests[MAX_PARTS];
  int64_t ats[MAX_PARTS];
  job.bests = bests;
  job.ats = ats;
  int64_t grain = GRAIN / (job.part > GRAIN ? GRAIN : job.part);
  pool_for(places * job.n_parts, grain, arg_units, &job);
  if (job.n_parts == 1) return;
  for (int64_t p = 0; p < places; p++) {
    walk_at at;
    walk_seek(&job.kept, &at, p);
    uint64_t* best = bests + p * job.n_parts;
    int64_t* place = ats + p * job.n_parts;
    for (int64_t i = 1; i < job.n_parts; i++)
      job.merge(best + i, 1, place[i], best, place);
    job.out[at.offset[1]] = (uint32_t)place[0];
  }
}
