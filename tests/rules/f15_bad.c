/* A cache that is joined with each new row. */
#include "program.h"

int main(void) {
  program_begin();
  const int row[] = {1, 4096};
  mlx_array x = program_numbers(4096), cache = mlx_array_new();
  mlx_reshape(&x, x, row, 2, program_stream);
  mlx_array_set(&cache, x);
  for (int i = 0; i < 30; i++) {
    mlx_array next = mlx_array_new();
    for (int k = 0; k < 6; k++) mlx_sin(&x, x, program_stream);
    mlx_vector_array both =
        mlx_vector_array_new_data((const mlx_array[]){cache, x}, 2);
    mlx_concatenate_axis(&next, both, 0, program_stream); /* F15 */
    mlx_array_set(&cache, next);
    mlx_vector_array_free(both);
    mlx_array_free(next);
    mlx_array_eval(cache);
  }
  mlx_array_free(cache);
  program_end(x);
  return 0;
}
