/* Ids of things seen before: hash tables that only grow.
 *
 * A key is the 128-bit hash of a thing, of which 96 bits are kept. Any thread
 * may look up and insert at any time, signal handlers included; nobody ever
 * waits. Segments of growing size hold buckets of eight; a key lies in the
 * first segment whose bucket had room, so a bucket with room ends the search.
 */
#ifndef TRACE_INTERN_H
#define TRACE_INTERN_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define TRACE_INTERN_SEGMENTS 4u

typedef struct trace_intern_slot {
  _Atomic uint64_t low; /* of the hash; 0: empty */
  _Atomic uint64_t
      high_id; /* 32 bits of the hash, 32 of the id; 0: no id yet */
} trace_intern_slot;

/* All zero is an empty table. */
typedef struct trace_intern {
  _Atomic(trace_intern_slot*) segments[TRACE_INTERN_SEGMENTS];
  _Atomic uint32_t last_id;
} trace_intern;

typedef struct trace_key {
  uint64_t low; /* never 0 */
  uint32_t high;
} trace_key;

trace_key trace_intern_key(const void* bytes, size_t length);

/* The id of a key, or 0. */
uint32_t trace_intern_find(trace_intern* t, trace_key key);

/* A new id, unique in the table; 0 where all are used up. */
uint32_t trace_intern_new_id(trace_intern* t);

/* Publishes `id` for the key. Returns the id to use: another one where another
 * thread was first, 0 where the table is full. */
uint32_t trace_intern_publish(trace_intern* t, trace_key key, uint32_t id);

/* Gives the memory back; nobody may be using the table. */
void trace_intern_clear(trace_intern* t);

#endif
