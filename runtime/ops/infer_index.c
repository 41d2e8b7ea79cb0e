/* What comes out of reading and writing at positions. */
#include <string.h>

#include "core/error.h"
#include "ops/index.h"
#include "ops/infer.h"
#include "ops/update.h"

static bool index_is_integer(const lz_array* a) {
  return dtype_is_integer((lz_dtype)a->dtype);
}

/* n index arrays of one integer type and shape from input 1 on, each for an
 * axis of input 0. */
static int index_expect(const lz_infer* x, const index_params* p) {
  const lz_array* a = x->in[0];
  uint32_t seen = 0;
  for (int i = 0; i < p->n_axes; i++) {
    const lz_array* index = x->in[1 + i];
    if (infer_axis(x, p->axes[i], a->ndim)) return 1;
    bool fits = !(seen & (UINT32_C(1) << p->axes[i])) &&
                index_is_integer(index) && index->dtype == x->in[1]->dtype &&
                array_same_shape(index, x->in[1]);
    if (!fits) return infer_fail(x, "index %d does not fit the others", i);
    seen |= UINT32_C(1) << p->axes[i];
  }
  return 0;
}

static int index_params_expect(const lz_infer* x, int more) {
  const index_params* p = x->params;
  if (infer_expect(x, x->n_in, 1, sizeof *p)) return 1;
  if (x->n_in >= more && p->n_axes == x->n_in - more) return 0;
  return infer_fail(x, "%d inputs for %d axes", x->n_in, p->n_axes);
}

int infer_gather(lz_infer* x) {
  const index_params* p = x->params;
  if (index_params_expect(x, 1) || index_expect(x, p)) return 1;
  const lz_array* a = x->in[0];
  int32_t shape[LZ_MAX_DIMS];
  int n = p->n_axes ? x->in[1]->ndim : 0;
  if (n + a->ndim > LZ_MAX_DIMS) return infer_fail(x, "too many axes");
  if (n) memcpy(shape, x->in[1]->shape, sizeof *shape * (size_t)n);
  int64_t wanted = 1;
  for (int i = 0; i < n; i++) wanted *= shape[i];
  for (int i = 0; i < a->ndim; i++) {
    bool fits = p->sizes[i] >= 0 && (p->sizes[i] <= a->shape[i] || !a->size);
    if (!fits)
      return infer_fail(
          x,
          "slices of %s of an array of %s",
          error_shape(a->ndim, p->sizes),
          error_shape_of(a));
    shape[n + i] = p->sizes[i];
    wanted *= p->sizes[i];
  }
  if (a->size == 0 && wanted) return infer_fail(x, "slices of an empty array");
  return infer_put(x, 0, (lz_dtype)a->dtype, n + a->ndim, shape);
}

/* An integer axis as the only parameter; indices like `a` but for it. */
static int index_along(const lz_infer* x, int n_in) {
  const int32_t* axis = x->params;
  const lz_array *a = x->in[0], *index = x->in[1];
  if (infer_expect(x, n_in, 1, sizeof *axis) || infer_axis(x, *axis, a->ndim))
    return 1;
  bool fits = index->ndim == a->ndim && index_is_integer(index);
  for (int i = 0; fits && i < a->ndim; i++)
    fits = i == *axis || index->shape[i] == a->shape[i];
  if (fits && (a->shape[*axis] || !index->size)) return 0;
  return infer_fail(
      x,
      "indices of %s for %s along axis %d",
      error_shape_of(index),
      error_shape_of(a),
      *axis);
}

int infer_gather_axis(lz_infer* x) {
  const lz_array* index = x->n_in > 1 ? x->in[1] : NULL;
  if (!index) return infer_fail(x, "no indices");
  return index_along(x, 2) ||
         infer_put(x, 0, (lz_dtype)x->in[0]->dtype, index->ndim, index->shape);
}

/* Starts of the axes, after input `at`. */
static int index_starts(const lz_infer* x, int at, const int32_t* sizes) {
  const index_params* p = x->params;
  const lz_array *a = x->in[0], *start = x->in[at];
  bool fits = start->ndim <= 1 && start->size == p->n_axes &&
              index_is_integer(start) && p->n_axes <= a->ndim;
  if (!fits) return infer_fail(x, "starts of %s", error_shape_of(start));
  for (int i = 0; i < p->n_axes; i++)
    if (infer_axis(x, p->axes[i], a->ndim)) return 1;
  for (int i = 0; i < a->ndim; i++)
    if (sizes[i] < 0 || sizes[i] > a->shape[i])
      return infer_fail(
          x,
          "a slice of %s of an array of %s",
          error_shape(a->ndim, sizes),
          error_shape_of(a));
  return 0;
}

int infer_dynamic_slice(lz_infer* x) {
  const index_params* p = x->params;
  const lz_array* a = x->in[0];
  if (infer_expect(x, 2, 1, sizeof *p) || index_starts(x, 1, p->sizes))
    return 1;
  return infer_put(x, 0, (lz_dtype)a->dtype, a->ndim, p->sizes);
}

int infer_scatter(lz_infer* x) {
  const index_params* p = x->params;
  if (index_params_expect(x, 2) || index_expect(x, p)) return 1;
  const lz_array *a = x->in[0], *updates = x->in[x->n_in - 1];
  int n = p->n_axes ? x->in[1]->ndim : 0;
  bool fits = updates->dtype == a->dtype && updates->ndim == n + a->ndim;
  for (int i = 0; fits && i < n; i++)
    fits = updates->shape[i] == x->in[1]->shape[i];
  for (int i = 0; fits && i < a->ndim; i++)
    fits = updates->shape[n + i] <= a->shape[i];
  if (!fits)
    return infer_fail(
        x,
        "updates of %s for an array of %s",
        error_shape_of(updates),
        error_shape_of(a));
  return infer_like(x, 0, a);
}

int infer_scatter_axis(lz_infer* x) {
  if (x->n_in != 3) return infer_fail(x, "%d inputs", x->n_in);
  const lz_array* updates = x->in[2];
  if (index_along(x, 3)) return 1;
  if (updates->dtype != x->in[0]->dtype || !array_same_shape(updates, x->in[1]))
    return infer_fail(
        x,
        "updates of %s at indices of %s",
        error_shape_of(updates),
        error_shape_of(x->in[1]));
  return infer_like(x, 0, x->in[0]);
}

int infer_masked_scatter(lz_infer* x) {
  if (infer_expect(x, 3, 1, 0)) return 1;
  const lz_array *a = x->in[0], *mask = x->in[1], *src = x->in[2];
  bool fits = mask->dtype == DTYPE_BOOL && array_same_shape(a, mask) &&
              src->dtype == a->dtype && a->ndim > 0 && src->ndim > 0 &&
              src->shape[0] == a->shape[0];
  if (!fits)
    return infer_fail(
        x,
        "array %s, mask %s, values %s",
        error_shape_of(a),
        error_shape_of(mask),
        error_shape_of(src));
  return infer_like(x, 0, a);
}

int infer_slice_update(lz_infer* x) {
  const slice_params* p = x->params;
  if (infer_expect(x, 2, 1, sizeof *p)) return 1;
  const lz_array *a = x->in[0], *updates = x->in[1];
  bool fits = updates->ndim == a->ndim && updates->dtype == a->dtype;
  for (int i = 0; fits && updates->size && i < a->ndim; i++) {
    int64_t n = a->shape[i], first = p->start[i];
    int64_t last = first + (int64_t)(updates->shape[i] - 1) * p->step[i];
    fits = first >= 0 && first < n && last >= 0 && last < n && p->step[i];
  }
  if (!fits)
    return infer_fail(
        x, "a slice of %s in %s", error_shape_of(updates), error_shape_of(a));
  return infer_like(x, 0, a);
}

int infer_dynamic_slice_update(lz_infer* x) {
  const index_params* p = x->params;
  if (infer_expect(x, 3, 1, sizeof *p)) return 1;
  const lz_array *a = x->in[0], *updates = x->in[1];
  if (updates->ndim != a->ndim || updates->dtype != a->dtype)
    return infer_fail(x, "updates of %s", error_shape_of(updates));
  return index_starts(x, 2, updates->shape) || infer_like(x, 0, a);
}
