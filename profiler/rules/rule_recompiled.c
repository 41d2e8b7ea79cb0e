/* F18, F19: a compiled function is traced again and again, because a constant
 * in it changes, or the shapes of what it is given. */
#include <stdio.h>

#include "lazuli/probe.h"
#include "rules.h"
#include "text.h"

enum { RECOMPILED_LEAST = 3 };

/* Misses of which the first change is among `bits`, by the line that calls. */
static bool recompiled_by(rules_run* run, uint32_t bits, const char* what) {
  const model* m = run->model;
  for (uint32_t i = 0; i < m->n_compiles; i++) {
    const model_compile* c = &m->compiles[i];
    if (c->hit || !(c->changed & bits) || (c->changed & LAZULI_COMPILE_FIRST))
      continue;
    finding* f = rules_at(run, c->stack);
    if (!f) return false;
    char ns[TEXT_SIZE];
    f->count++;
    f->cost_ns += c->trace_ns;
    snprintf(
        f->evidence,
        sizeof f->evidence,
        "It was traced again %u times because %s; tracing took %s. The last "
        "time: %.100s.",
        f->count,
        what,
        text_ns(ns, f->cost_ns),
        model_string(m, c->detail));
  }
  rules_drop_few(run, RECOMPILED_LEAST);
  return true;
}

bool rule_recompiled_constant(rules_run* run) {
  return recompiled_by(run, LAZULI_COMPILE_CONSTANT, "a constant changed");
}

bool rule_recompiled_shape(rules_run* run) {
  return recompiled_by(
      run,
      LAZULI_COMPILE_SHAPE | LAZULI_COMPILE_RANK,
      "the shapes of its inputs changed");
}
