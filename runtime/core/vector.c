#include "core/vector.h"

#include <stdlib.h>
#include <string.h>

#include "core/error.h"

/* Room for one more element of `size` bytes. */
static int vector_grow(void** items, size_t count, size_t* room, size_t size) {
  if (count < *room) return 0;
  size_t capacity = *room ? 2 * *room : 8;
  void* grown = realloc(*items, capacity * size);
  if (!grown) return error_memory() == NULL;
  *items = grown;
  *room = capacity;
  return 0;
}

int ints_append(lz_ints* v, int value) {
  void* items = v->items;
  if (vector_grow(&items, v->count, &v->capacity, sizeof value)) return 1;
  v->items = items;
  v->items[v->count++] = value;
  return 0;
}

void ints_clear(lz_ints* v) {
  free(v->items);
  *v = (lz_ints){0};
}

int strings_append(lz_strings* v, const char* text) {
  void* items = v->items;
  if (vector_grow(&items, v->count, &v->capacity, sizeof text)) return 1;
  v->items = items;
  char* copy = strdup(text);
  if (!copy) return error_memory() == NULL;
  v->items[v->count++] = copy;
  return 0;
}

void strings_clear(lz_strings* v) {
  for (size_t i = 0; i < v->count; i++) free(v->items[i]);
  free(v->items);
  *v = (lz_strings){0};
}

int strings_copy(lz_strings* to, const lz_strings* from) {
  lz_strings copy = {0};
  for (size_t i = 0; i < from->count; i++)
    if (strings_append(&copy, from->items[i])) {
      strings_clear(&copy);
      return 1;
    }
  strings_clear(to);
  *to = copy;
  return 0;
}
