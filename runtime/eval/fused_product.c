/* A matrix product, what makes one of its operands and what is made of it. */
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "eval/fused_parts.h"

/* The program after a product over parts of it. Rows are those of all leading
 * axes, merged as far as every array allows. */
typedef struct run_product {
  const lz_program* program;
  int n_in, n_out;
  fused_views* views;
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

int fused_run_matmul(lz_exec* x, const lz_fused* f) {
  if (fused_alloc(x)) return 1;
  const fused_stage *core = &f->stages[f->core], *after = core + 1;
  const fused_value* v = &f->values[core->out[0]];
  const lz_array* product = fused_array(x, v);
  lz_view in[3], out = array_view(product);
  out.dtype = (lz_dtype)v->dtype; /* it may stand in the root's memory */
  if (out.ndim == 0 || product->size == 0) return 0;
  for (int i = 0; i < core->n_in; i++)
    in[i] = array_view(fused_array(x, &f->values[core->in[i]]));
  fused_views* views = malloc(sizeof *views);
  run_product* t = malloc(sizeof *t);
  if (!views || !t) {
    free(views);
    free(t);
    return error_memory() == NULL;
  }
  fused_open_views(x, f, after, NULL, out.ndim, out.shape, views);
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
