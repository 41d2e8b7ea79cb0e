#include "portable/function.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/scope.h"
#include "ops/infer.h"

/* ---- memory -------------------------------------------------------------- */

typedef struct arena_block {
  struct arena_block* next;
  size_t used, size;
  _Alignas(8) char data[];
} arena_block;

void* arena_get(lz_arena* a, size_t n) {
  n = (n + 7) & ~(size_t)7;
  if (!a->blocks || a->blocks->size - a->blocks->used < n) {
    size_t size = n > 16384 ? n : 16384;
    arena_block* b = malloc(sizeof *b + size);
    if (!b) return error_memory();
    b->next = a->blocks;
    b->used = 0;
    b->size = size;
    a->blocks = b;
  }
  void* at = a->blocks->data + a->blocks->used;
  a->blocks->used += n;
  return at;
}

void arena_clear(lz_arena* a) {
  while (a->blocks) {
    arena_block* next = a->blocks->next;
    free(a->blocks);
    a->blocks = next;
  }
}

lz_function* function_new(void) {
  lz_function* f = calloc(1, sizeof *f);
  return f ? f : error_memory();
}

void function_free(lz_function* f) {
  if (!f) return;
  for (uint32_t i = 0; f->constants && i < f->n_constants; i++)
    array_unref(f->constants[i]);
  free(f->nodes);
  arena_clear(&f->arena);
  free(f);
}

/* ---- arguments ----------------------------------------------------------- */

static int call_order(const void* a, const void* b) {
  return strcmp(
      (*(const lz_entry* const*)a)->key, (*(const lz_entry* const*)b)->key);
}

int function_call_make(
    function_call* c, const lz_list* args, const lz_map* kwargs) {
  size_t n = kwargs ? kwargs->count : 0;
  *c = (function_call){.n_args = (uint32_t)args->count, .n_names = (uint32_t)n};
  const lz_entry** order = malloc((n + 1) * sizeof *order);
  c->in = malloc((args->count + n + 1) * sizeof *c->in);
  c->names = malloc((n + 1) * sizeof *c->names);
  if (!order || !c->in || !c->names) {
    free(order);
    function_call_clear(c);
    return error_memory() == NULL;
  }
  for (size_t i = 0; i < args->count; i++) c->in[i] = args->items[i];
  for (size_t i = 0; i < n; i++) order[i] = &kwargs->entries[i];
  qsort(order, n, sizeof *order, call_order);
  for (size_t i = 0; i < n; i++) {
    c->names[i] = order[i]->key;
    c->in[args->count + i] = order[i]->value.array;
  }
  free(order);
  return 0;
}

void function_call_clear(function_call* c) {
  free(c->in);
  free(c->names);
  *c = (function_call){0};
}

bool function_matches(
    const lz_function* f, const function_call* c, bool shapeless, bool exact) {
  if (function_inputs(f) != c->n_args + c->n_names) return false;
  if (exact && f->n_names != c->n_names) return false;
  for (uint32_t i = 0, k = 0; i < f->n_names; i++) {
    while (k < c->n_names && strcmp(f->names[i], c->names[k]) != 0) k++;
    if (k == c->n_names) return false;
  }
  for (uint32_t i = 0; i < function_inputs(f); i++) {
    const function_value* v = &f->values[i];
    const lz_array* a = c->in[i];
    if (v->dtype != a->dtype || v->ndim != a->ndim) return false;
    if (!shapeless &&
        memcmp(v->shape, a->shape, sizeof(int32_t) * (size_t)v->ndim) != 0)
      return false;
  }
  return true;
}

/* Appends as far as there is room. */
static size_t describe_add(
    char* text,
    size_t size,
    size_t at,
    uint32_t i,
    uint32_t n_args,
    const char* name,
    const lz_array* a) {
  if (at >= size) return at;
  const char* between = i == 0 ? ": " : i == n_args ? "; " : ", ";
  int n = snprintf(
      text + at,
      size - at,
      "%s%s%s%s %s",
      between,
      name ? name : "",
      name ? "=" : "",
      error_shape_of(a),
      dtype_name((lz_dtype)a->dtype));
  return at + (size_t)(n > 0 ? n : 0);
}

static size_t describe_begin(char* text, size_t size, uint32_t n, uint32_t k) {
  int at = snprintf(text, size, "%u by position and %u by name", n, k);
  return at > 0 ? (size_t)at : 0;
}

void function_describe(const lz_function* f, char* text, size_t size) {
  size_t at = describe_begin(text, size, f->n_args, f->n_names);
  for (uint32_t i = 0; i < function_inputs(f); i++) {
    const function_value* v = &f->values[i];
    lz_array a = {
        .dtype = (uint8_t)v->dtype,
        .ndim = (uint8_t)v->ndim,
        .shape = v->shape};
    const char* name = i < f->n_args ? NULL : f->names[i - f->n_args];
    at = describe_add(text, size, at, i, f->n_args, name, &a);
  }
}

void function_describe_call(const function_call* c, char* text, size_t size) {
  size_t at = describe_begin(text, size, c->n_args, c->n_names);
  for (uint32_t i = 0; i < c->n_args + c->n_names; i++) {
    const char* name = i < c->n_args ? NULL : c->names[i - c->n_args];
    at = describe_add(text, size, at, i, c->n_args, name, c->in[i]);
  }
}

/* ---- running ------------------------------------------------------------- */

static int function_infer(
    const function_node* n, lz_array* const* in, bool changed, lz_output* out) {
  lz_infer x = {
      .op = n->op,
      .params = n->params,
      .params_size = n->params_size,
      .in = in,
      .n_in = (int)n->n_in,
      .changed = changed,
      .n_out = (int)n->n_out,
      .out = out};
  return n->op->infer(&x);
}

static void output_of(const function_value* v, lz_output* o) {
  o->dtype = v->dtype;
  if (v->dtype == DTYPE_COUNT) return;
  o->ndim = v->ndim;
  memcpy(o->shape, v->shape, sizeof(int32_t) * (size_t)v->ndim);
}

/* The outputs that the rule has told. */
static int check_take(
    lz_function* f, const function_node* n, const lz_output* out) {
  for (uint32_t i = 0; i < n->n_out; i++) {
    function_value* v = &f->values[n->first + i];
    if (v->dtype != DTYPE_COUNT) continue;
    const lz_output* o = &out[i];
    v->dtype = o->dtype;
    v->ndim = o->ndim;
    v->size = 1;
    v->shape = arena_get(&f->arena, sizeof(int32_t) * (size_t)o->ndim);
    if (!v->shape) return 1;
    for (int d = 0; d < o->ndim; d++) v->size *= v->shape[d] = o->shape[d];
  }
  return 0;
}

int function_check(lz_function* f, const function_node* n) {
  lz_array* stubs = calloc(n->n_in + 1, sizeof *stubs);
  lz_array** in = malloc((n->n_in + 1) * sizeof *in);
  lz_output* out = malloc((n->n_out + 1) * sizeof *out);
  int failed = !stubs || !in || !out;
  if (failed) error_memory();
  for (uint32_t i = 0; i < n->n_in && !failed; i++) {
    const function_value* v = &f->values[n->in[i]];
    stubs[i].dtype = (uint8_t)v->dtype;
    stubs[i].ndim = (uint8_t)v->ndim;
    stubs[i].size = v->size;
    stubs[i].shape = v->shape;
    in[i] = &stubs[i];
  }
  for (uint32_t i = 0; i < n->n_out && !failed; i++)
    output_of(&f->values[n->first + i], &out[i]);
  if (!failed)
    failed = function_infer(n, in, false, out) || check_take(f, n, out);
  free(stubs);
  free(in);
  free(out);
  return failed;
}

/* What one run needs, for its largest node. */
typedef struct function_run {
  lz_array** values;
  lz_array** in;
  lz_output* out;
  lz_node_output* made;
} function_run;

static void run_clear(function_run* r) {
  free(r->values);
  free(r->in);
  free(r->out);
  free(r->made);
}

static int run_make(function_run* r, const lz_function* f) {
  uint32_t n_in = 1, n_out = 1;
  for (uint32_t i = 0; i < f->n_nodes; i++) {
    if (f->nodes[i].n_in > n_in) n_in = f->nodes[i].n_in;
    if (f->nodes[i].n_out > n_out) n_out = f->nodes[i].n_out;
  }
  *r = (function_run){
      .values = calloc((size_t)f->n_values + 1, sizeof *r->values),
      .in = malloc(n_in * sizeof *r->in),
      .out = malloc(n_out * sizeof *r->out),
      .made = malloc(n_out * sizeof *r->made)};
  if (r->values && r->in && r->out && r->made) return 0;
  run_clear(r);
  return error_memory() == NULL;
}

/* Shapes of the node's outputs where those of its inputs have changed. */
static int run_infer(
    function_run* r, const lz_function* f, const function_node* n) {
  bool changed = false;
  for (uint32_t i = 0; i < n->n_in && !changed; i++) {
    const function_value* was = &f->values[n->in[i]];
    changed =
        memcmp(
            was->shape, r->in[i]->shape, sizeof(int32_t) * (size_t)was->ndim) !=
        0;
  }
  if (!changed) return 0;
  for (uint32_t i = 0; i < n->n_out; i++)
    output_of(&f->values[n->first + i], &r->out[i]);
  if (function_infer(n, r->in, true, r->out)) return 1;
  for (uint32_t i = 0; i < n->n_out; i++) r->made[i].shape = r->out[i].shape;
  return 0;
}

static int run_node(
    function_run* r,
    const lz_function* f,
    const function_node* n,
    bool shapeless) {
  for (uint32_t i = 0; i < n->n_in; i++) r->in[i] = r->values[n->in[i]];
  for (uint32_t i = 0; i < n->n_out; i++) {
    const function_value* v = &f->values[n->first + i];
    r->made[i] = (lz_node_output){v->dtype, v->ndim, v->shape};
  }
  if (shapeless && run_infer(r, f, n)) return 1;
  lz_array** out = r->values + n->first;
  if (n->n_out == 1)
    return !(
        out[0] = scope_own(node_make(
            n->op,
            n->stream,
            r->in,
            (int)n->n_in,
            n->params,
            n->params_size,
            r->made[0].dtype,
            r->made[0].ndim,
            r->made[0].shape)));
  if (node_make_multi(
          n->op,
          n->stream,
          r->in,
          (int)n->n_in,
          n->params,
          n->params_size,
          r->made,
          (int)n->n_out,
          out) ||
      scope_own_all(out, n->n_out))
    return 1;
  return 0;
}

int function_apply(
    const lz_function* f, lz_array* const* in, bool shapeless, lz_list* out) {
  function_run r;
  if (run_make(&r, f)) return 1;
  size_t scope = scope_open();
  uint32_t n = function_inputs(f);
  int failed = 0;
  for (uint32_t i = 0; i < n; i++) r.values[i] = in[i];
  for (uint32_t i = 0; i < f->n_constants; i++)
    r.values[n + i] = f->constants[i];
  for (uint32_t i = 0; i < f->n_nodes && !failed; i++)
    failed = run_node(&r, f, &f->nodes[i], shapeless);
  for (uint32_t i = 0; i < f->n_outputs && !failed; i++)
    failed = list_append(out, r.values[f->outputs[i]]);
  scope_close(scope, NULL);
  run_clear(&r);
  return failed;
}
