/* Operations whose results are their inputs' memory: View, StopGradient,
 * Depends. */
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/op.h"
#include "core/scope.h"
#include "cpu/copy.h"
#include "eval/eval.h"
#include "ops/arrange.h"
#include "ops/infer.h"
#include "ops/rules.h"
#include "ops/shape.h"
#include "ops/view.h"
#include "stream/stream.h"

/* The bytes in row-major order, for a type that cannot show them where they
 * are. */
static int alias_copy(lz_exec* x) {
  const lz_array* in = x->in[0];
  if (exec_alloc(x, 0)) return 1;
  x->copied = true;
  lz_view from = array_view(in), to = from;
  int64_t strides[LZ_MAX_DIMS];
  view_row_strides(in->ndim, in->shape, strides);
  to.data = array_data(x->out[0]);
  to.strides = strides;
  copy_run(&to, &from);
  return 0;
}

/* Another width changes the last axis only, whose elements must lie side by
 * side; all others must begin where one of the new type may. */
static bool alias_strides(
    const lz_array* in, const lz_array* out, int64_t* strides) {
  const int64_t from = (int64_t)dtype_size((lz_dtype)in->dtype);
  const int64_t to = (int64_t)dtype_size((lz_dtype)out->dtype);
  for (int i = 0; i < out->ndim; i++) strides[i] = in->strides[i];
  if (from == to) return true;
  const int last = out->ndim - 1;
  if (in->shape[last] != 1 && in->strides[last] != 1) return false;
  if ((uintptr_t)array_data(in) % (uintptr_t)to) return false;
  strides[last] = 1;
  for (int i = 0; i < last; i++) {
    if (in->strides[i] * from % to && in->shape[i] != 1) return false;
    strides[i] = in->strides[i] * from / to;
  }
  return true;
}

static int alias_view(lz_exec* x) {
  int64_t strides[LZ_MAX_DIMS];
  /* Strides mean nothing where there are no elements. */
  if (x->out[0]->size == 0)
    exec_share(x, 0, 0, 0, x->out[0]->strides);
  else if (alias_strides(x->in[0], x->out[0], strides))
    exec_share(x, 0, 0, 0, strides);
  else
    return alias_copy(x);
  return 0;
}

const lz_op op_view_desc = {
    .name = "View", .flags = OP_VIEW, .cpu = alias_view, .infer = infer_view};

lz_array* op_view(lz_array* a, lz_dtype dtype, lz_stream* s) {
  if (!a || !s) return NULL;
  if (a->dtype == dtype) return a;
  size_t from = dtype_size((lz_dtype)a->dtype), to = dtype_size(dtype);
  int32_t shape[LZ_MAX_DIMS];
  memcpy(shape, a->shape, sizeof(int32_t) * a->ndim);
  if (from != to) {
    if (a->ndim == 0)
      return error_set(
          "[view] Changing the type of a scalar is only allowed for types with "
          "the same size: %s to %s",
          dtype_name((lz_dtype)a->dtype),
          dtype_name(dtype));
    int32_t* last = &shape[a->ndim - 1];
    if (from < to && *last % (int32_t)(to / from))
      return error_set(
          "[view] When viewing as a larger dtype, the size in bytes of the "
          "last axis must be a multiple of the requested type size: %s of %s "
          "as %s",
          error_shape_of(a),
          dtype_name((lz_dtype)a->dtype),
          dtype_name(dtype));
    *last =
        from < to ? *last / (int32_t)(to / from) : *last * (int32_t)(from / to);
  }
  return scope_own(
      node_make(&op_view_desc, s, &a, 1, NULL, 0, dtype, a->ndim, shape));
}

/* ---- the same again ------------------------------------------------------ */

int alias_share(lz_exec* x) {
  for (int i = 0; i < x->n_out; i++)
    if (x->out[i]) exec_share(x, i, i, 0, x->in[i]->strides);
  return 0;
}

static int stop_gradient_vmap(const lz_vmap* v) {
  v->result[0] = op_stop_gradient(v->in[0], v->stream);
  v->result_axis[0] = v->axis[0];
  return !v->result[0];
}

static int depends_vjp(const lz_vjp* v) {
  for (uint32_t i = 0; i < v->node->n_outputs; i++) v->grad[i] = v->cotan[i];
  return 0;
}

const lz_op op_stop_gradient_desc = {
    .name = "StopGradient",
    .flags = OP_VIEW,
    .cpu = alias_share,
    .vjp = zero_vjp,
    .vmap = stop_gradient_vmap,
    .infer = infer_same};
const lz_op op_depends_desc = {
    .name = "Depends",
    .flags = OP_VIEW | OP_NO_MERGE,
    .cpu = alias_share,
    .vjp = depends_vjp,
    .infer = infer_depends};

lz_array* op_stop_gradient(lz_array* a, lz_stream* s) {
  if (!a || !s) return NULL;
  return scope_own(node_make(
      &op_stop_gradient_desc,
      s,
      &a,
      1,
      NULL,
      0,
      (lz_dtype)a->dtype,
      a->ndim,
      a->shape));
}

/* Of the first input, or the default where that is computed already. */
static lz_stream* depends_stream(lz_array* a) {
  lz_stream* s = NULL;
  eval_graph_lock();
  if (a->node) s = a->node->stream;
  eval_graph_unlock();
  return s ? s : stream_default(device_default());
}

int op_depends(
    const lz_list* inputs, const lz_list* dependencies, lz_list* out) {
  if (inputs->count == 0) return error_fail("[depends] there are no inputs");
  lz_stream* s = depends_stream(inputs->items[0]);
  if (!s) return 1;
  lz_list all = {0};
  size_t n = inputs->count;
  lz_node_output* shapes = calloc(n, sizeof *shapes);
  lz_array** results = calloc(n, sizeof *results);
  int failed = !shapes || !results;
  if (failed) error_memory();
  for (size_t i = 0; !failed && i < n; i++) {
    lz_array* a = inputs->items[i];
    shapes[i] = (lz_node_output){(lz_dtype)a->dtype, a->ndim, a->shape};
    failed = list_append(&all, a);
  }
  for (size_t i = 0; !failed && i < dependencies->count; i++)
    failed = list_append(&all, dependencies->items[i]);
  if (!failed)
    failed = node_make_multi(
        &op_depends_desc,
        s,
        all.items,
        (int)all.count,
        NULL,
        0,
        shapes,
        (int)n,
        results);
  for (size_t i = 0; !failed && i < n; i++)
    failed = list_append(out, results[i]);
  for (size_t i = 0; results && i < n; i++) array_unref(results[i]);
  list_clear(&all);
  free(shapes);
  free(results);
  return failed;
}
