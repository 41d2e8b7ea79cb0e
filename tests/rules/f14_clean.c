/* A row of weights, broadcast; and different rows, joined. */
#include "program.h"

int main(void) {
  program_begin();
  const int row[] = {1, 4096}, all[] = {32, 4096};
  mlx_array x = program_numbers(4096), batch = mlx_array_new();
  mlx_reshape(&x, x, row, 2, program_stream);
  mlx_vector_array parts = mlx_vector_array_new();
  for (int i = 0; i < 32; i++) {
    mlx_array other = mlx_array_new();
    mlx_roll(&other, x, &i, 1, program_stream);
    mlx_vector_array_append_value(parts, other);
    mlx_array_free(other);
  }
  mlx_concatenate_axis(&batch, parts, 0, program_stream);
  mlx_broadcast_to(&x, x, all, 2, program_stream);
  program_add(&batch, x);
  mlx_array_eval(batch);
  mlx_vector_array_free(parts);
  mlx_array_free(batch);
  program_end(x);
  return 0;
}
