/* Copies between strided arrays, with a conversion where the dtypes differ. */
#ifndef CPU_COPY_H
#define CPU_COPY_H

#include "cpu/view.h"

/* to = from, on all cores. Shapes are equal; `from` may be broadcast (strides
 * of 0), `to` may not. They do not overlap, except that a copy onto exactly
 * itself is allowed where the sizes of the dtypes agree. Blocks until done. */
void copy_run(const lz_view* to, const lz_view* from);

/* The arrays one after another along `axis` of `to`, in whose dtype they are.
 * `to` is row-major, its extent the sum of theirs; none is empty. */
void copy_joined(const lz_view* to, int axis, int n, const lz_view* from);

#endif
