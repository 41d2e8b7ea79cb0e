/* F8: a graph is built, again and again, and thrown away. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lazuli/probe.h"
#include "rules.h"
#include "text.h"

enum { NEVER_LEAST = 8, NEVER_NODES = 64, NEVER_SHARE = 10 };

/* The program's own, and no part of something that was replaced. */
static bool never_computed(const model* m, uint32_t node) {
  const model_node* n = &m->nodes[node];
  return n->eval == MODEL_NONE && n->n_inputs && n->of == MODEL_NONE &&
         n->merged_into == MODEL_NONE &&
         (!n->rewrite || n->rewrite == LAZULI_REWRITE_DROPPED);
}

/* A node that takes this one's result and was not computed either: it will be
 * told of in its place. MODEL_NONE: none; the node itself: some that was. */
static uint32_t never_reader(const model* m, uint32_t node) {
  const model_node* v = &m->nodes[node];
  uint32_t reader = MODEL_NONE;
  for (uint32_t i = 0; i < v->n_outputs; i++) {
    uint32_t n;
    const uint32_t* readers = model_consumers(m, v->first_output + i, &n);
    for (uint32_t k = 0; k < n; k++) {
      if (!never_computed(m, readers[k])) return node;
      reader = readers[k];
    }
  }
  return reader;
}

bool rule_never(rules_run* run) {
  const model* m = run->model;
  uint32_t* root = malloc(((size_t)m->n_nodes + 1) * sizeof *root);
  uint32_t* size = calloc((size_t)m->n_nodes + 1, sizeof *size);
  bool fine = root && size;
  uint32_t total = 0;
  if (fine) memset(root, 0xff, ((size_t)m->n_nodes + 1) * sizeof *root);
  /* Readers are built later, so from the last to the first. */
  for (uint32_t i = m->n_nodes; fine && i-- > 0;) {
    if (!never_computed(m, i)) continue;
    uint32_t reader = never_reader(m, i);
    if (reader == i) continue;
    root[i] = reader == MODEL_NONE ? i : root[reader];
    if (root[i] == MODEL_NONE) continue;
    size[root[i]]++;
    total++;
  }
  bool many = total >= NEVER_NODES && total >= m->n_nodes / NEVER_SHARE;
  for (uint32_t i = 0; fine && many && i < m->n_nodes; i++) {
    if (!size[i]) continue;
    finding* f = rules_at(run, model_node_stack(m, i));
    fine = f != NULL;
    if (!fine) break;
    if (f->node == MODEL_NONE) f->node = i;
    f->count += size[i];
    char nodes[TEXT_SIZE], all[TEXT_SIZE];
    snprintf(
        f->evidence,
        sizeof f->evidence,
        "%s nodes of graphs that end here were never evaluated, of %s that "
        "the run built.",
        text_count(nodes, f->count),
        text_count(all, m->n_nodes));
  }
  rules_drop_few(run, NEVER_LEAST);
  free(root);
  free(size);
  return fine;
}
