/* Interned strings: equal texts have equal indices; index 0 is "". */
#ifndef INTERN_H
#define INTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct intern {
  const char** at;
  uint32_t n;
  uint32_t cap;
  uint32_t* slots; /* open addressing: index + 1; 0: free */
  uint32_t n_slots;
  char* block; /* where the next text goes; blocks are chained */
  size_t used;
  size_t size;
  void* blocks;
} intern;

/* False when there is no memory. */
bool intern_init(intern* s);
void intern_free(intern* s);

/* The index of a text; bytes after a NUL are left out. 0 when there is no
 * memory: names go, numbers stay. */
uint32_t intern_bytes(intern* s, const char* bytes, size_t length);
uint32_t intern_text(intern* s, const char* text);

#endif
