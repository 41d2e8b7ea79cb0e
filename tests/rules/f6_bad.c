/* Newton's iteration that looks at its residual each turn. */
#include "program.h"

int main(void) {
  program_begin();
  mlx_array x = program_numbers(64), limit = mlx_array_new_float(1e-3f);
  bool small = false;
  for (int i = 0; i < 40 && !small; i++) {
    mlx_array y = mlx_array_new(), done = mlx_array_new();
    mlx_cos(&y, x, program_stream);
    mlx_subtract(&done, y, x, program_stream);
    program_square(&done);
    mlx_max(&done, done, false, program_stream);
    mlx_less(&done, done, limit, program_stream);
    mlx_array_item_bool(&small, done); /* F6 */
    mlx_array_set(&x, y);
    mlx_array_free(y);
    mlx_array_free(done);
    small = small && i > 20;
  }
  mlx_array_free(limit);
  program_end(x);
  return 0;
}
