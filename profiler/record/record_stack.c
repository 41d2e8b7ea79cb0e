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
  if (library) record_walk_resolve(library);
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

static uint32_t stack_walk(record_thread* t, bool script);

uint32_t record_stack_now(void) {
  record_thread* t = record_enter();
  if (!t) return 0;
  uint32_t id = record_stack(t);
  record_leave(t);
  return id;
}

uint32_t record_stack_script(void) {
  record_thread* t = record_self;
  if (!t || !stack.depth || t->mute || t->given || !record_python_runs())
    return 0;
  t = record_enter();
  if (!t) return 0;
  uint32_t id = stack_walk(t, true);
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

/* Walks no further than an interpreter was from here the last times, if it is
 * found there again: what called it is not kept. Returns how many frames, and
 * by `found` whether an interpreter is among them. */
static int stack_unwind(
    record_thread* t, void** frames, int room, bool* found) {
  const int near = t->interpreter < room ? t->interpreter : 0;
  int n = 0;
  *found = true;
  if (near) {
    n = stack.backtrace(frames, near);
    for (int i = n - 1; i >= 0; i--)
      if (record_python_owns((uintptr_t)frames[i])) return n;
  }
  if (n == near) n = stack.backtrace(frames, room);
  for (int i = 0; i < n; i++) {
    if (!record_python_owns((uintptr_t)frames[i])) continue;
    t->interpreter = i + 2 > t->interpreter ? i + 2 : t->interpreter;
    return n;
  }
  *found = false;
  return n;
}

static __attribute__((noinline)) int stack_native(
    record_thread* t, void** frames, int room) {
  const uintptr_t base = (uintptr_t)__builtin_frame_address(0);
  const uintptr_t from = (uintptr_t)__builtin_return_address(0);
  int n = (int)record_walk_again(t, base, from, (uintptr_t*)frames);
  if (n) return n;
  bool found;
  const int held = record_hold(); /* the unwinder reads files */
  n = stack_unwind(t, frames, room, &found);
  if (found) record_walk_learn(t, base, from);
  record_resume(held);
  return n;
}

/* The frames of this thread without the recorder's own; how many. */
static uint32_t stack_frames(record_thread* t, void** frames, uint64_t** kept) {
  /* As far as to an interpreter, however few are kept. */
  const uint32_t room = stack.depth > STACK_LEAST ? stack.depth : STACK_LEAST;
  int n = stack_native(t, frames, (int)(room + STACK_OWN));
  uint64_t begin, end;
  record_module_self(&begin, &end);
  int skip = 0;
  while (skip < n && (uintptr_t)frames[skip] - begin < end - begin) skip++;
  *kept = (uint64_t*)(frames + skip);
  return n > skip ? stack_with_python(t, *kept, (uint32_t)(n - skip)) : 0;
}

static uint32_t stack_walk(record_thread* t, bool script) {
  void* frames[RECORD_STACKS_MAX + STACK_OWN];
  /* A signal handler that interrupted the unwinder must not enter it again. */
  if (atomic_load_explicit(&t->unwinding, memory_order_relaxed)) return 0;
  int saved = errno;
  uint64_t began = t->entered ? trace_now() : 0;
  atomic_store_explicit(&t->unwinding, true, memory_order_relaxed);
  uint64_t* kept = (uint64_t*)frames;
  const uint32_t count = script ? record_python_stack(t, kept, stack.depth)
                                : stack_frames(t, frames, &kept);
  const uint32_t id = trace_writer_stack(record.writer, kept, count);
  if (id > t->newest_stack) {
    t->newest_stack = id;
    record_module_check(t, kept, count);
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

uint32_t record_stack_take(record_thread* t) {
  if (t->given) return t->given;
  if (!stack.backtrace || !stack.depth || t->mute) return 0;
  return stack_walk(t, false);
}
