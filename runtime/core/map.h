/* Maps from strings to values, in the order of insertion.
 *
 * Behind mlx_map_string_to_array and mlx_map_string_to_string (ctx is an
 * lz_map) and both halves of an mlx_io_gguf. A map owns its keys and values;
 * the program holds its arrays. */
#ifndef CORE_MAP_H
#define CORE_MAP_H

#include "core/array.h"
#include "core/vector.h"

typedef enum lz_value_kind {
  VALUE_NONE,
  VALUE_ARRAY,
  VALUE_STRING,
  VALUE_STRINGS,
  VALUE_SIZE
} lz_value_kind;

typedef struct lz_value {
  lz_value_kind kind;
  union {
    lz_array* array;
    char* text;
    lz_strings strings;
    size_t size;
  };
} lz_value;

typedef struct lz_entry {
  char* key;
  size_t hash;
  lz_value value;
} lz_entry;

typedef struct lz_map {
  lz_entry* entries;
  size_t count;
  size_t capacity;
  uint32_t* slots; /* of entry + 1, 0: free; a power of two of them */
  size_t n_slots;
} lz_map;

/* Copies in, with a new reference or new memory. Non-zero with a message. */
int value_array(lz_value* v, lz_array* a);
int value_string(lz_value* v, const char* text);
int value_strings(lz_value* v, const lz_strings* from);
int value_copy(lz_value* to, const lz_value* from);
void value_clear(lz_value* v);

/* NULL where the key is unknown. Borrowed until the next change. */
const lz_value* map_find(const lz_map* m, const char* key);
/* Takes *value over, also on failure. A key that is there gets the new value
 * in its old place. Non-zero with a message where memory fails. */
int map_insert(lz_map* m, const char* key, lz_value* value);
void map_clear(lz_map* m);
/* *to is overwritten without being cleared. */
int map_copy(lz_map* to, const lz_map* from);

#endif
