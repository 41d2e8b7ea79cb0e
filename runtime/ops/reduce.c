#include "ops/reduce.h"

#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "core/op.h"
#include "core/scope.h"
#include "cpu/softmax.h"
#include "cpu/variance.h"
#include "ops/elementwise.h"
#include "ops/infer.h"
#include "ops/reduce_descs.h"
#include "ops/rules.h"
#include "ops/shape.h"
#include "stream/stream.h"
#include "vulkan/kernels.h"

static const char* const names[REDUCE_KINDS] = {
    "all", "any", "sum", "prod", "min", "max"};

int op_axes_mask(
    const char* op, const lz_array* a, lz_axes axes, uint32_t* mask) {
  if (axes.n >= 0) return shape_axes(op, axes.axis, axes.n, a->ndim, mask);
  *mask = a->ndim == 32 ? UINT32_MAX : (UINT32_C(1) << a->ndim) - 1;
  return 0;
}

double op_count(const lz_array* a, uint32_t axes) {
  double n = 1;
  for (int i = 0; i < a->ndim; i++)
    if (axes & (UINT32_C(1) << i)) n *= a->shape[i];
  return n;
}

static int reduced_shape(
    const lz_array* a, uint32_t axes, bool keepdims, int32_t* shape) {
  int n = 0;
  for (int i = 0; i < a->ndim; i++) {
    bool gone = axes & (UINT32_C(1) << i);
    if (!gone || keepdims) shape[n++] = gone ? 1 : a->shape[i];
  }
  return n;
}

/* Whether every one of the axes has extent 1. */
static bool single_elements(const lz_array* a, uint32_t axes) {
  for (int i = 0; i < a->ndim; i++)
    if (axes & (UINT32_C(1) << i) && a->shape[i] != 1) return false;
  return true;
}

static int reduce_cpu(lz_exec* x) {
  const reduce_params* p = x->params;
  if (exec_alloc(x, 0)) return 1;
  lz_view in = array_view(x->in[0]), out = array_view(x->out[0]);
  reduce_run((reduce_kind)p->kind, &in, p->axes, &out);
  x->flops = (uint64_t)x->in[0]->size;
  return 0;
}

static void reduce_describe(const lz_node* n, char* text, size_t size) {
  const reduce_params* p = n->params;
  snprintf(text, size, "axes=0x%x", p->axes);
}

/* ---- inside shared kernels ------------------------------------------------
 */

/* Axes before the first of the set are rows. */
static int reduce_rows(const lz_node* n) {
  const reduce_params* p = n->params;
  return p->axes ? __builtin_ctz(p->axes) : n->inputs[0]->ndim;
}

static int reduce_inner(const lz_inner* x) {
  const reduce_params* p = x->params;
  reduce_run((reduce_kind)p->kind, x->in, p->axes >> x->merged, x->out);
  return 0;
}

static int reduce_from(const lz_inner* x, lz_elements source, void* ctx) {
  const reduce_params* p = x->params;
  reduce_run_from(
      (reduce_kind)p->kind, x->in, p->axes >> x->merged, source, ctx, x->out);
  return 0;
}

static const lz_fusable reduce_fusable = {
    .rows = reduce_rows,
    .row_inputs = 1,
    .run = reduce_inner,
    .from = reduce_from};

static int axis_rows(const lz_node* n) {
  return ((const softmax_params*)n->params)->axis;
}

static int softmax_inner(const lz_inner* x) {
  const softmax_params* p = x->params;
  softmax_run(x->in, p->axis - x->merged, p->precise, x->out);
  return 0;
}

static int logsumexp_inner(const lz_inner* x) {
  const softmax_params* p = x->params;
  softmax_logsumexp(x->in, p->axis - x->merged, x->out);
  return 0;
}

static const lz_fusable softmax_fusable = {
    .rows = axis_rows, .row_inputs = 1, .run = softmax_inner};
static const lz_fusable logsumexp_fusable = {
    .rows = axis_rows, .row_inputs = 1, .run = logsumexp_inner};

static int arg_rows(const lz_node* n) {
  int axis = ((const arg_params*)n->params)->axis;
  return axis < 0 ? 0 : axis;
}

static int arg_inner(const lz_inner* x) {
  const arg_params* p = x->params;
  reduce_arg(p->greatest, x->in, p->axis - x->merged, x->out);
  return 0;
}

static const lz_fusable arg_fusable = {
    .rows = arg_rows, .row_inputs = 1, .run = arg_inner};

#define REDUCE(id, label)         \
  [id] = {                        \
      .name = label,              \
      .cpu = reduce_cpu,          \
      .fusable = &reduce_fusable, \
      GPU(gpu_reduce),            \
      .vjp = reduce_vjp,          \
      .vmap = reduce_vmap,        \
      .infer = infer_reduce,      \
      .describe = reduce_describe}
const lz_op op_reduce_descs[REDUCE_KINDS] = {
    REDUCE(REDUCE_AND, "And"),
    REDUCE(REDUCE_OR, "Or"),
    REDUCE(REDUCE_SUM, "Sum"),
    REDUCE(REDUCE_PROD, "Prod"),
    REDUCE(REDUCE_MIN, "Min"),
    REDUCE(REDUCE_MAX, "Max"),
};

lz_array* op_reduce(
    reduce_kind kind, lz_array* a, lz_axes axes, bool keepdims, lz_stream* s) {
  if (!a || !s) return NULL;
  reduce_params p = {.kind = kind};
  int32_t shape[LZ_MAX_DIMS];
  if (op_axes_mask(names[kind], a, axes, &p.axes)) return NULL;
  lz_dtype dtype = reduce_dtype(kind, (lz_dtype)a->dtype);
  if ((kind == REDUCE_MIN || kind == REDUCE_MAX) && a->size == 0)
    return error_set(
        "[%s] Cannot %s reduce zero size array.", names[kind], names[kind]);
  int ndim = reduced_shape(a, p.axes, keepdims, shape);
  if (single_elements(a, p.axes) && !(infer_shapeless() && p.axes)) {
    /* Nothing to reduce: only the shape changes, and the type as MLX has it: a
     * product keeps its type, a sum does where no axis is named. */
    bool same = kind == REDUCE_PROD || (kind == REDUCE_SUM && p.axes == 0);
    return op_reshape(op_astype(a, same ? a->dtype : dtype, s), shape, ndim, s);
  }
  return scope_own(node_make(
      &op_reduce_descs[kind], s, &a, 1, &p, sizeof p, dtype, ndim, shape));
}

static int arg_cpu(lz_exec* x) {
  const arg_params* p = x->params;
  if (exec_alloc(x, 0)) return 1;
  lz_view in = array_view(x->in[0]), out = array_view(x->out[0]);
  reduce_arg(p->greatest, &in, p->axis, &out);
  return 0;
}

const lz_op op_arg_desc = {
    .name = "ArgReduce",
    .cpu = arg_cpu,
    .fusable = &arg_fusable,
    .vjp = zero_vjp,
    .vmap = arg_vmap,
    .infer = infer_arg};

lz_array* op_argreduce(
    bool greatest, lz_array* a, const int* axis, bool keepdims, lz_stream* s) {
  const char* name = greatest ? "argmax" : "argmin";
  if (!a || !s) return NULL;
  if (a->size == 0)
    return error_set("[%s] Cannot %s reduce zero size array.", name, name);
  arg_params p = {.greatest = greatest, .axis = -1};
  uint32_t mask;
  int32_t shape[LZ_MAX_DIMS];
  if (axis) {
    p.axis = shape_axis(name, *axis, a->ndim);
    if (p.axis < 0) return NULL;
    mask = UINT32_C(1) << p.axis;
  } else {
    op_axes_mask(name, a, AXES_ALL, &mask);
  }
  int ndim = reduced_shape(a, mask, keepdims, shape);
  return scope_own(node_make(
      &op_arg_desc, s, &a, 1, &p, sizeof p, DTYPE_UINT32, ndim, shape));
}

/* One over the number of elements along axes, less what is taken off: for
 * graphs whose shapes may change. Parameters: the axes, what is taken off. */
static int count_cpu(lz_exec* x) {
  const int32_t* p = x->params;
  if (exec_alloc(x, 0)) return 1;
  double n = op_count(x->in[0], (uint32_t)p[0]) - p[1];
  dtype_store(
      (lz_dtype)x->out[0]->dtype, array_data(x->out[0]), 1 / (n > 0 ? n : 0));
  return 0;
}

/* A number that depends on shapes alone. */
static int count_jvp(const lz_jvp* v) {
  v->result[0] = NULL;
  return 0;
}

const lz_op op_count_desc = {
    .name = "NumberOfElements",
    .flags = OP_HOST,
    .cpu = count_cpu,
    .vjp = zero_vjp,
    .jvp = count_jvp,
    .infer = infer_count};

/* sum / (count - ddof), as a product with the inverse. */
static lz_array* divide_by_count(
    lz_array* sum,
    lz_array* a,
    uint32_t axes,
    int ddof,
    lz_dtype dtype,
    lz_stream* s) {
  if (!sum) return NULL;
  if (infer_shapeless() && axes) {
    const int32_t p[] = {(int32_t)axes, ddof};
    lz_array* inverse = scope_own(
        node_make(&op_count_desc, s, &a, 1, p, sizeof p, dtype, 0, NULL));
    return op_multiply(sum, inverse, s);
  }
  double n = op_count(a, axes) - ddof;
  double factor = 1.0 / (n > 0 ? n : 0);
  return op_multiply(sum, scope_own(array_new_scalar(dtype, factor)), s);
}

lz_array* op_mean(lz_array* a, lz_axes axes, bool keepdims, lz_stream* s) {
  if (!a || !s) return NULL;
  uint32_t mask;
  if (op_axes_mask("mean", a, axes, &mask)) return NULL;
  lz_dtype dtype = dtype_inexact((lz_dtype)a->dtype);
  return divide_by_count(op_sum(a, axes, keepdims, s), a, mask, 0, dtype, s);
}

static int variance_cpu(lz_exec* x) {
  const variance_params* p = x->params;
  if (exec_alloc(x, 0)) return 1;
  lz_view in = array_view(x->in[0]), out = array_view(x->out[0]);
  x->flops = 4 * (uint64_t)x->in[0]->size;
  double n = op_count(x->in[0], p->axes) - p->ddof;
  if (variance_run(&in, p->axes, 1.0 / (n > 0 ? n : 0), &out)) {
    error_set("[var] out of memory for partial sums.");
    return 1;
  }
  return 0;
}

static void variance_describe(const lz_node* n, char* text, size_t size) {
  const variance_params* p = n->params;
  snprintf(text, size, "axes=0x%x ddof=%d", p->axes, p->ddof);
}

const lz_op op_variance_desc = {
    .name = "Variance",
    .cpu = variance_cpu,
    .vjp = variance_vjp,
    .infer = infer_variance,
    .describe = variance_describe};

lz_array* op_var(
    lz_array* a, lz_axes axes, bool keepdims, int ddof, lz_stream* s) {
  if (!a || !s) return NULL;
  uint32_t mask;
  if (op_axes_mask("var", a, axes, &mask)) return NULL;
  lz_dtype dtype = dtype_inexact((lz_dtype)a->dtype);
  /* Where there is a kernel for it; the others subtract the mean as a graph. */
  bool wide = a->dtype == DTYPE_FLOAT32 || a->dtype == DTYPE_FLOAT64;
  if (wide && s->device == DEVICE_CPU && a->size > 1 && mask &&
      !single_elements(a, mask) && !infer_shapeless()) {
    int32_t shape[LZ_MAX_DIMS];
    int ndim = reduced_shape(a, mask, keepdims, shape);
    variance_params p = {.axes = mask, .ddof = ddof};
    return scope_own(node_make(
        &op_variance_desc, s, &a, 1, &p, sizeof p, dtype, ndim, shape));
  }
  lz_array* off = op_subtract(a, op_mean(a, axes, true, s), s);
  lz_array* sum = op_sum(op_square(off, s), axes, keepdims, s);
  return divide_by_count(sum, a, mask, ddof, dtype, s);
}

lz_array* op_std(
    lz_array* a, lz_axes axes, bool keepdims, int ddof, lz_stream* s) {
  return op_sqrt(op_var(a, axes, keepdims, ddof, s), s);
}

static int softmax_cpu(lz_exec* x) {
  const softmax_params* p = x->params;
  const lz_array* like = x->in[0];
  bool keeps = array_without_holes(like) && like->strides[p->axis];
  if (exec_alloc_fused(x, keeps ? like : NULL)) return 1;
  lz_view in = array_view(x->in[0]), out = array_view(x->out[0]);
  softmax_run(&in, p->axis, p->precise, &out);
  x->flops = 5 * (uint64_t)x->in[0]->size;
  return 0;
}

const lz_op op_softmax_desc = {
    .name = "Softmax",
    .cpu = softmax_cpu,
    .fusable = &softmax_fusable,
    GPU(gpu_softmax),
    .vjp = softmax_vjp,
    .vmap = softmax_vmap,
    .infer = infer_softmax};

static int logsumexp_cpu(lz_exec* x) {
  const softmax_params* p = x->params;
  if (exec_alloc(x, 0)) return 1;
  lz_view in = array_view(x->in[0]), out = array_view(x->out[0]);
  softmax_logsumexp(&in, p->axis, &out);
  x->flops = 4 * (uint64_t)x->in[0]->size;
  return 0;
}

const lz_op op_logsumexp_desc = {
    .name = "LogSumExp",
    .cpu = logsumexp_cpu,
    .fusable = &logsumexp_fusable,
    .vjp = logsumexp_vjp,
    .vmap = softmax_vmap,
    .infer = infer_logsumexp};

/* The only axis of a set, or -1. */
static int single_axis(uint32_t mask) {
  return mask && !(mask & (mask - 1)) ? __builtin_ctz(mask) : -1;
}

lz_array* op_softmax(lz_array* a, lz_axes axes, bool precise, lz_stream* s) {
  if (!a || !s) return NULL;
  if (a->size == 0) return a; /* whatever the axes: as MLX has it */
  uint32_t mask;
  if (op_axes_mask("softmax", a, axes, &mask)) return NULL;
  lz_dtype dtype = dtype_inexact((lz_dtype)a->dtype);
  lz_array* in = op_astype(a, dtype, s);
  softmax_params p = {.axis = single_axis(mask), .precise = precise};
  if (p.axis >= 0 && dtype != DTYPE_COMPLEX64) {
    if (!in) return NULL;
    return scope_own(node_make(
        &op_softmax_desc, s, &in, 1, &p, sizeof p, dtype, a->ndim, a->shape));
  }
  lz_dtype wide = precise ? dtype_promote(dtype, DTYPE_FLOAT32) : dtype;
  in = op_astype(in, wide, s);
  lz_array* e = op_exp(op_subtract(in, op_max(in, axes, true, s), s), s);
  return op_astype(op_divide(e, op_sum(e, axes, true, s), s), dtype, s);
}

lz_array* op_logsumexp(lz_array* a, lz_axes axes, bool keepdims, lz_stream* s) {
  if (!a || !s) return NULL;
  uint32_t mask;
  if (op_axes_mask("logsumexp", a, axes, &mask)) return NULL;
  if (a->size == 0 && a->ndim)
    return error_set("[logsumexp] Received empty array.");
  lz_dtype dtype = dtype_inexact((lz_dtype)a->dtype);
  lz_array* in = op_astype(a, dtype, s);
  softmax_params p = {.axis = single_axis(mask)};
  int32_t shape[LZ_MAX_DIMS];
  if (p.axis >= 0 && dtype != DTYPE_COMPLEX64) {
    if (!in) return NULL;
    int ndim = reduced_shape(a, mask, keepdims, shape);
    return scope_own(node_make(
        &op_logsumexp_desc, s, &in, 1, &p, sizeof p, dtype, ndim, shape));
  }
  lz_array* top = op_max(in, axes, true, s);
  lz_array* e = op_exp(op_subtract(in, top, s), s);
  lz_array* log = op_log(op_sum(e, axes, true, s), s);
  lz_array* out = op_add(log, top, s);
  if (keepdims || !out) return out;
  int ndim = reduced_shape(a, mask, false, shape);
  return op_reshape(out, shape, ndim, s);
}
