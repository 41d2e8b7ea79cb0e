/* Stages over one block of rows after another. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "cpu/scratch.h"
#include "eval/fused_parts.h"
#include "stream/pool.h"

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
  const lz_array* a = fused_array(x, base);
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

int fused_run_rows(lz_exec* x, const lz_fused* f) {
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
