/* From a closure to a function: the closure runs once on placeholders, and all
 * that its results need, down to the placeholders and to arrays whose values
 * are known, becomes values and nodes. */
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/scope.h"
#include "eval/eval.h"
#include "ops/infer.h"
#include "ops/shape.h"
#include "portable/function.h"
#include "portable/registry.h"
#include "stream/stream.h"
#include "transform/graph.h"

/* Codes of arrays while their number is growing: inputs, then leaves, count
 * down from -1; outputs of nodes count up from 0. */
typedef struct trace_frame {
  lz_node* node;
  uint32_t next;
} trace_frame;

typedef struct trace_walk {
  lz_function* f; /* its nodes and values are those of the walk so far */
  size_t node_room, value_room;
  uint32_t n_inputs;
  lz_table seen; /* array → its code */
  lz_list leaves;
  trace_frame* frames;
  size_t count, capacity;
  function_value* outputs; /* of nodes; dtype DTYPE_COUNT: not known yet */
  size_t n_outputs;
} trace_walk;

static void walk_clear(trace_walk* w) {
  table_clear(&w->seen);
  list_clear(&w->leaves);
  free(w->frames);
  free(w->outputs);
}

/* Room for `more` in a list that realloc() grows. */
static void* walk_room(
    void* items, size_t count, size_t more, size_t* room, size_t size) {
  if (count + more <= *room) return items;
  size_t capacity = 2 * *room + more + 64;
  void* grown = realloc(items, capacity * size);
  if (!grown) return error_memory();
  *room = capacity;
  return grown;
}

static int walk_push(trace_walk* w, lz_node* n) {
  trace_frame* frames =
      walk_room(w->frames, w->count, 1, &w->capacity, sizeof *frames);
  if (!frames) return 1;
  w->frames = frames;
  w->frames[w->count++] = (trace_frame){n, 0};
  return 0;
}

/* Begins with what made the array, or takes it for a constant: one that is
 * known, or that no file can say how to make. */
static int walk_enter(trace_walk* w, lz_array* a) {
  if (table_find(&w->seen, a)) return 0;
  if (a->node) {
    const registry_entry* e = registry_of(a->node->op);
    if (e && !e->refused) return walk_push(w, a->node);
    if (a->flags & ARRAY_TRACER)
      return error_fail(
          "[export_function] the operation %s cannot be exported: %s",
          a->node->op->name,
          e ? e->refused : "files have no name for it");
  } else if (array_status(a) == ARRAY_LAZY) {
    return error_fail(
        "[export_function] the function uses an array of shape %s that belongs "
        "to a transformation around it",
        error_shape_of(a));
  }
  int64_t code = -1 - (int64_t)(w->n_inputs + w->leaves.count);
  return list_append(&w->leaves, a) || table_set(&w->seen, a, NULL, code);
}

static int value_set(
    lz_arena* arena,
    function_value* v,
    lz_dtype dtype,
    int ndim,
    const int32_t* shape) {
  v->dtype = dtype;
  v->ndim = ndim;
  v->size = 1;
  v->shape = arena_get(arena, sizeof *shape * (size_t)ndim);
  if (!v->shape) return 1;
  for (int d = 0; d < ndim; d++) v->size *= v->shape[d] = shape[d];
  return 0;
}

static int value_like(lz_arena* arena, function_value* v, const lz_array* a) {
  return value_set(arena, v, (lz_dtype)a->dtype, a->ndim, a->shape);
}

/* The node as plain data. It is copied at once: an evaluation, of another
 * thread or of the constants, may rewrite the graph. `in` holds codes. */
static int walk_copy(trace_walk* w, const lz_node* n) {
  lz_function* f = w->f;
  function_node* nodes =
      walk_room(f->nodes, f->n_nodes, 1, &w->node_room, sizeof *nodes);
  if (!nodes) return 1;
  f->nodes = nodes;
  function_node* to = &nodes[f->n_nodes];
  *to = (function_node){
      .op = n->op,
      .stream = n->stream,
      .params_size = n->params_size,
      .n_in = n->n_inputs,
      .n_out = n->n_outputs,
      .first = (uint32_t)w->n_outputs};
  void* params = arena_get(&f->arena, n->params_size);
  to->in = arena_get(&f->arena, to->n_in * sizeof *to->in);
  if (!params || !to->in) return 1;
  if (n->params_size) memcpy(params, n->params, n->params_size);
  to->params = params;
  for (uint32_t i = 0; i < to->n_in; i++)
    to->in[i] = (uint32_t)(int32_t)table_find(&w->seen, n->inputs[i])->number;
  f->n_nodes++;
  return 0;
}

/* All inputs of the node are known. */
static int walk_leave(trace_walk* w, lz_node* n) {
  function_value* outputs = walk_room(
      w->outputs, w->n_outputs, n->n_outputs, &w->value_room, sizeof *outputs);
  if (!outputs) return 1;
  w->outputs = outputs;
  for (uint32_t i = 0; i < n->n_outputs; i++) {
    function_value* v = &outputs[w->n_outputs + i];
    v->dtype = DTYPE_COUNT;
    lz_array* out = node_output_ref(n, (int)i);
    if (!out) continue;
    bool done = table_find(&w->seen, out) != NULL;
    int failed =
        !done && (table_set(&w->seen, out, NULL, (int64_t)(w->n_outputs + i)) ||
                  value_like(&w->f->arena, v, out));
    array_unref(out);
    if (done) return 0; /* it waited on the stack twice */
    if (failed) return 1;
  }
  if (walk_copy(w, n)) return 1;
  w->n_outputs += n->n_outputs;
  return 0;
}

static int walk_from(trace_walk* w, lz_array* target) {
  if (walk_enter(w, target)) return 1;
  while (w->count) {
    trace_frame* f = &w->frames[w->count - 1];
    lz_node* n = f->node;
    if (f->next < n->n_inputs) {
      if (walk_enter(w, n->inputs[f->next++])) return 1;
      continue;
    }
    w->count--;
    if (walk_leave(w, n)) return 1;
  }
  return 0;
}

/* ---- from the walk to a function ----------------------------------------- */

static uint32_t walk_value(const trace_walk* w, int32_t code) {
  uint32_t base = w->n_inputs + (uint32_t)w->leaves.count;
  return code < 0 ? (uint32_t)(-1 - code) : base + (uint32_t)code;
}

/* Constants by value and row-contiguous. */
static int trace_constants(lz_function* f, const lz_list* leaves) {
  f->n_constants = (uint32_t)leaves->count;
  f->constants =
      arena_get(&f->arena, (f->n_constants + 1) * sizeof *f->constants);
  if (!f->constants) return 1;
  memset(f->constants, 0, (f->n_constants + 1) * sizeof *f->constants);
  lz_stream* s = stream_default(DEVICE_CPU);
  if (!s) return 1;
  size_t scope = scope_open();
  int failed = 0;
  for (uint32_t i = 0; i < f->n_constants && !failed; i++) {
    lz_array* flat = op_contiguous(leaves->items[i], false, s);
    failed = !flat;
    if (flat) f->constants[i] = array_ref(flat);
  }
  scope_close(scope, NULL);
  return failed ||
         eval_arrays(
             f->constants, f->n_constants, LAZULI_TRIGGER_EXPORT, false);
}

static int trace_names(lz_function* f, const function_call* c) {
  f->names = arena_get(&f->arena, f->n_names * sizeof *f->names);
  if (!f->names) return 1;
  for (uint32_t i = 0; i < f->n_names; i++) {
    size_t n = strlen(c->names[i]) + 1;
    if (!(f->names[i] = arena_get(&f->arena, n))) return 1;
    memcpy(f->names[i], c->names[i], n);
  }
  return 0;
}

static int trace_values(
    lz_function* f, const trace_walk* w, const function_call* c) {
  uint32_t first = w->n_inputs + f->n_constants;
  f->n_values = first + (uint32_t)w->n_outputs;
  f->values = arena_get(&f->arena, f->n_values * sizeof *f->values);
  if (!f->values) return 1;
  for (uint32_t i = 0; i < w->n_inputs; i++)
    if (value_like(&f->arena, &f->values[i], c->in[i])) return 1;
  for (uint32_t i = 0; i < f->n_constants; i++)
    if (value_like(&f->arena, &f->values[w->n_inputs + i], f->constants[i]))
      return 1;
  if (w->n_outputs)
    memcpy(f->values + first, w->outputs, w->n_outputs * sizeof *f->values);
  return 0;
}

/* From codes to values; and the rules' word on every node, which also tells
 * the shapes of outputs that nobody had any more. */
static int trace_nodes(lz_function* f, const trace_walk* w) {
  uint32_t first = w->n_inputs + f->n_constants;
  for (uint32_t i = 0; i < f->n_nodes; i++) {
    function_node* n = &f->nodes[i];
    n->first += first;
    for (uint32_t k = 0; k < n->n_in; k++)
      n->in[k] = walk_value(w, (int32_t)n->in[k]);
    if (function_check(f, n)) {
      error_context("[export_function] node %u", i);
      return 1;
    }
  }
  return 0;
}

static int trace_fill(
    lz_function* f,
    const trace_walk* w,
    const function_call* c,
    const lz_list* outs) {
  f->n_args = c->n_args;
  f->n_names = c->n_names;
  f->outputs = arena_get(&f->arena, outs->count * sizeof *f->outputs);
  if (!f->outputs || trace_names(f, c) || trace_constants(f, &w->leaves) ||
      trace_values(f, w, c) || trace_nodes(f, w))
    return 1;
  for (size_t i = 0; i < outs->count; i++) {
    int64_t code = table_find(&w->seen, outs->items[i])->number;
    f->outputs[f->n_outputs++] = walk_value(w, (int32_t)code);
  }
  return 0;
}

/* ---- calling the closure ------------------------------------------------- */

static int trace_call(
    lz_closure* f,
    const function_call* c,
    const lz_list* tracers,
    lz_list* outs) {
  lz_list args = {tracers->items, c->n_args, 0};
  lz_map kwargs = {0};
  int failed = 0;
  for (uint32_t i = 0; i < c->n_names && !failed; i++) {
    lz_value v;
    failed = value_array(&v, tracers->items[c->n_args + i]) ||
             map_insert(&kwargs, c->names[i], &v);
  }
  closure_args call = {.in = {&args}, .kwargs = &kwargs};
  if (!failed) failed = closure_call(f, &call);
  if (!failed) {
    *outs = call.out[0];
    call.out[0] = (lz_list){0};
  }
  closure_args_clear(&call);
  map_clear(&kwargs);
  return failed;
}

lz_function* function_trace(
    lz_closure* closure, const function_call* c, bool shapeless) {
  lz_list given = {c->in, (size_t)c->n_args + c->n_names, 0};
  lz_list tracers = {0}, outs = {0};
  trace_walk w = {.f = function_new(), .n_inputs = c->n_args + c->n_names};
  int failed = !w.f || tracers_of(&given, &tracers, false);
  if (!failed) {
    eval_trace_enter();
    if (shapeless) infer_shapeless_enter();
    failed = trace_call(closure, c, &tracers, &outs);
    if (shapeless) infer_shapeless_leave();
    eval_trace_leave();
  }
  for (size_t i = 0; i < tracers.count && !failed; i++)
    failed = table_set(&w.seen, tracers.items[i], NULL, -1 - (int64_t)i);
  eval_graph_lock();
  for (size_t i = 0; i < outs.count && !failed; i++)
    failed = walk_from(&w, outs.items[i]);
  eval_graph_unlock();
  if (!failed) failed = trace_fill(w.f, &w, c, &outs);
  if (failed) {
    function_free(w.f);
    w.f = NULL;
  }
  walk_clear(&w);
  list_clear(&outs);
  list_clear(&tracers);
  return w.f;
}
