/* Boolean masks: elements that take the next value of a source. */
#include "cpu/scatter.h"
#include "cpu/walk.h"
#include "stream/pool.h"

enum {
  CHUNKS = 256, /* of one batch: each counts its trues first */
  GRAIN = 16384 /* mask elements worth a thread's while */
};

typedef struct masked_job {
  const lz_view* out;
  const lz_view* mask;
  const lz_view* src;
  walk space;                 /* views mask, out: all axes */
  walk values;                /* view src: all axes */
  int64_t batch, n, n_values; /* elements of a batch */
  int64_t chunk;
  int64_t* counts; /* trues of each chunk, then those before it */
} masked_job;

static int64_t count_true(const uint8_t* mask, int64_t stride, int64_t n) {
  int64_t count = 0;
  if (stride == 1) {
    for (int64_t i = 0; i < n; i += 128) {
      uint8_t some = 0;
      int64_t m = n - i < 128 ? n - i : 128;
      for (int64_t k = 0; k < m; k++) some += mask[i + k] != 0;
      count += some;
    }
    return count;
  }
  for (int64_t i = 0; i < n; i++) count += mask[i * stride] != 0;
  return count;
}

static int64_t chunk_end(const masked_job* job, int64_t c) {
  int64_t end = (c + 1) * job->chunk;
  return end < job->n ? end : job->n;
}

static void count_chunks(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const masked_job* job = ctx;
  for (; begin < end; begin++) {
    int64_t place = begin * job->chunk, last = chunk_end(job, begin);
    walk_at at;
    walk_seek(&job->space, &at, job->batch * job->n + place);
    int64_t count = 0;
    while (place < last) {
      int64_t run = walk_left(&job->space, &at);
      if (run > last - place) run = last - place;
      count += count_true(
          (const uint8_t*)job->mask->data + at.offset[0],
          walk_stride(&job->space, 0),
          run);
      place += run;
      if (place < last) walk_skip(&job->space, &at, run);
    }
    job->counts[begin] = count;
  }
}

#define TAKE(T)                                                  \
  do {                                                           \
    T* out = to;                                                 \
    for (int64_t i = 0; i < run; i++)                            \
      if (mask[i * mask_stride]) {                               \
        out[i * out_stride] = ((const T*)src)[values.offset[0]]; \
        if (--left == 0) return;                                 \
        walk_next(&job->values, &values);                        \
      }                                                          \
  } while (0)

static void fill_chunks(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const masked_job* job = ctx;
  int64_t size = (int64_t)dtype_size(job->out->dtype);
  const void* src = job->src->data;
  int64_t mask_stride = walk_stride(&job->space, 0);
  int64_t out_stride = walk_stride(&job->space, 1);
  int64_t place = begin * job->chunk, last = chunk_end(job, end - 1);
  int64_t before = job->counts[begin];
  int64_t left = job->counts[end] - before;
  if (left == 0) return;
  walk_at at, values;
  walk_seek(&job->space, &at, job->batch * job->n + place);
  walk_seek(&job->values, &values, job->batch * job->n_values + before);
  while (place < last) {
    int64_t run = walk_left(&job->space, &at);
    if (run > last - place) run = last - place;
    const uint8_t* mask = (const uint8_t*)job->mask->data + at.offset[0];
    void* to = (uint8_t*)job->out->data + at.offset[1] * size;
    switch (size) {
      case 1:
        TAKE(uint8_t);
        break;
      case 2:
        TAKE(uint16_t);
        break;
      case 4:
        TAKE(uint32_t);
        break;
      default:
        TAKE(uint64_t);
        break;
    }
    place += run;
    if (place < last) walk_skip(&job->space, &at, run);
  }
}

int scatter_masked(
    const lz_view* out, const lz_view* mask, const lz_view* src) {
  assert(out->dtype == src->dtype && mask->dtype == DTYPE_BOOL);
  masked_job job = {.out = out, .mask = mask, .src = src};
  const lz_view* views[] = {mask, out};
  const lz_view* value_views[] = {src};
  walk_make(&job.space, 2, views, -1);
  walk_make(&job.values, 1, value_views, -1);
  if (job.space.size == 0) return 0;
  int64_t batches = mask->shape[0];
  job.n = job.space.size / batches;
  job.n_values = job.values.size / batches;
  job.chunk = (job.n + CHUNKS - 1) / CHUNKS;
  if (job.chunk < 1024) job.chunk = 1024;
  int64_t chunks = (job.n + job.chunk - 1) / job.chunk;
  int64_t grain = GRAIN / (job.chunk > GRAIN ? GRAIN : job.chunk);
  int64_t counts[CHUNKS + 1];
  job.counts = counts;
  for (job.batch = 0; job.batch < batches; job.batch++) {
    pool_for(chunks, grain, count_chunks, &job);
    int64_t sum = 0;
    for (int64_t c = 0; c < chunks; c++) {
      int64_t count = counts[c];
      counts[c] = sum;
      sum += count;
    }
    counts[chunks] = sum;
    if (sum > job.n_values) return -1;
    pool_for(chunks, grain, fill_chunks, &job);
  }
  return 0;
}
