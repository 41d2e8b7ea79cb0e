/* The view operations at work: shared memory where strides allow it. */
#include "ops/view.h"

#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "cpu/copy.h"
#include "ops/infer.h"
#include "ops/rules.h"

/* Copies input 0 into fresh row-major memory of output 0, element by element
 * in row-major order. */
int view_copy(lz_exec* x) {
  lz_array *in = x->in[0], *out = x->out[0];
  if (exec_alloc(x, 0)) return 1;
  x->copied = true;
  lz_view from = array_view(in), to = array_view(out);
  /* Shapes may differ (reshape): the output is dense, so it can be walked in
   * the input's shape. */
  int64_t strides[LZ_MAX_DIMS];
  view_row_strides(in->ndim, in->shape, strides);
  to.ndim = in->ndim;
  to.shape = in->shape;
  to.strides = strides;
  copy_run(&to, &from);
  return 0;
}

/* Strides that show `in` in another shape of the same size, or false. */
static bool view_reshape_strides(
    const lz_array* in, const lz_array* out, int64_t* strides) {
  int32_t shape[LZ_MAX_DIMS];
  int64_t from[1][LZ_MAX_DIMS];
  memcpy(shape, in->shape, sizeof(int32_t) * in->ndim);
  memcpy(from[0], in->strides, sizeof(int64_t) * in->ndim);
  int n = view_collapse(1, in->ndim, shape, from);
  int k = 0;
  int64_t left = shape[0];
  for (int i = 0; i < out->ndim; i++) {
    if (out->shape[i] == 1) {
      strides[i] = 0;
      continue;
    }
    if (left == 1 && k + 1 < n) left = shape[++k];
    if (left % out->shape[i]) return false;
    left /= out->shape[i];
    strides[i] = left * from[0][k];
  }
  return true;
}

static int view_reshape(lz_exec* x) {
  int64_t strides[LZ_MAX_DIMS];
  if (x->in[0]->size == 0) return exec_alloc(x, 0);
  if (x->in[0]->flags & ARRAY_ROW_CONTIGUOUS)
    exec_share(x, 0, 0, 0, x->out[0]->strides);
  else if (view_reshape_strides(x->in[0], x->out[0], strides))
    exec_share(x, 0, 0, 0, strides);
  else
    return view_copy(x);
  return 0;
}

static int view_broadcast(lz_exec* x) {
  const lz_array *in = x->in[0], *out = x->out[0];
  int64_t strides[LZ_MAX_DIMS];
  int lead = out->ndim - in->ndim;
  for (int i = 0; i < out->ndim; i++)
    strides[i] =
        i < lead || in->shape[i - lead] == 1 ? 0 : in->strides[i - lead];
  exec_share(x, 0, 0, 0, strides);
  return 0;
}

static int view_transpose(lz_exec* x) {
  const view_axes* p = x->params;
  int64_t strides[LZ_MAX_DIMS];
  for (int i = 0; i < x->out[0]->ndim; i++)
    strides[i] = x->in[0]->strides[p->axis[i]];
  exec_share(x, 0, 0, 0, strides);
  return 0;
}

/* ExpandDims and Squeeze: the same axes with ones put in or left out. */
static int view_ones(lz_exec* x) {
  const lz_array *in = x->in[0], *out = x->out[0];
  int64_t strides[LZ_MAX_DIMS];
  for (int i = 0, k = 0; i < out->ndim; i++) {
    while (k < in->ndim && in->shape[k] == 1 && out->shape[i] != 1) k++;
    bool same = k < in->ndim && in->shape[k] == out->shape[i];
    strides[i] = same ? in->strides[k] : 1;
    k += same;
  }
  exec_share(x, 0, 0, 0, strides);
  return 0;
}

static int view_slice(lz_exec* x) {
  const view_slice_params* p = x->params;
  const lz_array *in = x->in[0], *out = x->out[0];
  int64_t strides[LZ_MAX_DIMS], offset = 0;
  if (out->size == 0) return exec_alloc(x, 0);
  for (int i = 0; i < in->ndim; i++) {
    offset += (int64_t)p->start[i] * in->strides[i];
    strides[i] = p->stride[i] * in->strides[i];
  }
  exec_share(
      x, 0, 0, offset * (int64_t)dtype_size((lz_dtype)in->dtype), strides);
  return 0;
}

static int view_as_strided(lz_exec* x) {
  const view_strided_params* p = x->params;
  const lz_array* in = x->in[0];
  if (!(in->flags & ARRAY_ROW_CONTIGUOUS))
    return error_fail("[as_strided] the input is not row-contiguous");
  exec_share(
      x,
      0,
      0,
      p->offset * (int64_t)dtype_size((lz_dtype)in->dtype),
      p->strides);
  return 0;
}

static int view_contiguous(lz_exec* x) {
  const lz_array* in = x->in[0];
  bool col = *(const int*)x->params;
  if (!array_wastes(in) && ((in->flags & ARRAY_ROW_CONTIGUOUS) ||
                            (col && (in->flags & ARRAY_COL_CONTIGUOUS)))) {
    exec_share(x, 0, 0, 0, in->strides);
    return 0;
  }
  return view_copy(x);
}

static int view_same(lz_exec* x) {
  exec_share(x, 0, 0, 0, x->in[0]->strides);
  return 0;
}

static void view_describe_axes(const lz_node* n, char* text, size_t size) {
  const view_axes* p = n->params;
  size_t at = (size_t)snprintf(text, size, "axes=(");
  for (int i = 0; i < p->n && at + 8 < size; i++)
    at += (size_t)snprintf(text + at, size - at, i ? ",%d" : "%d", p->axis[i]);
  snprintf(text + at, size - at, ")");
}

/* Axes at the front that are the same before and after: what a shared kernel
 * may cut into rows. */
static int view_rows(const lz_node* n) {
  const lz_array *in = n->inputs[0], *out = n->outputs[0];
  int rows = 0;
  while (rows < in->ndim && rows < out->ndim &&
         in->shape[rows] == out->shape[rows])
    rows++;
  return rows;
}
static const lz_fusable same_order = {.rows = view_rows, .row_inputs = 1};

/* Of broadcasts, only with axes that stay where they are. */
static int view_broadcast_rows(const lz_node* n) {
  return n->inputs[0]->ndim == n->outputs[0]->ndim ? view_rows(n) : 0;
}
static const lz_fusable spread = {.rows = view_broadcast_rows, .row_inputs = 1};

#define VIEW(id, label, run, ...) \
  const lz_op op_##id##_desc = {  \
      .name = label, .flags = OP_VIEW, .cpu = run, __VA_ARGS__}

VIEW(
    reshape,
    "Reshape",
    view_reshape,
    .vjp = same_elements_vjp,
    .fusable = &same_order,
    .vmap = same_elements_vmap,
    .infer = infer_reshape);
VIEW(
    flatten,
    "Flatten",
    view_reshape,
    .vjp = same_elements_vjp,
    .fusable = &same_order,
    .vmap = same_elements_vmap,
    .infer = infer_flatten);
VIEW(
    unflatten,
    "Unflatten",
    view_reshape,
    .vjp = same_elements_vjp,
    .fusable = &same_order,
    .vmap = same_elements_vmap,
    .infer = infer_unflatten);
VIEW(
    broadcast,
    "Broadcast",
    view_broadcast,
    .vjp = broadcast_vjp,
    .fusable = &spread,
    .vmap = broadcast_vmap,
    .infer = infer_broadcast_to);
static int turn_rows(const lz_node* n) {
  (void)n;
  return 0;
}
static bool turn_turns(const lz_node* n) {
  const view_axes* p = n->params;
  const int last = n->outputs[0]->ndim - 1;
  for (int i = 0; i <= last; i++)
    if (p->axis[i] != (i == last ? last - 1 : i == last - 1 ? last : i))
      return false;
  return last > 0;
}
static const lz_fusable turn = {.rows = turn_rows, .turns = turn_turns};

VIEW(
    transpose,
    "Transpose",
    view_transpose,
    .fusable = &turn,
    .vjp = transpose_vjp,
    .vmap = transpose_vmap,
    .infer = infer_transpose,
    .describe = view_describe_axes);
VIEW(
    expand_dims,
    "ExpandDims",
    view_ones,
    .vjp = expand_dims_vjp,
    .fusable = &same_order,
    .vmap = same_elements_vmap,
    .infer = infer_expand_dims);
VIEW(
    squeeze,
    "Squeeze",
    view_ones,
    .vjp = squeeze_vjp,
    .fusable = &same_order,
    .vmap = same_elements_vmap,
    .infer = infer_squeeze);
VIEW(
    slice,
    "Slice",
    view_slice,
    .vjp = slice_vjp,
    .jvp = slice_jvp,
    .vmap = slice_vmap,
    .infer = infer_slice);
VIEW(
    as_strided,
    "AsStrided",
    view_as_strided,
    .vjp = as_strided_vjp,
    .infer = infer_as_strided);
VIEW(
    contiguous,
    "Contiguous",
    view_contiguous,
    .vjp = same_elements_vjp,
    .vmap = same_vmap,
    .infer = infer_contiguous);
VIEW(
    copy,
    "Copy",
    view_same,
    .vjp = same_elements_vjp,
    .fusable = &same_order,
    .vmap = same_vmap,
    .infer = infer_same);
