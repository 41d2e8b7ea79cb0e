/* F6: a loop that asks an array, turn by turn, which way to go. */
#include <stdio.h>

#include "lazuli/probe.h"
#include "rules.h"
#include "text.h"

enum { CONTROL_LEAST = 10, CONTROL_BOOL = 0 /* dtype */ };

/* A condition: bool() of an array, or the item of one of truth values. */
static bool control_group(const model* m, const summary_eval* group) {
  if (group->trigger == LAZULI_TRIGGER_CONTROL_FLOW) return true;
  const model_eval* v = &m->evals[group->first];
  return group->trigger == LAZULI_TRIGGER_ITEM && v->n_outputs == 1 &&
         m->arrays[m->eval_outputs[v->first_output]].dtype == CONTROL_BOOL;
}

bool rule_control(rules_run* run) {
  const model* m = run->model;
  if (!model_tells(m, "kernel-end")) return true;
  for (uint32_t i = 0; i < run->summary->n_evals; i++) {
    const summary_eval* group = &run->summary->evals[i];
    if (group->count < CONTROL_LEAST || !control_group(m, group)) continue;
    rules_line l = rules_line_of(run, group);
    if (l.n < CONTROL_LEAST || l.cost * 4 < l.work) continue;
    finding* f = rules_add(run, m->evals[l.first].stack);
    if (!f) return false;
    char a[TEXT_SIZE], b[TEXT_SIZE];
    f->count = l.n;
    f->cost_ns = l.cost - l.cost / l.n;
    f->eval = l.first;
    rules_line_claim(run, group);
    snprintf(
        f->evidence,
        sizeof f->evidence,
        "%u branches waited for a value that was just computed, %.1f "
        "operations each: %s in kernels, %s in starting and waiting for them.",
        l.n,
        (double)l.operations / l.n,
        text_ns(a, l.work),
        text_ns(b, l.cost));
  }
  return true;
}
