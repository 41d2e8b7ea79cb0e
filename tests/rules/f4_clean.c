#include "program.h"

int main(void) {
  program_begin();
  mlx_array b = program_numbers(4096), x = program_numbers(4096);
  program_add(&x, b);
  program_square(&x);
  mlx_sqrt(&x, x, program_stream);
  mlx_tanh(&x, x, program_stream);
  mlx_string text = mlx_string_new();
  mlx_array_tostring(&text, x);
  puts(mlx_string_data(text));
  mlx_string_free(text);
  mlx_array_free(b);
  program_end(x);
  return 0;
}
