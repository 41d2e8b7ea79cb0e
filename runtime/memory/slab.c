#include "memory/slab.h"

#include <pthread.h>
#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
    defined(LAZULI_HOSTILE)
#define SLAB_PASS_THROUGH 1
#else
#define SLAB_PASS_THROUGH 0
#endif

#if SLAB_PASS_THROUGH

/* Sanitizers see every object on its own. */
void* slab_get(slab_kind kind, size_t size) {
  (void)kind;
  return aligned_alloc(64, (size + 63) & ~(size_t)63);
}
void slab_put(slab_kind kind, void* object, size_t size) {
  (void)kind;
  (void)size;
  free(object);
}

#else

#define SLAB_BATCH 64
#define SLAB_CHUNK (64 * 1024)

typedef struct slab_object {
  struct slab_object* next;
  struct slab_object* next_batch; /* in the first object of a pooled batch */
} slab_object;

typedef struct slab_cache {
  slab_object* first;
  unsigned count;
} slab_cache;

static __thread slab_cache caches[SLAB_KINDS];
static __thread int registered;

static struct {
  pthread_mutex_t lock;
  slab_object* batches;
} pools[SLAB_KINDS] = {
    {PTHREAD_MUTEX_INITIALIZER, NULL},
    {PTHREAD_MUTEX_INITIALIZER, NULL},
    {PTHREAD_MUTEX_INITIALIZER, NULL},
    {PTHREAD_MUTEX_INITIALIZER, NULL}};

static pthread_key_t slab_key;
static pthread_once_t slab_once = PTHREAD_ONCE_INIT;

static void slab_give(slab_kind kind, slab_object* batch) {
  pthread_mutex_lock(&pools[kind].lock);
  batch->next_batch = pools[kind].batches;
  pools[kind].batches = batch;
  pthread_mutex_unlock(&pools[kind].lock);
}

static void slab_thread_exit(void* unused) {
  (void)unused;
  for (int k = 0; k < SLAB_KINDS; k++) {
    if (caches[k].first) slab_give((slab_kind)k, caches[k].first);
    caches[k].first = NULL;
    caches[k].count = 0;
  }
  registered = 0;
}

static void slab_before_fork(void) {
  for (int k = 0; k < SLAB_KINDS; k++) pthread_mutex_lock(&pools[k].lock);
}
static void slab_after_fork(void) {
  for (int k = 0; k < SLAB_KINDS; k++) pthread_mutex_unlock(&pools[k].lock);
}

static void slab_init(void) {
  pthread_key_create(&slab_key, slab_thread_exit);
  pthread_atfork(slab_before_fork, slab_after_fork, slab_after_fork);
}

static void* slab_refill(slab_kind kind, size_t size) {
  if (!registered) {
    pthread_once(&slab_once, slab_init);
    pthread_setspecific(slab_key, &registered);
    registered = 1;
  }
  slab_cache* c = &caches[kind];
  pthread_mutex_lock(&pools[kind].lock);
  slab_object* batch = pools[kind].batches;
  if (batch) pools[kind].batches = batch->next_batch;
  pthread_mutex_unlock(&pools[kind].lock);
  if (!batch) {
    size_t stride = (size + 63) & ~(size_t)63;
    char* chunk = aligned_alloc(64, SLAB_CHUNK);
    if (!chunk) return NULL;
    size_t n = SLAB_CHUNK / stride;
    for (size_t i = 0; i < n; i++) {
      slab_object* o = (slab_object*)(void*)(chunk + i * stride);
      o->next =
          i + 1 < n ? (slab_object*)(void*)(chunk + (i + 1) * stride) : NULL;
    }
    batch = (slab_object*)(void*)chunk;
  }
  unsigned count = 0;
  for (slab_object* o = batch->next; o; o = o->next) count++;
  c->first = batch->next;
  c->count = count;
  return batch;
}

void* slab_get(slab_kind kind, size_t size) {
  slab_cache* c = &caches[kind];
  slab_object* o = c->first;
  if (__builtin_expect(!o, 0)) return slab_refill(kind, size);
  c->first = o->next;
  c->count--;
  return o;
}

void slab_put(slab_kind kind, void* object, size_t size) {
  (void)size;
  slab_cache* c = &caches[kind];
  slab_object* o = object;
  o->next = c->first;
  c->first = o;
  if (__builtin_expect(++c->count < 2 * SLAB_BATCH, 1)) return;
  slab_object* last = o;
  for (int i = 1; i < SLAB_BATCH; i++) last = last->next;
  c->first = last->next;
  c->count -= SLAB_BATCH;
  last->next = NULL;
  slab_give(kind, o);
}

#endif
