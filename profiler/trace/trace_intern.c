#include "trace_intern.h"

#define XXH_INLINE_ALL
#include <sys/mman.h>
#include <xxhash.h>

#define TRACE_INTERN_BUCKET 8u

static size_t trace_intern_slots(unsigned segment) {
  return (size_t)4096 << (3 * segment); /* 4 Ki, 32 Ki, 256 Ki, 2 Mi */
}

trace_key trace_intern_key(const void* bytes, size_t length) {
  XXH128_hash_t h = XXH3_128bits(bytes, length);
  return (trace_key){h.low64 ? h.low64 : 1, (uint32_t)(h.high64 >> 32)};
}

/* The key's bucket in a segment; NULL: there is no such memory (yet). */
static trace_intern_slot* trace_intern_bucket(
    trace_intern* t, unsigned segment, trace_key key, int make) {
  size_t slots = trace_intern_slots(segment);
  trace_intern_slot* s =
      atomic_load_explicit(&t->segments[segment], memory_order_acquire);
  if (!s) {
    if (!make) return NULL;
    s = mmap(
        NULL,
        slots * sizeof *s,
        PROT_READ | PROT_WRITE,
        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
        -1,
        0);
    if (s == MAP_FAILED) return NULL;
    trace_intern_slot* other = NULL;
    if (!atomic_compare_exchange_strong(&t->segments[segment], &other, s)) {
      munmap(s, slots * sizeof *s);
      s = other;
    }
  }
  return s + (key.low & (slots - 1) & ~(size_t)(TRACE_INTERN_BUCKET - 1));
}

uint32_t trace_intern_find(trace_intern* t, trace_key key) {
  for (unsigned segment = 0; segment < TRACE_INTERN_SEGMENTS; segment++) {
    trace_intern_slot* s = trace_intern_bucket(t, segment, key, 0);
    if (!s) return 0;
    for (unsigned i = 0; i < TRACE_INTERN_BUCKET; i++) {
      uint64_t low = atomic_load_explicit(&s[i].low, memory_order_relaxed);
      if (low == 0) return 0;
      if (low != key.low) continue;
      uint64_t high_id =
          atomic_load_explicit(&s[i].high_id, memory_order_acquire);
      if (high_id >> 32 == key.high && (uint32_t)high_id != 0)
        return (uint32_t)high_id;
    }
  }
  return 0;
}

uint32_t trace_intern_new_id(trace_intern* t) {
  uint32_t id = atomic_load_explicit(&t->last_id, memory_order_relaxed);
  do {
    if (id == UINT32_MAX) return 0;
  } while (!atomic_compare_exchange_weak(&t->last_id, &id, id + 1));
  return id + 1;
}

uint32_t trace_intern_publish(trace_intern* t, trace_key key, uint32_t id) {
  const uint64_t mine = (uint64_t)key.high << 32 | id;
  for (unsigned segment = 0; segment < TRACE_INTERN_SEGMENTS; segment++) {
    trace_intern_slot* s = trace_intern_bucket(t, segment, key, 1);
    if (!s) return 0;
    for (unsigned i = 0; i < TRACE_INTERN_BUCKET; i++) {
      uint64_t low = 0;
      if (!atomic_compare_exchange_strong(&s[i].low, &low, key.low) &&
          low != key.low)
        continue;
      /* The slot carries our half of the hash, whoever put it there. */
      uint64_t there = 0;
      if (atomic_compare_exchange_strong(&s[i].high_id, &there, mine))
        return id;
      if (there >> 32 == key.high) return (uint32_t)there;
    }
  }
  return 0;
}

void trace_intern_clear(trace_intern* t) {
  for (unsigned i = 0; i < TRACE_INTERN_SEGMENTS; i++) {
    trace_intern_slot* s = atomic_exchange(&t->segments[i], NULL);
    if (s) munmap(s, trace_intern_slots(i) * sizeof *s);
  }
  t->last_id = 0;
}
