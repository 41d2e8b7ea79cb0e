/* A learning rate that is an input of the function. */
#include "program.h"

static int scaled(mlx_vector_array* out, const mlx_vector_array in) {
  mlx_array x = mlx_array_new(), r = mlx_array_new();
  mlx_vector_array_get(&x, in, 0);
  mlx_vector_array_get(&r, in, 1);
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
  float rate = 1;
  mlx_compile(&fast, plain, false);
  for (int i = 0; i < 6; i++) {
    mlx_array r = mlx_array_new_float(rate *= 0.9f);
    mlx_vector_array in =
        mlx_vector_array_new_data((const mlx_array[]){x, r}, 2);
    mlx_vector_array out = mlx_vector_array_new();
    mlx_closure_apply(&out, fast, in);
    mlx_eval(out);
    mlx_array_free(r);
    mlx_vector_array_free(in);
    mlx_vector_array_free(out);
  }
  mlx_closure_free(fast);
  mlx_closure_free(plain);
  program_end(x);
  return 0;
}
