#include "cpu/sort.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "cpu/repeat.h"
#include "cpu/scratch.h"
#include "cpu/simd/sort.h"
#include "cpu/sort_select.h"
#include "cpu/tile.h"
#include "cpu/walk.h"
#include "stream/pool.h"

enum {
  SHORT = 1024,  /* rows that networks sort, many at once */
  FEW = 64,      /* rows that a network sorts even alone */
  TILE = 512,    /* elements read or written at once */
  GRAIN = 16384, /* elements worth a thread's while */
  LINE = 64,     /* bytes: what a cache line brings of neighbouring rows */
  TURNED = 8192, /* elements of rows that are turned */
};

typedef struct sort_job {
  const sort_table* kernels;
  const uint8_t* in;
  uint8_t* out;
  lz_dtype type;
  int64_t size, out_size; /* of an element */
  bool arg;               /* the result is indices */
  bool wide;              /* keys of 64 bits */
  int item; /* a narrow key; a key above its index, or a wide key; a pair */
  int64_t item_size;
  int low;     /* bit of an item that the key starts at */
  int64_t kth; /* rank to partition at; -1: sort */
  walk rows;   /* views in, out */
  int64_t n, in_stride, out_stride;
  atomic_bool failed;
} sort_job;

/* A part of one row: pool jobs of their own when the row is long. */
typedef struct row_job {
  sort_job* job;
  const uint8_t* in;
  uint8_t* out;
  void* items;
  atomic_bool zeros; /* there are negative ones */
} row_job;

/* Elements [begin, end) of a row to items. */
static void build(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  row_job* row = ctx;
  const sort_job* job = row->job;
  uint64_t gathered[TILE], keys[TILE];
  bool zeros = false;
  for (int64_t i = begin, n; i < end; i += n) {
    n = end - i < TILE ? end - i : TILE;
    const void* x = row->in + i * job->in_stride * job->size;
    if (job->in_stride != 1) {
      walk_copy(gathered, 1, x, job->in_stride, n, (size_t)job->size);
      x = gathered;
    }
    void* to = (uint8_t*)row->items + i * job->item_size;
    bool plain =
        job->item == SORT_ITEM_32 || (job->wide && job->item != SORT_ITEM_PAIR);
    zeros |= job->kernels->encode[job->type](x, n, plain ? to : keys);
    if (job->item == SORT_ITEM_PAIR) {
      sort_pair* pairs = to;
      for (int64_t k = 0; k < n; k++)
        pairs[k] = (sort_pair){keys[k], (uint64_t)(i + k)};
    } else if (!plain) {
      uint64_t* both = to;
      const uint32_t* narrow = (const uint32_t*)keys;
      for (int64_t k = 0; k < n; k++)
        both[k] = (uint64_t)narrow[k] << 32 | (uint64_t)(i + k);
    }
  }
  if (zeros) atomic_store_explicit(&row->zeros, true, memory_order_relaxed);
}

/* Items [begin, end) to elements or indices of the result. */
static void finish(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const row_job* row = ctx;
  const sort_job* job = row->job;
  uint64_t done[TILE];
  for (int64_t i = begin, n; i < end; i += n) {
    n = end - i < TILE ? end - i : TILE;
    const void* from = (const uint8_t*)row->items + i * job->item_size;
    uint8_t* to = row->out + i * job->out_stride * job->out_size;
    if (job->item == SORT_ITEM_PAIR) {
      const sort_pair* pairs = from;
      for (int64_t k = 0; k < n; k++) {
        if (job->arg)
          ((uint32_t*)done)[k] = (uint32_t)pairs[k].index;
        else
          memcpy(
              done + k,
              row->in + (int64_t)pairs[k].index * job->in_stride * 8,
              8);
      }
    } else if (job->arg) {
      const uint64_t* both = from;
      for (int64_t k = 0; k < n; k++) ((uint32_t*)done)[k] = (uint32_t)both[k];
    } else {
      job->kernels->decode[job->type](
          from, n, job->out_stride == 1 ? (void*)to : (void*)done);
      if (job->out_stride == 1) continue;
    }
    walk_copy(to, job->out_stride, done, 1, n, (size_t)job->out_size);
  }
}

/* A stable sort leaves zeros of either sign in their order: they are written
 * again, from the first place that is not below zero. */
static void restore_zeros(
    const sort_job* job, const uint8_t* in, uint8_t* out) {
  static const uint64_t none = 0;
  int64_t low = 0, high = job->n;
  while (low < high) {
    int64_t middle = low + (high - low) / 2;
    double x =
        dtype_load(job->type, out + middle * job->out_stride * job->out_size);
    if (x < 0)
      low = middle + 1;
    else
      high = middle;
  }
  for (int64_t i = 0; i < job->n; i++) {
    const uint8_t* x = in + i * job->in_stride * job->size;
    uint64_t bits = 0;
    memcpy(&bits, x, (size_t)job->size);
    bits &= ~((uint64_t)1 << (8 * job->size - 1));
    if (bits != none) continue;
    memcpy(out + low++ * job->out_stride * job->out_size, x, (size_t)job->size);
  }
}

/* Sorts or partitions a row's items; the result is in what is returned. */
static void* order(const sort_job* job, int64_t kth, void* items, void* spare) {
  int64_t n = job->n;
  bool select = kth >= 0;
  switch (job->item) {
    case SORT_ITEM_32:
      if (select) return sort_select_32(items, spare, n, kth);
      sort_radix_32(items, spare, n, job->low);
      break;
    case SORT_ITEM_64:
      if (select) return sort_select_64(items, spare, n, kth);
      sort_radix_64(items, spare, n, job->low);
      break;
    default:
      if (select) return sort_select_pairs(items, spare, n, kth);
      sort_radix_pairs(items, spare, n, job->low);
      break;
  }
  return items;
}

/* Elements that their keys say nothing of: each has its place beside it. */
static bool needs_places(const sort_job* job, const row_job* row) {
  return row->zeros && job->type == DTYPE_COMPLEX64 &&
         job->item != SORT_ITEM_PAIR;
}

/* A row, with room for twice its items. */
static void sort_row(const sort_job* job, row_job* row, uint8_t* items) {
  row->items = items;
  pool_for(job->n, GRAIN, build, row);
  if (needs_places(job, row)) {
    sort_job pairs = *job;
    pairs.item = SORT_ITEM_PAIR;
    pairs.item_size = sizeof(sort_pair);
    row_job again = {.job = &pairs, .in = row->in, .out = row->out};
    sort_row(&pairs, &again, items);
    return;
  }
  /* Only a whole sort says where negative zeros belong. */
  bool restore = row->zeros && !job->arg && job->item != SORT_ITEM_PAIR;
  row->items = order(
      job, restore ? -1 : job->kth, items, items + job->n * job->item_size);
  pool_for(job->n, GRAIN, finish, row);
  if (restore) restore_zeros(job, row->in, row->out);
}

static uint8_t* row_items(sort_job* job) {
  int64_t size = job->item_size;
  if (job->type == DTYPE_COMPLEX64) size = sizeof(sort_pair);
  uint8_t* items = scratch_get(SCRATCH_OUTER, (size_t)(2 * job->n * size));
  if (!items) atomic_store(&job->failed, true);
  return items;
}

static void sort_rows(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  sort_job* job = ctx;
  uint8_t* items = row_items(job);
  if (!items) return;
  walk_at at;
  for (walk_seek(&job->rows, &at, begin); begin < end; begin++) {
    row_job row = {
        .job = job,
        .in = job->in + at.offset[0] * job->size,
        .out = job->out + at.offset[1] * job->out_size,
    };
    sort_row(job, &row, items);
    walk_skip(&job->rows, &at, 1);
  }
}

/* Short rows, a network's width at a time. */
static void sort_lanes(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  sort_job* job = ctx;
  uint64_t lines[SHORT * SORT_LANES_64], column[SHORT];
  int64_t lanes = job->item == SORT_ITEM_32 ? SORT_LANES_32 : SORT_LANES_64;
  size_t item_size = (size_t)job->item_size;
  row_job rows[SORT_LANES_32];
  for (; begin < end; begin++) {
    int64_t first = begin * lanes;
    int64_t m = job->rows.size - first < lanes ? job->rows.size - first : lanes;
    walk_at at;
    walk_seek(&job->rows, &at, first);
    for (int64_t k = 0; k < m; k++) {
      rows[k] = (row_job){
          .job = job,
          .in = job->in + at.offset[0] * job->size,
          .out = job->out + at.offset[1] * job->out_size,
          .items = column,
      };
      build(&rows[k], 0, job->n, 0);
      walk_copy(
          (uint8_t*)lines + (size_t)k * item_size,
          lanes,
          column,
          1,
          job->n,
          item_size);
      walk_skip(&job->rows, &at, 1);
    }
    for (int64_t k = m; k < lanes; k++) /* what is there, but not nothing */
      walk_copy(
          (uint8_t*)lines + (size_t)k * item_size,
          lanes,
          column,
          1,
          job->n,
          item_size);
    if (job->item == SORT_ITEM_32)
      job->kernels->network_32((void*)lines, job->n);
    else
      job->kernels->network_64((void*)lines, job->n);
    for (int64_t k = 0; k < m; k++) {
      walk_copy(
          column,
          1,
          (uint8_t*)lines + (size_t)k * item_size,
          lanes,
          job->n,
          item_size);
      if (needs_places(job, &rows[k])) {
        uint8_t* items = row_items(job);
        if (items) sort_row(job, &rows[k], items);
        continue;
      }
      finish(&rows[k], 0, job->n, 0);
      if (rows[k].zeros && !job->arg)
        restore_zeros(job, rows[k].in, rows[k].out);
    }
  }
}

static void order_rows(sort_job* job) {
  bool narrow = job->item == SORT_ITEM_32;
  int64_t lanes = narrow ? SORT_LANES_32 : SORT_LANES_64;
  if (job->item != SORT_ITEM_PAIR && job->n <= (job->kth < 0 ? SHORT : FEW) &&
      (job->rows.size >= lanes / 2 || job->n <= FEW)) {
    int64_t units = (job->rows.size + lanes - 1) / lanes;
    pool_for(units, GRAIN / (job->n * lanes) / 2, sort_lanes, job);
  } else if (job->rows.size < 2 * pool_threads() && job->n >= 4 * GRAIN) {
    sort_rows(job, 0, job->rows.size, 0);
  } else {
    pool_for(
        job->rows.size,
        GRAIN / 4 / (job->n > GRAIN ? GRAIN : job->n),
        sort_rows,
        job);
  }
}

/* Elements of rows that lie side by side share cache lines: as many rows as
 * one has are turned, ordered, and turned back. */
static void order_turned(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  sort_job* job = ctx;
  int64_t most = LINE / job->size, n = job->n;
  int64_t across = job->rows.shape[job->rows.ndim - 1];
  int64_t blocks = (across + most - 1) / most;
  uint8_t* x = scratch_get(
      SCRATCH_KERNEL, (size_t)(most * n * (job->size + job->out_size)));
  if (!x) {
    atomic_store(&job->failed, true);
    return;
  }
  uint8_t* out = x + most * n * job->size;
  for (; begin < end; begin++) {
    int64_t first = begin % blocks * most;
    int32_t shape[] = {
        (int32_t)(across - first < most ? across - first : most), (int32_t)n};
    int64_t strides[] = {n, 1};
    lz_view from = {x, job->type, 2, shape, strides}, to = from;
    const lz_view* views[] = {&from, &to};
    sort_job part = *job;
    part.in = x;
    part.out = out;
    part.in_stride = part.out_stride = 1;
    walk_make(&part.rows, 2, views, 1);
    walk_at at;
    walk_seek(&job->rows, &at, begin / blocks * across + first);
    tile_load(
        x,
        job->in + at.offset[0] * job->size,
        walk_stride(&job->rows, 0),
        job->in_stride,
        shape[0],
        (int)n,
        (size_t)job->size);
    order_rows(&part);
    if (atomic_load(&part.failed)) atomic_store(&job->failed, true);
    tile_store(
        job->out + at.offset[1] * job->out_size,
        out,
        walk_stride(&job->rows, 1),
        job->out_stride,
        shape[0],
        (int)n,
        (size_t)job->out_size);
  }
}

/* Whether a step along a row of view k leaves the cache line, but not one to
 * the next row. */
static bool lies_beside(const sort_job* job, int k) {
  int64_t size = k ? job->out_size : job->size;
  int64_t step = llabs(k ? job->out_stride : job->in_stride) * size;
  int64_t next = llabs(walk_stride(&job->rows, k)) * size;
  return step >= LINE && next < LINE && next > 0;
}

static int run(
    const lz_view* in, int axis, int64_t kth, bool arg, const lz_view* out) {
  repeat_once once;
  if (repeat_cut(&once, in, out, UINT32_C(1) << axis)) {
    if (run(&once.in, axis, kth, arg, &once.out)) return -1;
    repeat_spread(out, once.axes);
    return 0;
  }
  lz_dtype d = in->dtype;
  bool wide = sort_key_is_wide(d);
  bool pair = wide && arg;
  sort_job job = {
      .kernels = ISA_PICK(sort_kernels),
      .in = in->data,
      .out = out->data,
      .type = d,
      .size = (int64_t)dtype_size(d),
      .out_size = (int64_t)dtype_size(out->dtype),
      .arg = arg,
      .wide = wide,
      .item = pair          ? SORT_ITEM_PAIR
              : wide || arg ? SORT_ITEM_64
                            : SORT_ITEM_32,
      .kth = kth,
      .n = in->shape[axis],
      .in_stride = in->strides[axis],
      .out_stride = out->strides[axis],
  };
  job.item_size = pair ? 16 : job.item == SORT_ITEM_32 ? 4 : 8;
  job.low = job.item == SORT_ITEM_64 && !wide ? 32 : 0;
  const lz_view* views[] = {in, out};
  walk_make(&job.rows, 2, views, axis);
  if (job.rows.size == 0 || job.n == 0) return 0;
  int64_t across = job.rows.shape[job.rows.ndim - 1];
  if (job.n <= TURNED && across > 1 &&
      (lies_beside(&job, 0) || lies_beside(&job, 1))) {
    int64_t most = LINE / job.size, blocks = (across + most - 1) / most;
    pool_for(
        job.rows.size / across * blocks,
        GRAIN / 4 / (job.n * most),
        order_turned,
        &job);
  } else {
    order_rows(&job);
  }
  return atomic_load(&job.failed) ? -1 : 0;
}

int sort_run(const lz_view* in, int axis, const lz_view* out) {
  assert(in->dtype == out->dtype);
  return run(in, axis, -1, false, out);
}

int sort_arg(const lz_view* in, int axis, const lz_view* out) {
  assert(out->dtype == DTYPE_UINT32);
  return run(in, axis, -1, true, out);
}

int sort_partition(const lz_view* in, int axis, int kth, const lz_view* out) {
  assert(in->dtype == out->dtype);
  return run(in, axis, kth, false, out);
}

int sort_argpartition(
    const lz_view* in, int axis, int kth, const lz_view* out) {
  assert(out->dtype == DTYPE_UINT32);
  return run(in, axis, kth, true, out);
}
