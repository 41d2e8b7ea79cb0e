/* Planning a run of a program: which axes make the tiles, how each array meets
 * its register, how much a thread gets. */
#include <string.h>

#include "cpu/copy.h"
#include "cpu/program_job.h"
#include "cpu/tile.h"
#include "stream/pool.h"

/* SCRATCH_TARGET   bytes of scratch that a tile should touch
 * TILE_MAX, _MIN   elements of a tile, more of them where all are narrow; the
 *                  least run without a plan
 * TILE_ALONE       bytes of one, of a single operation on the arrays themselves
 * PLANE_MAX        elements of a tile that is a plane
 * ROW_MIN          shorter rows are gathered several at a time
 * ROW_COPIED       bytes of a row that is longer to copy than to compute alone
 * STACK_MIN        elements of a plane whose rows are stacked, not gathered
 * STACK_REGISTERS  by how many, at least, a stack shares SCRATCH_TARGET
 * ROW_LINES, LINES bytes of a plane along a transposed array's own rows, and
 *                  along the others'
 * STREAM_BYTES…    from these sizes on an output is written past the caches:
 *                  reading its lines first, only to overwrite them, costs more
 *                  than its next reader gains. Transposed ones also drive each
 *                  other out of the cache's sets
 * STREAM_COST      of a single operation: above, its stores hide behind it
 * PIECE_COST       of an operation that leaves memory idle while it computes
 * PART_COST        elements times cost that are worth a thread */
#if defined(LAZULI_HOSTILE)
/* Every edge in every test. */
enum {
  SCRATCH_TARGET = 512,
  TILE_MAX = 64,
  TILE_ALONE = 256,
  TILE_MIN = 16,
  PLANE_MAX = 256,
  ROW_MIN = 8,
  ROW_COPIED = 16,
  STACK_MIN = 16,
  STACK_REGISTERS = 3,
  ROW_LINES = 32,
  LINES = 16,
  STREAM_BYTES = 64,
  STREAM_BYTES_TRANSPOSED = 64,
  STREAM_COST = 100,
  PIECE_COST = 1,
  PART_COST = 1
};
#else
enum {
  SCRATCH_TARGET = 32 << 10,
  TILE_MAX = 1024,
  TILE_ALONE = 16 << 10,
  TILE_MIN = 128,
  PLANE_MAX = 8192,
  ROW_MIN = 128,
  ROW_COPIED = 512,
  STACK_MIN = 512,
  STACK_REGISTERS = 8,
  ROW_LINES = 256,
  LINES = 128,
  STREAM_BYTES = 16 << 20,
  STREAM_BYTES_TRANSPOSED = 512 << 10,
  STREAM_COST = 4,
  PIECE_COST = 3,
  PART_COST = 48 << 10
};
#endif

void program_resolve(const lz_program* p, ew_fn* fn) {
  const ew_table* table = ew_table_best();
  for (int i = 0; i < p->n_instrs; i++) {
    const lz_instr* in = &p->instrs[i];
    if (in->op == EW_ASTYPE)
      fn[i] = table->cast[in->dtype][in->out_dtype];
    else
      fn[i] = in->op < EW_COUNT ? table->fn[in->op][in->dtype] : NULL;
  }
}

/* memcpy, for one element mostly. */
static inline void copy_few(char* to, const void* from, int n, size_t size) {
  if (n > 1)
    memcpy(to, from, (size_t)n * size);
  else if (size == 4)
    memcpy(to, from, 4);
  else if (size == 8)
    memcpy(to, from, 8);
  else if (size == 2)
    memcpy(to, from, 2);
  else
    *to = *(const char*)from;
}

/* A few elements: all through scratch, on this thread, without a plan. */
static void run_small(
    const lz_program* p,
    int ndim,
    const int32_t* shape,
    const lz_view* inputs,
    const lz_view* outputs,
    int n) {
  int padded = (n + EW_PAD - 1) & -EW_PAD, slot = padded * p->max_size;
  char scratch[(size_t)slot * (size_t)p->n_registers]
      __attribute__((aligned(64)));
  char* r[p->n_registers];
  ew_fn fn[p->n_instrs + 1];
  for (int i = 0; i < p->n_registers; i++) r[i] = scratch + (size_t)i * slot;
  program_resolve(p, fn);
  for (int i = 0; i < p->n_inputs; i++) {
    const lz_view* v = &inputs[i];
    size_t size = dtype_size(v->dtype);
    /* Zeros up to a whole EW_PAD: what stood on the stack might be slow to
     * compute with. */
    if (n < padded)
      for (size_t k = 0; k < size; k++)
        memset(r[i] + (size_t)(padded - EW_PAD) * size + k * EW_PAD, 0, EW_PAD);
    if (n == 1 || view_is_contiguous(v))
      copy_few(r[i], v->data, n, size);
    else
      tile_gather(r[i], v->data, size, ndim, shape, v->strides, 0, n);
  }
  program_job_instrs(p, fn, r, n, n, 0, 0, true, NULL, NULL);
  for (int o = 0; o < p->n_outputs; o++) {
    const lz_view* v = &outputs[o];
    const char* from = r[p->output_registers[o]];
    size_t size = dtype_size(v->dtype);
    if (n == 1 || view_is_contiguous(v))
      copy_few(v->data, from, n, size);
    else
      tile_scatter(v->data, from, size, ndim, shape, v->strides, 0, n);
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

/* The axis along which some array is contiguous that is strided along the last
 * one, and how many bytes its elements have; PROGRAM_NONE if there is none. */
static int transposed_axis(const program_job* j, int* size) {
  const lz_program* p = j->p;
  int last = j->ndim - 1, n_views = p->n_inputs + p->n_outputs;
  for (int v = 0; v < n_views; v++) {
    int64_t inner = j->strides[v][last];
    if (inner == 0 || inner == 1) continue;
    for (int d = 0; d < last; d++)
      if (j->strides[v][d] == 1 && j->shape[d] > 1) {
        const lz_view* a =
            v < p->n_inputs ? &j->inputs[v] : &j->outputs[v - p->n_inputs];
        *size = (int)dtype_size(a->dtype);
        return d;
      }
  }
  return PROGRAM_NONE;
}

/* How many rows make a step of a stack; 0 if rows are better looked at one by
 * one, or gathered. */
static int stack_step(const program_job* j) {
  const lz_program* p = j->p;
  int last = j->ndim - 1, n_views = p->n_inputs + p->n_outputs;
  if (last == 0) return 0;
  int64_t columns = j->shape[last], rows = j->shape[last - 1];
  int64_t aligned = columns & -columns;
  int64_t step = aligned < EW_PAD ? EW_PAD / aligned : 1;
  int registers =
      p->n_registers < STACK_REGISTERS ? STACK_REGISTERS : p->n_registers;
  if (columns * step * p->max_size * registers > SCRATCH_TARGET) return 0;
  if (columns < ROW_MIN) return rows * columns < STACK_MIN ? 0 : (int)step;
  for (int v = 0; v < n_views && columns * p->max_size > ROW_COPIED; v++) {
    int64_t row = j->strides[v][last - 1];
    if (j->strides[v][last] == 1 && row != 0 && row != columns) return 0;
  }
  return (int)step;
}

/* Chooses the plane: an axis to go with the last one where an array lies
 * transposed or rows are short, the last alone where it is long, else all axes
 * as one. */
static void choose_plane(program_job* j, int64_t n, int* size) {
  int last = j->ndim - 1;
  j->column_axis = last;
  j->row_axis = transposed_axis(j, size);
  j->row_step = j->row_axis == PROGRAM_NONE ? stack_step(j) : 0;
  if (j->row_step) j->row_axis = last - 1;
  j->rows = j->row_axis == PROGRAM_NONE ? 1 : j->shape[j->row_axis];
  j->columns = j->shape[last];
  if (j->row_axis == PROGRAM_NONE && last > 0 && j->columns < ROW_MIN)
    j->columns = n;
}

static bool is_turned(const program_job* j) {
  return j->row_axis != PROGRAM_NONE && !j->row_step;
}

static void choose_bindings(program_job* j, uint8_t* binding) {
  const lz_program* p = j->p;
  int last = j->ndim - 1, n_views = p->n_inputs + p->n_outputs;
  bool linear = j->columns != j->shape[last];
  for (int v = 0; v < n_views; v++) {
    bool input = v < p->n_inputs;
    int64_t inner = j->strides[v][last];
    lz_view view = {NULL, 0, j->ndim, j->shape, j->strides[v]};
    if (input && all_zero(j->strides[v], j->ndim))
      binding[v] = BIND_SPLAT;
    else if (j->row_step)
      binding[v] = inner == 1 && j->strides[v][last - 1] == j->columns
                       ? BIND_DIRECT
                       : BIND_PLANE;
    else if (j->row_axis != PROGRAM_NONE)
      binding[v] = BIND_PLANE;
    else if (linear)
      binding[v] = view_is_contiguous(&view) ? BIND_DIRECT : BIND_GATHER;
    else if (inner == 1 || j->shape[last] == 1)
      binding[v] = BIND_DIRECT;
    else
      binding[v] = input && inner == 0 ? BIND_ROW : BIND_PLANE;
    /* Read whole before any output is stored. */
    if (input && binding[v] == BIND_DIRECT &&
        is_overwritten_output(p, j->inputs, j->outputs, v))
      binding[v] = BIND_PLANE;
  }
}

/* How large tiles are, from the scratch that they touch. */
static void choose_tile(program_job* j, int size) {
  const lz_program* p = j->p;
  int touched = p->n_registers - p->n_bound;
  for (int i = 0; i < p->n_inputs; i++)
    touched += j->binding[i] != BIND_DIRECT && !(p->unread >> i & 1);
  for (int o = 0; o < p->n_outputs; o++)
    touched +=
        j->owner[o] == PROGRAM_NONE && p->output_registers[o] >= p->n_inputs;
  bool turned = is_turned(j);
  int tile = turned ? PLANE_MAX : TILE_MAX;
  if (j->row_step) tile *= 2;
  if (!turned && p->max_size < 4) tile *= 4 / p->max_size;
  if (!turned && touched == 0 && p->n_instrs == 1)
    tile = TILE_ALONE / p->max_size;
  while (tile > TILE_MIN && tile * touched * p->max_size > SCRATCH_TARGET)
    tile /= 2;
  j->tile_rows = 1;
  j->tile_columns = tile;
  if (turned) {
    /* Some lines along either axis; more where the other has few. */
    int64_t few = ROW_LINES / size, rows = j->rows < few ? j->rows : few;
    int64_t columns = LINES / (int)dtype_size(j->outputs[0].dtype);
    if (columns < tile / rows && j->rows < few) columns = tile / rows;
    if (j->columns <= 4 * columns) columns = j->columns;
    if (j->columns < columns) {
      columns = j->columns;
      rows = tile / columns < j->rows ? tile / columns : j->rows;
    }
    while (rows * columns > tile && columns > 4 * EW_PAD) columns /= 2;
    while (rows * columns > tile && rows > EW_PAD) rows /= 2;
    while (rows * columns > tile && columns > EW_PAD) columns /= 2;
    j->tile_rows = (int)rows;
    j->tile_columns = (int)(columns + EW_PAD - 1) & -EW_PAD;
  }
  if (j->row_step) {
    int rows = tile / (int)j->columns;
    if (rows > j->rows) rows = (int)j->rows;
    rows -= rows % j->row_step;
    j->tile_rows = rows ? rows : j->row_step;
    j->tile_columns = (int)j->columns;
  } else if (j->tile_columns > j->columns)
    j->tile_columns = (int)(j->columns + EW_PAD - 1) & -EW_PAD;
  j->row_tiles = (j->rows + j->tile_rows - 1) / j->tile_rows;
  j->column_tiles = (j->columns + j->tile_columns - 1) / j->tile_columns;
}

static void choose_outputs(
    const program_job* j, int64_t n, int16_t* owner, bool* stream) {
  const lz_program* p = j->p;
  int last = j->ndim - 1;
  bool turned = is_turned(j);
  int work = p->cost - p->n_inputs - p->n_outputs;
  bool several = p->n_instrs > 1;
  for (int o = 0; o < p->n_outputs; o++) {
    int v = p->n_inputs + o;
    owner[o] = PROGRAM_NONE;
    int64_t bytes = n * (int64_t)dtype_size(j->outputs[o].dtype);
    bool large =
        turned ? bytes >= STREAM_BYTES_TRANSPOSED
               : bytes >= STREAM_BYTES && (work <= STREAM_COST || several);
    stream[o] =
        large && j->binding[v] != BIND_GATHER && j->strides[v][last] == 1;
    /* What is written in place is in the cache already. */
    for (int i = 0; i < p->n_inputs; i++)
      if (j->inputs[i].data == j->outputs[o].data) stream[o] = false;
    if (!stream[o] && j->binding[v] == BIND_DIRECT &&
        in_place(p, j->inputs, j->outputs, o))
      owner[o] = (int16_t)p->output_registers[o];
  }
}

/* A single operation reads and computes in one pass: only several need to be
 * told what comes next. */
static void choose_pieces(program_job* j, bool* split) {
  const lz_program* p = j->p;
  j->pieces = 0;
  for (int i = 0; i < p->n_instrs; i++) {
    int op = p->instrs[i].op;
    split[i] = false;
    if (!j->fn[i] || p->n_instrs < 2 || is_turned(j)) continue;
    ew_rule rule = ew_rule_of(op);
    split[i] = ew_cost(op) >= PIECE_COST && rule != EW_RULE_SELECT &&
               rule != EW_RULE_CAST && rule != EW_RULE_FROM_BYTE;
    if (split[i]) j->pieces += j->tile_rows * j->tile_columns / PROGRAM_PIECE;
  }
}

/* Whether a program is an identity, of a number for all elements mostly. */
static bool is_copy(const lz_program* p) {
  const lz_instr* in = &p->instrs[0];
  return p->n_instrs == 1 && p->n_inputs == 1 && p->n_outputs == 1 &&
         in->op == EW_ASTYPE && in->dtype == in->out_dtype &&
         p->output_registers[0] == in->dst;
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
  if (n <= TILE_MIN) {
    run_small(p, ndim, shape, inputs, outputs, (int)n);
    return;
  }
  if (is_copy(p)) {
    copy_run(outputs, inputs);
    return;
  }

  int n_views = p->n_inputs + p->n_outputs;
  int32_t merged[LZ_MAX_DIMS];
  int64_t strides[n_views + 1][LZ_MAX_DIMS];
  for (int v = 0; v < n_views; v++) {
    const lz_view* view =
        v < p->n_inputs ? &inputs[v] : &outputs[v - p->n_inputs];
    bool read = v >= p->n_inputs || !(p->unread >> v & 1);
    for (int d = 0; d < ndim; d++) strides[v][d] = read ? view->strides[d] : 0;
  }
  for (int d = 0; d < ndim; d++) merged[d] = shape[d];
  int dims = view_collapse(n_views, ndim, merged, strides);
  view_row_strides(dims, merged, strides[n_views]);

  ew_fn fn[p->n_instrs + 1];
  uint8_t binding[n_views];
  int16_t owner[p->n_outputs];
  bool stream[p->n_outputs], split[p->n_instrs + 1];
  program_job job = {
      .p = p,
      .inputs = inputs,
      .outputs = outputs,
      .fn = fn,
      .ndim = dims,
      .shape = merged,
      .strides = strides,
      .binding = binding,
      .owner = owner,
      .stream = stream,
      .split = split};
  int size = 1;
  program_resolve(p, fn);
  choose_plane(&job, n, &size);
  choose_bindings(&job, binding);
  choose_outputs(&job, n, owner, stream);
  choose_tile(&job, size);
  choose_pieces(&job, split);
  int64_t units =
      n / (job.rows * job.columns) * job.row_tiles * job.column_tiles;
  int64_t unit_cost = (n / units + 1) * p->cost;
  pool_for(units, PART_COST / unit_cost, program_job_part, &job);
}
