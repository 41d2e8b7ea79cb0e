#include "cpu/scan.h"

#include <math.h>

#include "cpu/elementwise.h"
#include "cpu/floats.h"
#include "cpu/simd/reduce.h"
#include "cpu/simd/scan.h"
#include "cpu/simd/softmax.h"
#include "cpu/tile.h"
#include "cpu/walk.h"
#include "stream/pool.h"

enum {
  TILE = 1024,
  COLS = 1024,    /* neighbouring lines scanned side by side */
  NARROW = 16,    /* lines side by side that are turned */
  SHORT = 64,     /* rows that are turned */
  TURNED = 2048,  /* elements of several of them */
  GRAIN = 16384,  /* elements worth a thread's while */
  LONG = 1 << 20, /* of a row that threads share: it is read twice */
  MAX_PARTS = 64, /* of one long row */
#if defined(LAZULI_HOSTILE)
  STREAM_BYTES = 64
#else
  STREAM_BYTES = 4 << 20 /* of an output that goes past the caches */
#endif
};

typedef struct scan_job {
  scan_kind kind;
  bool inclusive;
  lz_dtype in_type, out_type, type; /* type: what is computed in */
  int64_t in_size, out_size, size;
  void (*row)(const void* x, void* out, int64_t n, void* carry);
  void (*line)(const void* before, const void* x, void* out, int64_t n);
  void (*reverse)(const void* x, void* out, int64_t n);
  ew_fn widen;       /* in_type to type, where they differ */
  const uint8_t* in; /* of the first element in the direction of the scan */
  uint8_t* out;
  int64_t n, in_stride, out_stride; /* the axis */
  bool stream; /* rows lie together, and the output is large */
  walk rows;   /* views in, out: the other axes */
  uint64_t neutral;
  /* one long row in parts */
  walk_at at;
  int64_t part;
  uint64_t carries[MAX_PARTS + 1]; /* into each part */
  bool resets[MAX_PARTS];          /* a part forgets what was before */
} scan_job;

lz_dtype scan_dtype(scan_kind kind, lz_dtype in) {
  return kind == SCAN_SUM && in == DTYPE_BOOL ? DTYPE_INT32 : in;
}

/* What an exclusive scan starts with. Complex extremes start at 0, as the
 * original has it. */
static uint64_t neutral_bits(scan_kind kind, lz_dtype d) {
  uint64_t bits = 0;
  if (kind == SCAN_SUM) return 0;
  if (kind == SCAN_PROD) {
    dtype_store(d, &bits, 1);
    return bits;
  }
  bool low = kind != SCAN_MIN;
  if (d == DTYPE_COMPLEX64) return 0;
  if (dtype_is_float(d)) {
    dtype_store(d, &bits, low ? -INFINITY : INFINITY);
    return bits;
  }
  if (d == DTYPE_BOOL) return !low;
  int width = 8 * (int)dtype_size(d);
  uint64_t all = width == 64 ? ~(uint64_t)0 : ((uint64_t)1 << width) - 1;
  uint64_t sign = (uint64_t)1 << (width - 1);
  if (dtype_kind(d) == DTYPE_KIND_SIGNED) return low ? sign : all ^ sign;
  return low ? 0 : all;
}

/* n elements as the type computed in, lying together. */
static const void* load(
    const scan_job* job,
    const uint8_t* x,
    int64_t stride,
    int64_t n,
    void* tile) {
  if (dtype_is_float(job->in_type) && job->in_size == 2)
    return floats_load(job->in_type, x, stride, n, tile);
  if (job->in_type != job->type) {
    int32_t* wide = tile;
    int64_t i = stride == 1 ? n & -EW_PAD : 0;
    if (i) job->widen(tile, x, x, x, (int)i);
    for (; i < n; i++) wide[i] = x[i * stride];
    return tile;
  }
  if (stride == 1) return x;
  if (stride == -1)
    job->reverse(x - (n - 1) * job->in_size, tile, n);
  else
    walk_copy(tile, 1, x, stride, n, (size_t)job->in_size);
  return tile;
}

static void store(
    const scan_job* job,
    uint8_t* out,
    int64_t stride,
    const void* tile,
    int64_t n) {
  if (dtype_is_float(job->out_type) && job->out_size == 2)
    floats_store(job->out_type, out, stride, tile, n);
  else if (job->stream)
    tile_stream(out, tile, (size_t)(n * job->out_size));
  else if (stride == -1)
    job->reverse(tile, out - (n - 1) * job->out_size, n);
  else if (out != tile)
    walk_copy(out, stride, tile, 1, n, (size_t)job->out_size);
}

/* Scans elements [begin, end) of a row that starts at in and out. carry holds
 * what comes before; `fresh`: nothing does, and the scan is inclusive. */
static void scan_part(
    const scan_job* job,
    const uint8_t* in,
    uint8_t* out,
    int64_t begin,
    int64_t end,
    uint64_t* carry,
    bool fresh) {
  uint64_t x[TILE], y[TILE + 1];
  bool direct =
      job->out_type == job->type && job->out_stride == 1 && !job->stream;
  while (begin < end) {
    int64_t n = end - begin < TILE ? end - begin : TILE;
    const void* from = load(
        job, in + begin * job->in_stride * job->in_size, job->in_stride, n, x);
    uint8_t* to = out + begin * job->out_stride * job->out_size;
    if (!job->inclusive) {
      memcpy(y, carry, (size_t)job->size);
      job->row(from, (uint8_t*)y + job->size, n, carry);
      store(job, to, job->out_stride, y, n);
    } else {
      void* result = direct ? (void*)to : (void*)y;
      if (fresh) {
        memcpy(carry, from, (size_t)job->size);
        memmove(result, from, (size_t)job->size);
      }
      job->row(
          (const uint8_t*)from + fresh * job->size,
          (uint8_t*)result + fresh * job->size,
          n - fresh,
          carry);
      store(job, to, job->out_stride, result, n);
      fresh = false;
    }
    begin += n;
  }
}

static void scan_rows(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const scan_job* job = ctx;
  walk_at at;
  for (walk_seek(&job->rows, &at, begin); begin < end; begin++) {
    uint64_t carry = job->neutral;
    scan_part(
        job,
        job->in + at.offset[0] * job->in_size,
        job->out + at.offset[1] * job->out_size,
        0,
        job->n,
        &carry,
        job->inclusive);
    walk_skip(&job->rows, &at, 1);
  }
  tile_stream_end();
}

/* n neighbouring lines side by side; a step along them is as far in `in` and
 * `out` as it says. */
static void scan_beside(
    const scan_job* job,
    const uint8_t* in,
    int64_t in_step,
    uint8_t* out,
    int64_t out_step,
    int64_t n) {
  uint64_t sum[COLS], x[COLS];
  bool direct = job->out_type == job->type;
  const void* before = sum;
  if (!job->inclusive) tile_fill(sum, &job->neutral, (int)n, (size_t)job->size);
  int lines = (int)(n * job->in_size / 64);
  for (int64_t i = 0; i < job->n; i++) {
    const void* from = load(job, in + i * in_step * job->in_size, 1, n, x);
    /* The next step begins where no stream of reads has come yet. */
    const uint8_t* next = in + (i + 1) * in_step * job->in_size;
    for (int k = 0; i + 1 < job->n && k < lines; k++)
      __builtin_prefetch(next + 64 * k);
    uint8_t* to = out + i * out_step * job->out_size;
    if (!job->inclusive) {
      if (from != (void*)x) /* out may be in */
        from = memcpy(x, from, (size_t)(n * job->size));
      store(job, to, 1, sum, n);
      job->line(sum, from, sum, n);
      continue;
    }
    void* result = direct ? (void*)to : (void*)sum;
    if (i == 0)
      memmove(result, from, (size_t)(n * job->size));
    else
      job->line(before, from, result, n);
    before = result;
    store(job, to, 1, result, n);
  }
}

/* Blocks of neighbouring lines; the innermost axis of `rows` is across. */
static void scan_cols(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const scan_job* job = ctx;
  int64_t across = job->rows.shape[job->rows.ndim - 1];
  int64_t blocks = (across + COLS - 1) / COLS;
  for (; begin < end; begin++) {
    int64_t first = begin % blocks * COLS;
    int64_t n = across - first < COLS ? across - first : COLS;
    walk_at at;
    walk_seek(&job->rows, &at, begin / blocks * across + first);
    scan_beside(
        job,
        job->in + at.offset[0] * job->in_size,
        job->in_stride,
        job->out + at.offset[1] * job->out_size,
        job->out_stride,
        n);
  }
}

/* Short rows, several at a time: turned, so that they lie side by side. */
static void scan_short(void* ctx, int64_t begin, int64_t end, int worker) {
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
    scan_beside(
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

/* A few lines side by side: turned a stretch at a time, so that each lies
 * along. */
static void scan_narrow(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const scan_job* job = ctx;
  scan_job along = *job;
  const bool back = job->in_stride < 0;
  along.in_stride = along.out_stride = back ? -1 : 1;
  along.stream = false;
  uint64_t x[TURNED], y[TURNED], carry[NARROW];
  int64_t across = job->rows.shape[job->rows.ndim - 1];
  for (; begin < end; begin++) {
    walk_at at;
    walk_seek(&job->rows, &at, begin * across);
    for (int64_t c = 0; c < across; c++) carry[c] = job->neutral;
    for (int64_t i = 0, n; i < job->n; i += n) {
      n = job->n - i < TURNED / across ? job->n - i : TURNED / across;
      /* Where the stretch begins in memory, and where it does in a turned line.
       */
      int64_t low = back ? i + n - 1 : i, first = back ? n - 1 : 0;
      tile_load(
          x,
          job->in + (at.offset[0] + low * job->in_stride) * job->in_size,
          1,
          back ? -job->in_stride : job->in_stride,
          (int)across,
          (int)n,
          (size_t)job->in_size);
      for (int64_t c = 0; c < across; c++)
        scan_part(
            &along,
            (const uint8_t*)x + (c * n + first) * job->in_size,
            (uint8_t*)y + (c * n + first) * job->out_size,
            0,
            n,
            &carry[c],
            i == 0 && job->inclusive);
      tile_store(
          job->out + (at.offset[1] + low * job->out_stride) * job->out_size,
          y,
          1,
          back ? -job->out_stride : job->out_stride,
          (int)across,
          (int)n,
          (size_t)job->out_size);
    }
  }
}

/* What a part of the row adds: carries[part + 1] becomes the scan of the part
 * alone from the neutral element. */
static void part_totals(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  scan_job* job = ctx;
  const uint8_t* in = job->in + job->at.offset[0] * job->in_size;
  const reduce_table* folds = ISA_PICK(reduce_kernels);
  const softmax_table* exps = ISA_PICK(softmax_kernels);
  int wide = floats_is_wide(job->type);
  uint64_t x[TILE], y[TILE];
  /* Sums of what lies there already need no tiles. */
  bool sum = job->kind == SCAN_SUM || job->kind == SCAN_PROD;
  bool there = job->in_stride == 1 && job->in_type == job->type;
  int64_t most = sum && there ? job->part : TILE;
  for (; begin < end; begin++) {
    uint64_t total = job->neutral;
    int64_t i = begin * job->part, last = i + job->part;
    bool nan = false;
    if (last > job->n) last = job->n;
    /* The first element of a fresh scan is a carry, not a step. */
    if (i == 0 && job->inclusive) i = 1;
    for (int64_t n; i < last; i += n) {
      n = last - i < most ? last - i : most;
      const void* from = load(
          job, in + i * job->in_stride * job->in_size, job->in_stride, n, x);
      if (sum) {
        reduce_kind kind = job->kind == SCAN_SUM ? REDUCE_SUM : REDUCE_PROD;
        /* narrow integers have wide sums, whose low bytes are what counts */
        uint64_t folded = 0;
        memcpy(&folded, &job->neutral, (size_t)job->size);
        if (kind == REDUCE_PROD && !dtype_is_inexact(job->type)) folded = 1;
        folds->by_row[kind][job->type](from, 0, 1, n, &folded);
        job->row(&folded, y, 1, &total);
      } else if (job->kind == SCAN_LOGADDEXP && dtype_is_float(job->type)) {
        uint64_t top_bits = job->neutral;
        folds->by_row[REDUCE_MAX][job->type](from, 0, 1, n, &top_bits);
        double top = dtype_load(job->type, &top_bits);
        double terms = exps->exp_sum[wide](from, n, top, NULL);
        double value = isinf(top) ? top : top + log(terms);
        dtype_store(job->type, y, value);
        job->row(y, y, 1, &total);
      } else {
        if (dtype_is_float(job->type)) {
          uint64_t extreme = job->neutral;
          reduce_kind kind = job->kind == SCAN_MAX ? REDUCE_MAX : REDUCE_MIN;
          folds->by_row[kind][job->type](from, 0, 1, n, &extreme);
          nan |= isnan(dtype_load(job->type, &extreme));
        }
        job->row(from, y, n, &total);
      }
    }
    job->carries[begin + 1] = total;
    job->resets[begin] = nan && job->kind == SCAN_MAX;
  }
}

static void scan_parts(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const scan_job* job = ctx;
  for (; begin < end; begin++) {
    uint64_t carry = job->carries[begin];
    int64_t first = begin * job->part, last = first + job->part;
    scan_part(
        job,
        job->in + job->at.offset[0] * job->in_size,
        job->out + job->at.offset[1] * job->out_size,
        first,
        last < job->n ? last : job->n,
        &carry,
        begin == 0 && job->inclusive);
  }
  tile_stream_end();
}

/* Long rows, one after another: totals of all parts, then the parts. */
static void scan_long_rows(scan_job* job) {
  int64_t parts = job->n / GRAIN < MAX_PARTS ? job->n / GRAIN : MAX_PARTS;
  job->part = (job->n + parts - 1) / parts;
  parts = (job->n + job->part - 1) / job->part;
  for (int64_t row = 0; row < job->rows.size; row++) {
    walk_seek(&job->rows, &job->at, row);
    pool_for(parts, 1, part_totals, job);
    uint64_t carry = job->neutral, x[1], y[1];
    if (job->inclusive)
      memcpy(
          &carry,
          load(job, job->in + job->at.offset[0] * job->in_size, 1, 1, x),
          (size_t)job->size);
    job->carries[0] = job->neutral;
    for (int64_t p = 0; p < parts; p++) {
      uint64_t total = job->carries[p + 1];
      if (job->resets[p])
        carry = total;
      else
        job->row(&total, y, 1, &carry);
      job->carries[p + 1] = carry;
    }
    pool_for(parts, 1, scan_parts, job);
  }
}

void scan_run(
    scan_kind kind,
    const lz_view* in,
    int axis,
    bool reverse,
    bool inclusive,
    const lz_view* out) {
  const scan_table* kernels = ISA_PICK(scan_kernels);
  lz_dtype type = scan_type(kind, in->dtype);
  scan_job job = {
      .kind = kind,
      .inclusive = inclusive,
      .in_type = in->dtype,
      .out_type = out->dtype,
      .type = type,
      .in_size = (int64_t)dtype_size(in->dtype),
      .out_size = (int64_t)dtype_size(out->dtype),
      .size = (int64_t)dtype_size(type),
      .row = kernels->row[kind][type],
      .line = kernels->line[kind][type],
      .widen = ew_kernel(EW_ASTYPE, in->dtype, type),
      .in = in->data,
      .out = out->data,
      .n = in->shape[axis],
      .in_stride = in->strides[axis],
      .out_stride = out->strides[axis],
      .reverse = kernels->reverse[__builtin_ctz((unsigned)dtype_size(type))],
      .neutral = neutral_bits(kind, type),
  };
  assert(out->dtype == scan_dtype(kind, in->dtype));
  const lz_view* views[] = {in, out};
  walk_make(&job.rows, 2, views, axis);
  if (job.rows.size == 0 || job.n == 0) return;
  if (reverse) {
    job.in += (job.n - 1) * job.in_stride * job.in_size;
    job.out += (job.n - 1) * job.out_stride * job.out_size;
    job.in_stride = -job.in_stride;
    job.out_stride = -job.out_stride;
  }
  int last = job.rows.ndim - 1;
  int64_t across = job.rows.shape[last];
  bool stream = job.out_stride == 1 && type == out->dtype &&
                in->data != out->data &&
                job.rows.size * job.n * job.out_size >= STREAM_BYTES;
  bool beside = job.in_stride != 1 && job.in_stride != -1 &&
                job.rows.strides[0][last] == 1 &&
                job.rows.strides[1][last] == 1;
  /* Eight bytes cost more to turn than their rows cost calls. */
  if (beside && job.size < 8 && across > 1 && across <= NARROW &&
      job.n >= SHORT && (job.in_stride < 0) == (job.out_stride < 0)) {
    pool_for(
        job.rows.size / across,
        GRAIN / (job.n > GRAIN ? GRAIN : job.n),
        scan_narrow,
        &job);
    return;
  }
  if (beside && across >= 8) {
    int64_t blocks = (across + COLS - 1) / COLS;
    int64_t work = job.n * (across < COLS ? across : COLS);
    pool_for(
        job.rows.size / across * blocks,
        GRAIN / (work > GRAIN ? GRAIN : work),
        scan_cols,
        &job);
  } else if (
      job.n <= SHORT && job.rows.size >= SHORT &&
      job.in_stride * job.in_stride == 1 && job.in_stride == job.out_stride) {
    pool_for(job.rows.size, GRAIN / job.n, scan_short, &job);
  } else if (
      job.rows.size < 8 &&
      job.n >= (kind == SCAN_LOGADDEXP ? 4 * GRAIN : LONG)) {
    job.stream = stream;
    scan_long_rows(&job);
  } else {
    job.stream = stream;
    pool_for(
        job.rows.size,
        GRAIN / (job.n > GRAIN ? GRAIN : job.n),
        scan_rows,
        &job);
  }
}
