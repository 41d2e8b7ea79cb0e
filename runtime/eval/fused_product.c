/* A matrix product, what makes one of its operands and what is made of it. */
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "eval/fused_parts.h"

/* A program over parts of its last two axes. Rows are those of all leading
 * axes, merged as far as every array allows. */
typedef struct product_program {
  const lz_program* program;
  int n_in, n_out;
  fused_views views;
  size_t made; /* bytes of an element of the output that is no array, if any */
  int ndim;    /* of the rows */
  int32_t shape[LZ_MAX_DIMS];
  int64_t strides[PROGRAM_MAX_INPUTS + PROGRAM_MAX_OUTPUTS][LZ_MAX_DIMS];
} product_program;

static lz_view* product_view(product_program* t, int i) {
  return i < t->n_in ? &t->views.in[i] : &t->views.out[i - t->n_in];
}

/* NULL with a message. */
static product_program* product_open(
    const lz_exec* x,
    const lz_fused* f,
    const fused_stage* s,
    int ndim,
    const int32_t* shape) {
  product_program* t = malloc(sizeof *t);
  if (!t) return error_memory();
  t->program = s->program;
  t->n_in = s->n_in;
  t->n_out = s->n_out;
  t->made = 0;
  fused_open_views(x, f, s, NULL, ndim, shape, &t->views);
  const fused_value* out = &f->values[s->out[0]];
  if (!fused_array(x, out)) {
    /* Its place is told with each part. */
    t->n_out = 0;
    t->made = dtype_size((lz_dtype)out->dtype);
  }
  int lead = ndim - 1;
  for (int d = 0; d < lead; d++) t->shape[d] = shape[d];
  for (int i = 0; i < t->n_in + t->n_out; i++)
    memcpy(
        t->strides[i],
        product_view(t, i)->strides,
        sizeof(int64_t) * (size_t)lead);
  t->ndim = view_collapse(t->n_in + t->n_out, lead, t->shape, t->strides);
  return t;
}

/* Rows that follow each other along the last of the merged axes; `to` is the
 * place of the output that is no array. */
static void product_rows(
    product_program* t,
    int64_t row,
    int64_t rows,
    int64_t column,
    int64_t columns,
    lz_view* to) {
  int n = t->n_in + t->n_out, last = t->ndim - 1;
  int32_t shape[2] = {(int32_t)rows, (int32_t)columns};
  int64_t strides[n + 1][2];
  lz_view view[n + 1];
  for (int i = 0; i < n; i++) {
    const lz_view* v = product_view(t, i);
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
  if (to) {
    to->shape = shape;
    view[n] = *to;
  }
  program_run(t->program, 2, shape, view, view + t->n_in);
}

static void product_part(
    product_program* t,
    int64_t row,
    int64_t rows,
    int64_t column,
    int64_t columns,
    lz_view* to) {
  int64_t extent = t->shape[t->ndim - 1];
  while (rows > 0) {
    int64_t n = extent - row % extent;
    if (n > rows) n = rows;
    product_rows(t, row, n, column, columns, to);
    if (to) to->data = (char*)to->data + n * columns * (int64_t)t->made;
    row += n;
    rows -= n;
  }
}

static void product_after(
    void* ctx, int64_t row, int64_t rows, int64_t column, int64_t columns) {
  product_part(ctx, row, rows, column, columns, NULL);
}

typedef struct product_before {
  product_program* program;
  lz_dtype dtype;
} product_before;

static void product_make(
    void* ctx,
    int64_t row,
    int64_t rows,
    int64_t column,
    int64_t columns,
    void* to) {
  product_before* b = ctx;
  int64_t strides[2] = {columns, 1};
  lz_view view = {to, b->dtype, 2, NULL, strides};
  product_part(b->program, row, rows, column, columns, &view);
}

/* The views of the operands; one of them may be made by the stage before. */
static int product_operands(
    lz_exec* x,
    const lz_fused* f,
    lz_view* in,
    int64_t* strides,
    product_before* before,
    lz_maker* maker) {
  const fused_stage* core = &f->stages[f->core];
  for (int i = 0; i < core->n_in; i++) {
    const fused_value *v = &f->values[core->in[i]], *made = v;
    const lz_array* a = fused_array(x, v);
    if (a) {
      in[i] = array_view(a);
      continue;
    }
    while (made->base != FUSED_NO_BASE) made = &f->values[made->base];
    view_row_strides(v->ndim, v->shape, strides);
    in[i] = (lz_view){NULL, (lz_dtype)v->dtype, v->ndim, v->shape, strides};
    before->dtype = (lz_dtype)v->dtype;
    before->program =
        product_open(x, f, &f->stages[0], made->ndim, made->shape);
    if (!before->program) return 1;
    *maker = (lz_maker){i, v->turned, product_make, before};
    x->flops +=
        (uint64_t)view_size(&in[i]) * (uint64_t)f->stages[0].program->n_instrs;
  }
  return 0;
}

int fused_run_matmul(lz_exec* x, const lz_fused* f) {
  if (fused_alloc(x)) return 1;
  const fused_stage *core = &f->stages[f->core], *after = core + 1;
  bool goes_on = f->core + 1 < f->n_stages;
  const fused_value* v = &f->values[core->out[0]];
  const lz_array* product = fused_array(x, v);
  lz_view in[3], out = array_view(product);
  int64_t strides[LZ_MAX_DIMS];
  out.dtype = (lz_dtype)v->dtype; /* it may stand in the root's memory */
  if (out.ndim == 0 || product->size == 0) return 0;
  product_before before = {NULL, DTYPE_FLOAT32};
  product_program* t = NULL;
  lz_maker maker;
  int failed = product_operands(x, f, in, strides, &before, &maker);
  if (!failed && goes_on)
    failed = !(t = product_open(x, f, after, out.ndim, out.shape));
  if (!failed) {
    lz_inner inner = {.params = core->params, .in = in, .out = &out};
    failed = core->op->fusable->tiled(
        &inner,
        before.program ? &maker : NULL,
        goes_on ? product_after : NULL,
        t);
    if (failed) error_memory();
    x->flops += (uint64_t)product->size *
                (2 * (uint64_t)in[0].shape[in[0].ndim - 1] +
                 (uint64_t)(goes_on ? after->program->n_instrs : 0));
  }
  free(t);
  free(before.program);
  return failed;
}
