/* A kernel of several operations that are not all element-wise.
 *
 * It is a list of stages, each a program over one shape, an operation through
 * its lz_fusable, or a view. Between them they pass values: the step's inputs,
 * its outputs, and what stays in scratch. How the stages are run is its kind:
 *
 *   ROWS     a block of rows goes through all stages before the next block is
 *            begun, so that what is between them stays in the cache. A row is
 *            an index of the leading axes that all values share.
 *   REDUCE   an optional program makes the elements that a reduction asks for;
 *            an optional program goes over the reduction's output
 *   MATMUL   an optional program makes one operand of a product, stripe by
 *            stripe; an optional program goes over each part of the product as
 *            it is finished
 *
 * Plain data in the plan's arena; nothing refers to nodes. */
#ifndef EVAL_FUSED_H
#define EVAL_FUSED_H

#include "core/op.h"
#include "cpu/program.h"

typedef enum fused_kind { FUSED_ROWS, FUSED_REDUCE, FUSED_MATMUL } fused_kind;

typedef enum fused_place {
  FUSED_IN,     /* the step's input `index` */
  FUSED_OUT,    /* the step's output `index` */
  FUSED_SCRATCH /* nowhere else; of a view: the memory of value `base` */
} fused_place;

enum { FUSED_NO_BASE = UINT16_MAX };

typedef struct fused_value {
  uint8_t place; /* fused_place */
  uint8_t dtype;
  uint8_t ndim;
  bool turned; /* of a view: the last two axes are the other way round */
  uint16_t index;
  uint16_t base; /* views: the value they show; else FUSED_NO_BASE */
  const int32_t* shape;
} fused_value;

typedef struct fused_stage {
  const lz_program* program; /* over the shape of its outputs; or */
  const lz_op* op;           /* an operation, or a view */
  const void* params;
  uint16_t n_in, n_out;
  const uint16_t* in; /* values */
  const uint16_t* out;
} fused_stage;

typedef struct lz_fused {
  fused_kind kind;
  int rows; /* leading axes that number the rows; of ROWS */
  int n_values, n_stages;
  const fused_value* values;
  const fused_stage* stages;
  int core; /* of REDUCE and MATMUL: the stage that is not a program */
} lz_fused;

/* FUSED_ROW_BYTES   that a row's values may take together
 * FUSED_BLOCK_BYTES of values that a block of rows may take
 * FUSED_THREAD_ROWS that there must be for every thread, unless all values
 * FUSED_SMALL       together are so few bytes that one thread will do */
#if defined(LAZULI_HOSTILE)
enum {
  FUSED_ROW_BYTES = 128 << 10,
  FUSED_BLOCK_BYTES = 512,
  FUSED_THREAD_ROWS = 0,
  FUSED_SMALL = 0
};
#else
enum {
  FUSED_ROW_BYTES = 128 << 10,
  FUSED_BLOCK_BYTES = 192 << 10,
  FUSED_THREAD_ROWS = 4,
  FUSED_SMALL = 64 << 10
};
#endif

/* Gives the outputs memory and runs all stages. */
int fused_run(lz_exec* x, const lz_fused* f);

#endif
