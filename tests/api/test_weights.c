/* Weights that are cast as they are loaded: all of them are never in memory in
 * the wide type. */
#include <stdio.h>
#include <unistd.h>

#include "support.h"

enum { LAYERS = 32, WIDTH = 512, WIDE = 4 * WIDTH * WIDTH };

static char path[64];

static int set_up(void** state) {
  snprintf(
      path, sizeof path, "/tmp/lazuli-weights-%ld.safetensors", (long)getpid());
  return errors_catch(state);
}

static int tear_down(void** state) {
  (void)state;
  unlink(path);
  return 0;
}

static void name_of(char name[16], int i) {
  snprintf(name, 16, "layer.%d", i);
}

/* Layer i is full of i. */
static void write_weights(mlx_stream s) {
  mlx_map_string_to_array m = mlx_map_string_to_array_new();
  mlx_map_string_to_string none = mlx_map_string_to_string_new();
  const int shape[] = {WIDTH, WIDTH};
  for (int i = 0; i < LAYERS; i++) {
    char name[16];
    name_of(name, i);
    mlx_array a = mlx_array_new(), v = mlx_array_new_float((float)i);
    assert_fine(mlx_full(&a, shape, 2, v, MLX_FLOAT32, s));
    assert_fine(mlx_map_string_to_array_insert(m, name, a));
    mlx_array_free(a);
    mlx_array_free(v);
  }
  assert_fine(mlx_save_safetensors(path, m, none));
  mlx_map_string_to_array_free(m);
  mlx_map_string_to_string_free(none);
}

/* The peak, over what was active before, of loading all and casting to float16;
 * `first`: the wide ones are evaluated before. */
static size_t peak_of(mlx_stream s, bool first) {
  size_t before, peak;
  mlx_map_string_to_array m = mlx_map_string_to_array_new();
  mlx_map_string_to_string words = mlx_map_string_to_string_new();
  mlx_vector_array wide = mlx_vector_array_new(), cast = mlx_vector_array_new();
  assert_fine(mlx_clear_cache());
  assert_fine(mlx_get_active_memory(&before));
  assert_fine(mlx_reset_peak_memory());
  assert_fine(mlx_load_safetensors(&m, &words, path, s));
  for (int i = 0; i < LAYERS; i++) {
    char name[16];
    name_of(name, i);
    mlx_array a = mlx_array_new(), h = mlx_array_new();
    assert_fine(mlx_map_string_to_array_get(&a, m, name));
    assert_fine(mlx_astype(&h, a, MLX_FLOAT16, s));
    if (first) assert_fine(mlx_vector_array_append_value(wide, a));
    assert_fine(mlx_vector_array_append_value(cast, h));
    mlx_array_free(a);
    mlx_array_free(h);
  }
  mlx_map_string_to_array_free(m);
  if (first) assert_fine(mlx_eval(wide));
  assert_fine(mlx_eval(cast));
  assert_fine(mlx_get_peak_memory(&peak));
  mlx_array last = mlx_array_new();
  float value;
  assert_fine(mlx_vector_array_get(&last, cast, LAYERS - 1));
  assert_fine(mlx_max(&last, last, false, s));
  assert_fine(mlx_astype(&last, last, MLX_FLOAT32, s));
  assert_fine(mlx_array_item_float32(&value, last));
  assert_true(value == LAYERS - 1);
  mlx_array_free(last);
  mlx_vector_array_free(wide);
  mlx_vector_array_free(cast);
  mlx_map_string_to_string_free(words);
  return peak - before;
}

static void cast_before_eval(void** state) {
  (void)state;
  mlx_stream s = mlx_default_cpu_stream_new();
  write_weights(s);
  const size_t all = (size_t)LAYERS * WIDE;
  size_t eager = peak_of(s, true), lazy = peak_of(s, false);
  print_message(
      "peak of %zu KiB of weights: %zu KiB, evaluated first %zu KiB\n",
      all >> 10,
      lazy >> 10,
      eager >> 10);
  assert_true(eager >= all + all / 2);
  /* The narrow ones, and a few of the wide. */
  assert_true(lazy <= all / 2 + 4 * WIDE);
  mlx_stream_free(s);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(cast_before_eval)};
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
