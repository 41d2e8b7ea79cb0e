/* Updating elements in place. The caller has copied the source into `out`, or
 * owns it. Indices, bounds and threading as in gather.h.
 *
 * Updates combine with what is there by scatter_reduce; halves and bools
 * combine in their own type, rounding after each step. Max and min keep the
 * update when the comparison fails, so a NaN update replaces and a NaN element
 * is replaced. */
#ifndef CPU_SCATTER_H
#define CPU_SCATTER_H

#include "cpu/view.h"

typedef enum scatter_reduce {
  SCATTER_NONE,
  SCATTER_SUM,
  SCATTER_PROD,
  SCATTER_MAX,
  SCATTER_MIN
} scatter_reduce;

/* updates: shape (indices…, slice…), out's type; slice… has out->ndim extents
 * and is placed at the index tuple. n_indices may be 0. */
void scatter_run(
    scatter_reduce how,
    const lz_view* out,
    int n_indices,
    const lz_view* indices,
    const int* axes,
    const lz_view* updates);

/* out[…indices[…i…]…] op= updates[…i…] along `axis`; indices and updates have
 * one shape. out begins as base, which has its shape and type; NULL: as it is.
 */
void scatter_along(
    scatter_reduce how,
    const lz_view* out,
    const lz_view* base,
    const lz_view* indices,
    int axis,
    const lz_view* updates);

/* Elements of out where mask is true take src's elements in order. The first
 * axis is a batch: out and mask have one shape (B, …), src is (B, n…) and each
 * batch starts anew. Non-zero when a batch of src is too short: nothing
 * useful is then in out. */
int scatter_masked(const lz_view* out, const lz_view* mask, const lz_view* src);

/* out op= updates, element by element: slice updates, where out is a view of
 * the slice. Here max and min propagate NaN from either side. */
void scatter_slice(
    scatter_reduce how, const lz_view* out, const lz_view* updates);

/* Offset in elements of a slice that starts at start[i] on axis axes[i]:
 * dynamic slices. start: one axis or none, any integer type. Negative starts
 * count from the end; the start is clamped so that `sizes` fits. */
int64_t scatter_offset(
    const lz_view* whole,
    const lz_view* start,
    int n_axes,
    const int* axes,
    const int32_t* sizes);

#endif
