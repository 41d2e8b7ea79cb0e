/* Evaluation and function transformations. */
#ifndef MLX_C_TRANSFORMS_H
#define MLX_C_TRANSFORMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lazuli/api.h"
#include "mlx/c/array.h"
#include "mlx/c/closure.h"
#include "mlx/c/vector.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Starts computing the arrays and returns. An error while a transformation
 * traces. */
LAZULI_API int mlx_async_eval(const mlx_vector_array outputs);

LAZULI_API int mlx_checkpoint(mlx_closure* res, const mlx_closure fun);

LAZULI_API int mlx_custom_function(
    mlx_closure* res,
    const mlx_closure fun,
    const mlx_closure_custom fun_vjp /* may be null */,
    const mlx_closure_custom_jvp fun_jvp /* may be null */,
    const mlx_closure_custom_vmap fun_vmap /* may be null */);

LAZULI_API int mlx_custom_vjp(
    mlx_closure* res, const mlx_closure fun, const mlx_closure_custom fun_vjp);

/* Computes the arrays and waits for them: one evaluation for all. Arrays
 * that have been computed cost nothing. */
LAZULI_API int mlx_eval(const mlx_vector_array outputs);

LAZULI_API int mlx_jvp(
    mlx_vector_array* res_0,
    mlx_vector_array* res_1,
    const mlx_closure fun,
    const mlx_vector_array primals,
    const mlx_vector_array tangents);

LAZULI_API int mlx_value_and_grad(
    mlx_closure_value_and_grad* res,
    const mlx_closure fun,
    const int* argnums,
    size_t argnums_num);

LAZULI_API int mlx_vjp(
    mlx_vector_array* res_0,
    mlx_vector_array* res_1,
    const mlx_closure fun,
    const mlx_vector_array primals,
    const mlx_vector_array cotangents);

#ifdef __cplusplus
}
#endif

#endif
