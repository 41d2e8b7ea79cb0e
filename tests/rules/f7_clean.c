/* A running sum that is evaluated now and then. */
#include "program.h"

int main(void) {
  program_begin();
  mlx_array x = program_numbers(256), total = mlx_array_new_float(0);
  for (int i = 0; i < 5000; i++) {
    mlx_array loss = mlx_array_new();
    mlx_sum(&loss, x, false, program_stream);
    mlx_add(&total, total, loss, program_stream);
    mlx_array_free(loss);
    if (i % 1000 == 999) mlx_array_eval(total);
  }
  mlx_array_free(total);
  program_end(x);
  return 0;
}
