#include "transform/vmap.h"

#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/node.h"
#include "core/op.h"
#include "core/scope.h"
#include "eval/eval.h"
#include "ops/elementwise.h"
#include "ops/join.h"
#include "ops/shape.h"
#include "stream/stream.h"
#include "transform/graph.h"

static lz_stream* vmap_stream(void) {
  return stream_default(device_default());
}

/* Axis as a position from the front, or -1; -2 with a message. */
static int vmap_axis(const lz_array* a, int axis, size_t i) {
  if (axis == -1) return -1;
  int at = axis < 0 ? axis + a->ndim : axis;
  if (at >= 0 && at < a->ndim) return at;
  error_set(
      "[vmap] axis %d of input %zu is out of range for shape %s",
      axis,
      i,
      error_shape_of(a));
  return -2;
}

int vmap_trace(
    lz_closure* f,
    const lz_list* inputs,
    const int* in_axes,
    size_t n_axes,
    lz_list* s_inputs,
    lz_list* s_outputs) {
  if (n_axes != inputs->count)
    return error_fail("[vmap] %zu axes for %zu inputs", n_axes, inputs->count);
  int batch = -1, failed = 0;
  for (size_t i = 0; i < inputs->count && !failed; i++) {
    lz_array* in = inputs->items[i];
    int axis = vmap_axis(in, in_axes[i], i);
    if (axis == -2) return 1;
    if (axis == -1) {
      failed = list_append(s_inputs, in);
      continue;
    }
    if (batch >= 0 && in->shape[axis] != batch)
      return error_fail(
          "[vmap] Inconsistent axis sizes: axis %d of input %zu has %d "
          "elements, not %d",
          axis,
          i,
          in->shape[axis],
          batch);
    batch = in->shape[axis];
    int32_t shape[LZ_MAX_DIMS];
    int n = 0;
    for (int d = 0; d < in->ndim; d++)
      if (d != axis) shape[n++] = in->shape[d];
    lz_array* t = array_new((lz_dtype)in->dtype, n, shape);
    if (!t) return 1;
    t->flags |= ARRAY_TRACER;
    failed = list_append(s_inputs, t);
    array_unref(t);
  }
  if (failed) return 1;
  eval_trace_enter();
  failed = closure_apply(f, s_inputs, s_outputs);
  eval_trace_leave();
  return failed;
}

/* An operation without a rule: one example after another, then stacked. Always
 * right, since the node was traced on one example. */
static int vmap_loop(const lz_vmap* v, int32_t batch) {
  lz_node* n = v->node;
  size_t no = n->n_outputs;
  lz_array** rows = calloc((size_t)batch * no + 1, sizeof *rows);
  lz_array** in = calloc(n->n_inputs + no + 1, sizeof *in);
  lz_array** out = in ? in + n->n_inputs : NULL;
  int failed = !rows || !in ? error_memory() == NULL : 0;
  for (int32_t b = 0; b < batch && !failed; b++) {
    for (uint32_t i = 0; i < n->n_inputs && !failed; i++) {
      in[i] = v->in[i];
      int axis = v->axis[i];
      if (axis < 0) continue;
      int start[LZ_MAX_DIMS] = {0}, stop[LZ_MAX_DIMS], step[LZ_MAX_DIMS];
      for (int d = 0; d < in[i]->ndim; d++) {
        stop[d] = in[i]->shape[d];
        step[d] = 1;
      }
      start[axis] = b;
      stop[axis] = b + 1;
      in[i] = op_squeeze(
          op_slice(in[i], start, stop, step, in[i]->ndim, v->stream),
          &axis,
          1,
          v->stream);
      failed = !in[i];
    }
    failed = failed || node_rebuild(n, in, out);
    for (size_t k = 0; k < no && !failed; k++)
      rows[k * (size_t)batch + (size_t)b] = out[k];
  }
  for (size_t k = 0; k < no && !failed; k++) {
    v->result[k] =
        op_stack(rows + k * (size_t)batch, (size_t)batch, 0, v->stream);
    v->result_axis[k] = 0;
    failed = !v->result[k];
  }
  free(rows);
  free(in);
  return failed;
}

static int vmap_through(lz_node* n, lz_table* mapped, int32_t batch) {
  size_t scope = scope_open();
  lz_array** arrays = calloc(n->n_inputs + n->n_outputs + 1, sizeof *arrays);
  int* axes = calloc(n->n_inputs + n->n_outputs + 1, sizeof *axes);
  int failed = !arrays || !axes ? error_memory() == NULL : 0;
  lz_vmap call = {
      .node = n,
      .in = arrays,
      .axis = axes,
      .result = arrays ? arrays + n->n_inputs : NULL,
      .result_axis = axes ? axes + n->n_inputs : NULL,
      .stream = n->stream};
  bool any = false;
  for (uint32_t i = 0; i < n->n_inputs && !failed; i++) {
    struct table_entry* e = table_find(mapped, n->inputs[i]);
    arrays[i] = e && e->value ? e->value : n->inputs[i];
    axes[i] = e && e->value ? (int)e->number : -1;
    any = any || axes[i] >= 0;
  }
  /* Outputs stay alive while the rule looks at their shapes. */
  lz_array* held[16] = {0};
  for (uint32_t i = 0; i < n->n_outputs && i < 16; i++)
    held[i] = node_output_ref(n, (int)i);
  if (!failed) {
    uint64_t before = node_report_for(n);
    if (!any) {
      failed = node_rebuild(n, call.in, call.result);
    } else {
      failed = n->op->vmap && held[0] ? n->op->vmap(&call) : VMAP_LOOP;
      if (failed == VMAP_LOOP) failed = vmap_loop(&call, batch);
    }
    node_report_of(before);
  }
  for (uint32_t i = 0; i < n->n_outputs && !failed; i++) {
    lz_array* out = node_output_ref(n, (int)i);
    if (!out) continue;
    failed =
        table_set(mapped, out, call.result[i], any ? call.result_axis[i] : -1);
    array_unref(out);
  }
  for (int i = 0; i < 16; i++) array_unref(held[i]);
  free(arrays);
  free(axes);
  scope_close(scope, NULL);
  return failed;
}

/* The result with its mapped axis where it is wanted. */
static lz_array* vmap_place(lz_array* value, int from, int to, int32_t batch) {
  lz_stream* s = vmap_stream();
  int ndim = value->ndim + (from < 0);
  if (to < 0) to += ndim;
  if (to < 0 || to >= ndim)
    return error_set(
        "[vmap] output axis %d is out of range for %d dimensions", to, ndim);
  if (from >= 0) return op_moveaxis(value, from, to, s);
  lz_array* wide = op_expand_dims(value, &to, 1, s);
  if (!wide) return NULL;
  int32_t shape[LZ_MAX_DIMS];
  memcpy(shape, wide->shape, sizeof(int32_t) * wide->ndim);
  shape[to] = batch;
  return op_broadcast_to(wide, shape, wide->ndim, s);
}

int vmap_replace(
    const lz_list* inputs,
    const lz_list* s_inputs,
    const lz_list* s_outputs,
    const int* in_axes,
    size_t n_in,
    const int* out_axes,
    size_t n_out,
    lz_list* outputs) {
  if (n_in != inputs->count || s_inputs->count != inputs->count)
    return error_fail(
        "[vmap] %zu axes and %zu traced inputs for %zu inputs",
        n_in,
        s_inputs->count,
        inputs->count);
  if (n_out != s_outputs->count)
    return error_fail(
        "[vmap] The number of out axes (%zu) must match the "
        "number of outputs (%zu)",
        n_out,
        s_outputs->count);
  lz_trail trail = {0};
  lz_table depends = {0}, mapped = {0};
  int32_t batch = 1;
  size_t scope = scope_open();
  int failed = 0;
  lz_list sources = {0};
  for (size_t i = 0; i < inputs->count && !failed; i++) {
    int axis = vmap_axis(inputs->items[i], in_axes[i], i);
    if (axis == -2) failed = 1;
    if (failed || axis == -1) continue;
    batch = inputs->items[i]->shape[axis];
    failed = table_set(&mapped, s_inputs->items[i], inputs->items[i], axis) ||
             list_append(&sources, s_inputs->items[i]);
  }
  if (!failed && sources.count == 0)
    failed = error_fail("[vmap] At least one of in_axes must be non-None.");
  failed = failed || trail_make(
                         &trail,
                         &depends,
                         sources.items,
                         sources.count,
                         s_outputs->items,
                         s_outputs->count);
  for (size_t i = 0; i < trail.count && !failed; i++)
    failed = vmap_through(trail.nodes[i], &mapped, batch);
  for (size_t i = 0; i < s_outputs->count && !failed; i++) {
    lz_array* out = s_outputs->items[i];
    struct table_entry* e = table_find(&mapped, out);
    lz_array* value = vmap_place(
        e && e->value ? e->value : out,
        e && e->value ? (int)e->number : -1,
        out_axes[i],
        batch);
    failed = !value || list_append(outputs, value);
  }
  list_clear(&sources);
  trail_clear(&trail);
  table_clear(&depends);
  table_clear(&mapped);
  scope_close(scope, NULL);
  return failed;
}
