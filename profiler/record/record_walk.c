/* Native stacks that were walked before.
 *
 * A loop in a script comes to the same place by the same calls, at the same
 * depth. For such a place is kept where on the stack each return address stood,
 * from the recorder up to the interpreter: if all of them stand there again,
 * the stack is the same, and nothing has to be unwound.
 *
 * The entries are a thread's own; it reads its own stack only, above the frame
 * that asks. Learnt is what ended in an interpreter, and not without end: who
 * never comes back to a place stops learning.
 */
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <dlfcn.h>

#include "record.h"
#include "record_python.h"

#define WALK_FRAMES 24u
#define WALK_PLACES 64u /* a power of two */
#define WALK_TRIES 256u

typedef struct walk_frame {
  uintptr_t slot; /* where the address stands */
  uintptr_t address;
} walk_frame;

typedef struct walk_place {
  uintptr_t base; /* frame of the function that asked; 0: free */
  uint32_t count;
  walk_frame frames[WALK_FRAMES];
} walk_place;

struct record_walk {
  uint64_t hits, learnt;
  walk_place places[WALK_PLACES];
};

#ifdef __x86_64__

/* libunwind's, under the names that its macros make for this processor. */
enum { WALK_CURSOR = 127, WALK_RSP = 7, WALK_RIP = 16 };
static struct {
  int (*context)(ucontext_t* out);
  int (*begin)(uint64_t* cursor, ucontext_t* context);
  int (*step)(uint64_t* cursor);
  int (*reg)(uint64_t* cursor, int number, uint64_t* out);
} walk;

void record_walk_resolve(void* library) {
#define RESOLVE(member, name)                   \
  do {                                          \
    void* found = dlsym(library, name);         \
    memcpy(&walk.member, &found, sizeof found); \
  } while (0)
  RESOLVE(context, "_Ux86_64_getcontext");
  RESOLVE(begin, "_ULx86_64_init_local");
  RESOLVE(reg, "_ULx86_64_get_reg");
  RESOLVE(step, "_ULx86_64_step");
#undef RESOLVE
  if (!walk.context || !walk.begin || !walk.reg) walk.step = NULL;
}

static walk_place* walk_find(record_walk* w, uintptr_t base, uintptr_t from) {
  return &w->places[(base >> 4 ^ from >> 2) % WALK_PLACES];
}

uint32_t record_walk_again(
    record_thread* t, uintptr_t base, uintptr_t from, uintptr_t* out) {
  record_walk* w = t->walk;
  if (!w) return 0;
  const walk_place* p = walk_find(w, base, from);
  if (p->base != base) return 0;
  for (uint32_t i = 0; i < p->count; i++) {
    const walk_frame* f = &p->frames[i];
    if (*(const uintptr_t*)f->slot != f->address) return 0;
    out[i] = f->address;
  }
  w->hits++;
  return p->count;
}

__attribute__((noinline)) void record_walk_learn(
    record_thread* t, uintptr_t base, uintptr_t from) {
  ucontext_t context;
  uint64_t cursor[WALK_CURSOR];
  if (!walk.step) return;
  if (!t->walk) {
    void* p = mmap(
        NULL,
        sizeof *t->walk,
        PROT_READ | PROT_WRITE,
        MAP_PRIVATE | MAP_ANONYMOUS,
        -1,
        0);
    if (p == MAP_FAILED) return;
    t->walk = p;
  }
  if (t->walk->learnt++ > WALK_TRIES + t->walk->hits / 4) return;
  walk_place* p = walk_find(t->walk, base, from);
  p->base = 0;
  if (walk.context(&context) != 0 || walk.begin(cursor, &context) < 0) return;
  for (uint32_t n = 0; n < WALK_FRAMES && walk.step(cursor) > 0;) {
    uint64_t address, sp;
    if (walk.reg(cursor, WALK_RIP, &address) < 0 ||
        walk.reg(cursor, WALK_RSP, &sp) < 0)
      return;
    const uintptr_t slot = sp - sizeof(uintptr_t);
    if (slot < base) continue; /* this function */
    /* A call leaves its return address just below the caller's stack. What is
     * entered in another way, by a signal, is not learnt. */
    if (*(const uintptr_t*)slot != address || (n == 0 && address != from))
      return;
    p->frames[n++] = (walk_frame){slot, address};
    if (!record_python_owns(address)) continue;
    p->count = n;
    p->base = base;
    return;
  }
}

#else

void record_walk_resolve(void* library) {
  (void)library;
}
uint32_t record_walk_again(
    record_thread* t, uintptr_t base, uintptr_t from, uintptr_t* out) {
  (void)t, (void)base, (void)from, (void)out;
  return 0;
}
void record_walk_learn(record_thread* t, uintptr_t base, uintptr_t from) {
  (void)t, (void)base, (void)from;
}

#endif
