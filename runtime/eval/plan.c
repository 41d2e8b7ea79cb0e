#include "eval/plan.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "eval/blueprint.h"

#define PLAN_CHUNK 4096

struct plan_chunk {
  plan_chunk* next;
  size_t used, size;
  _Alignas(16) char bytes[];
};

static void* arena_take(plan_arena* a, size_t bytes) {
  bytes = (bytes + 15) & ~(size_t)15;
  plan_chunk* c = a->chunks;
  if (!c || c->used + bytes > c->size) {
    size_t size = c ? 2 * c->size : PLAN_CHUNK;
    if (size > (size_t)1 << 22) size = (size_t)1 << 22;
    if (size < bytes) size = bytes;
    c = malloc(sizeof *c + size);
    if (!c) return error_memory();
    c->next = a->chunks;
    c->used = 0;
    c->size = size;
    a->chunks = c;
  }
  void* at = c->bytes + c->used;
  c->used += bytes;
  return at;
}

void* arena_alloc(plan_arena* a, size_t bytes) {
  void* at = arena_take(a, bytes);
  return at ? memset(at, 0, bytes) : NULL;
}

void* arena_grow(plan_arena* a, void* old, uint32_t count, size_t size) {
  if (count & (count - 1)) return old;
  void* at = arena_take(a, (count ? 2 * (size_t)count : 1) * size);
  if (at && count) memcpy(at, old, count * size);
  return at;
}

void arena_free(plan_arena* a) {
  while (a->chunks) {
    plan_chunk* next = a->chunks->next;
    free(a->chunks);
    a->chunks = next;
  }
}

void* plan_alloc(lz_plan* p, size_t bytes) {
  return arena_alloc(&p->arena, bytes);
}

void* plan_alloc_raw(lz_plan* p, size_t bytes) {
  return arena_take(&p->arena, bytes);
}

void* plan_keep_alloc(lz_plan* p, size_t bytes) {
  return blueprint_alloc(p->blueprint, bytes);
}

/* Plans that have been used, with a chunk and a tape to use again: small evals
 * ask the system for nothing. */
enum { PLAN_SPARES = 4, PLAN_SPARE_TAPE = 256 };
static lz_plan* _Atomic spares[PLAN_SPARES];

lz_plan* plan_new(void) {
  lz_plan* p = NULL;
  for (int i = 0; i < PLAN_SPARES && !p; i++)
    if (atomic_load_explicit(&spares[i], memory_order_relaxed))
      p = atomic_exchange_explicit(&spares[i], NULL, memory_order_acquire);
  if (!p && !(p = calloc(1, sizeof *p))) return error_memory();
  atomic_init(&p->refs, 1);
  return p;
}

static bool plan_spare(lz_plan* p) {
  plan_chunk* c = p->arena.chunks;
  if ((c && c->next) || p->max_tape > PLAN_SPARE_TAPE) return false;
  plan_node* tape = p->tape;
  uint32_t max_tape = p->max_tape;
  if (c) c->used = 0;
  memset(p, 0, offsetof(lz_plan, error));
  p->error[0] = 0;
  p->arena.chunks = c;
  p->tape = tape;
  p->max_tape = max_tape;
  for (int i = 0; i < PLAN_SPARES; i++) {
    lz_plan* none = NULL;
    if (atomic_compare_exchange_strong_explicit(
            &spares[i], &none, p, memory_order_release, memory_order_relaxed))
      return true;
  }
  return false;
}

void plan_unref(lz_plan* p) {
  if (atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) != 1) return;
  blueprint_unref(p->blueprint);
  p->blueprint = NULL;
  if (plan_spare(p)) return;
  arena_free(&p->arena);
  free(p->tape);
  free(p);
}
