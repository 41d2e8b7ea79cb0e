/* A map from the ids of a trace to indices of a table.
 *
 * Ids of a sound trace are numbered from 1, so they index an array; what lies
 * far outside (damaged or foreign ids) goes to a hash table. */
#ifndef IDS_H
#define IDS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct ids {
  uint32_t* dense; /* index + 1; 0: none */
  uint64_t n_dense;
  uint64_t* keys; /* sparse part, open addressing; values 0: free slot */
  uint32_t* values;
  uint64_t cap;
  uint64_t n_sparse;
  uint64_t n;
} ids;

/* False when there is no memory. A known id gets the new index. */
bool ids_put(ids* map, uint64_t id, uint32_t index);
void ids_free(ids* map);
uint32_t ids_sparse(const ids* map, uint64_t id);

/* The index of an id, or UINT32_MAX. */
static inline uint32_t ids_get(const ids* map, uint64_t id) {
  if (id < map->n_dense && map->dense[id]) return map->dense[id] - 1;
  return map->n_sparse ? ids_sparse(map, id) : UINT32_MAX;
}

#endif
