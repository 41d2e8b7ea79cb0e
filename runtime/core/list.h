/* A growable list of arrays that owns a reference on each. */
#ifndef CORE_LIST_H
#define CORE_LIST_H

#include "core/array.h"

typedef struct lz_list {
  lz_array** items;
  size_t count;
  size_t capacity;
} lz_list;

/* Retains. Non-zero with a message where memory fails. */
int list_append(lz_list* l, lz_array* a);
/* Drops every reference and the memory; leaves an empty list. */
void list_clear(lz_list* l);
int list_copy(lz_list* to, const lz_list* from);

#endif
