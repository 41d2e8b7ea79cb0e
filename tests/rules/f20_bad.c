/* A compiled function that captures what is still pending. */
#include "program.h"

static mlx_array table;

static int shifted(mlx_vector_array* out, const mlx_vector_array in) {
  mlx_array x = mlx_array_new();
  mlx_vector_array_get(&x, in, 0);
  program_add(&x, table);
  program_square(&x);
  *out = mlx_vector_array_new_value(x);
  return mlx_array_free(x);
}

int main(void) {
  program_begin();
  mlx_array x = program_numbers(50000);
  mlx_closure plain = mlx_closure_new_func(shifted), fast = {NULL};
  mlx_compile(&fast, plain, false);
  table = program_numbers(50000);
  for (int i = 0; i < 5; i++) mlx_cos(&table, table, program_stream);
  for (int i = 0; i < 6; i++) {
    mlx_vector_array in = mlx_vector_array_new_value(x);
    mlx_vector_array out = mlx_vector_array_new();
    mlx_closure_apply(&out, fast, in); /* F20 */
    mlx_eval(out);
    mlx_vector_array_free(in);
    mlx_vector_array_free(out);
  }
  mlx_closure_free(fast);
  mlx_closure_free(plain);
  mlx_array_free(table);
  program_end(x);
  return 0;
}
