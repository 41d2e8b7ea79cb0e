/* Hash tables of addresses: 64 shards, each an open-addressed table under a
 * lock that is held for a few dozen instructions. */
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "real.h"

#define SHARDS 64u

typedef struct map_slot {
  uintptr_t key; /* 0 free, 1 deleted */
  real_entry entry;
} map_slot;

typedef struct map_shard {
  atomic_flag lock;
  uint32_t used; /* deleted ones included */
  uint32_t live;
  uint32_t room; /* a power of two, or 0 */
  map_slot* slots;
} __attribute__((aligned(64))) map_shard;

struct real_map {
  map_shard shards[SHARDS];
};

real_map real_arrays, real_buffers, real_fusions, real_traced, real_compiles;

static uint64_t map_hash(const void* key) {
  return ((uint64_t)(uintptr_t)key >> 4) * UINT64_C(0x9e3779b97f4a7c15);
}

static map_shard* map_lock(real_map* m, uint64_t hash) {
  map_shard* s = &m->shards[hash >> 58];
  for (int spins = 0;
       atomic_flag_test_and_set_explicit(&s->lock, memory_order_acquire);
       spins++)
    if (spins > 100) sched_yield();
  return s;
}

static void map_unlock(map_shard* s) {
  atomic_flag_clear_explicit(&s->lock, memory_order_release);
}

static map_slot* map_probe(map_shard* s, const void* key, uint64_t hash) {
  map_slot* free = NULL;
  if (!s->room) return NULL;
  for (uint32_t i = (uint32_t)(hash >> 20);; i++) {
    map_slot* slot = &s->slots[i & (s->room - 1)];
    if (slot->key == (uintptr_t)key) return slot;
    if (slot->key == 1 && !free) free = slot;
    if (slot->key == 0) return free ? free : slot;
  }
}

/* Room for one more. mmap and not malloc: frees come from anywhere. */
static bool map_grow(map_shard* s) {
  if (s->used * 4 < s->room * 3) return true;
  map_shard grown = {.room = s->live * 4 > s->room ? s->room * 2 : s->room};
  if (grown.room == 0) grown.room = 256;
  void* p = mmap(
      NULL,
      grown.room * sizeof(map_slot),
      PROT_READ | PROT_WRITE,
      MAP_PRIVATE | MAP_ANONYMOUS,
      -1,
      0);
  if (p == MAP_FAILED) return false;
  grown.slots = p;
  for (uint32_t i = 0; i < s->room; i++)
    if (s->slots[i].key > 1) {
      const void* key = (const void*)s->slots[i].key;
      *map_probe(&grown, key, map_hash(key)) = s->slots[i];
    }
  if (s->slots) munmap(s->slots, s->room * sizeof(map_slot));
  s->slots = grown.slots;
  s->room = grown.room;
  s->used = s->live;
  return true;
}

void real_map_forked(void) {
  real_map* all[] = {
      &real_arrays, &real_buffers, &real_fusions, &real_traced, &real_compiles};
  for (size_t m = 0; m < sizeof all / sizeof *all; m++)
    for (unsigned i = 0; i < SHARDS; i++)
      atomic_flag_clear(&all[m]->shards[i].lock);
}

bool real_map_find(real_map* m, const void* key, real_entry* out) {
  uint64_t hash = map_hash(key);
  map_shard* s = map_lock(m, hash);
  map_slot* slot = map_probe(s, key, hash);
  bool found = slot && slot->key == (uintptr_t)key;
  if (found) *out = slot->entry;
  map_unlock(s);
  return found;
}

void real_map_put(real_map* m, const void* key, real_entry entry) {
  uint64_t hash = map_hash(key);
  map_shard* s = map_lock(m, hash);
  if (map_grow(s)) {
    map_slot* slot = map_probe(s, key, hash);
    if (slot->key != (uintptr_t)key) {
      s->used += slot->key == 0;
      s->live++;
    }
    slot->key = (uintptr_t)key;
    slot->entry = entry;
  }
  map_unlock(s);
}

bool real_map_take(real_map* m, const void* key, real_entry* out) {
  uint64_t hash = map_hash(key);
  map_shard* s = map_lock(m, hash);
  map_slot* slot = map_probe(s, key, hash);
  bool found = slot && slot->key == (uintptr_t)key;
  if (found) {
    *out = slot->entry;
    slot->key = 1;
    s->live--;
  }
  map_unlock(s);
  return found;
}

void real_map_count(real_map* m, const void* key, int change) {
  uint64_t hash = map_hash(key);
  map_shard* s = map_lock(m, hash);
  map_slot* slot = map_probe(s, key, hash);
  if (slot && slot->key == (uintptr_t)key) {
    slot->entry.more += (uint64_t)(int64_t)change;
    if (slot->entry.more == 0) {
      slot->key = 1;
      s->live--;
    }
  }
  map_unlock(s);
}
