/* What an optimiser of lazy graphs is shown with: constants that fold, an
 * expression written twice, a branch that nobody takes. Each decision is told
 * of the line with its name in a comment.
 *
 * Exits with 1 where a value is not what plain C says. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "mlx/c/mlx.h"

static mlx_stream cpu;

static void check(mlx_array y, const float* want, const char* what) {
  mlx_array_eval(y);
  const float* got = mlx_array_data_float32(y);
  for (int i = 0; i < 3; i++)
    if (!got || got[i] != want[i]) {
      fprintf(stderr, "rewrites: %s: element %d\n", what, i);
      exit(1);
    }
}

static mlx_array three(float a, float b, float c) {
  return mlx_array_new_data(
      (const float[]){a, b, c}, (const int[]){3}, 1, MLX_FLOAT32);
}

/* x * (2 + 3) */
static void constants(mlx_array x) {
  mlx_array scale = mlx_array_new_float(2), offset = mlx_array_new_float(3);
  mlx_array combined = mlx_array_new(), y = mlx_array_new();
  mlx_add(&combined, scale, offset, cpu); /* folded */
  mlx_multiply(&y, x, combined, cpu);
  check(y, (const float[]){5, 10, 15}, "x * (2 + 3)");
  mlx_array_free(y);
  mlx_array_free(combined);
  mlx_array_free(offset);
  mlx_array_free(scale);
}

/* (a * a + b) * (a * a - c) */
static void subexpressions(mlx_array a, mlx_array b, mlx_array c) {
  mlx_array squared = mlx_array_new(), again = mlx_array_new();
  mlx_array first = mlx_array_new(), second = mlx_array_new();
  mlx_array y = mlx_array_new();
  mlx_multiply(&squared, a, a, cpu);
  mlx_multiply(&again, a, a, cpu); /* merged */
  mlx_add(&first, squared, b, cpu);
  mlx_subtract(&second, again, c, cpu);
  mlx_multiply(&y, first, second, cpu);
  mlx_array_free(second);
  mlx_array_free(first);
  mlx_array_free(again);
  mlx_array_free(squared);
  check(y, (const float[]){0, 24, 96}, "(a * a + b) * (a * a - c)");
  mlx_array_free(y);
}

static mlx_array process(mlx_array x, bool use_branch_a) {
  mlx_array branch_a = mlx_array_new(), branch_b = mlx_array_new();
  mlx_square(&branch_a, x, cpu);
  mlx_exp(&branch_b, x, cpu); /* dropped */
  mlx_array_free(use_branch_a ? branch_b : branch_a);
  return use_branch_a ? branch_a : branch_b;
}

int main(void) {
  cpu = mlx_default_cpu_stream_new();
  mlx_array a = three(1, 2, 3), b = three(1, 4, 3), c = three(1, 1, 1);
  constants(a);
  subexpressions(a, b, c);
  mlx_array y = process(a, true);
  check(y, (const float[]){1, 4, 9}, "the branch that is taken");
  mlx_array_free(y);
  mlx_array_free(c);
  mlx_array_free(b);
  mlx_array_free(a);
  mlx_stream_free(cpu);
  return 0;
}
