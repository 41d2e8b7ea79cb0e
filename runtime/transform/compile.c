#include "transform/compile.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/node.h"
#include "core/op.h"
#include "core/scope.h"
#include "eval/eval.h"
#include "ops/infer.h"
#include "probe/probe.h"
#include "stream/stream.h"
#include "transform/graph.h"

/* Where a replayed node's input comes from: a value made earlier, or an array
 * that was there when the function was traced. */
typedef struct compile_input {
  int32_t slot; /* -1: constant */
  lz_array* constant;
} compile_input;

typedef struct compile_form {
  struct compile_form* next; /* most recently used first */
  lz_array** keys;           /* placeholders: shapes and dtypes */
  size_t n_keys;
  uint64_t* constants;
  size_t n_constants;
  int stream;
  bool shapeless;
  lz_trail trail;
  lz_list traced;        /* outputs: kept, for their shapes */
  compile_input* inputs; /* of all nodes, one after another */
  size_t n_inputs;
  compile_input* outputs;
  size_t n_outputs;
  int32_t n_slots;
} compile_form;

typedef struct compile_cache {
  struct compile_cache* next;
  uint64_t id;
  compile_form* forms;
} compile_cache;

typedef struct compiled {
  lz_closure* f;
  uint64_t id;
  bool owns_id; /* nobody else compiles by it: its forms go with this */
  bool shapeless;
  size_t n_constants;
  uint64_t constants[];
} compiled;

static _Thread_local compile_cache* caches;
static _Atomic bool enabled = true;
static pthread_key_t compile_key;
static pthread_once_t compile_once = PTHREAD_ONCE_INIT;

void compile_enable(bool on) {
  atomic_store(&enabled, on);
}

static void form_free(compile_form* f) {
  for (size_t i = 0; i < f->n_keys; i++) array_unref(f->keys[i]);
  for (size_t i = 0; i < f->n_inputs; i++) array_unref(f->inputs[i].constant);
  for (size_t i = 0; i < f->n_outputs; i++) array_unref(f->outputs[i].constant);
  free(f->keys);
  free(f->constants);
  free(f->inputs);
  free(f->outputs);
  trail_clear(&f->trail);
  list_clear(&f->traced);
  free(f);
}

static void cache_free(compile_cache* c) {
  while (c->forms) {
    compile_form* next = c->forms->next;
    form_free(c->forms);
    c->forms = next;
  }
  free(c);
}

void compile_clear(void) {
  while (caches) {
    compile_cache* next = caches->next;
    cache_free(caches);
    caches = next;
  }
}

void compile_erase(uint64_t id) {
  for (compile_cache** c = &caches; *c; c = &(*c)->next)
    if ((*c)->id == id) {
      compile_cache* gone = *c;
      *c = gone->next;
      cache_free(gone);
      return;
    }
}

static void compile_thread_exit(void* unused) {
  (void)unused;
  compile_clear();
}
static void compile_init(void) {
  pthread_key_create(&compile_key, compile_thread_exit);
}

static compile_cache* cache_of(uint64_t id) {
  for (compile_cache* c = caches; c; c = c->next)
    if (c->id == id) return c;
  pthread_once(&compile_once, compile_init);
  pthread_setspecific(compile_key, &caches);
  compile_cache* c = calloc(1, sizeof *c);
  if (!c) return error_memory();
  c->id = id;
  c->next = caches;
  return caches = c;
}

/* What differs between a form and a call: bits of lazuli_compile_change. */
static uint32_t form_differs(
    const compile_form* f, const compiled* p, const lz_list* in, int stream) {
  uint32_t bits = 0;
  if (f->n_keys != in->count) return LAZULI_COMPILE_COUNT;
  for (size_t i = 0; i < in->count; i++) {
    const lz_array *a = f->keys[i], *b = in->items[i];
    if (a->dtype != b->dtype) bits |= LAZULI_COMPILE_DTYPE;
    if (a->ndim != b->ndim)
      bits |= LAZULI_COMPILE_RANK;
    else if (!array_same_shape(a, b))
      bits |= LAZULI_COMPILE_SHAPE;
  }
  if (f->n_constants != p->n_constants ||
      memcmp(f->constants, p->constants, p->n_constants * sizeof(uint64_t)))
    bits |= LAZULI_COMPILE_CONSTANT;
  if (f->stream != stream) bits |= LAZULI_COMPILE_STREAM;
  return bits;
}

/* The form of a call, moved to the front; NULL with what the newest lacks.
 * `ignored`: differences that do not count. */
static compile_form* cache_find(
    compile_cache* c,
    const compiled* p,
    const lz_list* in,
    int stream,
    uint32_t ignored,
    uint32_t* changed) {
  *changed =
      c->forms ? form_differs(c->forms, p, in, stream) : LAZULI_COMPILE_FIRST;
  for (compile_form** at = &c->forms; *at; at = &(*at)->next) {
    compile_form* f = *at;
    if (f->shapeless != p->shapeless) continue;
    if (form_differs(f, p, in, stream) & ~ignored) continue;
    *at = f->next;
    f->next = c->forms;
    return c->forms = f;
  }
  return NULL;
}

static void cache_trim(compile_cache* c) {
  int n = 0;
  for (compile_form** at = &c->forms; *at;) {
    if (++n <= COMPILE_MAX) {
      at = &(*at)->next;
      continue;
    }
    compile_form* gone = *at;
    *at = gone->next;
    form_free(gone);
  }
}

/* ---- tracing ----------------------------------------------------------------
 */

static compile_input input_of(const lz_table* slots, lz_array* a) {
  struct table_entry* e = table_find(slots, a);
  if (e && e->number >= 0) return (compile_input){(int32_t)e->number, NULL};
  return (compile_input){-1, array_ref(a)};
}

static int form_number(compile_form* f, const lz_list* keys, lz_table* slots) {
  for (size_t i = 0; i < keys->count; i++)
    if (table_set(slots, keys->items[i], NULL, f->n_slots++)) return 1;
  size_t total = 0;
  for (size_t i = 0; i < f->trail.count; i++)
    total += f->trail.nodes[i]->n_inputs;
  f->inputs = calloc(total + 1, sizeof *f->inputs);
  if (!f->inputs) return error_memory() == NULL;
  for (size_t i = 0; i < f->trail.count; i++) {
    lz_node* n = f->trail.nodes[i];
    for (uint32_t k = 0; k < n->n_inputs; k++)
      f->inputs[f->n_inputs++] = input_of(slots, n->inputs[k]);
    for (uint32_t k = 0; k < n->n_outputs; k++) {
      lz_array* out = node_output_ref(n, (int)k);
      int failed = out && table_set(slots, out, NULL, f->n_slots);
      array_unref(out);
      f->n_slots++;
      if (failed) return 1;
    }
  }
  return 0;
}

/* A call's own arguments must come in through the tracers: what the function
 * took from around it must not lead to one of them. */
static int form_captures(
    const compile_form* f, lz_array* const* in, size_t n_in) {
  lz_table seen = {0};
  lz_list left = {0};
  int failed = 0;
  for (size_t i = 0; i < n_in && !failed; i++)
    failed = table_set(&seen, in[i], NULL, 1);
  for (size_t i = 0; i < f->n_inputs && !failed; i++)
    if (f->inputs[i].constant)
      failed = list_append(&left, f->inputs[i].constant);
  for (size_t i = 0; i < f->n_outputs && !failed; i++)
    if (f->outputs[i].constant)
      failed = list_append(&left, f->outputs[i].constant);
  while (left.count && !failed) {
    lz_array* a = left.items[--left.count];
    struct table_entry* e = table_find(&seen, a);
    if (e && e->number)
      failed = error_fail(
          "[compile] Attempting to compile a function with uncaptured inputs "
          "is not allowed: it uses an argument of shape %s from around it",
          error_shape_of(a));
    if (!e && !failed) failed = table_set(&seen, a, NULL, 0);
    for (uint32_t i = 0; !e && a->node && i < a->node->n_inputs && !failed; i++)
      failed = list_append(&left, a->node->inputs[i]);
    array_unref(a);
  }
  list_clear(&left);
  table_clear(&seen);
  return failed;
}

static int form_trace(compile_form* f, const compiled* p, const lz_list* in) {
  lz_list* outs = &f->traced;
  lz_list keys = {0};
  lz_table depends = {0}, slots = {0};
  int failed = tracers_of(in, &keys, false);
  if (!failed) {
    eval_trace_enter();
    if (p->shapeless) infer_shapeless_enter();
    failed = closure_apply(p->f, &keys, outs);
    if (p->shapeless) infer_shapeless_leave();
    eval_trace_leave();
  }
  failed = failed ||
           trail_make(
               &f->trail,
               &depends,
               keys.items,
               keys.count,
               outs->items,
               outs->count) ||
           form_number(f, &keys, &slots);
  f->outputs = calloc(outs->count + 1, sizeof *f->outputs);
  if (!f->outputs) failed = 1;
  for (size_t i = 0; i < outs->count && !failed; i++)
    f->outputs[f->n_outputs++] = input_of(&slots, outs->items[i]);
  failed = failed || form_captures(f, in->items, in->count);
  f->keys = keys.items; /* taken over */
  f->n_keys = keys.count;
  f->constants = malloc((p->n_constants + 1) * sizeof *f->constants);
  if (!f->constants) return error_memory() == NULL;
  memcpy(f->constants, p->constants, p->n_constants * sizeof *f->constants);
  f->n_constants = p->n_constants;
  table_clear(&depends);
  table_clear(&slots);
  return failed;
}

static void compile_report(
    const compiled* p,
    const compile_form* f,
    const lz_list* in,
    const compile_form* near,
    bool hit,
    uint32_t changed,
    uint64_t ns) {
  char detail[160] = "";
  for (size_t i = 0; near && i < in->count && i < near->n_keys && !*detail;
       i++) {
    const lz_array *was = near->keys[i], *is = in->items[i];
    if (was->dtype != is->dtype)
      snprintf(
          detail,
          sizeof detail,
          "input %zu: %s was %s",
          i,
          dtype_name((lz_dtype)is->dtype),
          dtype_name((lz_dtype)was->dtype));
    else if (!array_same_shape(was, is))
      snprintf(
          detail,
          sizeof detail,
          "input %zu: %s was %s",
          i,
          error_shape_of(is),
          error_shape_of(was));
  }
  uint32_t captured = 0;
  for (size_t i = 0; i < f->n_inputs; i++)
    captured += f->inputs[i].constant &&
                array_status(f->inputs[i].constant) == ARRAY_LAZY;
  PROBE(
      compile,
      .function = p->id,
      .hit = hit,
      .changed = changed,
      .detail = detail,
      .nodes = hit ? 0 : (uint32_t)f->trail.count,
      .captured = captured,
      .trace_ns = ns);
  (void)p, (void)hit, (void)changed, (void)ns;
}

/* ---- replaying
 * ---------------------------------------------------------------- */

static lz_array* value_of(const compile_input* i, lz_array** slots) {
  return i->slot >= 0 ? slots[i->slot] : i->constant;
}

/* `open`: the shapes may be others than those of the trace. */
static int form_replay(
    compile_form* f, const lz_list* in, bool open, lz_list* outs) {
  size_t scope = scope_open();
  lz_array** slots = calloc((size_t)f->n_slots + 1, sizeof *slots);
  size_t most = 1;
  for (size_t i = 0; i < f->trail.count; i++)
    if (f->trail.nodes[i]->n_inputs > most) most = f->trail.nodes[i]->n_inputs;
  lz_array** given = malloc(most * sizeof *given);
  int failed = !slots || !given ? error_memory() == NULL : 0;
  for (size_t i = 0; i < in->count && !failed; i++) slots[i] = in->items[i];
  size_t at = 0, slot = in->count;
  for (size_t i = 0; i < f->trail.count && !failed; i++) {
    lz_node* n = f->trail.nodes[i];
    for (uint32_t k = 0; k < n->n_inputs; k++)
      given[k] = value_of(&f->inputs[at++], slots);
    uint64_t before = node_report_for(n);
    failed = open ? node_rebuild_open(n, given, slots + slot)
                  : node_rebuild(n, given, slots + slot);
    node_report_of(before);
    slot += n->n_outputs;
  }
  for (size_t i = 0; i < f->n_outputs && !failed; i++)
    failed = list_append(outs, value_of(&f->outputs[i], slots));
  free(slots);
  free(given);
  scope_close(scope, NULL);
  return failed;
}

/* Inside another transformation that one has the function's own graph, and the
 * function may ask for values where that one lets it. */
static bool compiled_is_traced(const lz_list* in) {
  if (!eval_is_tracing()) return false;
  for (size_t i = 0; i < in->count; i++)
    if (in->items[i]->flags & ARRAY_TRACER) return true;
  return false;
}

static int compiled_call(lz_closure* self, closure_args* args) {
  const compiled* p = self->payload;
  const lz_list* in = args->in[0];
  /* A trace for any shape wants the function's own operations, too. */
  if (!atomic_load(&enabled) || infer_shapeless() || compiled_is_traced(in))
    return closure_apply(p->f, in, &args->out[0]);
  lz_stream* s = stream_default(device_default());
  compile_cache* cache = s ? cache_of(p->id) : NULL;
  if (!cache) return 1;
  uint32_t changed;
  compile_form* newest = cache->forms;
  compile_form* f = cache_find(cache, p, in, s->index, 0, &changed);
  if (f) {
    if (PROBE_ON()) compile_report(p, f, in, NULL, true, 0, 0);
    return form_replay(f, in, false, &args->out[0]);
  }
  /* Of any shape: a form of other shapes serves, unless one of its operations
   * cannot tell what it would give. Then the function is traced once more. */
  if (p->shapeless) {
    uint32_t lacks;
    f = cache_find(cache, p, in, s->index, LAZULI_COMPILE_SHAPE, &lacks);
  }
  if (f) {
    if (form_replay(f, in, true, &args->out[0]) == 0) {
      if (PROBE_ON()) compile_report(p, f, in, NULL, true, 0, 0);
      return 0;
    }
    list_clear(&args->out[0]);
    error_clear();
  }
  uint64_t begin = PROBE_ON() ? probe_now() : 0;
  if (!(f = calloc(1, sizeof *f))) return error_memory() == NULL;
  f->stream = s->index;
  f->shapeless = p->shapeless;
  int failed = form_trace(f, p, in);
  if (failed) {
    form_free(f);
    return 1;
  }
  if (begin)
    compile_report(p, f, in, newest, false, changed, probe_now() - begin);
  /* The function may have called itself: the cache is looked up anew. */
  cache = cache_of(p->id);
  f->next = cache->forms;
  cache->forms = f;
  failed = form_replay(f, in, false, &args->out[0]);
  cache_trim(cache);
  return failed;
}

static void compiled_free(void* payload) {
  compiled* p = payload;
  if (p->owns_id) compile_erase(p->id);
  closure_unref(p->f);
  free(p);
}

lz_closure* compile_function(
    lz_closure* f,
    uint64_t id,
    bool owns_id,
    bool shapeless,
    const uint64_t* constants,
    size_t n_constants) {
  compiled* p = malloc(sizeof *p + n_constants * sizeof *constants);
  if (!p) return error_memory();
  p->f = closure_ref(f);
  p->id = id;
  p->owns_id = owns_id;
  p->shapeless = shapeless;
  p->n_constants = n_constants;
  if (n_constants)
    memcpy(p->constants, constants, n_constants * sizeof *constants);
  return closure_new(CLOSURE_PLAIN, compiled_call, p, compiled_free);
}
