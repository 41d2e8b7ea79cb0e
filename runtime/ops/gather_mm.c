#include "ops/gather_mm.h"

#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "core/scope.h"
#include "cpu/matmul.h"
#include "cpu/walk.h"
#include "ops/arrange.h"
#include "ops/create.h"
#include "ops/elementwise.h"
#include "ops/infer.h"
#include "ops/matmul.h"
#include "ops/shape.h"
#include "ops/update.h"

/* Inputs of BlockMaskedMM: a, b, then the masks that are there. */
typedef struct masked_params {
  int32_t block;
  int32_t out, lhs, rhs;
} masked_params;

static int64_t matrices(const lz_array* a) {
  int64_t n = 1;
  for (int i = 0; i < a->ndim - 2; i++) n *= a->shape[i];
  return n;
}

int gather_mm_check(const char* op, const lz_array* indices, int64_t n) {
  if (indices->size == 0) return 0;
  lz_view v = array_view(indices);
  const lz_view* views[] = {&v};
  walk w;
  walk_at at;
  walk_make(&w, 1, views, -1);
  walk_seek(&w, &at, 0);
  for (int64_t i = 0; i < w.size; i++, walk_next(&w, &at)) {
    uint32_t index = ((const uint32_t*)v.data)[at.offset[0]];
    if (index >= n)
      return error_fail(
          "[%s] index %lu of a matrix: there are %lld",
          op,
          (unsigned long)index,
          (long long)n);
  }
  return 0;
}

static int gather_mm_cpu(lz_exec* x) {
  if (exec_alloc(x, 0)) return 1;
  if (x->out[0]->size == 0) return 0;
  if (gather_mm_check("gather_mm", x->in[2], matrices(x->in[0])) ||
      gather_mm_check("gather_mm", x->in[3], matrices(x->in[1])))
    return 1;
  lz_view v[4], out = array_view(x->out[0]);
  for (int i = 0; i < 4; i++) v[i] = array_view(x->in[i]);
  x->flops =
      2 * (uint64_t)x->out[0]->size * (uint64_t)v[0].shape[v[0].ndim - 1];
  if (!matmul_gather(&v[0], &v[1], &v[2], &v[3], &out)) return 0;
  error_memory();
  return 1;
}

static int masked_cpu(lz_exec* x) {
  const masked_params* p = x->params;
  if (exec_alloc(x, 0)) return 1;
  if (x->out[0]->size == 0) return 0;
  lz_view v[5], out = array_view(x->out[0]);
  for (int i = 0; i < x->n_in; i++) v[i] = array_view(x->in[i]);
  const lz_view* mask = v + 2;
  matmul_masks m = {.block = p->block};
  if (p->out) m.out = mask++;
  if (p->lhs) m.a = mask++;
  if (p->rhs) m.b = mask++;
  x->flops =
      2 * (uint64_t)x->out[0]->size * (uint64_t)v[0].shape[v[0].ndim - 1];
  if (!matmul_masked(&v[0], &v[1], &m, &out)) return 0;
  error_memory();
  return 1;
}

static int segmented_cpu(lz_exec* x) {
  if (exec_alloc(x, 0)) return 1;
  if (x->out[0]->size == 0) return 0;
  lz_view a = array_view(x->in[0]), b = array_view(x->in[1]),
          segments = array_view(x->in[2]), out = array_view(x->out[0]);
  if (!matmul_segments(&a, &b, &segments, &out)) return 0;
  error_memory();
  return 1;
}

lz_array* gather_mm_sum(
    lz_array* g, lz_array* indices, const lz_array* like, lz_stream* s) {
  if (!g) return NULL;
  const int32_t flat[] = {
      (int32_t)matrices(like),
      like->shape[like->ndim - 2],
      like->shape[like->ndim - 1]};
  const int axis = -3;
  lz_array* sum = op_scatter(
      SCATTER_SUM,
      op_zeros(flat, 3, (lz_dtype)like->dtype, s),
      &indices,
      1,
      op_expand_dims(g, &axis, 1, s),
      (const int[]){0},
      1,
      s);
  return op_reshape(sum, like->shape, like->ndim, s);
}

static int gather_mm_vjp(const lz_vjp* v) {
  lz_stream* s = v->stream;
  lz_array *a = v->in[0], *b = v->in[1], *lhs = v->in[2], *rhs = v->in[3];
  lz_array* g = v->cotan[0];
  if (v->wanted[2] || v->wanted[3])
    return error_fail("[gather_mm] indices have no gradient");
  if (v->wanted[0]) {
    lz_array* each = op_gather_mm(g, op_swapaxes(b, -1, -2, s), NULL, rhs, s);
    if (!(v->grad[0] = gather_mm_sum(each, lhs, a, s))) return 1;
  }
  if (v->wanted[1]) {
    lz_array* each = op_gather_mm(op_swapaxes(a, -1, -2, s), g, lhs, NULL, s);
    if (!(v->grad[1] = gather_mm_sum(each, rhs, b, s))) return 1;
  }
  return 0;
}

static int masked_vjp(const lz_vjp* v) {
  const masked_params* p = v->node->params;
  lz_stream* s = v->stream;
  lz_array* const* mask = v->in + 2;
  lz_array* out = p->out ? *mask++ : NULL;
  lz_array* lhs = p->lhs ? *mask++ : NULL;
  lz_array* rhs = p->rhs ? *mask++ : NULL;
  for (uint32_t i = 2; i < v->node->n_inputs; i++)
    if (v->wanted[i]) return DERIVE_PLAIN;
  lz_array* g = v->cotan[0];
  if (v->wanted[0]) {
    lz_array* bt = op_swapaxes(v->in[1], -1, -2, s);
    lz_array* rt = rhs ? op_swapaxes(rhs, -1, -2, s) : NULL;
    v->grad[0] = op_block_masked_mm(g, bt, p->block, lhs, out, rt, s);
    if (!v->grad[0]) return 1;
  }
  if (v->wanted[1]) {
    lz_array* at = op_swapaxes(v->in[0], -1, -2, s);
    lz_array* lt = lhs ? op_swapaxes(lhs, -1, -2, s) : NULL;
    v->grad[1] = op_block_masked_mm(at, g, p->block, rhs, lt, out, s);
    if (!v->grad[1]) return 1;
  }
  return 0;
}

/* a times a mask of its blocks. */
static lz_array* masked_by(
    lz_array* a, lz_array* mask, int block, lz_stream* s) {
  if (!a || !mask) return a;
  int from[LZ_MAX_DIMS] = {0}, step[LZ_MAX_DIMS], stop[LZ_MAX_DIMS];
  const int row = -2, column = -1;
  mask = op_repeat(op_repeat(mask, block, &row, s), block, &column, s);
  if (!mask) return NULL;
  for (int i = 0; i < mask->ndim; i++) {
    step[i] = 1;
    stop[i] = mask->shape[i];
  }
  for (int i = 1; i < 3; i++) stop[mask->ndim - i] = a->shape[a->ndim - i];
  mask = op_slice(mask, from, stop, step, mask->ndim, s);
  return op_multiply(a, op_astype(mask, (lz_dtype)a->dtype, s), s);
}

static int masked_plain(
    const lz_node* n, lz_array* const* in, lz_array** out, lz_stream* s) {
  const masked_params* p = n->params;
  lz_array* const* mask = in + 2;
  lz_array* to = p->out ? *mask++ : NULL;
  lz_array* a = p->lhs ? masked_by(in[0], *mask++, p->block, s) : in[0];
  lz_array* b = p->rhs ? masked_by(in[1], *mask++, p->block, s) : in[1];
  out[0] = masked_by(op_matmul(a, b, s), to, p->block, s);
  return !out[0];
}

static void masked_describe(const lz_node* n, char* text, size_t size) {
  const masked_params* p = n->params;
  snprintf(text, size, "block=%d", p->block);
}

/* Two matrices at least of one float type, whose inner extents meet. */
static int operands_infer(const lz_infer* x) {
  const lz_array *a = x->in[0], *b = x->in[1];
  bool fits = a->dtype == b->dtype && dtype_is_float((lz_dtype)a->dtype) &&
              a->ndim >= 2 && b->ndim >= 2 &&
              a->shape[a->ndim - 1] == b->shape[b->ndim - 2];
  if (fits) return 0;
  return infer_fail(x, "%s @ %s", error_shape_of(a), error_shape_of(b));
}

static int gather_mm_infer(lz_infer* x) {
  if (infer_expect(x, 4, 1, 0) || operands_infer(x)) return 1;
  const lz_array *a = x->in[0], *b = x->in[1], *at = x->in[2];
  if (at->dtype != DTYPE_UINT32 || x->in[3]->dtype != DTYPE_UINT32 ||
      !array_same_shape(at, x->in[3]) || at->ndim + 2 > LZ_MAX_DIMS)
    return infer_fail(x, "indices of %s", error_shape_of(at));
  int32_t shape[LZ_MAX_DIMS];
  memcpy(shape, at->shape, sizeof *shape * at->ndim);
  shape[at->ndim] = a->shape[a->ndim - 2];
  shape[at->ndim + 1] = b->shape[b->ndim - 1];
  return infer_put(x, 0, (lz_dtype)a->dtype, at->ndim + 2, shape);
}

static int masked_mask(
    const lz_infer* x, const lz_array* m, int block, int rows, int columns) {
  bool fits = m->ndim >= 2 &&
              m->shape[m->ndim - 2] == (rows + block - 1) / block &&
              m->shape[m->ndim - 1] == (columns + block - 1) / block &&
              (m->dtype == DTYPE_BOOL || m->dtype == x->in[0]->dtype);
  int lead = x->out[0].ndim - m->ndim;
  for (int i = 0; fits && i < m->ndim - 2; i++)
    fits = lead >= 0 &&
           (m->shape[i] == 1 || m->shape[i] == x->out[0].shape[lead + i]);
  return fits ? 0 : infer_fail(x, "a mask of %s", error_shape_of(m));
}

static int masked_infer(lz_infer* x) {
  const masked_params* p = x->params;
  if (x->n_in < 2 || infer_expect(x, x->n_in, 1, sizeof *p) ||
      operands_infer(x))
    return 1;
  bool fits = (p->block == 32 || p->block == 64) && (uint32_t)p->out <= 1 &&
              (uint32_t)p->lhs <= 1 && (uint32_t)p->rhs <= 1 &&
              x->n_in == 2 + p->out + p->lhs + p->rhs;
  if (!fits) return infer_fail(x, "%d inputs", x->n_in);
  const lz_array *a = x->in[0], *b = x->in[1];
  lz_array la = {.ndim = (uint8_t)(a->ndim - 2), .shape = a->shape};
  lz_array lb = {.ndim = (uint8_t)(b->ndim - 2), .shape = b->shape};
  lz_array* lead[] = {&la, &lb};
  int32_t shape[LZ_MAX_DIMS];
  int n = infer_broadcast(x, lead, 2, shape);
  if (n < 0) return 1;
  int m = shape[n] = a->shape[a->ndim - 2];
  int w = shape[n + 1] = b->shape[b->ndim - 1];
  int k = a->shape[a->ndim - 1], at = 2;
  if (infer_put(x, 0, (lz_dtype)a->dtype, n + 2, shape)) return 1;
  return (p->out && masked_mask(x, x->in[at++], p->block, m, w)) ||
         (p->lhs && masked_mask(x, x->in[at++], p->block, m, k)) ||
         (p->rhs && masked_mask(x, x->in[at++], p->block, k, w));
}

static int segmented_infer(lz_infer* x) {
  if (infer_expect(x, 3, 1, 0) || operands_infer(x)) return 1;
  const lz_array *a = x->in[0], *b = x->in[1], *at = x->in[2];
  int n = at->ndim;
  if (a->ndim != 2 || b->ndim != 2 || at->dtype != DTYPE_UINT32 || n < 1 ||
      n + 1 > LZ_MAX_DIMS || at->shape[n - 1] != 2)
    return infer_fail(x, "segments of %s", error_shape_of(at));
  int32_t shape[LZ_MAX_DIMS];
  memcpy(shape, at->shape, sizeof *shape * (size_t)n);
  shape[n - 1] = a->shape[0];
  shape[n] = b->shape[1];
  return infer_put(x, 0, (lz_dtype)a->dtype, n + 1, shape);
}

const lz_op op_gather_mm_desc = {
    .name = "GatherMM",
    .cpu = gather_mm_cpu,
    .vjp = gather_mm_vjp,
    .infer = gather_mm_infer};
const lz_op op_block_masked_mm_desc = {
    .name = "BlockMaskedMM",
    .cpu = masked_cpu,
    .vjp = masked_vjp,
    .infer = masked_infer,
    .plain = masked_plain,
    .describe = masked_describe};
const lz_op op_segmented_mm_desc = {
    .name = "SegmentedMM", .cpu = segmented_cpu, .infer = segmented_infer};

lz_array* gather_mm_indices(
    const char* op, lz_array* indices, const lz_array* a, lz_stream* s) {
  if (!indices) {
    lz_array* all = op_arange(0, (double)matrices(a), 1, DTYPE_UINT32, s);
    return op_reshape(all, a->shape, a->ndim - 2, s);
  }
  if (!dtype_is_integer((lz_dtype)indices->dtype))
    return error_set(
        "[%s] Got indices with invalid dtype %s. Indices must be integral.",
        op,
        dtype_name((lz_dtype)indices->dtype));
  return op_astype(indices, DTYPE_UINT32, s);
}

/* Vectors become matrices, types meet; *a and *b are replaced. */
typedef struct operands {
  lz_array *a, *b;
  lz_dtype dtype;
  int drop[2], n_drop;
} operands;

static int operands_prepare(
    const char* op, lz_array* a, lz_array* b, lz_stream* s, operands* to) {
  if (a->ndim == 0 || b->ndim == 0)
    return error_fail(
        "[%s] Got 0 dimension input: %s and %s",
        op,
        error_shape_of(a),
        error_shape_of(b));
  if (a->shape[a->ndim - 1] != b->shape[b->ndim > 1 ? b->ndim - 2 : 0])
    return error_fail(
        "[%s] inner dimensions differ: %s @ %s",
        op,
        error_shape_of(a),
        error_shape_of(b));
  to->dtype = dtype_promote((lz_dtype)a->dtype, (lz_dtype)b->dtype);
  if (!dtype_is_float(to->dtype))
    return error_fail(
        "[%s] Only real floating point types are supported but %s and %s were "
        "provided.",
        op,
        dtype_name((lz_dtype)a->dtype),
        dtype_name((lz_dtype)b->dtype));
  to->n_drop = 0;
  to->a = op_astype(a, to->dtype, s);
  to->b = op_astype(b, to->dtype, s);
  if (a->ndim == 1) {
    to->a = op_expand_dims(to->a, (const int[]){0}, 1, s);
    to->drop[to->n_drop++] = -2;
  }
  if (b->ndim == 1) {
    to->b = op_expand_dims(to->b, (const int[]){1}, 1, s);
    to->drop[to->n_drop++] = -1;
  }
  return !to->a || !to->b;
}

static lz_array* operands_done(const operands* o, lz_array* out, lz_stream* s) {
  return o->n_drop ? op_squeeze(out, o->drop, o->n_drop, s) : out;
}

lz_array* op_gather_mm(
    lz_array* a, lz_array* b, lz_array* lhs, lz_array* rhs, lz_stream* s) {
  if (!a || !b || !s) return NULL;
  if (!lhs && !rhs) return op_matmul(a, b, s);
  operands o;
  if (operands_prepare("gather_mm", a, b, s, &o)) return NULL;
  lhs = gather_mm_indices("gather_mm", lhs, o.a, s);
  rhs = gather_mm_indices("gather_mm", rhs, o.b, s);
  if (!lhs || !rhs) return NULL;
  int32_t shape[LZ_MAX_DIMS + 2];
  int n = shape_broadcast("gather_mm", lhs, rhs, shape);
  if (n < 0) return NULL;
  if (n + 2 > LZ_MAX_DIMS)
    return error_set("[gather_mm] indices of shape %s", error_shape(n, shape));
  lz_array* in[] = {
      o.a,
      o.b,
      op_broadcast_to(lhs, shape, n, s),
      op_broadcast_to(rhs, shape, n, s)};
  if (!in[2] || !in[3]) return NULL;
  shape[n] = o.a->shape[o.a->ndim - 2];
  shape[n + 1] = o.b->shape[o.b->ndim - 1];
  lz_array* out = scope_own(
      node_make(&op_gather_mm_desc, s, in, 4, NULL, 0, o.dtype, n + 2, shape));
  return operands_done(&o, out, s);
}

/* A mask of `rows` by `columns` blocks after the leading axes of shape. */
static lz_array* mask_fit(
    lz_array* mask,
    lz_dtype dtype,
    int32_t* shape,
    int ndim,
    int rows,
    int columns,
    lz_stream* s) {
  if (!mask) return NULL;
  int32_t keep[] = {shape[ndim - 2], shape[ndim - 1]};
  shape[ndim - 2] = rows;
  shape[ndim - 1] = columns;
  if (mask->dtype != DTYPE_BOOL) mask = op_astype(mask, dtype, s);
  mask = op_broadcast_to(mask, shape, ndim, s);
  memcpy(shape + ndim - 2, keep, sizeof keep);
  return mask;
}

lz_array* op_block_masked_mm(
    lz_array* a,
    lz_array* b,
    int block_size,
    lz_array* mask_out,
    lz_array* mask_lhs,
    lz_array* mask_rhs,
    lz_stream* s) {
  if (!a || !b || !s) return NULL;
  if (!mask_out && !mask_lhs && !mask_rhs) return op_matmul(a, b, s);
  if (block_size != 32 && block_size != 64)
    return error_set(
        "[block_masked_mm] Only block_sizes 32, 64 are supported, not %d.",
        block_size);
  operands o;
  if (operands_prepare("block_masked_mm", a, b, s, &o)) return NULL;
  /* Leading axes broadcast as those of arrays without the last two. */
  lz_array la = {.ndim = (uint8_t)(o.a->ndim - 2), .shape = o.a->shape};
  lz_array lb = {.ndim = (uint8_t)(o.b->ndim - 2), .shape = o.b->shape};
  int32_t shape[LZ_MAX_DIMS];
  int n = shape_broadcast("block_masked_mm", &la, &lb, shape);
  if (n < 0) return NULL;
  int m = shape[n] = o.a->shape[o.a->ndim - 2];
  int w = shape[n + 1] = o.b->shape[o.b->ndim - 1];
  int k = o.a->shape[o.a->ndim - 1];
  n += 2;
  int tm = (m + block_size - 1) / block_size;
  int tn = (w + block_size - 1) / block_size;
  int tk = (k + block_size - 1) / block_size;
  if (mask_out && o.n_drop)
    mask_out = op_expand_dims(mask_out, o.drop, o.n_drop, s);
  if (mask_lhs && a->ndim == 1)
    mask_lhs = op_expand_dims(mask_lhs, (const int[]){-2}, 1, s);
  if (mask_rhs && b->ndim == 1)
    mask_rhs = op_expand_dims(mask_rhs, (const int[]){-1}, 1, s);
  masked_params p = {
      block_size, mask_out != NULL, mask_lhs != NULL, mask_rhs != NULL};
  lz_array* in[5] = {o.a, o.b};
  int count = 2;
  if (p.out) in[count++] = mask_fit(mask_out, o.dtype, shape, n, tm, tn, s);
  if (p.lhs) in[count++] = mask_fit(mask_lhs, o.dtype, shape, n, tm, tk, s);
  if (p.rhs) in[count++] = mask_fit(mask_rhs, o.dtype, shape, n, tk, tn, s);
  for (int i = 2; i < count; i++)
    if (!in[i]) return NULL;
  lz_array* out = scope_own(node_make(
      &op_block_masked_mm_desc, s, in, count, &p, sizeof p, o.dtype, n, shape));
  return operands_done(&o, out, s);
}

lz_array* op_segmented_mm(
    lz_array* a, lz_array* b, lz_array* segments, lz_stream* s) {
  if (!a || !b || !segments || !s) return NULL;
  if (a->ndim != 2 || b->ndim != 2)
    return error_set(
        "[segmented_mm] Batched matmul not supported: %s @ %s",
        error_shape_of(a),
        error_shape_of(b));
  int n = segments->ndim;
  if (n < 1 || segments->shape[n - 1] != 2)
    return error_set(
        "[segmented_mm] The segments should have shape (..., 2) but %s was "
        "provided.",
        error_shape_of(segments));
  if (!dtype_is_integer((lz_dtype)segments->dtype))
    return error_set(
        "[segmented_mm] Got segments with invalid dtype %s. Segments must be "
        "integral.",
        dtype_name((lz_dtype)segments->dtype));
  operands o;
  if (operands_prepare("segmented_mm", a, b, s, &o)) return NULL;
  int32_t shape[LZ_MAX_DIMS + 1];
  memcpy(shape, segments->shape, sizeof(int32_t) * (size_t)n);
  shape[n - 1] = a->shape[0];
  shape[n] = b->shape[1];
  if (n + 1 > LZ_MAX_DIMS)
    return error_set("[segmented_mm] %d dimensions of segments", n);
  lz_array* in[] = {o.a, o.b, op_astype(segments, DTYPE_UINT32, s)};
  if (!in[2]) return NULL;
  return scope_own(node_make(
      &op_segmented_mm_desc, s, in, 3, NULL, 0, o.dtype, n + 1, shape));
}
