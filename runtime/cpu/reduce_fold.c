#include "cpu/reduce_job.h"
#include "cpu/tile.h"

enum {
  SHORT = 256, /* elements of runs folded across, at most */
  NARROW = 16, /* so many runs at least */
  LONG = 1024, /* from here on runs need no company */
};

static const uint8_t* element(const reduce_job* job, int64_t place) {
  return job->in + place * (int64_t)job->in_size;
}

static int64_t least(int64_t a, int64_t b) {
  return a < b ? a : b;
}

/* n ≤ REDUCE_BLOCK elements, `stride` apart in memory, as neighbours. A source
 * has no strides but 1. */
static const void* fetch(
    const reduce_job* job,
    int64_t place,
    int64_t stride,
    int64_t n,
    void* tile,
    int worker) {
  if (job->source) {
    assert(stride == 1 || n == 1);
    job->source(job->source_ctx, place, n, tile, worker);
    return tile;
  }
  if (stride == 1) return element(job, place);
  walk_copy(tile, 1, element(job, place), stride, n, job->in_size);
  return tile;
}

/* `rows` runs of n neighbours, `stride` apart, into as many accumulators. Short
 * runs are turned, so that vectors go across them. */
static void fold_rows(
    const reduce_job* job,
    const void* x,
    int64_t stride,
    int64_t rows,
    int64_t n,
    uint8_t* acc) {
  if (n < 2 || n * (int64_t)job->in_size > job->turned || rows < NARROW) {
    job->by_row(x, stride, rows, n, acc);
    return;
  }
  uint64_t tile[2 * REDUCE_BLOCK];
  int64_t most = (int64_t)(sizeof tile / job->in_size) / n & -NARROW;
  for (int64_t r = 0, some; r < rows; r += some) {
    some = least(rows - r, most);
    tile_load(
        tile,
        (const uint8_t*)x + r * stride * (int64_t)job->in_size,
        1,
        stride,
        (int)n,
        (int)some,
        job->in_size);
    job->by_col(tile, some, n, some, acc + r * (int64_t)job->acc_size);
  }
}

/* `runs` whole short runs from the place of the walk on, folded across. */
static void fold_runs(
    const reduce_job* job, int64_t from, walk_at* at, int64_t runs, void* acc) {
  uint64_t across[SHORT];
  int64_t n = job->reduced_n;
  tile_fill(across, &job->neutral, (int)n, job->acc_size);
  for (int64_t some; runs > 0; runs -= some) {
    some = least(walk_left(&job->reduced, at), runs);
    int64_t apart = walk_stride(&job->reduced, 0);
    job->by_col(element(job, from + at->offset[0]), apart, some, n, across);
    walk_skip(&job->reduced, at, some);
  }
  job->merge(across, 1, n, 1, acc);
}

void reduce_fold_run(
    const reduce_job* job,
    int64_t from,
    int64_t begin,
    int64_t n,
    void* acc,
    int worker) {
  uint64_t tile[REDUCE_BLOCK];
  walk_at at;
  int64_t inner = begin % job->reduced_n;
  bool direct = !job->source && job->reduced_in == 1;
  walk_seek(&job->reduced, &at, begin / job->reduced_n);
  bool several = direct && job->reduced.ndim > 0 &&
                 job->reduced_n * (int64_t)job->in_size <= job->turned;
  while (n > 0) {
    int64_t runs = n / job->reduced_n;
    if (several && inner == 0 && runs >= NARROW) {
      fold_runs(job, from, &at, runs, acc);
      n -= runs * job->reduced_n;
      continue;
    }
    int64_t m = least(job->reduced_n - inner, n);
    int64_t x = from + at.offset[0] + inner * job->reduced_in;
    for (int64_t i = 0, some; i < m; i += some) {
      some = direct ? m : least(m - i, REDUCE_BLOCK);
      const void* run = fetch(
          job, x + i * job->reduced_in, job->reduced_in, some, tile, worker);
      job->by_row(run, 0, 1, some, acc);
    }
    n -= m;
    inner = 0;
    if (n > 0) walk_next(&job->reduced, &at);
  }
}

void reduce_fold_places(
    const reduce_job* job, int64_t from, int64_t rows, void* acc, int worker) {
  int64_t n = job->reduced_n, size = (int64_t)job->acc_size;
  bool one_run = job->reduced.size == 1 && job->reduced_in == 1;
  if (!job->source && job->reduced_in == 1 && (one_run || n <= LONG)) {
    walk_at at;
    walk_seek(&job->reduced, &at, 0);
    for (int64_t k = job->reduced.size;;) {
      fold_rows(
          job, element(job, from + at.offset[0]), job->kept_in, rows, n, acc);
      if (--k == 0) return;
      walk_next(&job->reduced, &at);
    }
  }
  if (one_run && job->kept_in == n && n <= REDUCE_BLOCK / 2) {
    /* a source gives several short rows at once */
    uint64_t tile[REDUCE_BLOCK];
    for (int64_t r = 0, some; r < rows; r += some) {
      some = least(rows - r, REDUCE_BLOCK / n);
      fetch(job, from + r * n, 1, some * n, tile, worker);
      fold_rows(job, tile, n, some, n, (uint8_t*)acc + r * size);
    }
    return;
  }
  for (int64_t r = 0; r < rows; r++)
    reduce_fold_run(
        job,
        from + r * job->kept_in,
        0,
        job->reduced.size * n,
        (uint8_t*)acc + r * size,
        worker);
}

/* `rows` rows of `cols` columns, rows reduced_in apart, from place x. */
static void fold_rectangle(
    const reduce_job* job,
    int64_t x,
    int64_t rows,
    int64_t cols,
    uint8_t* acc,
    int worker) {
  uint64_t tile[REDUCE_BLOCK];
  bool together = job->kept_in == 1 || cols == 1;
  if (together && !job->source) {
    job->by_col(element(job, x), job->reduced_in, rows, cols, acc);
    return;
  }
  if (together && job->reduced_in == cols && cols <= REDUCE_BLOCK / 2) {
    for (int64_t r = 0, some; r < rows; r += some) {
      some = least(rows - r, REDUCE_BLOCK / cols);
      fetch(job, x + r * cols, 1, some * cols, tile, worker);
      job->by_col(tile, cols, some, cols, acc);
    }
    return;
  }
  if (!job->source) {
    int64_t size = (int64_t)job->in_size, most = (int64_t)sizeof tile / size;
    for (int64_t c = 0, across; c < cols; c += across) {
      across = least(cols - c, REDUCE_BLOCK);
      for (int64_t r = 0, some; r < rows; r += some) {
        some = least(rows - r, most / across);
        tile_load(
            tile,
            element(job, x + r * job->reduced_in + c * job->kept_in),
            job->reduced_in,
            job->kept_in,
            (int)some,
            (int)across,
            job->in_size);
        job->by_col(
            tile, across, some, across, acc + c * (int64_t)job->acc_size);
      }
    }
    return;
  }
  for (int64_t r = 0; r < rows; r++)
    for (int64_t c = 0, some; c < cols; c += some) {
      some = least(cols - c, REDUCE_BLOCK);
      const void* run = fetch(
          job,
          x + r * job->reduced_in + c * job->kept_in,
          job->kept_in,
          some,
          tile,
          worker);
      job->by_col(run, 0, 1, some, acc + c * (int64_t)job->acc_size);
    }
}

void reduce_fold_block(
    const reduce_job* job,
    int64_t from,
    int64_t begin,
    int64_t rows,
    int64_t cols,
    void* acc,
    int worker) {
  if (rows == 0) return;
  walk_at at;
  int64_t inner = begin % job->reduced_n;
  walk_seek(&job->reduced, &at, begin / job->reduced_n);
  while (rows > 0) {
    int64_t m = least(job->reduced_n - inner, rows);
    fold_rectangle(
        job,
        from + at.offset[0] + inner * job->reduced_in,
        m,
        cols,
        acc,
        worker);
    rows -= m;
    inner = 0;
    if (rows > 0) walk_next(&job->reduced, &at);
  }
}
