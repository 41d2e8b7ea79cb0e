/* What the events leave to be concluded, once all of them are known. */
#include "lazuli/probe.h"
#include "load.h"

static uint32_t relate_row(const uint32_t* to, uint32_t n, uint32_t row) {
  while (row < n && to[row] != row) row = to[row];
  return row;
}

static bool relate_moved(loader* l) {
  uint32_t n = l->arrays.n;
  if (!l->moved.n) return true;
  uint32_t* to = malloc(((size_t)n + 1) * sizeof *to);
  if (!to) return false;
  for (uint32_t i = 0; i < n; i++) to[i] = i;
  for (uint32_t i = 0; i < l->moved.n; i++)
    to[l->moved.at[i].from] = l->moved.at[i].to;
#define MOVE(row) ((row) = relate_row(to, n, (row)))
  for (uint32_t i = 0; i < l->inputs.n; i++) MOVE(l->inputs.at[i]);
  for (uint32_t i = 0; i < l->eval_outputs.n; i++) MOVE(l->eval_outputs.at[i]);
  for (uint32_t i = 0; i < l->kernel_arrays.n; i++)
    MOVE(l->kernel_arrays.at[i]);
  for (uint32_t i = 0; i < l->buffers.n; i++) MOVE(l->buffers.at[i].array);
  for (uint32_t i = 0; i < l->arrays.n; i++) MOVE(l->arrays.at[i].base);
  for (uint32_t i = 0; i < l->donations.n; i++) {
    MOVE(l->donations.at[i].input);
    MOVE(l->donations.at[i].output);
  }
#undef MOVE
  free(to);
  return true;
}

/* Views and folded nodes have no kernel, and some runtimes tell of none: what
 * an evaluation's outputs reach, and no earlier one computed, it computed. */
typedef VEC(uint32_t) relate_pending;

static bool relate_reach(
    loader* l, uint32_t eval, uint8_t* seen, relate_pending* todo) {
  const model_eval* v = &l->evals.at[eval];
  for (uint32_t i = 0; i < v->n_outputs; i++) {
    uint32_t array = l->eval_outputs.at[v->first_output + i];
    if (!VEC_ADD(*todo, l->arrays.at[array].node)) return false;
  }
  while (todo->n) {
    uint32_t node = todo->at[--todo->n];
    if (node == MODEL_NONE || seen[node]) continue;
    model_node* n = &l->nodes.at[node];
    if (n->rewrite == LAZULI_REWRITE_DROPPED) continue;
    if (n->eval != MODEL_NONE && n->eval != eval) continue;
    if (n->time_ns > v->end_ns)
      continue; /* damaged: built after the call had returned */
    seen[node] = 1;
    n->eval = eval;
    for (uint32_t i = 0; i < n->n_inputs; i++) {
      uint32_t from = l->arrays.at[l->inputs.at[n->first_input + i]].node;
      if (from != MODEL_NONE && !seen[from] && !VEC_ADD(*todo, from))
        return false;
    }
  }
  return true;
}

static bool relate_evals(loader* l) {
  uint8_t* seen = calloc((size_t)l->nodes.n + 1, 1);
  relate_pending todo = {0};
  bool fine = seen != NULL;
  /* A failed evaluation computed what no sound one did. */
  for (int failed = 0; failed < 2; failed++)
    for (uint32_t i = 0; i < l->evals.n && fine; i++)
      if (l->evals.at[i].failed == failed)
        fine = relate_reach(l, i, seen, &todo);
  free(todo.at);
  free(seen);
  return fine;
}

static bool relate_counts(loader* l) {
  uint32_t* nodes = calloc((size_t)l->evals.n + 1, sizeof *nodes);
  uint32_t* kernels = calloc((size_t)l->evals.n + 1, sizeof *kernels);
  bool fine = nodes && kernels;
  for (uint32_t i = 0; i < l->nodes.n && fine; i++)
    if (l->nodes.at[i].eval != MODEL_NONE) nodes[l->nodes.at[i].eval]++;
  for (uint32_t i = 0; i < l->kernels.n && fine; i++) {
    model_kernel* k = &l->kernels.at[i];
    if (!k->name && k->n_nodes)
      k->name =
          l->nodes.at[l->kernel_nodes.at[k->first_node + k->n_nodes - 1]].op;
    if (k->eval == MODEL_NONE) continue;
    kernels[k->eval] += k->begin_ns != UINT64_MAX;
    model_eval* v = &l->evals.at[k->eval];
    if (k->end_ns != UINT64_MAX && k->end_ns > v->done_ns)
      v->done_ns = k->end_ns;
  }
  for (uint32_t i = 0; i < l->evals.n && fine; i++) {
    model_eval* v = &l->evals.at[i];
    if (!v->nodes) v->nodes = nodes[i];
    if (!v->kernels) v->kernels = kernels[i];
    if (!v->done_ns) v->done_ns = v->end_ns;
  }
  free(nodes);
  free(kernels);
  return fine;
}

static bool relate_consumers(loader* l) {
  uint32_t n = l->arrays.n;
  uint32_t* first = calloc((size_t)n + 3, sizeof *first);
  uint32_t* consumers = malloc(((size_t)l->inputs.n + 1) * sizeof *consumers);
  l->consumer_first = first;
  l->consumers = consumers;
  if (!first || !consumers) return false;
  /* first[a + 1] counts, then is where a's list goes on. */
  for (uint32_t i = 0; i < l->inputs.n; i++) first[l->inputs.at[i] + 2]++;
  for (uint32_t i = 0; i < n; i++) first[i + 2] += first[i + 1];
  for (uint32_t i = 0; i < l->nodes.n; i++) {
    const model_node* node = &l->nodes.at[i];
    for (uint32_t k = 0; k < node->n_inputs; k++)
      consumers[first[l->inputs.at[node->first_input + k] + 1]++] = i;
  }
  return true;
}

static bool relate_sharers(loader* l) {
  uint32_t* first = calloc((size_t)l->buffers.n + 3, sizeof *first);
  uint32_t* sharers = malloc(((size_t)l->arrays.n + 1) * sizeof *sharers);
  l->sharer_first = first;
  l->sharers = sharers;
  if (!first || !sharers) return false;
  for (uint32_t i = 0; i < l->arrays.n; i++)
    if (l->arrays.at[i].buffer != MODEL_NONE)
      first[l->arrays.at[i].buffer + 2]++;
  for (uint32_t i = 0; i < l->buffers.n; i++) first[i + 2] += first[i + 1];
  for (uint32_t i = 0; i < l->arrays.n; i++)
    if (l->arrays.at[i].buffer != MODEL_NONE)
      sharers[first[l->arrays.at[i].buffer + 1]++] = i;
  return true;
}

bool load_relate(loader* l) {
  return relate_moved(l) && relate_evals(l) && relate_counts(l) &&
         relate_consumers(l) && relate_sharers(l);
}
