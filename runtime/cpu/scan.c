#include "cpu/scan.h"

#include <math.h>
#include <stdlib.h>

#include "cpu/copy.h"
#include "cpu/floats.h"
#include "cpu/scan_job.h"
#include "cpu/simd/reduce.h"
#include "cpu/simd/softmax.h"
#include "cpu/tile.h"
#include "stream/pool.h"

enum {
  TILE = 1024,
  GRAIN = SCAN_GRAIN,
  LONG = 1 << 20, /* of a row that threads share: it is read twice */
#if defined(LAZULI_HOSTILE)
  STREAM_BYTES = 64
#else
  STREAM_BYTES = 4 << 20 /* of an output that goes past the caches */
#endif
};

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

/* What changes no first element, if there is such a thing: a negative zero for
 * sums; but whatever stands before it, a minimum drops what is no number. */
static bool unit_bits(
    scan_kind kind, lz_dtype d, uint64_t neutral, uint64_t* unit) {
  *unit = neutral;
  if (kind == SCAN_SUM) {
    uint64_t sign = (uint64_t)1 << 63, low = (uint64_t)1 << 31;
    *unit = d == DTYPE_FLOAT32     ? low
            : d == DTYPE_FLOAT64   ? sign
            : d == DTYPE_COMPLEX64 ? sign | low
                                   : neutral;
    return true;
  }
  return d != DTYPE_COMPLEX64 && (kind != SCAN_MIN || !dtype_is_float(d));
}

const void* scan_load(
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
  walk_copy(tile, 1, x, stride, n, (size_t)job->in_size);
  return tile;
}

void scan_store(
    const scan_job* job,
    uint8_t* out,
    int64_t stride,
    const void* tile,
    int64_t n) {
  if (dtype_is_float(job->out_type) && job->out_size == 2)
    floats_store(job->out_type, out, stride, tile, n);
  else if (job->stream && stride == 1)
    tile_stream(out, tile, (size_t)(n * job->out_size));
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
  uint64_t x[TILE], y[TILE];
  /* What lies together backwards is scanned as it lies. */
  bool back = job->in_stride == -1 && job->out_stride == -1;
  int64_t in_step = back ? 1 : job->in_stride;
  int64_t out_step = back ? 1 : job->out_stride;
  bool direct = job->out_type == job->type && out_step == 1 && !job->stream;
  void (*row)(const void*, void*, int64_t, void*, bool) =
      back ? job->back : job->row;
  while (begin < end) {
    int64_t n = end - begin < TILE ? end - begin : TILE;
    int64_t low = back ? -(begin + n - 1) : begin, last = back ? n - 1 : 0;
    const uint8_t* from =
        scan_load(job, in + low * in_step * job->in_size, in_step, n, x);
    uint8_t* to = out + low * out_step * job->out_size;
    uint8_t* result = direct ? to : (uint8_t*)y;
    const uint8_t* first = from + last * job->size;
    uint8_t* first_out = result + last * job->size;
    if (fresh) {
      memcpy(carry, first, (size_t)job->size);
      memmove(first_out, first, (size_t)job->size);
    }
    int64_t skip = fresh ? (back ? -1 : 1) * job->size : 0;
    row(first + skip, first_out + skip, n - fresh, carry, !job->inclusive);
    fresh = false;
    scan_store(job, to, out_step, result, n);
    begin += n;
  }
}

static void scan_rows(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const scan_job* job = ctx;
  walk_at at;
  for (walk_seek(&job->rows, &at, begin); begin < end; begin++) {
    bool fresh = job->inclusive && !job->whole;
    uint64_t carry = job->inclusive && job->whole ? job->unit : job->neutral;
    scan_part(
        job,
        job->in + at.offset[0] * job->in_size,
        job->out + at.offset[1] * job->out_size,
        0,
        job->n,
        &carry,
        fresh);
    walk_skip(&job->rows, &at, 1);
  }
  tile_stream_end();
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
      const void* from = scan_load(
          job, in + i * job->in_stride * job->in_size, job->in_stride, n, x);
      if (sum) {
        reduce_kind kind = job->kind == SCAN_SUM ? REDUCE_SUM : REDUCE_PROD;
        /* narrow integers have wide sums, whose low bytes are what counts */
        uint64_t folded = 0;
        memcpy(&folded, &job->neutral, (size_t)job->size);
        if (kind == REDUCE_PROD && !dtype_is_inexact(job->type)) folded = 1;
        folds->by_row[kind][job->type](from, 0, 1, n, &folded);
        job->row(&folded, y, 1, &total, false);
      } else if (job->kind == SCAN_LOGADDEXP && dtype_is_float(job->type)) {
        uint64_t top_bits = job->neutral;
        folds->by_row[REDUCE_MAX][job->type](from, 0, 1, n, &top_bits);
        double top = dtype_load(job->type, &top_bits);
        double terms = exps->exp_sum[wide](from, n, top, NULL);
        double value = isinf(top) ? top : top + log(terms);
        dtype_store(job->type, y, value);
        job->row(y, y, 1, &total, false);
      } else {
        if (dtype_is_float(job->type)) {
          uint64_t extreme = job->neutral;
          reduce_kind kind = job->kind == SCAN_MAX ? REDUCE_MAX : REDUCE_MIN;
          folds->by_row[kind][job->type](from, 0, 1, n, &extreme);
          nan |= isnan(dtype_load(job->type, &extreme));
        }
        job->row(from, y, n, &total, false);
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
  int64_t parts = job->n / GRAIN < SCAN_PARTS ? job->n / GRAIN : SCAN_PARTS;
  job->part = (job->n + parts - 1) / parts;
  parts = (job->n + job->part - 1) / job->part;
  for (int64_t row = 0; row < job->rows.size; row++) {
    walk_seek(&job->rows, &job->at, row);
    pool_for(parts, 1, part_totals, job);
    uint64_t carry = job->neutral, x[1], y[1];
    if (job->inclusive)
      memcpy(
          &carry,
          scan_load(job, job->in + job->at.offset[0] * job->in_size, 1, 1, x),
          (size_t)job->size);
    job->carries[0] = job->neutral;
    for (int64_t p = 0; p < parts; p++) {
      uint64_t total = job->carries[p + 1];
      if (job->resets[p])
        carry = total;
      else
        job->row(&total, y, 1, &carry, false);
      job->carries[p + 1] = carry;
    }
    pool_for(parts, 1, scan_parts, job);
  }
}

/* The axes of in and out, those that lie closest in out last; `axis` is where
 * the scan's has gone. */
typedef struct scan_order {
  int32_t shape[LZ_MAX_DIMS];
  int64_t in[LZ_MAX_DIMS], out[LZ_MAX_DIMS];
  int axis;
} scan_order;

static void order_axes(
    const lz_view* in, const lz_view* out, int axis, scan_order* order) {
  for (int i = 0; i < out->ndim; i++) {
    int k = i;
    for (; k > 0 && llabs(order->out[k - 1]) < llabs(out->strides[i]); k--) {
      order->shape[k] = order->shape[k - 1];
      order->in[k] = order->in[k - 1];
      order->out[k] = order->out[k - 1];
      order->axis += i > axis && order->axis == k - 1;
    }
    order->shape[k] = in->shape[i];
    order->in[k] = in->strides[i];
    order->out[k] = out->strides[i];
    if (i == axis) order->axis = k;
  }
}

/* Whether elements of rows, or neighbouring lines, lie together. */
static bool lies_well(const scan_job* job) {
  bool row = job->in_stride * job->in_stride == 1 &&
             job->out_stride * job->out_stride == 1;
  bool lines =
      walk_stride(&job->rows, 0) == 1 && walk_stride(&job->rows, 1) == 1;
  return row || lines || job->n == 1;
}

void scan_run(
    scan_kind kind,
    const lz_view* in,
    int axis,
    bool reverse,
    bool inclusive,
    const lz_view* out) {
  const scan_table* kernels = ISA_PICK(scan_kernels);
  const scan_beside_table* beside_kernels = ISA_PICK(scan_beside_kernels);
  const scan_short_table* shorts = ISA_PICK(scan_short_kernels);
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
      .back = kernels->back[kind][type],
      .line = beside_kernels->line[kind][type],
      .down = beside_kernels->down[kind][type],
      .shorts = shorts->rows[kind][type],
      .widen = ew_kernel(EW_ASTYPE, in->dtype, type),
      .in = in->data,
      .out = out->data,
      .n = in->shape[axis],
      .in_stride = in->strides[axis],
      .out_stride = out->strides[axis],
      .neutral = neutral_bits(kind, type),
  };
  job.whole = unit_bits(kind, type, job.neutral, &job.unit);
  assert(out->dtype == scan_dtype(kind, in->dtype));
  scan_order order = {.axis = 0};
  order_axes(in, out, axis, &order);
  lz_view from = {in->data, in->dtype, in->ndim, order.shape, order.in};
  lz_view to = {out->data, out->dtype, in->ndim, order.shape, order.out};
  const lz_view* views[] = {&from, &to};
  walk_make(&job.rows, 2, views, order.axis);
  if (job.rows.size == 0 || job.n == 0) return;
  job.apart = in->data != out->data;
  if (job.apart && !lies_well(&job)) {
    copy_run(&to, &from);
    job.in_type = job.out_type;
    job.in_size = job.out_size;
    from = to;
    walk_make(&job.rows, 2, views, order.axis);
    job.in = job.out;
    job.in_stride = job.out_stride;
    job.apart = false;
  }
  if (reverse) {
    job.in += (job.n - 1) * job.in_stride * job.in_size;
    job.out += (job.n - 1) * job.out_stride * job.out_size;
    job.in_stride = -job.in_stride;
    job.out_stride = -job.out_stride;
  }
  /* What a long row costs twice. */
  int64_t shared = kind == SCAN_LOGADDEXP ? 4 * GRAIN : LONG;
  int threads = pool_threads(), worth = 2;
  if (kind == SCAN_LOGADDEXP && type == DTYPE_COMPLEX64) worth = 3;
  if (threads < worth) shared = INT64_MAX;
  bool together =
      job.out_stride == 1 || (job.out_stride == -1 && job.in_stride == -1);
  bool stream = together && type == out->dtype && job.apart &&
                job.rows.size * job.n * job.out_size >= STREAM_BYTES;
  if (scan_beside(&job) || scan_short(&job)) return;
  job.stream = stream;
  if (job.rows.size < 8 && job.n >= shared) {
    scan_long_rows(&job);
  } else {
    pool_for(
        job.rows.size,
        GRAIN / (job.n > GRAIN ? GRAIN : job.n),
        scan_rows,
        &job);
  }
}
