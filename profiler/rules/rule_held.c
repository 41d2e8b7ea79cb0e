/* F23: at the peak, results lie in memory that nobody was to read any more. */
#include <stdio.h>

#include "rules.h"
#include "text.h"
#include "why.h"

enum { HELD_BYTES = 1 << 20, HELD_SHARE = 10 };

/* The evaluation that ran at a time: the last that had begun. */
static uint32_t held_eval(const model* m, uint64_t time) {
  uint32_t found = MODEL_NONE;
  for (uint32_t e = 0; e < m->n_evals && m->evals[e].begin_ns <= time; e++)
    found = e;
  return found;
}

/* An intermediate result of an evaluation: nobody asked for it, and what was to
 * read it has run. Weights and states are asked for, or come from before. */
static bool held_spent(
    const model* m, const model_buffer* b, uint32_t eval, uint64_t time) {
  const model_array* a = &m->arrays[b->array];
  if (a->node == MODEL_NONE || m->nodes[a->node].eval != eval ||
      !m->nodes[a->node].n_inputs)
    return false;
  uint32_t n, sharers;
  const uint32_t* all = model_sharers(m, a->buffer, &sharers);
  const model_eval* v = &m->evals[eval];
  bool read = false;
  for (uint32_t s = 0; s < sharers; s++) {
    for (uint32_t i = 0; i < v->n_outputs; i++)
      if (m->eval_outputs[v->first_output + i] == all[s]) return false;
    const uint32_t* readers = model_consumers(m, all[s], &n);
    for (uint32_t i = 0; i < n; i++) {
      uint32_t kernel = m->nodes[readers[i]].kernel;
      if (m->nodes[readers[i]].time_ns > time) return false;
      read |= kernel != MODEL_NONE && m->kernels[kernel].end_ns <= time;
    }
  }
  return read;
}

bool rule_held(rules_run* run) {
  const model* m = run->model;
  model_peak peak;
  if (!m->n_memory || !run->summary->ran || model_memory_peak(m, &peak))
    return true;
  model_peak_free(&peak);
  uint32_t eval = held_eval(m, peak.time_ns);
  if (eval == MODEL_NONE) return true;
  uint64_t least = peak.active / HELD_SHARE, all = 0;
  if (least < HELD_BYTES) least = HELD_BYTES;
  for (int pass = 0; pass < 2; pass++) {
    for (uint32_t i = 0; i < m->n_buffers; i++) {
      const model_buffer* b = &m->buffers[i];
      if (b->born_ns > peak.time_ns || b->died_ns <= peak.time_ns ||
          b->array == MODEL_NONE || m->arrays[b->array].buffer != i ||
          why_alive(m, b->array, peak.time_ns).kind != WHY_HELD ||
          !held_spent(m, b, eval, peak.time_ns))
        continue;
      if (pass == 0) {
        all += b->size;
        continue;
      }
      uint32_t node = m->arrays[b->array].node;
      finding* f = rules_at(run, model_node_stack(m, node));
      if (!f) return false;
      char bytes[TEXT_SIZE], whole[TEXT_SIZE];
      f->count++;
      f->cost_bytes += b->size;
      f->node = node;
      snprintf(
          f->evidence,
          sizeof f->evidence,
          "%u result%s of this line, %s, had been read for the last time when "
          "memory stood highest (%s), and handles kept %s.",
          f->count,
          f->count == 1 ? "" : "s",
          text_bytes(bytes, f->cost_bytes),
          text_bytes(whole, peak.active),
          f->count == 1 ? "it" : "them");
    }
    if (all < least) return true;
  }
  return true;
}
