/* MLX's allocator: one object with virtual functions.
 *
 * Which of them allocates and which frees is not known but seen: the object
 * gets a copy of its table whose entries note their calls, an array is made and
 * destroyed, and the entry called with its size, and the one called with what
 * that returned, are the two. From then on these two entries alone are ours.
 */
#include <string.h>

#include "real.h"
#include "record.h"

#define SLOTS 16u
#define HEAD 2u /* words before a table: offset to top, RTTI */

static struct {
  real_function* original; /* the object's table */
  real_function watching[HEAD + SLOTS];
  real_function recording[HEAD + SLOTS];
  unsigned slots;
  int allocate, release; /* slots; -1 not known */
  /* what is expected and what was seen while learning */
  size_t bytes;
  void* expected;
  void* last;
  unsigned depth;
  _Atomic uint64_t next_id;
  _Atomic size_t peak; /* as MLX last told it */
} memory = {.allocate = -1, .release = -1};

static real_word memory_watch(
    unsigned slot,
    real_word a,
    real_word b,
    real_word c,
    real_word d,
    real_word e,
    real_word f) {
  real_function original = memory.original[slot];
  /* Another thread's call, or one from within a call, says nothing. */
  if (!real_self.inside || memory.depth) return original(a, b, c, d, e, f);
  memory.depth++;
  real_word result = original(a, b, c, d, e, f);
  memory.depth--;
  if (b == memory.bytes && result && memory.bytes) {
    if (memory.allocate < 0) memory.allocate = (int)slot;
    if (memory.allocate == (int)slot) memory.last = (void*)(uintptr_t)result;
  } else if (
      memory.expected && b == (uintptr_t)memory.expected &&
      memory.release < 0) {
    memory.release = (int)slot;
  }
  return result;
}

#define WATCHERS(W) \
  W(0)              \
  W(1)              \
  W(2) W(3) W(4) W(5) W(6) W(7) W(8) W(9) W(10) W(11) W(12) W(13) W(14) W(15)
#define WATCHER(n)                            \
  static real_word memory_watch_##n(          \
      real_word a,                            \
      real_word b,                            \
      real_word c,                            \
      real_word d,                            \
      real_word e,                            \
      real_word f) {                          \
    return memory_watch(n, a, b, c, d, e, f); \
  }
WATCHERS(WATCHER)
static const real_function watchers[SLOTS] = {
#define WATCHER_NAME(n) memory_watch_##n,
    WATCHERS(WATCHER_NAME)};

/* allocator::allocator(): every allocation comes by here first, so the first
 * one is the moment to begin. */
LAZULI_API real_word
real_hook_allocator(void) __asm__("_ZN3mlx4core9allocator9allocatorEv");
real_word real_hook_allocator(void) {
  real_on();
  return REAL_CALL(allocator, 0, 0, 0, 0, 0, 0);
}

static real_function** memory_object(void) {
  return (real_function**)(uintptr_t)real_original.allocator(0, 0, 0, 0, 0, 0);
}

static void memory_use(real_function** object, real_function* table) {
  __atomic_store_n(object, table, __ATOMIC_RELEASE);
}

static size_t memory_active(void) {
  return real_original.active_memory(0, 0, 0, 0, 0, 0);
}

static size_t memory_peak(void) {
  return real_original.peak_memory ? real_original.peak_memory(0, 0, 0, 0, 0, 0)
                                   : 0;
}

/* What was in use after an allocation. Another thread may have freed before it
 * could be asked: whoever sees the peak grow tells how far. */
static size_t memory_reached(void) {
  size_t active = memory_active(), peak = memory_peak();
  size_t was = atomic_load(&memory.peak);
  if (peak == was) return active;
  bool first = atomic_compare_exchange_strong(&memory.peak, &was, peak);
  return first && peak > was && peak > active ? peak : active;
}

static size_t memory_cached(void) {
  return real_original.cache_memory
             ? real_original.cache_memory(0, 0, 0, 0, 0, 0)
             : 0;
}

void real_memory_learn(
    void (*make)(void* array), void (*unmake)(void* array), size_t bytes) {
  _Alignas(16) char array[64];
  real_function** object = memory_object();
  memory.original = *object;
  /* The table ends where an entry is no code of the library. */
  for (; memory.slots < SLOTS; memory.slots++) {
    real_function f;
    if (real_peek(memory.original + memory.slots, &f, sizeof f) != sizeof f)
      break;
    void* address;
    memcpy(&address, &f, sizeof address);
    if (!real_owns(address)) break;
  }
  memcpy(
      memory.watching,
      memory.original - HEAD,
      (HEAD + memory.slots) * sizeof(real_function));
  memcpy(memory.recording, memory.watching, sizeof memory.recording);
  for (unsigned i = 0; i < memory.slots; i++)
    memory.watching[HEAD + i] = watchers[i];
  memory_use(object, memory.watching + HEAD);
  size_t before = memory_active();
  memory.bytes = bytes;
  make(array);
  size_t between = memory_active();
  memory.expected = memory.last;
  memory.bytes = 0;
  unmake(array);
  size_t after = memory_active();
  memory.expected = NULL;
  if (memory.allocate < 0 || memory.release < 0 ||
      memory.allocate == memory.release || between < before + bytes ||
      after >= between) {
    memory_use(object, memory.original);
    memory.last = NULL;
    real_cannot(REAL_MEMORY, "the allocator's functions were not recognised");
    return;
  }
  memory.bytes = bytes; /* for real_memory_last() */
}

void* real_memory_last(void) {
  return memory.last;
}

static real_word memory_allocate(
    real_word self,
    real_word size,
    real_word c,
    real_word d,
    real_word e,
    real_word f) {
  size_t cached = memory_cached();
  real_word buffer = memory.original[memory.allocate](self, size, c, d, e, f);
  if (!buffer || !real_on() || !record_probe()->alloc) return buffer;
  uint64_t id = atomic_fetch_add(&memory.next_id, 1) + 1;
  size_t still = memory_cached();
  real_map_put(
      &real_buffers,
      (void*)(uintptr_t)buffer,
      (real_entry){.id = id, .more = size});
  lazuli_probe_alloc event = {
      .buffer = id,
      .size = size,
      .kernel = real_kernel_current(),
      .source = still < cached ? LAZULI_MEMORY_CACHE : LAZULI_MEMORY_SYSTEM,
      .active = memory_reached(),
      .cache = still};
  record_probe()->alloc(NULL, &event);
  return buffer;
}

static real_word memory_release(
    real_word self,
    real_word buffer,
    real_word c,
    real_word d,
    real_word e,
    real_word f) {
  real_entry entry;
  bool known = real_map_take(&real_buffers, (void*)(uintptr_t)buffer, &entry);
  size_t cached = memory_cached();
  real_word result = memory.original[memory.release](self, buffer, c, d, e, f);
  if (!known || !real_on() || !record_probe()->free) return result;
  size_t now = memory_cached();
  lazuli_probe_free event = {
      .buffer = entry.id,
      .size = entry.more,
      .target = now > cached ? LAZULI_MEMORY_CACHE : LAZULI_MEMORY_SYSTEM,
      .active = memory_active(),
      .cache = now};
  record_probe()->free(NULL, &event);
  return result;
}

/* clear_cache() */
LAZULI_API void real_hook_clear_cache(void) __asm__(
    "_ZN3mlx4core11clear_cacheEv");
void real_hook_clear_cache(void) {
  size_t before = 0;
  bool on = real_on() && record_probe()->cache;
  if (on) before = memory_cached();
  REAL_CALL(clear_cache, 0, 0, 0, 0, 0, 0);
  size_t after = on ? memory_cached() : 0;
  if (before <= after) return;
  lazuli_probe_cache event = {
      .action = LAZULI_CACHE_CLEAR, .bytes = before - after, .cache = after};
  record_probe()->cache(NULL, &event);
}

void real_memory_begin(void) {
  atomic_store(&memory.peak, memory_peak());
  memory.recording[HEAD + memory.allocate] = memory_allocate;
  memory.recording[HEAD + memory.release] = memory_release;
  memory_use(memory_object(), memory.recording + HEAD);
}
