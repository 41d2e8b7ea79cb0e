/* item() of a sum that nobody needs before the end. */
#include "program.h"

int main(void) {
  program_begin();
  mlx_array b = program_numbers(64), x = program_numbers(64);
  float total = 0;
  for (int i = 0; i < 100; i++) {
    mlx_array sum = mlx_array_new(), product = mlx_array_new();
    float value;
    mlx_multiply(&product, x, b, program_stream);
    mlx_sum(&sum, product, false, program_stream);
    mlx_array_item_float32(&value, sum); /* F2 */
    total += value;
    mlx_array_free(sum);
    mlx_array_free(product);
  }
  printf("%g\n", (double)total);
  mlx_array_free(b);
  program_end(x);
  return 0;
}
