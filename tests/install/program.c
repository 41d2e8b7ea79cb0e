/* What a project elsewhere would build: 2 + 3 through the interface. */
#include <stdio.h>

#include "mlx/c/mlx.h"

int main(void) {
  mlx_stream s = mlx_default_cpu_stream_new();
  mlx_array a = mlx_array_new_float(2.0f), b = mlx_array_new_float(3.0f);
  mlx_array sum = mlx_array_new();
  float value = 0.0f;
  mlx_add(&sum, a, b, s);
  mlx_array_item_float32(&value, sum);
  printf("%g\n", (double)value);
  mlx_array_free(sum);
  mlx_array_free(b);
  mlx_array_free(a);
  mlx_stream_free(s);
  return value == 5.0f ? 0 : 1;
}
