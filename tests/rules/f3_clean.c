#include "program.h"

int main(void) {
  program_begin();
  mlx_array x = program_numbers(64);
  const float* values = mlx_array_data_float32(x);
  float total = 0;
  for (int i = 0; i < 64; i++) total += values[i];
  printf("%g\n", (double)total);
  program_end(x);
  return 0;
}
