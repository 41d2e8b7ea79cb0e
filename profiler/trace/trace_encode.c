/* trace_put_<event>(): every function here comes out of events.def. */
#include "trace_put.h"

/* ---- the most bytes a field can take --------------------------------------
 */

static size_t trace_bound_arrays(trace_arrays v) {
  size_t bytes = TRACE_SMALL_MAX;
  for (uint32_t i = 0; i < v.count; i++)
    bytes += 2 + (size_t)v.arrays[i].ndim * TRACE_MEDIUM_MAX;
  return bytes;
}

#define TRACE_BOUND_U8(v) 1
#define TRACE_BOUND_U32(v) TRACE_SMALL_MAX
#define TRACE_BOUND_U64(v) TRACE_DIFFERENCE_MAX
#define TRACE_BOUND_NS(v) TRACE_DIFFERENCE_MAX
#define TRACE_BOUND_STR(v) TRACE_MEDIUM_MAX
#define TRACE_BOUND_STACK(v) TRACE_MEDIUM_MAX
#define TRACE_BOUND_TEXT(v) (TRACE_SMALL_MAX + (size_t)(v).length)
#define TRACE_BOUND_IDS(v) \
  (TRACE_SMALL_MAX + (size_t)(v).count * TRACE_DIFFERENCE_MAX)
#define TRACE_BOUND_ARRAYS(v) trace_bound_arrays(v)

#define FIELD(type, id, text) +TRACE_BOUND_##type(event->id)
#define EVENT(number, id, name, text, ...)                              \
  static inline size_t trace_bound_##id(const trace_##id* event) {      \
    (void)event;                                                        \
    return TRACE_DIFFERENCE_MAX __VA_ARGS__; /* the time comes first */ \
  }
#include "events.def"
#undef EVENT
#undef FIELD

/* ---- fields ----------------------------------------------------------------
 */

static inline uint8_t* trace_encode_difference(
    uint8_t* p, uint64_t v, uint64_t* last) {
  uint64_t difference = v - *last;
  *last = v;
  return trace_put_difference(p, difference);
}

static inline uint8_t* trace_encode_text(uint8_t* p, trace_text v) {
  p = trace_put_small(p, v.length);
  if (v.length) memcpy(p, v.bytes, v.length);
  return p + v.length;
}

static inline uint8_t* trace_encode_ids(
    uint8_t* p, trace_ids v, uint64_t* last) {
  p = trace_put_small(p, v.count);
  for (uint32_t i = 0; i < v.count; i++)
    p = trace_encode_difference(p, v.ids[i], last);
  return p;
}

static inline uint8_t* trace_encode_arrays(uint8_t* p, trace_arrays v) {
  p = trace_put_small(p, v.count);
  for (uint32_t i = 0; i < v.count; i++) {
    const trace_array* a = &v.arrays[i];
    *p++ = a->dtype;
    *p++ = a->ndim;
    for (unsigned d = 0; d < a->ndim; d++)
      p = trace_put_medium(p, (uint32_t)a->shape[d]);
  }
  return p;
}

#define TRACE_ENCODE_U8(id) *p++ = event->id;
#define TRACE_ENCODE_U32(id) p = trace_put_small(p, event->id);
#define TRACE_ENCODE_U64(id) \
  p = trace_encode_difference(p, event->id, &last->id);
#define TRACE_ENCODE_NS(id) p = trace_put_difference(p, time - event->id);
#define TRACE_ENCODE_STR(id) p = trace_put_medium(p, event->id);
#define TRACE_ENCODE_STACK(id) p = trace_put_medium(p, event->id);
#define TRACE_ENCODE_TEXT(id) p = trace_encode_text(p, event->id);
#define TRACE_ENCODE_IDS(id) p = trace_encode_ids(p, event->id, &last->id);
#define TRACE_ENCODE_ARRAYS(id) p = trace_encode_arrays(p, event->id);

#define FIELD(type, id, text) TRACE_ENCODE_##type(id)
#define EVENT(number, id, name, text, ...)      \
  static inline uint8_t* trace_encode_##id(     \
      uint8_t* p,                               \
      trace_deltas* deltas,                     \
      uint64_t time,                            \
      const trace_##id* event) {                \
    __typeof__(deltas->id)* last = &deltas->id; \
    (void)last;                                 \
    (void)time;                                 \
    __VA_ARGS__                                 \
    return p;                                   \
  }
#include "events.def"
#undef EVENT
#undef FIELD

/* ---- events ----------------------------------------------------------------
 */

/* The length is known last and stands first: in as many bytes as the bound of
 * the event asks for. */
static inline unsigned trace_length_bytes(size_t bound) {
  return bound < 0xff ? 1 : 5;
}

static inline void trace_length_put(uint8_t* p, unsigned n, uint32_t length) {
  if (n == 1) {
    *p = (uint8_t)length;
  } else {
    *p = 0xff;
    memcpy(p + 1, &length, 4);
  }
}

/* Begins a write: the lane of `index`, with room for a usual event; NULL where
 * the event is lost. `depth` is the thread's. */
static inline trace_lane* trace_lane_enter(
    trace_writer* w,
    trace_writer_thread* t,
    uint32_t depth,
    unsigned index,
    uint64_t time) {
  trace_lane* lane = &t->lanes[index];
  atomic_store_explicit(&t->depth, depth + 1, memory_order_relaxed);
  /* The one who closes the writer makes this order hold for all threads. */
  atomic_signal_fence(memory_order_seq_cst);
  if (__builtin_expect(
          atomic_load_explicit(&w->state, memory_order_relaxed) ==
              TRACE_WRITER_LIVE,
          1) &&
      (__builtin_expect(
           (size_t)(lane->limit - lane->cursor) >= TRACE_FAST_ROOM, 1) ||
       trace_chunk_next(w, t, index, TRACE_FAST_ROOM, time)))
    return lane;
  return NULL;
}

/* Any event, written at the lane's cursor: where it ends, or NULL where there
 * is no room to be had. */
#define EVENT(number, id, name, text, ...)                               \
  static uint8_t* trace_whole_##id(                                      \
      trace_writer* w,                                                   \
      trace_writer_thread* t,                                            \
      unsigned index,                                                    \
      uint64_t time,                                                     \
      const trace_##id* event) {                                         \
    const size_t bound = trace_bound_##id(event);                        \
    const unsigned n = trace_length_bytes(bound);                        \
    trace_lane* lane = &t->lanes[index];                                 \
    if ((size_t)(lane->limit - lane->cursor) < 1 + n + bound &&          \
        !trace_chunk_next(w, t, index, 1 + n + bound, time))             \
      return NULL;                                                       \
    uint8_t* length = trace_put_small(lane->cursor, number);             \
    uint8_t* p = trace_encode_difference(length + n, time, &lane->time); \
    p = trace_encode_##id(p, &lane->deltas, time, event);                \
    trace_length_put(length, n, (uint32_t)(p - length - n));             \
    return p;                                                            \
  }
#include "events.def"
#undef EVENT

/* A usual event is quick, any other is written at length. Definitions that are
 * lost are tried again, and not counted. */
#define EVENT(number, id, name, text, ...)                                \
  static bool trace_put_at_##id(                                          \
      trace_writer* w,                                                    \
      trace_writer_thread* t,                                             \
      uint32_t depth,                                                     \
      uint64_t time,                                                      \
      const trace_##id* event) {                                          \
    const unsigned index = depth * 2 + (number < TRACE_FIRST_EVENT);      \
    trace_lane* lane = trace_lane_enter(w, t, depth, index, time);        \
    trace_next_##id next = {};                                            \
    uint8_t* end =                                                        \
        lane ? trace_fast_put_##id(lane, time, event, &next) : NULL;      \
    if (__builtin_expect(end != NULL, 1))                                 \
      trace_fast_keep_##id(lane, time, &next);                            \
    else if (lane)                                                        \
      end = trace_whole_##id(w, t, index, time, event);                   \
    if (__builtin_expect(end != NULL, 1))                                 \
      trace_lane_commit(lane, end);                                       \
    else if (number >= TRACE_FIRST_EVENT)                                 \
      trace_writer_count_lost(w);                                         \
    trace_lane_leave(t, depth);                                           \
    return end != NULL;                                                   \
  }                                                                       \
  bool trace_put_##id(                                                    \
      trace_writer* w, uint64_t time, const trace_##id* event) {          \
    if (!time)                                                            \
      time = number < TRACE_FIRST_EVENT ? trace_writer_definition_time(w) \
                                        : trace_clock_now();              \
    const trace_attachment* a = &trace_attachments[w->slot];              \
    trace_writer_thread* t = a->serial == w->serial ? a->thread : NULL;   \
    if (__builtin_expect(!t, 0)) t = trace_writer_attach(w);              \
    const uint32_t depth = t ? atomic_load(&t->depth) : TRACE_DEPTHS;     \
    if (__builtin_expect(depth < TRACE_DEPTHS, 1))                        \
      return trace_put_at_##id(w, t, depth, time, event);                 \
    trace_writer_count_lost(w);                                           \
    return false;                                                         \
  }
#include "events.def"
#undef EVENT

/* ---- definitions -----------------------------------------------------------
 */

uint32_t trace_writer_string(
    trace_writer* w, const char* bytes, size_t length) {
  if (length == 0 || length > UINT32_MAX) return 0;
  trace_key key = trace_intern_key(bytes, length);
  uint32_t id = trace_intern_find(&w->strings, key);
  if (__builtin_expect(id != 0, 1)) return id;
  id = trace_intern_new_id(&w->strings);
  const trace_string event = {id, {bytes, (uint32_t)length}};
  if (!id || !trace_put_string(w, 0, &event)) return 0;
  return trace_intern_publish(&w->strings, key, id);
}

uint32_t trace_writer_stack(
    trace_writer* w, const uint64_t* frames, uint32_t count) {
  if (count == 0) return 0;
  trace_key key = trace_intern_key(frames, count * sizeof *frames);
  uint32_t id = trace_intern_find(&w->stacks, key);
  if (__builtin_expect(id != 0, 1)) return id;
  id = trace_intern_new_id(&w->stacks);
  const trace_stack event = {id, {frames, count}};
  if (!id || !trace_put_stack(w, 0, &event)) return 0;
  return trace_intern_publish(&w->stacks, key, id);
}

uint32_t trace_writer_location(
    trace_writer* w, const char* file, uint32_t line, const char* function) {
  const uint32_t parts[3] = {
      trace_writer_string(w, file, strlen(file)),
      line,
      trace_writer_string(w, function, strlen(function))};
  trace_key key = trace_intern_key(parts, sizeof parts);
  uint32_t id = trace_intern_find(&w->locations, key);
  if (__builtin_expect(id != 0, 1)) return id;
  id = trace_intern_new_id(&w->locations);
  const trace_location event = {id, parts[0], line, parts[2]};
  if (!id || !trace_put_location(w, 0, &event)) return 0;
  return trace_intern_publish(&w->locations, key, id);
}
