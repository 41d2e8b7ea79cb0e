/* Maps from strings to arrays or strings. Keys and values are copied in (an
 * array is shared). A key inserted twice keeps the later value. Iteration
 * follows the order of insertion; entries inserted meanwhile are seen. */
#ifndef MLX_C_MAP_H
#define MLX_C_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lazuli/api.h"
#include "mlx/c/array.h"
#include "mlx/c/string.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mlx_map_string_to_array_ {
  void* ctx;
} mlx_map_string_to_array;

typedef struct mlx_map_string_to_array_iterator_ {
  void* ctx;
  void* map_ctx;
} mlx_map_string_to_array_iterator;

typedef struct mlx_map_string_to_string_ {
  void* ctx;
} mlx_map_string_to_string;

typedef struct mlx_map_string_to_string_iterator_ {
  void* ctx;
  void* map_ctx;
} mlx_map_string_to_string_iterator;

LAZULI_API mlx_map_string_to_array mlx_map_string_to_array_new(void);

LAZULI_API int mlx_map_string_to_array_set(
    mlx_map_string_to_array* map, const mlx_map_string_to_array src);

LAZULI_API int mlx_map_string_to_array_free(mlx_map_string_to_array map);

LAZULI_API int mlx_map_string_to_array_insert(
    mlx_map_string_to_array map, const char* key, const mlx_array value);

/* Returns 0 and shares the value, or 2 for an unknown key, which is no error
 * and reports nothing. */
LAZULI_API int mlx_map_string_to_array_get(
    mlx_array* value, const mlx_map_string_to_array map, const char* key);

/* The map must outlive the iterator. */
LAZULI_API mlx_map_string_to_array_iterator
mlx_map_string_to_array_iterator_new(mlx_map_string_to_array map);

LAZULI_API int mlx_map_string_to_array_iterator_free(
    mlx_map_string_to_array_iterator it);

/* Returns 0 with the next entry, or 2 at the end. *key is owned by the map;
 * *value is shared. */
LAZULI_API int mlx_map_string_to_array_iterator_next(
    const char** key, mlx_array* value, mlx_map_string_to_array_iterator it);

LAZULI_API mlx_map_string_to_string mlx_map_string_to_string_new(void);

LAZULI_API int mlx_map_string_to_string_set(
    mlx_map_string_to_string* map, const mlx_map_string_to_string src);

LAZULI_API int mlx_map_string_to_string_free(mlx_map_string_to_string map);

LAZULI_API int mlx_map_string_to_string_insert(
    mlx_map_string_to_string map, const char* key, const char* value);

/* Returns 0 and *value, owned by the map until that key changes, or 2 for an
 * unknown key. */
LAZULI_API int mlx_map_string_to_string_get(
    const char** value, const mlx_map_string_to_string map, const char* key);

LAZULI_API mlx_map_string_to_string_iterator
mlx_map_string_to_string_iterator_new(mlx_map_string_to_string map);

LAZULI_API int mlx_map_string_to_string_iterator_free(
    mlx_map_string_to_string_iterator it);

/* Returns 0 with the next entry, or 2 at the end. Both texts are owned by
 * the map. */
LAZULI_API int mlx_map_string_to_string_iterator_next(
    const char** key, const char** value, mlx_map_string_to_string_iterator it);

#ifdef __cplusplus
}
#endif

#endif
