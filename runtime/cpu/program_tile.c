/* Tiles of a program: every register is bound to memory, to the arrays
 * themselves where the tile is contiguous there, to scratch that stays in cache
 * where not. */
#include <string.h>

#include "cpu/program_job.h"
#include "cpu/tile.h"

/* What a buffer holds: so much of what stands at `base`. */
typedef struct held {
  const char* base;
  int rows, columns;
} held;

/* State of one thread within a job. */
typedef struct part {
  const program_job* job;
  char** buffer;              /* scratch of each register */
  char** r;                   /* what each register is bound to */
  int64_t* offset;            /* of the plane in each array, and its place */
  held* held;                 /* in the buffer of each input */
  int64_t index[LZ_MAX_DIMS]; /* of the plane among the others */
} part;

/* A tile: part of the plane at the offsets. */
typedef struct tile {
  int64_t row, column; /* its first */
  int rows, columns;
  bool ragged; /* its elements are no multiple of EW_PAD: kernels would read and
                  write beyond it, so arrays are copied */
} tile;

static void run_iota(
    const lz_instr* in,
    const lz_immediate* m,
    char* to,
    int n,
    int columns,
    int64_t place,
    int64_t row_places) {
  size_t size = dtype_size(in->dtype);
  for (; n > 0; n -= columns, place += row_places) {
    ew_iota(in->dtype, to, &m->value, &m->step, place, columns);
    to += (size_t)columns * size;
  }
}

/* An instruction that takes long, in pieces, and before each the lines of its
 * share of the next tile: memory is busy while the processor computes. */
static void run_long(
    const lz_instr* in, ew_fn fn, char** r, int n, program_next* a) {
  const size_t to = dtype_size(in->out_dtype), from = dtype_size(in->dtype);
  for (int at = 0; at < n; at += PROGRAM_PIECE) {
    for (int k = 0; k < a->count; k++) {
      for (int l = 0; l < a->lines[k]; l++)
        __builtin_prefetch(a->at[k] + l * PROGRAM_LINE);
      a->at[k] += a->lines[k] * PROGRAM_LINE;
    }
    fn(r[in->dst] + (size_t)at * to,
       r[in->src[0]] + (size_t)at * from,
       r[in->src[1]] + (size_t)at * from,
       r[in->src[2]] + (size_t)at * from,
       n - at < PROGRAM_PIECE ? n - at : PROGRAM_PIECE);
  }
}

void program_job_instrs(
    const lz_program* p,
    const ew_fn* fn,
    char** r,
    int n,
    int columns,
    int64_t place,
    int64_t row_places,
    bool constants,
    const bool* split,
    program_next* ahead) {
  int padded = (n + EW_PAD - 1) & -EW_PAD;
  for (int i = 0; i < p->n_instrs; i++) {
    const lz_instr* in = &p->instrs[i];
    if (ahead && split[i]) {
      run_long(in, fn[i], r, padded, ahead);
      continue;
    }
    if (fn[i]) {
      fn[i](r[in->dst], r[in->src[0]], r[in->src[1]], r[in->src[2]], padded);
      continue;
    }
    const lz_immediate* m = &p->immediates[in->src[0]];
    if (in->op == EW_IOTA)
      run_iota(in, m, r[in->dst], n, columns, place, row_places);
    else if (constants || in->dst < p->n_bound)
      tile_fill(r[in->dst], m->value.bytes, padded, dtype_size(in->dtype));
  }
}

static int64_t row_stride(const program_job* j, int view) {
  return j->row_axis == PROGRAM_NONE ? 0 : j->strides[view][j->row_axis];
}

static void bind_input(part* t, int i, const tile* at) {
  const program_job* j = t->job;
  const lz_view* v = &j->inputs[i];
  size_t size = dtype_size(v->dtype);
  int64_t column = j->strides[i][j->column_axis], row = row_stride(j, i);
  int64_t first = t->offset[i] + at->row * row + at->column * column;
  char* base = (char*)v->data + first * (int64_t)size;
  held* h;
  size_t n;
  switch ((enum binding)j->binding[i]) {
    case BIND_SPLAT:
      return;
    case BIND_ROW:
      if (t->held[i].base == base) return;
      t->held[i].base = base;
      tile_fill(t->buffer[i], base, j->tile_columns, size);
      return;
    case BIND_DIRECT:
      t->r[i] = base;
      if (!at->ragged) return;
      n = (size_t)at->rows * (size_t)at->columns;
      memcpy(t->buffer[i], base, n * size);
      memset(t->buffer[i] + n * size, 0, (-n % EW_PAD) * size);
      t->r[i] = t->buffer[i];
      return;
    case BIND_PLANE:
      h = &t->held[i];
      if (h->base == base && h->rows >= at->rows && h->columns == at->columns)
        return;
      *h = (held){base, at->rows, at->columns};
      tile_load(t->buffer[i], base, row, column, at->rows, at->columns, size);
      return;
    case BIND_GATHER:
      tile_gather(
          t->buffer[i],
          v->data,
          size,
          j->ndim,
          j->shape,
          j->strides[i],
          at->column,
          at->columns);
      return;
  }
}

static char* output_base(const part* t, int o, const tile* at) {
  const program_job* j = t->job;
  int v = j->p->n_inputs + o;
  int64_t first = t->offset[v] + at->row * row_stride(j, v) +
                  at->column * j->strides[v][j->column_axis];
  return (char*)j->outputs[o].data +
         first * (int64_t)dtype_size(j->outputs[o].dtype);
}

static void bind_output(part* t, int o, const tile* at) {
  int reg = t->job->owner[o];
  if (reg == PROGRAM_NONE) return;
  t->r[reg] = at->ragged ? t->buffer[reg] : output_base(t, o, at);
}

static void store_output(part* t, int o, const tile* at) {
  const program_job* j = t->job;
  if (j->owner[o] != PROGRAM_NONE && !at->ragged) return;
  int v = j->p->n_inputs + o;
  const char* from = t->r[j->p->output_registers[o]];
  size_t size = dtype_size(j->outputs[o].dtype);
  if (j->binding[v] == BIND_GATHER) {
    tile_scatter(
        j->outputs[o].data,
        from,
        size,
        j->ndim,
        j->shape,
        j->strides[v],
        at->column,
        at->columns);
    return;
  }
  char* base = output_base(t, o, at);
  if (base == from) return; /* an input passed on to its own place */
  if (j->stream[o]) {
    int64_t row = row_stride(j, v) * (int64_t)size;
    size_t bytes = (size_t)at->columns * size;
    int rows = at->rows;
    if (row == (int64_t)bytes) { /* one stretch */
      bytes *= (size_t)rows;
      rows = 1;
    }
    for (int k = 0; k < rows; k++, base += row, from += bytes)
      tile_stream(base, from, bytes);
    return;
  }
  tile_store(
      base,
      from,
      row_stride(j, v),
      j->strides[v][j->column_axis],
      at->rows,
      at->columns,
      size);
}

static void run_tile(part* t, const tile* at) {
  const program_job* j = t->job;
  const lz_program* p = j->p;
  int places = p->n_inputs + p->n_outputs;
  for (int i = 0; i < p->n_inputs; i++) bind_input(t, i, at);
  for (int o = 0; o < p->n_outputs; o++) bind_output(t, o, at);
  int64_t row_places = row_stride(j, places);
  program_next next = {.count = 0};
  if (j->pieces) {
    for (int i = 0; i < p->n_inputs && next.count < PROGRAM_AHEAD; i++) {
      if (j->binding[i] != BIND_DIRECT) continue;
      size_t bytes =
          (size_t)(at->rows * at->columns) * dtype_size(j->inputs[i].dtype);
      next.at[next.count] = t->r[i] + bytes;
      int lines = (int)(bytes / PROGRAM_LINE);
      next.lines[next.count++] = (lines + j->pieces - 1) / j->pieces;
    }
  }
  program_job_instrs(
      p,
      j->fn,
      t->r,
      at->rows * at->columns,
      j->row_step ? at->rows * at->columns : at->columns,
      t->offset[places] + at->row * row_places + at->column,
      row_places,
      false,
      j->split,
      next.count ? &next : NULL);
  for (int o = 0; o < p->n_outputs; o++) store_output(t, o, at);
}

/* The offsets of plane number `plane` among the others. */
static void place_plane(part* t, int64_t plane) {
  const program_job* j = t->job;
  int n = j->p->n_inputs + j->p->n_outputs + 1;
  for (int v = 0; v < n; v++) t->offset[v] = 0;
  for (int d = j->ndim; d-- > 0;) {
    if (d == j->row_axis || d == j->column_axis) continue;
    t->index[d] = plane % j->shape[d];
    plane /= j->shape[d];
    for (int v = 0; v < n; v++) t->offset[v] += t->index[d] * j->strides[v][d];
  }
}

static void pass_plane(part* t) {
  const program_job* j = t->job;
  int n = j->p->n_inputs + j->p->n_outputs + 1;
  for (int d = j->ndim; d-- > 0;) {
    if (d == j->row_axis || d == j->column_axis) continue;
    bool more = ++t->index[d] < j->shape[d];
    int64_t by = more ? 1 : 1 - j->shape[d];
    for (int v = 0; v < n; v++) t->offset[v] += by * j->strides[v][d];
    if (more) return;
    t->index[d] = 0;
  }
}

static void run_unit(part* t, int64_t across, int64_t down) {
  const program_job* j = t->job;
  tile at = {
      .row = down * j->tile_rows,
      .column = across * j->tile_columns,
      .rows = j->tile_rows,
      .columns = j->tile_columns};
  if (at.rows > j->rows - at.row) at.rows = (int)(j->rows - at.row);
  if (at.columns > j->columns - at.column)
    at.columns = (int)(j->columns - at.column);
  if (j->row_step) {
    int rest = at.rows % j->row_step;
    at.rows -= rest;
    if (at.rows) run_tile(t, &at);
    if (rest == 0) return;
    at.row += at.rows;
    at.rows = rest;
  } else {
    int rest = at.columns % EW_PAD;
    if (rest == 0 || j->row_axis != PROGRAM_NONE) {
      run_tile(t, &at);
      return;
    }
    at.columns -= rest;
    if (at.columns) run_tile(t, &at);
    at.column += at.columns;
    at.columns = rest;
  }
  at.ragged = true;
  run_tile(t, &at);
}

void program_job_part(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const program_job* j = ctx;
  const lz_program* p = j->p;
  int n_views = p->n_inputs + p->n_outputs;
  int most = j->tile_rows * j->tile_columns;
  /* One more EW_PAD: ramps are written row by row, each padded. */
  size_t slot = ((size_t)most + EW_PAD) * (size_t)p->max_size;
  slot = (slot + 63) / 64 * 64;
  char scratch[slot * (size_t)p->n_registers] __attribute__((aligned(64)));
  char *buffer[p->n_registers], *r[p->n_registers];
  int64_t offset[n_views + 1];
  held in_buffer[n_views];
  part t = {j, buffer, r, offset, in_buffer, {0}};
  for (int i = 0; i < p->n_registers; i++)
    buffer[i] = r[i] = scratch + (size_t)i * slot;
  for (int i = 0; i < p->n_inputs; i++) {
    in_buffer[i].base = NULL;
    if (j->binding[i] == BIND_SPLAT && !(p->unread >> i & 1))
      tile_fill(
          buffer[i], j->inputs[i].data, most, dtype_size(j->inputs[i].dtype));
  }
  for (int i = 0; i < p->n_instrs; i++) {
    const lz_instr* in = &p->instrs[i];
    if (in->op == EW_CONST && in->dst >= p->n_bound)
      tile_fill(
          r[in->dst],
          p->immediates[in->src[0]].value.bytes,
          most,
          dtype_size(in->dtype));
  }
  int64_t tiles = j->row_tiles * j->column_tiles, plane = begin / tiles;
  int64_t across = (begin - plane * tiles) / j->row_tiles;
  int64_t down = begin - plane * tiles - across * j->row_tiles;
  place_plane(&t, plane);
  for (int64_t u = begin; u < end; u++) {
    run_unit(&t, across, down);
    if (++down < j->row_tiles) continue;
    down = 0;
    if (++across < j->column_tiles || u + 1 == end) continue;
    across = 0;
    pass_plane(&t);
  }
  tile_stream_end();
}
