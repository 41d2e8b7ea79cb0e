#include "ops/norm.h"

#include <stdio.h>

#include "core/error.h"
#include "core/scope.h"
#include "cpu/norm.h"
#include "ops/create.h"
#include "ops/elementwise.h"
#include "ops/infer.h"
#include "ops/reduce.h"
#include "ops/shape.h"

/* Inputs: x, then weight, then bias, as far as they are there. Of the
 * gradients: the cotangent last; outputs for x, weight and bias. */
typedef struct norm_params {
  float eps;
  int32_t layer; /* else RMS */
  int32_t weight, bias;
} norm_params;

static int norm_cpu(lz_exec* x) {
  const norm_params* p = x->params;
  if (exec_alloc(x, 0)) return 1;
  if (x->out[0]->size == 0) return 0;
  lz_view in = array_view(x->in[0]), out = array_view(x->out[0]), w, b;
  if (p->weight) w = array_view(x->in[1]);
  if (p->bias) b = array_view(x->in[1 + p->weight]);
  if (p->layer)
    norm_layer(&in, p->weight ? &w : NULL, p->bias ? &b : NULL, p->eps, &out);
  else
    norm_rms(&in, p->weight ? &w : NULL, p->eps, &out);
  x->flops = (p->layer ? 8 : 4) * (uint64_t)x->in[0]->size;
  return 0;
}

static int norm_vjp_cpu(lz_exec* x) {
  const norm_params* p = x->params;
  lz_array* ins = x->in[0];
  lz_view in = array_view(ins), g = array_view(x->in[x->n_in - 1]), w;
  lz_view v[3];
  bool there[3] = {0};
  for (int i = 0; i < x->n_out; i++) {
    if (!x->out[i]) continue;
    if (exec_alloc(x, i)) return 1;
    int slot = i && !p->weight ? 2 : i;
    v[slot] = array_view(x->out[i]);
    there[slot] = true;
  }
  if (p->weight) w = array_view(x->in[1]);
  int64_t strides[LZ_MAX_DIMS];
  if (!there[0]) { /* written whether anyone wants it or not */
    view_row_strides(in.ndim, in.shape, strides);
    v[0] = in;
    v[0].strides = strides;
    if (!(v[0].data = exec_scratch(x, array_nbytes(ins)))) return 1;
  }
  const lz_view* weight = p->weight ? &w : NULL;
  const lz_view* gw = there[1] ? &v[1] : NULL;
  const lz_view* gb = there[2] ? &v[2] : NULL;
  x->flops = 12 * (uint64_t)ins->size;
  int failed = p->layer ? norm_layer_vjp(&in, weight, &g, p->eps, &v[0], gw, gb)
                        : norm_rms_vjp(&in, weight, &g, p->eps, &v[0], gw);
  if (failed) error_memory();
  return failed;
}

static void norm_describe(const lz_node* n, char* text, size_t size) {
  const norm_params* p = n->params;
  snprintf(text, size, "eps=%g", p->eps);
}

static int norm_vjp(const lz_vjp* v) {
  const norm_params* p = v->node->params;
  int n = (int)v->node->n_inputs;
  lz_array *in[4], *out[3];
  lz_node_output shapes[3];
  for (int i = 0; i < n; i++) {
    in[i] = v->in[i];
    shapes[i] =
        (lz_node_output){(lz_dtype)in[i]->dtype, in[i]->ndim, in[i]->shape};
  }
  in[n] = v->cotan[0];
  if (node_make_multi(
          p->layer ? &op_layer_norm_vjp_desc : &op_rms_norm_vjp_desc,
          v->stream,
          in,
          n + 1,
          p,
          sizeof *p,
          shapes,
          n,
          out) ||
      scope_own_all(out, (size_t)n))
    return 1;
  for (int i = 0; i < n; i++)
    if (v->wanted[i]) v->grad[i] = out[i];
  return 0;
}

/* The mean over the last axis, which stays. */
static lz_array* norm_mean(lz_array* a, lz_stream* s) {
  return op_mean(a, AXIS(-1), true, s);
}

/* Halves are counted in float: cubes of 1 / sqrt(eps) leave their range. NULL
 * for what is not there. */
static lz_array* norm_wide(lz_array* a, lz_stream* s) {
  return a && dtype_size((lz_dtype)a->dtype) < 4
             ? op_astype(a, DTYPE_FLOAT32, s)
             : a;
}

static int norm_jvp(const lz_jvp* v) {
  const norm_params* p = v->node->params;
  lz_stream* s = v->stream;
  lz_array* x = norm_wide(v->in[0], s);
  lz_array* tx = norm_wide(v->tangent[0], s);
  lz_array* w = p->weight ? norm_wide(v->in[1], s) : NULL;
  lz_array* tw = p->weight ? norm_wide(v->tangent[1], s) : NULL;
  lz_array* t = p->bias ? norm_wide(v->tangent[1 + p->weight], s) : NULL;
  if (p->layer) {
    x = op_subtract(x, norm_mean(x, s), s);
    if (tx) tx = op_subtract(tx, norm_mean(tx, s), s);
  }
  if (!x) return 1;
  lz_array* eps = op_scalar((lz_dtype)x->dtype, p->eps);
  lz_array* r = op_rsqrt(op_add(norm_mean(op_square(x, s), s), eps, s), s);
  lz_array* y = op_multiply(x, r, s);
  if (tx) {
    /* r * (tx - y * mean(y * tx)) */
    lz_array* dot = norm_mean(op_multiply(y, tx, s), s);
    lz_array* ty = op_subtract(tx, op_multiply(y, dot, s), s);
    ty = op_multiply(ty, r, s);
    if (w) ty = op_multiply(ty, w, s);
    t = t ? op_add(ty, t, s) : ty;
    if (!t) return 1;
  }
  if (tw) {
    lz_array* ty = op_multiply(y, tw, s);
    t = t ? op_add(ty, t, s) : ty;
    if (!t) return 1;
  }
  if (t) t = op_broadcast_to(t, v->out[0]->shape, v->out[0]->ndim, s);
  v->result[0] = t;
  return 0;
}

/* A parameter of one axis, mapped or not, against x with its mapped axis
 * first. */
static lz_array* norm_spread(const lz_vmap* v, int i, int ndim, lz_stream* s) {
  lz_array* w = v->in[i];
  if (v->axis[i] < 0) return w;
  w = op_moveaxis(w, v->axis[i], 0, s);
  if (!w) return NULL;
  int32_t shape[LZ_MAX_DIMS];
  for (int d = 0; d < ndim; d++) shape[d] = 1;
  shape[0] = w->shape[0];
  shape[ndim - 1] = w->shape[1];
  return op_reshape(w, shape, ndim, s);
}

static int norm_vmap(const lz_vmap* v) {
  const norm_params* p = v->node->params;
  lz_stream* s = v->stream;
  lz_array* x = v->in[0];
  int mapped = 0, n = (int)v->node->n_inputs;
  for (int i = 1; i < n; i++) mapped |= v->axis[i] >= 0;
  if (v->axis[0] >= 0)
    x = op_moveaxis(x, v->axis[0], 0, s);
  else
    x = op_expand_dims(x, (const int[]){0}, 1, s);
  if (!x) return 1;
  lz_array* w = p->weight ? v->in[1] : NULL;
  lz_array* b = p->bias ? v->in[1 + p->weight] : NULL;
  lz_array* y;
  if (!mapped) {
    y = p->layer ? op_layer_norm(x, w, b, p->eps, s)
                 : op_rms_norm(x, w, p->eps, s);
  } else {
    y = p->layer ? op_layer_norm(x, NULL, NULL, p->eps, s)
                 : op_rms_norm(x, NULL, p->eps, s);
    if (w) y = op_multiply(y, norm_spread(v, 1, x->ndim, s), s);
    if (b) y = op_add(y, norm_spread(v, 1 + p->weight, x->ndim, s), s);
  }
  v->result[0] = y;
  v->result_axis[0] = 0;
  return !y;
}

static bool norm_flags(const lz_infer* x) {
  const norm_params* p = x->params;
  return (uint32_t)p->weight <= 1 && (uint32_t)p->bias <= 1 &&
         p->layer ==
             (x->op == &op_layer_norm_desc || x->op == &op_layer_norm_vjp_desc);
}

/* x, weight and bias, as far as they are there. */
static int norm_operands(const lz_infer* x, int n) {
  const lz_array* a = x->in[0];
  if (infer_one_type(x)) return 1;
  bool fits = a->ndim > 0 && dtype_is_float((lz_dtype)a->dtype);
  for (int i = 1; fits && i < n; i++)
    fits = x->in[i]->ndim == 1 && x->in[i]->shape[0] == a->shape[a->ndim - 1];
  return fits ? 0 : infer_fail(x, "x of shape %s", error_shape_of(a));
}

static int norm_infer(lz_infer* x) {
  const norm_params* p = x->params;
  if (infer_expect(x, x->n_in, 1, sizeof *p)) return 1;
  if (!norm_flags(x)) return infer_fail(x, "parameters of another operation");
  int n = 1 + p->weight + p->bias;
  if (x->n_in != n) return infer_fail(x, "%d inputs", x->n_in);
  return norm_operands(x, n) || infer_like(x, 0, x->in[0]);
}

static int norm_vjp_infer(lz_infer* x) {
  const norm_params* p = x->params;
  if (infer_expect(x, x->n_in, x->n_in - 1, sizeof *p)) return 1;
  if (!norm_flags(x)) return infer_fail(x, "parameters of another operation");
  int n = 1 + p->weight + p->bias;
  if (x->n_in != n + 1) return infer_fail(x, "%d inputs", x->n_in);
  if (norm_operands(x, n)) return 1;
  if (!array_same_shape(x->in[n], x->in[0]))
    return infer_fail(x, "a cotangent of %s", error_shape_of(x->in[n]));
  for (int i = 0; i < n; i++)
    if (infer_like(x, i, x->in[i])) return 1;
  return 0;
}

/* The gradients of a norm, from plain operations: with y the normalised x and g
 * what reaches it, dx = r (g - mean(g) - y mean(g y)), without mean(g) where
 * nothing was centred. */
static int norm_vjp_plain(
    const lz_node* n, lz_array* const* in, lz_array** out, lz_stream* s) {
  const norm_params* p = n->params;
  lz_array* x = norm_wide(in[0], s);
  lz_array* cotan = norm_wide(in[n->n_inputs - 1], s);
  lz_array* g = cotan;
  lz_array* w = p->weight ? norm_wide(in[1], s) : NULL;
  if (p->layer) x = op_subtract(x, norm_mean(x, s), s);
  if (!x) return 1;
  lz_array* eps = op_scalar((lz_dtype)x->dtype, p->eps);
  lz_array* r = op_rsqrt(op_add(norm_mean(op_square(x, s), s), eps, s), s);
  lz_array* y = op_multiply(x, r, s);
  if (w) g = op_multiply(g, w, s);
  lz_array* dx = op_multiply(y, norm_mean(op_multiply(g, y, s), s), s);
  dx = op_subtract(g, dx, s);
  if (p->layer) dx = op_subtract(dx, norm_mean(g, s), s);
  out[0] = op_multiply(r, dx, s);
  int lead[LZ_MAX_DIMS], k = 0;
  for (; k < x->ndim - 1; k++) lead[k] = k;
  lz_axes over = AXES(lead, k);
  if (w) {
    out[1] = op_multiply(cotan, y, s);
    if (k) out[1] = op_sum(out[1], over, false, s);
  }
  if (p->bias) out[1 + p->weight] = k ? op_sum(cotan, over, false, s) : cotan;
  for (uint32_t i = 0; i < n->n_outputs; i++)
    if (!(out[i] = op_astype(out[i], (lz_dtype)in[0]->dtype, s))) return 1;
  return 0;
}

static int norm_rows(const lz_node* n) {
  return n->inputs[0]->ndim - 1;
}

static int norm_inner(const lz_inner* x) {
  const norm_params* p = x->params;
  const lz_view* w = p->weight ? &x->in[1] : NULL;
  if (p->layer)
    norm_layer(
        x->in, w, p->bias ? &x->in[1 + p->weight] : NULL, p->eps, x->out);
  else
    norm_rms(x->in, w, p->eps, x->out);
  return 0;
}

static const lz_fusable norm_fusable = {
    .rows = norm_rows, .row_inputs = 1, .run = norm_inner};

#define NORM(id, label)              \
  const lz_op op_##id##_desc = {     \
      .name = label,                 \
      .cpu = norm_cpu,               \
      .fusable = &norm_fusable,      \
      .vjp = norm_vjp,               \
      .jvp = norm_jvp,               \
      .vmap = norm_vmap,             \
      .infer = norm_infer,           \
      .describe = norm_describe};    \
  const lz_op op_##id##_vjp_desc = { \
      .name = label "VJP",           \
      .cpu = norm_vjp_cpu,           \
      .infer = norm_vjp_infer,       \
      .plain = norm_vjp_plain,       \
      .describe = norm_describe}

NORM(rms_norm, "RMSNorm");
NORM(layer_norm, "LayerNorm");

/* Checks weight or bias. */
static int norm_check(
    const char* op, const char* what, const lz_array* x, const lz_array* w) {
  if (!w || (w->ndim == 1 && w->shape[0] == x->shape[x->ndim - 1])) return 0;
  return error_fail(
      "[%s] %s of shape %s: one axis, of %d elements, is needed",
      op,
      what,
      error_shape_of(w),
      x->shape[x->ndim - 1]);
}

static lz_array* norm_make(
    const char* op,
    lz_array* x,
    lz_array* w,
    lz_array* b,
    norm_params p,
    lz_stream* s) {
  if (!x || !s) return NULL;
  if (x->ndim == 0)
    return error_set(
        "[%s] Input must have at least 1 dimension but got input with 0 "
        "dimensions.",
        op);
  if (norm_check(op, "weight", x, w) || norm_check(op, "bias", x, b))
    return NULL;
  lz_dtype dtype = (lz_dtype)x->dtype;
  if (w) dtype = dtype_promote(dtype, (lz_dtype)w->dtype);
  if (w && b) dtype = dtype_promote(dtype, (lz_dtype)b->dtype);
  if (!dtype_is_float(dtype))
    return error_set(
        "[%s] Received unsupported type %s.", op, dtype_name(dtype));
  lz_array* in[3];
  int n = 0;
  p.weight = w != NULL;
  p.bias = b != NULL;
  in[n++] = op_astype(x, dtype, s);
  if (w) in[n++] = op_astype(w, dtype, s);
  if (b) in[n++] = op_astype(b, dtype, s);
  for (int i = 0; i < n; i++)
    if (!in[i]) return NULL;
  return scope_own(node_make(
      p.layer ? &op_layer_norm_desc : &op_rms_norm_desc,
      s,
      in,
      n,
      &p,
      sizeof p,
      dtype,
      x->ndim,
      x->shape));
}

lz_array* op_rms_norm(lz_array* x, lz_array* weight, float eps, lz_stream* s) {
  return norm_make("rms_norm", x, weight, NULL, (norm_params){.eps = eps}, s);
}

lz_array* op_layer_norm(
    lz_array* x, lz_array* weight, lz_array* bias, float eps, lz_stream* s) {
  norm_params p = {.eps = eps, .layer = 1};
  return norm_make("layer_norm", x, weight, bias, p, s);
}
