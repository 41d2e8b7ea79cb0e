/* Names of arrays in pictures (ctx of mlx_node_namer). Keyed by the array's id,
 * not by the handle. */
#ifndef API_NAMER_H
#define API_NAMER_H

#include "api/map.h"

typedef struct lz_namer {
  lz_map names; /* VALUE_STRING, by id in hexadecimal */
} lz_namer;

/* The array's name; one that has none gets the next of A, B … Z, AA, AB ….
 * Lives until the array is named anew. NULL with a message where memory
 * fails. */
const char* namer_get(lz_namer* namer, const lz_array* a);
int namer_set(lz_namer* namer, const lz_array* a, const char* name);

#endif
