#include "cpu/scan_job.h"
#include "cpu/tile.h"
#include "stream/pool.h"

enum {
  GRAIN = SCAN_GRAIN,
  SHORT = SCAN_SHORT,
  COLS = 2048,  /* neighbouring lines scanned side by side */
  LEAST = 256,  /* of them, for a thread */
  NARROW = 64,  /* lines side by side whose carries a kernel keeps */
  TURNED = 2048 /* elements of several short rows */
};

/* n neighbouring lines side by side; a step along them is as far in `in` and
 * `out` as it says. */
static void lines_beside(
    const scan_job* job,
    const uint8_t* in,
    int64_t in_step,
    uint8_t* out,
    int64_t out_step,
    int64_t n) {
  uint64_t sum[COLS], x[COLS];
  bool direct = job->out_type == job->type;
  /* What is exclusive is the same a step later, unless out is in. */
  bool later = !job->inclusive && job->apart;
  if (later) in -= in_step * job->in_size;
  if (!job->inclusive) tile_fill(sum, &job->neutral, (int)n, (size_t)job->size);
  const void* before = sum;
  int lines = (int)(n * job->in_size / 64);
  for (int64_t i = 0; i < job->n; i++) {
    const uint8_t* at = in + i * in_step * job->in_size;
    /* The next step begins where no stream of reads has come yet. */
    for (int k = 0; i + 1 < job->n && k < lines; k++)
      __builtin_prefetch(at + in_step * job->in_size + 64 * k);
    uint8_t* to = out + i * out_step * job->out_size;
    if (later && i == 0) {
      scan_store(job, to, 1, sum, n);
      continue;
    }
    const void* from = scan_load(job, at, 1, n, x);
    if (!job->inclusive && !later) {
      if (from != (void*)x) from = memcpy(x, from, (size_t)(n * job->size));
      scan_store(job, to, 1, sum, n);
      job->line(sum, from, sum, n);
      continue;
    }
    void* result = direct ? (void*)to : (void*)sum;
    if (i == 0)
      memmove(result, from, (size_t)(n * job->size));
    else
      job->line(before, from, result, n);
    before = result;
    scan_store(job, to, 1, result, n);
  }
}

/* Blocks of neighbouring lines; the innermost axis of `rows` is across. */
static void wide_lines(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const scan_job* job = ctx;
  int64_t across = job->rows.shape[job->rows.ndim - 1];
  int64_t blocks = (across + job->cols - 1) / job->cols;
  for (; begin < end; begin++) {
    int64_t first = begin % blocks * job->cols;
    int64_t n = across - first < job->cols ? across - first : job->cols;
    walk_at at;
    walk_seek(&job->rows, &at, begin / blocks * across + first);
    lines_beside(
        job,
        job->in + at.offset[0] * job->in_size,
        job->in_stride,
        job->out + at.offset[1] * job->out_size,
        job->out_stride,
        n);
  }
}

/* The shortest rows, as they lie. */
static void short_rows(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const scan_job* job = ctx;
  uint64_t x[TURNED];
  bool widened = job->in_type != job->type;
  int64_t back = job->in_stride < 0 ? job->n - 1 : 0;
  scan_shorts some = {
      .x_row = walk_stride(&job->rows, 0),
      .out_row = walk_stride(&job->rows, 1),
      .step = job->in_stride,
      .n = job->n,
      .exclusive = !job->inclusive,
      .neutral = &job->neutral,
  };
  walk_at at;
  walk_seek(&job->rows, &at, begin);
  while (begin < end) {
    int64_t rows = walk_left(&job->rows, &at);
    if (rows > end - begin) rows = end - begin;
    if (rows > TURNED / job->n) rows = TURNED / job->n;
    int64_t n = rows * job->n;
    const uint8_t* in = job->in + at.offset[0] * job->in_size;
    if (widened) scan_load(job, in - back * job->in_size, 1, n, x);
    some.x = widened ? (const uint8_t*)x + back * job->size : in;
    some.out = job->out + at.offset[1] * job->out_size;
    some.count = rows;
    job->shorts(&some);
    begin += rows;
    walk_skip(&job->rows, &at, rows);
  }
}

/* Short rows, several at a time: turned, so that they lie side by side. */
static void turned_rows(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const scan_job* job = ctx;
  uint64_t x[TURNED], y[TURNED];
  int64_t n = job->n, most = TURNED / n < COLS ? TURNED / n : COLS;
  bool back = job->in_stride < 0;
  int64_t in_row = walk_stride(&job->rows, 0);
  int64_t out_row = walk_stride(&job->rows, 1);
  walk_at at;
  walk_seek(&job->rows, &at, begin);
  while (begin < end) {
    int64_t rows = walk_left(&job->rows, &at);
    if (rows > end - begin) rows = end - begin;
    if (rows > most) rows = most;
    /* Backwards the last element comes first. */
    const uint8_t* in =
        job->in + (at.offset[0] - back * (n - 1)) * job->in_size;
    uint8_t* out = job->out + (at.offset[1] - back * (n - 1)) * job->out_size;
    int64_t first = back ? (n - 1) * rows : 0, step = back ? -rows : rows;
    tile_load(x, in, 1, in_row, (int)n, (int)rows, (size_t)job->in_size);
    lines_beside(
        job,
        (uint8_t*)x + first * job->in_size,
        step,
        (uint8_t*)y + first * job->out_size,
        step,
        rows);
    tile_store(out, y, 1, out_row, (int)n, (int)rows, (size_t)job->out_size);
    begin += rows;
    walk_skip(&job->rows, &at, rows);
  }
}

/* A few lines side by side. What is converted goes through tiles, a stretch
 * of steps at a time; steps that lie together are converted at once. */
static void few_lines(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const scan_job* job = ctx;
  uint64_t x[TURNED], y[TURNED], carry[NARROW];
  const int64_t across = job->rows.shape[job->rows.ndim - 1];
  const int64_t in_step = job->in_stride, out_step = job->out_stride;
  const bool widened = job->in_type != job->type;
  const bool narrowed = job->out_type != job->type;
  for (; begin < end; begin++) {
    walk_at at;
    walk_seek(&job->rows, &at, begin * across);
    tile_fill(carry, &job->neutral, (int)across, (size_t)job->size);
    for (int64_t i = 0, n; i < job->n; i += n) {
      n = job->n - i < TURNED / across ? job->n - i : TURNED / across;
      const uint8_t* in = job->in + (at.offset[0] + i * in_step) * job->in_size;
      uint8_t* out = job->out + (at.offset[1] + i * out_step) * job->out_size;
      scan_lines lines = {
          .x = in,
          .out = out,
          .x_step = in_step,
          .out_step = out_step,
          .n = n,
          .lines = across,
          .exclusive = !job->inclusive,
          .carry = carry,
      };
      int64_t last = (n - 1) * across * job->size;
      if (widened) {
        bool back = in_step == -across;
        if (back || in_step == across)
          scan_load(
              job,
              back ? in + (n - 1) * in_step * job->in_size : in,
              1,
              n * across,
              x);
        else
          for (int64_t k = 0; k < n; k++)
            scan_load(
                job,
                in + k * in_step * job->in_size,
                1,
                across,
                (uint8_t*)x + k * across * job->size);
        lines.x = (uint8_t*)x + (back ? last : 0);
        lines.x_step = back ? -across : across;
      }
      bool back = out_step == -across;
      if (narrowed) {
        lines.out = (uint8_t*)y + (back ? last : 0);
        lines.out_step = back ? -across : across;
      }
      if (i == 0 && job->inclusive) {
        memcpy(carry, lines.x, (size_t)(across * job->size));
        memcpy(lines.out, carry, (size_t)(across * job->size));
        lines.x = (const uint8_t*)lines.x + lines.x_step * job->size;
        lines.out = (uint8_t*)lines.out + lines.out_step * job->size;
        lines.n--;
      }
      job->down(&lines);
      if (!narrowed) continue;
      if (back || out_step == across)
        scan_store(
            job,
            back ? out + (n - 1) * out_step * job->out_size : out,
            1,
            y,
            n * across);
      else
        for (int64_t k = 0; k < n; k++)
          scan_store(
              job,
              out + k * out_step * job->out_size,
              1,
              (uint8_t*)y + k * across * job->size,
              across);
    }
  }
}

bool scan_beside(scan_job* job) {
  int last = job->rows.ndim - 1;
  int64_t across = job->rows.shape[last];
  if (job->in_stride == 1 || job->in_stride == -1 || across == 1 ||
      walk_stride(&job->rows, 0) != 1 || walk_stride(&job->rows, 1) != 1)
    return false;
  int64_t groups = job->rows.size / across, work = job->n;
  if (across <= NARROW) {
    pool_for(groups, GRAIN / (work > GRAIN ? GRAIN : work), few_lines, job);
    return true;
  }
  /* Whole lines, as they are read best, unless others would have no work. */
  int64_t share = (across + pool_threads() - 1) / pool_threads();
  job->cols = groups >= pool_threads() || share > COLS ? COLS : share;
  if (job->cols < LEAST) job->cols = LEAST;
  int64_t blocks = (across + job->cols - 1) / job->cols;
  work *= across < job->cols ? across : job->cols;
  pool_for(
      groups * blocks, GRAIN / (work > GRAIN ? GRAIN : work), wide_lines, job);
  return true;
}

bool scan_short(scan_job* job) {
  if (job->n > SHORT || job->rows.size < SHORT ||
      job->in_stride * job->in_stride != 1 || job->in_stride != job->out_stride)
    return false;
  /* Eight bytes cost more to turn than to wait for. */
  bool lies = walk_stride(&job->rows, 0) == job->n &&
              walk_stride(&job->rows, 1) == job->n;
  bool quick = job->type == job->out_type && (job->size == 8 || lies) &&
               (lies || job->type == job->in_type) &&
               job->n <= ISA_PICK(scan_short_kernels)->most[job->size] &&
               (job->kind != SCAN_LOGADDEXP || job->type == DTYPE_COMPLEX64);
  pool_for(
      job->rows.size, GRAIN / job->n, quick ? short_rows : turned_rows, job);
  return true;
}
