/* The caching allocator's counters and limits, in bytes. Any thread may call
 * these.
 *
 * active: live buffers. peak: the highest active since the last reset.
 * cache: kept for reuse after their buffers died, not part of active. */
#ifndef MLX_C_MEMORY_H
#define MLX_C_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lazuli/api.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Gives all cached memory back to the system. */
LAZULI_API int mlx_clear_cache(void);

LAZULI_API int mlx_get_active_memory(size_t* res);

LAZULI_API int mlx_get_cache_memory(size_t* res);

/* The limit that mlx_set_memory_limit sets. */
LAZULI_API int mlx_get_memory_limit(size_t* res);

LAZULI_API int mlx_get_peak_memory(size_t* res);

/* The peak starts again from nothing. */
LAZULI_API int mlx_reset_peak_memory(void);

/* Most bytes the cache may keep; *res gets the limit before. 0 turns it off. */
LAZULI_API int mlx_set_cache_limit(size_t* res, size_t limit);

/* active + cache beyond this empties the cache first. It is soft: an
 * allocation past it succeeds while the system has memory. *res gets the
 * limit before. */
LAZULI_API int mlx_set_memory_limit(size_t* res, size_t limit);

/* Bytes that may be kept resident; *res gets the limit before. */
LAZULI_API int mlx_set_wired_limit(size_t* res, size_t limit);

#ifdef __cplusplus
}
#endif

#endif
