/* F9: half precision meets something small and wide, and all of it gets wide.
 */
#include <stdio.h>
#include <string.h>

#include "rules.h"
#include "text.h"

enum { WIDENED_LEAST = 4096 }; /* elements: below, nobody minds */

static bool widened_half(const model* m, uint32_t array) {
  const char* d = text_dtype(m->arrays[array].dtype);
  return text_dtype_size(m->arrays[array].dtype) == 2 && strstr(d, "float");
}

/* Of data that the program made, no node tells the type: its buffer is small or
 * not. 0: not known. */
static uint64_t widened_elements(const model* m, uint32_t array) {
  const model_array* a = &m->arrays[array];
  uint64_t size = text_dtype_size(a->dtype);
  if (size) return a->bytes / size;
  return a->node == MODEL_NONE && a->buffer != MODEL_NONE
             ? m->buffers[a->buffer].size / 4
             : 0;
}

/* The array of half precision that an operand is a cast of, which the operation
 * itself asked for: it stands at the operation's line. MODEL_NONE: none. */
static uint32_t widened_from(
    const rules_run* run, uint32_t operand, uint32_t line) {
  const model* m = run->model;
  uint32_t array = rules_behind(run, operand), node = m->arrays[array].node;
  if (node == MODEL_NONE || !m->nodes[node].n_inputs ||
      !rules_is(run, node, "AsType") ||
      !rules_same_line(m, model_node_stack(m, node), line))
    return MODEL_NONE;
  uint32_t from = m->inputs[m->nodes[node].first_input];
  return widened_half(m, from) && text_dtype_size(m->arrays[array].dtype) == 4
             ? from
             : MODEL_NONE;
}

/* Whether what comes out is cast down again at once: it was meant. */
static bool widened_meant(const rules_run* run, uint32_t array) {
  const model* m = run->model;
  uint32_t n;
  const uint32_t* readers = model_consumers(m, array, &n);
  for (uint32_t i = 0; i < n; i++)
    if (!rules_is(run, readers[i], "AsType") ||
        !m->nodes[readers[i]].n_outputs ||
        !widened_half(m, m->nodes[readers[i]].first_output))
      return false;
  return n > 0;
}

/* Who widened: the other operand. NULL: nobody by accident. */
static const char* widened_why(
    const rules_run* run, uint32_t half, uint32_t other, uint32_t line) {
  const model* m = run->model;
  uint32_t too = widened_from(run, other, line);
  if (too != MODEL_NONE)
    return m->arrays[too].dtype != m->arrays[half].dtype
               ? "two half precisions that have no common one"
               : NULL;
  uint32_t source = rules_behind(run, other);
  uint64_t elements = widened_elements(m, source);
  if (!elements || (m->arrays[source].dtype != TEXT_DTYPE_UNKNOWN &&
                    text_dtype_size(m->arrays[source].dtype) != 4))
    return NULL;
  if (elements == 1) return "a scalar of float32";
  if (elements * 4 <= widened_elements(m, half))
    return "a small array of float32";
  return NULL;
}

bool rule_widened(rules_run* run) {
  const model* m = run->model;
  for (uint32_t i = 0; i < m->n_nodes; i++) {
    const model_node* n = &m->nodes[i];
    if (n->n_inputs != 2 || n->n_outputs != 1 || n->eval == MODEL_NONE ||
        n->of != MODEL_NONE ||
        text_dtype_size(m->arrays[n->first_output].dtype) != 4)
      continue;
    uint32_t line = model_node_stack(m, i), half = MODEL_NONE;
    const char* why = NULL;
    for (uint32_t k = 0; k < 2 && !why; k++) {
      half = widened_from(run, m->inputs[n->first_input + k], line);
      if (half != MODEL_NONE && widened_elements(m, half) >= WIDENED_LEAST)
        why = widened_why(run, half, m->inputs[n->first_input + 1 - k], line);
    }
    if (!why || widened_meant(run, n->first_output)) continue;
    finding* f = rules_at(run, line);
    if (!f) return false;
    char bytes[TEXT_SIZE], shape[80];
    f->count++;
    f->cost_bytes += m->arrays[n->first_output].bytes / 2;
    if (f->node == MODEL_NONE) f->node = i;
    snprintf(
        f->evidence,
        sizeof f->evidence,
        "%s of shape %s became float32 in %.40s: %s met it; what follows "
        "moves %s more, %u time%s.",
        text_dtype(m->arrays[half].dtype),
        text_shape(shape, sizeof shape, m, half),
        model_string(m, n->op),
        why,
        text_bytes(bytes, f->cost_bytes),
        f->count,
        f->count == 1 ? "" : "s");
  }
  return true;
}
