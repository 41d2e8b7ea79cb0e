/* The handle of an intermediate is let go before the evaluation. */
#include "program.h"

int main(void) {
  program_begin();
  const int shape[] = {1024, 1024};
  mlx_array x = program_numbers(1024 * 1024);
  mlx_reshape(&x, x, shape, 2, program_stream);
  mlx_array a = mlx_array_new(), b = mlx_array_new(), c = mlx_array_new();
  mlx_matmul(&a, x, x, program_stream);
  mlx_matmul(&b, a, x, program_stream);
  mlx_matmul(&c, b, x, program_stream);
  mlx_array_free(a);
  mlx_array_free(b);
  mlx_array_eval(c);
  mlx_array_free(c);
  program_end(x);
  return 0;
}
