#include "core/node.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/op.h"
#include "memory/slab.h"
#include "probe/probe.h"
#include "stream/stream.h"

/* Ids come in blocks a thread, so that building costs no shared write. */
#define NODE_ID_BLOCK 4096

uint64_t node_new_ids(unsigned n) {
  static _Atomic uint64_t next = 1;
  static _Thread_local uint64_t at, end;
  if (__builtin_expect(end - at < n, 0)) {
    uint64_t block = n > NODE_ID_BLOCK ? n : NODE_ID_BLOCK;
    at = atomic_fetch_add_explicit(&next, block, memory_order_relaxed);
    end = at + block;
  }
  uint64_t id = at;
  at += n;
  return id;
}

/* The outputs of a node with several are weak both ways: a lock a node keeps
 * "take a reference" and "the last one goes" apart. */
static void node_lock(lz_node* n) {
  while (atomic_flag_test_and_set_explicit(&n->lock, memory_order_acquire))
    sched_yield();
}
static void node_unlock(lz_node* n) {
  atomic_flag_clear_explicit(&n->lock, memory_order_release);
}

void node_forget_output(lz_node* node, lz_array* a) {
  if (node->n_outputs == 1) {
    node->outputs[0] = NULL;
    return;
  }
  node_lock(node);
  node->outputs[a->output] = NULL;
  node_unlock(node);
}

lz_array* node_output_ref(lz_node* n, int i) {
  node_lock(n);
  lz_array* a = n->outputs[i];
  if (a) {
    uint32_t refs = atomic_load_explicit(&a->refs, memory_order_relaxed);
    while (refs && !atomic_compare_exchange_weak_explicit(
                       &a->refs,
                       &refs,
                       refs + 1,
                       memory_order_acquire,
                       memory_order_relaxed)) {
    }
    if (!refs) a = NULL;
  }
  node_unlock(n);
  return a;
}

static lz_node* node_new(
    const lz_op* op,
    lz_stream* stream,
    lz_array* const* inputs,
    int n_inputs,
    const void* params,
    size_t params_size,
    int n_outputs) {
  lz_node* n = slab_get(SLAB_NODE, sizeof *n);
  if (!n) return error_memory();
  atomic_init(&n->refs, (uint32_t)n_outputs);
  atomic_flag_clear_explicit(&n->lock, memory_order_relaxed);
  n->n_inputs = (uint32_t)n_inputs;
  n->n_outputs = (uint32_t)n_outputs;
  n->slot = 0;
  n->op = op;
  n->stream = stream;
  n->hash = 0;
  n->inputs = n->inline_inputs;
  n->outputs = &n->inline_output;
  n->params = n->inline_params;
  n->params_size = (uint32_t)params_size;
  if (__builtin_expect(n_inputs > NODE_INLINE_INPUTS, 0))
    n->inputs = malloc((size_t)n_inputs * sizeof *n->inputs);
  if (__builtin_expect(n_outputs > 1, 0))
    n->outputs = malloc((size_t)n_outputs * sizeof *n->outputs);
  if (__builtin_expect(params_size > NODE_INLINE_PARAMS, 0))
    n->params = malloc(params_size);
  if (__builtin_expect(!n->inputs || !n->outputs || !n->params, 0)) {
    if (n->inputs != n->inline_inputs) free(n->inputs);
    if (n->outputs != &n->inline_output) free(n->outputs);
    if (n->params != n->inline_params) free(n->params);
    slab_put(SLAB_NODE, n, sizeof *n);
    return error_memory();
  }
  if (params_size) memcpy(n->params, params, params_size);
  if (__builtin_expect(op->params_retain != NULL, 0))
    op->params_retain(n->params);
  for (int i = 0; i < n_inputs; i++) n->inputs[i] = array_ref(inputs[i]);
  return n;
}

/* Frees the node alone; its inputs are the caller's to let go of. */
static void node_free(lz_node* n) {
  if (n->op->params_free) n->op->params_free(n->params);
  if (n->inputs != n->inline_inputs) free(n->inputs);
  if (n->outputs != &n->inline_output) free(n->outputs);
  if (n->params != n->inline_params) free(n->params);
  slab_put(SLAB_NODE, n, sizeof *n);
}

static bool node_drop(lz_node* n) {
  if (atomic_fetch_sub_explicit(&n->refs, 1, memory_order_release) != 1)
    return false;
  atomic_thread_fence(memory_order_acquire);
  return true;
}

/* A chain may be millions long: nodes that die are kept on a list, linked
 * through a field that only living nodes need. */
void node_unref(lz_node* n) {
  if (!node_drop(n)) return;
  lz_node* dead = n;
  dead->next_dead = NULL;
  while (dead) {
    n = dead;
    dead = n->next_dead;
    for (uint32_t i = 0; i < n->n_inputs; i++) {
      lz_array* a = n->inputs[i];
      if (atomic_fetch_sub_explicit(&a->refs, 1, memory_order_release) != 1)
        continue;
      atomic_thread_fence(memory_order_acquire);
      lz_node* maker = array_destroy(a);
      if (maker && node_drop(maker)) {
        maker->next_dead = dead;
        dead = maker;
      }
    }
    node_free(n);
  }
}

/* Of an output of what new nodes derive or repeat; 0: they are the program's
 * own. */
static _Thread_local uint64_t node_of;

void node_report_of(uint64_t before) {
  node_of = before;
}

uint64_t node_report_for(const lz_node* n) {
  uint64_t before = node_of;
  for (uint32_t i = 0; PROBE_ON() && i < n->n_outputs; i++) {
    lz_array* out = node_output_ref((lz_node*)n, (int)i);
    if (!out) continue;
    node_of = out->id;
    array_unref(out);
    break;
  }
  return before;
}

PROBE_REPORT void node_report(const lz_node* n, lz_array* const* outputs) {
  enum { SOME = 16 };
  uint64_t ids_buffer[SOME];
  lazuli_probe_array arrays_buffer[SOME];
  uint64_t* ids = ids_buffer;
  lazuli_probe_array* arrays = arrays_buffer;
  if (n->n_inputs > SOME) ids = malloc(n->n_inputs * sizeof *ids);
  if (n->n_outputs > SOME) arrays = malloc(n->n_outputs * sizeof *arrays);
  if (ids && arrays) {
    for (uint32_t i = 0; i < n->n_inputs; i++) ids[i] = n->inputs[i]->id;
    for (uint32_t i = 0; i < n->n_outputs; i++)
      arrays[i] = (lazuli_probe_array){
          outputs[i]->id,
          outputs[i]->dtype,
          outputs[i]->ndim,
          outputs[i]->shape};
    PROBE(
        node,
        .op = n->op->name,
        .stream = (uint32_t)n->stream->index,
        .n_inputs = n->n_inputs,
        .n_outputs = n->n_outputs,
        .inputs = ids,
        .outputs = arrays,
        .of = node_of);
  }
  if (ids != ids_buffer) free(ids);
  if (arrays != arrays_buffer) free(arrays);
}

/* What arrays take over from the inputs of their node. */
static uint8_t node_inherited(lz_array* const* inputs, int n) {
  uint8_t flags = 0;
  for (int i = 0; i < n; i++)
    flags |= atomic_load_explicit(&inputs[i]->flags, memory_order_relaxed);
  return flags & ARRAY_TRACER;
}

lz_array* node_make(
    const lz_op* op,
    lz_stream* stream,
    lz_array* const* inputs,
    int n_inputs,
    const void* params,
    size_t params_size,
    lz_dtype dtype,
    int ndim,
    const int32_t* shape) {
  lz_array* a = array_new(dtype, ndim, shape);
  if (!a) return NULL;
  lz_node* n = node_new(op, stream, inputs, n_inputs, params, params_size, 1);
  if (!n) {
    array_unref(a);
    return NULL;
  }
  a->node = n;
  atomic_init(&a->flags, node_inherited(inputs, n_inputs));
  n->inline_output = a;
  if (PROBE_ON()) node_report(n, &a);
  return a;
}

int node_make_multi(
    const lz_op* op,
    lz_stream* stream,
    lz_array* const* inputs,
    int n_inputs,
    const void* params,
    size_t params_size,
    const lz_node_output* outputs,
    int n_outputs,
    lz_array** out) {
  int made = 0;
  uint64_t first = node_new_ids((unsigned)n_outputs);
  for (; made < n_outputs; made++) {
    const lz_node_output* o = &outputs[made];
    lz_array* a = array_new(o->dtype, o->ndim, o->shape);
    if (!a) goto fail;
    a->id = first + (uint64_t)made;
    a->output = (uint16_t)made;
    atomic_init(&a->flags, node_inherited(inputs, n_inputs));
    out[made] = a;
  }
  lz_node* n =
      node_new(op, stream, inputs, n_inputs, params, params_size, n_outputs);
  if (!n) goto fail;
  for (int i = 0; i < n_outputs; i++) {
    out[i]->node = n;
    n->outputs[i] = out[i];
  }
  if (PROBE_ON()) node_report(n, out);
  return 0;
fail:
  while (made-- > 0) {
    array_unref(out[made]);
    out[made] = NULL;
  }
  return 1;
}

void array_detach(lz_array* a) {
  lz_node* n = a->node;
  if (!n) return;
  node_forget_output(n, a);
  a->node = NULL;
  node_unref(n);
}
