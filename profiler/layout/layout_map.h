/* Numbers by keys of four numbers. For the files of this room alone. */
#ifndef LAYOUT_MAP_H
#define LAYOUT_MAP_H

#include <stdbool.h>
#include <stdint.h>

typedef struct layout_key {
  uint32_t part[4];
} layout_key;

typedef struct layout_map {
  layout_key* keys;
  uint32_t* values; /* + 1; 0: free */
  uint32_t n;
  uint32_t room; /* a power of two */
} layout_map;

/* The place of a key's value; new keys get `fresh`, and *is_new. NULL: no
 * memory. The pointer lives until the next call. */
uint32_t* layout_map_at(
    layout_map* map, layout_key key, uint32_t fresh, bool* is_new);
void layout_map_free(layout_map* map);

#endif
