/* The caching allocator's counters and limits, in bytes. */
#ifndef MLX_C_MEMORY_H
#define MLX_C_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lazuli/api.h"

#ifdef __cplusplus
extern "C" {
#endif

LAZULI_API int mlx_clear_cache(void);

LAZULI_API int mlx_get_active_memory(size_t* res);

LAZULI_API int mlx_get_cache_memory(size_t* res);

LAZULI_API int mlx_get_memory_limit(size_t* res);

LAZULI_API int mlx_get_peak_memory(size_t* res);

LAZULI_API int mlx_reset_peak_memory(void);

LAZULI_API int mlx_set_cache_limit(size_t* res, size_t limit);

LAZULI_API int mlx_set_memory_limit(size_t* res, size_t limit);

LAZULI_API int mlx_set_wired_limit(size_t* res, size_t limit);

#ifdef __cplusplus
}
#endif

#endif
