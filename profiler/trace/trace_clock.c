/* CLOCK_MONOTONIC from the time-stamp counter.
 *
 * The counter is used where the processor says it is invariant and the kernel
 * itself keeps time by it. A line ns = base + ticks × rate is laid through the
 * system's clock and corrected every TRACE_CLOCK_EVERY: never by a jump back,
 * but by a rate that brings it home over the next stretch. Until the rate is
 * known, for a millisecond after the library is loaded, and wherever something
 * is in doubt, the system's clock answers; always, where LAZULI_CLOCK says
 * "system": for machines whose counter is not to be trusted though they say so.
 *
 * Everything here may run in a signal handler: the line is read under a
 * sequence count, and who finds it being replaced asks the system.
 */
#include "trace_clock.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static uint64_t trace_clock_system(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

#if defined(__x86_64__)
#include <cpuid.h>

#define TRACE_CLOCK_FIRST 1000000u     /* ns until the first rate */
#define TRACE_CLOCK_EVERY 50000000u    /* ns between corrections, at most */
#define TRACE_CLOCK_WINDOW 2000000000u /* ns the rate is measured over */

enum { UNKNOWN, SYSTEM, MEASURING, RUNNING };

struct trace_clock_line trace_clock_line;
#define line trace_clock_line

static bool trace_clock_invariant(void) {
  unsigned a, b, c, d;
  if (!__get_cpuid(0x80000000u, &a, &b, &c, &d) || a < 0x80000007u)
    return false;
  __cpuid(0x80000007u, a, b, c, d);
  if (!(d & (1u << 8))) return false;
  /* Not through the C library, where these are points of cancellation. */
  long fd = syscall(
      SYS_openat,
      AT_FDCWD,
      "/sys/devices/system/clocksource/clocksource0/current_clocksource",
      O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  char name[8] = {0};
  long n = syscall(SYS_read, (int)fd, name, sizeof name - 1);
  syscall(SYS_close, (int)fd);
  return n >= 3 && name[0] == 't' && name[1] == 's' && name[2] == 'c';
}

/* A pair taken close together: the tightest of three. */
static void trace_clock_pair(uint64_t* ticks, uint64_t* ns) {
  uint64_t best = UINT64_MAX;
  for (int i = 0; i < 3; i++) {
    uint64_t before = __rdtsc();
    uint64_t now = trace_clock_system();
    uint64_t after = __rdtsc();
    if (after - before < best) {
      best = after - before;
      *ticks = before + best / 2;
      *ns = now;
    }
  }
}

/* Takes the sequence; false where someone else holds it. */
static bool trace_clock_lock(uint32_t* sequence) {
  *sequence = atomic_load_explicit(&line.sequence, memory_order_acquire);
  return !(*sequence & 1) && atomic_compare_exchange_strong(
                                 &line.sequence, sequence, *sequence + 1);
}

static void trace_clock_unlock(uint32_t sequence) {
  atomic_store_explicit(&line.sequence, sequence + 2, memory_order_release);
}

/* As trace_clock_read() has it, for any number of ticks. */
static uint64_t trace_clock_at(uint64_t ticks, uint64_t base, uint64_t rate) {
  return base + (uint64_t)(((unsigned __int128)ticks * rate) >> 32);
}

/* Lays the line anew where that is due. Returns the time now. */
static uint64_t trace_clock_correct(void) {
  uint32_t sequence;
  uint64_t ticks, ns = trace_clock_system();
  uint32_t state = atomic_load_explicit(&line.state, memory_order_relaxed);
  if (state == MEASURING && ns - line.old_ns < TRACE_CLOCK_FIRST) return ns;
  if (!trace_clock_lock(&sequence)) return ns;
  state = line.state;
  if (state == UNKNOWN) {
    state = trace_clock_invariant() ? MEASURING : SYSTEM;
    line.old_ticks = line.mid_ticks;
    line.old_ns = line.mid_ns;
    line.state = state;
    trace_clock_unlock(sequence);
    return trace_clock_system();
  }
  trace_clock_pair(&ticks, &ns);
  uint64_t span = ns - line.old_ns;
  if (span < TRACE_CLOCK_FIRST || ticks <= line.old_ticks) {
    trace_clock_unlock(sequence);
    return ns;
  }
  uint64_t rate =
      (uint64_t)(((unsigned __int128)span << 32) / (ticks - line.old_ticks));
  /* A rate holds for as long as it was measured: then the line is off by no
   * more than a pair is. */
  const int64_t stretch =
      span < TRACE_CLOCK_EVERY ? (int64_t)span : (int64_t)TRACE_CLOCK_EVERY;
  /* In ticks: every × rate is less than TRACE_CLOCK_EVERY × 2^32. */
  uint64_t every = ((uint64_t)stretch << 32) / rate;
  uint64_t base = ns;
  if (state == RUNNING) {
    uint64_t ran = ticks - line.base_ticks;
    uint64_t said = trace_clock_at(ran, line.base_ns, line.rate);
    /* After a long pause a step is safe: what was said last is far behind. */
    if (ran < 4 * line.due + 4 * every) {
      base = said;
      int64_t error = (int64_t)(ns - said);
      const int64_t most = stretch / 1024;
      if (error > most) error = most;
      if (error < -most) error = -most;
      rate += (uint64_t)(((__int128)rate * error) / stretch);
    }
  }
  line.base_ticks = ticks;
  line.base_ns = base;
  line.rate = rate;
  line.due = every;
  if (ns - line.mid_ns > TRACE_CLOCK_WINDOW) {
    line.old_ticks = line.mid_ticks;
    line.old_ns = line.mid_ns;
    line.mid_ticks = ticks;
    line.mid_ns = ns;
  }
  line.state = RUNNING;
  trace_clock_unlock(sequence);
  return base;
}

/* The first pair is taken early: by the first event its rate may be known. */
__attribute__((constructor)) static void trace_clock_early(void) {
  const char* wanted = getenv("LAZULI_CLOCK");
  if (wanted && strcmp(wanted, "system") == 0) line.state = SYSTEM;
  trace_clock_pair(&line.mid_ticks, &line.mid_ns);
}

uint64_t trace_clock_slow(void) {
  uint32_t sequence =
      atomic_load_explicit(&line.sequence, memory_order_acquire);
  uint32_t state = atomic_load_explicit(&line.state, memory_order_relaxed);
  if (state == SYSTEM) return trace_clock_system();
  uint64_t from = atomic_load_explicit(&line.base_ticks, memory_order_relaxed);
  uint64_t base = atomic_load_explicit(&line.base_ns, memory_order_relaxed);
  atomic_thread_fence(memory_order_acquire);
  /* Another core's counter may be a little behind the base. */
  if (state == RUNNING && !(sequence & 1) &&
      sequence == atomic_load_explicit(&line.sequence, memory_order_relaxed) &&
      __rdtsc() < from)
    return base;
  return trace_clock_correct();
}

uint32_t trace_clock_kind(void) {
  trace_now();
  uint32_t state = atomic_load_explicit(&line.state, memory_order_relaxed);
  return state == SYSTEM ? TRACE_CLOCK_SYSTEM : TRACE_CLOCK_TSC;
}

void trace_clock_after_fork(void) {
  uint32_t sequence = atomic_load(&line.sequence);
  if (!(sequence & 1)) return;
  atomic_store(&line.due, 0);
  if (line.state != SYSTEM) atomic_store(&line.state, UNKNOWN);
  atomic_store(&line.sequence, sequence + 1);
}

#else

void trace_clock_after_fork(void) {}
uint64_t trace_clock_slow(void) {
  return trace_clock_system();
}
uint32_t trace_clock_kind(void) {
  return TRACE_CLOCK_SYSTEM;
}

#endif

uint64_t trace_now(void) {
  return trace_clock_now();
}
