/* Growable vectors of ints and strings; each owns its elements. Empty when
 * zeroed. */
#ifndef CORE_VECTOR_H
#define CORE_VECTOR_H

#include <stddef.h>

typedef struct lz_ints {
  int* items;
  size_t count;
  size_t capacity;
} lz_ints;

typedef struct lz_strings {
  char** items;
  size_t count;
  size_t capacity;
} lz_strings;

/* Copies one element in; non-zero with a message where memory fails. */
int ints_append(lz_ints* v, int value);
int strings_append(lz_strings* v, const char* text);
void ints_clear(lz_ints* v);
void strings_clear(lz_strings* v);
/* Drops what *to had. Non-zero with a message, and *to as it was, where memory
 * fails. */
int strings_copy(lz_strings* to, const lz_strings* from);

#endif
