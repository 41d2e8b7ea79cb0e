#include "ops/rope.h"

#include <math.h>
#include <stdio.h>

#include "core/error.h"
#include "core/scope.h"
#include "cpu/rope.h"
#include "ops/create.h"
#include "ops/elementwise.h"
#include "ops/infer.h"
#include "ops/join.h"
#include "ops/shape.h"

/* Inputs: x, offset, and freqs or nothing. */
typedef struct rope_params {
  int32_t dims, traditional, forward;
  float base, scale;
} rope_params;

static int rope_cpu(lz_exec* x) {
  const rope_params* p = x->params;
  if (exec_alloc_or_donate(x, 0, 0)) return 1;
  if (x->out[0]->size == 0) return 0;
  lz_view in = array_view(x->in[0]), offset = array_view(x->in[1]);
  lz_view out = array_view(x->out[0]), freqs;
  if (x->n_in > 2) freqs = array_view(x->in[2]);
  rope_spec spec = {
      .dims = p->dims,
      .traditional = p->traditional,
      .base = p->base,
      .scale = p->scale,
      .forward = p->forward};
  rope_run(&in, &offset, x->n_in > 2 ? &freqs : NULL, &spec, &out);
  x->flops = 3 * (uint64_t)x->in[0]->size;
  return 0;
}

/* The node on another x. */
static lz_array* rope_again(
    const lz_node* n, lz_array* x, lz_array* offset, bool back, lz_stream* s) {
  if (!x || !offset) return NULL;
  rope_params p = *(const rope_params*)n->params;
  if (back) p.forward = !p.forward;
  lz_array* in[] = {x, offset, n->n_inputs > 2 ? n->inputs[2] : NULL};
  return scope_own(node_make(
      &op_rope_desc,
      s,
      in,
      (int)n->n_inputs,
      &p,
      sizeof p,
      (lz_dtype)x->dtype,
      x->ndim,
      x->shape));
}

/* The gradient turns back; a rotation is linear, so tangents turn with x. */
static int rope_vjp(const lz_vjp* v) {
  for (uint32_t i = 1; i < v->node->n_inputs; i++)
    if (v->wanted[i]) return DERIVE_PLAIN;
  v->grad[0] = rope_again(v->node, v->cotan[0], v->in[1], true, v->stream);
  return !v->grad[0];
}

static int rope_jvp(const lz_jvp* v) {
  for (uint32_t i = 1; i < v->node->n_inputs; i++)
    if (v->tangent[i]) return DERIVE_PLAIN;
  if (!v->tangent[0]) return 0;
  v->result[0] = rope_again(v->node, v->tangent[0], v->in[1], false, v->stream);
  return !v->result[0];
}

/* Elements first, first + step … of the last axis, before `stop`. */
static lz_array* rope_part(
    lz_array* a, int first, int stop, int step, lz_stream* s) {
  int from[LZ_MAX_DIMS] = {0}, to[LZ_MAX_DIMS], by[LZ_MAX_DIMS];
  for (int i = 0; i < a->ndim; i++) {
    to[i] = a->shape[i];
    by[i] = 1;
  }
  from[a->ndim - 1] = first;
  to[a->ndim - 1] = stop;
  by[a->ndim - 1] = step;
  return op_slice(a, from, to, by, a->ndim, s);
}

/* The angle of each position (second last axis) and pair (last). */
static lz_array* rope_angles(
    const rope_params* p,
    lz_array* x,
    lz_array* offset,
    lz_array* freqs,
    lz_stream* s) {
  const int last = -1;
  int half = p->dims / 2;
  lz_array* at = op_arange(0, x->shape[x->ndim - 2], 1, DTYPE_FLOAT32, s);
  offset = op_astype(offset, DTYPE_FLOAT32, s);
  if (!offset) return NULL;
  if (offset->ndim) { /* one an example */
    int ones[LZ_MAX_DIMS], n = 0;
    for (; n < x->ndim - 2; n++) ones[n] = 1 + n;
    offset = op_expand_dims(offset, ones, n, s);
  }
  at =
      op_multiply(op_add(at, offset, s), op_scalar(DTYPE_FLOAT32, p->scale), s);
  lz_array* turn = freqs
                       ? op_divide(
                             op_scalar(DTYPE_FLOAT32, 1),
                             op_astype(freqs, DTYPE_FLOAT32, s),
                             s)
                       : op_exp(
                             op_multiply(
                                 op_arange(0, half, 1, DTYPE_FLOAT32, s),
                                 op_scalar(DTYPE_FLOAT32, -log(p->base) / half),
                                 s),
                             s);
  return op_multiply(op_expand_dims(at, &last, 1, s), turn, s);
}

static int rope_plain(
    const lz_node* n, lz_array* const* in, lz_array** out, lz_stream* s) {
  const rope_params* p = n->params;
  lz_array* x = in[0];
  lz_array* angle = rope_angles(p, x, in[1], n->n_inputs > 2 ? in[2] : NULL, s);
  lz_array *c = op_cos(angle, s), *w = op_sin(angle, s);
  if (!p->forward) w = op_negative(w, s);
  int half = p->dims / 2, step = p->traditional ? 2 : 1;
  lz_array* a = rope_part(x, 0, p->traditional ? p->dims : half, step, s);
  lz_array* b = rope_part(x, p->traditional ? 1 : half, p->dims, step, s);
  lz_array* turned[] = {
      op_subtract(op_multiply(a, c, s), op_multiply(b, w, s), s),
      op_add(op_multiply(a, w, s), op_multiply(b, c, s), s)};
  if (!turned[0] || !turned[1]) return 1;
  lz_array* both[2];
  if (p->traditional) {
    both[0] = op_flatten(op_stack(turned, 2, x->ndim, s), -2, -1, s);
  } else {
    both[0] = op_concatenate(turned, 2, x->ndim - 1, s);
  }
  both[1] = rope_part(x, p->dims, x->shape[x->ndim - 1], 1, s);
  if (!both[0] || !both[1]) return 1;
  out[0] = both[1]->size ? op_concatenate(both, 2, x->ndim - 1, s) : both[0];
  out[0] = op_astype(out[0], (lz_dtype)x->dtype, s);
  return !out[0];
}

/* The mapped axis joins those between the batch and the last two, or the batch
 * itself where offsets are mapped too. */
static int rope_vmap(const lz_vmap* v) {
  lz_stream* s = v->stream;
  lz_array *x = v->in[0], *offset = v->in[1];
  if (v->node->n_inputs > 2 && v->axis[2] >= 0) return VMAP_LOOP;
  if (v->axis[1] < 0) {
    x = op_moveaxis(x, v->axis[0], 1, s);
    v->result[0] = rope_again(v->node, x, offset, false, s);
    v->result_axis[0] = 1;
    return !v->result[0];
  }
  int n = offset->shape[v->axis[1]];
  if (v->axis[0] >= 0) {
    x = op_moveaxis(x, v->axis[0], 0, s);
  } else {
    x = op_expand_dims(x, (const int[]){0}, 1, s);
    if (!x) return 1;
    int32_t wide[LZ_MAX_DIMS];
    for (int i = 0; i < x->ndim; i++) wide[i] = i ? x->shape[i] : n;
    x = op_broadcast_to(x, wide, x->ndim, s);
  }
  if (!x) return 1;
  int32_t batch = x->shape[1];
  offset = op_moveaxis(offset, v->axis[1], 0, s);
  offset = op_reshape(offset, (const int32_t[]){n, -1}, 2, s);
  offset = op_broadcast_to(offset, (const int32_t[]){n, batch}, 2, s);
  offset = op_reshape(offset, (const int32_t[]){n * batch}, 1, s);
  lz_array* y = rope_again(v->node, op_flatten(x, 0, 1, s), offset, false, s);
  v->result[0] = op_reshape(y, x->shape, x->ndim, s);
  v->result_axis[0] = 0;
  return !v->result[0];
}

static void rope_describe(const lz_node* n, char* text, size_t size) {
  const rope_params* p = n->params;
  snprintf(
      text,
      size,
      "dims=%d %sscale=%g%s",
      p->dims,
      p->traditional ? "traditional " : "",
      p->scale,
      p->forward ? "" : " inverse");
}

static int rope_check(const lz_array* x, const lz_array* offset, int dims);

static int rope_infer(lz_infer* x) {
  const rope_params* p = x->params;
  if (x->n_in < 2 || x->n_in > 3 || infer_expect(x, x->n_in, 1, sizeof *p))
    return infer_fail(x, "%d inputs", x->n_in);
  if (rope_check(x->in[0], x->in[1], p->dims)) return 1;
  const lz_array* freqs = x->n_in > 2 ? x->in[2] : NULL;
  bool fits = dtype_size((lz_dtype)x->in[1]->dtype) == 4;
  if (freqs)
    fits = fits && freqs->dtype == DTYPE_FLOAT32 && freqs->ndim == 1 &&
           freqs->shape[0] == p->dims / 2;
  if (!fits) return infer_fail(x, "offset or frequencies do not fit");
  return infer_like(x, 0, x->in[0]);
}

const lz_op op_rope_desc = {
    .name = "RoPE",
    .cpu = rope_cpu,
    .vjp = rope_vjp,
    .jvp = rope_jvp,
    .vmap = rope_vmap,
    .infer = rope_infer,
    .plain = rope_plain,
    .describe = rope_describe};

static int rope_check(const lz_array* x, const lz_array* offset, int dims) {
  if (x->ndim < 3)
    return error_fail(
        "[rope] Input must have at least 3 dimensions but got input with %d "
        "dimensions.",
        x->ndim);
  if (!dtype_is_float((lz_dtype)x->dtype))
    return error_fail(
        "[rope] Input must be a floating type but got %s.",
        dtype_name((lz_dtype)x->dtype));
  if (offset->ndim > 1 || (offset->size != 1 && offset->size != x->shape[0]))
    return error_fail(
        "[rope] offset must be a scalar or vector with %d elements but has "
        "shape %s.",
        x->shape[0],
        error_shape_of(offset));
  if (!dtype_is_integer((lz_dtype)offset->dtype))
    return error_fail(
        "[rope] offset must be an integer but got type %s.",
        dtype_name((lz_dtype)offset->dtype));
  if (dims <= 0 || dims % 2)
    return error_fail("[rope] dims must be positive and even, not %d", dims);
  if (dims > x->shape[x->ndim - 1])
    return error_fail(
        "[rope] dims must not exceed the input's last dimension (%d) but got "
        "%d.",
        x->shape[x->ndim - 1],
        dims);
  return 0;
}

lz_array* op_rope(
    lz_array* x,
    int dims,
    bool traditional,
    const float* base,
    float scale,
    lz_array* offset,
    lz_array* freqs,
    lz_stream* s) {
  if (!x || !offset || !s) return NULL;
  if (freqs && base)
    return error_set("[rope] Only one of base or freqs can have a value.");
  if (!freqs && !base)
    return error_set("[rope] Neither base nor freqs has a value.");
  if (rope_check(x, offset, dims)) return NULL;
  if (freqs && (freqs->ndim != 1 || freqs->shape[0] != dims / 2))
    return error_set(
        "[rope] freqs must be one dimensional with size %d but got shape %s.",
        dims / 2,
        error_shape_of(freqs));
  if (dtype_size((lz_dtype)offset->dtype) != 4)
    offset = op_astype(offset, DTYPE_INT32, s);
  rope_params p = {
      .dims = dims,
      .traditional = traditional,
      .forward = 1,
      .base = base ? *base : 1,
      .scale = scale};
  lz_array* in[] = {x, offset, op_astype(freqs, DTYPE_FLOAT32, s)};
  if (!offset || (freqs && !in[2])) return NULL;
  return scope_own(node_make(
      &op_rope_desc,
      s,
      in,
      freqs ? 3 : 2,
      &p,
      sizeof p,
      (lz_dtype)x->dtype,
      x->ndim,
      x->shape));
}
