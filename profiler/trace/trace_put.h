/* trace_put_<event>() to be expanded in place, for those to whom every
 * nanosecond counts; the same as the functions of trace.h. */
#ifndef TRACE_PUT_H
#define TRACE_PUT_H

#include "trace_clock.h"
#include "trace_fast.h"

/* Begins a write: the lane of `index`, with room for a usual event; NULL where
 * the event is lost. `depth` is the thread's. */
static inline __attribute__((always_inline)) trace_lane* trace_lane_enter(
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

/* Commits what lies before `p`. */
static inline __attribute__((always_inline)) void trace_lane_commit(
    trace_lane* lane, uint8_t* p) {
  lane->cursor = p;
  lane->events++;
  atomic_store_explicit(
      (_Atomic uint64_t*)&lane->chunk->used,
      (uint64_t)(p - (uint8_t*)(lane->chunk + 1)),
      memory_order_release);
}

/* Ends a write. */
static inline __attribute__((always_inline)) void trace_lane_leave(
    trace_writer_thread* t, uint32_t depth) {
  atomic_signal_fence(memory_order_seq_cst);
  atomic_store_explicit(&t->depth, depth, memory_order_release);
}

/* trace_whole_<event>(): any event, written at the lane's cursor. Where it
 * ends, or NULL where there is no room to be had. Not committed yet.
 * trace_put_nested_<event>(): where the thread has no state yet, or is inside a
 * write already. */
#define EVENT(number, id, name, text, ...)                                  \
  __attribute__((cold, visibility("hidden"))) uint8_t* trace_whole_##id(    \
      trace_writer* w,                                                      \
      trace_writer_thread* t,                                               \
      unsigned index,                                                       \
      uint64_t time,                                                        \
      const trace_##id* event);                                             \
  __attribute__((cold, visibility("hidden"))) bool trace_put_nested_##id(   \
      trace_writer* w, uint64_t time, const trace_##id* event);             \
  static inline __attribute__((always_inline)) bool trace_put_at_##id(      \
      trace_writer* w,                                                      \
      trace_writer_thread* t,                                               \
      uint32_t depth,                                                       \
      uint64_t time,                                                        \
      const trace_##id* event) {                                            \
    const unsigned index = depth * 2 + (number < TRACE_FIRST_EVENT);        \
    trace_lane* lane = trace_lane_enter(w, t, depth, index, time);          \
    uint8_t* end = NULL;                                                    \
    if (__builtin_expect(lane != NULL, 1)) {                                \
      end = trace_fast_put_##id(lane, time, event);                         \
      if (__builtin_expect(end != NULL, 1)) {                               \
        trace_fast_keep_##id(lane, time, event);                            \
      } else {                                                              \
        const trace_##id copy = *event;                                     \
        end = trace_whole_##id(w, t, index, time, &copy);                   \
      }                                                                     \
    }                                                                       \
    if (__builtin_expect(end != NULL, 1))                                   \
      trace_lane_commit(lane, end);                                         \
    else if (number >= TRACE_FIRST_EVENT) /* definitions are tried again */ \
      trace_writer_count_lost(w);                                           \
    trace_lane_leave(t, depth);                                             \
    return end != NULL;                                                     \
  }                                                                         \
  static inline __attribute__((always_inline)) bool trace_put_here_##id(    \
      trace_writer* w, uint64_t time, const trace_##id* event) {            \
    if (!time)                                                              \
      time = number < TRACE_FIRST_EVENT ? trace_writer_definition_time(w)   \
                                        : trace_clock_now();                \
    const trace_attachment* a = &trace_attachments[w->slot];                \
    if (__builtin_expect(                                                   \
            !a->thread || a->serial != w->serial ||                         \
                atomic_load_explicit(                                       \
                    &a->thread->depth, memory_order_relaxed) != 0,          \
            0)) {                                                           \
      const trace_##id copy = *event;                                       \
      return trace_put_nested_##id(w, time, &copy);                         \
    }                                                                       \
    return trace_put_at_##id(w, a->thread, 0, time, event);                 \
  }
#include "events.def"
#undef EVENT

#endif
