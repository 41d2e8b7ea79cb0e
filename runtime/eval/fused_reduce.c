/* A reduction, what makes its elements and what is made of its result. */
#include <stdlib.h>

#include "core/error.h"
#include "cpu/program_span.h"
#include "eval/fused_parts.h"

static void run_source(
    void* ctx, int64_t begin, int64_t n, void* tile, int worker) {
  (void)worker;
  program_span_run(ctx, begin, n, tile);
}

/* The core of a REDUCE, its input made by the program before it. */
static int run_reduce_core(
    lz_exec* x, const lz_fused* f, const lz_view* out, fused_views* views) {
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
  fused_open_views(x, f, before, NULL, in->ndim, in->shape, views);
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

int fused_run_reduce(lz_exec* x, const lz_fused* f) {
  if (fused_alloc(x)) return 1;
  const fused_stage* core = &f->stages[f->core];
  const fused_value* v = &f->values[core->out[0]];
  fused_views* views = malloc(sizeof *views);
  if (!views) return error_memory() == NULL;
  const lz_array* a = fused_array(x, v);
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
    fused_open_views(x, f, after, &out, v->ndim, v->shape, views);
    program_run(after->program, v->ndim, v->shape, views->in, views->out);
    x->flops += (uint64_t)view_size(&out) * (uint64_t)after->program->n_instrs;
  }
  free(views);
  return failed;
}
