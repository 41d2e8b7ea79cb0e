/* F22: weights are evaluated as they were loaded, and made narrow after. */
#include <stdio.h>

#include "rules.h"
#include "text.h"

enum { LATE_BYTES = 1 << 20 };

/* A narrower copy of a loaded array that a later evaluation made. */
static uint32_t late_cast(const model* m, const rules_run* run, uint32_t node) {
  uint32_t array = m->nodes[node].first_output, n;
  const uint32_t* readers = model_consumers(m, array, &n);
  uint64_t wide = text_dtype_size(m->arrays[array].dtype);
  for (uint32_t i = 0; i < n; i++) {
    const model_node* r = &m->nodes[readers[i]];
    if (rules_is(run, readers[i], "AsType") && r->n_outputs &&
        r->eval != MODEL_NONE && r->eval > m->nodes[node].eval &&
        text_dtype_size(m->arrays[r->first_output].dtype) < wide)
      return readers[i];
  }
  return MODEL_NONE;
}

bool rule_cast_late(rules_run* run) {
  const model* m = run->model;
  uint64_t all = 0;
  for (int pass = 0; pass < 2; pass++) {
    for (uint32_t i = 0; i < m->n_nodes; i++) {
      const model_node* n = &m->nodes[i];
      if (!rules_is(run, i, "Load") || n->eval == MODEL_NONE || !n->n_outputs)
        continue;
      uint32_t cast = late_cast(m, run, i);
      if (cast == MODEL_NONE) continue;
      const model_array* a = &m->arrays[n->first_output];
      if (pass == 0) {
        all += a->bytes;
        continue;
      }
      finding* f = rules_at(run, m->evals[n->eval].stack);
      if (!f) return false;
      char bytes[TEXT_SIZE], place[160];
      f->count++;
      f->cost_bytes += a->bytes;
      f->eval = n->eval;
      f->node = cast;
      snprintf(
          f->evidence,
          sizeof f->evidence,
          "%u arrays were read from a file here as %s, %s in all; %.100s made "
          "%s of them afterwards.",
          f->count,
          text_dtype(a->dtype),
          text_bytes(bytes, f->cost_bytes),
          summary_place_text(
              place,
              sizeof place,
              m,
              summary_place_of(m, model_node_stack(m, cast)),
              false),
          text_dtype(m->arrays[m->nodes[cast].first_output].dtype));
    }
    if (all < LATE_BYTES) return true;
  }
  return true;
}
