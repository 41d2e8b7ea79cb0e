#include "memory/alloc.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/error.h"
#include "memory/slab.h"
#include "probe/probe.h"

/* Buffers up to this size carry their bytes behind their header. */
#define ALLOC_SMALL 64
#define ALLOC_HEADER ((sizeof(lz_buffer) + 63) & ~(size_t)63)
#define ALLOC_SMALL_SIZE (ALLOC_HEADER + ALLOC_SMALL)
/* From this size on blocks are mapped on their own, aligned for huge pages. */
#define ALLOC_HUGE ((size_t)2 << 20)
/* So many bytes a cached block may always have more than is asked for. */
#define ALLOC_SLACK ((size_t)32 << 10)

/* Four bins an octave from 64 bytes up: a block in bin i has at least
 * alloc_bin_floor(i) bytes. */
#define ALLOC_BINS 192

/* A cached block: the header of its last buffer, in its bin's list (newest
 * first) and in the list of all (oldest first). */
typedef struct alloc_block {
  lz_buffer buffer;
  struct alloc_block *bin_prev, *bin_next;
  struct alloc_block *age_prev, *age_next;
} alloc_block;
_Static_assert(
    sizeof(alloc_block) <= ALLOC_SMALL_SIZE, "slab object fits both");

static struct {
  pthread_mutex_t lock;
  alloc_block* bins[2][ALLOC_BINS]; /* per allocator: host, device */
  alloc_block *oldest, *newest;
  size_t memory_limit, cache_limit, wired_limit;
  const alloc_device* device;
  size_t system;
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER};

static _Atomic size_t active, peak, cached;
static _Atomic uint64_t last_id;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void alloc_before_fork(void) {
  pthread_mutex_lock(&pool.lock);
}
static void alloc_after_fork(void) {
  pthread_mutex_unlock(&pool.lock);
}

static void alloc_init(void) {
  long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
  pool.system = pages > 0 && page > 0 ? (size_t)pages * (size_t)page : SIZE_MAX;
  pool.memory_limit = pool.system / 5 * 4;
  pool.cache_limit = pool.memory_limit;
#ifdef LAZULI_HOSTILE
  pool.cache_limit = 0; /* every block goes back at once */
#endif
  pthread_atfork(alloc_before_fork, alloc_after_fork, alloc_after_fork);
}

static size_t alloc_round(size_t bytes) {
  if (bytes < 4096) return (bytes + 63) & ~(size_t)63;
  if (bytes < ALLOC_HUGE) return (bytes + 4095) & ~(size_t)4095;
  return (bytes + 65535) & ~(size_t)65535;
}

static int alloc_bin(size_t block) {
  int octave = 63 - __builtin_clzll(block);
  int quarter = (int)(block >> (octave - 2)) & 3;
  return (octave - 6) * 4 + quarter;
}

static void alloc_unlink(alloc_block* b) {
  alloc_block** bin = &pool.bins[b->buffer.device][alloc_bin(b->buffer.block)];
  if (b->bin_prev)
    b->bin_prev->bin_next = b->bin_next;
  else
    *bin = b->bin_next;
  if (b->bin_next) b->bin_next->bin_prev = b->bin_prev;
  if (b->age_prev)
    b->age_prev->age_next = b->age_next;
  else
    pool.oldest = b->age_next;
  if (b->age_next)
    b->age_next->age_prev = b->age_prev;
  else
    pool.newest = b->age_prev;
  atomic_fetch_sub(&cached, b->buffer.block);
}

static void alloc_link(alloc_block* b) {
  alloc_block** bin = &pool.bins[b->buffer.device][alloc_bin(b->buffer.block)];
  b->bin_prev = NULL;
  b->bin_next = *bin;
  if (*bin) (*bin)->bin_prev = b;
  *bin = b;
  b->age_next = NULL;
  b->age_prev = pool.newest;
  if (pool.newest)
    pool.newest->age_next = b;
  else
    pool.oldest = b;
  pool.newest = b;
  atomic_fetch_add(&cached, b->buffer.block);
}

/* The largest block that serves for `block` bytes: what it has more is lost for
 * as long as the array lives, and weights live long. */
static size_t alloc_most(size_t block) {
  size_t more = block / 8 > ALLOC_SLACK ? block / 8 : ALLOC_SLACK;
  return block + (more < block ? more : block);
}

bool buffer_suits(const lz_buffer* b, size_t bytes) {
  return b->size <= alloc_most(alloc_round(bytes));
}

/* A cached block of at least `block` bytes, and not too many more. */
static alloc_block* alloc_find(int device, size_t block) {
  size_t most = alloc_most(block);
  int first = alloc_bin(block), last = alloc_bin(most);
  for (int i = first; i <= last && i < ALLOC_BINS; i++)
    for (alloc_block* b = pool.bins[device][i]; b; b = b->bin_next)
      if (b->buffer.block >= block && b->buffer.block <= most) return b;
  return NULL;
}

static void* alloc_system(size_t bytes) {
  if (bytes < ALLOC_HUGE) return aligned_alloc(64, bytes);
  char* p = mmap(
      NULL,
      bytes + ALLOC_HUGE,
      PROT_READ | PROT_WRITE,
      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
      -1,
      0);
  if (p == MAP_FAILED) return NULL;
  size_t before =
      (ALLOC_HUGE - ((uintptr_t)p & (ALLOC_HUGE - 1))) & (ALLOC_HUGE - 1);
  if (before) munmap(p, before);
  if (before < ALLOC_HUGE) munmap(p + before + bytes, ALLOC_HUGE - before);
  madvise(p + before, bytes, MADV_HUGEPAGE);
  return p + before;
}

static void alloc_return(alloc_block* b) {
  if (b->buffer.device)
    pool.device->release(&b->buffer);
  else if (b->buffer.block >= ALLOC_HUGE)
    munmap(b->buffer.data, b->buffer.block);
  else
    free(b->buffer.data);
  slab_put(SLAB_BUFFER, b, ALLOC_SMALL_SIZE);
}

/* Takes blocks out of the cache, oldest first, until at most `keep` bytes stay.
 * Lock held; returns them as a list through age_next. */
static alloc_block* alloc_trim(size_t keep, uint32_t* blocks, uint64_t* bytes) {
  alloc_block* out = NULL;
  while (pool.oldest && atomic_load(&cached) > keep) {
    alloc_block* b = pool.oldest;
    alloc_unlink(b);
    b->age_next = out;
    out = b;
    ++*blocks;
    *bytes += b->buffer.block;
  }
  return out;
}

static void alloc_return_list(
    alloc_block* list,
    enum lazuli_cache_action action,
    uint32_t blocks,
    uint64_t bytes) {
  (void)action;
  while (list) {
    alloc_block* next = list->age_next;
    alloc_return(list);
    list = next;
  }
  if (blocks)
    PROBE(
        cache,
        .action = (uint8_t)action,
        .blocks = blocks,
        .bytes = bytes,
        .cache = atomic_load(&cached));
  (void)bytes;
}

static void alloc_count(size_t bytes) {
  size_t now = atomic_fetch_add(&active, bytes) + bytes;
  size_t high = atomic_load_explicit(&peak, memory_order_relaxed);
  while (now > high && !atomic_compare_exchange_weak(&peak, &high, now)) {
  }
}

PROBE_REPORT void alloc_report(const lz_buffer* b, uint64_t kernel) {
  (void)b;
  (void)kernel;
  PROBE(
      alloc,
      .buffer = b->id,
      .size = b->block,
      .kernel = kernel,
      .source = b->source,
      .active = atomic_load(&active),
      .cache = atomic_load(&cached));
}

static lz_buffer* alloc_finish(
    lz_buffer* b, enum lazuli_memory_source source, uint64_t kernel) {
  atomic_init(&b->refs, 1);
  b->source = (uint8_t)source;
  b->id = atomic_fetch_add_explicit(&last_id, 1, memory_order_relaxed) + 1;
  b->destroy = NULL;
  b->payload = NULL;
  alloc_count(b->block);
  if (PROBE_ON()) alloc_report(b, kernel);
  (void)kernel;
  return b;
}

static lz_buffer* alloc_small(uint64_t kernel) {
  lz_buffer* b = slab_get(SLAB_BUFFER, ALLOC_SMALL_SIZE);
  if (!b) return error_memory();
  b->device = 0;
  b->size = b->block = ALLOC_SMALL;
  b->data = (char*)b + ALLOC_HEADER;
  b->handle = NULL;
  return alloc_finish(b, LAZULI_MEMORY_SMALL, kernel);
}

static lz_buffer* alloc_large(size_t bytes, int device, uint64_t kernel) {
  pthread_once(&once, alloc_init);
  size_t block = alloc_round(bytes ? bytes : 1);
  if (block < bytes) return error_set("[alloc] %zu bytes: too large", bytes);
  uint32_t blocks = 0;
  uint64_t evicted = 0;
  alloc_block* old = NULL;

  pthread_mutex_lock(&pool.lock);
  alloc_block* b = alloc_find(device, block);
  if (b) {
    alloc_unlink(b);
  } else {
    /* What is cached must not keep the total above the limit. */
    size_t in_use = atomic_load(&active) + block;
    size_t keep = in_use < pool.memory_limit ? pool.memory_limit - in_use : 0;
    if (atomic_load(&cached) > keep) old = alloc_trim(keep, &blocks, &evicted);
  }
  pthread_mutex_unlock(&pool.lock);
  alloc_return_list(old, LAZULI_CACHE_EVICT, blocks, evicted);
  if (b) {
    b->buffer.size = b->buffer.block;
    return alloc_finish(&b->buffer, LAZULI_MEMORY_CACHE, kernel);
  }

  b = slab_get(SLAB_BUFFER, ALLOC_SMALL_SIZE);
  if (!b) return error_memory();
  for (int attempt = 0;; attempt++) {
    b->buffer.device = (uint8_t)device;
    b->buffer.handle = NULL;
    b->buffer.size = b->buffer.block = block;
    if (device) {
      if (pool.device->allocate(&b->buffer, block) == 0) break;
    } else if ((b->buffer.data = alloc_system(block))) {
      break;
    }
    if (attempt) {
      slab_put(SLAB_BUFFER, b, ALLOC_SMALL_SIZE);
      return error_set(
          "[alloc] cannot allocate %zu bytes: %zu in use, %zu allowed",
          block,
          atomic_load(&active),
          pool.memory_limit);
    }
    alloc_clear_cache(); /* and once more */
  }
  return alloc_finish(&b->buffer, LAZULI_MEMORY_SYSTEM, kernel);
}

lz_buffer* buffer_new(size_t bytes, uint64_t kernel) {
  return bytes <= ALLOC_SMALL ? alloc_small(kernel)
                              : alloc_large(bytes, 0, kernel);
}

lz_buffer* buffer_new_device(size_t bytes, uint64_t kernel) {
  return alloc_large(bytes, 1, kernel);
}

lz_buffer* buffer_new_external(
    void* data, size_t bytes, void (*destroy)(void*), void* payload) {
  lz_buffer* b = slab_get(SLAB_BUFFER, ALLOC_SMALL_SIZE);
  if (!b) return error_memory();
  b->device = 0;
  b->size = b->block = bytes;
  b->data = data;
  b->handle = NULL;
  alloc_finish(b, LAZULI_MEMORY_EXTERNAL, 0);
  b->destroy = destroy;
  b->payload = payload;
  return b;
}

PROBE_REPORT void alloc_report_free(const lz_buffer* b, int target) {
  (void)b;
  (void)target;
  PROBE(
      free,
      .buffer = b->id,
      .size = b->block,
      .target = (uint8_t)target,
      .active = atomic_load(&active),
      .cache = atomic_load(&cached));
}

void buffer_changes(lz_buffer* b) {
  if (__builtin_expect(b->handle && !b->device, 0)) pool.device->forget(b);
}

void buffer_unref(lz_buffer* b) {
  if (!b) return;
  if (atomic_fetch_sub_explicit(&b->refs, 1, memory_order_release) != 1) return;
  atomic_thread_fence(memory_order_acquire);
  buffer_changes(b);
  atomic_fetch_sub(&active, b->block);
  if (b->source == LAZULI_MEMORY_SMALL || b->source == LAZULI_MEMORY_EXTERNAL) {
    if (PROBE_ON()) alloc_report_free(b, b->source);
    void (*destroy)(void*) = b->destroy;
    void* payload = b->payload;
    slab_put(SLAB_BUFFER, b, ALLOC_SMALL_SIZE);
    if (destroy) destroy(payload);
    return;
  }
  uint32_t blocks = 0;
  uint64_t evicted = 0;
  pthread_mutex_lock(&pool.lock);
  bool keep = b->block <= pool.cache_limit;
  alloc_block* old = NULL;
  /* Sent under the lock: nobody may get the block before it is known free. */
  if (keep) {
    alloc_link((alloc_block*)(void*)b);
    if (PROBE_ON()) alloc_report_free(b, LAZULI_MEMORY_CACHE);
    if (atomic_load(&cached) > pool.cache_limit)
      old = alloc_trim(pool.cache_limit, &blocks, &evicted);
  } else {
    if (PROBE_ON()) alloc_report_free(b, LAZULI_MEMORY_SYSTEM);
  }
  pthread_mutex_unlock(&pool.lock);
  if (!keep) alloc_return((alloc_block*)(void*)b);
  alloc_return_list(old, LAZULI_CACHE_EVICT, blocks, evicted);
}

void alloc_set_device(const alloc_device* device) {
  pool.device = device;
}

size_t alloc_active(void) {
  return atomic_load(&active);
}
size_t alloc_peak(void) {
  return atomic_load(&peak);
}
size_t alloc_cached(void) {
  return atomic_load(&cached);
}
void alloc_reset_peak(void) {
  atomic_store(&peak, 0);
}

void alloc_clear_cache(void) {
  uint32_t blocks = 0;
  uint64_t bytes = 0;
  pthread_mutex_lock(&pool.lock);
  alloc_block* old = alloc_trim(0, &blocks, &bytes);
  pthread_mutex_unlock(&pool.lock);
  alloc_return_list(old, LAZULI_CACHE_CLEAR, blocks, bytes);
}

static size_t alloc_set(size_t* limit, size_t bytes) {
  pthread_once(&once, alloc_init);
  uint32_t blocks = 0;
  uint64_t evicted = 0;
  pthread_mutex_lock(&pool.lock);
  size_t before = *limit;
  *limit = bytes;
  alloc_block* old = alloc_trim(pool.cache_limit, &blocks, &evicted);
  pthread_mutex_unlock(&pool.lock);
  alloc_return_list(old, LAZULI_CACHE_EVICT, blocks, evicted);
  return before;
}

size_t alloc_set_memory_limit(size_t bytes) {
  return alloc_set(&pool.memory_limit, bytes);
}
size_t alloc_set_cache_limit(size_t bytes) {
  return alloc_set(&pool.cache_limit, bytes);
}
size_t alloc_set_wired_limit(size_t bytes) {
  return alloc_set(&pool.wired_limit, bytes);
}

size_t alloc_memory_limit(void) {
  pthread_once(&once, alloc_init);
  return pool.memory_limit;
}

size_t alloc_system_memory(void) {
  pthread_once(&once, alloc_init);
  return pool.system;
}
