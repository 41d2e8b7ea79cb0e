/* Diagonals: seen in arrays without a copy, and written into zeros. */
#include <string.h>

#include "core/error.h"
#include "core/scope.h"
#include "ops/create.h"
#include "ops/infer.h"
#include "ops/patterns.h"
#include "ops/shape.h"
#include "ops/update.h"
#include "ops/view.h"

/* Axes one and two, and where on them the diagonal begins. */
typedef struct diagonal_params {
  int32_t one, two, from1, from2;
} diagonal_params;

/* The axes of `a` but for those two, then the diagonal; ndim. */
static int diagonal_shape(
    const lz_array* a, const diagonal_params* p, int32_t* shape) {
  int32_t n1 = a->shape[p->one] - p->from1, n2 = a->shape[p->two] - p->from2;
  int32_t n = n1 < n2 ? n1 : n2;
  int k = 0;
  for (int i = 0; i < a->ndim; i++)
    if (i != p->one && i != p->two) shape[k++] = a->shape[i];
  shape[k++] = n > 0 ? n : 0;
  return k;
}

static int diagonal_run(lz_exec* x) {
  const diagonal_params* p = x->params;
  const lz_array *in = x->in[0], *out = x->out[0];
  if (out->size == 0) return exec_alloc(x, 0);
  int64_t strides[LZ_MAX_DIMS];
  int k = 0;
  for (int i = 0; i < in->ndim; i++)
    if (i != p->one && i != p->two) strides[k++] = in->strides[i];
  strides[k] = in->strides[p->one] + in->strides[p->two];
  int64_t first =
      p->from1 * in->strides[p->one] + p->from2 * in->strides[p->two];
  exec_share(
      x, 0, 0, first * (int64_t)dtype_size((lz_dtype)in->dtype), strides);
  return 0;
}

static lz_array* diagonal_of(
    lz_array* a, const diagonal_params* p, lz_stream* s) {
  int32_t shape[LZ_MAX_DIMS];
  if (!a) return NULL;
  int ndim = diagonal_shape(a, p, shape);
  return scope_own(node_make(
      &op_diagonal_desc,
      s,
      &a,
      1,
      p,
      sizeof *p,
      (lz_dtype)a->dtype,
      ndim,
      shape));
}

lz_array* op_diagonal_put(
    lz_array* values,
    const int32_t* lead,
    int n_lead,
    int32_t rows,
    int32_t columns,
    int32_t from1,
    int32_t from2,
    lz_stream* s) {
  if (!values) return NULL;
  int32_t shape[LZ_MAX_DIMS];
  int start[LZ_MAX_DIMS], stop[LZ_MAX_DIMS], step[LZ_MAX_DIMS];
  for (int i = 0; i < n_lead; i++) {
    shape[i] = stop[i] = lead[i];
    start[i] = 0;
    step[i] = 1;
  }
  int32_t n1 = rows - from1, n2 = columns - from2, n = n1 < n2 ? n1 : n2;
  shape[n_lead] = rows * columns;
  start[n_lead] = n > 0 ? from1 * columns + from2 : 0;
  step[n_lead] = columns + 1;
  stop[n_lead] = n > 0 ? start[n_lead] + (n - 1) * (columns + 1) + 1 : 0;
  lz_array* out = op_zeros(shape, n_lead + 1, (lz_dtype)values->dtype, s);
  if (n > 0)
    out = op_slice_update(
        SCATTER_NONE, out, values, start, stop, step, n_lead + 1, s);
  shape[n_lead] = rows;
  shape[n_lead + 1] = columns;
  return op_reshape(out, shape, n_lead + 2, s);
}

/* ---- rules --------------------------------------------------------------- */

static int diagonal_vjp(const lz_vjp* v) {
  const diagonal_params* p = v->node->params;
  const lz_array* in = v->in[0];
  lz_stream* s = v->stream;
  int n = in->ndim - 2, order[LZ_MAX_DIMS];
  lz_array* put = op_diagonal_put(
      v->cotan[0],
      v->cotan[0]->shape,
      n,
      in->shape[p->one],
      in->shape[p->two],
      p->from1,
      p->from2,
      s);
  for (int i = 0, k = 0; i < in->ndim; i++)
    order[i] = i == p->one ? n : i == p->two ? n + 1 : k++;
  v->grad[0] = put ? op_transpose(put, order, in->ndim, s) : NULL;
  return !v->grad[0];
}

static int diagonal_jvp(const lz_jvp* v) {
  v->result[0] = diagonal_of(v->tangent[0], v->node->params, v->stream);
  return !v->result[0];
}

static int diagonal_vmap(const lz_vmap* v) {
  diagonal_params p = *(const diagonal_params*)v->node->params;
  p.one++;
  p.two++;
  lz_array* a = op_moveaxis(v->in[0], v->axis[0], 0, v->stream);
  v->result[0] = diagonal_of(a, &p, v->stream);
  v->result_axis[0] = 0;
  return !v->result[0];
}

static int diagonal_infer(lz_infer* x) {
  const diagonal_params* p = x->params;
  const lz_array* a = x->in[0];
  if (infer_expect(x, 1, 1, sizeof *p) || infer_axis(x, p->one, a->ndim) ||
      infer_axis(x, p->two, a->ndim))
    return 1;
  if (p->one == p->two || p->from1 < 0 || p->from2 < 0)
    return infer_fail(
        x,
        "no diagonal of axes %d and %d from %d and %d on",
        p->one,
        p->two,
        p->from1,
        p->from2);
  int32_t shape[LZ_MAX_DIMS];
  int ndim = diagonal_shape(a, p, shape);
  return infer_put(x, 0, (lz_dtype)a->dtype, ndim, shape);
}

const lz_op op_diagonal_desc = {
    .name = "Diagonal",
    .flags = OP_VIEW,
    .cpu = diagonal_run,
    .vjp = diagonal_vjp,
    .jvp = diagonal_jvp,
    .vmap = diagonal_vmap,
    .infer = diagonal_infer};

lz_array* op_diagonal(
    lz_array* a, int offset, int axis1, int axis2, lz_stream* s) {
  if (!a || !s) return NULL;
  if (a->ndim < 2)
    return error_set(
        "[diagonal] Array must have at least two dimensions, but got %d "
        "dimensions.",
        a->ndim);
  int one = shape_axis("diagonal", axis1, a->ndim);
  int two = shape_axis("diagonal", axis2, a->ndim);
  if (one < 0 || two < 0) return NULL;
  if (one == two)
    return error_set(
        "[diagonal] axis1 and axis2 cannot be the same axis, %d", one);
  diagonal_params p = {
      .one = one,
      .two = two,
      .from1 = offset < 0 ? -offset : 0,
      .from2 = offset > 0 ? offset : 0};
  return diagonal_of(a, &p, s);
}
