/* A batch of labels, each an array of its own. */
#include "program.h"

int main(void) {
  program_begin();
  mlx_array x = program_numbers(64), batch = mlx_array_new();
  mlx_vector_array parts = mlx_vector_array_new();
  for (int i = 0; i < 64; i++) {
    mlx_array label = mlx_array_new_float((float)(i * i % 7));
    mlx_vector_array_append_value(parts, label);
    mlx_array_free(label);
  }
  mlx_stack(&batch, parts, program_stream); /* F16 */
  program_add(&batch, x);
  mlx_array_eval(batch);
  mlx_vector_array_free(parts);
  mlx_array_free(batch);
  program_end(x);
  return 0;
}
