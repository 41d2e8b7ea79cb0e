/* Groups by a key of a few numbers: the row that a key got, or a new one. */
#ifndef KEYS_H
#define KEYS_H

#include <stdbool.h>
#include <stdint.h>

#define KEYS_WIDTH 10

typedef struct keys_key {
  uint32_t part[KEYS_WIDTH];
} keys_key;

typedef struct keys {
  keys_key* at; /* row to key */
  uint32_t n;
  uint32_t cap;
  uint32_t* slots; /* row + 1 */
  uint32_t n_slots;
} keys;

/* Rows count from 0 in the order of first sight. UINT32_MAX: no memory. */
uint32_t keys_row(keys* k, const keys_key* key, bool* is_new);
void keys_free(keys* k);

#endif
