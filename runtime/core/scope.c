#include "core/scope.h"

#include <pthread.h>
#include <stdlib.h>

#include "core/error.h"

static _Thread_local struct {
  lz_array** items;
  size_t count;
  size_t capacity;
} pool;

static pthread_key_t exit_key;
static pthread_once_t exit_once = PTHREAD_ONCE_INIT;

/* A thread ends: its room goes. Later destructors may open scopes again. */
static void scope_exit(void* unused) {
  (void)unused;
  free(pool.items);
  pool.items = NULL;
  pool.capacity = 0;
}

static void scope_make_key(void) {
  pthread_key_create(&exit_key, scope_exit);
}

size_t scope_open(void) {
  return pool.count;
}

/* Moves one of the scope's own references out: its slot is emptied, so keeping
 * the newest result costs no reference counting. */
static lz_array* scope_take(size_t scope, lz_array* a) {
  for (size_t i = pool.count, tries = 4; i > scope && tries; i--, tries--)
    if (pool.items[i - 1] == a) {
      pool.items[i - 1] = NULL;
      return a;
    }
  return array_ref(a);
}

static void scope_drain(size_t scope) {
  while (pool.count > scope) {
    lz_array* a = pool.items[--pool.count];
    if (a) array_unref(a);
  }
  if (pool.count == 0 && pool.capacity > 4096) {
    free(pool.items);
    pool.items = NULL;
    pool.capacity = 0;
  }
}

lz_array* scope_close(size_t scope, lz_array* keep) {
  if (keep) keep = scope_take(scope, keep);
  scope_drain(scope);
  return keep;
}

void scope_close_many(size_t scope, lz_array** keep, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (keep[i]) array_ref(keep[i]);
  scope_drain(scope);
}

lz_array* scope_own(lz_array* a) {
  if (!a) return NULL;
  if (pool.count == pool.capacity) {
    size_t capacity = pool.capacity ? 2 * pool.capacity : 64;
    lz_array** items = realloc(pool.items, capacity * sizeof *items);
    if (!items) {
      array_unref(a);
      return error_memory();
    }
    if (!pool.items) {
      pthread_once(&exit_once, scope_make_key);
      pthread_setspecific(exit_key, &pool);
    }
    pool.items = items;
    pool.capacity = capacity;
  }
  return pool.items[pool.count++] = a;
}

int scope_own_all(lz_array** a, size_t n) {
  size_t owned = 0;
  while (owned < n && scope_own(a[owned])) owned++;
  if (owned == n) return 0;
  /* Those before are dropped with the scope; scope_own() has dropped one. */
  for (size_t i = owned + 1; i < n; i++) array_unref(a[i]);
  for (size_t i = 0; i < n; i++) a[i] = NULL;
  return 1;
}
