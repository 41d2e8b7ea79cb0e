/* F2: a line that evaluates a few operations, again and again, where starting
 * and waiting take a good part of the time. */
#include <stdio.h>

#include "lazuli/probe.h"
#include "rules.h"
#include "text.h"

enum { LOOP_LEAST = 10, LOOP_OPERATIONS = 4 };

static bool loop_trigger(uint8_t trigger) {
  return trigger == LAZULI_TRIGGER_EVAL || trigger == LAZULI_TRIGGER_ITEM ||
         trigger == LAZULI_TRIGGER_DATA || trigger == LAZULI_TRIGGER_CONVERT;
}

bool rule_tight_loop(rules_run* run) {
  const model* m = run->model;
  /* Without its kernels every evaluation seems to do nothing. */
  if (!model_tells(m, "kernel-end")) return true;
  for (uint32_t i = 0; i < run->summary->n_evals; i++) {
    const summary_eval* group = &run->summary->evals[i];
    if (!loop_trigger(group->trigger) || group->count < LOOP_LEAST) continue;
    rules_line l = rules_line_of(run, group);
    if (l.n < LOOP_LEAST || l.operations > (uint64_t)l.n * LOOP_OPERATIONS ||
        l.cost * 4 < l.work)
      continue;
    finding* f = rules_add(run, m->evals[l.first].stack);
    if (!f) return false;
    char a[TEXT_SIZE], b[TEXT_SIZE];
    f->count = l.n;
    f->cost_ns = l.cost - l.cost / l.n; /* one evaluation remains */
    f->eval = l.first;
    snprintf(
        f->evidence,
        sizeof f->evidence,
        "%u times, %.1f operations each: %s in kernels, %s in starting and "
        "waiting for them.",
        l.n,
        (double)l.operations / l.n,
        text_ns(a, l.work),
        text_ns(b, l.cost));
  }
  return true;
}
