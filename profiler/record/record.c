/* The trace of this process: created when the first runtime shows up, carried
 * through forks, closed at the end. */
#include "record.h"
#include "real.h"
#include "record_python.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct record record = {.gate = RECORD_SHUT};

__thread record_thread* record_self __attribute__((tls_model("initial-exec")));

/* How far this process is. Changes under `lock` alone. */
enum record_phase {
  RECORD_ASLEEP, /* no runtime seen */
  RECORD_AWAKE,
  RECORD_OFF, /* not wanted, or impossible */
  RECORD_OVER /* closed */
};

static struct {
  atomic_flag lock;
  _Atomic int phase; /* enum record_phase */
  pid_t pid;         /* whose trace it is */
  bool fences;       /* membarrier is there */
  char error[256];   /* of an option */
  char parent[sizeof record.path];
} life = {.lock = ATOMIC_FLAG_INIT};

static __thread bool record_opening __attribute__((tls_model("initial-exec")));

static void life_lock(void) {
  while (atomic_flag_test_and_set_explicit(&life.lock, memory_order_acquire))
    sched_yield();
}

static void life_unlock(void) {
  atomic_flag_clear_explicit(&life.lock, memory_order_release);
}

static const struct {
  enum record_option option;
  const char* variable;
} variables[] = {
#define OPTION(id, flag, variable, argument, text) \
  {RECORD_OPTION_##id, variable},
#include "options.def"
#undef OPTION
};

static void record_read_options(void) {
  record_options_init(&record.options);
  for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
    const char* text = getenv(variables[i].variable);
    char why[200];
    if (!text || !*text) continue;
    if (record_options_set(
            &record.options, variables[i].option, text, why, sizeof why) != 0)
      snprintf(
          life.error,
          sizeof life.error,
          "%s is ignored: %.200s",
          variables[i].variable,
          why);
  }
}

/* Creates the file and writes what stands at its beginning. Under the lock. */
static bool record_create(const char* parent) {
  trace_writer_options how = {.ring_bytes = record.options.ring};
  if (record_path_claim(
          record.options.output, record.path, sizeof record.path) != 0)
    return false;
  record.writer = trace_writer_open(record.path, &how);
  if (!record.writer) return false;
  record.generation++;
  life.pid = getpid();
  record_module_forget();
  record_thread* t = record_thread_take();
  if (!t) return false;
  record_process_put(t, parent);
  record_thread_introduce(t);
  record_stack_init();
  record_python_find();
  record_module_scan(t);
  if (life.error[0]) record_note(t, "%s", life.error);
  if (record_stack_missing()) record_note(t, "%s", record_stack_missing());
  record_gate_init();
  return true;
}

void record_close(void) {
  int awake = RECORD_AWAKE;
  if (!atomic_compare_exchange_strong(&life.phase, &awake, RECORD_OVER)) return;
  atomic_store(&record.gate, RECORD_SHUT);
  const int held = record_hold();
  trace_writer_close(record.writer);
  record_resume(held);
}

/* The process ends in two steps that come in either order: our on_exit handler,
 * and the libraries' ends. (A handler set before main(), by a runtime that is
 * loaded with the program, runs last.) The later one closes. */
static void record_step_to_end(void) {
  static atomic_int steps;
  if (atomic_fetch_add(&steps, 1) != 0) record_close();
}

bool record_is_awake(void) {
  return atomic_load(&life.phase) == RECORD_AWAKE &&
         atomic_load(&record.gate) != RECORD_FORKED && getpid() == life.pid;
}

bool record_finish(uint32_t status, enum record_end how) {
  /* A child that recorded nothing gets no file for having ended, and one that
   * shares our memory (vfork) does not end us. */
  if (!record_is_awake()) return false;
  record_thread* t = record_enter_always();
  if (!t) return false;
  if (how == RECORD_END_EXIT || how == RECORD_END_AT_ONCE)
    record_gate_finish(t);
  record_thread_cost(t);
  RECORD_PUT(t, finish, {.status = status, .how = (uint8_t)how});
  record_leave(t);
  return true;
}

/* on_exit and not atexit: it alone tells the exit status. */
static void record_at_exit(int status, void* unused) {
  (void)unused;
  if (record_finish((uint32_t)status, RECORD_END_EXIT)) record_step_to_end();
}

static void record_fork_child(void) {
  if (life.phase != RECORD_AWAKE) return;
  atomic_store(&record.gate, RECORD_FORKED);
  if (record.writer) {
    trace_writer_abandon(record.writer);
    memcpy(life.parent, record.path, sizeof life.parent);
  }
  record_thread_forked();
  record_python_forked();
  real_map_forked();
}

/* A fork waits until nobody creates a file: the child inherits it whole. */
static void record_fork_prepare(void) {
  if (!record_opening) life_lock();
}

static void record_fork_parent(void) {
  if (!record_opening) life_unlock();
}

static void record_fork_in_child(void) {
  record_fork_child();
  if (!record_opening) life_unlock();
}

bool record_begin(void) {
  int saved = errno;
  if (record_opening) return false;
  const int held = record_hold();
  life_lock();
  record_opening = true;
  if (life.phase == RECORD_ASLEEP) {
    record_read_options();
    life.phase = RECORD_OFF;
    if (!record.options.off) {
      record_path_parent(
          record.options.output, life.parent, sizeof life.parent);
      if (record_create(life.parent)) {
        life.phase = RECORD_AWAKE;
        pthread_atfork(
            record_fork_prepare, record_fork_parent, record_fork_in_child);
        on_exit(record_at_exit, NULL);
        record_end_watch();
        record_signal_watch();
      }
    }
  }
  bool on = life.phase == RECORD_AWAKE;
  record.generation++;
  record_opening = false;
  life_unlock();
  record_resume(held);
  errno = saved;
  return on;
}

/* The first event of a forked child. */
static void record_continue(void) {
  int saved = errno;
  if (record_opening) return;
  const int held = record_hold();
  life_lock();
  record_opening = true;
  if (atomic_load(&record.gate) == RECORD_FORKED &&
      !record_create(life.parent)) {
    life.phase = RECORD_OFF;
    atomic_store(&record.gate, RECORD_SHUT);
  }
  record_opening = false;
  life_unlock();
  record_resume(held);
  errno = saved;
}

record_thread* record_enter_slow(int gate, bool always) {
  if (gate == RECORD_FORKED) {
    record_continue();
    gate = atomic_load(&record.gate);
  }
  if (record_opening || gate == RECORD_FORKED ||
      (gate == RECORD_SHUT && !always))
    return NULL;
  record_thread* t = record_thread_take();
  if (!t || atomic_load(&life.phase) != RECORD_AWAKE) return NULL;
  if (!t->introduced) record_thread_introduce(t);
  if (t->events >= t->next_sample) t->entered = trace_now();
  if (gate == RECORD_TIMED) {
    if (!record_gate_clock() && !always) {
      record_leave(t);
      return NULL;
    }
    record_gate_gap(t);
  }
  return t;
}

void record_leave_slow(record_thread* t) {
  if (t->entered) {
    /* One that took this long was interrupted, or made the file grow: it does
     * not stand for others. */
    uint64_t ns = trace_now() - t->entered;
    t->ns += ns < RECORD_LONG_NS ? ns * t->weight : ns;
    t->entered = 0;
    t->weight = t->events < RECORD_MEASURED ? 1 : RECORD_SAMPLE;
    t->next_sample = t->events + t->weight - 1;
  }
  if (t->events >= t->next_cost) {
    record_thread_cost(t);
    t->next_cost = t->events + (t->events < 16384 ? t->events : 16384);
  }
}

uint32_t record_name_new(record_thread* t, const char* text) {
  size_t slot = record_name_slot(text);
  if (!text || !*text) return 0;
  if (t->generation != record.generation) {
    memset(t->names, 0, sizeof t->names);
    t->generation = record.generation;
  }
  uint32_t id = trace_writer_string(record.writer, text, strlen(text));
  t->names[slot].text = text;
  t->names[slot].id = id;
  return id;
}

void record_note(record_thread* t, const char* format, ...) {
  char text[512];
  va_list args;
  va_start(args, format);
  int length = vsnprintf(text, sizeof text, format, args);
  va_end(args);
  if (length < 0) return;
  if ((size_t)length >= sizeof text) length = sizeof text - 1;
  RECORD_PUT(t, note, {.text = {text, (uint32_t)length}});
}

__attribute__((destructor)) static void record_end(void) {
  if (life.phase == RECORD_AWAKE && atomic_load(&record.gate) != RECORD_FORKED)
    record_step_to_end();
}
