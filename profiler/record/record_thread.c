/* The states of threads: a pool, so that they outlive nothing and can be walked
 * by the one that closes the trace. */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "record.h"

#define THREAD_BLOCK 63u

/* Blocks are never given back: a few kilobytes a thread alive at once. */
typedef struct thread_block {
  _Atomic(struct thread_block*) next;
  record_thread threads[THREAD_BLOCK];
} thread_block;

static thread_block first;

static pthread_key_t leaving;
static pthread_once_t leaving_once = PTHREAD_ONCE_INIT;

static void thread_leave(void* state) {
  record_thread* t = state;
  record_thread* entered = NULL;
  if (atomic_load(&record.gate) != RECORD_FORKED)
    entered = record_enter_always();
  if (entered) {
    record_thread_cost(t);
    record_leave(t);
  }
  record_self = NULL;
  atomic_store_explicit(&t->taken, false, memory_order_release);
}

static void thread_make_key(void) {
  if (pthread_key_create(&leaving, thread_leave) != 0)
    leaving = (pthread_key_t)-1;
}

static record_thread* thread_find(void) {
  for (thread_block* b = &first;;) {
    for (unsigned i = 0; i < THREAD_BLOCK; i++)
      if (!atomic_load_explicit(&b->threads[i].taken, memory_order_relaxed) &&
          !atomic_exchange(&b->threads[i].taken, true))
        return &b->threads[i];
    thread_block* next = atomic_load(&b->next);
    if (!next) {
      thread_block* made = mmap(
          NULL,
          sizeof *made,
          PROT_READ | PROT_WRITE,
          MAP_PRIVATE | MAP_ANONYMOUS,
          -1,
          0);
      if (made == MAP_FAILED) return NULL;
      if (atomic_compare_exchange_strong(&b->next, &next, made))
        next = made;
      else
        munmap(made, sizeof *made);
    }
    b = next;
  }
}

void record_thread_name(record_thread* t, const char* name) {
  RECORD_PUT(
      t,
      thread,
      {.tid = (uint32_t)syscall(SYS_gettid),
       .name = {name, (uint32_t)strlen(name)}});
}

void record_thread_introduce(record_thread* t) {
  char name[17] = "";
  int saved = errno;
  t->introduced = true;
  prctl(PR_GET_NAME, name);
  record_thread_name(t, name);
  errno = saved;
}

record_thread* record_thread_take(void) {
  record_thread* t = record_self;
  if (!t) {
    int saved = errno;
    t = thread_find();
    errno = saved;
    if (!t) return NULL;
    t->introduced = false;
    record_self = t;
    pthread_once(&leaving_once, thread_make_key);
    if (leaving != (pthread_key_t)-1) pthread_setspecific(leaving, t);
    errno = saved;
  }
  if (!t->introduced) {
    t->entered = 0;
    t->newest_stack = 0;
    t->events = t->ns = t->stacks = t->stack_ns = t->lost = 0;
    t->next_cost = RECORD_SAMPLE;
    t->next_sample = 0;
    t->weight = 1;
    t->generation = record.generation - 1;
  }
  return t;
}

void record_thread_cost(record_thread* t) {
  RECORD_PUT(
      t,
      cost,
      {.events = t->events,
       .ns = t->ns,
       .stacks = t->stacks,
       .stack_ns = t->stack_ns,
       .lost = t->lost});
}

record_thread* record_thread_next(record_thread* t) {
  bool past = !t;
  for (thread_block* b = &first; b; b = atomic_load(&b->next))
    for (unsigned i = 0; i < THREAD_BLOCK; i++) {
      record_thread* at = &b->threads[i];
      if (past && atomic_load_explicit(&at->taken, memory_order_acquire))
        return at;
      if (at == t) past = true;
    }
  return NULL;
}

void record_thread_forked(void) {
  for (record_thread* t = NULL; (t = record_thread_next(t));) {
    if (t == record_self)
      t->introduced = false;
    else
      atomic_store(&t->taken, false);
  }
}
