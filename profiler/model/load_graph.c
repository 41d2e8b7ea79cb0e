/* The graph, its evaluations and their kernels. */
#include "lazuli/probe.h"
#include "load.h"
#include "text.h"

static uint32_t load_new_array(loader* l, uint64_t id) {
  model_array* a = VEC_PUSH(l->arrays);
  if (!a || !ids_put(&l->array_ids, id, l->arrays.n - 1)) return MODEL_NONE;
  a->id = id;
  a->node = a->buffer = a->base = MODEL_NONE;
  a->dtype = TEXT_DTYPE_UNKNOWN;
  a->released_ns = UINT64_MAX;
  return l->arrays.n - 1;
}

uint32_t load_array_row(loader* l, uint64_t id) {
  if (!id) return MODEL_NONE;
  uint32_t row = ids_get(&l->array_ids, id);
  return row != UINT32_MAX ? row : load_new_array(l, id);
}

uint32_t load_node_of(const loader* l, uint64_t id) {
  uint32_t row = id ? ids_get(&l->array_ids, id) : UINT32_MAX;
  return row == UINT32_MAX ? MODEL_NONE : l->arrays.at[row].node;
}

/* The rows of a node's outputs are neighbours. One that was met before its
 * node did (as an input, or asked for) may stand elsewhere: it moves. */
static bool load_outputs(
    loader* l, uint64_t id, uint32_t count, uint32_t* out) {
  if (count == 1) {
    *out = load_array_row(l, id);
    return *out != MODEL_NONE;
  }
  *out = l->arrays.n;
  for (uint32_t i = 0; i < count; i++) {
    uint32_t old = ids_get(&l->array_ids, id + i);
    uint32_t row = load_new_array(l, id + i);
    if (row == MODEL_NONE) return false;
    if (old == UINT32_MAX) continue;
    load_moved* moved = VEC_PUSH(l->moved);
    if (!moved) return false;
    *moved = (load_moved){old, row};
    l->arrays.at[row] = l->arrays.at[old];
    l->arrays.at[old].id = 0;
  }
  return true;
}

static bool load_shape(loader* l, model_array* a, const trace_array* from) {
  a->dtype = from->dtype;
  a->ndim = from->ndim;
  a->shape = l->dims.n;
  a->bytes = text_dtype_size(from->dtype);
  if (!VEC_ROOM(l->dims, from->ndim)) return false;
  for (uint32_t d = 0; d < from->ndim; d++) {
    int32_t extent = from->shape[d];
    l->dims.at[l->dims.n++] = extent;
    if (__builtin_mul_overflow(
            a->bytes, extent > 0 ? (uint64_t)extent : 0, &a->bytes))
      a->bytes = UINT64_MAX;
  }
  return true;
}

/* The node behind an array that a node derives or repeats. */
static uint32_t load_of(const loader* l, uint64_t array) {
  uint32_t row = array ? ids_get(&l->array_ids, array) : UINT32_MAX;
  if (row == UINT32_MAX || l->arrays.at[row].node == MODEL_NONE)
    return MODEL_NONE;
  uint32_t node = l->arrays.at[row].node;
  return l->nodes.at[node].of != MODEL_NONE ? l->nodes.at[node].of : node;
}

bool load_node(loader* l, const trace_event* e) {
  const trace_node* from = &e->node;
  uint32_t count = from->outputs.count;
  if (load_node_of(l, from->id) != MODEL_NONE) return true; /* told twice */
  uint32_t first = 0;
  if (!from->id) count = 0;
  if (count && !load_outputs(l, from->id, count, &first)) return false;
  uint32_t first_input = l->inputs.n;
  for (uint32_t i = 0; i < from->inputs.count; i++) {
    if (!from->inputs.ids[i]) continue;
    uint32_t row = load_array_row(l, from->inputs.ids[i]);
    if (row == MODEL_NONE || !VEC_ADD(l->inputs, row)) return false;
  }
  uint32_t thread = load_thread_row(l, e->origin);
  uint32_t of = load_of(l, from->of);
  model_node* n = VEC_PUSH(l->nodes);
  if (!n || thread == MODEL_NONE) return false;
  n->of = of;
  n->time_ns = load_time(l, e->time);
  n->op = load_string_row(l, from->op);
  n->stream = from->stream;
  n->stack = load_stack_row(l, from->stack);
  n->thread = thread;
  n->first_input = first_input;
  n->n_inputs = l->inputs.n - first_input;
  n->first_output = first;
  n->n_outputs = count;
  n->eval = n->kernel = n->merged_into = MODEL_NONE;
  for (uint32_t i = 0; i < count; i++) {
    model_array* a = &l->arrays.at[first + i];
    a->node = l->nodes.n - 1;
    if (!load_shape(l, a, &from->outputs.arrays[i])) return false;
  }
  return true;
}

bool load_release(loader* l, const trace_event* e) {
  uint32_t row = load_array_row(l, e->release.array);
  if (row != MODEL_NONE) l->arrays.at[row].released_ns = load_time(l, e->time);
  return row != MODEL_NONE || !e->release.array;
}

uint32_t load_eval_row(loader* l, uint64_t id, uint64_t time_ns) {
  if (!id) return MODEL_NONE;
  uint32_t row = ids_get(&l->eval_ids, id);
  if (row != UINT32_MAX) return row;
  model_eval* v = VEC_PUSH(l->evals);
  if (!v || !ids_put(&l->eval_ids, id, l->evals.n - 1)) return MODEL_NONE;
  v->id = id;
  v->begin_ns = time_ns;
  v->end_ns = UINT64_MAX;
  v->stack = MODEL_NONE;
  return l->evals.n - 1;
}

bool load_eval_begin(loader* l, const trace_event* e) {
  const trace_eval_begin* from = &e->eval_begin;
  uint64_t time = load_time(l, e->time);
  uint32_t row = load_eval_row(l, from->eval, time);
  uint32_t thread = load_thread_row(l, e->origin);
  if (row == MODEL_NONE || thread == MODEL_NONE) return !from->eval;
  model_eval* v = &l->evals.at[row];
  v->begin_ns = time;
  v->trigger = from->trigger;
  v->is_async = from->is_async;
  v->stack = load_stack_row(l, from->stack);
  v->thread = thread;
  v->first_output = l->eval_outputs.n;
  for (uint32_t i = 0; i < from->outputs.count; i++) {
    uint32_t array = load_array_row(l, from->outputs.ids[i]);
    if (array != MODEL_NONE && !VEC_ADD(l->eval_outputs, array)) return false;
  }
  v->n_outputs = l->eval_outputs.n - v->first_output;
  return true;
}

bool load_eval_end(loader* l, const trace_event* e) {
  uint64_t time = load_time(l, e->time);
  uint32_t row = load_eval_row(l, e->eval_end.eval, time);
  if (row == MODEL_NONE) return !e->eval_end.eval;
  model_eval* v = &l->evals.at[row];
  v->end_ns = time < v->begin_ns ? v->begin_ns : time;
  v->nodes = e->eval_end.nodes;
  v->kernels = e->eval_end.kernels;
  v->plan_cached = e->eval_end.plan_cached;
  v->failed = e->eval_end.failed;
  v->plan_ns = e->eval_end.plan_ns;
  return true;
}

bool load_rewrite(loader* l, const trace_event* e) {
  uint32_t node = load_node_of(l, e->rewrite.node);
  if (node == MODEL_NONE) return true;
  model_node* n = &l->nodes.at[node];
  uint32_t eval = load_eval_row(l, e->rewrite.eval, load_time(l, e->time));
  /* A value that other kernels compute again has its own still. */
  bool again = e->rewrite.what == LAZULI_REWRITE_RECOMPUTED;
  if (!again || !n->rewrite) n->rewrite = e->rewrite.what;
  uint32_t into = load_node_of(l, e->rewrite.into);
  if (into != node && !again) n->merged_into = into;
  if (n->eval == MODEL_NONE && n->rewrite != LAZULI_REWRITE_DROPPED)
    n->eval = eval;
  return eval != MODEL_NONE || !e->rewrite.eval;
}

uint32_t load_kernel_row(loader* l, uint64_t id) {
  if (!id) return MODEL_NONE;
  uint32_t row = ids_get(&l->kernel_ids, id);
  if (row != UINT32_MAX) return row;
  model_kernel* k = VEC_PUSH(l->kernels);
  if (!k || !ids_put(&l->kernel_ids, id, l->kernels.n - 1)) return MODEL_NONE;
  k->id = id;
  k->begin_ns = k->end_ns = UINT64_MAX;
  k->eval = MODEL_NONE;
  return l->kernels.n - 1;
}

static bool load_kernel_list(loader* l, trace_ids ids, uint32_t* count) {
  uint32_t first = l->kernel_arrays.n;
  for (uint32_t i = 0; i < ids.count; i++) {
    uint32_t row = load_array_row(l, ids.ids[i]);
    if (row != MODEL_NONE && !VEC_ADD(l->kernel_arrays, row)) return false;
  }
  *count = l->kernel_arrays.n - first;
  return true;
}

bool load_fusion(loader* l, const trace_event* e) {
  const trace_fusion* from = &e->fusion;
  uint64_t time = load_time(l, e->time);
  uint32_t row = load_kernel_row(l, from->kernel);
  uint32_t eval = load_eval_row(l, from->eval, time);
  if (row == MODEL_NONE) return !from->kernel;
  model_kernel* k = &l->kernels.at[row];
  if (k->n_nodes) return true; /* told twice */
  if (eval != MODEL_NONE) k->eval = eval;
  k->bytes_saved = from->bytes_saved;
  k->first_node = l->kernel_nodes.n;
  for (uint32_t i = 0; i < from->nodes.count; i++) {
    uint32_t node = load_node_of(l, from->nodes.ids[i]);
    if (node == MODEL_NONE) continue;
    if (!VEC_ADD(l->kernel_nodes, node)) return false;
    model_node* n = &l->nodes.at[node];
    if (n->kernel != MODEL_NONE)
      continue; /* computed again; the first time counts */
    n->kernel = row;
    n->eval = k->eval;
  }
  k->n_nodes = l->kernel_nodes.n - k->first_node;
  k->first_input = l->kernel_arrays.n;
  return load_kernel_list(l, from->inputs, &k->n_inputs) &&
         load_kernel_list(l, from->outputs, &k->n_outputs);
}

bool load_refusal(loader* l, const trace_event* e) {
  model_refusal* r = VEC_PUSH(l->refusals);
  if (!r) return false;
  const trace_refusal* from = &e->refusal;
  r->eval = load_eval_row(l, from->eval, load_time(l, e->time));
  r->producer = load_node_of(l, from->producer);
  r->consumer = load_node_of(l, from->consumer);
  r->reason = from->reason;
  r->limit = from->limit;
  r->value = from->value;
  r->bytes = from->bytes;
  return true;
}

bool load_kernel_begin(loader* l, const trace_event* e) {
  const trace_kernel_begin* from = &e->kernel_begin;
  uint64_t time = load_time(l, e->time);
  uint32_t row = load_kernel_row(l, from->kernel);
  uint32_t eval = load_eval_row(l, from->eval, time);
  uint32_t thread = load_thread_row(l, e->origin);
  if (row == MODEL_NONE || thread == MODEL_NONE) return !from->kernel;
  model_kernel* k = &l->kernels.at[row];
  if (k->end_ns == UINT64_MAX) k->begin_ns = time;
  if (eval != MODEL_NONE) k->eval = eval;
  k->stream = from->stream;
  k->name = load_string_row(l, from->name);
  k->thread = thread;
  return true;
}

bool load_kernel_end(loader* l, const trace_event* e) {
  const trace_kernel_end* from = &e->kernel_end;
  uint32_t row = load_kernel_row(l, from->kernel);
  if (row == MODEL_NONE) return !from->kernel;
  model_kernel* k = &l->kernels.at[row];
  k->begin_ns = load_time(l, from->begin_ns);
  k->end_ns = load_time(l, from->end_ns);
  if (k->end_ns < k->begin_ns) k->end_ns = k->begin_ns;
  k->stream = from->stream;
  k->bytes_read = from->bytes_read;
  k->bytes_written = from->bytes_written;
  k->flops = from->flops;
  return true;
}
