/* A program over stretches of its shape, for kernels that consume elements as
 * they are made: reductions of values that are never in memory. */
#ifndef CPU_PROGRAM_SPAN_H
#define CPU_PROGRAM_SPAN_H

#include "cpu/program.h"

/* Elements of a stretch that may be asked for at once. */
enum { PROGRAM_SPAN_MAX = 1024 };

typedef struct program_span {
  const lz_program* program; /* of one output */
  const lz_view* inputs;
  int ndim;
  int32_t shape[LZ_MAX_DIMS]; /* merged */
  int64_t strides[PROGRAM_MAX_INPUTS][LZ_MAX_DIMS];
  ew_fn fn[PROGRAM_MAX_INSTRS];
} program_span;

/* Inputs are views of `shape`, as for program_run; they and the program outlive
 * the span. */
void program_span_open(
    program_span* s,
    const lz_program* program,
    int ndim,
    const int32_t* shape,
    const lz_view* inputs);

/* Elements [begin, begin+n) of the output in row-major order, n at most
 * PROGRAM_SPAN_MAX. `tile` has room for n alone. Any thread. */
void program_span_run(
    const program_span* s, int64_t begin, int64_t n, void* tile);

#endif
