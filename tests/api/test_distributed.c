/* A group of one: what all have is what this one has; there is nobody to send
 * to and nobody to hear from. */
#include "support.h"

static mlx_stream s;

static int start(void** state) {
  s = mlx_default_cpu_stream_new();
  return errors_catch(state);
}
static int stop(void** state) {
  (void)state;
  return mlx_stream_free(s);
}

typedef int (*collective)(
    mlx_array*, const mlx_array, const mlx_distributed_group, const mlx_stream);

static void what_all_have(void** state) {
  (void)state;
  const collective all[] = {
      mlx_distributed_all_sum,
      mlx_distributed_all_max,
      mlx_distributed_all_min,
      mlx_distributed_all_gather,
      mlx_distributed_sum_scatter};
  mlx_distributed_group group = {0};
  assert_fine(mlx_distributed_init(&group, false, NULL));
  assert_int_equal(mlx_distributed_group_size(group), 1);
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    for (int without = 0; without < 2; without++) {
      mlx_array a = floats(3), out = mlx_array_new();
      assert_fine(
          all[i](&out, a, without ? (mlx_distributed_group){0} : group, s));
      char* text = text_of(out);
      assert_string_equal(text, "array([1, 2, 3], dtype=float32)");
      free(text);
      mlx_array_free(a);
      mlx_array_free(out);
    }
  mlx_distributed_group_free(group);
}

static void nobody_else(void** state) {
  (void)state;
  mlx_distributed_group none = {0};
  mlx_array a = floats(3), out = mlx_array_new();
  assert_error(mlx_distributed_send(&out, a, 0, none, s), "one member");
  assert_error(
      mlx_distributed_recv(&out, (int[]){3}, 1, MLX_FLOAT32, 0, none, s),
      "one member");
  assert_error(mlx_distributed_recv_like(&out, a, 0, none, s), "one member");
  assert_null(out.ctx);
  mlx_array_free(a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_all_have),
      cmocka_unit_test(nobody_else),
  };
  return cmocka_run_group_tests(tests, start, stop);
}
