/* Forward derivatives.
 *
 * An operation without a rule of its own is pushed through by transposing its
 * vjp, which is linear in its cotangent u: with g(u) = vjp(u), the tangent of
 * the output is the vjp of g at any u. The dummy u is never computed. */
#include <stdlib.h>

#include "core/error.h"
#include "core/op.h"
#include "core/scope.h"
#include "ops/create.h"
#include "ops/elementwise.h"
#include "ops/shape.h"
#include "transform/graph.h"
#include "transform/plain.h"
#include "transform/vjp.h"

static int jvp_transpose(lz_jvp* call) {
  lz_node* n = call->node;
  if (!n->op->vjp) return error_fail("[jvp] %s has no derivative", n->op->name);
  size_t ni = n->n_inputs, no = n->n_outputs;
  lz_array** u = calloc(no + ni + 1, sizeof *u);
  uint8_t* wanted = calloc(ni + 1, 1);
  lz_array** to = calloc(2 * ni + 1, sizeof *to);
  lz_array** tangents = to ? to + ni : NULL;
  if (!u || !wanted || !to) {
    free(u);
    free(wanted);
    free(to);
    return error_memory() == NULL;
  }
  lz_array** grad = u + no;
  int failed = 0;
  for (size_t i = 0; i < no && !failed; i++) {
    const lz_array* out = call->out[i];
    if (!out) { /* nobody holds it: nothing will be read of its dummy */
      u[i] = op_scalar(DTYPE_FLOAT32, 0);
      failed = !u[i];
      continue;
    }
    u[i] = scope_own(array_new((lz_dtype)out->dtype, out->ndim, out->shape));
    if (!u[i])
      failed = 1;
    else
      u[i]->flags |= ARRAY_TRACER;
  }
  for (size_t i = 0; i < ni; i++) wanted[i] = call->tangent[i] != NULL;
  if (!failed) {
    lz_vjp back = {n, call->in, call->out, u, wanted, grad, call->stream};
    failed = n->op->vjp(&back);
  }
  size_t k = 0;
  for (size_t i = 0; i < ni && !failed; i++) {
    if (!wanted[i] || !grad[i]) continue;
    to[k] = grad[i];
    /* The gradient may still be broadcast: so is its tangent then. */
    tangents[k] = call->tangent[i];
    if (!array_same_shape(to[k], tangents[k]))
      tangents[k] =
          op_broadcast_to(tangents[k], to[k]->shape, to[k]->ndim, call->stream);
    failed = !tangents[k];
    k++;
  }
  failed = failed || vjp_pull(u, no, to, tangents, k, call->result);
  free(u);
  free(wanted);
  free(to);
  return failed;
}

static int jvp_through(lz_node* n, lz_table* pushed) {
  size_t scope = scope_open();
  lz_array** arrays =
      calloc(n->n_inputs + 2 * n->n_outputs + 1, sizeof *arrays);
  if (!arrays) return error_memory() == NULL;
  lz_jvp call = {
      .node = n,
      .in = n->inputs,
      .tangent = arrays,
      .out = arrays + n->n_inputs,
      .result = arrays + n->n_inputs + n->n_outputs,
      .stream = n->stream};
  bool any = false;
  for (uint32_t i = 0; i < n->n_inputs; i++) {
    struct table_entry* e = table_find(pushed, n->inputs[i]);
    call.tangent[i] = e ? e->value : NULL;
    any = any || call.tangent[i];
  }
  int failed = 0;
  for (uint32_t i = 0; i < n->n_outputs; i++)
    call.out[i] = scope_own(node_output_ref(n, (int)i));
  bool without = false;
  if (any) failed = derive_jvp(&call, &without);
  if (without) failed = jvp_transpose(&call);
  for (uint32_t i = 0; any && i < n->n_outputs && !failed; i++) {
    lz_array* out = call.out[i];
    lz_array* t = call.result[i];
    if (!out || !t) continue;
    if (!array_same_shape(t, out))
      t = op_broadcast_to(t, out->shape, out->ndim, n->stream);
    t = op_astype(t, (lz_dtype)out->dtype, n->stream);
    failed = !t || table_set(pushed, out, t, 0);
  }
  free(arrays);
  scope_close(scope, NULL);
  return failed;
}

/* No tangent came to an output: zeros, of the tangents' own type where the
 * output is but a truth value. */
static lz_array* jvp_none(lz_array* out, const lz_table* pushed) {
  lz_stream* s = stream_of(out);
  lz_dtype dtype = (lz_dtype)out->dtype;
  const lz_node* n = out->node;
  for (uint32_t i = 0; dtype == DTYPE_BOOL && n && i < n->n_inputs; i++) {
    struct table_entry* e = table_find(pushed, n->inputs[i]);
    if (e && e->value) dtype = (lz_dtype)e->value->dtype;
  }
  return op_astype(op_zeros_like(out, s), dtype, s);
}

int jvp_push(
    lz_array* const* primals,
    lz_array* const* tangents,
    size_t n_primals,
    lz_array* const* outputs,
    size_t n_outputs,
    lz_array** results) {
  lz_trail trail = {0};
  lz_table depends = {0}, pushed = {0};
  int failed =
      trail_make(&trail, &depends, primals, n_primals, outputs, n_outputs);
  for (size_t i = 0; i < n_primals && !failed; i++)
    failed = table_set(&pushed, primals[i], tangents[i], 0);
  for (size_t i = 0; i < trail.count && !failed; i++)
    failed = jvp_through(trail.nodes[i], &pushed);
  for (size_t i = 0; i < n_outputs && !failed; i++) {
    struct table_entry* e = table_find(&pushed, outputs[i]);
    results[i] = e && e->value ? scope_own(array_ref(e->value))
                               : jvp_none(outputs[i], &pushed);
    failed = !results[i];
  }
  trail_clear(&trail);
  table_clear(&depends);
  table_clear(&pushed);
  return failed;
}
