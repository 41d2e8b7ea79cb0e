/* How failures reach the program. */
#ifndef MLX_C_ERROR_H
#define MLX_C_ERROR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lazuli/api.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef void (*mlx_error_handler_func)(const char* msg, void* data);

LAZULI_API void mlx_set_error_handler(
    mlx_error_handler_func handler,
    void* data,
    void (*dtor)(void*));

LAZULI_API void _mlx_error(
    const char* file,
    const int line,
    const char* fmt,
    ...);

/* Reports an error from the place where it stands. */
#define mlx_error(...) _mlx_error(__FILE__, __LINE__, __VA_ARGS__)

#ifdef __cplusplus
}
#endif

#endif
