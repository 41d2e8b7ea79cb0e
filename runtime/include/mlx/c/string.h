/* Owned strings of bytes ending in NUL. ctx is NULL for a string that was
 * never set. */
#ifndef MLX_C_STRING_H
#define MLX_C_STRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lazuli/api.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mlx_string_ {
  void* ctx;
} mlx_string;

/* An unset string: ctx is NULL. */
LAZULI_API mlx_string mlx_string_new(void);

/* A copy of str, which must not be NULL. NULL ctx on failure. */
LAZULI_API mlx_string mlx_string_new_data(const char* str);

/* *str becomes a copy of src. Allocates where ctx is NULL, else overwrites
 * and keeps ctx. */
LAZULI_API int mlx_string_set(mlx_string* str, const mlx_string src);

/* The text, owned by str, valid until it is set or freed. NULL and an error
 * where ctx is NULL. */
LAZULI_API const char* mlx_string_data(mlx_string str);

/* Takes NULL ctx. Returns 0. */
LAZULI_API int mlx_string_free(mlx_string str);

#ifdef __cplusplus
}
#endif

#endif
