#include "cpu/scratch.h"

#include <pthread.h>
#include <stdlib.h>

typedef struct scratch_thread {
  void* data[SCRATCH_SLOTS];
  size_t size[SCRATCH_SLOTS];
} scratch_thread;

static pthread_once_t scratch_once = PTHREAD_ONCE_INIT;
static pthread_key_t scratch_key;
static _Thread_local scratch_thread* scratch_mine;

static void scratch_destroy(void* p) {
  scratch_thread* t = p;
  for (int i = 0; i < SCRATCH_SLOTS; i++) free(t->data[i]);
  free(t);
  scratch_mine = NULL;
}

static void scratch_init(void) {
  pthread_key_create(&scratch_key, scratch_destroy);
}

void* scratch_get(enum scratch_slot slot, size_t bytes) {
  scratch_thread* t = scratch_mine;
  if (!t) {
    pthread_once(&scratch_once, scratch_init);
    t = calloc(1, sizeof *t);
    if (!t) return NULL;
    pthread_setspecific(scratch_key, t);
    scratch_mine = t;
  }
  if (bytes <= t->size[slot] &&
      (t->size[slot] <= SCRATCH_KEEP || bytes > SCRATCH_KEEP))
    return t->data[slot];
  free(t->data[slot]);
  t->size[slot] = 0;
  size_t size = (bytes + 4095) & ~(size_t)4095;
  t->data[slot] = aligned_alloc(64, size);
  if (t->data[slot]) t->size[slot] = size;
  return t->data[slot];
}
