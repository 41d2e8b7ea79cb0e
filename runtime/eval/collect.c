/* From the arrays asked for to the nodes they need, producers first. A chain of
 * a million nodes costs heap, not stack. */
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "eval/plan.h"

#define COLLECT_OPEN UINT32_MAX /* slot of a node on the stack */

typedef struct collect_frame {
  lz_node* node;
  uint32_t next; /* input to look at */
} collect_frame;

/* A short graph, evaluated again and again, asks nothing of the heap. */
#define COLLECT_FEW 16

typedef struct collect_stack {
  collect_frame* frames;
  size_t count, capacity;
  collect_frame few[COLLECT_FEW];
} collect_stack;

static int collect_grow(collect_stack* s) {
  collect_frame* of_heap = s->frames == s->few ? NULL : s->frames;
  size_t capacity = of_heap ? 2 * s->capacity : 256;
  collect_frame* frames = realloc(of_heap, capacity * sizeof *frames);
  if (!frames) return error_memory() == NULL;
  if (!of_heap) memcpy(frames, s->few, sizeof s->few);
  s->frames = frames;
  s->capacity = capacity;
  return 0;
}

static int collect_push(collect_stack* s, lz_node* n) {
  if (s->count == s->capacity && collect_grow(s)) return 1;
  n->slot = COLLECT_OPEN;
  s->frames[s->count++] = (collect_frame){n, 0};
  return 0;
}

static int collect_emit(lz_plan* p, lz_node* n) {
  if (p->n_tape == p->max_tape) {
    uint32_t max = p->max_tape ? 2 * p->max_tape : 64;
    plan_node* tape = realloc(p->tape, max * sizeof *tape);
    if (!tape) {
      n->slot = 0;
      return error_memory() == NULL;
    }
    p->tape = tape;
    p->max_tape = max;
  }
  p->tape[p->n_tape++] = (plan_node){
      .node = node_ref(n), .out = n->n_outputs == 1 ? n->outputs[0] : NULL};
  n->slot = p->n_tape;
  return 0;
}

/* The arguments of a function being traced are placeholders. */
static int collect_no_value(const lz_array* a) {
  return error_fail(
      "[eval] Attempting to eval an array during function transformations like "
      "compile or vmap is not allowed: array %llu of shape %s has no value",
      (unsigned long long)a->id,
      error_shape_of(a));
}

static int collect_from(lz_plan* p, collect_stack* s, lz_node* root) {
  if (collect_push(s, root)) return 1;
  while (s->count) {
    collect_frame* f = &s->frames[s->count - 1];
    lz_node* n = f->node;
    lz_node* open = NULL;
    while (f->next < n->n_inputs && !open) {
      lz_array* a = n->inputs[f->next++];
      if (array_status(a) != ARRAY_LAZY) continue;
      if (!a->node) return collect_no_value(a);
      if (a->node->slot == 0) open = a->node;
    }
    if (open) {
      if (collect_push(s, open)) return 1;
      continue;
    }
    s->count--;
    if (collect_emit(p, n)) return 1;
    for (uint32_t i = 0; i < n->n_inputs; i++) {
      plan_node* producer = plan_node_of(p, n->inputs[i]);
      if (producer) producer->uses++;
    }
  }
  return 0;
}

int collect(lz_plan* p, lz_array* const* arrays, size_t n) {
  collect_stack stack;
  int failed = 0;
  stack.frames = stack.few;
  stack.count = 0;
  stack.capacity = COLLECT_FEW;
  for (size_t i = 0; i < n && !failed; i++) {
    lz_array* a = arrays[i];
    if (array_status(a) != ARRAY_LAZY) continue;
    if (!a->node) {
      failed = error_fail(
          "[eval] array %llu has neither value nor operation",
          (unsigned long long)a->id);
      break;
    }
    if (a->node->slot == 0) failed = collect_from(p, &stack, a->node);
    if (!failed) plan_node_of(p, a)->wanted = 1;
  }
  p->n_nodes = p->n_tape;
  while (stack.count) stack.frames[--stack.count].node->slot = 0;
  if (stack.frames != stack.few) free(stack.frames);
  return failed;
}

void collect_forget(lz_plan* p) {
  for (uint32_t i = 0; i < p->n_tape; i++)
    if (!p->tape[i].dead) p->tape[i].node->slot = 0;
}
