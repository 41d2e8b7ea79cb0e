/* The usual event: each number fits its small form, lists are short.
 *
 * Then what has no list lies at places known beforehand, and one test at the
 * end tells whether all did fit: the bytes are those that trace_encode_<id>()
 * would have written, for a quarter of the instructions. Where the test fails
 * nothing has happened yet: what was written is not committed, and what
 * differences are taken from is as it was.
 */
#ifndef TRACE_FAST_H
#define TRACE_FAST_H

#include "trace_writer.h"

#define TRACE_FAST_IDS_MAX 8u
#define TRACE_FAST_ARRAYS_MAX 2u
#define TRACE_FAST_NDIM_MAX 8u
/* Room that any usual event finds enough; its length takes one byte. */
#define TRACE_FAST_ROOM 256u

/* All values of a class or'ed: too large if one of them is. Half of what a
 * small form can hold is usual: so no escape is met, and nothing has to be
 * added. */
typedef struct trace_wide {
  uint64_t difference;
  uint32_t small, medium;
} trace_wide;

static inline bool trace_wide_any(const trace_wide* w) {
  return w->small >> 7 | w->medium >> 15 | w->difference >> 31;
}

static inline uint8_t* trace_fast_small(
    uint8_t* p, uint32_t v, trace_wide* wide) {
  wide->small |= v;
  *p = (uint8_t)v;
  return p + 1;
}

static inline uint8_t* trace_fast_medium(
    uint8_t* p, uint32_t v, trace_wide* wide) {
  const uint16_t low = (uint16_t)v;
  wide->medium |= v;
  memcpy(p, &low, 2);
  return p + 2;
}

static inline uint8_t* trace_fast_difference(
    uint8_t* p, uint64_t v, trace_wide* wide) {
  const uint32_t low = (uint32_t)v;
  wide->difference |= v + (1u << 30);
  memcpy(p, &low, 4);
  return p + 4;
}

static inline uint8_t* trace_fast_ids(
    uint8_t* p, trace_ids v, uint64_t* kept, trace_wide* wide) {
  uint64_t last = *kept;
  if (__builtin_expect(v.count > TRACE_FAST_IDS_MAX, 0)) {
    wide->small = UINT32_MAX;
    return p;
  }
  *p++ = (uint8_t)v.count;
  for (uint32_t i = 0; i < v.count; i++) {
    p = trace_fast_difference(p, v.ids[i] - last, wide);
    last = v.ids[i];
  }
  *kept = last;
  return p;
}

static inline uint8_t* trace_fast_arrays(
    uint8_t* p, trace_arrays v, trace_wide* wide) {
  if (__builtin_expect(v.count > TRACE_FAST_ARRAYS_MAX, 0)) {
    wide->small = UINT32_MAX;
    return p;
  }
  *p++ = (uint8_t)v.count;
  for (uint32_t i = 0; i < v.count; i++) {
    const trace_array a = v.arrays[i];
    if (__builtin_expect(a.ndim > TRACE_FAST_NDIM_MAX, 0)) {
      wide->small = UINT32_MAX;
      return p;
    }
    *p++ = a.dtype;
    *p++ = a.ndim;
    for (unsigned d = 0; d < a.ndim; d++)
      p = trace_fast_medium(p, (uint32_t)a.shape[d], wide);
  }
  return p;
}

/* Each field: the most bytes it takes here, its bytes, and what is kept of it
 * for the next difference. Bytes of a text are never usual. */
#define TRACE_FAST_MOST_U8 1
#define TRACE_FAST_MOST_U32 1
#define TRACE_FAST_MOST_U64 4
#define TRACE_FAST_MOST_NS 4
#define TRACE_FAST_MOST_STR 2
#define TRACE_FAST_MOST_STACK 2
#define TRACE_FAST_MOST_TEXT TRACE_FAST_ROOM
#define TRACE_FAST_MOST_IDS (1 + 4 * TRACE_FAST_IDS_MAX)
#define TRACE_FAST_MOST_ARRAYS \
  (1 + TRACE_FAST_ARRAYS_MAX * (2 + 2 * TRACE_FAST_NDIM_MAX))

#define TRACE_FAST_PUT_U8(id) *p++ = e->id;
#define TRACE_FAST_PUT_U32(id) p = trace_fast_small(p, e->id, &wide);
#define TRACE_FAST_PUT_U64(id)                           \
  p = trace_fast_difference(p, e->id - last->id, &wide); \
  next->id = e->id;
#define TRACE_FAST_PUT_NS(id) p = trace_fast_difference(p, time - e->id, &wide);
#define TRACE_FAST_PUT_STR(id) p = trace_fast_medium(p, e->id, &wide);
#define TRACE_FAST_PUT_STACK(id) p = trace_fast_medium(p, e->id, &wide);
#define TRACE_FAST_PUT_TEXT(id)
#define TRACE_FAST_PUT_IDS(id) \
  next->id = last->id;         \
  p = trace_fast_ids(p, e->id, &next->id, &wide);
#define TRACE_FAST_PUT_ARRAYS(id) p = trace_fast_arrays(p, e->id, &wide);

/* trace_fast_most_<id>: kind, length and time included. */
#define FIELD(type, id, text) +TRACE_FAST_MOST_##type
#define EVENT(number, id, name, text, ...) \
  trace_fast_most_##id = 1 + 1 + 4 __VA_ARGS__,
enum {
#include "events.def"
};
#undef EVENT
#undef FIELD

/* What one event leaves behind for the next one's differences. */
#define FIELD(type, id, text) TRACE_SLOT_##type(id)
#define EVENT(number, id, name, text, ...) \
  typedef struct trace_next_##id {         \
    __VA_ARGS__                            \
  } trace_next_##id;
#include "events.def"
#undef EVENT
#undef FIELD

/* Writes the event at the lane's cursor. Where it ends; NULL where it is not a
 * usual one. The lane has TRACE_FAST_ROOM. trace_fast_keep_<id>() then makes
 * `next` what the next event's differences are taken from. */
#define FIELD(type, id, text) TRACE_FAST_PUT_##type(id)
#define EVENT(number, id, name, text, ...)                                   \
  static inline __attribute__((always_inline)) uint8_t* trace_fast_put_##id( \
      const trace_lane* lane,                                                \
      uint64_t time,                                                         \
      const trace_##id* e,                                                   \
      trace_next_##id* next) {                                               \
    if (trace_fast_most_##id > TRACE_FAST_ROOM) return NULL;                 \
    const __typeof__(lane->deltas.id)* last = &lane->deltas.id;              \
    trace_wide wide = {0};                                                   \
    uint8_t* begin = lane->cursor;                                           \
    uint8_t* p = begin + 2;                                                  \
    (void)last;                                                              \
    (void)next;                                                              \
    (void)e;                                                                 \
    p = trace_fast_difference(p, time - lane->time, &wide);                  \
    __VA_ARGS__                                                              \
    if (__builtin_expect(trace_wide_any(&wide), 0)) return NULL;             \
    begin[0] = number;                                                       \
    begin[1] = (uint8_t)(p - begin - 2);                                     \
    return p;                                                                \
  }
#include "events.def"
#undef EVENT
#undef FIELD

#define TRACE_FAST_KEEP_U8(id)
#define TRACE_FAST_KEEP_U32(id)
#define TRACE_FAST_KEEP_U64(id) last->id = next->id;
#define TRACE_FAST_KEEP_NS(id)
#define TRACE_FAST_KEEP_STR(id)
#define TRACE_FAST_KEEP_STACK(id)
#define TRACE_FAST_KEEP_TEXT(id)
#define TRACE_FAST_KEEP_IDS(id) last->id = next->id;
#define TRACE_FAST_KEEP_ARRAYS(id)
#define FIELD(type, id, text) TRACE_FAST_KEEP_##type(id)
#define EVENT(number, id, name, text, ...)                                \
  static inline __attribute__((always_inline)) void trace_fast_keep_##id( \
      trace_lane* lane, uint64_t time, const trace_next_##id* next) {     \
    __typeof__(lane->deltas.id)* last = &lane->deltas.id;                 \
    (void)last;                                                           \
    (void)next;                                                           \
    lane->time = time;                                                    \
    __VA_ARGS__                                                           \
  }
#include "events.def"
#undef EVENT
#undef FIELD

#endif
