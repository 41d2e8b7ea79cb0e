/* Call stacks by libunwind.
 *
 * libunwind.so is loaded here, privately, and not linked: it exports the C++
 * runtime's own _Unwind_* functions, and in the global scope, where LD_PRELOAD
 * puts what it loads, those would take over the program's exceptions. A process
 * without a runtime never loads it.
 */
#include <dlfcn.h>
#include <errno.h>
#include <string.h>

#include "record.h"
#include "record_python.h"

#define STACK_OWN 8u /* frames of the recorder itself, at most */
#define STACK_LEAST 24u

static struct {
  int (*backtrace)(void** out, int size); /* unw_backtrace */
  uint64_t self_begin, self_end;
  uint32_t depth;
} stack;

static void stack_load(void) {
  static const char* const names[] = {
      "libunwind.so.8", "libunwind-x86_64.so.8", "libunwind.so"};
  void* library = NULL;
  if (stack.backtrace) return;
  for (unsigned i = 0; !library && i < sizeof names / sizeof *names; i++)
    library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
  /* Taken by data pointer: ISO C has no cast to a function. */
  void* found = library ? dlsym(library, "unw_backtrace") : NULL;
  memcpy(&stack.backtrace, &found, sizeof found);
}

void record_stack_init(void) {
  stack.depth = record.options.stacks;
  if (stack.depth) stack_load();
}

int record_stack_walk(void** frames, int room) {
  stack_load();
  int saved = errno;
  const int held = record_hold();
  int n = stack.backtrace ? stack.backtrace(frames, room) : 0;
  record_resume(held);
  errno = saved;
  return n;
}

const char* record_stack_missing(void) {
  return stack.depth && !stack.backtrace
             ? "call stacks are left out: libunwind.so.8 is not installed"
             : NULL;
}

void record_stack_mute(bool on) {
  record_thread* t = record_self;
  if (t) t->mute = on;
}

void record_stack_give(uint32_t id) {
  record_thread* t = record_self;
  if (t) t->given = id;
}

uint32_t record_stack_now(void) {
  record_thread* t = record_enter();
  if (!t) return 0;
  uint32_t id = record_stack(t);
  record_leave(t);
  return id;
}

/* Native frames up to the interpreter's own, then its frames, which get half of
 * the room at least: they name the script. What the interpreter itself was
 * called by is of no interest. Returns how many to keep. */
static uint32_t stack_with_python(
    record_thread* t, uint64_t* frames, uint32_t native) {
  const uint32_t depth = stack.depth;
  for (uint32_t i = 0; i < native; i++) {
    if (!record_python_owns(frames[i])) continue;
    uint32_t kept = i < depth / 2 ? i : depth / 2;
    uint32_t n = record_python_stack(t, frames + kept, depth - kept);
    if (n) return kept + n;
    break;
  }
  return native < depth ? native : depth;
}

uint32_t record_stack_take(record_thread* t) {
  void* frames[RECORD_STACKS_MAX + STACK_OWN];
  if (t->given) return t->given;
  if (!stack.backtrace || !stack.depth || t->mute) return 0;
  /* A signal handler that interrupted the unwinder must not enter it again. */
  if (atomic_load_explicit(&t->unwinding, memory_order_relaxed)) return 0;
  int saved = errno;
  uint64_t began = t->entered ? trace_now() : 0;
  atomic_store_explicit(&t->unwinding, true, memory_order_relaxed);
  /* As far as to an interpreter, however few are kept. */
  const uint32_t room = stack.depth > STACK_LEAST ? stack.depth : STACK_LEAST;
  const int held = record_hold(); /* the unwinder reads files */
  int n = stack.backtrace(frames, (int)(room + STACK_OWN));
  record_resume(held);
  uint64_t begin, end;
  record_module_self(&begin, &end);
  int skip = 0;
  while (skip < n && (uintptr_t)frames[skip] - begin < end - begin) skip++;
  uint32_t id = 0;
  if (n > skip) {
    uint32_t count = (uint32_t)(n - skip);
    uint64_t* kept = (uint64_t*)(frames + skip);
    count = stack_with_python(t, kept, count);
    id = trace_writer_stack(record.writer, kept, count);
    if (id > t->newest_stack) {
      t->newest_stack = id;
      record_module_check(t, kept, count);
    }
  }
  atomic_store_explicit(&t->unwinding, false, memory_order_relaxed);
  t->stacks++;
  if (began) {
    uint64_t ns = trace_now() - began;
    t->stack_ns += ns < RECORD_LONG_NS ? ns * t->weight : ns;
  }
  errno = saved;
  return id;
}
