/* The recorder: a library that LD_PRELOAD puts into a program.
 *
 * It sleeps until a runtime asks for it (record_probe.c) or is found
 * (mlx_*.c); only then is a trace created, so a program without a runtime is
 * left as it is. From then on:
 *
 *   every callback  = record_enter() … trace_put_*() … record_leave()
 *   recorded thread = one record_thread, taken at its first event
 *
 * Callbacks come on any thread, in signal handlers too. None of this calls
 * malloc once the trace is open, nor changes errno.
 */
#ifndef RECORD_H
#define RECORD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record_options.h"
#include "trace.h"

/* The cost is measured for each of a thread's first events, then for one in so
 * many, which stands for the others. */
#define RECORD_MEASURED 256u
#define RECORD_SAMPLE 64u
#define RECORD_LONG_NS 50000u
#define RECORD_NAMES 64u /* a power of two */

/* What a callback has to do before it may write. */
enum record_gate {
  RECORD_SHUT = 0,   /* nothing: not begun, stopped, or over */
  RECORD_OPEN = 1,   /* write */
  RECORD_TIMED = 2,  /* look at the clock first: --start or --stop by time */
  RECORD_FORKED = 3, /* the child of a recorded process: create its file */
};

typedef struct record_walk record_walk;

/* What a thread keeps; its thread alone writes it. */
typedef struct record_thread {
  _Atomic bool taken; /* by a living thread */
  _Atomic bool unwinding;
  bool mute;             /* no stacks */
  uint32_t given;        /* the stack to use; 0: the real one */
  bool introduced;       /* its `thread` event is written */
  uint32_t generation;   /* of record.generation, for `names` */
  uint32_t newest_stack; /* the largest stack id seen */
  int interpreter;       /* frames within which one was found; 0: none yet */
  record_walk* walk;     /* stacks that were walked before, or NULL */
  uint64_t entered;      /* when the sampled callback began; else 0 */
  uint64_t events, ns, stacks, stack_ns, lost;
  uint64_t next_sample; /* of `events`, when to measure */
  uint32_t weight;      /* events that a measurement stands for */
  uint64_t next_cost;   /* of `events`, when the next measured one is followed
                         * by a `cost` */
  struct {
    const char* text;
    uint32_t id;
  } names[RECORD_NAMES];
} record_thread;

extern struct record {
  _Atomic int gate; /* enum record_gate */
  trace_writer* writer;
  uint32_t generation; /* grows when strings known by address may have gone */
  record_options options;
  char path[4096]; /* of the trace */
} record __attribute__((visibility("hidden")));

extern __thread record_thread* record_self
    __attribute__((tls_model("initial-exec"), visibility("hidden")));

/* While the recorder opens and reads files: what the program called is no point
 * where its thread may be cancelled. Returns what record_resume() wants back.
 */
static inline int record_hold(void) {
  int was = PTHREAD_CANCEL_ENABLE;
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &was);
  return was;
}
static inline void record_resume(int was) {
  pthread_setcancelstate(was, &was);
}

/* Creates the trace if that has not happened. False when there is none to be:
 * turned off, or the file cannot be created. May be called again. */
bool record_begin(void);

record_thread* record_enter_slow(int gate, bool always);
void record_leave_slow(record_thread* t);

/* How a process ends: `how` of the event `finish`. */
enum record_end {
  RECORD_END_EXIT = 0,
  RECORD_END_AT_ONCE = 1,
  RECORD_END_EXEC = 2,
  RECORD_END_ABORT = 3,
  RECORD_END_SIGNAL = 4,
  RECORD_END_NOT = 255
};
/* Writes `finish`, with what stands before it; false where this process
 * records nothing. Safe in a signal handler. */
bool record_finish(uint32_t status, enum record_end how);
/* Nothing comes after: closes the trace. */
void record_close(void);
/* Whether this process, and none that shares its memory, has an open trace. */
bool record_is_awake(void);

/* Before anything is written: the thread's state, or NULL where nothing is to
 * be written. record_enter_always() passes while recording is stopped, too. A
 * thread that is past the gate when the trace closes loses its event, no more:
 * the writer sees to that. */
static inline record_thread* record_enter(void) {
  record_thread* t = record_self;
  int gate = atomic_load_explicit(&record.gate, memory_order_relaxed);
  if (__builtin_expect(!t || gate != RECORD_OPEN, 0))
    return record_enter_slow(gate, false);
  if (__builtin_expect(t->events >= t->next_sample, 0))
    t->entered = trace_now();
  return t;
}

static inline record_thread* record_enter_always(void) {
  return record_enter_slow(
      atomic_load_explicit(&record.gate, memory_order_relaxed), true);
}

static inline void record_leave(record_thread* t) {
  if (__builtin_expect(t->entered != 0, 0)) record_leave_slow(t);
}

/* Writes one event: RECORD_PUT(t, node, {.id = …}). */
#define RECORD_PUT(t, kind, ...)                                   \
  do {                                                             \
    trace_##kind event_ = __VA_ARGS__;                             \
    (t)->events++;                                                 \
    if (!trace_put_##kind(record.writer, 0, &event_)) (t)->lost++; \
  } while (0)

static inline size_t record_name_slot(const char* text) {
  return ((uintptr_t)text >> 3 ^ (uintptr_t)text >> 9) % RECORD_NAMES;
}

/* The id of a text known by its address: a literal of a runtime. */
uint32_t record_name_new(record_thread* t, const char* text);
/* Where the id is, if it is known; else NULL. */
static inline const uint32_t* record_name_known(
    const record_thread* t, const char* text) {
  const size_t slot = record_name_slot(text);
  return __builtin_expect(t->names[slot].text == text, 1) &&
                 t->generation == record.generation
             ? &t->names[slot].id
             : NULL;
}
static inline uint32_t record_name(record_thread* t, const char* text) {
  const uint32_t* id = record_name_known(t, text);
  return id ? *id : record_name_new(t, text);
}

/* One line of the recorder itself, as a `note`. Between enter and leave. */
void record_note(record_thread* t, const char* format, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- record_probe.c ----------------------------------------------------- */

/* The callbacks, filtered by --only; those left out are NULL. */
const struct lazuli_probe* record_probe(void);
/* Makes them so, from the options; once the trace has begun. */
void record_probe_fill(void);

/* ---- record_thread.c ---------------------------------------------------- */

/* The calling thread's state, taken if need be; NULL when there is none. */
record_thread* record_thread_take(void);
/* Writes the thread's `thread` event. */
void record_thread_introduce(record_thread* t);
/* The same, with a name that the thread does not bear itself. */
void record_thread_name(record_thread* t, const char* name);
/* Writes what recording has cost the thread so far. */
void record_thread_cost(record_thread* t);
/* The next in use after `t` (NULL: the first), or NULL. */
record_thread* record_thread_next(record_thread* t);
/* In a forked child: all threads but this one are gone. */
void record_thread_forked(void);

/* ---- record_stack.c ----------------------------------------------------- */

/* With the file's creation. */
void record_stack_init(void);
/* The raw addresses, the recorder's own frames included, innermost first.
 * Returns how many. Not for signal handlers. */
int record_stack_walk(void** frames, int room);
/* One line about why there are no stacks though they are wanted, or NULL. */
const char* record_stack_missing(void);
/* The id of the calling thread's stack without the recorder's own frames; 0
 * where none is wanted or known. */
uint32_t record_stack_take(record_thread* t);
static inline bool record_stack_wanted(const record_thread* t) {
  return t->given | record.options.stacks;
}
static inline uint32_t record_stack(record_thread* t) {
  return record_stack_wanted(t) ? record_stack_take(t) : 0;
}
/* While muted, this thread's events carry no stack. */
void record_stack_mute(bool on);
/* Until 0 is given, this thread's events carry this stack. */
void record_stack_give(uint32_t id);
/* The stack that an event would carry now. */
uint32_t record_stack_now(void);
/* The interpreter's frames alone, where this thread runs it just now: a third
 * of the cost. Else 0. */
uint32_t record_stack_script(void);

/* ---- record_walk.c ------------------------------------------------------ */

/* The unwinder is loaded. */
void record_walk_resolve(void* library);
/* The return addresses from the function on whose frame `base` is, which
 * returns to `from`, up to the interpreter, if they stand where they stood
 * before; how many, or 0. At most RECORD_STACKS_MAX. */
uint32_t record_walk_again(
    record_thread* t, uintptr_t base, uintptr_t from, uintptr_t* out);
/* Called by that function: remembers them. */
void record_walk_learn(record_thread* t, uintptr_t base, uintptr_t from);

/* ---- record_module.c ---------------------------------------------------- */

/* Writes a `module` for each object that is mapped and not written yet. */
void record_module_scan(record_thread* t);
/* The same, if one of the addresses lies outside of what is known. */
void record_module_check(
    record_thread* t, const uint64_t* frames, uint32_t count);
/* The range of this library. */
void record_module_self(uint64_t* begin, uint64_t* end);
/* A new file begins: nothing is written yet. */
void record_module_forget(void);

/* ---- record_process.c --------------------------------------------------- */

/* Writes the `process` event; `parent` is the path of its trace or "". */
void record_process_put(record_thread* t, const char* parent);

/* ---- record_path.c ------------------------------------------------------ */

/* Chooses and claims the file of this process. 0, or 1 with errno. */
int record_path_claim(const char* pattern, char* out, size_t size);
/* The trace of the nearest traced ancestor, or "". */
void record_path_parent(const char* pattern, char* out, size_t size);

/* ---- record_end.c ------------------------------------------------------- */

/* Once the trace has begun. */
void record_end_watch(void);
/* Whether the end by SIGABRT is told: abort() did, before it. */
bool record_end_told(void);

/* ---- record_signal.c ---------------------------------------------------- */

/* Once the trace has begun, and --start listens to the signal it waits for. */
void record_signal_watch(void);

/* ---- record_gate.c ------------------------------------------------------ */

/* Sets the gate as --start and --stop want it at first. */
void record_gate_init(void);
/* Where the gate is RECORD_TIMED: true to write. */
bool record_gate_clock(void);
/* Writes the gap that has just ended, if one has. */
void record_gate_gap(record_thread* t);
/* A mark is about to be written, or has been: both ends of a recording that
 * marks choose hold their mark. */
void record_gate_mark_before(const char* name);
void record_gate_mark_after(const char* name);
/* The end of the process: says what is still left out. */
void record_gate_finish(record_thread* t);

#endif
