/* Handles: cells of one pointer, kept in a free list of each thread. */
#include <pthread.h>
#include <stdlib.h>

#include "api/api.h"
#include "core/hold.h"

/* Enough for the temporaries of an expression; the rest goes back to malloc. */
#define HANDLE_KEEP 256

typedef union cell {
  lz_handle handle;
  union cell* next;
} cell;

static _Thread_local struct {
  cell* first;
  unsigned count;
  bool registered;
} kept;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static bool key_made;

static void handle_thread_ends(void* unused) {
  (void)unused;
  while (kept.first) {
    cell* c = kept.first;
    kept.first = c->next;
    free(c);
  }
  kept.count = 0;
  kept.registered = false;
}

static void handle_make_key(void) {
  key_made = pthread_key_create(&key, handle_thread_ends) == 0;
}

static cell* handle_get(void) {
  cell* c = kept.first;
  if (__builtin_expect(c != NULL, 1)) {
    kept.first = c->next;
    kept.count--;
    return c;
  }
  c = malloc(sizeof *c);
  return c ? c : error_memory();
}

static void handle_put(cell* c) {
#ifdef __SANITIZE_ADDRESS__
  free(c); /* so that a use after free is seen */
  return;
#endif
  if (__builtin_expect(!kept.registered, 0)) {
    pthread_once(&once, handle_make_key);
    kept.registered = key_made && pthread_setspecific(key, &kept) == 0;
    if (!kept.registered) {
      free(c);
      return;
    }
  }
  if (kept.count >= HANDLE_KEEP) {
    free(c);
    return;
  }
  c->next = kept.first;
  kept.first = c;
  kept.count++;
}

/* ---- handles ------------------------------------------------------------- */

mlx_array api_handle_new(lz_array* a) {
  mlx_array res = {0};
  api_handle_set(&res, a);
  return res;
}

int api_handle_set(mlx_array* res, lz_array* a) {
  if (!a) return 1;
  if (res->ctx) {
    lz_handle* h = res->ctx;
    lz_array* old = h->array;
    hold_take(a);
    h->array = a;
    hold_drop(old);
    return 0;
  }
  cell* c = handle_get();
  if (!c) {
    array_unref(a);
    return 1;
  }
  hold_take(a);
  c->handle.array = a;
  res->ctx = c;
  return 0;
}

mlx_array mlx_array_new(void) {
  return (mlx_array){0};
}

int mlx_array_free(mlx_array arr) {
  if (!arr.ctx) return 0;
  hold_drop(((lz_handle*)arr.ctx)->array);
  handle_put(arr.ctx);
  return 0;
}
