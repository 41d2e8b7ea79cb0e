#include "eval/plan.h"

#include <stdlib.h>
#include <string.h>

#include "core/error.h"

#define PLAN_CHUNK 8192

struct plan_chunk {
  plan_chunk* next;
  size_t used, size;
  _Alignas(16) char bytes[];
};

void* plan_alloc(lz_plan* p, size_t bytes) {
  bytes = (bytes + 15) & ~(size_t)15;
  plan_chunk* c = p->chunks;
  if (!c || c->used + bytes > c->size) {
    size_t size = c ? 2 * c->size : PLAN_CHUNK;
    if (size > (size_t)1 << 22) size = (size_t)1 << 22;
    if (size < bytes) size = bytes;
    c = malloc(sizeof *c + size);
    if (!c) return error_memory();
    c->next = p->chunks;
    c->used = 0;
    c->size = size;
    p->chunks = c;
  }
  void* at = c->bytes + c->used;
  c->used += bytes;
  return memset(at, 0, bytes);
}

lz_plan* plan_new(void) {
  lz_plan* p = calloc(1, sizeof *p);
  if (!p) return error_memory();
  atomic_init(&p->refs, 1);
  return p;
}

void plan_unref(lz_plan* p) {
  if (atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) != 1) return;
  while (p->chunks) {
    plan_chunk* next = p->chunks->next;
    free(p->chunks);
    p->chunks = next;
  }
  free(p->tape);
  free(p);
}
