#include "ops/matmul.h"

#include <string.h>

#include "core/error.h"
#include "core/scope.h"
#include "cpu/matmul.h"
#include "ops/create.h"
#include "ops/elementwise.h"
#include "ops/infer.h"
#include "ops/rules.h"
#include "ops/shape.h"
#include "vulkan/kernels.h"

static uint64_t matmul_flops(const lz_exec* x) {
  const lz_array* a = x->in[0];
  return 2 * (uint64_t)x->out[0]->size * (uint64_t)a->shape[a->ndim - 1];
}

static int matmul_cpu(lz_exec* x) {
  if (exec_alloc(x, 0)) return 1;
  lz_view a = array_view(x->in[0]), b = array_view(x->in[1]),
          out = array_view(x->out[0]);
  return matmul_run(&a, &b, &out, NULL);
}

static int addmm_cpu(lz_exec* x) {
  const matmul_params* p = x->params;
  if (x->in[2]->size == x->out[0]->size ? exec_alloc_or_donate(x, 0, 2)
                                        : exec_alloc(x, 0))
    return 1;
  lz_view a = array_view(x->in[0]), b = array_view(x->in[1]),
          c = array_view(x->in[2]), out = array_view(x->out[0]);
  matmul_epilogue e = {.alpha = p->alpha, .beta = p->beta, .c = &c};
  return matmul_run(&a, &b, &out, &e);
}

static int matmul_tiled(
    const lz_inner* x, const lz_maker* maker, lz_tile_done done, void* ctx) {
  matmul_epilogue e = {.alpha = 1, .done = done, .ctx = ctx};
  return matmul_run_made(&x->in[0], &x->in[1], x->out, &e, maker);
}

static int addmm_tiled(
    const lz_inner* x, const lz_maker* maker, lz_tile_done done, void* ctx) {
  const matmul_params* p = x->params;
  matmul_epilogue e = {
      .alpha = p->alpha,
      .beta = p->beta,
      .c = &x->in[2],
      .done = done,
      .ctx = ctx};
  return matmul_run_made(&x->in[0], &x->in[1], x->out, &e, maker);
}

/* Rows of a that many products of the batch share, or a matrix b that there are
 * several of, would be made more than once; one small matrix after another
 * leaves threads idle; and few rows read b faster than it is made in pieces of
 * its rows. */
static uint32_t matmul_made(const lz_node* n) {
  enum { LEAST_ROWS = 64 };
  const lz_array *a = n->inputs[0], *b = n->inputs[1];
  const lz_array* out = n->outputs[0];
  const int k = a->ndim - 1, m = out->ndim - 2;
  if (a == b || a->size == 0 || b->size == 0) return 0;
  const bool own = a->size == out->size / b->shape[b->ndim - 1] * a->shape[k];
  const bool large = b->ndim == 2 || out->shape[m] >= LEAST_ROWS;
  const bool rows = out->size / out->shape[m + 1] >= LEAST_ROWS;
  const bool some = out->shape[m] > 1;
  return (own && large ? 1u : 0u) | (own && large && some ? 1u << 16 : 0u) |
         (b->ndim == 2 && rows ? 2u : 0u) | (b->ndim == 2 ? 2u << 16 : 0u);
}

static const lz_fusable matmul_fusable = {
    .tiled = matmul_tiled, .made = matmul_made};
static const lz_fusable addmm_fusable = {
    .tiled = addmm_tiled, .made = matmul_made};

const lz_op op_matmul_desc = {
    .name = "Matmul",
    .cpu = matmul_cpu,
    .fusable = &matmul_fusable,
    GPU(gpu_matmul),
    .flops = matmul_flops,
    .vjp = matmul_vjp,
    .vmap = matmul_vmap,
    .infer = infer_matmul};
const lz_op op_addmm_desc = {
    .name = "AddMM",
    .cpu = addmm_cpu,
    .fusable = &addmm_fusable,
    .flops = matmul_flops,
    .vjp = matmul_vjp,
    .vmap = matmul_vmap,
    .infer = infer_addmm};

/* What a product is made of once vectors have become matrices. */
typedef struct product {
  lz_array *a, *b;
  lz_dtype dtype;
  int ndim;
  int32_t shape[LZ_MAX_DIMS];
  int drop[2], n_drop; /* axes that the vectors brought */
} product;

static int product_prepare(
    const char* op,
    lz_array* a,
    lz_array* b,
    lz_dtype dtype,
    lz_stream* s,
    product* p) {
  if (a->ndim == 0 || b->ndim == 0)
    return error_fail(
        "[%s] Got 0 dimension input. Inputs must have at least one dimension: "
        "%s and %s",
        op,
        error_shape_of(a),
        error_shape_of(b));
  int32_t inner_a = a->shape[a->ndim - 1];
  int32_t inner_b = b->shape[b->ndim > 1 ? b->ndim - 2 : 0];
  if (inner_a != inner_b)
    return error_fail(
        "[%s] inner dimensions differ: %s @ %s",
        op,
        error_shape_of(a),
        error_shape_of(b));
  if (!dtype_is_inexact(dtype))
    return error_fail(
        "[%s] Only inexact types are supported but %s and %s were provided "
        "which results in %s, which is not a real floating point type.",
        op,
        dtype_name((lz_dtype)a->dtype),
        dtype_name((lz_dtype)b->dtype),
        dtype_name(dtype));
  p->dtype = dtype;
  p->n_drop = 0;
  p->a = op_astype(a, dtype, s);
  p->b = op_astype(b, dtype, s);
  if (!p->a || !p->b) return 1;
  bool a_vector = a->ndim == 1, b_vector = b->ndim == 1;
  if (a_vector) p->a = op_expand_dims(p->a, (const int[]){0}, 1, s);
  if (b_vector) p->b = op_expand_dims(p->b, (const int[]){1}, 1, s);
  if (!p->a || !p->b) return 1;
  int na = p->a->ndim - 2, nb = p->b->ndim - 2;
  int n = na > nb ? na : nb;
  for (int i = 0; i < n; i++) {
    int32_t da = i < n - na ? 1 : p->a->shape[i - (n - na)];
    int32_t db = i < n - nb ? 1 : p->b->shape[i - (n - nb)];
    if (da != db && da != 1 && db != 1)
      return error_fail(
          "[%s] leading dimensions differ: %s @ %s",
          op,
          error_shape_of(a),
          error_shape_of(b));
    p->shape[i] = da == 1 ? db : da;
  }
  p->shape[n] = p->a->shape[na];
  p->shape[n + 1] = p->b->shape[nb + 1];
  p->ndim = n + 2;
  if (a_vector) p->drop[p->n_drop++] = -2;
  if (b_vector) p->drop[p->n_drop++] = -1;
  return 0;
}

lz_array* op_matmul(lz_array* a, lz_array* b, lz_stream* s) {
  if (!a || !b || !s) return NULL;
  product p;
  lz_dtype dtype = dtype_promote((lz_dtype)a->dtype, (lz_dtype)b->dtype);
  if (product_prepare("matmul", a, b, dtype, s, &p)) return NULL;
  lz_array* in[] = {p.a, p.b};
  lz_array* out = scope_own(
      node_make(&op_matmul_desc, s, in, 2, NULL, 0, p.dtype, p.ndim, p.shape));
  return p.n_drop ? op_squeeze(out, p.drop, p.n_drop, s) : out;
}

lz_array* op_addmm(
    lz_array* c,
    lz_array* a,
    lz_array* b,
    float alpha,
    float beta,
    lz_stream* s) {
  if (!a || !b || !c || !s) return NULL;
  product p;
  lz_dtype dtype = dtype_promote(
      dtype_promote((lz_dtype)a->dtype, (lz_dtype)b->dtype),
      (lz_dtype)c->dtype);
  /* Of complex numbers it is a plain sum, to which c may give its shape. */
  if (dtype == DTYPE_COMPLEX64)
    return op_add(
        op_multiply(op_matmul(a, b, s), op_scalar(DTYPE_FLOAT32, alpha), s),
        op_multiply(op_scalar(DTYPE_FLOAT32, beta), c, s),
        s);
  if (product_prepare("addmm", a, b, dtype, s, &p)) return NULL;
  c = op_astype(c, dtype, s);
  if (!c) return NULL;
  /* c broadcasts to the result, which lacks the axes that vectors brought. */
  int32_t result[LZ_MAX_DIMS];
  int n = 0;
  for (int i = 0; i < p.ndim; i++) {
    bool gone = false;
    for (int k = 0; k < p.n_drop; k++) gone |= p.drop[k] + p.ndim == i;
    if (!gone) result[n++] = p.shape[i];
  }
  /* MLX takes rows of a batch times one vector as a single column, along which
   * a vector c of more than one element does not go. */
  bool column = a->ndim > 2 && b->ndim == 1 && c->ndim == 1;
  bool fits = c->ndim <= n && (!column || c->shape[0] == 1);
  for (int i = 0; fits && i < c->ndim; i++)
    fits = c->shape[i] == 1 || c->shape[i] == result[n - c->ndim + i];
  if (!fits)
    return error_set(
        "[addmm] c of shape %s does not broadcast to %s",
        error_shape_of(c),
        error_shape(n, result));
  if (p.n_drop)
    c = op_expand_dims(op_broadcast_to(c, result, n, s), p.drop, p.n_drop, s);
  matmul_params params = {alpha, beta};
  lz_array* in[] = {p.a, p.b, c};
  if (!c) return NULL;
  lz_array* out = scope_own(node_make(
      &op_addmm_desc,
      s,
      in,
      3,
      &params,
      sizeof params,
      p.dtype,
      p.ndim,
      p.shape));
  return p.n_drop ? op_squeeze(out, p.drop, p.n_drop, s) : out;
}
