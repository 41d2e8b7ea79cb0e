/* Sums of squares around the mean, in one pass over memory. */
#ifndef CPU_VARIANCE_H
#define CPU_VARIANCE_H

#include "cpu/view.h"

/* out = factor · sum of (x - mean of x)² over the axes whose bits are set in
 * `axes`. float32 or float64; out has in's dtype and its shape without those
 * axes, or with ones in their place. No axis of `in` is empty. Blocks until
 * done. Non-zero: out of memory. */
int variance_run(
    const lz_view* in, uint32_t axes, double factor, const lz_view* out);

#endif
