/* Statistics of each step, evaluated with it. */
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
    mlx_sqrt(&spread, spread, program_stream);
    mlx_vector_array both =
        mlx_vector_array_new_data((const mlx_array[]){x, spread}, 2);
    mlx_eval(both);
    mlx_vector_array_free(both);
    mlx_array_free(mean);
    mlx_array_free(spread);
  }
  program_end(x);
  return 0;
}
