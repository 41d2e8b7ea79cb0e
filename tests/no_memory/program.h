/* Small programs on the interface that go on whatever fails, and say how many
 * calls failed and what came out. */
#ifndef TESTS_NO_MEMORY_PROGRAM_H
#define TESTS_NO_MEMORY_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mlx/c/mlx.h"

enum { PROGRAM_ARRAYS = 24, PROGRAM_VECTORS = 8 };

/* What every program has: a stream, arrays and vectors that are freed behind
 * it, all empty at first. Allocated by malloc, never by Lazuli. */
typedef struct program {
  int failed;
  uint64_t sum;  /* of what was taken; the same whenever nothing fails */
  float* values; /* of float32 that were taken: another way to compute them, for
                    which there was memory, may round otherwise */
  size_t n_values;
  mlx_stream s;
  mlx_array a[PROGRAM_ARRAYS];
  mlx_vector_array v[PROGRAM_VECTORS];
  const char* folder; /* for files */
  const char* first;  /* that failed */
} program;

/* A call with a status. The first that fails is remembered. */
#define DO(call) program_did(p, (call) != 0, #call)
void program_did(program* p, bool failed, const char* call);

/* Numbers that are no pattern, in a[i]; `scale` times -1 … 1. */
void program_fill(
    program* p, int i, mlx_dtype dtype, float scale, int n, const int* shape);
#define FILL(i, dtype, scale, ...)                       \
  program_fill(                                          \
      p,                                                 \
      i,                                                 \
      dtype,                                             \
      scale,                                             \
      (int)(sizeof((int[]){__VA_ARGS__}) / sizeof(int)), \
      (const int[]){__VA_ARGS__})

/* Puts a[i] … into v[j]. */
void program_gather(program* p, int j, int n, const int* which);
#define GATHER(j, ...)                                   \
  program_gather(                                        \
      p,                                                 \
      j,                                                 \
      (int)(sizeof((int[]){__VA_ARGS__}) / sizeof(int)), \
      (const int[]){__VA_ARGS__})

/* Takes the values into the sum: an evaluation and a copy. */
void program_take(program* p, mlx_array a);
void program_take_all(program* p, mlx_vector_array v);

typedef void (*program_body)(program* p);

#define PROGRAM(name) void program_##name(program* p);
#include "programs.def"
#undef PROGRAM

#endif
