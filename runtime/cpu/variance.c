#include "cpu/variance.h"

#include <stdlib.h>

#include "cpu/repeat.h"
#include "cpu/simd/norm.h"
#include "cpu/tile.h"
#include "cpu/walk.h"
#include "stream/pool.h"

/* Parts of the reduced elements are summed up apart, each as its count, mean
 * and squares around that mean, and joined by
 *
 *   d = mean_b - mean_a,  n = n_a + n_b
 *   mean = mean_a + d n_b / n
 *   squares = squares_a + squares_b + d² n_a n_b / n */
enum {
  TILE = 2048, /* elements of a line worked on at once */
  COLS = 512,  /* columns worked on side by side */
  SHORT = 64,  /* lines so short are turned into columns, if so many: */
  NARROW = 16,
  GRAIN = 16384, /* elements worth a thread's while */
  MOST_PARTS = 64
};

typedef struct moments {
  double n, mean, squares;
} moments;

typedef struct variance_job {
  const norm_table* kernels;
  const uint8_t* in;
  uint8_t* out;
  lz_dtype type;
  int64_t size; /* of an element */
  double factor;
  walk kept;            /* views in, out */
  walk reduced;         /* view in */
  int64_t parts, part;  /* of the reduced elements, or of its lines */
  int64_t cols, blocks; /* of columns */
  bool turned;          /* columns are lines: their elements are neighbours */
  /* of each part: of lines one a kept element, of columns arrays */
  moments* partial;
  uint8_t *mean, *squares;
} variance_job;

static void join(moments* a, moments b) {
  if (b.n == 0) return;
  double n = a->n + b.n, d = b.mean - a->mean;
  a->squares += b.squares + d * d * a->n * b.n / n;
  a->mean += d * b.n / n;
  a->n = n;
}

static int64_t least(int64_t a, int64_t b) {
  return a < b ? a : b;
}

static moments of_tile(const variance_job* job, const void* x, int64_t n) {
  moments m = {(double)n, job->kernels->sum(x, n) / (double)n, 0};
  /* The kernel rounds the mean; what that adds is taken off. */
  double shift = job->size == 4 ? (double)(float)m.mean : m.mean;
  double d = m.mean - shift;
  m.squares = job->kernels->squares(x, n, shift) - d * d * m.n;
  if (m.squares < 0) m.squares = 0;
  return m;
}

/* Elements [begin, end) of the reduced space at x. */
static moments of_line(
    const variance_job* job, const uint8_t* x, int64_t begin, int64_t end) {
  double tile[TILE];
  moments m = {0, 0, 0};
  walk_at at;
  walk_seek(&job->reduced, &at, begin);
  int64_t stride = walk_stride(&job->reduced, 0);
  while (begin < end) {
    int64_t n = least(walk_left(&job->reduced, &at), end - begin);
    n = least(n, TILE);
    const uint8_t* from = x + at.offset[0] * job->size;
    if (stride != 1) {
      walk_copy(tile, 1, from, stride, n, (size_t)job->size);
      join(&m, of_tile(job, tile, n));
    } else {
      join(&m, of_tile(job, from, n));
    }
    begin += n;
    if (begin < end) walk_skip(&job->reduced, &at, n);
  }
  return m;
}

static void store(const variance_job* job, int64_t place, double squares) {
  dtype_store(job->type, job->out + place * job->size, squares * job->factor);
}

/* Units: kept elements times parts. */
static void lines(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const variance_job* job = ctx;
  for (; begin < end; begin++) {
    int64_t line = begin / job->parts, p = begin % job->parts;
    walk_at at;
    walk_seek(&job->kept, &at, line);
    moments m = of_line(
        job,
        job->in + at.offset[0] * job->size,
        p * job->part,
        least((p + 1) * job->part, job->reduced.size));
    if (job->partial)
      job->partial[begin] = m;
    else
      store(job, at.offset[1], m.squares);
  }
}

static int run_lines(variance_job* job) {
  int64_t n = job->reduced.size, rows = job->kept.size;
  job->parts = 1;
  if (rows < 2 * pool_threads() && n >= 4 * GRAIN)
    job->parts = least(n / GRAIN, MOST_PARTS);
  job->part = (n + job->parts - 1) / job->parts;
  job->parts = (n + job->part - 1) / job->part;
  if (job->parts > 1) {
    job->partial = malloc((size_t)(rows * job->parts) * sizeof(moments));
    if (!job->partial) return 1;
  }
  pool_for(rows * job->parts, GRAIN / (job->part + 1), lines, job);
  for (int64_t r = 0; job->partial && r < rows; r++) {
    moments all = {0, 0, 0};
    for (int64_t p = 0; p < job->parts; p++)
      join(&all, job->partial[r * job->parts + p]);
    walk_at at;
    walk_seek(&job->kept, &at, r);
    store(job, at.offset[1], all.squares);
  }
  free(job->partial);
  return 0;
}

/* Rows [begin, end) of the reduced space, columns from x. */
static void of_columns(
    const variance_job* job,
    const uint8_t* x,
    int64_t begin,
    int64_t end,
    int64_t cols,
    void* mean,
    void* squares) {
  walk_at at;
  int64_t before = 0, stride = walk_stride(&job->reduced, 0);
  memset(mean, 0, (size_t)(cols * job->size));
  memset(squares, 0, (size_t)(cols * job->size));
  if (job->turned) {
    double tile[COLS * 8];
    int64_t apart = walk_stride(&job->kept, 0), n = end;
    tile_load(tile, x, 1, apart, (int)n, (int)cols, (size_t)job->size);
    job->kernels->moments(tile, cols, n, cols, 0, mean, squares);
    return;
  }
  walk_seek(&job->reduced, &at, begin);
  while (begin < end) {
    int64_t n = least(walk_left(&job->reduced, &at), end - begin);
    job->kernels->moments(
        x + at.offset[0] * job->size, stride, n, cols, before, mean, squares);
    before += n;
    begin += n;
    if (begin < end) walk_skip(&job->reduced, &at, n);
  }
}

/* Units: lines of columns times blocks of them times parts. */
static void columns(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const variance_job* job = ctx;
  double mean[COLS], squares[COLS];
  int64_t across = job->kept.shape[job->kept.ndim - 1];
  for (; begin < end; begin++) {
    int64_t p = begin % job->parts, place = begin / job->parts;
    int64_t first = place % job->blocks * job->cols;
    int64_t line = place / job->blocks * across + first;
    int64_t cols = least(across - first, job->cols);
    walk_at at;
    walk_seek(&job->kept, &at, line);
    int64_t from = p * job->part;
    int64_t to = least(from + job->part, job->reduced.size);
    int64_t mine = (p * job->kept.size + line) * job->size;
    void* m = job->mean ? (void*)(job->mean + mine) : (void*)mean;
    void* q = job->squares ? (void*)(job->squares + mine) : (void*)squares;
    of_columns(job, job->in + at.offset[0] * job->size, from, to, cols, m, q);
    if (job->mean) continue;
    int64_t stride = walk_stride(&job->kept, 1);
    for (int64_t c = 0; c < cols; c++)
      store(
          job,
          at.offset[1] + c * stride,
          dtype_load(job->type, (uint8_t*)q + c * job->size));
  }
}

static void join_columns(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const variance_job* job = ctx;
  for (; begin < end; begin++) {
    moments all = {0, 0, 0};
    for (int64_t p = 0; p < job->parts; p++) {
      int64_t mine = (p * job->kept.size + begin) * job->size;
      int64_t from = p * job->part;
      int64_t n = least(job->part, job->reduced.size - from);
      moments m = {
          (double)n,
          dtype_load(job->type, job->mean + mine),
          dtype_load(job->type, job->squares + mine)};
      join(&all, m);
    }
    walk_at at;
    walk_seek(&job->kept, &at, begin);
    store(job, at.offset[1], all.squares);
  }
}

static int run_columns(variance_job* job) {
  int64_t n = job->reduced.size, all = job->kept.size;
  int64_t across = job->kept.shape[job->kept.ndim - 1];
  job->cols = job->turned ? COLS * 8 / n & -NARROW : COLS;
  if (job->cols > COLS) job->cols = COLS;
  job->blocks = (across + job->cols - 1) / job->cols;
  int64_t units = all / across * job->blocks, want = 2 * pool_threads();
  job->parts = 1;
  if (!job->turned && units < want && n * all >= 4 * GRAIN)
    job->parts = least(n / 64 + 1, want / units);
  job->part = (n + job->parts - 1) / job->parts;
  job->parts = (n + job->part - 1) / job->part;
  uint8_t* both = NULL;
  if (job->parts > 1) {
    size_t bytes = (size_t)(all * job->parts * job->size);
    both = malloc(2 * bytes);
    if (!both) return 1;
    job->mean = both;
    job->squares = both + bytes;
  }
  int64_t work = job->part * least(across, job->cols);
  pool_for(units * job->parts, GRAIN / (work + 1), columns, job);
  if (both) pool_for(all, GRAIN / job->parts, join_columns, job);
  free(both);
  return 0;
}

/* Extents and strides of kept or of reduced axes, and a walk over them. */
typedef struct variance_axes {
  int ndim;
  int32_t shape[LZ_MAX_DIMS];
  int64_t strides[2][LZ_MAX_DIMS]; /* in, out */
} variance_axes;

static void variance_walk(variance_axes* a, walk* w) {
  view_order(2, a->ndim, a->shape, a->strides);
  lz_view in = {NULL, DTYPE_FLOAT32, a->ndim, a->shape, a->strides[0]};
  lz_view out = {NULL, DTYPE_FLOAT32, a->ndim, a->shape, a->strides[1]};
  const lz_view* views[] = {&in, &out};
  walk_make(w, 2, views, -1);
}

int variance_run(
    const lz_view* in, uint32_t axes, double factor, const lz_view* out) {
  assert(in->dtype == DTYPE_FLOAT32 || in->dtype == DTYPE_FLOAT64);
  bool ones = out->ndim == in->ndim;
  uint32_t repeats = repeat_axes(in);
  repeat_once once;
  if (repeat_cut(&once, in, out, axes)) {
    if (variance_run(&once.in, axes, factor, &once.out)) return 1;
    repeat_spread(out, once.axes);
    return 0;
  }
  variance_axes kept = {0}, reduced = {0};
  for (int i = 0, o = 0; i < in->ndim; i++) {
    bool gone = axes >> i & 1;
    variance_axes* a = gone ? &reduced : &kept;
    /* Elements that stand there k times: the mean is theirs, the squares are
     * k times theirs. */
    if (gone && repeats >> i & 1) {
      factor *= in->shape[i];
    } else {
      a->shape[a->ndim] = in->shape[i];
      a->strides[0][a->ndim] = in->strides[i];
      a->strides[1][a->ndim++] = gone ? 0 : out->strides[o];
    }
    o += !gone || ones;
  }
  variance_job job = {
      .kernels = in->dtype == DTYPE_FLOAT64 ? ISA_PICK(norm_kernels_f64)
                                            : ISA_PICK(norm_kernels_f32),
      .in = in->data,
      .out = out->data,
      .type = in->dtype,
      .size = (int64_t)dtype_size(in->dtype),
      .factor = factor,
  };
  variance_walk(&kept, &job.kept);
  variance_walk(&reduced, &job.reduced);
  if (job.kept.size == 0) return 0;
  int last = job.kept.ndim - 1;
  int64_t n = job.reduced.size;
  job.turned = walk_stride(&job.reduced, 0) == 1 && job.reduced.ndim == 1 &&
               n > 1 && n <= SHORT && job.kept.shape[last] >= NARROW;
  if (job.turned) return run_columns(&job);
  if (job.kept.strides[0][last] == 1 && job.kept.shape[last] >= 8 &&
      walk_stride(&job.reduced, 0) != 1)
    return run_columns(&job);
  return run_lines(&job);
}
