/* Custom Metal and CUDA kernels, which cannot exist on this platform.
 *
 * A configuration can be made and filled, and checks what it is given; making
 * or applying a kernel is an error that says so. Nothing reads a configuration,
 * so it holds nothing. */
#include <stdlib.h>

#include "api/api.h"
#include "api/vector.h"
#include "core/dtype.h"

static void* kernel_config_new(void) {
  void* config = malloc(1);
  if (!config) {
    error_memory();
    API_REPORT();
  }
  return config;
}

static int kernel_check(
    const void* p, const char* kind, const char* what, const char* argument) {
  if (p) return 0;
  return API_RAISE(
      "[%s_kernel%s] argument %s: it is NULL", kind, what, argument);
}

static int kernel_output(
    const void* cls,
    const int* shape,
    size_t size,
    mlx_dtype dtype,
    const char* kind) {
  if (kernel_check(cls, kind, "_config_add_output_arg", "cls") ||
      (size && kernel_check(shape, kind, "_config_add_output_arg", "shape")))
    return 1;
  for (size_t i = 0; i < size; i++)
    if (shape[i] < 0)
      return API_RAISE(
          "[%s_kernel_config_add_output_arg] shape[%zu] is %d",
          kind,
          i,
          shape[i]);
  if ((unsigned)dtype >= DTYPE_COUNT)
    return API_RAISE(
        "[%s_kernel_config_add_output_arg] %d is no dtype", kind, (int)dtype);
  return 0;
}

static int kernel_template(
    const void* cls, const char* name, const char* kind) {
  return kernel_check(cls, kind, "_config_add_template_arg", "cls") ||
         kernel_check(name, kind, "_config_add_template_arg", "name");
}

/* Always an error. */
static int kernel_absent(const char* kind, const char* name) {
  return API_RAISE(
      "[%s_kernel] no kernel \"%s\": %s does not exist on this platform "
      "(mlx_%s_is_available is false)",
      kind,
      name ? name : "",
      kind[0] == 'm' ? "Metal" : "CUDA",
      kind);
}

#define KERNEL(kind, LAST)                                                    \
  mlx_fast_##kind##_kernel_config mlx_fast_##kind##_kernel_config_new(void) { \
    return (mlx_fast_##kind##_kernel_config){kernel_config_new()};            \
  }                                                                           \
  void mlx_fast_##kind##_kernel_config_free(                                  \
      mlx_fast_##kind##_kernel_config cls) {                                  \
    free(cls.ctx);                                                            \
  }                                                                           \
  int mlx_fast_##kind##_kernel_config_add_output_arg(                         \
      mlx_fast_##kind##_kernel_config cls,                                    \
      const int* shape,                                                       \
      size_t size,                                                            \
      mlx_dtype dtype) {                                                      \
    return kernel_output(cls.ctx, shape, size, dtype, #kind);                 \
  }                                                                           \
  int mlx_fast_##kind##_kernel_config_set_grid(                               \
      mlx_fast_##kind##_kernel_config cls, int grid1, int grid2, int grid3) { \
    (void)grid1, (void)grid2, (void)grid3;                                    \
    return kernel_check(cls.ctx, #kind, "_config_set_grid", "cls");           \
  }                                                                           \
  int mlx_fast_##kind##_kernel_config_set_thread_group(                       \
      mlx_fast_##kind##_kernel_config cls,                                    \
      int thread1,                                                            \
      int thread2,                                                            \
      int thread3) {                                                          \
    (void)thread1, (void)thread2, (void)thread3;                              \
    return kernel_check(cls.ctx, #kind, "_config_set_thread_group", "cls");   \
  }                                                                           \
  int mlx_fast_##kind##_kernel_config_set_init_value(                         \
      mlx_fast_##kind##_kernel_config cls, float value) {                     \
    (void)value;                                                              \
    return kernel_check(cls.ctx, #kind, "_config_set_init_value", "cls");     \
  }                                                                           \
  int mlx_fast_##kind##_kernel_config_set_verbose(                            \
      mlx_fast_##kind##_kernel_config cls, bool verbose) {                    \
    (void)verbose;                                                            \
    return kernel_check(cls.ctx, #kind, "_config_set_verbose", "cls");        \
  }                                                                           \
  int mlx_fast_##kind##_kernel_config_add_template_arg_dtype(                 \
      mlx_fast_##kind##_kernel_config cls,                                    \
      const char* name,                                                       \
      mlx_dtype dtype) {                                                      \
    if ((unsigned)dtype >= DTYPE_COUNT)                                       \
      return API_RAISE(                                                       \
          "[" #kind                                                           \
          "_kernel_config_add_template_arg_dtype] %d "                        \
          "is no dtype",                                                      \
          (int)dtype);                                                        \
    return kernel_template(cls.ctx, name, #kind);                             \
  }                                                                           \
  int mlx_fast_##kind##_kernel_config_add_template_arg_int(                   \
      mlx_fast_##kind##_kernel_config cls, const char* name, int value) {     \
    (void)value;                                                              \
    return kernel_template(cls.ctx, name, #kind);                             \
  }                                                                           \
  int mlx_fast_##kind##_kernel_config_add_template_arg_bool(                  \
      mlx_fast_##kind##_kernel_config cls, const char* name, bool value) {    \
    (void)value;                                                              \
    return kernel_template(cls.ctx, name, #kind);                             \
  }                                                                           \
  mlx_fast_##kind##_kernel mlx_fast_##kind##_kernel_new(                      \
      const char* name,                                                       \
      const mlx_vector_string input_names,                                    \
      const mlx_vector_string output_names,                                   \
      const char* source,                                                     \
      const char* header,                                                     \
      bool ensure_row_contiguous,                                             \
      LAST) {                                                                 \
    (void)input_names, (void)output_names, (void)source, (void)header;        \
    (void)ensure_row_contiguous, (void)last;                                  \
    kernel_absent(#kind, name);                                               \
    return (mlx_fast_##kind##_kernel){0};                                     \
  }                                                                           \
  void mlx_fast_##kind##_kernel_free(mlx_fast_##kind##_kernel cls) {          \
    (void)cls;                                                                \
  }                                                                           \
  int mlx_fast_##kind##_kernel_apply(                                         \
      mlx_vector_array* outputs,                                              \
      mlx_fast_##kind##_kernel cls,                                           \
      const mlx_vector_array inputs,                                          \
      const mlx_fast_##kind##_kernel_config config,                           \
      const mlx_stream stream) {                                              \
    (void)outputs, (void)cls, (void)inputs, (void)config, (void)stream;       \
    return kernel_absent(#kind, NULL);                                        \
  }

KERNEL(metal, bool last)
KERNEL(cuda, int last)
