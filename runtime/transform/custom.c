/* Functions with derivatives of their own, and checkpoints.
 *
 * Such a function's results pass through a node whose inputs are the arguments,
 * then the results as the function computed them. Without a rule of the user's
 * derivatives flow through those results; with one they flow to the arguments.
 */
#include <stdlib.h>

#include "core/error.h"
#include "core/op.h"
#include "core/scope.h"
#include "ops/arrange.h"
#include "ops/create.h"
#include "stream/stream.h"
#include "transform/vjp.h"

typedef struct custom_rules {
  _Atomic uint32_t refs;
  lz_closure *f, *vjp, *jvp, *vmap; /* all but f may be NULL */
} custom_rules;

typedef struct custom_params {
  custom_rules* rules;
  uint64_t n_args;
} custom_params;

static void rules_unref(custom_rules* r) {
  if (atomic_fetch_sub_explicit(&r->refs, 1, memory_order_acq_rel) != 1) return;
  closure_unref(r->f);
  closure_unref(r->vjp);
  closure_unref(r->jvp);
  closure_unref(r->vmap);
  free(r);
}

static void params_retain(void* params) {
  custom_rules* r = ((custom_params*)params)->rules;
  atomic_fetch_add_explicit(&r->refs, 1, memory_order_relaxed);
}
static void params_free(void* params) {
  rules_unref(((custom_params*)params)->rules);
}

static int custom_cpu(lz_exec* x) {
  const custom_params* p = x->params;
  for (int i = 0; i < x->n_out; i++) {
    int from = (int)p->n_args + i;
    if (x->out[i]) exec_share(x, i, from, 0, x->in[from]->strides);
  }
  return 0;
}

/* Borrows the arrays. */
static lz_list list_of(lz_array** items, size_t n) {
  return (lz_list){items, n, n};
}

/* Hands the references of a closure's results to the open scope. */
static int take_results(closure_args* args, lz_array** to, size_t n) {
  int failed = 0;
  if (args->out[0].count != n)
    failed = error_fail(
        "[custom_function] the rule gave %zu arrays for %zu",
        args->out[0].count,
        n);
  for (size_t i = 0; i < n && !failed; i++)
    failed = !(to[i] = scope_own(array_ref(args->out[0].items[i])));
  closure_args_clear(args);
  return failed;
}

static int custom_vjp(const lz_vjp* v) {
  const custom_params* p = v->node->params;
  size_t n = p->n_args, m = v->node->n_outputs;
  if (!p->rules->vjp) {
    for (size_t i = 0; i < m; i++) v->grad[n + i] = v->cotan[i];
    return 0;
  }
  /* Of results that nobody holds any more the rule hears all the same. */
  lz_array** given = malloc((2 * m + 1) * sizeof *given);
  if (!given) return error_memory() == NULL;
  int failed = 0;
  for (size_t i = 0; i < m && !failed; i++) {
    given[i] =
        v->cotan[i] ? v->cotan[i] : op_zeros_like(v->in[n + i], v->stream);
    given[m + i] = v->out[i] ? v->out[i] : v->in[n + i];
    failed = !given[i];
  }
  lz_list in = list_of(v->in, n), cotan = list_of(given, m);
  lz_list out = list_of(given + m, m);
  closure_args args = {.in = {&in, &cotan, &out}};
  if (!failed && closure_call(p->rules->vjp, &args)) {
    closure_args_clear(&args);
    failed = 1;
  } else if (!failed) {
    failed = take_results(&args, v->grad, n);
  }
  free(given);
  return failed;
}

static int custom_jvp(const lz_jvp* v) {
  const custom_params* p = v->node->params;
  size_t n = p->n_args, m = v->node->n_outputs;
  if (!p->rules->jvp) {
    for (size_t i = 0; i < m; i++) v->result[i] = v->tangent[n + i];
    return 0;
  }
  lz_array** given = malloc((n + 1) * sizeof *given);
  int* numbers = malloc((n + 1) * sizeof *numbers);
  size_t k = 0;
  for (size_t i = 0; i < n && given && numbers; i++)
    if (v->tangent[i]) {
      given[k] = v->tangent[i];
      numbers[k++] = (int)i;
    }
  lz_list in = list_of(v->in, n), tangents = list_of(given, k);
  closure_args args = {.in = {&in, &tangents}, .ints = numbers, .n_ints = k};
  int failed = !given || !numbers;
  if (failed) error_memory();
  if (!failed && closure_call(p->rules->jvp, &args)) {
    closure_args_clear(&args);
    failed = 1;
  } else if (!failed) {
    failed = take_results(&args, v->result, m);
  }
  free(given);
  free(numbers);
  return failed;
}

static int custom_vmap(const lz_vmap* v) {
  const custom_params* p = v->node->params;
  size_t n = p->n_args, m = v->node->n_outputs;
  if (!p->rules->vmap) {
    for (size_t i = 0; i < m; i++) {
      v->result[i] = v->in[n + i];
      v->result_axis[i] = v->axis[n + i];
    }
    return 0;
  }
  lz_list in = list_of(v->in, n);
  closure_args args = {.in = {&in}, .ints = v->axis, .n_ints = n};
  if (closure_call(p->rules->vmap, &args)) {
    closure_args_clear(&args);
    return 1;
  }
  for (size_t i = 0; i < m && i < args.out_ints.count; i++)
    v->result_axis[i] = args.out_ints.items[i];
  return take_results(&args, v->result, m);
}

const lz_op op_custom_desc = {
    .name = "CustomTransforms",
    .flags = OP_VIEW | OP_NO_MERGE,
    .cpu = custom_cpu,
    .vjp = custom_vjp,
    .jvp = custom_jvp,
    .vmap = custom_vmap,
    .params_retain = params_retain,
    .params_free = params_free};

static int custom_call(lz_closure* self, closure_args* args) {
  custom_rules* r = self->payload;
  const lz_list* in = args->in[0];
  lz_list outs = {0};
  if (closure_apply(r->f, in, &outs)) return 1;
  size_t n = in->count, m = outs.count;
  lz_array** inputs = malloc((n + m + 1) * sizeof *inputs);
  lz_array** made = calloc(m + 1, sizeof *made);
  lz_node_output* shapes = malloc((m + 1) * sizeof *shapes);
  int failed = !inputs || !made || !shapes;
  if (failed) error_memory();
  for (size_t i = 0; i < n && !failed; i++) inputs[i] = in->items[i];
  for (size_t i = 0; i < m && !failed; i++) {
    lz_array* a = inputs[n + i] = outs.items[i];
    shapes[i] = (lz_node_output){(lz_dtype)a->dtype, a->ndim, a->shape};
  }
  custom_params params = {r, n};
  if (!failed && m)
    failed = node_make_multi(
        &op_custom_desc,
        stream_default(device_default()),
        inputs,
        (int)(n + m),
        &params,
        sizeof params,
        shapes,
        (int)m,
        made);
  for (size_t i = 0; i < m && !failed; i++)
    failed = list_append(&args->out[0], made[i]);
  for (size_t i = 0; i < m && made; i++) array_unref(made[i]);
  free(inputs);
  free(made);
  free(shapes);
  list_clear(&outs);
  return failed;
}

static void custom_free(void* payload) {
  rules_unref(payload);
}

static lz_closure* ref_or_null(lz_closure* c) {
  return c ? closure_ref(c) : NULL;
}

lz_closure* custom_function(
    lz_closure* f, lz_closure* vjp, lz_closure* jvp, lz_closure* vmap) {
  custom_rules* r = calloc(1, sizeof *r);
  if (!r) return error_memory();
  atomic_init(&r->refs, 1);
  r->f = closure_ref(f);
  r->vjp = ref_or_null(vjp);
  r->jvp = ref_or_null(jvp);
  r->vmap = ref_or_null(vmap);
  return closure_new(CLOSURE_PLAIN, custom_call, r, custom_free);
}

/* ---- checkpoints ----------------------------------------------------------
 */

/* The function runs again on arguments that depend on the cotangents, so that
 * what it computes is not merged with what it computed before. */
static int checkpoint_vjp(lz_closure* self, closure_args* args) {
  lz_closure* f = self->payload;
  const lz_list *in = args->in[0], *cotan = args->in[1];
  lz_list late = {0}, outputs = {0};
  int failed = op_depends(in, cotan, &late) ||
               vjp_function(f, &late, cotan, &outputs, &args->out[0]);
  list_clear(&outputs);
  list_clear(&late);
  return failed;
}

static void closure_drop(void* c) {
  closure_unref(c);
}

lz_closure* checkpoint(lz_closure* f) {
  lz_closure* vjp =
      closure_new(CLOSURE_CUSTOM, checkpoint_vjp, closure_ref(f), closure_drop);
  if (!vjp) return NULL;
  lz_closure* c = custom_function(f, vjp, NULL, NULL);
  closure_unref(vjp);
  return c;
}
