#include "ops/infer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "cpu/program.h"
#include "ops/elementwise.h"

static _Thread_local int shapeless;

void infer_shapeless_enter(void) {
  shapeless++;
}
void infer_shapeless_leave(void) {
  shapeless--;
}
bool infer_shapeless(void) {
  return shapeless > 0;
}

/* ---- for rules ----------------------------------------------------------- */

int infer_fail(const lz_infer* x, const char* format, ...) {
  char words[256];
  va_list args;
  va_start(args, format);
  vsnprintf(words, sizeof words, format, args);
  va_end(args);
  return error_fail("[%s] %s", x->op->name, words);
}

int infer_expect(const lz_infer* x, int n_in, int n_out, size_t params_size) {
  if (x->n_in != n_in || x->n_out != n_out)
    return infer_fail(
        x,
        "%d inputs and %d outputs, not %d and %d",
        x->n_in,
        x->n_out,
        n_in,
        n_out);
  if (x->params_size != params_size)
    return infer_fail(
        x, "parameters of %zu bytes, not %zu", x->params_size, params_size);
  return 0;
}

int infer_put(
    lz_infer* x, int i, lz_dtype dtype, int ndim, const int32_t* shape) {
  lz_output* o = &x->out[i];
  if (o->dtype == DTYPE_COUNT) { /* nobody knows it yet */
    o->dtype = dtype;
    o->ndim = ndim;
    if (ndim) memcpy(o->shape, shape, sizeof *shape * (size_t)ndim);
    return 0;
  }
  if (o->dtype != dtype)
    return infer_fail(
        x,
        "output %d is %s, not %s",
        i,
        dtype_name(o->dtype),
        dtype_name(dtype));
  size_t bytes = sizeof *shape * (size_t)ndim;
  bool same =
      o->ndim == ndim && (ndim == 0 || memcmp(o->shape, shape, bytes) == 0);
  if (!same && (!x->changed || o->ndim != ndim))
    return infer_fail(
        x,
        "output %d is of shape %s, not %s",
        i,
        error_shape(o->ndim, o->shape),
        error_shape(ndim, shape));
  if (!same) memcpy(o->shape, shape, bytes);
  return 0;
}

int infer_like(lz_infer* x, int i, const lz_array* a) {
  return infer_put(x, i, (lz_dtype)a->dtype, a->ndim, a->shape);
}

int infer_broadcast(
    const lz_infer* x, lz_array* const* a, int n, int32_t* shape) {
  int ndim = 0;
  for (int i = 0; i < n; i++)
    if (a[i]->ndim > ndim) ndim = a[i]->ndim;
  for (int d = 0; d < ndim; d++) shape[d] = 1;
  for (int i = 0; i < n; i++)
    for (int k = 0; k < a[i]->ndim; k++) {
      int32_t* to = &shape[ndim - a[i]->ndim + k];
      int32_t extent = a[i]->shape[k];
      if (*to == 1) *to = extent;
      if (extent == *to || extent == 1) continue;
      infer_fail(
          x,
          "shapes do not broadcast: input %d is %s",
          i,
          error_shape_of(a[i]));
      return -1;
    }
  return ndim;
}

int infer_fits_output(const lz_infer* x, const lz_array* a) {
  const lz_output* o = &x->out[0];
  int lead = o->ndim - a->ndim;
  bool fits = lead >= 0;
  for (int i = 0; fits && i < a->ndim; i++)
    fits = a->shape[i] == 1 || a->shape[i] == o->shape[lead + i];
  if (fits) return 0;
  return infer_fail(
      x,
      "%s does not broadcast to %s",
      error_shape_of(a),
      error_shape(o->ndim, o->shape));
}

int infer_unchanged(const lz_infer* x) {
  if (!x->changed) return 0;
  return infer_fail(x, "cannot infer its shape from other shapes of its input");
}

int infer_axis(const lz_infer* x, int axis, int ndim) {
  if (axis >= 0 && axis < ndim) return 0;
  return infer_fail(x, "axis %d of %d", axis, ndim);
}

int infer_one_type(const lz_infer* x) {
  for (int i = 1; i < x->n_in; i++)
    if (x->in[i]->dtype != x->in[0]->dtype)
      return infer_fail(
          x,
          "inputs of %s and %s",
          dtype_name((lz_dtype)x->in[0]->dtype),
          dtype_name((lz_dtype)x->in[i]->dtype));
  return 0;
}

/* ---- element-wise -------------------------------------------------------- */

/* The type that comes out; DTYPE_COUNT where no kernel takes these. */
static lz_dtype elementwise_type(const lz_infer* x, ew_op ew) {
  lz_dtype d = (lz_dtype)x->in[0]->dtype, result = x->out[0].dtype;
  switch (ew_rule_of(ew)) {
    case EW_RULE_CAST:
      return ew_kernel(ew, d, result) ? result : DTYPE_COUNT;
    case EW_RULE_FROM_BYTE:
      return d == DTYPE_UINT8 && ew_supported(ew, result) ? result
                                                          : DTYPE_COUNT;
    case EW_RULE_SELECT:
      if (d != DTYPE_BOOL || x->in[1]->dtype != x->in[2]->dtype)
        return DTYPE_COUNT;
      d = (lz_dtype)x->in[1]->dtype;
      return ew_supported(ew, d) ? d : DTYPE_COUNT;
    default:
      for (int i = 1; i < x->n_in; i++)
        if (x->in[i]->dtype != d) return DTYPE_COUNT;
      return ew_operand_dtype(ew, d) == d && ew_supported(ew, d)
                 ? ew_output_dtype(ew, d)
                 : DTYPE_COUNT;
  }
}

int infer_elementwise(lz_infer* x) {
  ew_op ew = (ew_op)x->op->elementwise;
  if (infer_expect(x, ew_arity(ew), 1, 0)) return 1;
  lz_dtype dtype = elementwise_type(x, ew);
  if (dtype == DTYPE_COUNT)
    return infer_fail(
        x, "not defined for %s", dtype_name((lz_dtype)x->in[0]->dtype));
  int32_t shape[LZ_MAX_DIMS];
  int ndim = infer_broadcast(x, x->in, x->n_in, shape);
  return ndim < 0 || infer_put(x, 0, dtype, ndim, shape);
}

int infer_full(lz_infer* x) {
  if (infer_expect(x, 1, 1, 0) || infer_fits_output(x, x->in[0])) return 1;
  return x->in[0]->dtype == x->out[0].dtype
             ? 0
             : infer_fail(x, "a value of another type");
}

int infer_arange(lz_infer* x) {
  if (infer_expect(x, 0, 1, sizeof(lz_immediate))) return 1;
  bool fits = x->out[0].ndim == 1 && x->out[0].dtype != DTYPE_BOOL;
  return fits ? 0 : infer_fail(x, "numbers along one axis");
}

int infer_count(lz_infer* x) {
  const int32_t* p = x->params;
  if (infer_expect(x, 1, 1, 2 * sizeof *p)) return 1;
  for (int i = 0; i < 32; i++)
    if ((uint32_t)p[0] & (UINT32_C(1) << i))
      if (infer_axis(x, i, x->in[0]->ndim)) return 1;
  return infer_put(x, 0, x->out[0].dtype, 0, NULL);
}

/* ---- the same again ------------------------------------------------------ */

int infer_same(lz_infer* x) {
  return infer_expect(x, 1, 1, 0) || infer_like(x, 0, x->in[0]);
}

int infer_depends(lz_infer* x) {
  if (x->n_out > x->n_in || x->params_size)
    return infer_fail(x, "%d outputs of %d inputs", x->n_out, x->n_in);
  for (int i = 0; i < x->n_out; i++)
    if (infer_like(x, i, x->in[i])) return 1;
  return 0;
}

int infer_view(lz_infer* x) {
  if (infer_expect(x, 1, 1, 0)) return 1;
  const lz_array* a = x->in[0];
  lz_dtype dtype = x->out[0].dtype;
  size_t from = dtype_size((lz_dtype)a->dtype), to = dtype_size(dtype);
  int32_t shape[LZ_MAX_DIMS];
  memcpy(shape, a->shape, sizeof(int32_t) * a->ndim);
  if (from != to) {
    int64_t bytes = a->ndim ? (int64_t)from * a->shape[a->ndim - 1] : -1;
    if (bytes < 0 || bytes % (int64_t)to || bytes / (int64_t)to > INT32_MAX)
      return infer_fail(
          x,
          "%s of %s as %s",
          error_shape_of(a),
          dtype_name((lz_dtype)a->dtype),
          dtype_name(dtype));
    shape[a->ndim - 1] = (int32_t)(bytes / (int64_t)to);
  }
  return infer_put(x, 0, dtype, a->ndim, shape);
}
