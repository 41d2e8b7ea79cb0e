#include "program.h"

int main(void) {
  program_begin();
  mlx_array b = program_numbers(64), x = program_numbers(64);
  for (int i = 0; i < 200; i++) program_add(&x, b);
  mlx_array_eval(x);
  mlx_array_free(b);
  program_end(x);
  return 0;
}
