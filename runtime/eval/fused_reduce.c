/* A reduction, what makes its elements and what is made of its result. */
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "cpu/program_span.h"
#include "eval/fused_parts.h"

static void run_source(
    void* ctx, int64_t begin, int64_t n, void* tile, int worker) {
  (void)worker;
  program_span_run(ctx, begin, n, tile);
}

/* Whether axis a is to be walked outside of axis b: as the first of the inputs
 * has it that has both in memory. */
static bool is_outer(const lz_view* in, int n, int a, int b) {
  for (int i = 0; i < n; i++) {
    int64_t far = llabs(in[i].strides[a]), near = llabs(in[i].strides[b]);
    if (far != near && far != 0 && near != 0) return far > near;
  }
  return a < b;
}

/* Opens the program for the elements of `made` in the order in which its inputs
 * have them in memory, each once where all of them repeat. The strides of
 * `made` become the numbers of its elements in that order. */
static void open_span(
    program_span* span,
    const lz_program* p,
    fused_views* views,
    const lz_view* made,
    int64_t* numbers) {
  int axes[LZ_MAX_DIMS], n = 0;
  bool fixed = false; /* a ramp counts by index */
  for (int i = 0; i < p->n_instrs; i++) fixed |= p->instrs[i].op == EW_IOTA;
  for (int d = 0; d < made->ndim; d++) {
    bool varies = fixed;
    for (int i = 0; i < p->n_inputs; i++) varies |= views->strides[i][d] != 0;
    numbers[d] = 0;
    if (!varies || made->shape[d] == 1) continue;
    int at = n++;
    for (;
         !fixed && at > 0 && is_outer(views->in, p->n_inputs, d, axes[at - 1]);
         at--)
      axes[at] = axes[at - 1];
    axes[at] = d;
  }
  int64_t step = 1, strides[LZ_MAX_DIMS];
  int32_t shape[LZ_MAX_DIMS];
  for (int k = n; k-- > 0;) {
    numbers[axes[k]] = step;
    step *= shape[k] = made->shape[axes[k]];
  }
  for (int i = 0; i < p->n_inputs; i++) {
    for (int k = 0; k < n; k++) strides[k] = views->strides[i][axes[k]];
    memcpy(views->strides[i], strides, (size_t)n * sizeof *strides);
  }
  program_span_open(span, p, n, shape, views->in);
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
  int64_t numbers[LZ_MAX_DIMS];
  lz_view never = {NULL, (lz_dtype)in->dtype, in->ndim, in->shape, numbers};
  open_span(span, before->program, views, &never, numbers);
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
