/* F28: an async_eval is waited for at once: nothing was built meanwhile. */
#include <stdio.h>
#include <stdlib.h>

#include "lazuli/probe.h"
#include "rules.h"
#include "text.h"

enum { STALLED_LEAST = 8 };

/* Nodes that a thread built within a time; they are in order of time. */
static bool stalled_built(
    const model* m, uint32_t thread, uint64_t from, uint64_t until) {
  uint32_t low = 0, high = m->n_nodes;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (m->nodes[middle].time_ns < from)
      low = middle + 1;
    else
      high = middle;
  }
  for (uint32_t i = low; i < m->n_nodes && m->nodes[i].time_ns < until; i++)
    if (m->nodes[i].thread == thread && m->nodes[i].n_inputs) return true;
  return false;
}

bool rule_stalled(rules_run* run) {
  const model* m = run->model;
  uint32_t next = 0;
  bool fine = true;
  /* Of each thread the last async_eval so far; a thread that waits begins none.
   */
  uint32_t* last = malloc(((size_t)m->n_threads + 1) * sizeof *last);
  if (!last) return false;
  for (uint32_t i = 0; i <= m->n_threads; i++) last[i] = MODEL_NONE;
  for (uint32_t i = 0; fine && i < m->n_waits; i++) {
    const model_wait* w = &m->waits[i];
    if (w->reason != LAZULI_WAIT_ARRAY && w->reason != LAZULI_WAIT_SYNCHRONIZE)
      continue;
    for (; next < m->n_evals && m->evals[next].begin_ns < w->begin_ns; next++)
      if (m->evals[next].is_async) last[m->evals[next].thread] = next;
    uint32_t eval = last[w->thread];
    /* Whoever waits for an earlier one goes on before this one is done. */
    if (eval == MODEL_NONE || m->evals[eval].done_ns > w->end_ns ||
        stalled_built(m, w->thread, m->evals[eval].end_ns, w->begin_ns))
      continue;
    finding* f = rules_at(run, w->stack);
    fine = f != NULL;
    if (!fine) break;
    char ns[TEXT_SIZE], place[160];
    f->count++;
    f->cost_ns += w->end_ns - w->begin_ns;
    f->eval = eval;
    snprintf(
        f->evidence,
        sizeof f->evidence,
        "%u times the program waited here for what %.100s had just begun, %s "
        "in all, with nothing built in between.",
        f->count,
        summary_place_text(
            place,
            sizeof place,
            m,
            summary_place_of(m, m->evals[eval].stack),
            false),
        text_ns(ns, f->cost_ns));
  }
  free(last);
  rules_drop_few(run, STALLED_LEAST);
  return fine;
}
