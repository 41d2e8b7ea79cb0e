/* Evaluates for ever, and writes one byte to its output after each evaluation:
 * who reads the bytes knows how many had ended when it was killed. */
#include <unistd.h>

#include "mlx/c/mlx.h"

int main(void) {
  mlx_stream s = mlx_default_cpu_stream_new();
  mlx_array one = mlx_array_new_float(1.0f);
  for (;;) {
    mlx_array two = mlx_array_new();
    mlx_add(&two, one, one, s);
    if (mlx_array_eval(two)) return 1;
    mlx_array_free(two);
    if (write(STDOUT_FILENO, ".", 1) != 1) return 1;
  }
}
