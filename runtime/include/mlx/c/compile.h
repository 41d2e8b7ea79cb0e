/* Compiled functions and their cache. */
#ifndef MLX_C_COMPILE_H
#define MLX_C_COMPILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lazuli/api.h"
#include "mlx/c/closure.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum mlx_compile_mode_ {
  MLX_COMPILE_MODE_DISABLED,
  MLX_COMPILE_MODE_NO_SIMPLIFY,
  MLX_COMPILE_MODE_NO_FUSE,
  MLX_COMPILE_MODE_ENABLED,
} mlx_compile_mode;

/* shapeless: a trace serves all shapes of as many axes, without a call of the
 * function. What the function itself makes of a shape (a number, zeros of that
 * shape) stays what it was in the trace. Where an operation cannot tell its
 * result's shape, the function is traced for that shape, too. */
LAZULI_API int mlx_compile(
    mlx_closure* res, const mlx_closure fun, bool shapeless);

LAZULI_API int mlx_detail_compile(
    mlx_closure* res,
    const mlx_closure fun,
    uintptr_t fun_id,
    bool shapeless,
    const uint64_t* constants,
    size_t constants_num);

LAZULI_API int mlx_detail_compile_clear_cache(void);

LAZULI_API int mlx_detail_compile_erase(uintptr_t fun_id);

LAZULI_API int mlx_disable_compile(void);

LAZULI_API int mlx_enable_compile(void);

LAZULI_API int mlx_set_compile_mode(mlx_compile_mode mode);

#ifdef __cplusplus
}
#endif

#endif
