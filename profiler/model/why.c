#include "why.h"

#include <stdio.h>
#include <string.h>

#include "summary.h"

static const model_kernel* why_kernel(const model* m, uint32_t node) {
  return node == MODEL_NONE || m->nodes[node].kernel == MODEL_NONE
             ? NULL
             : &m->kernels[m->nodes[node].kernel];
}

/* Views and the like are planned as kernels that never begin: they are over
 * with their evaluation. */
static bool why_over(const model* m, const model_kernel* k, uint64_t t) {
  if (k->begin_ns == UINT64_MAX && k->eval != MODEL_NONE)
    return m->evals[k->eval].end_ns <= t;
  return k->end_ns != UINT64_MAX && k->end_ns <= t;
}

/* What the readers of one array say; the strongest claim stays in `w`. */
static void why_readers(const model* m, uint32_t array, uint64_t t, why* w) {
  uint32_t n;
  const uint32_t* nodes = model_consumers(m, array, &n);
  for (uint32_t i = 0; i < n; i++) {
    const model_kernel* k = why_kernel(m, nodes[i]);
    if (!k || why_over(m, k, t)) continue;
    bool running = k->begin_ns <= t;
    if (m->nodes[nodes[i]].time_ns > t)
      continue; /* built later: no reason at that time */
    if (running || w->kind != WHY_READ) {
      w->kind = running ? WHY_READ : WHY_NEEDED;
      w->node = nodes[i];
    }
    if (running) return;
  }
}

why why_alive(const model* m, uint32_t array, uint64_t t) {
  why w = {WHY_UNKNOWN, MODEL_NONE, false};
  if (array >= m->n_arrays || m->arrays[array].buffer == MODEL_NONE) return w;
  const model_array* first = &m->arrays[array];
  const model_kernel* maker = why_kernel(m, first->node);
  uint32_t view = MODEL_NONE;
  uint32_t n;
  const uint32_t* sharers = model_sharers(m, first->buffer, &n);
  for (uint32_t i = 0; i < n; i++) {
    const model_array* a = &m->arrays[sharers[i]];
    why_readers(m, sharers[i], t, &w);
    bool built = a->node == MODEL_NONE || m->nodes[a->node].time_ns <= t;
    if (!built || a->released_ns <= t) continue;
    if (a->base == MODEL_NONE)
      w.held = true;
    else if (view == MODEL_NONE)
      view = a->node;
  }
  if (w.kind != WHY_UNKNOWN) return w;
  if (maker && !why_over(m, maker, t))
    w.kind = WHY_WRITTEN;
  else if (w.held)
    w.kind = WHY_HELD;
  else if (view != MODEL_NONE) {
    w.kind = WHY_VIEW;
    w.node = view;
  }
  return w;
}

uint64_t why_held_bytes(const model* m, uint64_t t) {
  uint64_t bytes = 0;
  for (uint32_t i = 0; i < m->n_buffers; i++) {
    const model_buffer* b = &m->buffers[i];
    if (b->born_ns > t || b->died_ns <= t || b->array == MODEL_NONE ||
        m->arrays[b->array].buffer != i)
      continue;
    why_kind kind = why_alive(m, b->array, t).kind;
    if (kind == WHY_HELD || kind == WHY_VIEW) bytes += b->size;
  }
  return bytes;
}

char* why_text(char* out, size_t size, const model* m, why w) {
  char where[256] = "", place[256 + 4] = "";
  const char* op = "";
  if (w.node != MODEL_NONE) {
    op = model_string(m, m->nodes[w.node].op);
    summary_place_text(
        where,
        sizeof where,
        m,
        summary_place_of(m, model_node_stack(m, w.node)),
        false);
    if (*where) snprintf(place, sizeof place, " (%s)", where);
  }
  switch (w.kind) {
    case WHY_UNKNOWN:
      snprintf(out, size, "not known");
      break;
    case WHY_WRITTEN:
      snprintf(out, size, "being written");
      break;
    case WHY_READ:
      snprintf(out, size, "being read by %s%s", op, place);
      break;
    case WHY_NEEDED:
      snprintf(out, size, "needed by %s%s", op, place);
      break;
    case WHY_HELD:
      snprintf(out, size, "held by the program");
      break;
    case WHY_VIEW:
      snprintf(out, size, "held through %s%s", op, place);
      break;
  }
  if (w.held && (w.kind == WHY_READ || w.kind == WHY_NEEDED)) {
    size_t n = strlen(out);
    snprintf(out + n, size - n, "; held");
  }
  return out;
}
