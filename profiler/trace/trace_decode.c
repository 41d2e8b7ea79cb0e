#include "trace_decode.h"

static inline bool trace_decode_small(trace_decoder* d, uint32_t* v) {
  const uint8_t* p = trace_get_small(d->p, d->end, v);
  if (__builtin_expect(!p, 0)) return false;
  d->p = p;
  return true;
}

static inline bool trace_decode_medium(trace_decoder* d, uint32_t* v) {
  const uint8_t* p = trace_get_medium(d->p, d->end, v);
  if (__builtin_expect(!p, 0)) return false;
  d->p = p;
  return true;
}

static inline bool trace_decode_wide(trace_decoder* d, uint64_t* v) {
  const uint8_t* p = trace_get_difference(d->p, d->end, v);
  if (__builtin_expect(!p, 0)) return false;
  d->p = p;
  return true;
}

static inline bool trace_decode_difference(
    trace_decoder* d, uint64_t* v, uint64_t* last) {
  uint64_t difference;
  if (!trace_decode_wide(d, &difference)) return false;
  *v = *last += difference;
  return true;
}

static inline bool trace_decode_ns(trace_decoder* d, uint64_t* v) {
  uint64_t difference;
  if (!trace_decode_wide(d, &difference)) return false;
  *v = d->time - difference;
  return true;
}

static inline bool trace_decode_text(trace_decoder* d, trace_text* v) {
  if (!trace_decode_small(d, &v->length)) return false;
  if (v->length > (size_t)(d->end - d->p)) return false;
  v->bytes = (const char*)d->p;
  d->p += v->length;
  return true;
}

/* A count of things that take at least `bytes` bytes each. */
static inline bool trace_decode_count(
    trace_decoder* d, uint32_t* count, unsigned bytes) {
  return trace_decode_small(d, count) &&
         *count <= (size_t)(d->end - d->p) / bytes;
}

static inline bool trace_decode_ids(
    trace_decoder* d, trace_ids* v, uint64_t* last) {
  uint32_t count;
  if (!trace_decode_count(d, &count, 4)) return false;
  uint64_t* ids = (uint64_t*)(void*)d->scratch;
  for (uint32_t i = 0; i < count; i++)
    if (!trace_decode_difference(d, &ids[i], last)) return false;
  d->scratch = (uint8_t*)(ids + count);
  v->ids = ids;
  v->count = count;
  return true;
}

static inline bool trace_decode_arrays(trace_decoder* d, trace_arrays* v) {
  uint32_t count;
  if (!trace_decode_count(d, &count, 2)) return false;
  trace_array* arrays = (trace_array*)(void*)d->scratch;
  int32_t* dims = (int32_t*)(arrays + count);
  for (uint32_t i = 0; i < count; i++) {
    if (d->end - d->p < 2) return false;
    arrays[i].dtype = *d->p++;
    arrays[i].ndim = *d->p++;
    arrays[i].shape = dims;
    for (unsigned k = 0; k < arrays[i].ndim; k++) {
      uint32_t dim;
      if (!trace_decode_medium(d, &dim)) return false;
      *dims++ = (int32_t)dim;
    }
  }
  uintptr_t next = ((uintptr_t)dims + 7) & ~(uintptr_t)7;
  d->scratch = (uint8_t*)next;
  v->arrays = arrays;
  v->count = count;
  return true;
}

#define TRACE_DECODE_U8(id) (event->id = *d->p++, true)
#define TRACE_DECODE_U32(id) trace_decode_small(d, &event->id)
#define TRACE_DECODE_U64(id) trace_decode_difference(d, &event->id, &last->id)
#define TRACE_DECODE_NS(id) trace_decode_ns(d, &event->id)
#define TRACE_DECODE_STR(id) trace_decode_medium(d, &event->id)
#define TRACE_DECODE_STACK(id) trace_decode_medium(d, &event->id)
#define TRACE_DECODE_TEXT(id) trace_decode_text(d, &event->id)
#define TRACE_DECODE_IDS(id) trace_decode_ids(d, &event->id, &last->id)
#define TRACE_DECODE_ARRAYS(id) trace_decode_arrays(d, &event->id)

/* An event may end after any field. */
#define FIELD(type, id, text)      \
  if (d->p == d->end) return true; \
  if (!TRACE_DECODE_##type(id)) return false;
#define EVENT(number, id, name, text, ...)                         \
  static bool trace_decode_##id##_event(                           \
      trace_decoder* d, trace_deltas* deltas, trace_##id* event) { \
    __typeof__(deltas->id)* last = &deltas->id;                    \
    (void)last;                                                    \
    memset(event, 0, sizeof *event);                               \
    __VA_ARGS__                                                    \
    return true;                                                   \
  }
#include "events.def"
#undef EVENT
#undef FIELD

bool trace_decode(trace_decoder* d, trace_deltas* deltas, trace_event* event) {
  switch (event->kind) {
#define EVENT(number, id, name, text, ...) \
  case number:                             \
    return trace_decode_##id##_event(d, deltas, &event->id);
#include "events.def"
#undef EVENT
  }
  return false;
}
