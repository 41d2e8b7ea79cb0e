/* Statistics of each step, which nobody looks at. */
#include "program.h"

int main(void) {
  program_begin();
  mlx_array x = program_numbers(50000);
  for (int i = 0; i < 20; i++) {
    mlx_array mean = mlx_array_new(), spread = mlx_array_new();
    for (int k = 0; k < 6; k++) mlx_sin(&x, x, program_stream);
    mlx_mean(&mean, x, false, program_stream);
    mlx_subtract(&spread, x, mean, program_stream);
    program_square(&spread);
    mlx_sum(&spread, spread, false, program_stream);
    mlx_sqrt(&spread, spread, program_stream); /* F8 */
    mlx_array_eval(x);
    mlx_array_free(mean);
    mlx_array_free(spread);
  }
  program_end(x);
  return 0;
}
