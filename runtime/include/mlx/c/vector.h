/* Vectors that own their elements.
 *
 * _new() and _new_data(NULL, 0) give a valid empty vector. set functions
 * allocate where ctx is NULL and overwrite in place elsewhere, keeping ctx;
 * append and get need a ctx. Where one element is refused (an empty array or
 * vector, a NULL string) the whole call is, and nothing changes. _get hands
 * out a new reference (array, vector), a copy (int) or the vector's own text
 * (string); an index out of range is an error. _free takes NULL ctx. */
#ifndef MLX_C_VECTOR_H
#define MLX_C_VECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lazuli/api.h"
#include "mlx/c/array.h"
#include "mlx/c/string.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mlx_vector_array_ {
  void* ctx;
} mlx_vector_array;

typedef struct mlx_vector_vector_array_ {
  void* ctx;
} mlx_vector_vector_array;

typedef struct mlx_vector_int_ {
  void* ctx;
} mlx_vector_int;

typedef struct mlx_vector_string_ {
  void* ctx;
} mlx_vector_string;

/* An empty vector; ctx is not NULL. */
LAZULI_API mlx_vector_array mlx_vector_array_new(void);

LAZULI_API int mlx_vector_array_set(
    mlx_vector_array* vec, const mlx_vector_array src);

LAZULI_API int mlx_vector_array_free(mlx_vector_array vec);

/* Shares the `size` arrays of data; NULL ctx on failure. */
LAZULI_API mlx_vector_array
mlx_vector_array_new_data(const mlx_array* data, size_t size);

LAZULI_API mlx_vector_array mlx_vector_array_new_value(const mlx_array val);

LAZULI_API int mlx_vector_array_set_data(
    mlx_vector_array* vec, const mlx_array* data, size_t size);

LAZULI_API int mlx_vector_array_set_value(
    mlx_vector_array* vec, const mlx_array val);

LAZULI_API int mlx_vector_array_append_data(
    mlx_vector_array vec, const mlx_array* data, size_t size);

LAZULI_API int mlx_vector_array_append_value(
    mlx_vector_array vec, const mlx_array val);

/* Elements; 0 and an error where ctx is NULL. */
LAZULI_API size_t mlx_vector_array_size(mlx_vector_array vec);

/* *res becomes element idx: the same array, not a copy of its values. */
LAZULI_API int mlx_vector_array_get(
    mlx_array* res, const mlx_vector_array vec, size_t idx);

LAZULI_API mlx_vector_vector_array mlx_vector_vector_array_new(void);

LAZULI_API int mlx_vector_vector_array_set(
    mlx_vector_vector_array* vec, const mlx_vector_vector_array src);

LAZULI_API int mlx_vector_vector_array_free(mlx_vector_vector_array vec);

LAZULI_API mlx_vector_vector_array
mlx_vector_vector_array_new_data(const mlx_vector_array* data, size_t size);

LAZULI_API mlx_vector_vector_array
mlx_vector_vector_array_new_value(const mlx_vector_array val);

LAZULI_API int mlx_vector_vector_array_set_data(
    mlx_vector_vector_array* vec, const mlx_vector_array* data, size_t size);

LAZULI_API int mlx_vector_vector_array_set_value(
    mlx_vector_vector_array* vec, const mlx_vector_array val);

LAZULI_API int mlx_vector_vector_array_append_data(
    mlx_vector_vector_array vec, const mlx_vector_array* data, size_t size);

LAZULI_API int mlx_vector_vector_array_append_value(
    mlx_vector_vector_array vec, const mlx_vector_array val);

LAZULI_API size_t mlx_vector_vector_array_size(mlx_vector_vector_array vec);

LAZULI_API int mlx_vector_vector_array_get(
    mlx_vector_array* res, const mlx_vector_vector_array vec, size_t idx);

LAZULI_API mlx_vector_int mlx_vector_int_new(void);

LAZULI_API int mlx_vector_int_set(
    mlx_vector_int* vec, const mlx_vector_int src);

LAZULI_API int mlx_vector_int_free(mlx_vector_int vec);

LAZULI_API mlx_vector_int mlx_vector_int_new_data(int* data, size_t size);

LAZULI_API mlx_vector_int mlx_vector_int_new_value(int val);

LAZULI_API int mlx_vector_int_set_data(
    mlx_vector_int* vec, int* data, size_t size);

LAZULI_API int mlx_vector_int_set_value(mlx_vector_int* vec, int val);

LAZULI_API int mlx_vector_int_append_data(
    mlx_vector_int vec, int* data, size_t size);

LAZULI_API int mlx_vector_int_append_value(mlx_vector_int vec, int val);

LAZULI_API size_t mlx_vector_int_size(mlx_vector_int vec);

LAZULI_API int mlx_vector_int_get(
    int* res, const mlx_vector_int vec, size_t idx);

LAZULI_API mlx_vector_string mlx_vector_string_new(void);

LAZULI_API int mlx_vector_string_set(
    mlx_vector_string* vec, const mlx_vector_string src);

LAZULI_API int mlx_vector_string_free(mlx_vector_string vec);

LAZULI_API mlx_vector_string
mlx_vector_string_new_data(const char** data, size_t size);

LAZULI_API mlx_vector_string mlx_vector_string_new_value(const char* val);

LAZULI_API int mlx_vector_string_set_data(
    mlx_vector_string* vec, const char** data, size_t size);

LAZULI_API int mlx_vector_string_set_value(
    mlx_vector_string* vec, const char* val);

LAZULI_API int mlx_vector_string_append_data(
    mlx_vector_string vec, const char** data, size_t size);

LAZULI_API int mlx_vector_string_append_value(
    mlx_vector_string vec, const char* val);

LAZULI_API size_t mlx_vector_string_size(mlx_vector_string vec);

/* *res points to the text inside the vector, valid until that changes. */
LAZULI_API int mlx_vector_string_get(
    char** res, const mlx_vector_string vec, size_t idx);

#ifdef __cplusplus
}
#endif

#endif
