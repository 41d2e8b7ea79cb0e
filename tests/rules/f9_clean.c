/* The scale has the dtype of what it scales; and a cast that is meant. */
#include "program.h"

int main(void) {
  program_begin();
  const int one[] = {1};
  const float tenth[] = {0.1f};
  mlx_array x = program_numbers(20000), wide = mlx_array_new();
  mlx_array scale = mlx_array_new_data(tenth, one, 1, MLX_FLOAT32);
  mlx_array narrow = mlx_array_new();
  mlx_astype(&x, x, MLX_FLOAT16, program_stream);
  mlx_array_eval(x);
  mlx_astype(&narrow, scale, MLX_FLOAT16, program_stream);
  mlx_multiply(&x, x, narrow, program_stream);
  mlx_astype(&wide, x, MLX_FLOAT32, program_stream);
  mlx_multiply(&wide, wide, scale, program_stream);
  mlx_array_eval(wide);
  mlx_array_free(narrow);
  mlx_array_free(scale);
  mlx_array_free(wide);
  program_end(x);
  return 0;
}
