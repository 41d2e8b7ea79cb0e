/* What stands behind the interface's strings and vectors.
 *
 *   mlx_string                ctx is an lz_text
 *   mlx_vector_array          ctx is an lz_list, whose arrays the program holds
 *   mlx_vector_vector_array   ctx is an lz_lists
 *   mlx_vector_int            ctx is an lz_ints
 *   mlx_vector_string         ctx is an lz_strings
 *
 * Each owns its elements. A function that sets an output allocates where ctx is
 * NULL and overwrites in place elsewhere, so ctx stays what it was; failure
 * leaves it untouched. */
#ifndef API_VECTOR_H
#define API_VECTOR_H

#include "core/list.h"
#include "core/vector.h"
#include "mlx/c/mlx.h"

typedef struct lz_text {
  char* text; /* ends in NUL */
} lz_text;

typedef struct lz_lists {
  lz_list* items;
  size_t count;
  size_t capacity;
} lz_lists;

/* Copies text. Non-zero with a message where memory fails. */
int api_string_set(mlx_string* res, const char* text);
/* Takes text over, which malloc made; frees it on failure. */
int api_string_take(mlx_string* res, char* text);

/* Each takes the elements over and leaves *from empty; on failure it drops
 * them. The program holds the arrays from then on. */
int api_vector_set(mlx_vector_array* res, lz_list* from);
int api_vector_int_set(mlx_vector_int* res, lz_ints* from);
int api_vector_string_set(mlx_vector_string* res, lz_strings* from);

#endif
