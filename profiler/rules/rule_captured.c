/* F20: a compiled function captures arrays that nobody has computed: their
 * graph becomes part of it, and is computed at each call. */
#include <stdio.h>

#include "rules.h"
#include "text.h"

bool rule_captured(rules_run* run) {
  const model* m = run->model;
  for (uint32_t i = 0; i < run->summary->n_compiles; i++) {
    const summary_compile* c = &run->summary->compiles[i];
    uint32_t calls = c->hits + c->misses;
    if (!c->captured || calls < 2) continue;
    uint32_t stack = MODEL_NONE;
    for (uint32_t k = 0; k < m->n_compiles && stack == MODEL_NONE; k++)
      if (m->compiles[k].function == c->function && m->compiles[k].captured)
        stack = m->compiles[k].stack;
    finding* f = rules_at_place(run, c->place, stack);
    if (!f) return false;
    char nodes[TEXT_SIZE], times[TEXT_SIZE];
    f->count += calls;
    snprintf(
        f->evidence,
        sizeof f->evidence,
        "%s nodes that were pending outside came in with what it captures, "
        "and are computed again in each of %s calls.",
        text_count(nodes, c->captured),
        text_count(times, calls));
  }
  return true;
}
