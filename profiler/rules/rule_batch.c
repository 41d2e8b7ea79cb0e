/* F5: evals one after the other, with nothing built in between. */
#include <stdio.h>
#include <stdlib.h>

#include "lazuli/probe.h"
#include "rules.h"
#include "text.h"

typedef struct batch_run {
  uint32_t first; /* evaluation, or MODEL_NONE */
  uint32_t last;
  uint32_t n;
  uint64_t cost;
} batch_run;

static bool batch_tell(rules_run* run, const batch_run* b) {
  const model* m = run->model;
  if (b->first == MODEL_NONE || b->n < 2) return true;
  uint32_t from = m->evals[b->first].stack, until = m->evals[b->last].stack;
  finding* f = rules_at_place(run, rules_parting(m, from, until), from);
  if (!f) return false;
  char ns[TEXT_SIZE];
  f->count += b->n;
  f->cost_ns += b->cost;
  f->eval = b->first;
  snprintf(
      f->evidence,
      sizeof f->evidence,
      "%u evals followed one another from here with nothing built between "
      "them; all but the first of each row took %s outside kernels.",
      f->count,
      text_ns(ns, f->cost_ns));
  return true;
}

bool rule_batch(rules_run* run) {
  const model* m = run->model;
  batch_run* rows = malloc(((size_t)m->n_threads + 1) * sizeof *rows);
  bool fine = rows != NULL;
  for (uint32_t i = 0; i <= m->n_threads && fine; i++)
    rows[i] = (batch_run){.first = MODEL_NONE};
  /* Nodes and evaluations by time. */
  uint32_t node = 0;
  for (uint32_t e = 0; e < m->n_evals && fine; e++) {
    const model_eval* v = &m->evals[e];
    for (; node < m->n_nodes && m->nodes[node].time_ns <= v->begin_ns; node++) {
      batch_run* row = &rows[m->nodes[node].thread];
      fine = fine && batch_tell(run, row);
      *row = (batch_run){.first = MODEL_NONE};
    }
    batch_run* row = &rows[v->thread];
    bool plain = v->trigger == LAZULI_TRIGGER_EVAL && !v->failed &&
                 v->end_ns != UINT64_MAX && run->facts.kernels[e] &&
                 !run->facts.claims[e];
    if (!plain) {
      fine = fine && batch_tell(run, row);
      *row = (batch_run){.first = MODEL_NONE};
    } else if (row->first == MODEL_NONE) {
      *row = (batch_run){.first = e, .last = e, .n = 1};
    } else {
      row->n++;
      row->last = e;
      row->cost += rules_overhead(run, e);
      run->facts.claims[e] = run->facts.claims[row->first] = run->rule;
    }
  }
  for (uint32_t i = 0; i < m->n_threads && fine; i++)
    fine = batch_tell(run, &rows[i]);
  free(rows);
  return fine;
}
