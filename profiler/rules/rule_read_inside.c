/* F4: a value is printed, read or saved, and the chain goes on from it. */
#include <stdio.h>

#include "lazuli/probe.h"
#include "rules.h"
#include "text.h"

static bool inside_trigger(uint8_t trigger) {
  return trigger == LAZULI_TRIGGER_PRINT || trigger == LAZULI_TRIGGER_DATA ||
         trigger == LAZULI_TRIGGER_ITEM || trigger == LAZULI_TRIGGER_CONVERT ||
         trigger == LAZULI_TRIGGER_SAVE;
}

/* A node that goes on element by element from an array that `eval` computed
 * element by element; MODEL_NONE: none, nothing would have been one kernel. */
static uint32_t inside_next(
    const rules_run* run, uint32_t eval, uint32_t array) {
  const model* m = run->model;
  uint32_t maker = m->arrays[array].node, n;
  if (maker == MODEL_NONE || m->nodes[maker].eval != eval ||
      rules_kind_of(run, maker) != RULES_ELEMENTWISE)
    return MODEL_NONE;
  const uint32_t* consumers = model_consumers(m, array, &n);
  for (uint32_t i = 0; i < n; i++) {
    uint32_t later = m->nodes[consumers[i]].eval;
    if (later != MODEL_NONE && later != eval &&
        rules_kind_of(run, consumers[i]) == RULES_ELEMENTWISE)
      return consumers[i];
  }
  return MODEL_NONE;
}

bool rule_read_inside(rules_run* run) {
  const model* m = run->model;
  for (uint32_t e = 0; e < m->n_evals; e++) {
    const model_eval* v = &m->evals[e];
    if (!inside_trigger(v->trigger) || run->facts.claims[e]) continue;
    for (uint32_t i = 0; i < v->n_outputs; i++) {
      uint32_t array = m->eval_outputs[v->first_output + i];
      uint32_t next = inside_next(run, e, array);
      if (next == MODEL_NONE) continue;
      finding* f = rules_at(run, v->stack);
      if (!f) return false;
      char place[200], bytes[TEXT_SIZE];
      f->count++;
      f->cost_ns += rules_overhead(run, e);
      f->cost_bytes += 2 * m->arrays[array].bytes;
      f->eval = e;
      f->node = next;
      snprintf(
          f->evidence,
          sizeof f->evidence,
          "%u time%s a pending value was evaluated here (%s), and %.40s at "
          "%.80s went on from it; %s were written and read back.",
          f->count,
          f->count == 1 ? "" : "s",
          text_trigger(v->trigger),
          model_string(m, m->nodes[next].op),
          summary_place_text(
              place,
              sizeof place,
              m,
              summary_place_of(m, model_node_stack(m, next)),
              false),
          text_bytes(bytes, f->cost_bytes));
      break;
    }
  }
  return true;
}
