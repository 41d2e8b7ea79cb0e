/* Reading and writing at computed positions.
 *
 * Index arrays hold integers of any width; all index arrays of one call share
 * one type and one shape. Negative indices count from the end. An index
 * outside its axis is clamped into it when reading and its update is dropped
 * when writing: memory stays untouched, the value is unspecified (the original
 * leaves both undefined).
 *
 * Threading: shared among the pool's threads; updates of one element are
 * applied in the order of the indices whatever the number of threads. Any
 * strides. */
#ifndef CPU_GATHER_H
#define CPU_GATHER_H

#include "cpu/view.h"

/* The slice of slice_sizes[] at each index tuple: indices[k] addresses axis
 * axes[k] of src, other axes start at 0. out: shape (indices…, slice_sizes…),
 * src's type. n_indices may be 0. slice_sizes has src->ndim entries. */
void gather_run(
    const lz_view* src,
    int n_indices,
    const lz_view* indices,
    const int* axes,
    const int32_t* slice_sizes,
    const lz_view* out);

/* out[…i…] = src[…indices[…i…]…] along `axis` (take_along_axis). indices and
 * out have one shape; other axes of src have out's extents (broadcast by
 * stride 0 where smaller). */
void gather_along(
    const lz_view* src, const lz_view* indices, int axis, const lz_view* out);

#endif
