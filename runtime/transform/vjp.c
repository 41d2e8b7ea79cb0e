#include "transform/vjp.h"

#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/node.h"
#include "core/op.h"
#include "core/scope.h"
#include "eval/eval.h"
#include "ops/create.h"
#include "ops/elementwise.h"
#include "ops/reduce.h"
#include "ops/shape.h"
#include "ops/view.h"
#include "transform/graph.h"
#include "transform/plain.h"

/* A gradient in the shape of what it belongs to: summed over the axes along
 * which the operand was broadcast. */
static lz_array* vjp_fit(lz_array* g, lz_array* to, lz_stream* s) {
  if (!g) return NULL;
  int axes[LZ_MAX_DIMS], n = 0, lead = g->ndim - to->ndim;
  for (int i = 0; i < g->ndim && lead >= 0; i++)
    if (i < lead || (to->shape[i - lead] == 1 && g->shape[i] != 1))
      axes[n++] = i;
  if (n) g = op_sum(g, AXES(axes, n), true, s);
  if (lead > 0) g = op_squeeze(g, axes, lead, s);
  if (g && !array_same_shape(g, to)) g = op_broadcast_like(g, to, s);
  return op_astype(g, (lz_dtype)to->dtype, s);
}

/* What one node needs to be pulled through. */
typedef struct vjp_node {
  lz_array** out;
  lz_array** cotan;
  lz_array** grad;
  uint8_t* wanted;
} vjp_node;

static int vjp_node_new(vjp_node* v, const lz_node* n) {
  size_t pointers = 2 * (size_t)n->n_outputs + n->n_inputs;
  v->out = calloc(pointers + 1, sizeof *v->out);
  v->wanted = calloc(n->n_inputs + 1, 1);
  if (!v->out || !v->wanted) return error_memory() == NULL;
  v->cotan = v->out + n->n_outputs;
  v->grad = v->cotan + n->n_outputs;
  return 0;
}

static void vjp_node_free(vjp_node* v) {
  free(v->out);
  free(v->wanted);
}

/* Gathers outputs and cotangents; *used: somebody sent one. */
static int vjp_gather(
    lz_node* n, vjp_node* v, const lz_table* cotangents, bool* used) {
  *used = false;
  for (uint32_t i = 0; i < n->n_outputs; i++) {
    lz_array* out = node_output_ref(n, (int)i);
    if (!out) continue;
    v->out[i] = scope_own(out);
    struct table_entry* e = table_find(cotangents, out);
    if (e && e->value) {
      v->cotan[i] = e->value;
      *used = true;
    }
  }
  for (uint32_t i = 0; *used && i < n->n_outputs; i++)
    if (!v->cotan[i] && v->out[i] &&
        !(v->cotan[i] = op_zeros_like(v->out[i], n->stream)))
      return 1;
  return 0;
}

static int vjp_accumulate(
    lz_table* cotangents, lz_array* a, lz_array* g, lz_stream* s) {
  g = vjp_fit(g, a, s);
  if (!g) return 1;
  struct table_entry* e = table_find(cotangents, a);
  if (e && e->value && !(g = op_add(e->value, g, s))) return 1;
  return table_set(cotangents, a, g, 0);
}

static int vjp_through(
    lz_node* n, const lz_table* depends, lz_table* cotangents) {
  vjp_node v = {0};
  bool used = false;
  size_t scope = scope_open();
  int failed = vjp_node_new(&v, n) || vjp_gather(n, &v, cotangents, &used);
  if (!failed && used) {
    for (uint32_t i = 0; i < n->n_inputs; i++) {
      struct table_entry* e = table_find(depends, n->inputs[i]);
      v.wanted[i] = e && e->number;
    }
    lz_vjp call = {n, n->inputs, v.out, v.cotan, v.wanted, v.grad, n->stream};
    uint64_t before = node_report_for(n);
    failed = derive_vjp(&call);
    for (uint32_t i = 0; i < n->n_inputs && !failed; i++)
      if (v.wanted[i] && v.grad[i])
        failed = vjp_accumulate(cotangents, n->inputs[i], v.grad[i], n->stream);
    node_report_of(before);
  }
  vjp_node_free(&v);
  scope_close(scope, NULL);
  return failed;
}

int vjp_pull(
    lz_array* const* primals,
    size_t n_primals,
    lz_array* const* outputs,
    lz_array* const* cotangents,
    size_t n_outputs,
    lz_array** grads) {
  lz_trail trail = {0};
  lz_table depends = {0}, pulled = {0};
  int failed =
      trail_make(&trail, &depends, primals, n_primals, outputs, n_outputs);
  for (size_t i = 0; i < n_outputs && !failed; i++) {
    struct table_entry* e = table_find(&depends, outputs[i]);
    if (!e || !e->number || !cotangents[i]) continue;
    struct table_entry* old = table_find(&pulled, outputs[i]);
    size_t scope = scope_open();
    lz_array* c = cotangents[i];
    if (old && old->value) /* the same output twice */
      c = op_add(old->value, c, stream_of(outputs[i]));
    failed = !c || table_set(&pulled, outputs[i], c, 0);
    scope_close(scope, NULL);
  }
  for (size_t i = trail.count; i-- > 0 && !failed;)
    failed = vjp_through(trail.nodes[i], &depends, &pulled);
  for (size_t i = 0; i < n_primals && !failed; i++) {
    struct table_entry* e = table_find(&pulled, primals[i]);
    grads[i] = e && e->value ? scope_own(array_ref(e->value))
                             : op_zeros_like(primals[i], stream_of(primals[i]));
    failed = !grads[i];
  }
  trail_clear(&trail);
  table_clear(&depends);
  table_clear(&pulled);
  return failed;
}

/* ---- functions ------------------------------------------------------------
 */

/* Runs f on tracers of the inputs; eval inside keeps the graph. */
static int traced_call(
    lz_closure* f, const lz_list* inputs, lz_list* tracers, lz_list* outputs) {
  if (tracers_of(inputs, tracers, true)) return 1;
  eval_trace_enter();
  int failed = closure_apply(f, tracers, outputs);
  eval_trace_leave();
  return failed;
}

static int fits(
    const char* op,
    const char* what,
    const lz_list* given,
    const lz_list* expected) {
  if (given->count != expected->count)
    return error_fail(
        "[%s] %zu %s for %zu arrays", op, given->count, what, expected->count);
  for (size_t i = 0; i < given->count; i++)
    if (!array_same_shape(given->items[i], expected->items[i]))
      return error_fail(
          "[%s] %s %zu has shape %s, not %s",
          op,
          what,
          i,
          error_shape_of(given->items[i]),
          error_shape_of(expected->items[i]));
  return 0;
}

static int append_all(lz_list* to, lz_array* const* from, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (list_append(to, from[i])) return 1;
  return 0;
}

/* Who gets which cotangent: outputs of stop_gradient take none. to[i] borrows,
 * NULL: none. */
static int vjp_pair(
    const lz_list* outs, const lz_list* cotangents, lz_array** to) {
  size_t k = 0;
  for (size_t i = 0; i < outs->count; i++) {
    lz_array* out = outs->items[i];
    to[i] = NULL;
    if (out->node && out->node->op == &op_stop_gradient_desc) continue;
    if (k == cotangents->count)
      return error_fail(
          "[vjp] Number of outputs to compute gradients for (%zu) does not "
          "match number of cotangents (%zu).",
          outs->count,
          cotangents->count);
    lz_array* c = cotangents->items[k];
    if (!array_same_shape(out, c))
      return error_fail(
          "[vjp] Output %zu of shape %s does not match cotangent shape %s.%s",
          i,
          error_shape_of(out),
          error_shape_of(c),
          out->size == 1 && c->ndim == 0
              ? " If you are using grad your function must return a scalar."
              : "");
    to[i] = op_astype(c, (lz_dtype)out->dtype, stream_of(out));
    if (!to[i]) return 1;
    k++;
  }
  return 0;
}

int vjp_function(
    lz_closure* f,
    const lz_list* primals,
    const lz_list* cotangents,
    lz_list* outputs,
    lz_list* grads) {
  lz_list tracers = {0}, outs = {0};
  size_t scope = scope_open();
  int failed = traced_call(f, primals, &tracers, &outs);
  lz_array** g = calloc(primals->count + outs.count + 1, sizeof *g);
  if (!g) failed = error_memory() == NULL;
  lz_array** cotan = g + primals->count;
  failed =
      failed || vjp_pair(&outs, cotangents, cotan) ||
      vjp_pull(
          tracers.items, tracers.count, outs.items, cotan, outs.count, g) ||
      append_all(outputs, outs.items, outs.count) ||
      append_all(grads, g, primals->count);
  scope_close(scope, NULL);
  free(g);
  list_clear(&tracers);
  list_clear(&outs);
  return failed;
}

int jvp_function(
    lz_closure* f,
    const lz_list* primals,
    const lz_list* tangents,
    lz_list* outputs,
    lz_list* results) {
  if (fits("jvp", "tangents", tangents, primals)) return 1;
  lz_list tracers = {0}, outs = {0};
  size_t scope = scope_open();
  int failed = traced_call(f, primals, &tracers, &outs);
  lz_array** r = calloc(outs.count + 1, sizeof *r);
  if (!r) failed = error_memory() == NULL;
  failed = failed ||
           jvp_push(
               tracers.items,
               tangents->items,
               tracers.count,
               outs.items,
               outs.count,
               r) ||
           append_all(outputs, outs.items, outs.count) ||
           append_all(results, r, outs.count);
  scope_close(scope, NULL);
  free(r);
  list_clear(&tracers);
  list_clear(&outs);
  return failed;
}

/* ---- value_and_grad ---------------------------------------------------------
 */

typedef struct grad_of {
  lz_closure* f;
  size_t n;
  int argnums[];
} grad_of;

static void grad_free(void* payload) {
  grad_of* p = payload;
  closure_unref(p->f);
  free(p);
}

/* The arguments' numbers from the front, ascending: gradients come in that
 * order. */
static int grad_numbers(const grad_of* p, const lz_list* in, int* to) {
  for (size_t i = 0; i < p->n; i++) {
    int n = p->argnums[i];
    if (n < 0) n += (int)in->count;
    if (n < 0 || n >= (int)in->count)
      return error_fail(
          "[grad] Invalid argument number %d for function with %zu inputs.",
          p->argnums[i],
          in->count);
    size_t at = i;
    for (; at > 0 && to[at - 1] >= n; at--) {
      if (to[at - 1] == n)
        return error_fail(
            "[grad] Repeat argument number %d not allowed in grad.", n);
      to[at] = to[at - 1];
    }
    to[at] = n;
  }
  return 0;
}

static int grad_outputs(const lz_list* outs) {
  if (outs->count == 0) return error_fail("[grad] the function gave no output");
  const lz_array* first = outs->items[0];
  if (first->ndim != 0)
    return error_fail(
        "[grad] Gradient only supported for scalar-valued functions: the first "
        "output has shape %s",
        error_shape_of(first));
  return 0;
}

static int grad_call(lz_closure* self, closure_args* args) {
  const grad_of* p = self->payload;
  const lz_list* in = args->in[0];
  lz_list wanted = {0}, tracers = {0}, all = {0}, outs = {0};
  size_t scope = scope_open();
  lz_array** cotan = NULL;
  lz_array** g = calloc(p->n + 1, sizeof *g);
  int* argnums = malloc(p->n * sizeof *argnums);
  int failed = g && argnums ? 0 : error_memory() == NULL;
  failed = failed || grad_numbers(p, in, argnums);
  for (size_t i = 0; i < p->n && !failed; i++)
    failed = list_append(&wanted, in->items[argnums[i]]);
  failed = failed || tracers_of(&wanted, &tracers, true) || list_copy(&all, in);
  for (size_t i = 0; i < p->n && !failed; i++) {
    array_unref(all.items[argnums[i]]);
    all.items[argnums[i]] = array_ref(tracers.items[i]);
  }
  if (!failed) {
    eval_trace_enter();
    failed = closure_apply(p->f, &all, &outs);
    eval_trace_leave();
  }
  failed = failed || grad_outputs(&outs);
  if (!failed) {
    cotan = calloc(outs.count, sizeof *cotan);
    if (cotan) cotan[0] = op_ones_like(outs.items[0], stream_of(outs.items[0]));
    failed = !cotan || !cotan[0] ||
             vjp_pull(tracers.items, p->n, outs.items, cotan, outs.count, g) ||
             append_all(&args->out[0], outs.items, outs.count) ||
             append_all(&args->out[1], g, p->n);
  }
  scope_close(scope, NULL);
  free(cotan);
  free(argnums);
  free(g);
  list_clear(&wanted);
  list_clear(&tracers);
  list_clear(&all);
  list_clear(&outs);
  return failed;
}

lz_closure* value_and_grad(lz_closure* f, const int* argnums, size_t n) {
  if (n == 0) return error_set("[grad] Must specify at least one argument.");
  grad_of* p = malloc(sizeof *p + n * sizeof *p->argnums);
  if (!p) return error_memory();
  p->f = closure_ref(f);
  p->n = n;
  memcpy(p->argnums, argnums, n * sizeof *argnums);
  return closure_new(CLOSURE_VALUE_AND_GRAD, grad_call, p, grad_free);
}
