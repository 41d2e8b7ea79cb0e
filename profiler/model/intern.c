#include "intern.h"

#include <stdlib.h>
#include <string.h>

/* A header in front of each block's bytes: the block before it. */
typedef struct intern_block {
  struct intern_block* before;
} intern_block;

static uint32_t intern_hash(const char* bytes, size_t length) {
  uint64_t h = UINT64_C(0xcbf29ce484222325) ^ length;
  for (size_t i = 0; i < length; i++)
    h = (h ^ (unsigned char)bytes[i]) * UINT64_C(0x100000001b3);
  return (uint32_t)(h ^ (h >> 32));
}

static char* intern_copy(intern* s, const char* bytes, size_t length) {
  if (s->size - s->used < length + 1) {
    size_t size = length + 1 > 65536 ? length + 1 : 65536;
    intern_block* block = malloc(sizeof *block + size);
    if (!block) return NULL;
    block->before = s->blocks;
    s->blocks = block;
    s->block = (char*)(block + 1);
    s->size = size;
    s->used = 0;
  }
  char* text = s->block + s->used;
  memcpy(text, bytes, length);
  text[length] = 0;
  s->used += length + 1;
  return text;
}

static uint32_t* intern_slot(
    const intern* s, const char* bytes, size_t length) {
  uint32_t i = intern_hash(bytes, length) & (s->n_slots - 1);
  for (;; i = (i + 1) & (s->n_slots - 1)) {
    if (!s->slots[i]) return &s->slots[i];
    const char* text = s->at[s->slots[i] - 1];
    if (!strncmp(text, bytes, length) && !text[length]) return &s->slots[i];
  }
}

static bool intern_grow(intern* s) {
  uint32_t cap = s->cap * 2;
  if (cap < s->cap || cap > UINT32_MAX / 4) return false;
  const char** at = realloc(s->at, cap * sizeof *at);
  if (!at) return false;
  s->at = at;
  uint32_t* slots = calloc((size_t)cap * 2, sizeof *slots);
  if (!slots) return false;
  free(s->slots);
  s->slots = slots;
  s->n_slots = cap * 2;
  s->cap = cap;
  for (uint32_t i = 0; i < s->n; i++)
    *intern_slot(s, at[i], strlen(at[i])) = i + 1;
  return true;
}

bool intern_init(intern* s) {
  memset(s, 0, sizeof *s);
  s->cap = 512;
  s->n_slots = 1024;
  s->at = malloc(s->cap * sizeof *s->at);
  s->slots = calloc(s->n_slots, sizeof *s->slots);
  if (!s->at || !s->slots) {
    intern_free(s);
    return false;
  }
  s->at[0] = "";
  s->n = 1;
  *intern_slot(s, "", 0) = 1;
  return true;
}

void intern_free(intern* s) {
  for (intern_block* b = s->blocks; b;) {
    intern_block* before = b->before;
    free(b);
    b = before;
  }
  free(s->at);
  free(s->slots);
  memset(s, 0, sizeof *s);
}

uint32_t intern_bytes(intern* s, const char* bytes, size_t length) {
  if (!bytes) return 0;
  length = strnlen(bytes, length);
  uint32_t* slot = intern_slot(s, bytes, length);
  if (*slot) return *slot - 1;
  if (s->n == s->cap) {
    if (!intern_grow(s)) return 0;
    slot = intern_slot(s, bytes, length);
  }
  const char* text = intern_copy(s, bytes, length);
  if (!text) return 0;
  s->at[s->n] = text;
  *slot = ++s->n;
  return s->n - 1;
}

uint32_t intern_text(intern* s, const char* text) {
  return intern_bytes(s, text, text ? strlen(text) : 0);
}
