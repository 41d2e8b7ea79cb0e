/* F25: a small view is kept, and keeps all of what it was cut from. */
#include <stdio.h>

#include "rules.h"
#include "text.h"

enum { PINNED_BYTES = 1 << 20, PINNED_TIMES = 8 };

/* Of a buffer whose own arrays are all gone: the view that lived longest.
 * MODEL_NONE: none, or its owner went as late. */
static uint32_t pinned_by(const model* m, uint32_t buffer, uint64_t* owned) {
  uint32_t n, view = MODEL_NONE;
  const uint32_t* sharers = model_sharers(m, buffer, &n);
  uint64_t bytes = 0;
  *owned = 0;
  for (uint32_t i = 0; i < n; i++) {
    const model_array* a = &m->arrays[sharers[i]];
    if (a->base == MODEL_NONE) {
      if (a->released_ns > *owned) *owned = a->released_ns;
    } else {
      bytes += a->bytes;
      if (view == MODEL_NONE || a->released_ns > m->arrays[view].released_ns)
        view = sharers[i];
    }
  }
  if (view == MODEL_NONE || bytes * PINNED_TIMES > m->buffers[buffer].size)
    return MODEL_NONE;
  return m->arrays[view].released_ns > *owned ? view : MODEL_NONE;
}

/* Longer than a step takes: two evaluations began meanwhile. */
static bool pinned_for_long(const model* m, uint64_t from, uint64_t until) {
  uint32_t low = 0, high = m->n_evals;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (m->evals[middle].begin_ns <= from)
      low = middle + 1;
    else
      high = middle;
  }
  return low + 1 < m->n_evals && m->evals[low + 1].begin_ns < until;
}

bool rule_pinned(rules_run* run) {
  const model* m = run->model;
  for (uint32_t i = 0; i < m->n_buffers; i++) {
    const model_buffer* b = &m->buffers[i];
    uint64_t owned;
    if (b->size < PINNED_BYTES || b->array == MODEL_NONE) continue;
    uint32_t view = pinned_by(m, i, &owned);
    if (view == MODEL_NONE || m->arrays[view].node == MODEL_NONE) continue;
    uint64_t until = m->arrays[view].released_ns;
    if (!pinned_for_long(m, owned, until < b->died_ns ? until : b->died_ns))
      continue;
    uint32_t node = m->arrays[view].node;
    finding* f = rules_at(run, model_node_stack(m, node));
    if (!f) return false;
    char bytes[TEXT_SIZE], small[TEXT_SIZE];
    f->count++;
    f->cost_bytes += b->size - m->arrays[view].bytes;
    f->node = node;
    snprintf(
        f->evidence,
        sizeof f->evidence,
        "%u view%s of %s each, made here, kept %s of memory alive after the "
        "arrays that they were cut from were gone.",
        f->count,
        f->count == 1 ? "" : "s",
        text_bytes(small, m->arrays[view].bytes),
        text_bytes(bytes, f->cost_bytes));
  }
  return true;
}
