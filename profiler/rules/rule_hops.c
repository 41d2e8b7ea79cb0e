/* F30: within one evaluation the work goes from one device to the other and
 * back. */
#include <stdio.h>

#include "rules.h"
#include "text.h"

enum { HOPS_LEAST = 3 };

static int hops_device(const model* m, uint32_t node) {
  uint32_t stream = m->nodes[node].stream;
  return stream < m->n_streams ? m->streams[stream].device : 0;
}

bool rule_hops(rules_run* run) {
  const model* m = run->model;
  const rules_facts* facts = &run->facts;
  for (uint32_t e = 0; e < m->n_evals; e++) {
    uint32_t hops = 0, back = MODEL_NONE;
    uint64_t bytes = 0;
    for (uint32_t i = facts->node_first[e]; i < facts->node_first[e + 1]; i++) {
      const model_node* n = &m->nodes[facts->nodes[i]];
      for (uint32_t k = 0; k < n->n_inputs; k++) {
        uint32_t array = m->inputs[n->first_input + k];
        uint32_t from = m->arrays[array].node;
        if (from == MODEL_NONE || m->nodes[from].eval != e ||
            hops_device(m, from) == hops_device(m, facts->nodes[i]))
          continue;
        hops++;
        bytes += m->arrays[array].bytes;
        back = facts->nodes[i];
      }
    }
    if (hops < HOPS_LEAST) continue;
    finding* f = rules_at(run, model_node_stack(m, back));
    if (!f) return false;
    char size[TEXT_SIZE], place[160];
    f->count += hops;
    f->cost_bytes += bytes;
    f->eval = e;
    f->node = back;
    snprintf(
        f->evidence,
        sizeof f->evidence,
        "%u values went from one device to the other within evaluations of "
        "%.100s, %s in all; each device waits for the other.",
        f->count,
        summary_place_text(
            place,
            sizeof place,
            m,
            summary_place_of(m, m->evals[e].stack),
            false),
        text_bytes(size, f->cost_bytes));
  }
  return true;
}
