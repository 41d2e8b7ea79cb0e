#include "program.h"

int main(void) {
  program_begin();
  mlx_array x = program_numbers(64);
  float total = 0;
  for (int i = 0; i < 64; i++) {
    mlx_array element = mlx_array_new();
    int stop = i + 1, stride = 1;
    float value;
    mlx_slice(&element, x, &i, 1, &stop, 1, &stride, 1, program_stream);
    mlx_array_item_float32(&value, element); /* F3 */
    total += value;
    mlx_array_free(element);
  }
  printf("%g\n", (double)total);
  program_end(x);
  return 0;
}
