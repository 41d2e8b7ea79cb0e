/* Steps that are worth an eval each: as a training loop has them. */
#include "program.h"

int main(void) {
  program_begin();
  mlx_array b = program_numbers(20000), x = program_numbers(20000);
  for (int i = 0; i < 30; i++) {
    for (int k = 0; k < 4; k++) {
      mlx_array mean = mlx_array_new();
      mlx_mean(&mean, x, false, program_stream);
      mlx_subtract(&x, x, mean, program_stream);
      program_square(&x);
      mlx_tanh(&x, x, program_stream);
      program_add(&x, b);
      mlx_array_free(mean);
    }
    mlx_array_eval(x);
  }
  mlx_array_free(b);
  program_end(x);
  return 0;
}
