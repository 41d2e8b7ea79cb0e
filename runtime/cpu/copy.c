#include "cpu/copy.h"

#include <stdlib.h>
#include <string.h>

#include "cpu/copy_job.h"
#include "cpu/copy_units.h"
#include "cpu/program.h"
#include "cpu/tile.h"
#include "stream/pool.h"

/* PART    bytes that are worth a thread
 * STREAM  bytes from which on an output goes past the caches, and of a row
 *         that may
 * STRIP   bytes that pass through the cache on their way there */
#if defined(LAZULI_HOSTILE)
enum { PART = 64, STREAM = 64, STREAM_ROW = 16, STRIP = 64 };
#else
enum { PART = 256 << 10, STREAM = 4 << 20, STREAM_ROW = 512, STRIP = 4 << 10 };
#endif

/* A row whose elements are apart, past the caches. */
static void stream_step(
    char* to, const char* from, int64_t step, size_t bytes, size_t size) {
  char strip[STRIP] __attribute__((aligned(64)));
  for (size_t n; bytes; bytes -= n, to += n) {
    n = bytes < STRIP ? bytes : STRIP;
    const int columns = (int)(n / size);
    tile_load(strip, from, 0, step, 1, columns, size);
    tile_stream(to, strip, n);
    from += columns * step * (int64_t)size;
  }
}

/* n units of the innermost of their axes, or bytes [skip, skip + bytes) of
 * one. */
static void copy_stretch(
    const copy_job* j,
    char* to,
    const char* from,
    int64_t n,
    size_t skip,
    size_t bytes) {
  const int last = j->ndim - 1;
  const int64_t to_row = j->to_stride[last], row = j->from_stride[last];
  const int64_t size = (int64_t)j->size;
  to += skip;
  if (j->kind == COPY_FILL) {
    copy_fills(to, to_row, from, row, n, bytes, j->size);
  } else if (j->kind == COPY_STEP) {
    from += (int64_t)skip / size * j->step;
    if (j->stream) {
      for (; n--; to += to_row, from += row)
        stream_step(to, from, j->step / size, bytes, j->size);
    } else {
      const int columns = (int)(bytes / j->size);
      tile_move(
          to,
          to_row / size,
          from,
          row / size,
          j->step / size,
          (int)n,
          columns,
          j->size);
    }
  } else if (!j->stream) {
    copy_units(to, to_row, from + skip, row, n, bytes);
  } else {
    for (from += skip; n--; to += to_row, from += row)
      tile_stream(to, from, bytes);
  }
}

/* A unit's place in the shape, and where it begins on either side. */
typedef struct copy_place {
  int64_t index[LZ_MAX_DIMS], to, from;
} copy_place;

static void place_seek(copy_place* p, const copy_job* j, int64_t unit) {
  p->to = p->from = 0;
  for (int d = j->ndim; d-- > 0;) {
    p->index[d] = unit % j->shape[d];
    unit /= j->shape[d];
    p->to += p->index[d] * j->to_stride[d];
    p->from += p->index[d] * j->from_stride[d];
  }
}

/* On by n units of the innermost axis, whose end that does not pass. */
static void place_pass(copy_place* p, const copy_job* j, int64_t n) {
  for (int d = j->ndim - 1; d >= 0; d--, n = 1) {
    p->index[d] += n;
    p->to += n * j->to_stride[d];
    p->from += n * j->from_stride[d];
    if (p->index[d] < j->shape[d]) return;
    p->index[d] = 0;
    p->to -= j->shape[d] * j->to_stride[d];
    p->from -= j->shape[d] * j->from_stride[d];
  }
}

static void copy_part(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const copy_job* j = ctx;
  const int last = j->ndim - 1;
  int64_t chunk = begin % j->chunks;
  copy_place p;
  place_seek(&p, j, begin / j->chunks);
  while (begin < end) {
    size_t skip = (size_t)chunk * j->chunk, bytes = j->bytes;
    int64_t n = 1;
    if (j->chunks > 1) {
      bytes = bytes - skip < j->chunk ? bytes - skip : j->chunk;
    } else {
      n = j->shape[last] - p.index[last];
      if (n > end - begin) n = end - begin;
    }
    copy_stretch(j, j->to + p.to, j->from + p.from, n, skip, bytes);
    begin += n;
    if (++chunk < j->chunks) continue;
    chunk = 0;
    place_pass(&p, j, n);
  }
  if (j->stream) tile_stream_end();
}

/* Axes in the order of their distances in `to`, the furthest first. */
static void sort_axes(
    int ndim, int32_t* shape, int64_t strides[][LZ_MAX_DIMS]) {
  for (int i = 1; i < ndim; i++)
    for (int d = i; d > 0; d--) {
      if (llabs(strides[0][d - 1]) >= llabs(strides[0][d])) break;
      const int32_t n = shape[d];
      shape[d] = shape[d - 1];
      shape[d - 1] = n;
      for (int k = 0; k < 2; k++) {
        const int64_t stride = strides[k][d];
        strides[k][d] = strides[k][d - 1];
        strides[k][d - 1] = stride;
      }
    }
}

/* What a unit is: the innermost axis where that lies together in `to`, if no
 * other lies closer in `from`; or an element. */
static void choose_unit(copy_job* j) {
  const int64_t size = (int64_t)j->size;
  const int last = j->ndim - 1;
  const int64_t step = j->from_stride[last], n = j->shape[last];
  j->kind = COPY_TOGETHER;
  j->bytes = j->size;
  if (n != 1) {
    if (j->to_stride[last] != size) return;
    for (int d = 0; d < last && step != size; d++)
      if (j->from_stride[d] &&
          llabs(j->from_stride[d]) < llabs(step)) /* turned */
        return;
    j->bytes = (size_t)(n * size);
    j->step = step;
    j->kind = step == size ? COPY_TOGETHER : step ? COPY_STEP : COPY_FILL;
  }
  j->ndim = last;
  if (last > 0) return;
  j->ndim = j->shape[0] = 1;
  j->to_stride[0] = j->from_stride[0] = 0;
}

static void copy_same(const lz_view* to, const lz_view* from) {
  copy_job j = {
      .to = to->data, .from = from->data, .size = dtype_size(to->dtype)};
  int64_t strides[2][LZ_MAX_DIMS];
  int64_t elements = 1;
  for (int d = 0; d < to->ndim; d++) {
    j.shape[d] = to->shape[d];
    strides[0][d] = to->strides[d];
    strides[1][d] = from->strides[d];
    elements *= to->shape[d];
  }
  if (elements == 0) return;
  sort_axes(to->ndim, j.shape, strides);
  j.ndim = view_collapse(2, to->ndim, j.shape, strides);
  for (int d = 0; d < j.ndim; d++) {
    j.to_stride[d] = strides[0][d] * (int64_t)j.size;
    j.from_stride[d] = strides[1][d] * (int64_t)j.size;
  }
  choose_unit(&j);
  const size_t total = (size_t)elements * j.size;
  j.units = (int64_t)(total / j.bytes);
  if (copy_turned(&j)) return;
  j.chunk = PART;
  j.chunks = j.units < 64 && j.bytes > PART
                 ? (int64_t)((j.bytes + PART - 1) / PART)
                 : 1;
  j.stream = j.kind != COPY_FILL && total >= STREAM && j.bytes >= STREAM_ROW &&
             j.to != j.from;
  size_t unit = j.chunks > 1 ? PART : j.bytes;
  pool_for(j.units * j.chunks, (int64_t)(PART / unit), copy_part, &j);
}

void copy_run(const lz_view* to, const lz_view* from) {
  if (to->dtype == from->dtype) {
    copy_same(to, from);
    return;
  }
  /* The finished program of one conversion. */
  static const uint16_t source = 0, result = 1;
  size_t size = dtype_size(to->dtype), other = dtype_size(from->dtype);
  lz_instr convert = {
      .op = EW_ASTYPE,
      .dtype = (uint8_t)from->dtype,
      .out_dtype = (uint8_t)to->dtype,
      .dst = result,
      .src = {source, source, source}};
  lz_program p = {
      .n_inputs = 1,
      .n_outputs = 1,
      .n_instrs = 1,
      .n_registers = 2,
      .cost = 2,
      .max_size = (int)(size > other ? size : other),
      .n_bound = 2,
      .instrs = &convert,
      .output_registers = &result};
  program_run(&p, to->ndim, to->shape, from, to);
}
