/* A chain that crosses from one device to the other once. */
#include "program.h"

int main(void) {
  program_begin();
  bool gpu = false;
  mlx_device device = mlx_device_new_type(MLX_GPU, 0);
  mlx_device_is_available(&gpu, device);
  mlx_stream other = gpu ? mlx_default_gpu_stream_new() : program_stream;
  mlx_array x = program_numbers(50000);
  for (int i = 0; i < 3; i++) mlx_sin(&x, x, other);
  for (int i = 0; i < 3; i++) mlx_cumsum(&x, x, 0, false, true, program_stream);
  mlx_array_eval(x);
  if (gpu) mlx_stream_free(other);
  mlx_device_free(device);
  program_end(x);
  return gpu ? 0 : 77;
}
