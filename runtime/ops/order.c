#include "ops/order.h"

#include <string.h>

#include "core/error.h"
#include "core/scope.h"
#include "cpu/sort.h"
#include "ops/create.h"
#include "ops/elementwise.h"
#include "ops/infer.h"
#include "ops/rules.h"
#include "ops/shape.h"

static int order_memory(const lz_exec* x, int failed) {
  return failed ? error_fail("[%s] out of memory", x->op->name) : 0;
}

/* Runs CALL on views `in` and `out` with the parameters `p`. */
#define ORDER(id, label, CALL, ...)                                 \
  static int id##_cpu(lz_exec* x) {                                 \
    const order_params* p = x->params;                              \
    if (exec_alloc(x, 0)) return 1;                                 \
    lz_view in = array_view(x->in[0]), out = array_view(x->out[0]); \
    return x->in[0]->size ? order_memory(x, CALL) : 0;              \
  }                                                                 \
  const lz_op op_##id##_desc = {                                    \
      .name = label,                                                \
      .cpu = id##_cpu,                                              \
      .vmap = sort_vmap,                                            \
      .infer = infer_order,                                         \
      __VA_ARGS__};
ORDER(
    sort,
    "Sort",
    sort_run(&in, p->axis, &out),
    .vjp = sort_vjp,
    .jvp = sort_jvp)
ORDER(argsort, "ArgSort", sort_arg(&in, p->axis, &out), .vjp = zero_vjp)
ORDER(
    partition,
    "Partition",
    sort_partition(&in, p->axis, p->kth, &out),
    .vjp = sort_vjp,
    .jvp = sort_jvp)
ORDER(
    argpartition,
    "ArgPartition",
    sort_argpartition(&in, p->axis, p->kth, &out),
    .vjp = zero_vjp)

/* The array, flattened where there is no axis, and the axis; -1 on error. */
static int order_axis(
    const char* op, lz_array** a, const int* axis, lz_stream* s) {
  if (!*a || !s) return -1;
  if (axis) return shape_axis(op, *axis, (*a)->ndim);
  *a = op_reshape(*a, (const int32_t[]){-1}, 1, s);
  return *a ? 0 : -1;
}

static lz_array* order_node(
    const lz_op* desc,
    lz_array* a,
    lz_dtype dtype,
    int axis,
    int kth,
    lz_stream* s) {
  order_params p = {axis, kth};
  return scope_own(
      node_make(desc, s, &a, 1, &p, sizeof p, dtype, a->ndim, a->shape));
}

lz_array* op_sort(lz_array* a, const int* axis, lz_stream* s) {
  int at = order_axis("sort", &a, axis, s);
  return at < 0 ? NULL
                : order_node(&op_sort_desc, a, (lz_dtype)a->dtype, at, 0, s);
}

lz_array* op_argsort(lz_array* a, const int* axis, lz_stream* s) {
  int at = order_axis("argsort", &a, axis, s);
  return at < 0 ? NULL
                : order_node(&op_argsort_desc, a, DTYPE_UINT32, at, 0, s);
}

/* kth counted from the start; -1 with a message where it is out of range. */
static int order_kth(const char* op, const lz_array* a, int axis, int kth) {
  int n = a->shape[axis];
  int k = kth < 0 ? kth + n : kth;
  if (k >= 0 && k < n) return k;
  error_set(
      "[%s] Received invalid kth %d along axis %d for array with shape: %s",
      op,
      kth,
      axis,
      error_shape_of(a));
  return -1;
}

lz_array* op_partition(lz_array* a, int kth, const int* axis, lz_stream* s) {
  int at = order_axis("partition", &a, axis, s);
  int k = at < 0 ? -1 : order_kth("partition", a, at, kth);
  if (k < 0) return NULL;
  return order_node(&op_partition_desc, a, (lz_dtype)a->dtype, at, k, s);
}

lz_array* op_argpartition(lz_array* a, int kth, const int* axis, lz_stream* s) {
  int at = order_axis("argpartition", &a, axis, s);
  int k = at < 0 ? -1 : order_kth("argpartition", a, at, kth);
  if (k < 0) return NULL;
  return order_node(&op_argpartition_desc, a, DTYPE_UINT32, at, k, s);
}

/* Elements start … stop - 1 of one axis. */
static lz_array* order_part(
    lz_array* a, int axis, int start, int stop, lz_stream* s) {
  if (!a) return NULL;
  int from[LZ_MAX_DIMS], to[LZ_MAX_DIMS], step[LZ_MAX_DIMS];
  for (int i = 0; i < a->ndim; i++) {
    from[i] = i == axis ? start : 0;
    to[i] = i == axis ? stop : a->shape[i];
    step[i] = 1;
  }
  return op_slice(a, from, to, step, a->ndim, s);
}

lz_array* op_topk(lz_array* a, int k, const int* axis, lz_stream* s) {
  int at = order_axis("topk", &a, axis, s);
  if (at < 0) return NULL;
  int n = a->shape[at];
  if (k < 0 || k > n)
    return error_set(
        "[topk] Received invalid k=%d along axis %d for array with shape: %s",
        k,
        at,
        error_shape_of(a));
  if (k == n) return a;
  if (k == 0) return order_part(a, at, n, n, s);
  return order_part(op_partition(a, -k, &at, s), at, n - k, n, s);
}

lz_array* op_median(
    lz_array* a, const int* axes, int n_axes, bool keepdims, lz_stream* s) {
  if (!a || !s) return NULL;
  uint32_t mask;
  if (shape_axes("median", axes, n_axes, a->ndim, &mask)) return NULL;
  if (n_axes == 0 && a->ndim)
    return error_set("[median] there is no axis to take the median along");
  /* The axes are moved to the end and become one. */
  int order[LZ_MAX_DIMS], k = 0;
  int32_t flat[LZ_MAX_DIMS + 1], kept[LZ_MAX_DIMS], n = 1;
  int n_kept = 0;
  for (int i = 0; i < a->ndim; i++) {
    bool gone = mask & (UINT32_C(1) << i);
    if (!gone) {
      flat[k] = a->shape[i];
      order[k++] = i;
    }
    if (!gone || keepdims) kept[n_kept++] = gone ? 1 : a->shape[i];
  }
  int rest = k;
  for (int i = 0; i < a->ndim; i++)
    if (mask & (UINT32_C(1) << i)) {
      n *= a->shape[i];
      order[k++] = i;
    }
  flat[rest] = n;
  if (n == 0)
    return error_set(
        "[median] Cannot take median along empty axis: %s", error_shape_of(a));
  lz_array* rows = a->ndim ? op_transpose(a, order, a->ndim, s) : a;
  rows = op_reshape(rows, flat, rest + 1, s);
  lz_array* sorted = op_sort(rows, &rest, s);
  lz_dtype dtype = dtype_inexact((lz_dtype)a->dtype);
  lz_array* middle =
      op_astype(order_part(sorted, rest, n / 2, n / 2 + 1, s), dtype, s);
  if (n % 2 == 0) {
    lz_array* lower =
        op_astype(order_part(sorted, rest, n / 2 - 1, n / 2, s), dtype, s);
    middle = op_multiply(op_add(middle, lower, s), op_scalar(dtype, 0.5), s);
  }
  return op_reshape(middle, kept, n_kept, s);
}

/* ---- cumulative ---------------------------------------------------------- */

static int scan_cpu(lz_exec* x) {
  const scan_params* p = x->params;
  scan_kind kind = (scan_kind)(x->op - op_scan_descs);
  if (exec_alloc_or_donate_as(x, 0, 0)) return 1;
  lz_view in = array_view(x->in[0]), out = array_view(x->out[0]);
  if (x->in[0]->size)
    scan_run(kind, &in, p->axis, p->reverse, p->inclusive, &out);
  return 0;
}

const lz_op op_scan_descs[SCAN_KINDS] = {
    [SCAN_SUM] =
        {.name = "CumSum",
         .cpu = scan_cpu,
         .vjp = scan_vjp,
         .jvp = scan_jvp,
         .vmap = scan_vmap,
         .infer = infer_scan},
    [SCAN_PROD] =
        {.name = "CumProd",
         .cpu = scan_cpu,
         .vjp = scan_vjp,
         .vmap = scan_vmap,
         .infer = infer_scan},
    [SCAN_MAX] =
        {.name = "CumMax",
         .cpu = scan_cpu,
         .vjp = scan_vjp,
         .jvp = scan_jvp,
         .vmap = scan_vmap,
         .infer = infer_scan},
    [SCAN_MIN] =
        {.name = "CumMin",
         .cpu = scan_cpu,
         .vjp = scan_vjp,
         .jvp = scan_jvp,
         .vmap = scan_vmap,
         .infer = infer_scan},
    [SCAN_LOGADDEXP] =
        {.name = "CumLogaddexp",
         .cpu = scan_cpu,
         .vjp = scan_vjp,
         .jvp = scan_jvp,
         .vmap = scan_vmap,
         .infer = infer_scan},
};

lz_array* op_scan(
    scan_kind kind,
    lz_array* a,
    int axis,
    bool reverse,
    bool inclusive,
    lz_stream* s) {
  static const char* const names[SCAN_KINDS] = {
      "cumsum", "cumprod", "cummax", "cummin", "logcumsumexp"};
  if (!a || !s) return NULL;
  int at = shape_axis(names[kind], axis, a->ndim);
  if (at < 0) return NULL;
  scan_params p = {at, reverse, inclusive};
  return scope_own(node_make(
      &op_scan_descs[kind],
      s,
      &a,
      1,
      &p,
      sizeof p,
      scan_dtype(kind, (lz_dtype)a->dtype),
      a->ndim,
      a->shape));
}
