/* Each step is started, and waited for before the next is built. */
#include "program.h"

int main(void) {
  program_begin();
  mlx_array x = program_numbers(300000);
  for (int i = 0; i < 20; i++) {
    mlx_array token = mlx_array_new();
    float value;
    for (int k = 0; k < 8; k++) mlx_sin(&x, x, program_stream);
    mlx_max(&token, x, false, program_stream);
    mlx_vector_array both =
        mlx_vector_array_new_data((const mlx_array[]){x, token}, 2);
    mlx_async_eval(both);
    mlx_vector_array_free(both);
    mlx_array_item_float32(&value, token); /* F28 */
    mlx_array_free(token);
  }
  program_end(x);
  return 0;
}
