#include "program.h"

int main(void) {
  program_begin();
  mlx_array x = program_numbers(4096);
  mlx_array a = mlx_array_new(), b = mlx_array_new(), c = mlx_array_new();
  mlx_tanh(&a, x, program_stream);
  mlx_sqrt(&b, x, program_stream);
  mlx_square(&c, x, program_stream);
  mlx_array_eval(a); /* F5 */
  mlx_array_eval(b);
  mlx_array_eval(c);
  mlx_array_free(a);
  mlx_array_free(b);
  mlx_array_free(c);
  program_end(x);
  return 0;
}
