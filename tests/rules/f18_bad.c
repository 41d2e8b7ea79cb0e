/* A learning rate that is part of the function, and changes. */
#include "program.h"

static float rate = 1;

static int scaled(mlx_vector_array* out, const mlx_vector_array in) {
  mlx_array x = mlx_array_new(), r = mlx_array_new_float(rate);
  mlx_vector_array_get(&x, in, 0);
  mlx_multiply(&x, x, r, program_stream);
  program_square(&x);
  *out = mlx_vector_array_new_value(x);
  mlx_array_free(r);
  return mlx_array_free(x);
}

int main(void) {
  program_begin();
  mlx_array x = program_numbers(50000);
  mlx_closure plain = mlx_closure_new_func(scaled), fast = {NULL};
  for (int i = 0; i < 6; i++) {
    mlx_vector_array in = mlx_vector_array_new_value(x);
    mlx_vector_array out = mlx_vector_array_new();
    rate *= 0.9f;
    const uint64_t constants[] = {(uint64_t)(rate * 1e6f)};
    mlx_detail_compile(&fast, plain, 1, false, constants, 1);
    mlx_closure_apply(&out, fast, in); /* F18 */
    mlx_eval(out);
    mlx_vector_array_free(in);
    mlx_vector_array_free(out);
  }
  mlx_closure_free(fast);
  mlx_closure_free(plain);
  program_end(x);
  return 0;
}
