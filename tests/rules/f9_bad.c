/* A scale of float32 makes activations of half precision wide. */
#include "program.h"

int main(void) {
  program_begin();
  const int one[] = {1};
  const float tenth[] = {0.1f};
  mlx_array x = program_numbers(20000);
  mlx_array scale = mlx_array_new_data(tenth, one, 1, MLX_FLOAT32);
  mlx_astype(&x, x, MLX_FLOAT16, program_stream);
  mlx_array_eval(x);
  mlx_multiply(&x, x, scale, program_stream); /* F9 */
  program_square(&x);
  mlx_array_eval(x);
  mlx_array_free(scale);
  program_end(x);
  return 0;
}
