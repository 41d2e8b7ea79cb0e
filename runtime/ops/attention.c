#include "ops/attention.h"

#include <float.h>
#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "core/scope.h"
#include "cpu/attention.h"
#include "ops/create.h"
#include "ops/elementwise.h"
#include "ops/infer.h"
#include "ops/join.h"
#include "ops/matmul.h"
#include "ops/reduce.h"
#include "ops/shape.h"

#define NAME "scaled_dot_product_attention"

/* Inputs: q, k, v, then mask and sinks as far as they are there. */
typedef struct attention_params {
  float scale;
  int32_t causal, mask, sinks;
} attention_params;

static int attention_cpu(lz_exec* x) {
  const attention_params* p = x->params;
  if (exec_alloc(x, 0)) return 1;
  if (x->out[0]->size == 0) return 0;
  lz_view q = array_view(x->in[0]), k = array_view(x->in[1]),
          v = array_view(x->in[2]), out = array_view(x->out[0]), mask, sinks;
  if (p->mask) mask = array_view(x->in[3]);
  if (p->sinks) sinks = array_view(x->in[3 + p->mask]);
  attention_args args = {
      .scale = p->scale,
      .causal = p->causal,
      .mask = p->mask ? &mask : NULL,
      .sinks = p->sinks ? &sinks : NULL};
  if (attention_run(&q, &k, &v, &out, &args)) {
    error_memory();
    return 1;
  }
  x->flops = 2 * (uint64_t)q.shape[0] * (uint64_t)q.shape[1] *
             (uint64_t)q.shape[2] * (uint64_t)k.shape[2] *
             (uint64_t)(q.shape[3] + v.shape[3]);
  return 0;
}

/* ---- the same from plain operations: where no kernel is, and derivatives --
 */

/* Heads by those of keys: q (B, G, R, Lq, D), k and v (B, G, 1, Lk, …). */
typedef struct attention_plain {
  lz_array *q, *k, *v;     /* q is scaled */
  lz_array *weights, *own; /* softmax, and the part of the sinks or NULL */
  lz_array* allowed;       /* the mask where it is of bools: what it rules out
                              hangs on no score, though a row of nothing else
                              has weights */
} attention_plain;

static lz_array* by_group(lz_array* a, const lz_array* k, lz_stream* s) {
  if (!a || !k) return NULL;
  const int32_t split[] = {k->shape[1], a->shape[1] / k->shape[1]};
  return op_unflatten(a, 1, split, 2, s);
}

static lz_array* last_part(lz_array* a, int start, int stop, lz_stream* s) {
  if (!a) return NULL;
  int from[LZ_MAX_DIMS] = {0}, to[LZ_MAX_DIMS], step[LZ_MAX_DIMS];
  for (int i = 0; i < a->ndim; i++) {
    to[i] = a->shape[i];
    step[i] = 1;
  }
  from[a->ndim - 1] = start;
  to[a->ndim - 1] = stop;
  return op_slice(a, from, to, step, a->ndim, s);
}

static lz_array* causal_mask(int lq, int lk, lz_stream* s) {
  lz_array* rows = op_arange(lk - lq, lk, 1, DTYPE_INT32, s);
  lz_array* columns = op_arange(0, lk, 1, DTYPE_INT32, s);
  rows = op_expand_dims(rows, (const int[]){1}, 1, s);
  return op_greater_equal(rows, columns, s);
}

static double lowest(lz_dtype d) {
  if (d == DTYPE_FLOAT16) return -65504;
  if (d == DTYPE_BFLOAT16) return -0x1.fep127;
  return d == DTYPE_FLOAT64 ? -DBL_MAX : -FLT_MAX;
}

static int plain_make(
    lz_array* const* in,
    const attention_params* p,
    lz_stream* s,
    attention_plain* to) {
  lz_array *q = in[0], *k = in[1];
  lz_dtype d = (lz_dtype)q->dtype;
  const int second = 2;
  to->q = by_group(op_multiply(op_scalar(d, p->scale), q, s), k, s);
  to->k = op_expand_dims(k, &second, 1, s);
  to->v = op_expand_dims(in[2], &second, 1, s);
  lz_array* scores = op_matmul(to->q, op_swapaxes(to->k, -1, -2, s), s);
  lz_array* mask = NULL;
  if (p->causal) mask = causal_mask(q->shape[2], k->shape[2], s);
  if (p->mask) mask = by_group(in[3], k, s);
  if (!scores || ((p->causal || p->mask) && !mask)) return 1;
  to->allowed = mask && mask->dtype == DTYPE_BOOL ? mask : NULL;
  if (to->allowed)
    scores = op_where(mask, scores, op_scalar(d, lowest(d)), s);
  else if (mask)
    scores = op_add(scores, mask, s);
  to->own = NULL;
  if (p->sinks && scores) {
    int32_t shape[5];
    memcpy(shape, scores->shape, sizeof shape);
    shape[4] = 1;
    const int32_t heads[] = {1, k->shape[1], q->shape[1] / k->shape[1], 1, 1};
    lz_array* sinks = op_reshape(in[3 + p->mask], heads, 5, s);
    lz_array* both[] = {op_broadcast_to(sinks, shape, 5, s), scores};
    if (!both[0]) return 1;
    lz_array* w = op_softmax(op_concatenate(both, 2, 4, s), AXIS(-1), true, s);
    to->own = last_part(w, 0, 1, s);
    to->weights = last_part(w, 1, w ? w->shape[4] : 1, s);
    return !to->weights || !to->own;
  }
  to->weights = op_softmax(scores, AXIS(-1), true, s);
  return !to->weights;
}

static lz_array* heads_together(lz_array* a, lz_stream* s) {
  return op_flatten(a, 1, 2, s);
}

static lz_array* transposed(lz_array* a, lz_stream* s) {
  return op_swapaxes(a, -1, -2, s);
}

static int attention_vjp(const lz_vjp* v) {
  const attention_params* p = v->node->params;
  lz_stream* s = v->stream;
  attention_plain a;
  if (plain_make(v->in, p, s, &a)) return 1;
  lz_dtype d = (lz_dtype)v->in[0]->dtype;
  lz_array* g = by_group(v->cotan[0], v->in[1], s);
  lz_array* gw = op_matmul(g, transposed(a.v, s), s);
  lz_array* dot = op_sum(op_multiply(gw, a.weights, s), AXIS(-1), true, s);
  lz_array* gs = op_multiply(a.weights, op_subtract(gw, dot, s), s);
  if (a.allowed) gs = op_where(a.allowed, gs, op_scalar(d, 0), s);
  if (!gs) return 1;
  int n = (int)v->node->n_inputs;
  for (int i = 0; i < n; i++) {
    if (!v->wanted[i]) continue;
    lz_array* grad;
    if (i == 0) {
      grad = op_multiply(op_scalar(d, p->scale), op_matmul(gs, a.k, s), s);
      grad = heads_together(grad, s);
    } else if (i == 1) {
      grad = op_matmul(transposed(gs, s), a.q, s);
      grad = op_sum(grad, AXIS(2), false, s);
    } else if (i == 2) {
      grad = op_matmul(transposed(a.weights, s), g, s);
      grad = op_sum(grad, AXIS(2), false, s);
    } else if (p->mask && i == 3) {
      if (v->in[i]->dtype == DTYPE_BOOL) continue;
      grad = heads_together(gs, s);
    } else {
      const int over[] = {0, 3, 4};
      grad = op_negative(op_multiply(a.own, dot, s), s);
      grad = op_sum(grad, AXES(over, 3), false, s);
      grad = op_flatten(grad, 0, -1, s);
    }
    if (!(v->grad[i] = grad)) return 1;
  }
  return 0;
}

/* a + b, either of which may be missing (NULL) but not failed. */
static lz_array* sum_of(lz_array* a, lz_array* b, lz_stream* s) {
  return a && b ? op_add(a, b, s) : a ? a : b;
}

static int attention_jvp(const lz_jvp* v) {
  const attention_params* p = v->node->params;
  lz_stream* s = v->stream;
  attention_plain a;
  if (plain_make(v->in, p, s, &a)) return 1;
  lz_dtype d = (lz_dtype)v->in[0]->dtype;
  const int second = 2;
  lz_array *ts = NULL, *out = NULL, *dot = NULL;
  if (v->tangent[0]) {
    lz_array* tq = op_multiply(op_scalar(d, p->scale), v->tangent[0], s);
    ts = op_matmul(by_group(tq, v->in[1], s), transposed(a.k, s), s);
    if (!ts) return 1;
  }
  if (v->tangent[1]) {
    lz_array* tk = op_expand_dims(v->tangent[1], &second, 1, s);
    ts = sum_of(ts, op_matmul(a.q, transposed(tk, s), s), s);
    if (!ts) return 1;
  }
  if (p->mask && v->tangent[3] && v->in[3]->dtype != DTYPE_BOOL)
    ts = sum_of(ts, by_group(v->tangent[3], v->in[1], s), s);
  if (ts && a.allowed) {
    ts = op_where(a.allowed, ts, op_scalar(d, 0), s);
    if (!ts) return 1;
  }
  if (ts) dot = op_sum(op_multiply(a.weights, ts, s), AXIS(-1), true, s);
  if (p->sinks && v->tangent[3 + p->mask]) {
    const int32_t heads[] = {1, a.q->shape[1], a.q->shape[2], 1, 1};
    lz_array* t = op_reshape(v->tangent[3 + p->mask], heads, 5, s);
    dot = sum_of(dot, op_multiply(a.own, t, s), s);
    if (!dot) return 1;
  }
  if (dot) {
    lz_array* t = ts ? op_subtract(ts, dot, s) : op_negative(dot, s);
    out = op_matmul(op_multiply(a.weights, t, s), a.v, s);
    if (!out) return 1;
  }
  if (v->tangent[2]) {
    lz_array* tv = op_expand_dims(v->tangent[2], &second, 1, s);
    out = sum_of(out, op_matmul(a.weights, tv, s), s);
    if (!out) return 1;
  }
  v->result[0] = out ? heads_together(out, s) : NULL;
  return 0;
}

static lz_array* attention_node(
    lz_array** in, int n, const attention_params* p, lz_stream* s) {
  for (int i = 0; i < n; i++)
    if (!in[i]) return NULL;
  lz_array* q = in[0];
  if (q->dtype == DTYPE_FLOAT64) { /* no kernel of that precision */
    attention_plain a;
    if (plain_make(in, p, s, &a)) return NULL;
    return heads_together(op_matmul(a.weights, a.v, s), s);
  }
  int32_t shape[] = {q->shape[0], q->shape[1], q->shape[2], in[2]->shape[3]};
  return scope_own(node_make(
      &op_attention_desc,
      s,
      in,
      n,
      p,
      sizeof *p,
      (lz_dtype)q->dtype,
      4,
      shape));
}

/* The mapped axis joins the batch. */
static int attention_vmap(const lz_vmap* v) {
  const attention_params* p = v->node->params;
  lz_stream* s = v->stream;
  int n = (int)v->node->n_inputs;
  int32_t count = 1;
  for (int i = 0; i < n; i++)
    if (v->axis[i] >= 0) count = v->in[i]->shape[v->axis[i]];
  if (p->sinks && v->axis[n - 1] >= 0) return VMAP_LOOP;
  lz_array* in[5];
  for (int i = 0; i < n; i++) {
    in[i] = v->in[i];
    if (p->sinks && i == n - 1) break;
    if (v->axis[i] >= 0) {
      in[i] = op_moveaxis(in[i], v->axis[i], 0, s);
    } else {
      int32_t wide[5] = {count};
      memcpy(wide + 1, in[i]->shape, 4 * sizeof *wide);
      in[i] = op_broadcast_to(in[i], wide, 5, s);
    }
    in[i] = op_flatten(in[i], 0, 1, s);
  }
  lz_array* y = attention_node(in, n, p, s);
  const int32_t split[] = {count, -1};
  v->result[0] = op_unflatten(y, 0, split, 2, s);
  v->result_axis[0] = 0;
  return !v->result[0];
}

static void attention_describe(const lz_node* n, char* text, size_t size) {
  const attention_params* p = n->params;
  snprintf(
      text,
      size,
      "scale=%g%s%s%s",
      p->scale,
      p->causal ? " causal" : "",
      p->mask ? " mask" : "",
      p->sinks ? " sinks" : "");
}

static int attention_check(
    const lz_array* q, const lz_array* k, const lz_array* v);

static int attention_infer(lz_infer* x) {
  const attention_params* p = x->params;
  if (infer_expect(x, x->n_in, 1, sizeof *p)) return 1;
  bool fits = (uint32_t)p->mask <= 1 && (uint32_t)p->sinks <= 1 &&
              x->n_in == 3 + p->mask + p->sinks;
  if (!fits) return infer_fail(x, "%d inputs", x->n_in);
  const lz_array *q = x->in[0], *k = x->in[1], *v = x->in[2];
  if (attention_check(q, k, v)) return 1;
  fits = dtype_is_float((lz_dtype)q->dtype) && q->dtype != DTYPE_FLOAT64 &&
         k->dtype == q->dtype && v->dtype == q->dtype;
  if (p->mask) {
    const lz_array* m = x->in[3];
    const int32_t full[] = {q->shape[0], q->shape[1], q->shape[2], k->shape[2]};
    fits = fits && m->ndim == 4 && memcmp(m->shape, full, sizeof full) == 0 &&
           (m->dtype == DTYPE_BOOL || m->dtype == q->dtype);
  }
  if (p->sinks) {
    const lz_array* own = x->in[3 + p->mask];
    fits = fits && own->ndim == 1 && own->shape[0] == q->shape[1] &&
           own->dtype == q->dtype;
  }
  if (!fits) return infer_fail(x, "types, mask or sinks do not fit");
  int32_t shape[] = {q->shape[0], q->shape[1], q->shape[2], v->shape[3]};
  return infer_put(x, 0, (lz_dtype)q->dtype, 4, shape);
}

const lz_op op_attention_desc = {
    .name = "ScaledDotProductAttention",
    .cpu = attention_cpu,
    .vjp = attention_vjp,
    .jvp = attention_jvp,
    .vmap = attention_vmap,
    .infer = attention_infer,
    .describe = attention_describe};

static int attention_check(
    const lz_array* q, const lz_array* k, const lz_array* v) {
  const lz_array* all[] = {q, k, v};
  for (int i = 0; i < 3; i++) {
    if (all[i]->ndim != 4)
      return error_fail(
          "[" NAME "] input with shape %s expected to be rank 4",
          error_shape_of(all[i]));
    if (all[i]->shape[0] != q->shape[0])
      return error_fail(
          "[" NAME "] mismatching batch dimension for input with shape %s.",
          error_shape_of(all[i]));
  }
  if (q->shape[3] != k->shape[3] || k->shape[1] != v->shape[1] ||
      k->shape[2] != v->shape[2])
    return error_fail(
        "[" NAME "] queries %s, keys %s and values %s do not fit together",
        error_shape_of(q),
        error_shape_of(k),
        error_shape_of(v));
  if (k->shape[1] == 0 || q->shape[1] % k->shape[1])
    return error_fail(
        "[" NAME
        "] n_heads must be a multiple of n_kv_heads, found n_heads %d "
        "for n_kv_heads %d.",
        q->shape[1],
        k->shape[1]);
  return 0;
}

static int promotes(const char* what, const lz_array* a, lz_dtype dtype) {
  if (dtype_promote((lz_dtype)a->dtype, dtype) == dtype) return 0;
  return error_fail(
      "[" NAME "] %s of type %s must promote to output type %s.",
      what,
      dtype_name((lz_dtype)a->dtype),
      dtype_name(dtype));
}

lz_array* op_attention(
    lz_array* q,
    lz_array* k,
    lz_array* v,
    float scale,
    const char* mask_mode,
    lz_array* mask,
    lz_array* sinks,
    lz_stream* s) {
  if (!q || !k || !v || !s) return NULL;
  attention_params p = {.scale = scale, .mask = mask != NULL};
  p.causal = strcmp(mask_mode, "causal") == 0;
  p.sinks = sinks != NULL;
  if (*mask_mode && !p.causal && strcmp(mask_mode, "array") != 0)
    return error_set(
        "[" NAME
        "] Invalid mask_mode %s. mask_mode must be 'causal', 'array' "
        "or ''.",
        mask_mode);
  if (p.causal && mask)
    return error_set(
        "[" NAME "] mask_arr of shape %s given with mask_mode 'causal'",
        error_shape_of(mask));
  if (mask && mask->ndim > 4)
    return error_set(
        "[" NAME "] the mask with shape %s expected to have at most rank 4.",
        error_shape_of(mask));
  if (attention_check(q, k, v)) return NULL;
  lz_dtype dtype = dtype_promote(
      dtype_promote((lz_dtype)q->dtype, (lz_dtype)k->dtype),
      (lz_dtype)v->dtype);
  if (!dtype_is_float(dtype))
    return error_set(
        "[" NAME "] Received unsupported type %s.", dtype_name(dtype));
  lz_array* in[5];
  int n = 0;
  in[n++] = op_astype(q, dtype, s);
  in[n++] = op_astype(k, dtype, s);
  in[n++] = op_astype(v, dtype, s);
  if (mask) {
    const int32_t full[] = {q->shape[0], q->shape[1], q->shape[2], k->shape[2]};
    if (promotes("mask", mask, dtype)) return NULL;
    if (mask->dtype != DTYPE_BOOL) mask = op_astype(mask, dtype, s);
    in[n++] = op_broadcast_to(mask, full, 4, s);
  }
  if (sinks) {
    if (promotes("sinks", sinks, dtype)) return NULL;
    if (sinks->ndim != 1 || sinks->shape[0] != q->shape[1])
      return error_set(
          "[" NAME "] Received invalid shape for sinks %s.",
          error_shape_of(sinks));
    in[n++] = op_astype(sinks, dtype, s);
  }
  return attention_node(in, n, &p, s);
}
