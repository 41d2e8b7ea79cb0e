/* The runtime's side of lazuli/probe.h.
 *
 *     PROBE(wait, .reason = LAZULI_WAIT_EVAL, .stream = s->index, …);
 *
 * evaluates its arguments only when somebody watches; built with
 * LAZULI_PROBES=0 it is nothing. */
#ifndef PROBE_PROBE_H
#define PROBE_PROBE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

#include "lazuli/probe.h"

/* A private copy of the attached probe, unknown slots zero; NULL: none. Hidden:
 * one comparison with memory, no way over the table of global symbols. */
extern const lazuli_probe* _Atomic probe_current
    __attribute__((visibility("hidden")));

#if LAZULI_PROBES
static inline const lazuli_probe* probe_get(void) {
  return atomic_load_explicit(&probe_current, memory_order_acquire);
}
#define PROBE(slot, ...)                                               \
  do {                                                                 \
    const lazuli_probe* probe_ = probe_get();                          \
    if (__builtin_expect(probe_ != NULL, 0) && probe_->slot) {         \
      probe_->slot(probe_->user, &(lazuli_probe_##slot){__VA_ARGS__}); \
    }                                                                  \
  } while (0)
#define PROBE_ON() __builtin_expect(probe_get() != NULL, 0)
/* A report that stands in a hot function goes into one of its own, so that the
 * event it builds costs the other no stack and no saved registers. */
#define PROBE_REPORT static __attribute__((noinline, cold))
#else
static inline const lazuli_probe* probe_get(void) {
  return NULL;
}
#define PROBE(slot, ...) \
  do {                   \
  } while (0)
#define PROBE_ON() 0
#define PROBE_REPORT static inline
#endif

static inline uint64_t probe_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

#endif
