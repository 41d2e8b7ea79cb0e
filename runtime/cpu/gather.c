#include "cpu/gather.h"

#include "cpu/index.h"
#include "cpu/tile.h"
#include "stream/pool.h"

enum {
  BLOCK = 512,
  GRAIN = 16384, /* elements worth a thread's while */
#if defined(LAZULI_HOSTILE)
  STREAM_BYTES = 64,
#else
  STREAM_BYTES = 4 << 20, /* of an output that goes past the caches */
#endif
  STREAM_RUN = 512 /* bytes that lie together, at least */
};

typedef struct gather_job {
  const lz_view* src;
  const lz_view* out;
  int n_indices;
  const lz_view* indices;
  const int* axes;
  const int32_t* slice_sizes;
  walk index_walks[LZ_MAX_DIMS]; /* view 0: the index array */
  walk places;                   /* view 0: out, over the index axes */
  walk slice;                    /* views src, out, over the slice */
  bool whole;                    /* slices are one run */
  bool stream;                   /* and the output is large */
} gather_job;

/* to[i·to_stride] = from[i·from_stride + positions[i]·scale]. Not vectorised:
 * gather instructions take twice the time of single loads. */
#define PICK(T)                                                       \
  do {                                                                \
    const T* s = from;                                                \
    T* d = to;                                                        \
    if (to_stride == 1 && from_stride == 0 && scale == 1)             \
      for (int64_t i = 0; i < n; i++) d[i] = s[positions[i]];         \
    else                                                              \
      for (int64_t i = 0; i < n; i++)                                 \
        d[i * to_stride] = s[i * from_stride + positions[i] * scale]; \
  } while (0)

static void pick(
    void* to,
    int64_t to_stride,
    const void* from,
    int64_t from_stride,
    const int64_t* positions,
    int64_t scale,
    int64_t n,
    size_t size) {
  switch (size) {
    case 1:
      PICK(uint8_t);
      break;
    case 2:
      PICK(uint16_t);
      break;
    case 4:
      PICK(uint32_t);
      break;
    default:
      PICK(uint64_t);
      break;
  }
}

/* Where the slices of index tuples [begin, begin+n) start in src. */
static void starts(
    const gather_job* job, int64_t begin, int64_t n, int64_t* offsets) {
  int64_t positions[BLOCK];
  memset(offsets, 0, (size_t)n * sizeof *offsets);
  for (int k = 0; k < job->n_indices; k++) {
    int axis = job->axes[k];
    int64_t stride = job->src->strides[axis];
    index_read(
        &job->indices[k],
        &job->index_walks[k],
        begin,
        n,
        job->src->shape[axis],
        job->slice_sizes[axis],
        true,
        positions);
    for (int64_t i = 0; i < n; i++) offsets[i] += positions[i] * stride;
  }
}

static void copy_slice(
    const gather_job* job, uint8_t* out, const uint8_t* src) {
  size_t size = dtype_size(job->src->dtype);
  walk_at at;
  walk_seek(&job->slice, &at, 0);
  for (int64_t i = 0; i < job->slice.size;) {
    int64_t run = walk_left(&job->slice, &at);
    walk_copy(
        out + at.offset[1] * (int64_t)size,
        walk_stride(&job->slice, 1),
        src + at.offset[0] * (int64_t)size,
        walk_stride(&job->slice, 0),
        run,
        size);
    i += run;
    if (i < job->slice.size) walk_skip(&job->slice, &at, run);
  }
}

#define COPY_FIXED(n)    \
  case n:                \
    memcpy(to, from, n); \
    return

/* A few bytes cost more to call memcpy for than to move. */
static inline void copy_bytes(uint8_t* to, const uint8_t* from, size_t n) {
  switch (n) {
    COPY_FIXED(2);
    COPY_FIXED(4);
    COPY_FIXED(8);
    COPY_FIXED(16);
    COPY_FIXED(32);
  }
  memcpy(to, from, n);
}

static void gather_places(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const gather_job* job = ctx;
  size_t size = dtype_size(job->src->dtype);
  const uint8_t* src = job->src->data;
  uint8_t* out = job->out->data;
  int64_t offsets[BLOCK];
  walk_at at;
  walk_seek(&job->places, &at, begin);
  while (begin < end) {
    int64_t n = end - begin < BLOCK ? end - begin : BLOCK;
    starts(job, begin, n, offsets);
    for (int64_t i = 0; i < n;) {
      int64_t run = walk_left(&job->places, &at);
      if (run > n - i) run = n - i;
      uint8_t* to = out + at.offset[0] * (int64_t)size;
      int64_t stride = walk_stride(&job->places, 0);
      if (job->slice.size == 1)
        pick(to, stride, src, 0, offsets + i, 1, run, size);
      else if (job->stream)
        for (int64_t j = 0; j < run; j++)
          tile_stream(
              to + j * stride * (int64_t)size,
              src + offsets[i + j] * (int64_t)size,
              (size_t)job->slice.size * size);
      else if (job->whole)
        for (int64_t j = 0; j < run; j++)
          copy_bytes(
              to + j * stride * (int64_t)size,
              src + offsets[i + j] * (int64_t)size,
              (size_t)job->slice.size * size);
      else
        for (int64_t j = 0; j < run; j++)
          copy_slice(
              job,
              to + j * stride * (int64_t)size,
              src + offsets[i + j] * (int64_t)size);
      i += run;
      walk_skip(&job->places, &at, run);
    }
    begin += n;
  }
  tile_stream_end();
}

static void fill_zero(const lz_view* out) {
  const lz_view* views[] = {out};
  walk w;
  walk_make(&w, 1, views, -1);
  size_t size = dtype_size(out->dtype);
  walk_at at;
  walk_seek(&w, &at, 0);
  for (int64_t i = 0; i < w.size; i++, walk_next(&w, &at))
    memset((uint8_t*)out->data + at.offset[0] * (int64_t)size, 0, size);
}

void gather_run(
    const lz_view* src,
    int n_indices,
    const lz_view* indices,
    const int* axes,
    const int32_t* slice_sizes,
    const lz_view* out) {
  assert(src->dtype == out->dtype);
  int index_ndim = out->ndim - src->ndim;
  gather_job job = {
      .src = src,
      .out = out,
      .n_indices = n_indices,
      .indices = indices,
      .axes = axes,
      .slice_sizes = slice_sizes,
  };
  for (int k = 0; k < n_indices; k++) {
    const lz_view* views[] = {&indices[k]};
    walk_make(&job.index_walks[k], 1, views, -1);
  }
  lz_view places = {
      out->data, out->dtype, index_ndim, out->shape, out->strides};
  lz_view to = {
      out->data, out->dtype, src->ndim, slice_sizes, out->strides + index_ndim};
  lz_view from = {src->data, src->dtype, src->ndim, slice_sizes, src->strides};
  const lz_view* place_views[] = {&places};
  const lz_view* slice_views[] = {&from, &to};
  walk_make(&job.places, 1, place_views, -1);
  walk_make(&job.slice, 2, slice_views, -1);
  if (job.places.size == 0 || job.slice.size == 0) return;
  if (view_size(src) == 0) {
    fill_zero(out);
    return;
  }
  size_t run = (size_t)job.slice.size * dtype_size(src->dtype);
  job.whole = view_is_contiguous(&from) && view_is_contiguous(&to);
  job.stream = job.whole && run >= STREAM_RUN &&
               (size_t)job.places.size * run >= STREAM_BYTES;
  int64_t slice = job.slice.size > GRAIN ? GRAIN : job.slice.size;
  pool_for(job.places.size, GRAIN / slice, gather_places, &job);
}

typedef struct along_job {
  walk space; /* views indices, src (its axis still), out */
  const lz_view* src;
  const lz_view* indices;
  const lz_view* out;
  int axis;
} along_job;

static void along_places(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const along_job* job = ctx;
  int64_t positions[BLOCK];
  int64_t size = (int64_t)dtype_size(job->src->dtype);
  int64_t index_size = (int64_t)dtype_size(job->indices->dtype);
  int64_t axis_stride = job->src->strides[job->axis];
  walk_at at;
  walk_seek(&job->space, &at, begin);
  while (begin < end) {
    int64_t n = walk_left(&job->space, &at);
    if (n > end - begin) n = end - begin;
    if (n > BLOCK) n = BLOCK;
    index_run(
        job->indices->dtype,
        (const uint8_t*)job->indices->data + at.offset[0] * index_size,
        walk_stride(&job->space, 0),
        n,
        job->src->shape[job->axis],
        1,
        true,
        positions);
    const void* from = (const uint8_t*)job->src->data + at.offset[1] * size;
    void* to = (uint8_t*)job->out->data + at.offset[2] * size;
    int64_t from_stride = walk_stride(&job->space, 1);
    int64_t to_stride = walk_stride(&job->space, 2);
    pick(
        to,
        to_stride,
        from,
        from_stride,
        positions,
        axis_stride,
        n,
        (size_t)size);
    begin += n;
    if (begin < end) walk_skip(&job->space, &at, n);
  }
}

void gather_along(
    const lz_view* src, const lz_view* indices, int axis, const lz_view* out) {
  assert(src->dtype == out->dtype);
  int64_t still[LZ_MAX_DIMS];
  for (int i = 0; i < src->ndim; i++)
    still[i] = i == axis || src->shape[i] == 1 ? 0 : src->strides[i];
  lz_view lines = {src->data, src->dtype, src->ndim, indices->shape, still};
  const lz_view* views[] = {indices, &lines, out};
  along_job job = {.src = src, .indices = indices, .out = out, .axis = axis};
  walk_make(&job.space, 3, views, -1);
  if (job.space.size == 0) return;
  if (view_size(src) == 0) {
    fill_zero(out);
    return;
  }
  pool_for(job.space.size, GRAIN, along_places, &job);
}
