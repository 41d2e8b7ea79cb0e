/* Running a program: the shape is cut into tiles, and for each tile every
 * register is bound to memory: to the arrays themselves where they are
 * contiguous, to scratch that stays in cache where not. */
#include <string.h>

#include "cpu/program.h"
#include "cpu/tile.h"
#include "stream/pool.h"

enum {
  SCRATCH_TARGET = 24 * 1024, /* bytes of scratch that a tile should touch */
  TILE_MAX = 4096,
  TILE_MIN = 128,
  ROW_MIN = 128,        /* shorter rows are gathered several at a time */
  PART_COST = 48 * 1024 /* elements times cost that are worth a thread */
};

/* How an array meets its register. */
enum binding {
  DIRECT,  /* the tile is contiguous in the array */
  SPLAT,   /* one element for the whole shape */
  ROW_ONE, /* one element a row */
  STRIDED, /* a constant stride within the row */
  GATHER   /* several rows a tile */
};

typedef struct program_job {
  const lz_program* p;
  const lz_view* inputs;
  const lz_view* outputs;
  const ew_fn* fn; /* one an instruction, NULL for pseudo-operations */
  /* Merged axes; a row is the last one, or everything. */
  int ndim, outer;
  const int32_t* shape;
  int64_t (*strides)[LZ_MAX_DIMS]; /* inputs, then outputs */
  const uint8_t* binding;          /* inputs, then outputs */
  const int16_t* owner; /* of an output: its register if the tile may be written
                           in place, else NEVER */
  int64_t row, chunks;  /* elements a row, tiles a row */
  int tile;
} program_job;

enum { NEVER = -1 };

static void run_instrs(
    const lz_program* p,
    const ew_fn* fn,
    char** r,
    int64_t first,
    int n,
    bool constants) {
  int padded = (n + EW_PAD - 1) & -EW_PAD;
  for (int i = 0; i < p->n_instrs; i++) {
    const lz_instr* in = &p->instrs[i];
    if (fn[i]) {
      fn[i](r[in->dst], r[in->src[0]], r[in->src[1]], r[in->src[2]], padded);
    } else {
      const lz_immediate* m = &p->immediates[in->src[0]];
      if (in->op == EW_IOTA)
        ew_iota(in->dtype, r[in->dst], &m->value, &m->step, first, padded);
      else if (constants || in->dst < p->n_bound)
        tile_fill(r[in->dst], m->value.bytes, padded, dtype_size(in->dtype));
    }
  }
}

static void resolve(const lz_program* p, ew_fn* fn) {
  for (int i = 0; i < p->n_instrs; i++) {
    const lz_instr* in = &p->instrs[i];
    fn[i] =
        in->op < EW_COUNT ? ew_kernel(in->op, in->dtype, in->out_dtype) : NULL;
  }
}

/* A few elements, every array contiguous or one element: all through scratch,
 * on this thread. */
static void run_small(
    const lz_program* p,
    const lz_view* inputs,
    const lz_view* outputs,
    uint64_t splat,
    int n) {
  int slot = ((n + EW_PAD - 1) & -EW_PAD) * p->max_size;
  char scratch[(size_t)slot * (size_t)p->n_registers]
      __attribute__((aligned(64)));
  char* r[p->n_registers];
  ew_fn fn[p->n_instrs + 1];
  for (int i = 0; i < p->n_registers; i++) r[i] = scratch + (size_t)i * slot;
  resolve(p, fn);
  for (int i = 0; i < p->n_inputs; i++) {
    size_t size = dtype_size(inputs[i].dtype);
    if (splat >> i & 1)
      tile_fill(r[i], inputs[i].data, n, size);
    else
      memcpy(r[i], inputs[i].data, (size_t)n * size);
  }
  run_instrs(p, fn, r, 0, n, true);
  for (int o = 0; o < p->n_outputs; o++)
    memcpy(
        outputs[o].data,
        r[p->output_registers[o]],
        (size_t)n * dtype_size(outputs[o].dtype));
}

/* State of one thread within a job. */
typedef struct program_part {
  const program_job* job;
  char** buffer;   /* scratch of each register */
  char** r;        /* what each register is bound to */
  int64_t* offset; /* of the row in each array, in elements */
  char** filled;   /* the element with which a ROW_ONE buffer is filled */
} program_part;

static void bind_input(program_part* t, int i, int64_t at, int n, bool ragged) {
  const program_job* j = t->job;
  const lz_view* v = &j->inputs[i];
  size_t size = dtype_size(v->dtype);
  const int64_t* strides = j->strides[i];
  int64_t stride = strides[j->ndim - 1];
  char* base = (char*)v->data + t->offset[i] * (int64_t)size;
  switch ((enum binding)j->binding[i]) {
    case SPLAT:
      return;
    case ROW_ONE:
      if (t->filled[i] != base) {
        int most = j->row < j->tile ? (int)j->row : j->tile;
        tile_fill(t->buffer[i], base, most, size);
        t->filled[i] = base;
      }
      return;
    case DIRECT:
      t->r[i] = base + at * (int64_t)size;
      if (ragged) {
        memcpy(t->buffer[i], t->r[i], (size_t)n * size);
        t->r[i] = t->buffer[i];
      }
      return;
    case STRIDED:
      tile_load(
          t->buffer[i], base + at * stride * (int64_t)size, stride, n, size);
      return;
    case GATHER:
      tile_gather(
          t->buffer[i], v->data, size, j->ndim, j->shape, strides, at, n);
      return;
  }
}

static void bind_output(program_part* t, int o, int64_t at, bool ragged) {
  const program_job* j = t->job;
  if (j->owner[o] == NEVER) return;
  int reg = j->owner[o], v = j->p->n_inputs + o;
  t->r[reg] = ragged ? t->buffer[reg]
                     : (char*)j->outputs[o].data +
                           (t->offset[v] + at) *
                               (int64_t)dtype_size(j->outputs[o].dtype);
}

static void store_output(
    program_part* t, int o, int64_t at, int n, bool ragged) {
  const program_job* j = t->job;
  if (j->owner[o] != NEVER && !ragged) return;
  int v = j->p->n_inputs + o;
  const char* from = t->r[j->p->output_registers[o]];
  size_t size = dtype_size(j->outputs[o].dtype);
  const int64_t* strides = j->strides[v];
  int64_t stride = strides[j->ndim - 1];
  char* base = (char*)j->outputs[o].data + t->offset[v] * (int64_t)size;
  switch ((enum binding)j->binding[v]) {
    case DIRECT:
      base += at * (int64_t)size;
      if (base != from) memcpy(base, from, (size_t)n * size);
      return;
    case GATHER:
      tile_scatter(
          j->outputs[o].data, from, size, j->ndim, j->shape, strides, at, n);
      return;
    default:
      tile_store(base + at * stride * (int64_t)size, from, stride, n, size);
  }
}

static void run_tile(
    program_part* t, int64_t row, int64_t at, int n, bool ragged) {
  const program_job* j = t->job;
  const lz_program* p = j->p;
  for (int i = 0; i < p->n_inputs; i++) bind_input(t, i, at, n, ragged);
  for (int o = 0; o < p->n_outputs; o++) bind_output(t, o, at, ragged);
  run_instrs(p, j->fn, t->r, row * j->row + at, n, false);
  for (int o = 0; o < p->n_outputs; o++) store_output(t, o, at, n, ragged);
}

static void place_row(program_part* t, int64_t row) {
  const program_job* j = t->job;
  int n = j->p->n_inputs + j->p->n_outputs;
  for (int v = 0; v < n; v++) t->offset[v] = 0;
  for (int d = j->outer; d-- > 0;) {
    int64_t index = row % j->shape[d];
    row /= j->shape[d];
    for (int v = 0; v < n; v++) t->offset[v] += index * j->strides[v][d];
  }
}

static void run_part(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const program_job* j = ctx;
  const lz_program* p = j->p;
  int n_views = p->n_inputs + p->n_outputs;
  size_t slot = (size_t)j->tile * (size_t)p->max_size;
  char scratch[slot * (size_t)p->n_registers] __attribute__((aligned(64)));
  char *buffer[p->n_registers], *r[p->n_registers], *filled[n_views];
  int64_t offset[n_views];
  program_part t = {j, buffer, r, offset, filled};
  for (int i = 0; i < p->n_registers; i++)
    buffer[i] = r[i] = scratch + (size_t)i * slot;
  for (int i = 0; i < p->n_inputs; i++) {
    filled[i] = NULL;
    if (j->binding[i] == SPLAT)
      tile_fill(
          buffer[i],
          j->inputs[i].data,
          j->tile,
          dtype_size(j->inputs[i].dtype));
  }
  for (int i = 0; i < p->n_instrs; i++) {
    const lz_instr* in = &p->instrs[i];
    if (in->op == EW_CONST && in->dst >= p->n_bound)
      tile_fill(
          r[in->dst],
          p->immediates[in->src[0]].value.bytes,
          j->tile,
          dtype_size(in->dtype));
  }
  int64_t placed = -1;
  for (int64_t u = begin; u < end; u++) {
    int64_t row = u / j->chunks, at = (u - row * j->chunks) * j->tile;
    if (row != placed) place_row(&t, placed = row);
    int n = j->row - at < j->tile ? (int)(j->row - at) : j->tile;
    int whole = n & -EW_PAD;
    if (whole) run_tile(&t, row, at, whole, false);
    if (n > whole) run_tile(&t, row, at + whole, n - whole, true);
  }
}

static bool all_zero(const int64_t* strides, int n) {
  for (int d = 0; d < n; d++)
    if (strides[d]) return false;
  return true;
}

/* Whether input i is passed on as an output while an output takes its place. */
static bool is_overwritten_output(
    const lz_program* p, const lz_view* inputs, const lz_view* outputs, int i) {
  bool passed = false, taken = false;
  for (int o = 0; o < p->n_outputs; o++) {
    passed |= p->output_registers[o] == i;
    taken |= outputs[o].data == inputs[i].data;
  }
  return passed && taken;
}

/* Whether output o may be written before the whole tile is done: not if the
 * input whose memory it takes is read afterwards. */
static bool in_place(
    const lz_program* p, const lz_view* inputs, const lz_view* outputs, int o) {
  int reg = p->output_registers[o];
  if (reg < p->n_inputs) return false;
  for (int k = 0; k < o; k++)
    if (p->output_registers[k] == reg) return false;
  for (int i = 0; i < p->n_inputs; i++) {
    if (inputs[i].data != outputs[o].data) continue;
    int defined = p->n_instrs;
    for (int k = 0; k < p->n_instrs; k++) {
      const lz_instr* in = &p->instrs[k];
      if (k > defined && in->op < EW_COUNT &&
          (in->src[0] == i || in->src[1] == i || in->src[2] == i))
        return false;
      if (in->dst == reg) defined = k;
    }
  }
  return true;
}

void program_run(
    const lz_program* p,
    int ndim,
    const int32_t* shape,
    const lz_view* inputs,
    const lz_view* outputs) {
  int64_t n = 1;
  for (int d = 0; d < ndim; d++) n *= shape[d];
  if (n == 0) return;

  uint64_t splat = 0;
  bool simple = true;
  if (n > 1) {
    for (int i = 0; simple && i < p->n_inputs; i++) {
      if (view_is_contiguous(&inputs[i])) continue;
      if (all_zero(inputs[i].strides, ndim))
        splat |= (uint64_t)1 << i;
      else
        simple = false;
    }
    for (int o = 0; simple && o < p->n_outputs; o++)
      simple = view_is_contiguous(&outputs[o]);
  }
  if (simple && n <= TILE_MIN) {
    run_small(p, inputs, outputs, splat, (int)n);
    return;
  }

  int n_views = p->n_inputs + p->n_outputs;
  int32_t merged[LZ_MAX_DIMS];
  int64_t strides[n_views][LZ_MAX_DIMS];
  for (int v = 0; v < n_views; v++) {
    const lz_view* view =
        v < p->n_inputs ? &inputs[v] : &outputs[v - p->n_inputs];
    for (int d = 0; d < ndim; d++) strides[v][d] = view->strides[d];
  }
  for (int d = 0; d < ndim; d++) merged[d] = shape[d];
  int dims = view_collapse(n_views, ndim, merged, strides);

  bool rows = dims == 1 || merged[dims - 1] >= ROW_MIN;
  uint8_t binding[n_views];
  int16_t owner[p->n_outputs];
  int touched = p->n_registers - p->n_bound;
  for (int v = 0; v < n_views; v++) {
    int64_t inner = strides[v][dims - 1];
    lz_view view = {NULL, 0, dims, merged, strides[v]};
    if (v < p->n_inputs && all_zero(strides[v], dims))
      binding[v] = SPLAT;
    else if (!rows)
      binding[v] = view_is_contiguous(&view) ? DIRECT : GATHER;
    else if (inner == 1 || merged[dims - 1] == 1)
      binding[v] = DIRECT;
    else
      binding[v] = inner == 0 && v < p->n_inputs ? ROW_ONE : STRIDED;
    /* Read whole before any output is stored. */
    if (v < p->n_inputs && binding[v] == DIRECT &&
        is_overwritten_output(p, inputs, outputs, v))
      binding[v] = STRIDED;
    if (binding[v] != DIRECT) touched++;
  }
  for (int o = 0; o < p->n_outputs; o++) {
    bool direct =
        binding[p->n_inputs + o] == DIRECT && in_place(p, inputs, outputs, o);
    owner[o] = direct ? (int16_t)p->output_registers[o] : NEVER;
  }

  int tile = TILE_MAX;
  while (tile > TILE_MIN && tile * touched * p->max_size > SCRATCH_TARGET)
    tile /= 2;
  ew_fn fn[p->n_instrs + 1];
  resolve(p, fn);
  program_job job = {
      .p = p,
      .inputs = inputs,
      .outputs = outputs,
      .fn = fn,
      .ndim = dims,
      .outer = rows ? dims - 1 : 0,
      .shape = merged,
      .strides = strides,
      .binding = binding,
      .owner = owner,
      .row = rows ? merged[dims - 1] : n,
      .tile = tile};
  job.chunks = (job.row + tile - 1) / tile;
  int64_t units = n / job.row * job.chunks;
  int64_t unit_cost = (n / units + 1) * p->cost;
  pool_for(units, PART_COST / unit_cost, run_part, &job);
}
