/* F7: a graph that went on growing before anybody evaluated it. */
#include <stdio.h>
#include <stdlib.h>

#include "rules.h"
#include "text.h"

/* Networks of many layers with their gradients have a few thousand in a row. */
enum { LARGE_DEPTH = 4000 };

/* Nodes on the longest way of an evaluation that ends in each, and where the
 * longest one goes on; nodes come in the order they were built. */
bool rule_large_graph(rules_run* run) {
  const model* m = run->model;
  const rules_facts* facts = &run->facts;
  uint32_t* depth = calloc((size_t)m->n_nodes + 1, sizeof *depth);
  if (!depth) return false;
  bool fine = true;
  for (uint32_t e = 0; e < m->n_evals && fine; e++) {
    uint32_t deepest = MODEL_NONE;
    for (uint32_t i = facts->node_first[e]; i < facts->node_first[e + 1]; i++) {
      uint32_t node = facts->nodes[i];
      const model_node* n = &m->nodes[node];
      for (uint32_t k = 0; k < n->n_inputs; k++) {
        uint32_t from = m->arrays[m->inputs[n->first_input + k]].node;
        if (from != MODEL_NONE && m->nodes[from].eval == e &&
            depth[from] > depth[node])
          depth[node] = depth[from];
      }
      depth[node]++;
      if (deepest == MODEL_NONE || depth[node] > depth[deepest]) deepest = node;
    }
    if (deepest == MODEL_NONE || depth[deepest] < LARGE_DEPTH) continue;
    finding* f = rules_at(run, model_node_stack(m, deepest));
    fine = f != NULL;
    if (!fine) break;
    char nodes[TEXT_SIZE], deep[TEXT_SIZE], place[160], ns[TEXT_SIZE];
    f->count++;
    f->cost_ns += rules_overhead(run, e);
    f->eval = e;
    f->node = deepest;
    snprintf(
        f->evidence,
        sizeof f->evidence,
        "%s nodes were pending when %.100s evaluated them, %s of them in one "
        "chain that ends here; %s went by outside kernels.",
        text_count(nodes, facts->node_first[e + 1] - facts->node_first[e]),
        summary_place_text(
            place,
            sizeof place,
            m,
            summary_place_of(m, m->evals[e].stack),
            false),
        text_count(deep, depth[deepest]),
        text_ns(ns, f->cost_ns));
  }
  free(depth);
  return fine;
}
