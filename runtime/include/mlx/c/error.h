/* How failures reach the program.
 *
 * A function that returns a status returns 1 after the handler has run,
 * unless its comment says otherwise; one that makes a handle returns a NULL
 * ctx; one that reads a property returns 0 or NULL. Outputs are untouched
 * then, and everything stays usable. A failure inside a callback is reported
 * where it happens and once more by each call that fails because of it. */
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

/* From now on, failures of any thread call handler(msg, data), on the thread
 * that failed. msg names operation, argument and value, ends in " at
 * file:line" and lives for the call. data is passed only if dtor is given,
 * else the handler gets NULL; dtor(data) runs when the handler is replaced
 * and no thread is inside it. A NULL handler restores the default: it prints
 * "MLX error: ..." and exits with status -1. The handler may call the
 * interface. */
LAZULI_API void mlx_set_error_handler(
    mlx_error_handler_func handler, void* data, void (*dtor)(void*));

/* What mlx_error() calls: reports a printf-like message with " at file:line"
 * appended. Any length. */
LAZULI_API void _mlx_error(
    const char* file, const int line, const char* fmt, ...);

/* Reports an error from the place where it stands. */
#define mlx_error(...) _mlx_error(__FILE__, __LINE__, __VA_ARGS__)

#ifdef __cplusplus
}
#endif

#endif
