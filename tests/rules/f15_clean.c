/* A cache of its final size, into which each new row goes. */
#include "program.h"

int main(void) {
  program_begin();
  const int row[] = {1, 4096}, all[] = {32, 4096};
  mlx_array x = program_numbers(4096), cache = mlx_array_new();
  mlx_reshape(&x, x, row, 2, program_stream);
  mlx_zeros(&cache, all, 2, MLX_FLOAT32, program_stream);
  for (int i = 0; i < 30; i++) {
    const int from[] = {i, 0}, to[] = {i + 1, 4096}, by[] = {1, 1};
    for (int k = 0; k < 6; k++) mlx_sin(&x, x, program_stream);
    mlx_slice_update(&cache, cache, x, from, 2, to, 2, by, 2, program_stream);
    mlx_array_eval(cache);
  }
  mlx_array_free(cache);
  program_end(x);
  return 0;
}
