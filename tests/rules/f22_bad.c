/* Weights are read into memory, and made narrow afterwards. */
#include <unistd.h>

#include "program.h"

enum { LAYERS = 4 };

static void write_weights(const char* path) {
  mlx_map_string_to_array all = mlx_map_string_to_array_new();
  mlx_map_string_to_string none = mlx_map_string_to_string_new();
  mlx_array x = program_numbers(200000);
  for (int i = 0; i < LAYERS; i++)
    mlx_map_string_to_array_insert(all, (const char[]){(char)('a' + i), 0}, x);
  mlx_save_safetensors(path, all, none);
  mlx_map_string_to_array_free(all);
  mlx_map_string_to_string_free(none);
  mlx_array_free(x);
}

int main(void) {
  char path[64];
  program_begin();
  snprintf(path, sizeof path, "/tmp/lazuli-f22-%d.safetensors", (int)getpid());
  write_weights(path);
  mlx_map_string_to_array all = mlx_map_string_to_array_new();
  mlx_map_string_to_string notes = mlx_map_string_to_string_new();
  mlx_vector_array weights = mlx_vector_array_new();
  mlx_vector_array narrow = mlx_vector_array_new();
  mlx_load_safetensors(&all, &notes, path, program_stream);
  for (int i = 0; i < LAYERS; i++) {
    mlx_array a = mlx_array_new();
    mlx_map_string_to_array_get(&a, all, (const char[]){(char)('a' + i), 0});
    mlx_vector_array_append_value(weights, a);
    mlx_array_free(a);
  }
  mlx_eval(weights); /* F22 */
  for (int i = 0; i < LAYERS; i++) {
    mlx_array a = mlx_array_new();
    mlx_vector_array_get(&a, weights, (size_t)i);
    mlx_astype(&a, a, MLX_BFLOAT16, program_stream);
    mlx_vector_array_append_value(narrow, a);
    mlx_array_free(a);
  }
  mlx_map_string_to_array_free(all);
  mlx_vector_array_free(weights);
  mlx_eval(narrow);
  mlx_vector_array_free(narrow);
  mlx_map_string_to_string_free(notes);
  unlink(path);
  program_end(mlx_array_new());
  return 0;
}
