/* Sorting and partitioning along an axis.
 *
 * Order: ascending, stable, NaN last; -0.0 equals 0.0; complex by real, then
 * imaginary part. NaNs of real types become quiet ones without a sign. Index
 * results are uint32.
 *
 * Threading: rows, or parts of a long row, are shared among the pool's
 * threads. Any strides. Return non-zero when scratch memory cannot be had. */
#ifndef CPU_SORT_H
#define CPU_SORT_H

#include "cpu/view.h"

/* out: in's shape and type. */
int sort_run(const lz_view* in, int axis, const lz_view* out);

/* out: in's shape, uint32: in[out] is sorted, equals keep their order. */
int sort_arg(const lz_view* in, int axis, const lz_view* out);

/* The element of rank kth (0 ≤ kth < extent) is in its place, smaller ones
 * before it, greater ones behind, in no order that a caller may rely on. */
int sort_partition(const lz_view* in, int axis, int kth, const lz_view* out);
int sort_argpartition(const lz_view* in, int axis, int kth, const lz_view* out);

#endif
