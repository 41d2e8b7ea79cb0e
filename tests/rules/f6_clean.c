/* The same, which looks once in twenty turns. */
#include "program.h"

int main(void) {
  program_begin();
  mlx_array x = program_numbers(64), limit = mlx_array_new_float(1e-3f);
  bool small = false;
  for (int i = 0; i < 60 && !small; i += 20) {
    mlx_array y = mlx_array_new(), done = mlx_array_new();
    mlx_array_set(&y, x);
    for (int k = 0; k < 20; k++) {
      mlx_array_set(&x, y);
      mlx_cos(&y, y, program_stream);
    }
    mlx_subtract(&done, y, x, program_stream);
    program_square(&done);
    mlx_max(&done, done, false, program_stream);
    mlx_less(&done, done, limit, program_stream);
    mlx_array_item_bool(&small, done);
    mlx_array_set(&x, y);
    mlx_array_free(y);
    mlx_array_free(done);
  }
  mlx_array_free(limit);
  program_end(x);
  return 0;
}
