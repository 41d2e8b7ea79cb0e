/* Each turn's arrays are a little larger than the last one's. */
#include "program.h"

int main(void) {
  program_begin();
  mlx_array x = program_numbers(2000000);
  for (int i = 0; i < 40; i++) {
    const int from[] = {0}, to[] = {500000 + 37500 * i}, by[] = {1};
    mlx_array part = mlx_array_new();
    mlx_slice(&part, x, from, 1, to, 1, by, 1, program_stream);
    mlx_sin(&part, part, program_stream); /* F24 */
    mlx_array_eval(part);
    mlx_array_free(part);
  }
  program_end(x);
  return 0;
}
