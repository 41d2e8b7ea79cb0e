/* What the programs of the rules' tests share: arrays of a few thousand floats,
 * and no more. They are ordinary programs; the profiler is not among them. */
#ifndef PROGRAM_H
#define PROGRAM_H

#include <stdio.h>

#include "mlx/c/mlx.h"

static mlx_stream program_stream;

/* 0, 1, 2, …, computed at once so that nothing is pending. */
static mlx_array program_numbers(int n) {
  mlx_array a = mlx_array_new();
  mlx_arange(&a, 0, n, 1, MLX_FLOAT32, program_stream);
  mlx_array_eval(a);
  return a;
}

static void program_begin(void) {
  program_stream = mlx_default_cpu_stream_new();
}

/* Both free what they replace. */
static void program_square(mlx_array* a) {
  mlx_square(a, *a, program_stream);
}
static void program_add(mlx_array* a, mlx_array b) {
  mlx_add(a, *a, b, program_stream);
}

static inline void program_end(mlx_array a) {
  mlx_array_free(a);
  mlx_stream_free(program_stream);
}

/* Not every program takes all of them. */
__attribute__((unused)) static void* const program_parts[] = {
    (void*)program_numbers,
    (void*)program_square,
    (void*)program_add,
    (void*)program_begin};

#endif
