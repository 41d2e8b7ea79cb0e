/* Running a kernel of several stages: see fused.h. */
#include "eval/fused_parts.h"

void fused_open_views(
    const lz_exec* x,
    const lz_fused* f,
    const fused_stage* s,
    const lz_view* made,
    int ndim,
    const int32_t* shape,
    fused_views* views) {
  for (int i = 0; i < s->n_in; i++) {
    const fused_value* v = &f->values[s->in[i]];
    const lz_array* a = fused_array(x, v);
    lz_view from = a ? array_view(a) : *made;
    if (a) from.dtype = (lz_dtype)v->dtype;
    view_broadcast_strides(
        from.ndim, from.shape, from.strides, ndim, shape, views->strides[i]);
    views->in[i] =
        (lz_view){from.data, from.dtype, ndim, shape, views->strides[i]};
  }
  for (int i = 0; i < s->n_out; i++) {
    const lz_array* a = fused_array(x, &f->values[s->out[i]]);
    if (a) views->out[i] = array_view(a);
  }
}

int fused_alloc(lz_exec* x) {
  for (int i = 0; i < x->n_out; i++)
    if (exec_alloc(x, i)) return 1;
  return 0;
}

int fused_run(lz_exec* x, const lz_fused* f) {
  switch (f->kind) {
    case FUSED_REDUCE:
      return fused_run_reduce(x, f);
    case FUSED_MATMUL:
      return fused_run_matmul(x, f);
    case FUSED_ROWS:
      break;
  }
  return fused_run_rows(x, f);
}
