/* F15: an array grows by a piece a turn, and is copied whole each time. */
#include <stdio.h>
#include <stdlib.h>

#include "rules.h"
#include "text.h"

enum { GROWING_LEAST = 8, GROWING_BYTES = 256 * 1024 };

/* The join at the same line whose result this one takes; MODEL_NONE: none. */
static uint32_t growing_before(const rules_run* run, uint32_t node) {
  const model* m = run->model;
  const model_node* n = &m->nodes[node];
  for (uint32_t k = 0; k < n->n_inputs; k++) {
    uint32_t array = rules_behind(run, m->inputs[n->first_input + k]);
    uint32_t from = m->arrays[array].node;
    if (from != MODEL_NONE && from != node &&
        rules_kind_of(run, from) == RULES_JOIN &&
        rules_same_line(
            m, model_node_stack(m, from), model_node_stack(m, node)))
      return from;
  }
  return MODEL_NONE;
}

typedef struct growing_chain {
  uint32_t length;
  bool goes_on;
  uint64_t copied;
} growing_chain;

bool rule_growing(rules_run* run) {
  const model* m = run->model;
  growing_chain* chains = calloc((size_t)m->n_nodes + 1, sizeof *chains);
  bool fine = chains != NULL;
  for (uint32_t i = 0; fine && i < m->n_nodes; i++) {
    const model_node* n = &m->nodes[i];
    if (rules_kind_of(run, i) != RULES_JOIN || n->eval == MODEL_NONE ||
        !n->n_outputs)
      continue;
    uint32_t before = growing_before(run, i);
    chains[i].length = 1;
    if (before == MODEL_NONE) continue;
    uint32_t grown = m->nodes[before].first_output;
    chains[before].goes_on = true;
    chains[i].length += chains[before].length;
    chains[i].copied = chains[before].copied + m->arrays[grown].bytes;
  }
  for (uint32_t i = 0; fine && i < m->n_nodes; i++) {
    const growing_chain* c = &chains[i];
    if (c->goes_on || c->length < GROWING_LEAST || c->copied < GROWING_BYTES)
      continue;
    finding* f = rules_at(run, model_node_stack(m, i));
    fine = f != NULL;
    if (!fine) break;
    char bytes[TEXT_SIZE], shape[80];
    f->count += c->length;
    f->cost_bytes += 2 * c->copied; /* read and written */
    f->node = i;
    snprintf(
        f->evidence,
        sizeof f->evidence,
        "%u joins made it grow, the last to shape %s; %s of what was there "
        "already were read and written again.",
        f->count,
        text_shape(shape, sizeof shape, m, m->nodes[i].first_output),
        text_bytes(bytes, f->cost_bytes));
  }
  free(chains);
  return fine;
}
