/* The next step is built and started before the last one's result is read. */
#include "program.h"

static mlx_array step(mlx_array* x) {
  mlx_array token = mlx_array_new();
  for (int k = 0; k < 8; k++) mlx_sin(x, *x, program_stream);
  mlx_max(&token, *x, false, program_stream);
  mlx_vector_array both =
      mlx_vector_array_new_data((const mlx_array[]){*x, token}, 2);
  mlx_async_eval(both);
  mlx_vector_array_free(both);
  return token;
}

int main(void) {
  program_begin();
  mlx_array x = program_numbers(300000), token = step(&x);
  for (int i = 0; i < 20; i++) {
    float value;
    mlx_array next = step(&x);
    mlx_array_item_float32(&value, token);
    mlx_array_free(token);
    token = next;
  }
  mlx_array_eval(token);
  mlx_array_free(token);
  program_end(x);
  return 0;
}
