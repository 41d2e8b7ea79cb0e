#include "cpu/scatter.h"

#include <stdlib.h>

#include "cpu/copy.h"
#include "cpu/index.h"
#include "cpu/simd/scatter.h"
#include "stream/pool.h"

enum {
  BLOCK = 512,
  GRAIN = 16384, /* elements worth a thread's while */
  BESIDE = 64,   /* lines side by side */
  STRIPE = 64,   /* least elements of a slice that a thread takes */
};

/* An update that goes nowhere. */
#define DROPPED INT64_MAX

/* Two ways to share the work so that no element belongs to two threads and
 * each sees its updates in order: stripes of every slice (each thread does all
 * index tuples), or ranges of offsets in out (each does the tuples that start
 * there). */
typedef struct scatter_job {
  const scatter_table* kernels;
  int how;
  const lz_view* out;
  const lz_view* updates;
  int n_indices;
  const lz_view* indices;
  const int* axes;
  walk index_walks[LZ_MAX_DIMS]; /* view 0: the index array */
  walk places;                   /* view 0: updates, over the index axes */
  walk slice;                    /* views out, updates, over the slice */
  int32_t room[LZ_MAX_DIMS];     /* the slice's extents */
  int64_t lowest;                /* least offset that out has */
  int64_t range;                 /* offsets a thread takes */
} scatter_job;

/* Where in out the slices of index tuples [begin, begin+n) start. */
static void starts(
    const scatter_job* job, int64_t begin, int64_t n, int64_t* offsets) {
  int64_t positions[BLOCK];
  memset(offsets, 0, (size_t)n * sizeof *offsets);
  for (int k = 0; k < job->n_indices; k++) {
    int axis = job->axes[k];
    int64_t stride = job->out->strides[axis];
    index_read(
        &job->indices[k],
        &job->index_walks[k],
        begin,
        n,
        job->out->shape[axis],
        job->room[axis],
        false,
        positions);
    for (int64_t i = 0; i < n; i++)
      offsets[i] = positions[i] < 0 || offsets[i] == DROPPED
                       ? DROPPED
                       : offsets[i] + positions[i] * stride;
  }
}

/* [from, to) of the innermost axis of one slice. */
static void update_slice(
    const scatter_job* job,
    uint8_t* out,
    const uint8_t* updates,
    int64_t from,
    int64_t to) {
  int64_t size = (int64_t)dtype_size(job->out->dtype);
  int64_t out_stride = walk_stride(&job->slice, 0);
  int64_t updates_stride = walk_stride(&job->slice, 1);
  int64_t whole = job->slice.shape[job->slice.ndim - 1];
  walk_at at;
  walk_seek(&job->slice, &at, 0);
  for (int64_t i = 0; i < job->slice.size; i += whole) {
    job->kernels->line[job->how][job->out->dtype](
        out + (at.offset[0] + from * out_stride) * size,
        out_stride,
        updates + (at.offset[1] + from * updates_stride) * size,
        updates_stride,
        to - from);
    walk_skip(&job->slice, &at, whole);
  }
}

static void update_all(
    const scatter_job* job,
    int64_t low,
    int64_t high,
    int64_t from,
    int64_t to) {
  int64_t size = (int64_t)dtype_size(job->out->dtype);
  uint8_t* out = job->out->data;
  const uint8_t* updates = job->updates->data;
  int64_t stride = walk_stride(&job->places, 0);
  int64_t offsets[BLOCK];
  walk_at at;
  walk_seek(&job->places, &at, 0);
  for (int64_t begin = 0; begin < job->places.size; begin += BLOCK) {
    int64_t n = job->places.size - begin;
    if (n > BLOCK) n = BLOCK;
    starts(job, begin, n, offsets);
    for (int64_t i = 0; i < n;) {
      int64_t run = walk_left(&job->places, &at);
      if (run > n - i) run = n - i;
      const uint8_t* x = updates + at.offset[0] * size;
      if (job->slice.size == 1) {
        job->kernels->points[job->how][job->out->dtype](
            out, offsets + i, low, high, x, stride, run);
      } else {
        for (int64_t j = 0; j < run; j++) {
          int64_t start = offsets[i + j];
          if (start >= low && start < high)
            update_slice(
                job, out + start * size, x + j * stride * size, from, to);
        }
      }
      i += run;
      walk_skip(&job->places, &at, run);
    }
  }
}

static void update_stripes(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const scatter_job* job = ctx;
  update_all(job, INT64_MIN, INT64_MAX, begin, end);
}

static void update_ranges(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const scatter_job* job = ctx;
  int64_t width = job->slice.shape[job->slice.ndim - 1];
  update_all(
      job,
      job->lowest + begin * job->range,
      job->lowest + end * job->range,
      0,
      width);
}

/* Offsets that a view's elements have: returns how many, from *lowest on. */
static int64_t view_span(const lz_view* v, int64_t* lowest) {
  int64_t span = 1;
  *lowest = 0;
  for (int i = 0; i < v->ndim; i++) {
    int64_t reach = v->strides[i] * (v->shape[i] - 1);
    span += llabs(reach);
    if (reach < 0) *lowest += reach;
  }
  return span;
}

void scatter_run(
    scatter_reduce how,
    const lz_view* out,
    int n_indices,
    const lz_view* indices,
    const int* axes,
    const lz_view* updates) {
  assert(out->dtype == updates->dtype);
  int index_ndim = updates->ndim - out->ndim;
  scatter_job job = {
      .kernels = ISA_PICK(scatter_kernels),
      .how = how,
      .out = out,
      .updates = updates,
      .n_indices = n_indices,
      .indices = indices,
      .axes = axes,
  };
  bool apart = true; /* slices of different tuples never overlap in part */
  for (int i = 0; i < out->ndim; i++)
    job.room[i] = updates->shape[index_ndim + i];
  for (int k = 0; k < n_indices; k++) {
    const lz_view* views[] = {&indices[k]};
    walk_make(&job.index_walks[k], 1, views, -1);
    apart = apart && job.room[axes[k]] == 1;
  }
  lz_view places = {
      updates->data,
      updates->dtype,
      index_ndim,
      updates->shape,
      updates->strides};
  lz_view to = {out->data, out->dtype, out->ndim, job.room, out->strides};
  lz_view from = {
      updates->data,
      updates->dtype,
      out->ndim,
      job.room,
      updates->strides + index_ndim};
  const lz_view* place_views[] = {&places};
  const lz_view* slice_views[] = {&to, &from};
  walk_make(&job.places, 1, place_views, -1);
  walk_make(&job.slice, 2, slice_views, -1);
  if (job.places.size == 0 || job.slice.size == 0 || view_size(out) == 0)
    return;
  int64_t width = job.slice.shape[job.slice.ndim - 1];
  int64_t work = job.places.size * job.slice.size;
  if (work >= 2 * GRAIN && width >= 2 * STRIPE) {
    pool_for(width, STRIPE, update_stripes, &job);
  } else if (work >= 2 * GRAIN && apart) {
    int parts = pool_threads();
    int64_t span = view_span(out, &job.lowest);
    job.range = (span + parts - 1) / parts;
    pool_for(parts, 1, update_ranges, &job);
  } else {
    update_stripes(&job, 0, width, 0);
  }
}

typedef struct along_job {
  const scatter_table* kernels;
  int how;
  const lz_view* out;
  const lz_view* base; /* what lines of out begin as, or NULL */
  const lz_view* indices;
  const lz_view* updates;
  int axis;
  walk lines;     /* views indices, updates, out, base; without the axis */
  int64_t parts;  /* of the positions of each line */
  int64_t across; /* neighbouring lines side by side: their axis's extent */
} along_job;

static void* along_at(const lz_view* v, int64_t element) {
  return (uint8_t*)v->data + element * (int64_t)dtype_size(v->dtype);
}

/* Positions along the axis for n indices from element `first` on, -1 for what
 * goes nowhere. */
static void along_positions(
    const along_job* job,
    int64_t first,
    int64_t stride,
    int64_t n,
    int64_t* positions) {
  index_run(
      job->indices->dtype,
      along_at(job->indices, first),
      stride,
      n,
      job->out->shape[job->axis],
      1,
      false,
      positions);
}

/* Part `part` of the line at `at`. */
static void update_line(const along_job* job, const walk_at* at, int64_t part) {
  int64_t positions[BLOCK];
  int64_t n = job->indices->shape[job->axis];
  int64_t extent = job->out->shape[job->axis];
  int64_t index_stride = job->indices->strides[job->axis];
  int64_t from = job->updates->strides[job->axis];
  int64_t to = job->out->strides[job->axis];
  int64_t width = (extent + job->parts - 1) / job->parts;
  int64_t low = part * width, high = low + width;
  if (high > extent) high = extent;
  if (job->base && low < high) /* it stays near for what updates it */
    memcpy(
        along_at(job->out, at->offset[2] + low),
        along_at(job->base, at->offset[3] + low),
        (size_t)(high - low) * dtype_size(job->out->dtype));
  for (int64_t i = 0; i < n; i += BLOCK) {
    int64_t m = n - i < BLOCK ? n - i : BLOCK;
    along_positions(
        job, at->offset[0] + i * index_stride, index_stride, m, positions);
    for (int64_t k = 0; job->parts > 1 && k < m; k++)
      if (positions[k] < low || positions[k] >= high) positions[k] = -1;
    job->kernels->along[job->how][job->out->dtype](
        along_at(job->out, at->offset[2]),
        to,
        0,
        positions,
        along_at(job->updates, at->offset[1] + i * from),
        from,
        m);
  }
}

static void update_lines(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const along_job* job = ctx;
  walk_at at;
  walk_seek(&job->lines, &at, begin / job->parts);
  for (; begin < end; begin++) {
    update_line(job, &at, begin % job->parts);
    if ((begin + 1) % job->parts == 0 && begin + 1 < end)
      walk_next(&job->lines, &at);
  }
}

/* Blocks of lines that lie side by side in out, all of them a step at a time:
 * a cache line of out has a place in each. */
static void update_beside(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const along_job* job = ctx;
  int64_t positions[BESIDE];
  int64_t blocks = (job->across + BESIDE - 1) / BESIDE;
  int64_t index_stride = job->indices->strides[job->axis];
  int64_t from = job->updates->strides[job->axis];
  for (; begin < end; begin++) {
    int64_t first = begin % blocks * BESIDE;
    int64_t left = job->across - first, m = left < BESIDE ? left : BESIDE;
    walk_at at;
    walk_seek(&job->lines, &at, begin / blocks * job->across + first);
    for (int64_t i = 0; i < job->indices->shape[job->axis]; i++) {
      along_positions(
          job,
          at.offset[0] + i * index_stride,
          walk_stride(&job->lines, 0),
          m,
          positions);
      job->kernels->along[job->how][job->out->dtype](
          along_at(job->out, at.offset[2]),
          job->out->strides[job->axis],
          walk_stride(&job->lines, 2),
          positions,
          along_at(job->updates, at.offset[1] + i * from),
          walk_stride(&job->lines, 1),
          m);
    }
  }
}

void scatter_along(
    scatter_reduce how,
    const lz_view* out,
    const lz_view* base,
    const lz_view* indices,
    int axis,
    const lz_view* updates) {
  assert(out->dtype == updates->dtype);
  along_job job = {
      .kernels = ISA_PICK(scatter_kernels),
      .how = how,
      .out = out,
      .indices = indices,
      .updates = updates,
      .axis = axis,
      .parts = 1,
  };
  int64_t n = indices->shape[axis];
  if (base && (view_size(indices) == 0 || out->strides[axis] != 1 ||
               base->strides[axis] != 1)) {
    copy_run(out, base);
    base = NULL;
  }
  const lz_view* views[] = {indices, updates, out, base};
  walk_make(&job.lines, base ? 4 : 3, views, axis);
  if (job.lines.size == 0 || n == 0 || view_size(out) == 0) return;
  int threads = pool_threads();
  job.across = job.lines.shape[job.lines.ndim - 1];
  int64_t to = out->strides[axis];
  if (job.across >= BESIDE / 4 && walk_stride(&job.lines, 2) == 1 &&
      walk_stride(&job.lines, 0) == 1 && to != 1 && to != -1) {
    int64_t blocks = (job.across + BESIDE - 1) / BESIDE;
    int64_t work = n * (job.across < BESIDE ? job.across : BESIDE);
    pool_for(
        job.lines.size / job.across * blocks,
        GRAIN / (work > GRAIN ? GRAIN : work),
        update_beside,
        &job);
    return;
  }
  job.base = base;
  if (job.lines.size < 2 * threads && n >= GRAIN) job.parts = threads;
  pool_for(
      job.lines.size * job.parts,
      GRAIN / (n > GRAIN ? GRAIN : n),
      update_lines,
      &job);
}

typedef struct slice_job {
  void (*line)(void*, int64_t, const void*, int64_t, int64_t);
  const lz_view* out;
  const lz_view* updates;
  walk space; /* views out, updates */
} slice_job;

static void slice_places(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const slice_job* job = ctx;
  int64_t size = (int64_t)dtype_size(job->out->dtype);
  walk_at at;
  walk_seek(&job->space, &at, begin);
  while (begin < end) {
    int64_t n = walk_left(&job->space, &at);
    if (n > end - begin) n = end - begin;
    job->line(
        (uint8_t*)job->out->data + at.offset[0] * size,
        walk_stride(&job->space, 0),
        (const uint8_t*)job->updates->data + at.offset[1] * size,
        walk_stride(&job->space, 1),
        n);
    begin += n;
    if (begin < end) walk_skip(&job->space, &at, n);
  }
}

void scatter_slice(
    scatter_reduce how, const lz_view* out, const lz_view* updates) {
  assert(out->dtype == updates->dtype);
  if (how == SCATTER_NONE) {
    copy_run(out, updates);
    return;
  }
  int way = how == SCATTER_MAX   ? SCATTER_NAN_MAX
            : how == SCATTER_MIN ? SCATTER_NAN_MIN
                                 : (int)how;
  slice_job job = {
      .line = ISA_PICK(scatter_kernels)->line[way][out->dtype],
      .out = out,
      .updates = updates,
  };
  const lz_view* views[] = {out, updates};
  walk_make(&job.space, 2, views, -1);
  if (job.space.size > 0) pool_for(job.space.size, GRAIN, slice_places, &job);
}

int64_t scatter_offset(
    const lz_view* whole,
    const lz_view* start,
    int n_axes,
    const int* axes,
    const int32_t* sizes) {
  const lz_view* views[] = {start};
  walk w;
  walk_make(&w, 1, views, -1);
  int64_t offset = 0;
  for (int i = 0; i < n_axes; i++) {
    int64_t at;
    index_read(
        start, &w, i, 1, whole->shape[axes[i]], sizes[axes[i]], true, &at);
    offset += at * whole->strides[axes[i]];
  }
  return offset;
}
