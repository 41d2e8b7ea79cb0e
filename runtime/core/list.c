#include "core/list.h"

#include <stdlib.h>

#include "core/error.h"

int list_append(lz_list* l, lz_array* a) {
  if (l->count == l->capacity) {
    size_t capacity = l->capacity ? 2 * l->capacity : 4;
    lz_array** items = realloc(l->items, capacity * sizeof *items);
    if (!items) return error_memory() == NULL;
    l->items = items;
    l->capacity = capacity;
  }
  l->items[l->count++] = array_ref(a);
  return 0;
}

void list_clear(lz_list* l) {
  for (size_t i = 0; i < l->count; i++) array_unref(l->items[i]);
  free(l->items);
  *l = (lz_list){0};
}

int list_copy(lz_list* to, const lz_list* from) {
  lz_list copy = {0};
  for (size_t i = 0; i < from->count; i++)
    if (list_append(&copy, from->items[i])) {
      list_clear(&copy);
      return 1;
    }
  list_clear(to);
  *to = copy;
  return 0;
}
