/* What trace_put_<event>() is made of, and trace_put_usual_<event>() for those
 * to whom every nanosecond counts: expanded in place, it calls nothing, so that
 * a function around it needs no frame and saves no registers. */
#ifndef TRACE_PUT_H
#define TRACE_PUT_H

#include "trace_clock.h"
#include "trace_fast.h"

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

/* The lane to write a usual event to, and the time now. False where something
 * is not as usual: the thread has no state or no room or is in a write already,
 * or the line of the clock does not answer. */
typedef struct trace_usual {
  trace_writer_thread* thread;
  trace_lane* lane;
  uint64_t time;
} trace_usual;

static inline __attribute__((always_inline)) bool trace_usual_enter(
    trace_usual* u, const trace_writer* w) {
  u->thread = trace_writer_recent;
  if (__builtin_expect(!u->thread || u->thread->writer != w, 0)) return false;
  if (__builtin_expect(
          atomic_load_explicit(&u->thread->depth, memory_order_relaxed), 0))
    return false;
  if (!trace_clock_read(&u->time)) return false;
  u->lane = &u->thread->lanes[0];
  atomic_store_explicit(&u->thread->depth, 1, memory_order_relaxed);
  /* The one who closes the writer makes this order hold for all threads. */
  atomic_signal_fence(memory_order_seq_cst);
  if (__builtin_expect(
          atomic_load_explicit(&w->state, memory_order_relaxed) ==
                  TRACE_WRITER_LIVE &&
              (size_t)(u->lane->limit - u->lane->cursor) >= TRACE_FAST_ROOM,
          1))
    return true;
  trace_lane_leave(u->thread, 0);
  return false;
}

/* After trace_usual_enter(), which is to come before the fields are looked at:
 * writes the event if each number is small. Else false, and nothing has
 * happened. trace_usual_leave(): without an event. */
#define EVENT(number, id, name, text, ...)                                \
  static inline __attribute__((always_inline)) bool trace_usual_put_##id( \
      const trace_usual* u, const trace_##id* event) {                    \
    trace_next_##id next = {};                                            \
    uint8_t* end = trace_fast_put_##id(u->lane, u->time, event, &next);   \
    if (__builtin_expect(end != NULL, 1)) {                               \
      trace_fast_keep_##id(u->lane, u->time, &next);                      \
      trace_lane_commit(u->lane, end);                                    \
    }                                                                     \
    trace_lane_leave(u->thread, 0);                                       \
    return end != NULL;                                                   \
  }
#include "events.def"
#undef EVENT

static inline void trace_usual_leave(const trace_usual* u) {
  trace_lane_leave(u->thread, 0);
}

#endif
