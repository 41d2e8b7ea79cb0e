/* A compiled function that sees batches of every size. */
#include "program.h"

static int wave(mlx_vector_array* out, const mlx_vector_array in) {
  mlx_array x = mlx_array_new();
  mlx_vector_array_get(&x, in, 0);
  mlx_sin(&x, x, program_stream);
  program_square(&x);
  *out = mlx_vector_array_new_value(x);
  return mlx_array_free(x);
}

int main(void) {
  program_begin();
  mlx_closure plain = mlx_closure_new_func(wave), fast = {NULL};
  mlx_compile(&fast, plain, false);
  for (int i = 0; i < 6; i++) {
    mlx_array x = program_numbers(20000 + 1000 * i);
    mlx_vector_array in = mlx_vector_array_new_value(x);
    mlx_vector_array out = mlx_vector_array_new();
    mlx_closure_apply(&out, fast, in); /* F19 */
    mlx_eval(out);
    mlx_vector_array_free(in);
    mlx_vector_array_free(out);
    mlx_array_free(x);
  }
  mlx_closure_free(fast);
  mlx_closure_free(plain);
  program_end(mlx_array_new());
  return 0;
}
