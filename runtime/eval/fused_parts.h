/* What the ways to run a kernel of several stages share: see fused.h. */
#ifndef EVAL_FUSED_PARTS_H
#define EVAL_FUSED_PARTS_H

#include "cpu/program.h"
#include "cpu/view.h"
#include "eval/fused.h"

/* The array that a value stands in; NULL: in scratch. */
static inline const lz_array* fused_array(
    const lz_exec* x, const fused_value* v) {
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

/* Inputs and outputs of a program over the shape of its outputs. */
typedef struct fused_views {
  lz_view in[PROGRAM_MAX_INPUTS], out[PROGRAM_MAX_OUTPUTS];
  int64_t strides[PROGRAM_MAX_INPUTS][LZ_MAX_DIMS];
} fused_views;

/* `made` stands for the one value that is in scratch. */
void fused_open_views(
    const lz_exec* x,
    const lz_fused* f,
    const fused_stage* s,
    const lz_view* made,
    int ndim,
    const int32_t* shape,
    fused_views* views);

/* Memory for all outputs. Non-zero with a message. */
int fused_alloc(lz_exec* x);

int fused_run_reduce(lz_exec* x, const lz_fused* f);
int fused_run_matmul(lz_exec* x, const lz_fused* f);
int fused_run_rows(lz_exec* x, const lz_fused* f);

#endif
