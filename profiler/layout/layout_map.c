#include "layout_map.h"

#include <stdlib.h>
#include <string.h>

static uint32_t layout_map_slot(const layout_map* map, layout_key key) {
  uint64_t h = 0;
  for (int i = 0; i < 4; i++) {
    h = (h ^ key.part[i]) * UINT64_C(0x9e3779b97f4a7c15);
    h ^= h >> 32;
  }
  uint32_t i = (uint32_t)h & (map->room - 1);
  while (map->values[i] && memcmp(&map->keys[i], &key, sizeof key) != 0)
    i = (i + 1) & (map->room - 1);
  return i;
}

static bool layout_map_grow(layout_map* map) {
  layout_map old = *map;
  if (old.room > UINT32_MAX / 4) return false;
  map->room = old.room ? old.room * 2 : 1024;
  map->keys = malloc(map->room * sizeof *map->keys);
  map->values = calloc(map->room, sizeof *map->values);
  if (!map->keys || !map->values) {
    free(map->keys);
    free(map->values);
    *map = old;
    return false;
  }
  for (uint32_t i = 0; i < old.room; i++)
    if (old.values[i]) {
      uint32_t slot = layout_map_slot(map, old.keys[i]);
      map->keys[slot] = old.keys[i];
      map->values[slot] = old.values[i];
    }
  free(old.keys);
  free(old.values);
  return true;
}

uint32_t* layout_map_at(
    layout_map* map, layout_key key, uint32_t fresh, bool* is_new) {
  if (map->n * 2 >= map->room && !layout_map_grow(map)) return NULL;
  uint32_t slot = layout_map_slot(map, key);
  *is_new = !map->values[slot];
  if (*is_new) {
    map->keys[slot] = key;
    map->values[slot] = fresh + 1;
    map->n++;
  }
  return &map->values[slot];
}

void layout_map_free(layout_map* map) {
  free(map->keys);
  free(map->values);
  memset(map, 0, sizeof *map);
}
