/* F16: many small arrays are made, only to be put into one. */
#include <stdio.h>

#include "rules.h"
#include "text.h"

enum { ONE_LEAST = 16, ONE_BYTES = 64 };

/* Data of the program's, and little of it. */
static bool one_small(const rules_run* run, uint32_t array) {
  const model* m = run->model;
  uint32_t source = rules_behind(run, array), node = m->arrays[source].node;
  return m->arrays[source].bytes <= ONE_BYTES &&
         (node == MODEL_NONE || m->nodes[node].n_inputs == 0);
}

bool rule_one_by_one(rules_run* run) {
  const model* m = run->model;
  for (uint32_t i = 0; i < m->n_nodes; i++) {
    const model_node* n = &m->nodes[i];
    if (rules_kind_of(run, i) != RULES_JOIN || n->n_inputs < ONE_LEAST ||
        !n->n_outputs)
      continue;
    uint32_t small = 0;
    for (uint32_t k = 0; k < n->n_inputs; k++)
      small += one_small(run, m->inputs[n->first_input + k]);
    if (small < ONE_LEAST || small * 10 < n->n_inputs * 9) continue;
    finding* f = rules_at(run, model_node_stack(m, i));
    if (!f) return false;
    char bytes[TEXT_SIZE], count[TEXT_SIZE];
    f->count += small;
    f->cost_bytes += m->arrays[n->first_output].bytes;
    if (f->node == MODEL_NONE) f->node = i;
    snprintf(
        f->evidence,
        sizeof f->evidence,
        "%s arrays of up to %d bytes were made one by one and joined here, "
        "for %s in all.",
        text_count(count, f->count),
        ONE_BYTES,
        text_bytes(bytes, f->cost_bytes));
  }
  return true;
}
