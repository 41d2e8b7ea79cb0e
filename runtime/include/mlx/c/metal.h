/* Metal: never present on this platform. */
#ifndef MLX_C_METAL_H
#define MLX_C_METAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lazuli/api.h"
#include "mlx/c/string.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Always false. */
LAZULI_API int mlx_metal_is_available(bool* res);

/* Nothing is captured; returns 0. */
LAZULI_API int mlx_metal_start_capture(const char* path);

/* Returns 0. */
LAZULI_API int mlx_metal_stop_capture(void);

#ifdef __cplusplus
}
#endif

#endif
