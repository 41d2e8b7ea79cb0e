/* Functions with state, handed to transformations.
 *
 * The function gets outputs whose ctx is NULL and must set them; leaving one
 * NULL with status 0 is an error, and a status other than 0 makes the call
 * fail. Inputs and outputs are the library's: it frees them. A payload is
 * shared by all copies of a closure and by what transformations make of it;
 * dtor(payload), where given, runs once, when the last of them goes. A
 * closure may be called any number of times, with no inputs too. */
#ifndef MLX_C_CLOSURE_H
#define MLX_C_CLOSURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lazuli/api.h"
#include "mlx/c/array.h"
#include "mlx/c/map.h"
#include "mlx/c/optional.h"
#include "mlx/c/stream.h"
#include "mlx/c/vector.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mlx_closure_ {
  void* ctx;
} mlx_closure;

typedef struct mlx_closure_kwargs_ {
  void* ctx;
} mlx_closure_kwargs;

typedef struct mlx_closure_value_and_grad_ {
  void* ctx;
} mlx_closure_value_and_grad;

typedef struct mlx_closure_custom_ {
  void* ctx;
} mlx_closure_custom;

typedef struct mlx_closure_custom_jvp_ {
  void* ctx;
} mlx_closure_custom_jvp;

typedef struct mlx_closure_custom_vmap_ {
  void* ctx;
} mlx_closure_custom_vmap;

/* No closure: ctx is NULL. */
LAZULI_API mlx_closure mlx_closure_new(void);

LAZULI_API int mlx_closure_free(mlx_closure cls);

/* NULL ctx and an error where fun is NULL. */
LAZULI_API mlx_closure
mlx_closure_new_func(int (*fun)(mlx_vector_array*, const mlx_vector_array));

LAZULI_API mlx_closure mlx_closure_new_func_payload(
    int (*fun)(mlx_vector_array*, const mlx_vector_array, void*),
    void* payload,
    void (*dtor)(void*));

/* *cls shares src's function and payload. */
LAZULI_API int mlx_closure_set(mlx_closure* cls, const mlx_closure src);

/* Calls the function on input, which it may not change. */
LAZULI_API int mlx_closure_apply(
    mlx_vector_array* res, mlx_closure cls, const mlx_vector_array input);

/* For functions of one array; a call with another number is an error. */
LAZULI_API mlx_closure
mlx_closure_new_unary(int (*fun)(mlx_array*, const mlx_array));

/* Functions of arrays by position and by name. */
LAZULI_API mlx_closure_kwargs mlx_closure_kwargs_new(void);

LAZULI_API int mlx_closure_kwargs_free(mlx_closure_kwargs cls);

LAZULI_API mlx_closure_kwargs mlx_closure_kwargs_new_func(int (*fun)(
    mlx_vector_array*, const mlx_vector_array, const mlx_map_string_to_array));

LAZULI_API mlx_closure_kwargs mlx_closure_kwargs_new_func_payload(
    int (*fun)(
        mlx_vector_array*,
        const mlx_vector_array,
        const mlx_map_string_to_array,
        void*),
    void* payload,
    void (*dtor)(void*));

LAZULI_API int mlx_closure_kwargs_set(
    mlx_closure_kwargs* cls, const mlx_closure_kwargs src);

LAZULI_API int mlx_closure_kwargs_apply(
    mlx_vector_array* res,
    mlx_closure_kwargs cls,
    const mlx_vector_array input_0,
    const mlx_map_string_to_array input_1);

/* Functions with two results: values and gradients. */
LAZULI_API mlx_closure_value_and_grad mlx_closure_value_and_grad_new(void);

LAZULI_API int mlx_closure_value_and_grad_free(mlx_closure_value_and_grad cls);

LAZULI_API mlx_closure_value_and_grad mlx_closure_value_and_grad_new_func(
    int (*fun)(mlx_vector_array*, mlx_vector_array*, const mlx_vector_array));

LAZULI_API mlx_closure_value_and_grad
mlx_closure_value_and_grad_new_func_payload(
    int (*fun)(
        mlx_vector_array*, mlx_vector_array*, const mlx_vector_array, void*),
    void* payload,
    void (*dtor)(void*));

LAZULI_API int mlx_closure_value_and_grad_set(
    mlx_closure_value_and_grad* cls, const mlx_closure_value_and_grad src);

LAZULI_API int mlx_closure_value_and_grad_apply(
    mlx_vector_array* res_0,
    mlx_vector_array* res_1,
    mlx_closure_value_and_grad cls,
    const mlx_vector_array input);

/* Functions of primals, cotangents and outputs that give one gradient a
 * primal: what custom_vjp takes. */
LAZULI_API mlx_closure_custom mlx_closure_custom_new(void);

LAZULI_API int mlx_closure_custom_free(mlx_closure_custom cls);

LAZULI_API mlx_closure_custom mlx_closure_custom_new_func(int (*fun)(
    mlx_vector_array*,
    const mlx_vector_array,
    const mlx_vector_array,
    const mlx_vector_array));

LAZULI_API mlx_closure_custom mlx_closure_custom_new_func_payload(
    int (*fun)(
        mlx_vector_array*,
        const mlx_vector_array,
        const mlx_vector_array,
        const mlx_vector_array,
        void*),
    void* payload,
    void (*dtor)(void*));

LAZULI_API int mlx_closure_custom_set(
    mlx_closure_custom* cls, const mlx_closure_custom src);

LAZULI_API int mlx_closure_custom_apply(
    mlx_vector_array* res,
    mlx_closure_custom cls,
    const mlx_vector_array input_0,
    const mlx_vector_array input_1,
    const mlx_vector_array input_2);

/* Functions of primals, tangents and the numbers of the arguments that the
 * tangents belong to. */
LAZULI_API mlx_closure_custom_jvp mlx_closure_custom_jvp_new(void);

LAZULI_API int mlx_closure_custom_jvp_free(mlx_closure_custom_jvp cls);

LAZULI_API mlx_closure_custom_jvp mlx_closure_custom_jvp_new_func(int (*fun)(
    mlx_vector_array*,
    const mlx_vector_array,
    const mlx_vector_array,
    const int*,
    size_t _num));

LAZULI_API mlx_closure_custom_jvp mlx_closure_custom_jvp_new_func_payload(
    int (*fun)(
        mlx_vector_array*,
        const mlx_vector_array,
        const mlx_vector_array,
        const int*,
        size_t _num,
        void*),
    void* payload,
    void (*dtor)(void*));

LAZULI_API int mlx_closure_custom_jvp_set(
    mlx_closure_custom_jvp* cls, const mlx_closure_custom_jvp src);

LAZULI_API int mlx_closure_custom_jvp_apply(
    mlx_vector_array* res,
    mlx_closure_custom_jvp cls,
    const mlx_vector_array input_0,
    const mlx_vector_array input_1,
    const int* input_2,
    size_t input_2_num);

/* Functions of inputs and the axis mapped in each (-1: none) that give
 * outputs and the axis mapped in each. */
LAZULI_API mlx_closure_custom_vmap mlx_closure_custom_vmap_new(void);

LAZULI_API int mlx_closure_custom_vmap_free(mlx_closure_custom_vmap cls);

LAZULI_API mlx_closure_custom_vmap mlx_closure_custom_vmap_new_func(int (*fun)(
    mlx_vector_array*,
    mlx_vector_int*,
    const mlx_vector_array,
    const int*,
    size_t _num));

LAZULI_API mlx_closure_custom_vmap mlx_closure_custom_vmap_new_func_payload(
    int (*fun)(
        mlx_vector_array*,
        mlx_vector_int*,
        const mlx_vector_array,
        const int*,
        size_t _num,
        void*),
    void* payload,
    void (*dtor)(void*));

LAZULI_API int mlx_closure_custom_vmap_set(
    mlx_closure_custom_vmap* cls, const mlx_closure_custom_vmap src);

LAZULI_API int mlx_closure_custom_vmap_apply(
    mlx_vector_array* res_0,
    mlx_vector_int* res_1,
    mlx_closure_custom_vmap cls,
    const mlx_vector_array input_0,
    const int* input_1,
    size_t input_1_num);

#ifdef __cplusplus
}
#endif

#endif
