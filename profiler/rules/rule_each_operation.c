/* F1: each operation is evaluated by itself, on the result of the one before.
 */
#include <stdio.h>

#include "lazuli/probe.h"
#include "rules.h"
#include "text.h"

enum { EACH_LEAST = 3 };

/* One operation, and it took something: making an array begins no chain. */
static bool each_single(const rules_run* run, uint32_t eval) {
  const model* m = run->model;
  const model_eval* v = &m->evals[eval];
  if (v->trigger != LAZULI_TRIGGER_EVAL || v->failed || v->n_outputs != 1 ||
      run->facts.kernels[eval] != 1 || run->facts.operations[eval] != 1 ||
      run->facts.claims[eval])
    return false;
  uint32_t maker = m->arrays[m->eval_outputs[v->first_output]].node;
  return maker != MODEL_NONE && m->nodes[maker].n_inputs > 0;
}

/* Evaluations of a thread, each on the result of the one before. One line that
 * evaluates over and over is a loop, which is another rule's; a helper that all
 * lines call is told apart by its callers. */
static bool each_tell(rules_run* run, const uint32_t* evals, uint32_t n) {
  const model* m = run->model;
  if (n < EACH_LEAST) return true;
  uint32_t other = 0; /* the last on another way than the first */
  uint64_t cost = 0, bytes = 0;
  for (uint32_t i = 0; i < n; i++) {
    if (m->evals[evals[i]].stack != m->evals[evals[0]].stack) other = i;
    cost += i ? rules_overhead(run, evals[i]) : 0;
    if (i + 1 < n) {
      uint32_t out = m->eval_outputs[m->evals[evals[i]].first_output];
      bytes += 2 * m->arrays[out].bytes;
    }
  }
  if (!other) return true;
  uint32_t from = m->evals[evals[0]].stack,
           until = m->evals[evals[other]].stack;
  finding* f = rules_at_place(run, rules_parting(m, from, until), from);
  if (!f) return false;
  char to[200], ns[TEXT_SIZE], size[TEXT_SIZE];
  for (uint32_t i = 0; i < n; i++) run->facts.claims[evals[i]] = run->rule;
  f->count += n;
  f->cost_ns += cost;
  f->cost_bytes += bytes;
  f->eval = evals[0];
  summary_place_text(to, sizeof to, m, rules_parting(m, until, from), false);
  snprintf(
      f->evidence,
      sizeof f->evidence,
      "%u evals of one operation each, from here to %.100s; %s passed outside "
      "kernels, and %s of results were written and read back.",
      f->count,
      to,
      text_ns(ns, f->cost_ns),
      text_bytes(size, f->cost_bytes));
  return true;
}

bool rule_each_operation(rules_run* run) {
  const model* m = run->model;
  enum { MOST = 4096 }; /* of a run told at once; longer ones go on */
  uint32_t evals[MOST];
  for (uint32_t thread = 0; thread < m->n_threads; thread++) {
    uint32_t n = 0;
    for (uint32_t e = 0; e < m->n_evals; e++) {
      if (m->evals[e].thread != thread) continue;
      bool single = each_single(run, e);
      bool on = single && n && n < MOST && rules_follows(run, e, evals[n - 1]);
      if (!on) {
        if (!each_tell(run, evals, n)) return false;
        n = 0;
      }
      if (single) evals[n++] = e;
    }
    if (!each_tell(run, evals, n)) return false;
  }
  return true;
}
