#include "core/map.h"

#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/hold.h"

/* ---- values -------------------------------------------------------------- */

int value_array(lz_value* v, lz_array* a) {
  *v = (lz_value){.kind = VALUE_ARRAY, .array = array_ref(a)};
  hold_take(a);
  return 0;
}

int value_string(lz_value* v, const char* text) {
  *v = (lz_value){.kind = VALUE_STRING, .text = strdup(text)};
  if (v->text) return 0;
  v->kind = VALUE_NONE;
  return error_memory() == NULL;
}

int value_strings(lz_value* v, const lz_strings* from) {
  *v = (lz_value){.kind = VALUE_STRINGS};
  if (strings_copy(&v->strings, from) == 0) return 0;
  v->kind = VALUE_NONE;
  return 1;
}

int value_copy(lz_value* to, const lz_value* from) {
  switch (from->kind) {
    case VALUE_ARRAY:
      return value_array(to, from->array);
    case VALUE_STRING:
      return value_string(to, from->text);
    case VALUE_STRINGS:
      return value_strings(to, &from->strings);
    case VALUE_SIZE:
      *to = *from;
      return 0;
    case VALUE_NONE:
      break;
  }
  *to = (lz_value){0};
  return 0;
}

void value_clear(lz_value* v) {
  if (v->kind == VALUE_ARRAY) hold_drop(v->array);
  if (v->kind == VALUE_STRING) free(v->text);
  if (v->kind == VALUE_STRINGS) strings_clear(&v->strings);
  *v = (lz_value){0};
}

/* ---- maps ---------------------------------------------------------------- */

/* FNV-1a: keys are names of a few dozen bytes. */
static size_t map_hash(const char* key) {
  uint64_t hash = 14695981039346656037u;
  for (; *key; key++) hash = (hash ^ (unsigned char)*key) * 1099511628211u;
  return (size_t)(hash ^ hash >> 32);
}

static lz_entry* map_lookup(const lz_map* m, const char* key, size_t hash) {
  if (!m->n_slots) return NULL;
  size_t mask = m->n_slots - 1;
  for (size_t i = hash & mask; m->slots[i]; i = (i + 1) & mask) {
    lz_entry* e = &m->entries[m->slots[i] - 1];
    if (e->hash == hash && strcmp(e->key, key) == 0) return e;
  }
  return NULL;
}

const lz_value* map_find(const lz_map* m, const char* key) {
  lz_entry* e = map_lookup(m, key, map_hash(key));
  return e ? &e->value : NULL;
}

static void map_place(lz_map* m, size_t entry) {
  size_t mask = m->n_slots - 1;
  size_t i = m->entries[entry].hash & mask;
  while (m->slots[i]) i = (i + 1) & mask;
  m->slots[i] = (uint32_t)entry + 1;
}

/* Slots stay at least half free, so a search ends. */
static int map_reserve(lz_map* m, size_t count) {
  if (count > UINT32_MAX / 4) return error_fail("a map of %zu entries", count);
  if (count > m->capacity) {
    size_t capacity = m->capacity ? 2 * m->capacity : 8;
    while (capacity < count) capacity *= 2;
    lz_entry* entries = realloc(m->entries, capacity * sizeof *entries);
    if (!entries) return error_memory() == NULL;
    m->entries = entries;
    m->capacity = capacity;
  }
  if (2 * count <= m->n_slots) return 0;
  size_t n = m->n_slots ? m->n_slots : 8;
  while (n < 2 * count) n *= 2;
  uint32_t* slots = calloc(n, sizeof *slots);
  if (!slots) return error_memory() == NULL;
  free(m->slots);
  m->slots = slots;
  m->n_slots = n;
  for (size_t i = 0; i < m->count; i++) map_place(m, i);
  return 0;
}

int map_insert(lz_map* m, const char* key, lz_value* value) {
  size_t hash = map_hash(key);
  lz_entry* old = map_lookup(m, key, hash);
  if (old) {
    value_clear(&old->value);
    old->value = *value;
    *value = (lz_value){0};
    return 0;
  }
  char* copy = NULL;
  if (map_reserve(m, m->count + 1)) goto fail;
  if (!(copy = strdup(key))) {
    error_memory();
    goto fail;
  }
  m->entries[m->count] = (lz_entry){copy, hash, *value};
  map_place(m, m->count++);
  *value = (lz_value){0};
  return 0;

fail:
  value_clear(value);
  return 1;
}

void map_clear(lz_map* m) {
  for (size_t i = 0; i < m->count; i++) {
    free(m->entries[i].key);
    value_clear(&m->entries[i].value);
  }
  free(m->entries);
  free(m->slots);
  *m = (lz_map){0};
}

int map_copy(lz_map* to, const lz_map* from) {
  *to = (lz_map){0};
  for (size_t i = 0; i < from->count; i++) {
    lz_value value;
    if (value_copy(&value, &from->entries[i].value) ||
        map_insert(to, from->entries[i].key, &value)) {
      map_clear(to);
      return 1;
    }
  }
  return 0;
}
