#include "ops/qmm.h"

#include <string.h>

#include "core/error.h"
#include "core/scope.h"
#include "cpu/qmm.h"
#include "ops/create.h"
#include "ops/elementwise.h"
#include "ops/gather_mm.h"
#include "ops/infer.h"
#include "ops/matmul.h"
#include "ops/reduce.h"
#include "ops/shape.h"

/* Inputs: x, w, scales, biases of affine; then lhs and rhs, or the global
 * scale of x. */
typedef struct qmm_params {
  quantize_format format;
  int32_t transpose;
  int32_t global;
} qmm_params;

static bool is_affine(const qmm_params* p) {
  return p->format.mode == QUANTIZE_AFFINE;
}

static int qmm_failed(int failed) {
  if (failed) error_memory();
  return failed;
}

static void count_flops(lz_exec* x) {
  const lz_array* a = x->in[0];
  x->flops = 2 * (uint64_t)x->out[0]->size * (uint64_t)a->shape[a->ndim - 1];
}

/* A row-contiguous array as one matrix. */
static void as_rows(lz_view* v, int32_t shape[2], int64_t strides[2]) {
  shape[1] = v->shape[v->ndim - 1];
  shape[0] = shape[1] ? (int32_t)(view_size(v) / shape[1]) : 0;
  strides[1] = 1;
  strides[0] = shape[1];
  v->ndim = 2;
  v->shape = shape;
  v->strides = strides;
}

static int quantized_matmul_cpu(lz_exec* x) {
  const qmm_params* p = x->params;
  if (exec_alloc(x, 0)) return 1;
  if (x->out[0]->size == 0) return 0;
  lz_view in = array_view(x->in[0]), w = array_view(x->in[1]),
          scales = array_view(x->in[2]), out = array_view(x->out[0]), biases;
  if (is_affine(p)) biases = array_view(x->in[3]);
  /* One w for all: all rows together are decoded once. */
  int32_t shapes[2][2];
  int64_t strides[2][2];
  if (w.ndim == 2 && in.ndim > 2 && (x->in[0]->flags & ARRAY_ROW_CONTIGUOUS)) {
    as_rows(&in, shapes[0], strides[0]);
    as_rows(&out, shapes[1], strides[1]);
  }
  count_flops(x);
  return qmm_failed(qmm_run(
      &p->format,
      p->transpose,
      &in,
      &w,
      &scales,
      is_affine(p) ? &biases : NULL,
      &out,
      NULL,
      NULL));
}

static int gather_qmm_cpu(lz_exec* x) {
  const qmm_params* p = x->params;
  if (exec_alloc(x, 0)) return 1;
  if (x->out[0]->size == 0) return 0;
  lz_view v[6], out = array_view(x->out[0]);
  for (int i = 0; i < x->n_in; i++) v[i] = array_view(x->in[i]);
  int64_t n_x = 1, n_w = 1;
  for (int i = 0; i < v[0].ndim - 2; i++) n_x *= v[0].shape[i];
  for (int i = 0; i < v[1].ndim - 2; i++) n_w *= v[1].shape[i];
  int at = x->n_in - 2;
  if (gather_mm_check("gather_qmm", x->in[at], n_x) ||
      gather_mm_check("gather_qmm", x->in[at + 1], n_w))
    return 1;
  count_flops(x);
  return qmm_failed(qmm_run(
      &p->format,
      p->transpose,
      &v[0],
      &v[1],
      &v[2],
      is_affine(p) ? &v[3] : NULL,
      &out,
      &v[at],
      &v[at + 1]));
}

static int qqmm_cpu(lz_exec* x) {
  const qmm_params* p = x->params;
  if (exec_alloc(x, 0)) return 1;
  if (x->out[0]->size == 0) return 0;
  lz_view in = array_view(x->in[0]), w = array_view(x->in[1]),
          scales = array_view(x->in[2]), out = array_view(x->out[0]);
  lz_view coarse = in;
  int64_t strides[] = {in.shape[1], 1};
  coarse.strides = strides;
  coarse.data = exec_scratch(x, array_nbytes(x->in[0]));
  if (!coarse.data) return 1;
  const float* global = p->global ? array_data(x->in[3]) : NULL;
  quantize_round_trip(&p->format, &in, global, &coarse);
  count_flops(x);
  return qmm_failed(
      qmm_run(&p->format, true, &coarse, &w, &scales, NULL, &out, NULL, NULL));
}

/* The matrix of a node, seen the other way round or not. */
static quantized matrix_of(
    const qmm_params* p, lz_array* const* in, bool transpose) {
  static const char* const names[] = {"affine", "mxfp4", "mxfp8", "nvfp4"};
  return (quantized){
      .w = in[1],
      .scales = in[2],
      .biases = is_affine(p) ? in[3] : NULL,
      .wish = {&p->format.group_size, &p->format.bits, names[p->format.mode]},
      .transpose = transpose};
}

/* Gradients of scales and biases from dw (…, rows, K), that of the dequantised
 * matrix: each group's scale sums over code * dw, its bias over dw. */
static int factors_vjp(const lz_vjp* v, lz_array* dw) {
  const qmm_params* p = v->node->params;
  lz_stream* s = v->stream;
  quantized q = matrix_of(p, v->in, true);
  const int32_t split[] = {-1, p->format.group_size};
  lz_array* groups = op_unflatten(dw, -1, split, 2, s);
  if (!groups) return 1;
  if (v->wanted[3] && !(v->grad[3] = op_sum(groups, AXIS(-1), false, s)))
    return 1;
  if (!v->wanted[2]) return 0;
  lz_array* codes = op_dequantize(
      q.w,
      op_ones_like(q.scales, s),
      op_zeros_like(q.biases, s),
      q.wish,
      NULL,
      NULL,
      s);
  codes = op_multiply(groups, op_unflatten(codes, -1, split, 2, s), s);
  v->grad[2] = op_sum(codes, AXIS(-1), false, s);
  return !v->grad[2];
}

/* Which gradients there are: non-zero with a message for others. *factors: of
 * scales or biases. */
static int qmm_wanted(const lz_vjp* v, const char* op, bool* factors) {
  const qmm_params* p = v->node->params;
  *factors = false;
  for (uint32_t i = 1; i < v->node->n_inputs; i++) {
    if (!v->wanted[i]) continue;
    if (i == 1 || i > 3 || !is_affine(p))
      return error_fail(
          "[%s] no gradient for %s",
          op,
          i == 1 ? "the quantized weights" : "scales and indices of this kind");
    *factors = true;
  }
  return 0;
}

static int quantized_matmul_vjp(const lz_vjp* v) {
  const qmm_params* p = v->node->params;
  lz_stream* s = v->stream;
  lz_array *x = v->in[0], *g = v->cotan[0];
  bool factors;
  if (qmm_wanted(v, "quantized_matmul", &factors)) return 1;
  if (v->wanted[0] && !(v->grad[0] = op_quantized_matmul(
                            g, matrix_of(p, v->in, !p->transpose), s)))
    return 1;
  if (!factors) return 0;
  /* With one w the rows of all matrices of x count together. */
  if (v->in[1]->ndim == 2) {
    const int32_t rows_x[] = {-1, x->shape[x->ndim - 1]};
    const int32_t rows_g[] = {-1, g->shape[g->ndim - 1]};
    x = op_reshape(x, rows_x, 2, s);
    g = op_reshape(g, rows_g, 2, s);
  }
  lz_array* dw = p->transpose ? op_matmul(op_swapaxes(g, -1, -2, s), x, s)
                              : op_matmul(op_swapaxes(x, -1, -2, s), g, s);
  return factors_vjp(v, dw);
}

static int gather_qmm_vjp(const lz_vjp* v) {
  const qmm_params* p = v->node->params;
  lz_stream* s = v->stream;
  int n = (int)v->node->n_inputs;
  lz_array *x = v->in[0], *g = v->cotan[0];
  lz_array *lhs = v->in[n - 2], *rhs = v->in[n - 1];
  bool factors;
  if (qmm_wanted(v, "gather_qmm", &factors)) return 1;
  if (v->wanted[0]) {
    quantized q = matrix_of(p, v->in, !p->transpose);
    lz_array* each = op_gather_qmm(g, q, NULL, rhs, s);
    if (!(v->grad[0] = gather_mm_sum(each, lhs, x, s))) return 1;
  }
  if (!factors) return 0;
  lz_array* each = op_gather_mm(op_swapaxes(x, -1, -2, s), g, lhs, NULL, s);
  if (p->transpose) each = op_swapaxes(each, -1, -2, s);
  if (!each) return 1;
  /* Only shape and type of the dequantised matrix are asked for. */
  const lz_array* w = v->in[1];
  int32_t shape[LZ_MAX_DIMS];
  memcpy(shape, w->shape, sizeof(int32_t) * w->ndim);
  shape[w->ndim - 2] = each->shape[each->ndim - 2];
  shape[w->ndim - 1] = each->shape[each->ndim - 1];
  lz_array like = {.ndim = w->ndim, .dtype = x->dtype, .shape = shape};
  return factors_vjp(v, gather_mm_sum(each, rhs, &like, s));
}

/* Straight through the rounding of x. */
static int qqmm_vjp(const lz_vjp* v) {
  const qmm_params* p = v->node->params;
  for (uint32_t i = 1; i < 3; i++)
    if (v->wanted[i])
      return error_fail("[qqmm] no gradient for the quantized weights");
  if (v->wanted[0])
    v->grad[0] =
        op_quantized_matmul(v->cotan[0], matrix_of(p, v->in, false), v->stream);
  return v->wanted[0] && !v->grad[0];
}

/* x (…, M, K), one matrix or as many: what a product of them gives, to which
 * `shape` has the leading axes already. */
static int qmm_product(lz_infer* x, int lead, int32_t* shape) {
  const qmm_params* p = x->params;
  const lz_array *a = x->in[0], *w = x->in[1];
  lz_dtype own, dtype = (lz_dtype)a->dtype;
  if (quantize_check(
          x->op->name,
          &p->format,
          w,
          x->in[2],
          is_affine(p) ? x->in[3] : NULL,
          &own))
    return 1;
  int64_t rows = w->shape[w->ndim - 2];
  int64_t wide = (int64_t)w->shape[w->ndim - 1] * 32 / p->format.bits;
  int64_t inner = p->transpose ? wide : rows;
  bool fits = (dtype == DTYPE_FLOAT16 || dtype == DTYPE_BFLOAT16 ||
               dtype == DTYPE_FLOAT32) &&
              (!is_affine(p) ||
               (x->in[2]->dtype == dtype && x->in[3]->dtype == dtype)) &&
              a->ndim > 0 && a->shape[a->ndim - 1] == inner;
  if (!fits)
    return infer_fail(
        x,
        "x of %s with packed weights of %s",
        error_shape_of(a),
        error_shape_of(w));
  if (a->ndim > 1) shape[lead++] = a->shape[a->ndim - 2];
  shape[lead++] = (int32_t)(p->transpose ? rows : wide);
  return infer_put(x, 0, dtype, lead, shape);
}

/* The format, and `more` inputs after those of the matrix. */
static int qmm_expect(const lz_infer* x, int more) {
  const qmm_params* p = x->params;
  if (infer_expect(x, x->n_in, 1, sizeof *p)) return 1;
  if (!quantize_format_is(&p->format) || (uint32_t)p->global > 1 ||
      x->n_in != 3 + is_affine(p) + p->global + more)
    return infer_fail(x, "no such format, or %d inputs", x->n_in);
  return 0;
}

static int quantized_matmul_infer(lz_infer* x) {
  const qmm_params* p = x->params;
  if (qmm_expect(x, 0)) return 1;
  const lz_array *a = x->in[0], *w = x->in[1];
  if (p->global || w->ndim < 2 || (w->ndim > 2 && a->ndim <= 2))
    return infer_fail(x, "x of %d axes", a->ndim);
  lz_array la = {.shape = a->shape};
  lz_array lw = {.ndim = (uint8_t)(w->ndim - 2), .shape = w->shape};
  la.ndim = (uint8_t)(a->ndim > 2 ? a->ndim - 2 : 0);
  lz_array* lead[] = {&la, &lw};
  int32_t shape[LZ_MAX_DIMS];
  int n = infer_broadcast(x, lead, 2, shape);
  return n < 0 || qmm_product(x, n, shape);
}

static int gather_qmm_infer(lz_infer* x) {
  const qmm_params* p = x->params;
  if (qmm_expect(x, 2)) return 1;
  const lz_array *lhs = x->in[x->n_in - 2], *rhs = x->in[x->n_in - 1];
  if (p->global || x->in[0]->ndim < 2 || lhs->dtype != DTYPE_UINT32 ||
      rhs->dtype != DTYPE_UINT32 || !array_same_shape(lhs, rhs) ||
      lhs->ndim + 2 > LZ_MAX_DIMS)
    return infer_fail(x, "indices of %s", error_shape_of(lhs));
  int32_t shape[LZ_MAX_DIMS];
  memcpy(shape, lhs->shape, sizeof *shape * lhs->ndim);
  return qmm_product(x, lhs->ndim, shape);
}

static int qqmm_infer(lz_infer* x) {
  const qmm_params* p = x->params;
  if (qmm_expect(x, 0)) return 1;
  if (is_affine(p) || !p->transpose || x->in[0]->ndim != 2 ||
      x->in[1]->ndim != 2)
    return infer_fail(x, "x of %s", error_shape_of(x->in[0]));
  if (p->global && quantize_check_global(x->op->name, &p->format, x->in[3]))
    return 1;
  int32_t shape[LZ_MAX_DIMS];
  return qmm_product(x, 0, shape);
}

#define QMM(id, label)           \
  const lz_op op_##id##_desc = { \
      .name = label,             \
      .cpu = id##_cpu,           \
      .vjp = id##_vjp,           \
      .infer = id##_infer,       \
      .describe = quantize_describe}

QMM(quantized_matmul, "QuantizedMatmul");
QMM(gather_qmm, "GatherQMM");
QMM(qqmm, "QQMatmul");

/* Format and extents of a product; *columns is its last extent. */
static int qmm_prepare(
    const char* op,
    const lz_array* x,
    const quantized* q,
    qmm_params* p,
    lz_dtype* dtype,
    int32_t* columns) {
  memset(p, 0, sizeof *p);
  p->transpose = q->transpose;
  if (quantize_format_of(op, q->wish, &p->format) ||
      quantize_check(op, &p->format, q->w, q->scales, q->biases, dtype))
    return 1;
  *dtype = is_affine(p) ? dtype_promote((lz_dtype)x->dtype, *dtype)
                        : (lz_dtype)x->dtype;
  if (*dtype != DTYPE_FLOAT16 && *dtype != DTYPE_BFLOAT16 &&
      *dtype != DTYPE_FLOAT32)
    return error_fail(
        "[%s] Only float16, bfloat16 and float32 are supported but x is %s "
        "and the product %s.",
        op,
        dtype_name((lz_dtype)x->dtype),
        dtype_name(*dtype));
  const lz_array* w = q->w;
  int32_t rows = w->shape[w->ndim - 2];
  int32_t wide =
      (int32_t)((int64_t)w->shape[w->ndim - 1] * 32 / p->format.bits);
  int32_t inner = q->transpose ? wide : rows;
  *columns = q->transpose ? rows : wide;
  if (x->ndim > 0 && x->shape[x->ndim - 1] == inner) return 0;
  return error_fail(
      "[%s] x of shape %s does not match the expanded quantized matrix "
      "(%d,%d), from shape %s with group_size=%d, bits=%d and transpose=%s",
      op,
      error_shape_of(x),
      inner,
      *columns,
      error_shape_of(w),
      p->format.group_size,
      p->format.bits,
      q->transpose ? "true" : "false");
}

/* x, w, scales, biases as inputs; their number. */
static int qmm_inputs(
    lz_array* x,
    const quantized* q,
    lz_dtype dtype,
    lz_stream* s,
    lz_array** in) {
  in[0] = op_astype(x, dtype, s);
  in[1] = q->w;
  in[2] = q->scales;
  if (!q->biases) return 3;
  in[2] = op_astype(q->scales, dtype, s);
  in[3] = op_astype(q->biases, dtype, s);
  return 4;
}

static lz_array* qmm_node(
    const lz_op* op,
    lz_array** in,
    int n,
    const qmm_params* p,
    lz_dtype dtype,
    int ndim,
    const int32_t* shape,
    lz_stream* s) {
  for (int i = 0; i < n; i++)
    if (!in[i]) return NULL;
  return scope_own(node_make(op, s, in, n, p, sizeof *p, dtype, ndim, shape));
}

lz_array* op_quantized_matmul(lz_array* x, quantized q, lz_stream* s) {
  if (!x || !q.w || !q.scales || !s) return NULL;
  qmm_params p;
  lz_dtype dtype;
  int32_t columns, shape[LZ_MAX_DIMS];
  if (qmm_prepare("quantized_matmul", x, &q, &p, &dtype, &columns)) return NULL;
  if (q.w->ndim > 2 && x->ndim <= 2)
    return error_set(
        "[quantized_matmul] w of shape %s has leading axes, x of shape %s has "
        "none",
        error_shape_of(q.w),
        error_shape_of(x));
  lz_array lx = {.shape = x->shape};
  lz_array lw = {.ndim = (uint8_t)(q.w->ndim - 2), .shape = q.w->shape};
  lx.ndim = (uint8_t)(x->ndim > 2 ? x->ndim - 2 : 0);
  int n = shape_broadcast("quantized_matmul", &lx, &lw, shape);
  if (n < 0) return NULL;
  if (x->ndim > 1) shape[n++] = x->shape[x->ndim - 2];
  shape[n++] = columns;
  lz_array* in[4];
  int count = qmm_inputs(x, &q, dtype, s, in);
  return qmm_node(&op_quantized_matmul_desc, in, count, &p, dtype, n, shape, s);
}

lz_array* op_gather_qmm(
    lz_array* x, quantized q, lz_array* lhs, lz_array* rhs, lz_stream* s) {
  if (!x || !q.w || !q.scales || !s) return NULL;
  if (!lhs && !rhs) return op_quantized_matmul(x, q, s);
  qmm_params p;
  lz_dtype dtype;
  int32_t columns, shape[LZ_MAX_DIMS + 2];
  if (qmm_prepare("gather_qmm", x, &q, &p, &dtype, &columns)) return NULL;
  if (x->ndim < 2)
    return error_set(
        "[gather_qmm] Non-quantized input must have at least two dimensions "
        "but got input with shape %s.",
        error_shape_of(x));
  lhs = gather_mm_indices("gather_qmm", lhs, x, s);
  rhs = gather_mm_indices("gather_qmm", rhs, q.w, s);
  if (!lhs || !rhs) return NULL;
  int n = shape_broadcast("gather_qmm", lhs, rhs, shape);
  if (n < 0) return NULL;
  if (n + 2 > LZ_MAX_DIMS)
    return error_set("[gather_qmm] indices of shape %s", error_shape(n, shape));
  lz_array* in[6];
  int count = qmm_inputs(x, &q, dtype, s, in);
  in[count++] = op_broadcast_to(lhs, shape, n, s);
  in[count++] = op_broadcast_to(rhs, shape, n, s);
  shape[n] = x->shape[x->ndim - 2];
  shape[n + 1] = columns;
  return qmm_node(&op_gather_qmm_desc, in, count, &p, dtype, n + 2, shape, s);
}

lz_array* op_qqmm(
    lz_array* x,
    lz_array* w,
    lz_array* scales,
    quantize_wish wish,
    lz_array* global_x,
    lz_array* global_w,
    lz_stream* s) {
  if (!x || !w || !s) return NULL;
  qmm_params p;
  if (quantize_format_of("qqmm", wish, &p.format)) return NULL;
  if (p.format.mode != QUANTIZE_NVFP4 && p.format.mode != QUANTIZE_MXFP8)
    return error_set(
        "[qqmm] Only 'nvfp4' and 'mxfp8' quantization modes are supported but "
        "'%s' was provided.",
        wish.mode);
  if (x->ndim == 0 || w->ndim != 2)
    return error_set(
        "[qqmm] Only 2D matrices are supported, not %s @ %s",
        error_shape_of(x),
        error_shape_of(w));
  if (quantize_check_global("qqmm", &p.format, global_x) ||
      quantize_check_global("qqmm", &p.format, global_w))
    return NULL;
  if (!global_x != !global_w)
    return error_set(
        "[qqmm] global_scale_%s is missing: give both or neither",
        global_x ? "w" : "x");
  if (w->dtype == DTYPE_UINT32 && !scales)
    return error_set(
        "[qqmm] Scales must be provided if second argument is quantized: w "
        "of shape %s is.",
        error_shape_of(w));
  if (w->dtype != DTYPE_UINT32) {
    lz_array* parts[3];
    int n;
    if (op_quantize(w, wish, global_w, s, parts, &n)) return NULL;
    w = parts[0];
    scales = parts[1];
  }
  lz_array* rows = x;
  if (x->ndim == 1) rows = op_expand_dims(x, (const int[]){0}, 1, s);
  if (x->ndim > 2) rows = op_flatten(x, 0, -2, s);
  if (!rows) return NULL;
  quantized q = {.w = w, .scales = scales, .wish = wish, .transpose = true};
  lz_dtype dtype;
  int32_t columns;
  if (qmm_prepare("qqmm", rows, &q, &p, &dtype, &columns)) return NULL;
  p.global = global_x != NULL;
  lz_array* in[] = {rows, w, scales, global_x};
  const int32_t shape[] = {rows->shape[0], columns};
  lz_array* out =
      qmm_node(&op_qqmm_desc, in, 3 + p.global, &p, dtype, 2, shape, s);
  if (global_w) { /* what the codes of w leave out: 448 * 6 */
    lz_array* by = op_divide(global_w, op_scalar(DTYPE_FLOAT32, 2688), s);
    by = op_reshape(by, NULL, 0, s);
    out = op_astype(op_multiply(out, by, s), dtype, s);
  }
  if (x->ndim == 1) return op_squeeze(out, (const int[]){0}, 1, s);
  if (x->ndim > 2) return op_unflatten(out, 0, x->shape, x->ndim - 1, s);
  return out;
}
