#include "ids.h"

#include <stdlib.h>
#include <string.h>

static uint64_t ids_hash(uint64_t id) {
  id ^= id >> 31;
  id *= UINT64_C(0x9e3779b97f4a7c15);
  return id ^ (id >> 29);
}

static uint64_t ids_slot(const ids* map, uint64_t id) {
  uint64_t i = ids_hash(id) & (map->cap - 1);
  while (map->values[i] && map->keys[i] != id) i = (i + 1) & (map->cap - 1);
  return i;
}

uint32_t ids_sparse(const ids* map, uint64_t id) {
  uint64_t i = ids_slot(map, id);
  return map->values[i] ? map->values[i] - 1 : UINT32_MAX;
}

static bool ids_grow_sparse(ids* map) {
  ids old = *map;
  map->cap = old.cap ? old.cap * 2 : 256;
  map->keys = malloc(map->cap * sizeof *map->keys);
  map->values = calloc(map->cap, sizeof *map->values);
  if (!map->keys || !map->values) {
    free(map->keys);
    free(map->values);
    *map = old;
    return false;
  }
  for (uint64_t i = 0; i < old.cap; i++)
    if (old.values[i]) {
      uint64_t slot = ids_slot(map, old.keys[i]);
      map->keys[slot] = old.keys[i];
      map->values[slot] = old.values[i];
    }
  free(old.keys);
  free(old.values);
  return true;
}

static bool ids_grow_dense(ids* map, uint64_t id) {
  uint64_t n = map->n_dense ? map->n_dense * 2 : 4096;
  if (n <= id) n = id + 1;
  uint32_t* dense = realloc(map->dense, n * sizeof *dense);
  if (!dense) return false;
  memset(dense + map->n_dense, 0, (n - map->n_dense) * sizeof *dense);
  map->dense = dense;
  map->n_dense = n;
  return true;
}

bool ids_put(ids* map, uint64_t id, uint32_t index) {
  /* An id already in the sparse part stays there: ids_get looks there when the
   * dense part has nothing. */
  if (map->n_sparse && ids_sparse(map, id) != UINT32_MAX) {
    map->values[ids_slot(map, id)] = index + 1;
    return true;
  }
  if (id >= map->n_dense && id <= 8 * (map->n + 4096))
    if (!ids_grow_dense(map, id)) return false;
  if (id < map->n_dense) {
    map->n += map->dense[id] == 0;
    map->dense[id] = index + 1;
    return true;
  }
  if (map->n_sparse * 2 >= map->cap && !ids_grow_sparse(map)) return false;
  uint64_t slot = ids_slot(map, id);
  map->keys[slot] = id;
  map->values[slot] = index + 1;
  map->n_sparse++;
  map->n++;
  return true;
}

void ids_free(ids* map) {
  free(map->dense);
  free(map->keys);
  free(map->values);
  memset(map, 0, sizeof *map);
}
