#include <math.h>

#include "core/error.h"
#include "core/scope.h"
#include "cpu/hadamard.h"
#include "ops/create.h"
#include "ops/elementwise.h"
#include "ops/fft.h"
#include "ops/infer.h"
#include "ops/shape.h"

typedef struct hadamard_params {
  float scale;
} hadamard_params;

static int hadamard_cpu(lz_exec* x) {
  const hadamard_params* p = x->params;
  if (exec_alloc_or_donate(x, 0, 0)) return 1;
  lz_view in = array_view(x->in[0]), out = array_view(x->out[0]);
  x->flops =
      (uint64_t)((double)x->out[0]->size * log2(in.shape[in.ndim - 1] + 1.));
  return hadamard_run(&in, &out, p->scale) ? error_memory() == NULL : 0;
}

static lz_array* hadamard_node(
    const hadamard_params* p, lz_array* a, lz_stream* s) {
  if (!a) return NULL;
  return scope_own(node_make(
      &op_hadamard_desc,
      s,
      &a,
      1,
      p,
      sizeof *p,
      (lz_dtype)a->dtype,
      a->ndim,
      a->shape));
}

/* Symmetric. */
static int hadamard_vjp(const lz_vjp* v) {
  v->grad[0] = hadamard_node(v->node->params, v->cotan[0], v->stream);
  return !v->grad[0];
}

static int hadamard_jvp(const lz_jvp* v) {
  v->result[0] = hadamard_node(v->node->params, v->tangent[0], v->stream);
  return !v->result[0];
}

static int hadamard_vmap(const lz_vmap* v) {
  lz_array* a = op_moveaxis(v->in[0], v->axis[0], 0, v->stream);
  v->result_axis[0] = 0;
  v->result[0] = hadamard_node(v->node->params, a, v->stream);
  return !v->result[0];
}

static int hadamard_infer(lz_infer* x) {
  const lz_array* a = x->in[0];
  int m, power;
  if (infer_expect(x, 1, 1, sizeof(hadamard_params))) return 1;
  bool fits = a->ndim > 0 && a->size > 0 &&
              dtype_is_float((lz_dtype)a->dtype) && a->dtype != DTYPE_FLOAT64 &&
              hadamard_split(a->shape[a->ndim - 1], &m, &power) == 0;
  if (!fits) return infer_fail(x, "of %s", error_shape_of(a));
  return infer_like(x, 0, a);
}

const lz_op op_hadamard_desc = {
    .name = "Hadamard",
    .cpu = hadamard_cpu,
    .vjp = hadamard_vjp,
    .jvp = hadamard_jvp,
    .vmap = hadamard_vmap,
    .infer = hadamard_infer};

lz_array* op_hadamard_transform(lz_array* a, const float* scale, lz_stream* s) {
  if (!a || !s) return NULL;
  if (a->size == 0)
    return error_set(
        "[hadamard_transform] Does not support empty arrays, such as %s",
        error_shape_of(a));
  int n = a->ndim ? a->shape[a->ndim - 1] : 1, m, power;
  lz_dtype dtype =
      dtype_is_float((lz_dtype)a->dtype) ? (lz_dtype)a->dtype : DTYPE_FLOAT32;
  hadamard_params p = {scale ? *scale : 1 / sqrtf((float)n)};
  if (n == 1)
    return p.scale == 1 ? a : op_multiply(a, op_scalar(dtype, p.scale), s);
  if (dtype == DTYPE_FLOAT64)
    return error_set("[hadamard_transform] float64 is not supported");
  if (hadamard_split(n, &m, &power))
    return error_set(
        "[hadamard_transform] the last axis of %s is not m * 2^k long, m one "
        "of 1, 12, 20 and 28",
        error_shape_of(a));
  return hadamard_node(&p, op_astype(a, dtype, s), s);
}
