/* A C program that gets to MLX through a library of its own, which it loads
 * late and for itself alone. */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

typedef struct handle {
  void* ctx;
} handle;

static void* library;

#define USE(result, name, ...)                    \
  result (*name)(__VA_ARGS__);                    \
  {                                               \
    void* found = dlsym(library, #name);          \
    if (!found) return fprintf(stderr, #name), 1; \
    memcpy(&name, &found, sizeof found);          \
  }

int main(int argc, char** argv) {
  library = dlopen(argc > 1 ? argv[1] : "", RTLD_NOW | RTLD_LOCAL);
  if (!library) return fprintf(stderr, "%s\n", dlerror()), 1;
  USE(handle, mlx_array_new_float, float)
  USE(int, mlx_array_free, handle)
  USE(int, shim_ones, handle*, int, int)
  USE(int, shim_add, handle*, handle, handle)
  USE(int, shim_fused, handle*, handle)
  USE(int, shim_sum, handle*, handle)
  USE(int, mlx_array_eval, handle)
  USE(int, mlx_async_eval, handle)
  USE(int, mlx_array_item_float32, float*, handle)
  USE(int, shim_text, char*, size_t, handle)
  USE(size_t, shim_peak, void)

  handle x = {0}, y = {0}, total = {0}, one = mlx_array_new_float(1);
  float value;
  char text[64] = "";
  shim_ones(&x, 512, 512);
  for (int i = 0; i < 3; i++) {
    shim_add(&x, x, one);
    mlx_array_eval(x); /* expect: eval x3 */
  }
  shim_fused(&y, x); /* peak */
  mlx_async_eval(y); /* expect: async_eval */
  shim_sum(&total, y);
  mlx_array_item_float32(&value, total); /* expect: item */
  shim_add(&total, total, one);
  shim_text(text, sizeof text, total); /* expect: print */
  printf("%.0f %.5s\n", (double)value, text);
  printf("peak %zu\n", shim_peak());
  mlx_array_free(one);
  mlx_array_free(total);
  mlx_array_free(y);
  mlx_array_free(x);
  return 0;
}
