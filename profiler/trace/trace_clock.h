/* Which clock trace_now() reads: TRACE_CLOCK_… of trace_format.h. */
#ifndef TRACE_CLOCK_H
#define TRACE_CLOCK_H

#include <stdatomic.h>

#include "trace_format.h"

#if defined(__x86_64__)
#include <x86intrin.h>

/* ns = base_ns + ((ticks - base_ticks) × rate >> 32), while fewer than `due`
 * ticks have gone by: so few that the product fits 64 bits. `due` is 0 while
 * there is no line. Who finds an odd sequence, or another one afterwards, has
 * read nothing. */
extern struct trace_clock_line {
  _Atomic uint32_t sequence; /* odd: being replaced */
  _Atomic uint32_t state;
  _Atomic uint64_t base_ticks;
  _Atomic uint64_t base_ns;
  _Atomic uint64_t rate; /* ns a tick, 32.32 */
  _Atomic uint64_t due;
  /* Written under an odd sequence only: two pairs to measure the rate from. */
  uint64_t old_ticks;
  _Atomic uint64_t old_ns;
  uint64_t mid_ticks, mid_ns;
} trace_clock_line __attribute__((aligned(64), visibility("hidden")));
#endif

/* trace_now() where the line cannot answer. */
uint64_t trace_clock_slow(void);

/* trace_now() from the line; false where it cannot answer. */
static inline __attribute__((always_inline)) bool trace_clock_read(
    uint64_t* now) {
#if defined(__x86_64__)
  struct trace_clock_line* l = &trace_clock_line;
  uint32_t sequence = atomic_load_explicit(&l->sequence, memory_order_acquire);
  uint64_t from = atomic_load_explicit(&l->base_ticks, memory_order_relaxed);
  uint64_t base = atomic_load_explicit(&l->base_ns, memory_order_relaxed);
  uint64_t rate = atomic_load_explicit(&l->rate, memory_order_relaxed);
  uint64_t due = atomic_load_explicit(&l->due, memory_order_relaxed);
  atomic_thread_fence(memory_order_acquire);
  uint32_t after = atomic_load_explicit(&l->sequence, memory_order_relaxed);
  uint64_t ticks = __rdtsc() - from;
  *now = base + (ticks * rate >> 32);
  /* An odd one is never equal: sequences only grow. */
  return __builtin_expect(after == (sequence & ~1u), 1) &&
         __builtin_expect(ticks < due, 1);
#else
  (void)now;
  return false;
#endif
}

/* trace_now(), to be expanded where every instruction counts. */
static inline uint64_t trace_clock_now(void) {
  uint64_t now;
  return trace_clock_read(&now) ? now : trace_clock_slow();
}

/* Finds out on first use; safe in a signal handler. */
uint32_t trace_clock_kind(void);

/* In a child: frees the line from a thread that did not come along. */
void trace_clock_after_fork(void);

#endif
