/* The last row of each result is kept, and with it the result. */
#include "program.h"

int main(void) {
  program_begin();
  const int shape[] = {512, 1024}, from[] = {511, 0}, to[] = {512, 1024};
  const int by[] = {1, 1};
  mlx_array x = program_numbers(512 * 1024), kept[6];
  mlx_reshape(&x, x, shape, 2, program_stream);
  for (int i = 0; i < 6; i++) {
    mlx_array y = mlx_array_new();
    kept[i] = mlx_array_new();
    mlx_sin(&y, x, program_stream);
    mlx_slice(&kept[i], y, from, 2, to, 2, by, 2, program_stream); /* F25 */
    mlx_cos(&x, y, program_stream);
    mlx_array_free(y);
    mlx_vector_array both =
        mlx_vector_array_new_data((const mlx_array[]){x, kept[i]}, 2);
    mlx_eval(both);
    mlx_vector_array_free(both);
  }
  for (int i = 0; i < 6; i++) mlx_array_free(kept[i]);
  program_end(x);
  return 0;
}
