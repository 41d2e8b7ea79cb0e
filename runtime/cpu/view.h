/* What a CPU kernel sees of an array: typed, strided memory. Kernels know no
 * graph, no reference counts and no allocator: inputs and outputs come as
 * views, scratch as parameters or from the stack.
 *
 * Strides count elements and may be 0 (broadcast) or negative. `data` points at
 * the element of index (0,…,0). An output view never overlaps an input view
 * unless the kernel's header allows it (donation). */
#ifndef CPU_VIEW_H
#define CPU_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/dtype.h"

#define LZ_MAX_DIMS 32

typedef struct lz_view {
  void* data;
  lz_dtype dtype;
  int ndim;
  const int32_t* shape;
  const int64_t* strides;
} lz_view;

static inline int64_t view_size(const lz_view* v) {
  int64_t n = 1;
  for (int i = 0; i < v->ndim; i++) n *= v->shape[i];
  return n;
}

/* Elements in memory: axes of stride 0 repeat them. */
static inline int64_t view_stored(
    int ndim, const int32_t* shape, const int64_t* strides) {
  int64_t n = 1;
  for (int i = 0; i < ndim; i++)
    if (strides[i] != 0 || shape[i] == 0) n *= shape[i];
  return n;
}

/* Strides of row-major memory without holes; returns the number of elements. */
static inline int64_t view_row_strides(
    int ndim, const int32_t* shape, int64_t* strides) {
  int64_t step = 1;
  for (int i = ndim; i-- > 0;) {
    strides[i] = step;
    step *= shape[i];
  }
  return step;
}

/* Strides that show an array in a shape it broadcasts to: 0 along axes that it
 * lacks or has one element of. */
static inline void view_broadcast_strides(
    int from_ndim,
    const int32_t* from,
    const int64_t* from_strides,
    int ndim,
    const int32_t* shape,
    int64_t* strides) {
  int lead = ndim - from_ndim;
  for (int d = 0; d < ndim; d++)
    strides[d] = d < lead || (from[d - lead] == 1 && shape[d] != 1)
                     ? 0
                     : from_strides[d - lead];
}

/* Row-contiguous: last axis varies fastest, no holes. Axes of extent 1 may
 * have any stride. */
bool view_is_contiguous(const lz_view* v);

/* Puts axes whose order does not matter in that of memory, for all views of the
 * set: by falling distance in the first, those that repeat in it outermost. */
void view_order(
    int n_views, int ndim, int32_t* shape, int64_t strides[][LZ_MAX_DIMS]);

/* Merges neighbouring axes that are walked as one in every view of the set.
 * All views have `shape`; strides[k] is replaced, the new ndim returned. Axes
 * of extent 1 are dropped; the result has at least one axis. */
int view_collapse(
    int n_views, int ndim, int32_t* shape, int64_t strides[][LZ_MAX_DIMS]);

#endif
