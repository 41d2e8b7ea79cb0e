/* Running a kernel of several stages: see fused.h. */
#include "eval/fused.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "cpu/program_span.h"
#include "cpu/scratch.h"
#include "memory/alloc.h"
#include "stream/pool.h"

/* The array that a value stands in; NULL: in scratch. */
static const lz_array* run_array(const lz_exec* x, const fused_value* v) {
  switch ((fused_place)v->place) {
    case FUSED_IN:
      return x->in[v->index];
    case FUSED_OUT:
      return x->out[v->index];
    case FUSED_SCRATCH:
      break;
  }
  return NULL;
}

/* ---- whole: reductions and products ----------------------------------------
 */

/* Inputs of a program over the shape of its outputs. */
typedef struct run_views {
  lz_view in[PROGRAM_MAX_INPUTS], out[PROGRAM_MAX_OUTPUTS];
  int64_t strides[PROGRAM_MAX_INPUTS][LZ_MAX_DIMS];
} run_views;

/* `made` stands for the value of the core where it is in scratch. */
static void run_open_views(
    const lz_exec* x,
    const lz_fused* f,
    const fused_stage* s,
    const lz_view* made,
    int ndim,
    const int32_t* shape,
    run_views* views) {
  for (int i = 0; i < s->n_in; i++) {
    const fused_value* v = &f->values[s->in[i]];
    const lz_array* a = run_array(x, v);
    lz_view from = a ? array_view(a) : *made;
    if (a) from.dtype = (lz_dtype)v->dtype;
    view_broadcast_strides(
        from.ndim, from.shape, from.strides, ndim, shape, views->strides[i]);
    views->in[i] =
        (lz_view){from.data, from.dtype, ndim, shape, views->strides[i]};
  }
  for (int i = 0; i < s->n_out; i++) {
    const lz_array* a = run_array(x, &f->values[s->out[i]]);
    if (a) views->out[i] = array_view(a);
  }
}

static int run_alloc(lz_exec* x) {
  for (int i = 0; i < x->n_out; i++)
    if (exec_alloc(x, i)) return 1;
  return 0;
}

static void run_source(
    void* ctx, int64_t begin, int64_t n, void* tile, int worker) {
  (void)worker;
  program_span_run(ctx, begin, n, tile);
}

/* The core of a REDUCE, its input made by the program before it. */
static int run_reduce_core(
    lz_exec* x, const lz_fused* f, const lz_view* out, run_views* views) {
  const fused_stage* core = &f->stages[f->core];
  const fused_value* in = &f->values[core->in[0]];
  lz_inner inner = {.params = core->params, .out = out};
  if (f->core == 0) {
    lz_view whole = array_view(x->in[in->index]);
    inner.in = &whole;
    return core->op->fusable->run(&inner);
  }
  const fused_stage* before = &f->stages[0];
  program_span* span = malloc(sizeof *span);
  if (!span) return error_memory() == NULL;
  run_open_views(x, f, before, NULL, in->ndim, in->shape, views);
  program_span_open(span, before->program, in->ndim, in->shape, views->in);
  int64_t strides[LZ_MAX_DIMS];
  view_row_strides(in->ndim, in->shape, strides);
  lz_view never = {NULL, (lz_dtype)in->dtype, in->ndim, in->shape, strides};
  inner.in = &never;
  x->flops +=
      (uint64_t)view_size(&never) * (uint64_t)(before->program->n_instrs + 1);
  int failed = core->op->fusable->from(&inner, run_source, span);
  free(span);
  return failed;
}

static int run_reduce(lz_exec* x, const lz_fused* f) {
  if (run_alloc(x)) return 1;
  const fused_stage* core = &f->stages[f->core];
  const fused_value* v = &f->values[core->out[0]];
  run_views* views = malloc(sizeof *views);
  if (!views) return error_memory() == NULL;
  const lz_array* a = run_array(x, v);
  int64_t strides[LZ_MAX_DIMS];
  lz_view out;
  if (a) {
    out = array_view(a);
  } else {
    view_row_strides(v->ndim, v->shape, strides);
    out = (lz_view){NULL, (lz_dtype)v->dtype, v->ndim, v->shape, strides};
    size_t bytes = (size_t)view_size(&out) * dtype_size(out.dtype);
    if (!(out.data = exec_scratch(x, bytes ? bytes : 1))) {
      free(views);
      return 1;
    }
  }
  int failed = run_reduce_core(x, f, &out, views);
  if (!failed && f->core + 1 < f->n_stages) {
    const fused_stage* after = &f->stages[f->core + 1];
    run_open_views(x, f, after, &out, v->ndim, v->shape, views);
    program_run(after->program, v->ndim, v->shape, views->in, views->out);
    x->flops += (uint64_t)view_size(&out) * (uint64_t)after->program->n_instrs;
  }
  free(views);
  return failed;
}

/* ---- products --------------------------------------------------------------
 */

/* The program after a product over parts of it. Rows are those of all leading
 * axes, merged as far as every array allows. */
typedef struct run_product {
  const lz_program* program;
  int n_in, n_out;
  run_views* views;
  int ndim; /* of the rows */
  int32_t shape[LZ_MAX_DIMS];
  int64_t strides[PROGRAM_MAX_INPUTS + PROGRAM_MAX_OUTPUTS][LZ_MAX_DIMS];
} run_product;

static lz_view* run_product_view(run_product* t, int i) {
  return i < t->n_in ? &t->views->in[i] : &t->views->out[i - t->n_in];
}

/* Rows that follow each other along the last of the merged axes. */
static void run_product_rows(
    run_product* t,
    int64_t row,
    int64_t rows,
    int64_t column,
    int64_t columns) {
  int n = t->n_in + t->n_out, last = t->ndim - 1;
  int32_t shape[2] = {(int32_t)rows, (int32_t)columns};
  int64_t strides[n][2];
  lz_view view[n];
  for (int i = 0; i < n; i++) {
    const lz_view* v = run_product_view(t, i);
    int64_t step = v->strides[v->ndim - 1];
    int64_t at = column * step, left = row;
    for (int d = last; d >= 0; left /= t->shape[d], d--)
      at += left % t->shape[d] * t->strides[i][d];
    strides[i][0] = t->strides[i][last];
    strides[i][1] = step;
    view[i] = (lz_view){
        (char*)v->data + at * (int64_t)dtype_size(v->dtype),
        v->dtype,
        2,
        shape,
        strides[i]};
  }
  program_run(t->program, 2, shape, view, view + t->n_in);
}

static void run_product_part(
    void* ctx, int64_t row, int64_t rows, int64_t column, int64_t columns) {
  run_product* t = ctx;
  int64_t extent = t->shape[t->ndim - 1];
  while (rows > 0) {
    int64_t n = extent - row % extent;
    if (n > rows) n = rows;
    run_product_rows(t, row, n, column, columns);
    row += n;
    rows -= n;
  }
}

static int run_matmul(lz_exec* x, const lz_fused* f) {
  if (run_alloc(x)) return 1;
  const fused_stage *core = &f->stages[f->core], *after = core + 1;
  const fused_value* v = &f->values[core->out[0]];
  const lz_array* product = run_array(x, v);
  lz_view in[3], out = array_view(product);
  out.dtype = (lz_dtype)v->dtype; /* it may stand in the root's memory */
  if (out.ndim == 0 || product->size == 0) return 0;
  for (int i = 0; i < core->n_in; i++)
    in[i] = array_view(run_array(x, &f->values[core->in[i]]));
  run_views* views = malloc(sizeof *views);
  run_product* t = malloc(sizeof *t);
  if (!views || !t) {
    free(views);
    free(t);
    return error_memory() == NULL;
  }
  run_open_views(x, f, after, NULL, out.ndim, out.shape, views);
  t->program = after->program;
  t->n_in = after->n_in;
  t->n_out = after->n_out;
  t->views = views;
  int lead = out.ndim - 1, n = t->n_in + t->n_out;
  for (int d = 0; d < lead; d++) t->shape[d] = out.shape[d];
  for (int i = 0; i < n; i++)
    memcpy(
        t->strides[i],
        run_product_view(t, i)->strides,
        sizeof(int64_t) * (size_t)lead);
  t->ndim = view_collapse(n, lead, t->shape, t->strides);
  lz_inner inner = {.params = core->params, .in = in, .out = &out};
  int failed = core->op->fusable->tiled(&inner, run_product_part, t);
  if (failed) error_memory();
  x->flops =
      (uint64_t)product->size * (2 * (uint64_t)in[0].shape[in[0].ndim - 1] +
                                 (uint64_t)after->program->n_instrs);
  free(views);
  free(t);
  return failed;
}

/* ---- rows ------------------------------------------------------------------
 */

/* A value as one stage sees it: a block of rows, then the axes of a row. What a
 * stage sees whole has no axis of rows. */
typedef struct run_binding {
  char* base;     /* of row 0; NULL: `scratch` bytes into the thread's own */
  size_t scratch; /* for each row of a block */
  uint8_t dtype;
  bool whole;
  int ndim;
  int32_t full[LZ_MAX_DIMS + 1]; /* the shape of a block */
  int32_t last[LZ_MAX_DIMS + 1]; /* and of the last, shorter one */
  int64_t strides[LZ_MAX_DIMS + 1];
} run_binding;

typedef struct run_rows {
  const lz_fused* f;
  run_binding* bindings;           /* of each stage: inputs, then outputs */
  int64_t (*leading)[LZ_MAX_DIMS]; /* strides of each over merged rows */
  int n_bindings;
  int ndim; /* merged axes of rows */
  int32_t shape[LZ_MAX_DIMS];
  int64_t block, blocks; /* rows of a block along the last of them; how many */
  size_t scratch;        /* bytes of one row of all values */
  size_t* place;         /* of each value in scratch, bytes a row */
  _Atomic int failed;
} run_rows;

static int64_t run_tail(const fused_value* v, int rows) {
  int64_t n = 1;
  for (int d = rows; d < v->ndim; d++) n *= v->shape[d];
  return n;
}

/* Fills in what does not change from block to block. `shape` is that which a
 * program runs over; NULL: the value's own. */
static void run_bind(
    run_rows* r,
    const lz_exec* x,
    int index,
    uint16_t value,
    bool whole,
    int ndim,
    const int32_t* shape) {
  const lz_fused* f = r->f;
  const fused_value *v = &f->values[value], *base = v;
  run_binding* b = &r->bindings[index];
  int64_t own[LZ_MAX_DIMS], strides[LZ_MAX_DIMS];
  int rows = f->rows;
  /* Views: their own shape over the memory of what they show. */
  while (base->base != FUSED_NO_BASE) base = &f->values[base->base];
  const lz_array* a = run_array(x, base);
  const int32_t* has = v->place == FUSED_IN ? a->shape : v->shape;
  int has_ndim = v->ndim;
  b->dtype = v->dtype;
  b->whole = whole;
  if (v->place == FUSED_IN)
    memcpy(own, a->strides, sizeof(int64_t) * a->ndim);
  else
    view_row_strides(has_ndim, has, own);
  if (v != base) {
    /* Of a broadcast: 0 where an axis grew. */
    const fused_value* below = &f->values[v->base];
    bool spread = run_tail(v, rows) != run_tail(below, rows);
    if (spread) {
      int64_t small[LZ_MAX_DIMS];
      view_row_strides(below->ndim, below->shape, small);
      view_broadcast_strides(
          below->ndim, below->shape, small, has_ndim, has, own);
    }
  }
  if (!shape) {
    shape = has;
    ndim = has_ndim;
    memcpy(strides, own, sizeof strides);
  } else {
    view_broadcast_strides(has_ndim, has, own, ndim, shape, strides);
  }
  b->base = NULL;
  b->scratch = 0;
  if (a)
    b->base = (char*)array_data(a);
  else
    b->scratch = r->place[base - f->values];
  int skip = whole ? 0 : rows;
  memset(r->leading[index], 0, sizeof r->leading[index]);
  if (!whole && a)
    for (int d = 0; d < rows; d++) r->leading[index][d] = strides[d];
  b->ndim = ndim - skip + !whole;
  for (int d = skip; d < ndim; d++) {
    b->full[d - skip + !whole] = b->last[d - skip + !whole] = shape[d];
    b->strides[d - skip + !whole] = strides[d];
  }
  /* In scratch a block's rows lie one after another. */
  if (!whole && !a) b->strides[0] = rows ? strides[rows - 1] : 0;
}

static int run_bind_all(run_rows* r, const lz_exec* x) {
  const lz_fused* f = r->f;
  int at = 0;
  for (int i = 0; i < f->n_stages; i++) {
    const fused_stage* s = &f->stages[i];
    const fused_value* first = &f->values[s->out[0]];
    for (int k = 0; k < s->n_in; k++, at++) {
      bool whole = s->op && !(s->op->fusable->row_inputs & (1u << k));
      run_bind(
          r,
          x,
          at,
          s->in[k],
          whole,
          first->ndim,
          s->program ? first->shape : NULL);
    }
    for (int k = 0; k < s->n_out; k++, at++)
      run_bind(r, x, at, s->out[k], false, 0, NULL);
  }
  return 0;
}

/* How many rows a block has, from the bytes of a row. */
static void run_cut(run_rows* r) {
  int64_t others = 1, last = r->shape[r->ndim - 1];
  for (int d = 0; d + 1 < r->ndim; d++) others *= r->shape[d];
  int64_t touched = (int64_t)r->scratch;
  for (int i = 0; i < r->n_bindings; i++) {
    const run_binding* b = &r->bindings[i];
    if (!b->base || b->whole) continue;
    int64_t n = (int64_t)dtype_size((lz_dtype)b->dtype);
    for (int d = 1; d < b->ndim; d++)
      if (b->strides[d]) n *= b->full[d];
    touched += n;
  }
  int64_t rows = FUSED_BLOCK_BYTES / (touched ? touched : 1);
  int64_t share =
      (others * last + 2 * pool_threads() - 1) / (2 * pool_threads());
  if (rows > share && others * last * touched > FUSED_SMALL) rows = share;
  if (rows > last) rows = last;
  if (rows < 1) rows = 1;
  r->block = rows;
  r->blocks = (last + rows - 1) / rows;
  int rest = (int)(last - (r->blocks - 1) * rows);
  for (int i = 0; i < r->n_bindings; i++) {
    run_binding* b = &r->bindings[i];
    if (b->whole) continue;
    b->full[0] = (int32_t)rows;
    b->last[0] = rest;
    if (b->base) b->strides[0] = r->leading[i][r->ndim - 1];
  }
}

static lz_view run_view(
    const run_rows* r,
    int i,
    int64_t other,
    int64_t row,
    bool last,
    char* scratch) {
  const run_binding* b = &r->bindings[i];
  int64_t at = 0;
  if (!b->whole && b->base) {
    at = row * r->leading[i][r->ndim - 1];
    for (int d = r->ndim - 1; d-- > 0; other /= r->shape[d])
      at += other % r->shape[d] * r->leading[i][d];
  }
  char* base = b->base ? b->base : scratch + b->scratch * (size_t)r->block;
  return (lz_view){
      base + at * (int64_t)dtype_size((lz_dtype)b->dtype),
      (lz_dtype)b->dtype,
      b->ndim,
      last ? b->last : b->full,
      b->strides};
}

static void run_block(run_rows* r, int64_t index, char* scratch) {
  const lz_fused* f = r->f;
  int64_t other = index / r->blocks, block = index % r->blocks;
  bool last = block == r->blocks - 1;
  int at = 0;
  for (int i = 0; i < f->n_stages; i++) {
    const fused_stage* s = &f->stages[i];
    int n = s->n_in + s->n_out;
    if (s->op && s->op->flags & OP_VIEW) {
      at += n;
      continue;
    }
    lz_view views[n];
    for (int k = 0; k < n; k++)
      views[k] = run_view(r, at + k, other, block * r->block, last, scratch);
    const lz_view* out = views + s->n_in;
    if (s->program) {
      program_run(s->program, out->ndim, out->shape, views, out);
    } else {
      lz_inner inner = {
          .params = s->params, .merged = f->rows - 1, .in = views, .out = out};
      if (s->op->fusable->run(&inner)) atomic_store(&r->failed, 1);
    }
    at += n;
  }
}

static void run_blocks(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  run_rows* r = ctx;
  char* scratch =
      scratch_get(SCRATCH_FUSED, r->scratch * (size_t)r->block + 64);
  if (!scratch) {
    atomic_store(&r->failed, 2);
    return;
  }
  for (int64_t i = begin; i < end; i++) run_block(r, i, scratch);
}

/* Each value of scratch begins on a multiple of 64 bytes whatever the block. */
static void run_place(run_rows* r) {
  const lz_fused* f = r->f;
  for (int i = 0; i < f->n_values; i++) {
    const fused_value* v = &f->values[i];
    if (v->place != FUSED_SCRATCH || v->base != FUSED_NO_BASE) continue;
    size_t bytes =
        (size_t)run_tail(v, f->rows) * dtype_size((lz_dtype)v->dtype);
    r->place[i] = r->scratch;
    r->scratch += (bytes + 63) & ~(size_t)63;
  }
}

/* Whether output value `out` may take the memory of input `in`: both are walked
 * row by row, and nothing reads the input after the output is written. What
 * broadcasts along new leading axes, or is seen through a view, is read again
 * for other rows. */
static bool run_may_replace(const lz_fused* f, int in, int out) {
  bool written = false;
  for (int i = 0; i < f->n_stages; i++) {
    const fused_stage* s = &f->stages[i];
    bool reads = false, writes = false;
    for (int k = 0; k < s->n_in; k++) {
      const fused_value *v = &f->values[s->in[k]], *base = v;
      while (base->base != FUSED_NO_BASE) base = &f->values[base->base];
      if (base->place != FUSED_IN || base->index != in) continue;
      if (v != base) return false;
      if (s->program && v->ndim != f->values[s->out[0]].ndim) return false;
      reads = true;
    }
    for (int k = 0; k < s->n_out; k++) writes |= s->out[k] == out;
    if (reads && (written || (writes && !s->program))) return false;
    written |= writes;
  }
  return true;
}

/* Memory for the outputs: that of an input which is needed no more, where the
 * order of the stages allows it. */
static int run_alloc_rows(lz_exec* x, const lz_fused* f) {
  for (int v = 0; v < f->n_values; v++) {
    const fused_value* value = &f->values[v];
    if (value->place != FUSED_OUT || value->base != FUSED_NO_BASE) continue;
    const lz_array* out = x->out[value->index];
    int from = -1;
    for (int k = 0; k < x->n_in && from < 0; k++) {
      const lz_array* in = x->in[k];
      if (k < (int)sizeof x->may_donate && x->may_donate[k] &&
          in->dtype == out->dtype && array_same_shape(in, out) &&
          run_may_replace(f, k, v))
        from = k;
    }
    if (from < 0 ? exec_alloc(x, value->index)
                 : exec_alloc_or_donate(x, value->index, from))
      return 1;
  }
  return 0;
}

static int run_row_blocks(lz_exec* x, const lz_fused* f) {
  if (run_alloc_rows(x, f)) return 1;
  if (x->out[0]->size == 0) return 0;
  int n = 0;
  uint64_t flops = 0;
  for (int i = 0; i < f->n_stages; i++) {
    const fused_stage* s = &f->stages[i];
    n += s->n_in + s->n_out;
    const fused_value* v = &f->values[s->out[0]];
    uint64_t size = 1;
    for (int d = 0; d < v->ndim; d++) size *= (uint64_t)v->shape[d];
    flops += size * (s->program ? (uint64_t)s->program->n_instrs : 2);
  }
  size_t each = sizeof(run_binding) + LZ_MAX_DIMS * sizeof(int64_t);
  char* memory =
      malloc((size_t)n * each + (size_t)f->n_values * sizeof(size_t));
  if (!memory) return error_memory() == NULL;
  run_rows r = {
      .f = f,
      .n_bindings = n,
      .bindings = (run_binding*)memory,
      .leading = (void*)(memory + (size_t)n * sizeof(run_binding)),
      .place = (void*)(memory + (size_t)n * each)};
  const fused_value* root = &f->values[f->n_values - 1];
  memcpy(r.shape, root->shape, sizeof(int32_t) * (size_t)f->rows);
  run_place(&r);
  run_bind_all(&r, x);
  r.ndim = view_collapse(n, f->rows, r.shape, r.leading);
  run_cut(&r);
  int64_t others = 1;
  for (int d = 0; d + 1 < r.ndim; d++) others *= r.shape[d];
  int64_t blocks = others * r.blocks;
  int64_t bytes = (int64_t)(r.scratch * (size_t)r.block);
  pool_for(blocks, bytes ? FUSED_SMALL / bytes : 1, run_blocks, &r);
  free(memory);
  x->flops = flops;
  if (atomic_load(&r.failed) == 2) error_memory();
  return atomic_load(&r.failed) != 0;
}

int fused_run(lz_exec* x, const lz_fused* f) {
  switch (f->kind) {
    case FUSED_REDUCE:
      return run_reduce(x, f);
    case FUSED_MATMUL:
      return run_matmul(x, f);
    case FUSED_ROWS:
      break;
  }
  return run_row_blocks(x, f);
}
