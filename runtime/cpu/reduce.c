#include "cpu/reduce.h"

#include <math.h>
#include <stdlib.h>

#include "cpu/floats.h"
#include "cpu/reduce_job.h"
#include "cpu/repeat.h"
#include "cpu/scratch.h"
#include "cpu/tile.h"
#include "stream/pool.h"

enum {
  GRAIN = 32768,        /* elements worth a thread's while */
  MAX_PARTIALS = 32768, /* accumulators of one reduction cut into parts */
  STRIDE = 2048,        /* bytes side by side that are worth a step */
  ENOUGH = 16, /* blocks of columns to share out without cutting them */
  SOME = 256
};

/* One group of axes. */
typedef struct axes_group {
  int ndim;
  int32_t shape[LZ_MAX_DIMS];
  int64_t strides[2][LZ_MAX_DIMS]; /* in, out */
} axes_group;

static uint64_t neutral_bits(reduce_kind kind, lz_dtype d) {
  uint64_t bits = 0;
  switch (kind) {
    case REDUCE_AND:
      return 1;
    case REDUCE_OR:
    case REDUCE_SUM:
      return 0;
    case REDUCE_PROD:
      dtype_store(d, &bits, 1);
      return bits;
    default:
      break;
  }
  bool low = kind == REDUCE_MAX;
  if (dtype_is_inexact(d)) {
    dtype_store(d, &bits, low ? -INFINITY : INFINITY);
  } else if (d == DTYPE_BOOL) {
    bits = !low;
  } else {
    int width = 8 * (int)dtype_size(d);
    uint64_t all = width == 64 ? ~(uint64_t)0 : ((uint64_t)1 << width) - 1;
    uint64_t sign = (uint64_t)1 << (width - 1);
    if (dtype_kind(d) == DTYPE_KIND_SIGNED)
      bits = low ? sign : all ^ sign;
    else
      bits = low ? 0 : all;
  }
  return bits;
}

static void fill(void* acc, size_t size, uint64_t bits, int64_t n) {
  tile_fill(acc, &bits, (int)n, size);
}

/* n accumulators, each folded with itself `times` times: by doubling. */
static void fold_again(const reduce_job* job, uint8_t* acc, int64_t n) {
  uint64_t power[SOME], same[SOME];
  for (int64_t m; n > 0; n -= m, acc += m * (int64_t)job->acc_size) {
    m = n < SOME ? n : SOME;
    size_t bytes = (size_t)m * job->acc_size;
    memcpy(power, acc, bytes);
    fill(acc, job->acc_size, job->neutral, m);
    for (int64_t left = job->times;;) {
      if (left & 1) job->merge(power, 0, 1, m, acc);
      if (!(left >>= 1)) break;
      memcpy(same, power, bytes);
      job->merge(same, 0, 1, m, power);
    }
  }
}

/* n accumulators to out, `stride` apart. */
static void finish(
    const reduce_job* job, void* acc, int64_t n, uint8_t* out, int64_t stride) {
  if (job->times > 1) fold_again(job, acc, n);
  if (job->acc_type == job->out_type) {
    walk_copy(out, stride, acc, 1, n, job->acc_size);
    return;
  }
  floats_store(job->out_type, out, stride, acc, n);
}

/* Rows: kept places [begin, end), each reduced whole. */
static void row_places(void* ctx, int64_t begin, int64_t end, int worker) {
  const reduce_job* job = ctx;
  uint64_t acc[REDUCE_BLOCK];
  int64_t inner = begin % job->kept_n;
  walk_at at;
  walk_seek(&job->kept, &at, begin / job->kept_n);
  while (begin < end) {
    int64_t n = job->kept_n - inner;
    if (n > end - begin) n = end - begin;
    if (n > REDUCE_BLOCK) n = REDUCE_BLOCK;
    fill(acc, job->acc_size, job->neutral, n);
    reduce_fold_places(
        job, at.offset[0] + inner * job->kept_in, n, acc, worker);
    finish(
        job,
        acc,
        n,
        job->out + (at.offset[1] + inner * job->kept_out) *
                       (int64_t)dtype_size(job->out_type),
        job->kept_out);
    begin += n;
    inner += n;
    if (inner == job->kept_n && begin < end) {
      inner = 0;
      walk_next(&job->kept, &at);
    }
  }
}

/* Rows: parts of the reduction of every place, into partials[part][place]. */
static void row_parts(void* ctx, int64_t begin, int64_t end, int worker) {
  const reduce_job* job = ctx;
  int64_t total = job->reduced.size * job->reduced_n;
  int64_t places = job->kept.size * job->kept_n;
  for (; begin < end; begin++) {
    int64_t place = begin / job->n_parts, part = begin % job->n_parts;
    int64_t first = part * job->part;
    int64_t n = total - first < job->part ? total - first : job->part;
    walk_at at;
    walk_seek(&job->kept, &at, place / job->kept_n);
    reduce_fold_run(
        job,
        at.offset[0] + place % job->kept_n * job->kept_in,
        first,
        n,
        job->partials + (part * places + place) * (int64_t)job->acc_size,
        worker);
  }
}

/* Columns: units of (place of the outer kept axes, block, part). */
static void col_units(void* ctx, int64_t begin, int64_t end, int worker) {
  const reduce_job* job = ctx;
  uint64_t local[REDUCE_BLOCK];
  int64_t rows = job->reduced.size * job->reduced_n;
  int64_t blocks = (job->kept_n + job->block - 1) / job->block;
  int64_t places = job->kept.size * job->kept_n;
  for (; begin < end; begin++) {
    int64_t part = begin % job->n_parts, rest = begin / job->n_parts;
    int64_t first = rest % blocks * job->block, outer = rest / blocks;
    int64_t cols =
        job->kept_n - first < job->block ? job->kept_n - first : job->block;
    int64_t row = part * job->part;
    int64_t n = rows - row < job->part ? rows - row : job->part;
    walk_at at;
    walk_seek(&job->kept, &at, outer);
    int64_t x = at.offset[0] + first * job->kept_in;
    if (job->partials) {
      reduce_fold_block(
          job,
          x,
          row,
          n,
          cols,
          job->partials + (part * places + outer * job->kept_n + first) *
                              (int64_t)job->acc_size,
          worker);
      continue;
    }
    fill(local, job->acc_size, job->neutral, cols);
    reduce_fold_block(job, x, row, n, cols, local, worker);
    finish(
        job,
        local,
        cols,
        job->out + (at.offset[1] + first * job->kept_out) *
                       (int64_t)dtype_size(job->out_type),
        job->kept_out);
  }
}

/* Merges partials[part][place] and writes the places. */
static void finish_partials(const reduce_job* job) {
  int64_t places = job->kept.size * job->kept_n;
  job->merge(
      job->partials + places * (int64_t)job->acc_size,
      places,
      job->n_parts - 1,
      places,
      job->partials);
  walk_at at;
  walk_seek(&job->kept, &at, 0);
  for (int64_t i = 0; i < job->kept.size; i++) {
    finish(
        job,
        job->partials + i * job->kept_n * (int64_t)job->acc_size,
        job->kept_n,
        job->out + at.offset[1] * (int64_t)dtype_size(job->out_type),
        job->kept_out);
    if (i + 1 < job->kept.size) walk_next(&job->kept, &at);
  }
}

/* How many parts a reduction of `total` steps is cut into, where each part
 * costs `places` accumulators: a matter of sizes alone, so that results do not
 * depend on the number of threads. */
static void cut(reduce_job* job, int64_t total, int64_t places, int64_t cost) {
  int64_t parts = total * cost / GRAIN;
  if (parts > MAX_PARTIALS / places) parts = MAX_PARTIALS / places;
  if (parts > 64) parts = 64;
  if (parts > total / 8) parts = total / 8;
  if (parts < 1) parts = 1;
  job->part = (total + parts - 1) / parts;
  job->n_parts = (total + job->part - 1) / job->part;
}

/* Cut reductions; false where there is no memory for the parts. */
static bool run_with_partials(reduce_job* job, pool_fn fn, int64_t units) {
  int64_t n = job->n_parts * job->kept.size * job->kept_n;
  job->partials = scratch_get(SCRATCH_OUTER, (size_t)n * job->acc_size);
  if (!job->partials) return false;
  fill(job->partials, job->acc_size, job->neutral, n);
  pool_for(units, 1, fn, job);
  finish_partials(job);
  return true;
}

static void run_rows(reduce_job* job) {
  int64_t places = job->kept.size * job->kept_n;
  int64_t total = job->reduced.size * job->reduced_n;
  if (places < 64 && total >= 2 * GRAIN) {
    cut(job, total, places, 1);
    if (job->n_parts > 1 &&
        run_with_partials(job, row_parts, places * job->n_parts))
      return;
  }
  int64_t grain = GRAIN / (total > GRAIN ? GRAIN : total);
  /* Each step over what lies further out reads a part's rows side by side: of
   * few bytes from far places the caches get nothing ahead of time. */
  int64_t row = job->reduced_n * (int64_t)dtype_size(job->in_type);
  if (job->reduced.size > 1 && grain * row < STRIDE) grain = STRIDE / row;
  pool_for(places, grain, row_places, job);
}

static void run_cols(reduce_job* job) {
  int64_t places = job->kept.size * job->kept_n;
  int64_t rows = job->reduced.size * job->reduced_n;
  job->block = job->kept_n < REDUCE_BLOCK ? job->kept_n : REDUCE_BLOCK;
  int64_t blocks = (job->kept_n + job->block - 1) / job->block;
  if (rows > 0 && places <= MAX_PARTIALS / 2 &&
      job->kept.size * blocks < ENOUGH) {
    job->block = job->kept_n;
    cut(job, rows, places, places);
    if (job->n_parts > 1 &&
        run_with_partials(job, col_units, job->kept.size * job->n_parts))
      return;
    job->block = job->kept_n < REDUCE_BLOCK ? job->kept_n : REDUCE_BLOCK;
  }
  job->part = rows;
  job->n_parts = 1;
  int64_t work = rows * job->block + 1;
  pool_for(
      job->kept.size * blocks,
      GRAIN / (work > GRAIN ? GRAIN : work),
      col_units,
      job);
}

static void group_add(axes_group* g, int32_t n, int64_t in, int64_t out) {
  g->shape[g->ndim] = n;
  g->strides[0][g->ndim] = in;
  g->strides[1][g->ndim++] = out;
}

/* Orders and collapses the group; its innermost axis goes to n/in/out, the
 * others to the walk. */
static void group_split(
    axes_group* g, walk* w, int64_t* n, int64_t* in, int64_t* out) {
  view_order(2, g->ndim, g->shape, g->strides);
  g->ndim = view_collapse(2, g->ndim, g->shape, g->strides);
  int last = g->ndim - 1;
  *n = g->shape[last];
  *in = g->strides[0][last];
  *out = g->strides[1][last];
  w->views = 2;
  w->ndim = last;
  w->size = 1;
  for (int i = 0; i < last; i++) {
    w->size *= g->shape[i];
    w->shape[i] = g->shape[i];
    w->strides[0][i] = g->strides[0][i];
    w->strides[1][i] = g->strides[1][i];
  }
}

lz_dtype reduce_dtype(reduce_kind kind, lz_dtype in) {
  lz_dtype acc = reduce_acc_dtype(kind, in);
  return dtype_is_float(in) && acc != DTYPE_BOOL ? in : acc;
}

static void run(
    reduce_kind kind,
    const lz_view* in,
    uint32_t axes,
    reduce_source source,
    void* source_ctx,
    const lz_view* out) {
  repeat_once once;
  if (repeat_cut(&once, in, out, axes)) {
    run(kind, &once.in, axes, source, source_ctx, &once.out);
    repeat_spread(out, once.axes);
    return;
  }
  const reduce_table* kernels = ISA_PICK(reduce_kernels);
  lz_dtype acc = reduce_acc_dtype(kind, in->dtype);
  assert(
      acc == out->dtype ||
      (acc == DTYPE_FLOAT32 && dtype_is_float(out->dtype) &&
       out->dtype != DTYPE_FLOAT64));
  reduce_job job = {
      .in = in->data,
      .source = source,
      .source_ctx = source_ctx,
      .out = out->data,
      .in_type = in->dtype,
      .acc_type = acc,
      .out_type = out->dtype,
      .in_size = dtype_size(in->dtype),
      .acc_size = dtype_size(acc),
      .by_row = kernels->by_row[kind][in->dtype],
      .by_col = kernels->by_col[kind][in->dtype],
      .merge = kernels->by_col[kind][acc],
      .neutral = neutral_bits(kind, acc),
      .times = 1,
  };
  /* Wide sums, and extremes that need not look for NaN, are quick by rows. */
  bool extreme = kind == REDUCE_MIN || kind == REDUCE_MAX;
  bool quick = kind == REDUCE_SUM ? in->dtype != DTYPE_COMPLEX64
                                  : extreme && !dtype_is_inexact(in->dtype);
  job.turned = quick && job.in_size > 1 ? 64 : 256;
  axes_group kept = {0}, reduced = {0};
  bool dropped = out->ndim != in->ndim;
  uint32_t repeats = repeat_axes(in);
  bool counts = kind == REDUCE_SUM || kind == REDUCE_PROD;
  for (int i = 0, o = 0; i < in->ndim; i++) {
    bool keep = !(axes >> i & 1);
    int64_t n = in->shape[i], from = in->strides[i];
    if (!keep && repeats >> i & 1) {
      if (counts) job.times *= n;
      o += !dropped;
      continue;
    }
    int64_t to = keep ? out->strides[o] : 0;
    /* No direction matters, so all axes are walked upwards. */
    if (from < 0 && n > 0) {
      job.in += from * (n - 1) * (int64_t)job.in_size;
      job.out += to * (n - 1) * (int64_t)dtype_size(out->dtype);
      from = -from;
      to = -to;
    }
    group_add(keep ? &kept : &reduced, in->shape[i], from, to);
    o += keep || !dropped;
  }
  int64_t unused;
  group_split(&kept, &job.kept, &job.kept_n, &job.kept_in, &job.kept_out);
  group_split(&reduced, &job.reduced, &job.reduced_n, &job.reduced_in, &unused);
  if (job.kept.size * job.kept_n == 0) return;
  if (job.reduced.size * job.reduced_n == 0) {
    job.reduced.ndim = 0;
    job.reduced.size = 1;
    job.reduced_n = 0;
    run_cols(&job);
    return;
  }
  bool no_columns = job.kept_n == 1 || job.kept_in == 0;
  bool rows = job.reduced_n > 1 && job.reduced_in != 0 &&
              (no_columns || llabs(job.reduced_in) < llabs(job.kept_in));
  if (rows)
    run_rows(&job);
  else
    run_cols(&job);
}

void reduce_run(
    reduce_kind kind, const lz_view* in, uint32_t axes, const lz_view* out) {
  run(kind, in, axes, NULL, NULL, out);
}

void reduce_run_from(
    reduce_kind kind,
    const lz_view* in,
    uint32_t axes,
    reduce_source source,
    void* source_ctx,
    const lz_view* out) {
  run(kind, in, axes, source, source_ctx, out);
}
