/* Fused operations that accumulate in higher precision, and custom kernels. */
#ifndef MLX_C_FAST_H
#define MLX_C_FAST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lazuli/api.h"
#include "mlx/c/array.h"
#include "mlx/c/optional.h"
#include "mlx/c/stream.h"
#include "mlx/c/string.h"
#include "mlx/c/vector.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mlx_fast_cuda_kernel_config_ {
  void* ctx;
} mlx_fast_cuda_kernel_config;

typedef struct mlx_fast_cuda_kernel_ {
  void* ctx;
} mlx_fast_cuda_kernel;

typedef struct mlx_fast_metal_kernel_config_ {
  void* ctx;
} mlx_fast_metal_kernel_config;

typedef struct mlx_fast_metal_kernel_ {
  void* ctx;
} mlx_fast_metal_kernel;

LAZULI_API mlx_fast_cuda_kernel_config mlx_fast_cuda_kernel_config_new(void);

LAZULI_API void mlx_fast_cuda_kernel_config_free(
    mlx_fast_cuda_kernel_config cls);

LAZULI_API int mlx_fast_cuda_kernel_config_add_output_arg(
    mlx_fast_cuda_kernel_config cls,
    const int* shape,
    size_t size,
    mlx_dtype dtype);

LAZULI_API int mlx_fast_cuda_kernel_config_set_grid(
    mlx_fast_cuda_kernel_config cls, int grid1, int grid2, int grid3);

LAZULI_API int mlx_fast_cuda_kernel_config_set_thread_group(
    mlx_fast_cuda_kernel_config cls, int thread1, int thread2, int thread3);

LAZULI_API int mlx_fast_cuda_kernel_config_set_init_value(
    mlx_fast_cuda_kernel_config cls, float value);

LAZULI_API int mlx_fast_cuda_kernel_config_set_verbose(
    mlx_fast_cuda_kernel_config cls, bool verbose);

LAZULI_API int mlx_fast_cuda_kernel_config_add_template_arg_dtype(
    mlx_fast_cuda_kernel_config cls, const char* name, mlx_dtype dtype);

LAZULI_API int mlx_fast_cuda_kernel_config_add_template_arg_int(
    mlx_fast_cuda_kernel_config cls, const char* name, int value);

LAZULI_API int mlx_fast_cuda_kernel_config_add_template_arg_bool(
    mlx_fast_cuda_kernel_config cls, const char* name, bool value);

LAZULI_API mlx_fast_cuda_kernel mlx_fast_cuda_kernel_new(
    const char* name,
    const mlx_vector_string input_names,
    const mlx_vector_string output_names,
    const char* source,
    const char* header,
    bool ensure_row_contiguous,
    int shared_memory);

LAZULI_API void mlx_fast_cuda_kernel_free(mlx_fast_cuda_kernel cls);

LAZULI_API int mlx_fast_cuda_kernel_apply(
    mlx_vector_array* outputs,
    mlx_fast_cuda_kernel cls,
    const mlx_vector_array inputs,
    const mlx_fast_cuda_kernel_config config,
    const mlx_stream stream);

/* (x - mean) / sqrt(var + eps) * weight + bias along the last axis; weight,
 * bias and types as for mlx_fast_rms_norm. */
LAZULI_API int mlx_fast_layer_norm(
    mlx_array* res,
    const mlx_array x,
    const mlx_array weight /* may be null */,
    const mlx_array bias /* may be null */,
    float eps,
    const mlx_stream s);

LAZULI_API mlx_fast_metal_kernel_config mlx_fast_metal_kernel_config_new(void);

LAZULI_API void mlx_fast_metal_kernel_config_free(
    mlx_fast_metal_kernel_config cls);

LAZULI_API int mlx_fast_metal_kernel_config_add_output_arg(
    mlx_fast_metal_kernel_config cls,
    const int* shape,
    size_t size,
    mlx_dtype dtype);

LAZULI_API int mlx_fast_metal_kernel_config_set_grid(
    mlx_fast_metal_kernel_config cls, int grid1, int grid2, int grid3);

LAZULI_API int mlx_fast_metal_kernel_config_set_thread_group(
    mlx_fast_metal_kernel_config cls, int thread1, int thread2, int thread3);

LAZULI_API int mlx_fast_metal_kernel_config_set_init_value(
    mlx_fast_metal_kernel_config cls, float value);

LAZULI_API int mlx_fast_metal_kernel_config_set_verbose(
    mlx_fast_metal_kernel_config cls, bool verbose);

LAZULI_API int mlx_fast_metal_kernel_config_add_template_arg_dtype(
    mlx_fast_metal_kernel_config cls, const char* name, mlx_dtype dtype);

LAZULI_API int mlx_fast_metal_kernel_config_add_template_arg_int(
    mlx_fast_metal_kernel_config cls, const char* name, int value);

LAZULI_API int mlx_fast_metal_kernel_config_add_template_arg_bool(
    mlx_fast_metal_kernel_config cls, const char* name, bool value);

LAZULI_API mlx_fast_metal_kernel mlx_fast_metal_kernel_new(
    const char* name,
    const mlx_vector_string input_names,
    const mlx_vector_string output_names,
    const char* source,
    const char* header,
    bool ensure_row_contiguous,
    bool atomic_outputs);

LAZULI_API void mlx_fast_metal_kernel_free(mlx_fast_metal_kernel cls);

LAZULI_API int mlx_fast_metal_kernel_apply(
    mlx_vector_array* outputs,
    mlx_fast_metal_kernel cls,
    const mlx_vector_array inputs,
    const mlx_fast_metal_kernel_config config,
    const mlx_stream stream);

/* x / sqrt(mean(x^2) + eps) * weight along the last axis. weight: one axis of
 * that extent. x and weight meet in a real floating type; an error for others,
 * for scalars and for other shapes. */
LAZULI_API int mlx_fast_rms_norm(
    mlx_array* res,
    const mlx_array x,
    const mlx_array weight /* may be null */,
    float eps,
    const mlx_stream s);

/* Rotary position embedding of x, (B, ..., T, D) of a real floating type: the
 * first `dims` of D rotate, an even number; neighbours make pairs if
 * `traditional`, else elements dims / 2 apart. Positions are
 * (t + offset) * scale. Either base or freqs (dims / 2 elements) must be given.
 * There is no gradient for offset and freqs. */
LAZULI_API int mlx_fast_rope(
    mlx_array* res,
    const mlx_array x,
    int dims,
    bool traditional,
    mlx_optional_float base,
    float scale,
    int offset,
    const mlx_array freqs /* may be null */,
    const mlx_stream s);

/* The same with an integer array as offset: a scalar, or one for each of B. */
LAZULI_API int mlx_fast_rope_dynamic(
    mlx_array* res,
    const mlx_array x,
    int dims,
    bool traditional,
    mlx_optional_float base,
    float scale,
    const mlx_array offset,
    const mlx_array freqs /* may be null */,
    const mlx_stream s);

/* softmax(scale * queries keys^T + mask) values: queries (B, H, Lq, D), keys
 * (B, G, Lk, D), values (B, G, Lk, E), H a multiple of G; the result is
 * (B, H, Lq, E). mask_mode: "causal" (query i sees keys up to i + Lk - Lq),
 * "array" or "". mask_arr: bool, false hides, or numbers to add; broadcasts to
 * (B, H, Lq, Lk); an error together with "causal". sinks: (H), a score that
 * takes part in each sum without a value. */
LAZULI_API int mlx_fast_scaled_dot_product_attention(
    mlx_array* res,
    const mlx_array queries,
    const mlx_array keys,
    const mlx_array values,
    float scale,
    const char* mask_mode,
    const mlx_array mask_arr /* may be null */,
    const mlx_array sinks /* may be null */,
    const mlx_stream s);

#ifdef __cplusplus
}
#endif

#endif
