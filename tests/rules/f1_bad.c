#include "program.h"

int main(void) {
  program_begin();
  mlx_array b = program_numbers(4096), x = program_numbers(4096);
  program_add(&x, b);
  mlx_array_eval(x); /* F1 */
  program_square(&x);
  mlx_array_eval(x);
  mlx_sqrt(&x, x, program_stream);
  mlx_array_eval(x);
  mlx_tanh(&x, x, program_stream);
  mlx_array_eval(x);
  mlx_array_free(b);
  program_end(x);
  return 0;
}
