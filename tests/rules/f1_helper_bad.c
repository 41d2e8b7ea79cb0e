/* The same through a helper: what matters is who calls it. */
#include "program.h"

static void compute(mlx_array x) {
  mlx_vector_array outputs = mlx_vector_array_new_value(x);
  mlx_eval(outputs);
  mlx_vector_array_free(outputs);
}

int main(void) {
  program_begin();
  mlx_array b = program_numbers(4096), x = program_numbers(4096);
  for (int i = 0; i < 5; i++) {
    program_add(&x, b);
    compute(x); /* F1 */
    mlx_sqrt(&x, x, program_stream);
    compute(x);
    mlx_tanh(&x, x, program_stream);
    compute(x);
  }
  mlx_array_free(b);
  program_end(x);
  return 0;
}
