/* Copies whose units are neighbours along one axis of the input and another of
 * the output: in blocks, so that a line of memory on either side is used whole
 * while it is near. */
#include <stdlib.h>
#include <string.h>

#include "cpu/copy_job.h"
#include "cpu/copy_units.h"
#include "cpu/tile.h"
#include "stream/pool.h"

/* LINE          bytes that come from memory at once
 * DOWN, ACROSS  bytes of a block along either side's own rows
 * UNIT          bytes of units that are too long to share lines
 * STREAM        bytes from which on an output goes past the caches: lines that
 *               lie far apart drive each other out of the cache's sets
 * PART          bytes that are worth a thread */
#if defined(LAZULI_HOSTILE)
enum { LINE = 16, DOWN = 32, ACROSS = 16, UNIT = 64, STREAM = 64, PART = 64 };
#else
enum {
  LINE = 64,
  DOWN = 256,
  ACROSS = 128,
  UNIT = 512,
  STREAM = 512 << 10,
  PART = 128 << 10
};
#endif
/* Bytes of a block, and of a row of it. */
enum { TILE = DOWN * ACROSS + 64, STRIP = ACROSS * UNIT };

/* One of the axes of a block: how many units of which axis, or one of none. The
 * first block may be smaller by `lead`. */
typedef struct side {
  int axis; /* or -1 */
  int64_t extent, lead, block, blocks;
  int64_t to, from; /* strides */
} side;

typedef struct turned_job {
  const copy_job* j;
  side down, middle, across;
  bool stream;
} turned_job;

static side side_make(
    const copy_job* j, int axis, int64_t block, int64_t lead) {
  side s = {axis, 1, 0, 1, 1, 0, 0};
  if (axis < 0) return s;
  s.extent = j->shape[axis];
  s.lead = lead;
  s.block = block < 1 ? 1 : block;
  if (s.block >= s.extent) {
    s.block = s.extent;
    s.lead = 0;
  }
  s.blocks = (s.extent + s.lead + s.block - 1) / s.block;
  s.to = j->to_stride[axis];
  s.from = j->from_stride[axis];
  return s;
}

/* Units of block number i, and where they begin. */
static int side_part(const side* s, int64_t i, char** to, const char** from) {
  int64_t first = i * s->block - s->lead, end = first + s->block;
  if (first < 0) first = 0;
  if (end > s->extent) end = s->extent;
  *to += first * s->to;
  *from += first * s->from;
  return (int)(end - first);
}

static void block_elements(
    const turned_job* t,
    char* to,
    const char* from,
    int rows,
    int middles,
    int columns) {
  const copy_job* j = t->j;
  const int64_t size = (int64_t)j->size;
  const side *d = &t->down, *m = &t->middle, *a = &t->across;
  const int wide = middles * columns;
  char tile[TILE] __attribute__((aligned(64)));
  /* Lines so far apart come with no stream of their own. */
  for (int r = 0; r < rows && !t->stream && a->to == size; r++)
    for (int64_t at = 0; at < wide * size; at += LINE)
      __builtin_prefetch(to + r * d->to + at, 1);
  for (int k = 0; k < middles; k++)
    tile_move(
        tile + k * columns * size,
        wide,
        from + k * m->from,
        d->from / size,
        a->from / size,
        rows,
        columns,
        j->size);
  if (t->stream) {
    for (int r = 0; r < rows; r++)
      tile_stream(
          to + r * d->to, tile + r * wide * size, (size_t)(wide * size));
  } else {
    tile_store(to, tile, d->to / size, a->to / size, rows, wide, j->size);
  }
}

/* A row of units. */
static void block_row(
    const turned_job* t, char* to, const char* from, int64_t row, int columns) {
  const copy_job* j = t->j;
  char strip[STRIP] __attribute__((aligned(64)));
  char* at = t->stream ? strip : to;
  if (j->kind == COPY_TOGETHER)
    copy_units(at, t->across.to, from, row, columns, j->bytes);
  else
    copy_fills(at, t->across.to, from, row, columns, j->bytes, j->size);
  if (t->stream) tile_stream(to, strip, (size_t)columns * j->bytes);
}

static void block_units(
    const turned_job* t, char* to, const char* from, int rows, int columns) {
  const copy_job* j = t->j;
  const side *d = &t->down, *a = &t->across;
  const int64_t size = (int64_t)j->size;
  char tile[TILE] __attribute__((aligned(64)));
  int64_t row = d->from, apart = a->from;
  if (j->kind == COPY_FILL) {
    tile_load(tile, from, row / size, apart / size, rows, columns, j->size);
    from = tile;
    row = columns * size;
    apart = size;
  }
  for (int r = 0; r < rows; r++)
    block_row(t, to + r * d->to, from + r * row, apart, columns);
}

static void turned_part(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const turned_job* t = ctx;
  const copy_job* j = t->j;
  for (int64_t i = begin; i < end; i++) {
    char* to = j->to;
    const char* from = j->from;
    int64_t at = i;
    const int rows = side_part(&t->down, at % t->down.blocks, &to, &from);
    at /= t->down.blocks;
    const int middles =
        side_part(&t->middle, at % t->middle.blocks, &to, &from);
    at /= t->middle.blocks;
    const int columns =
        side_part(&t->across, at % t->across.blocks, &to, &from);
    at /= t->across.blocks;
    for (int d = j->ndim; d-- > 0;) {
      if (d == t->down.axis || d == t->middle.axis || d == t->across.axis)
        continue;
      const int64_t index = at % j->shape[d];
      at /= j->shape[d];
      to += index * j->to_stride[d];
      from += index * j->from_stride[d];
    }
    if (j->bytes == j->size)
      block_elements(t, to, from, rows, middles, columns);
    else
      block_units(t, to, from, rows, columns);
  }
  if (t->stream) tile_stream_end();
}

/* The axis whose units are nearest to each other in the input, nearer than
 * those of the innermost one; or -1. */
static int down_axis(const copy_job* j) {
  int axis = j->ndim - 1;
  for (int d = 0; d < j->ndim; d++) {
    const int64_t apart = llabs(j->from_stride[d]);
    if (j->shape[d] > 1 && apart && apart < llabs(j->from_stride[axis]))
      axis = d;
  }
  return axis < j->ndim - 1 ? axis : -1;
}

bool copy_turned(const copy_job* j) {
  const int last = j->ndim - 1;
  const bool elements = j->bytes == j->size;
  const int down = down_axis(j);
  if (down < 0 || j->kind == COPY_STEP) return false;
  /* Units that are long, or whose neighbours share no line. */
  if (!elements && (j->bytes >= UNIT || llabs(j->from_stride[down]) >= LINE ||
                    llabs(j->from_stride[last]) < LINE))
    return false;
  /* A unit is made of so many bytes of the input. */
  const int64_t bytes = (int64_t)(j->kind == COPY_FILL ? j->size : j->bytes);
  const int64_t wide = (int64_t)j->bytes;
  const bool dense = j->to_stride[last] == wide && j->to != j->from;
  int64_t rows = DOWN / bytes, columns = ACROSS / bytes;
  int64_t middles = 1, lead = 0;
  int middle = -1;
  turned_job t = {.j = j, .stream = dense && j->units * wide >= STREAM};
  if (j->shape[down] < rows) {
    if (elements) columns = columns * rows / j->shape[down];
    rows = j->shape[down];
  } else if (elements && j->shape[last] < columns && last > 0) {
    /* Rows of the output go on along the next axis. */
    if (last - 1 != down &&
        j->to_stride[last - 1] == j->shape[last] * j->to_stride[last]) {
      middle = last - 1;
      middles = columns / j->shape[last];
    }
  } else if (t.stream && elements) {
    /* Blocks of whole lines, or of more of them where rows are shifted. */
    lead = (int64_t)((uintptr_t)j->to % LINE) / bytes;
    for (int d = 0; d < last; d++)
      if (j->to_stride[d] % LINE) {
        rows = DOWN / 2 / bytes;
        columns = ACROSS * 2 / bytes;
      }
  }
  t.down = side_make(j, down, rows, 0);
  t.middle = side_make(j, middle, middles, 0);
  t.across = side_make(j, last, columns, lead);
  const int64_t units = t.down.block * t.middle.block * t.across.block;
  if (t.middle.block * t.across.block * wide < LINE) t.stream = false;
  int64_t blocks = t.down.blocks * t.middle.blocks * t.across.blocks;
  for (int d = 0; d < j->ndim; d++)
    if (d != down && d != middle && d != last) blocks *= j->shape[d];
  pool_for(blocks, PART / (units * wide) + 1, turned_part, &t);
  return true;
}
