/* F3: one number after another is read out of one array. */
#include <stdio.h>
#include <stdlib.h>

#include "lazuli/probe.h"
#include "rules.h"
#include "text.h"

enum { ELEMENTS_LEAST = 8 };

/* The array that an output is an element of: what lies behind operations that
 * pick or only move. MODEL_NONE where something else computed it. */
static uint32_t elements_source(const rules_run* run, uint32_t array) {
  const model* m = run->model;
  bool picked = false;
  for (int depth = 0; depth < 16; depth++) {
    uint32_t node = m->arrays[array].node;
    rules_kind kind =
        node == MODEL_NONE ? RULES_OTHER : rules_kind_of(run, node);
    if (kind != RULES_VIEW && kind != RULES_INDEX) break;
    if (!m->nodes[node].n_inputs) return MODEL_NONE;
    picked |= kind == RULES_INDEX;
    array = m->inputs[m->nodes[node].first_input];
  }
  return picked ? array : MODEL_NONE;
}

/* One evaluation that read an element. */
typedef struct elements_read {
  uint32_t eval;
  uint32_t source;
} elements_read;

bool rule_elements(rules_run* run) {
  const model* m = run->model;
  for (uint32_t i = 0; i < run->summary->n_evals; i++) {
    const summary_eval* group = &run->summary->evals[i];
    if (group->trigger != LAZULI_TRIGGER_ITEM || group->count < ELEMENTS_LEAST)
      continue;
    elements_read* reads = malloc(group->count * sizeof *reads);
    if (!reads) return false;
    uint32_t n = 0;
    for (uint32_t e = group->first; e < m->n_evals && n < group->count; e++) {
      const model_eval* v = &m->evals[e];
      summary_place p = summary_place_of(m, v->stack);
      if (v->trigger != group->trigger || p.file != group->place.file ||
          p.line != group->place.line || !v->n_outputs)
        continue;
      uint32_t source = elements_source(run, m->eval_outputs[v->first_output]);
      if (source != MODEL_NONE) reads[n++] = (elements_read){e, source};
    }
    /* Elements of one array follow one another. */
    for (uint32_t first = 0, next; first < n; first = next) {
      uint64_t cost = 0;
      for (next = first; next < n && reads[next].source == reads[first].source;
           next++)
        cost += rules_overhead(run, reads[next].eval);
      if (next - first < ELEMENTS_LEAST) continue;
      finding* f = rules_at(run, m->evals[reads[first].eval].stack);
      if (!f) {
        free(reads);
        return false;
      }
      char shape[80], ns[TEXT_SIZE];
      f->count += next - first;
      f->cost_ns += cost;
      f->eval = reads[first].eval;
      f->node = m->arrays[reads[first].source].node;
      for (uint32_t k = first; k < next; k++)
        run->facts.claims[reads[k].eval] = run->rule;
      bool known = m->arrays[reads[first].source].dtype != TEXT_DTYPE_UNKNOWN;
      snprintf(
          f->evidence,
          sizeof f->evidence,
          "%u single elements were read here, in turn out of one array%s%s; "
          "starting and waiting took %s.",
          f->count,
          known ? " of shape " : "",
          known ? text_shape(shape, sizeof shape, m, reads[first].source) : "",
          text_ns(ns, f->cost_ns));
    }
    free(reads);
  }
  return true;
}
