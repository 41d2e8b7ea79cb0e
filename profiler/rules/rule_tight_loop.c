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
    uint32_t n = 0, first = MODEL_NONE;
    uint64_t operations = 0, work = 0, cost = 0;
    for (uint32_t e = group->first; e < m->n_evals; e++) {
      const model_eval* v = &m->evals[e];
      summary_place p = summary_place_of(m, v->stack);
      if (v->trigger != group->trigger || run->facts.claims[e] ||
          p.file != group->place.file || p.line != group->place.line ||
          p.function != group->place.function)
        continue;
      if (first == MODEL_NONE) first = e;
      n++;
      operations += run->facts.operations[e];
      work += run->facts.kernel_ns[e];
      cost += rules_overhead(run, e);
    }
    if (n < LOOP_LEAST || operations > (uint64_t)n * LOOP_OPERATIONS ||
        cost * 4 < work)
      continue;
    finding* f = rules_add(run, m->evals[first].stack);
    if (!f) return false;
    char a[TEXT_SIZE], b[TEXT_SIZE];
    f->count = n;
    f->cost_ns = cost - cost / n; /* one evaluation remains */
    f->eval = first;
    snprintf(
        f->evidence,
        sizeof f->evidence,
        "%u times, %.1f operations each: %s in kernels, %s in starting and "
        "waiting for them.",
        n,
        (double)operations / n,
        text_ns(a, work),
        text_ns(b, cost));
  }
  return true;
}
