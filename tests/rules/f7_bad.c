/* A running sum that nobody evaluates until the end. */
#include "program.h"

int main(void) {
  program_begin();
  mlx_array x = program_numbers(256), total = mlx_array_new_float(0);
  for (int i = 0; i < 5000; i++) {
    mlx_array loss = mlx_array_new();
    mlx_sum(&loss, x, false, program_stream);
    mlx_add(&total, total, loss, program_stream); /* F7 */
    mlx_array_free(loss);
  }
  mlx_array_eval(total);
  mlx_array_free(total);
  program_end(x);
  return 0;
}
