/* F14: an array is joined with itself to repeat it. */
#include <stdio.h>

#include "rules.h"
#include "text.h"

enum { COPIES_LEAST = 4, COPIES_BYTES = 64 * 1024 };

bool rule_copies(rules_run* run) {
  const model* m = run->model;
  for (uint32_t i = 0; i < m->n_nodes; i++) {
    const model_node* n = &m->nodes[i];
    if (rules_kind_of(run, i) != RULES_JOIN || n->eval == MODEL_NONE ||
        n->n_inputs < COPIES_LEAST || !n->n_outputs ||
        m->arrays[n->first_output].bytes < COPIES_BYTES)
      continue;
    const uint32_t* in = &m->inputs[n->first_input];
    uint32_t source = rules_behind(run, in[0]), same = 1;
    while (same < n->n_inputs && rules_behind(run, in[same]) == source) same++;
    if (same < n->n_inputs) continue;
    finding* f = rules_at(run, model_node_stack(m, i));
    if (!f) return false;
    char bytes[TEXT_SIZE], shape[80];
    f->count++;
    f->cost_bytes += m->arrays[n->first_output].bytes;
    if (f->node == MODEL_NONE) f->node = i;
    snprintf(
        f->evidence,
        sizeof f->evidence,
        "%u copies of one array of shape %s were put one after another; %s "
        "were written, %u time%s.",
        n->n_inputs,
        text_shape(shape, sizeof shape, m, source),
        text_bytes(bytes, f->cost_bytes),
        f->count,
        f->count == 1 ? "" : "s");
  }
  return true;
}
