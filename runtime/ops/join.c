#include "ops/join.h"

#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/op.h"
#include "core/scope.h"
#include "cpu/copy.h"
#include "ops/elementwise.h"
#include "ops/infer.h"
#include "ops/rules.h"
#include "ops/shape.h"

static int concatenate_cpu(lz_exec* x) {
  int axis = *(const int32_t*)x->params;
  if (exec_alloc(x, 0)) return 1;
  lz_array* out = x->out[0];
  lz_view few[16];
  lz_view* from = few;
  if (x->n_in > (int)(sizeof few / sizeof *few) &&
      !(from = exec_scratch(x, (size_t)x->n_in * sizeof *from)))
    return 1;
  int n = 0;
  for (int i = 0; i < x->n_in; i++)
    if (x->in[i]->size) from[n++] = array_view(x->in[i]);
  lz_view to = array_view(out);
  copy_joined(&to, axis, n, from);
  return 0;
}

const lz_op op_concatenate_desc = {
    .name = "Concatenate",
    .cpu = concatenate_cpu,
    .vjp = concatenate_vjp,
    .jvp = concatenate_jvp,
    .vmap = concatenate_vmap,
    .infer = infer_concatenate};

/* The arrays cast to the type they meet in, in scratch of the caller's. */
static lz_array** join_cast(
    lz_array* const* arrays, size_t n, lz_dtype* dtype, lz_stream* s) {
  lz_array** cast = malloc((n ? n : 1) * sizeof *cast);
  if (!cast) return error_memory();
  *dtype = (lz_dtype)arrays[0]->dtype;
  for (size_t i = 1; i < n; i++)
    *dtype = dtype_promote(*dtype, (lz_dtype)arrays[i]->dtype);
  for (size_t i = 0; i < n; i++)
    if (!(cast[i] = op_astype(arrays[i], *dtype, s))) {
      free(cast);
      return NULL;
    }
  return cast;
}

lz_array* op_concatenate(
    lz_array* const* arrays, size_t n, int axis, lz_stream* s) {
  if (!s) return NULL;
  if (n == 0)
    return error_set("[concatenate] No arrays provided for concatenation");
  for (size_t i = 0; i < n; i++)
    if (!arrays[i]) return NULL;
  const lz_array* first = arrays[0];
  if (n == 1) return arrays[0];
  axis = shape_axis("concatenate", axis, first->ndim);
  if (axis < 0) return NULL;
  int32_t shape[LZ_MAX_DIMS];
  memcpy(shape, first->shape, sizeof(int32_t) * first->ndim);
  int64_t extent = first->shape[axis];
  for (size_t i = 1; i < n; i++) {
    const lz_array* a = arrays[i];
    bool fits = a->ndim == first->ndim;
    for (int d = 0; fits && d < a->ndim; d++)
      fits = d == axis || a->shape[d] == first->shape[d];
    if (!fits)
      return error_set(
          "[concatenate] All the input array dimensions must match exactly "
          "except for the concatenation axis %d: %s and %s",
          axis,
          error_shape_of(first),
          error_shape_of(a));
    extent += a->shape[axis];
  }
  if (extent > INT32_MAX)
    return error_set(
        "[concatenate] axis %d would have %lld elements",
        axis,
        (long long)extent);
  shape[axis] = (int32_t)extent;
  lz_dtype dtype = DTYPE_BOOL;
  lz_array** cast = join_cast(arrays, n, &dtype, s);
  if (!cast) return NULL;
  int32_t param = axis;
  lz_array* out = scope_own(node_make(
      &op_concatenate_desc,
      s,
      cast,
      (int)n,
      &param,
      sizeof param,
      dtype,
      first->ndim,
      shape));
  free(cast);
  return out;
}

lz_array* op_concatenate_rows(lz_array* const* arrays, size_t n, lz_stream* s) {
  if (!s) return NULL;
  lz_array** rows = malloc((n + 1) * sizeof *rows);
  if (!rows) return error_memory();
  for (size_t i = 0; i < n; i++) rows[i] = op_flatten(arrays[i], 0, -1, s);
  lz_array* out = op_concatenate(rows, n, 0, s);
  free(rows);
  return out;
}

lz_array* op_stack(lz_array* const* arrays, size_t n, int axis, lz_stream* s) {
  if (!s) return NULL;
  if (n == 0) return error_set("[stack] No arrays provided for stacking");
  for (size_t i = 0; i < n; i++) {
    if (!arrays[i]) return NULL;
    if (!array_same_shape(arrays[0], arrays[i]))
      return error_set(
          "[stack] All arrays must have the same shape: %s and %s",
          error_shape_of(arrays[0]),
          error_shape_of(arrays[i]));
  }
  axis = shape_axis("stack", axis, arrays[0]->ndim + 1);
  if (axis < 0) return NULL;
  lz_array** wide = malloc(n * sizeof *wide);
  if (!wide) return error_memory();
  lz_array* out = NULL;
  size_t made = 0;
  while (made < n && (wide[made] = op_expand_dims(arrays[made], &axis, 1, s)))
    made++;
  if (made == n) out = op_concatenate(wide, n, axis, s);
  free(wide);
  return out;
}
