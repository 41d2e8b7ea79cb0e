#include "transform/graph.h"

#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/op.h"
#include "core/scope.h"
#include "eval/eval.h"
#include "ops/shape.h"
#include "ops/view.h"
#include "stream/stream.h"

/* ---- tables ------------------------------------------------------------- */

static size_t table_slot(const lz_table* t, const lz_array* key) {
  size_t mask = t->capacity - 1;
  size_t at =
      (size_t)(((uintptr_t)key >> 6) * UINT64_C(0x9e3779b97f4a7c15) >> 20);
  for (at &= mask; t->entries[at].key && t->entries[at].key != key;)
    at = (at + 1) & mask;
  return at;
}

struct table_entry* table_find(const lz_table* t, const lz_array* key) {
  if (!t->capacity) return NULL;
  struct table_entry* e = &t->entries[table_slot(t, key)];
  return e->key ? e : NULL;
}

static int table_grow(lz_table* t) {
  lz_table big = {.capacity = t->capacity ? 2 * t->capacity : 64};
  big.entries = calloc(big.capacity, sizeof *big.entries);
  if (!big.entries) return error_memory() == NULL;
  for (size_t i = 0; i < t->capacity; i++)
    if (t->entries[i].key)
      big.entries[table_slot(&big, t->entries[i].key)] = t->entries[i];
  free(t->entries);
  t->entries = big.entries;
  t->capacity = big.capacity;
  return 0;
}

struct table_entry* table_at(lz_table* t, lz_array* key) {
  if (2 * (t->count + 1) > t->capacity && table_grow(t)) return NULL;
  struct table_entry* e = &t->entries[table_slot(t, key)];
  if (!e->key) {
    e->key = array_ref(key);
    t->count++;
  }
  return e;
}

int table_set(lz_table* t, lz_array* key, lz_array* value, int64_t number) {
  struct table_entry* e = table_at(t, key);
  if (!e) return 1;
  if (value) array_ref(value);
  array_unref(e->value);
  e->value = value;
  e->number = number;
  return 0;
}

void table_clear(lz_table* t) {
  for (size_t i = 0; i < t->capacity; i++)
    if (t->entries[i].key) {
      array_unref(t->entries[i].key);
      array_unref(t->entries[i].value);
    }
  free(t->entries);
  *t = (lz_table){0};
}

/* ---- trails ---------------------------------------------------------------
 */

typedef struct trail_frame {
  lz_node* node;
  uint32_t next;
} trail_frame;

typedef struct trail_walk {
  lz_trail* trail;
  lz_table* depends; /* number: 1 depends on a source, 0 visited and does not */
  trail_frame* frames;
  size_t count, capacity;
} trail_walk;

static int trail_append(lz_trail* t, lz_node* n) {
  if (t->count == t->capacity) {
    size_t capacity = t->capacity ? 2 * t->capacity : 64;
    lz_node** nodes = realloc(t->nodes, capacity * sizeof *nodes);
    if (!nodes) return error_memory() == NULL;
    t->nodes = nodes;
    t->capacity = capacity;
  }
  t->nodes[t->count++] = node_ref(n);
  return 0;
}

void trail_clear(lz_trail* t) {
  for (size_t i = 0; i < t->count; i++) node_unref(t->nodes[i]);
  free(t->nodes);
  *t = (lz_trail){0};
}

static int trail_push(trail_walk* w, lz_node* n) {
  if (w->count == w->capacity) {
    size_t capacity = w->capacity ? 2 * w->capacity : 128;
    trail_frame* frames = realloc(w->frames, capacity * sizeof *frames);
    if (!frames) return error_memory() == NULL;
    w->frames = frames;
    w->capacity = capacity;
  }
  w->frames[w->count++] = (trail_frame){n, 0};
  return 0;
}

/* What depends on a source carries the tracer's mark; other arrays are passed
 * by without a look at what made them. */
static bool trail_enters(const trail_walk* w, const lz_array* a) {
  return (a->flags & ARRAY_TRACER) && a->node && !table_find(w->depends, a);
}

/* All inputs are known: so is whether the node depends on a source. */
static int trail_leave(trail_walk* w, lz_node* n) {
  bool depends = false;
  for (uint32_t i = 0; i < n->n_inputs && !depends; i++) {
    struct table_entry* e = table_find(w->depends, n->inputs[i]);
    depends = e && e->number;
  }
  int failed = 0;
  for (uint32_t i = 0; i < n->n_outputs && !failed; i++) {
    lz_array* out = node_output_ref(n, (int)i);
    if (!out) continue;
    failed = table_set(w->depends, out, NULL, depends);
    array_unref(out);
  }
  return failed || (depends && trail_append(w->trail, n));
}

static bool trail_done(const trail_walk* w, lz_node* n) {
  for (uint32_t i = 0; i < n->n_outputs; i++) {
    lz_array* out = node_output_ref(n, (int)i);
    if (!out) continue;
    bool known = table_find(w->depends, out) != NULL;
    array_unref(out);
    return known;
  }
  return false;
}

static int trail_from(trail_walk* w, lz_array* target) {
  if (!trail_enters(w, target)) return 0;
  if (trail_push(w, target->node)) return 1;
  while (w->count) {
    trail_frame* f = &w->frames[w->count - 1];
    lz_node* n = f->node;
    if (f->next < n->n_inputs) {
      lz_array* a = n->inputs[f->next++];
      if (trail_enters(w, a) && trail_push(w, a->node)) return 1;
      continue;
    }
    w->count--;
    /* A node may wait on the stack twice. */
    if (!trail_done(w, n) && trail_leave(w, n)) return 1;
  }
  return 0;
}

int trail_make(
    lz_trail* trail,
    lz_table* depends,
    lz_array* const* sources,
    size_t n_sources,
    lz_array* const* targets,
    size_t n_targets) {
  trail_walk w = {.trail = trail, .depends = depends};
  int failed = 0;
  for (size_t i = 0; i < n_sources && !failed; i++)
    failed = table_set(depends, sources[i], NULL, 1);
  for (size_t i = 0; i < n_targets && !failed; i++)
    failed = trail_from(&w, targets[i]);
  free(w.frames);
  return failed;
}

/* ---- tracers ---------------------------------------------------------------
 */

lz_stream* stream_of(const lz_array* a) {
  return a->node ? a->node->stream : stream_default(device_default());
}

/* A former tracer that a function kept is taken for what it stood for, lest one
 * that is kept at each call grows a chain. */
static lz_array* tracer_source(lz_array* in) {
  bool active = (in->flags & ARRAY_TRACER) && eval_is_tracing();
  return in->node && in->node->op == &op_copy_desc && !active
             ? in->node->inputs[0]
             : in;
}

int tracers_of(const lz_list* inputs, lz_list* out, bool with_values) {
  for (size_t i = 0; i < inputs->count; i++) {
    lz_array* in = inputs->items[i];
    size_t scope = scope_open();
    lz_array* t =
        with_values
            ? op_copy(tracer_source(in), stream_of(in))
            : scope_own(array_new((lz_dtype)in->dtype, in->ndim, in->shape));
    t = scope_close(scope, t);
    if (!t) return 1;
    t->flags |= ARRAY_TRACER;
    int failed = list_append(out, t);
    array_unref(t);
    if (failed) return 1;
  }
  return 0;
}

/* ---- the same again
 * ---------------------------------------------------------- */

/* Room for the outputs of a node: few are on the stack. */
enum { REBUILD_FEW = 4 };

/* What comes out where input shapes are others than they were. An output that
 * is gone is unknown: nobody reads it, and its rule need not tell. */
static int rebuild_infer(
    const lz_node* n, lz_array* const* inputs, lz_output* out) {
  for (uint32_t i = 0; i < n->n_outputs; i++) {
    lz_array* a = node_output_ref((lz_node*)n, (int)i);
    out[i].dtype = DTYPE_COUNT;
    out[i].ndim = 0;
    if (!a) continue;
    out[i].dtype = (lz_dtype)a->dtype;
    out[i].ndim = a->ndim;
    memcpy(out[i].shape, a->shape, sizeof(int32_t) * a->ndim);
    array_unref(a);
  }
  lz_infer x = {
      .op = n->op,
      .params = n->params,
      .params_size = n->params_size,
      .in = inputs,
      .n_in = (int)n->n_inputs,
      .changed = true,
      .n_out = (int)n->n_outputs,
      .out = out};
  if (n->op->infer) return n->op->infer(&x);
  return error_fail("[%s] cannot run on other shapes", n->op->name);
}

/* The node again on other inputs; outputs are of the open scope. */
static int rebuild_make(
    const lz_node* n,
    lz_array* const* inputs,
    const lz_node_output* made,
    lz_array** outputs) {
  if (n->n_outputs == 1) {
    outputs[0] = scope_own(node_make(
        n->op,
        n->stream,
        inputs,
        (int)n->n_inputs,
        n->params,
        n->params_size,
        made->dtype,
        made->ndim,
        made->shape));
    return !outputs[0];
  }
  int failed = node_make_multi(
      n->op,
      n->stream,
      inputs,
      (int)n->n_inputs,
      n->params,
      n->params_size,
      made,
      (int)n->n_outputs,
      outputs);
  return failed || scope_own_all(outputs, n->n_outputs);
}

int node_rebuild_open(
    const lz_node* n, lz_array* const* inputs, lz_array** outputs) {
  bool same = true;
  for (uint32_t i = 0; i < n->n_inputs && same; i++)
    same = array_same_shape(n->inputs[i], inputs[i]);
  if (same) return node_rebuild(n, inputs, outputs);
  lz_output few[REBUILD_FEW];
  lz_node_output few_made[REBUILD_FEW];
  lz_output* out = few;
  lz_node_output* made = few_made;
  if (n->n_outputs > REBUILD_FEW) {
    out = malloc(n->n_outputs * sizeof *out);
    made = malloc(n->n_outputs * sizeof *made);
  }
  int failed =
      !out || !made ? error_memory() == NULL : rebuild_infer(n, inputs, out);
  for (uint32_t i = 0; i < n->n_outputs && !failed; i++) {
    if (out[i].dtype == DTYPE_COUNT) out[i].dtype = DTYPE_FLOAT32;
    made[i] = (lz_node_output){out[i].dtype, out[i].ndim, out[i].shape};
  }
  failed = failed || rebuild_make(n, inputs, made, outputs);
  if (out != few) free(out);
  if (made != few_made) free(made);
  return failed;
}

int node_rebuild(
    const lz_node* n, lz_array* const* inputs, lz_array** outputs) {
  lz_node_output shapes[8];
  lz_node_output* shape = shapes;
  if (n->n_outputs > 8 && !(shape = malloc(n->n_outputs * sizeof *shape)))
    return error_memory() == NULL;
  lz_array* held[8];
  lz_array** outs = held;
  if (n->n_outputs > 8 && !(outs = malloc(n->n_outputs * sizeof *outs))) {
    free(shape);
    return error_memory() == NULL;
  }
  for (uint32_t i = 0; i < n->n_outputs; i++) {
    outs[i] = node_output_ref((lz_node*)n, (int)i);
    /* An output that is gone: nobody reads it, any shape will do. */
    shape[i] =
        outs[i]
            ? (lz_node_output){(lz_dtype)outs[i]->dtype, outs[i]->ndim, outs[i]->shape}
            : (lz_node_output){DTYPE_FLOAT32, 0, NULL};
  }
  int failed = rebuild_make(n, inputs, shape, outputs);
  for (uint32_t i = 0; i < n->n_outputs; i++) array_unref(outs[i]);
  if (outs != held) free(outs);
  if (shape != shapes) free(shape);
  return failed;
}
