#include "keys.h"

#include <stdlib.h>
#include <string.h>

static uint32_t keys_hash(const keys_key* key) {
  uint64_t h = 0;
  for (int i = 0; i < KEYS_WIDTH; i++) {
    h = (h ^ key->part[i]) * UINT64_C(0x9e3779b97f4a7c15);
    h ^= h >> 29;
  }
  return (uint32_t)(h >> 16);
}

static uint32_t* keys_slot(const keys* k, const keys_key* key) {
  uint32_t i = keys_hash(key) & (k->n_slots - 1);
  while (k->slots[i] && memcmp(&k->at[k->slots[i] - 1], key, sizeof *key) != 0)
    i = (i + 1) & (k->n_slots - 1);
  return &k->slots[i];
}

static bool keys_grow(keys* k) {
  uint32_t cap = k->cap ? k->cap * 2 : 64;
  if (cap > UINT32_MAX / 4) return false;
  keys_key* at = realloc(k->at, cap * sizeof *at);
  if (!at) return false;
  k->at = at;
  uint32_t* slots = calloc((size_t)cap * 2, sizeof *slots);
  if (!slots) return false;
  free(k->slots);
  k->slots = slots;
  k->n_slots = cap * 2;
  k->cap = cap;
  for (uint32_t i = 0; i < k->n; i++) *keys_slot(k, &at[i]) = i + 1;
  return true;
}

uint32_t keys_row(keys* k, const keys_key* key, bool* is_new) {
  *is_new = false;
  if (k->n == k->cap && !keys_grow(k)) return UINT32_MAX;
  uint32_t* slot = keys_slot(k, key);
  if (*slot) return *slot - 1;
  k->at[k->n] = *key;
  *slot = ++k->n;
  *is_new = true;
  return k->n - 1;
}

void keys_free(keys* k) {
  free(k->at);
  free(k->slots);
  memset(k, 0, sizeof *k);
}
