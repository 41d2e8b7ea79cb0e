#include "program.h"

int main(void) {
  program_begin();
  mlx_array x = program_numbers(4096);
  mlx_array a = mlx_array_new(), b = mlx_array_new(), c = mlx_array_new();
  mlx_tanh(&a, x, program_stream);
  mlx_sqrt(&b, x, program_stream);
  mlx_square(&c, x, program_stream);
  mlx_vector_array all = mlx_vector_array_new();
  mlx_vector_array_append_value(all, a);
  mlx_vector_array_append_value(all, b);
  mlx_vector_array_append_value(all, c);
  mlx_eval(all);
  mlx_vector_array_free(all);
  mlx_array_free(a);
  mlx_array_free(b);
  mlx_array_free(c);
  program_end(x);
  return 0;
}
