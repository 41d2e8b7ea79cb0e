/* Inputs that repeat along an axis (stride 0, more than one element): what is
 * computed of them row by row repeats there too. A kernel computes the first of
 * the repetitions and spreads it over its output. */
#ifndef CPU_REPEAT_H
#define CPU_REPEAT_H

#include "cpu/view.h"

/* The axes of v along which it repeats, as a bit set. */
uint32_t repeat_axes(const lz_view* v);

/* An input and an output with one element where the input repeats, and the
 * axes of the output along which they have but one for that. */
typedef struct repeat_once {
  lz_view in, out;
  uint32_t axes;
  int32_t shape[2][LZ_MAX_DIMS];
} repeat_once;

/* Whether `in` repeats along other axes than those in the set `reduced`, which
 * `out` may lack; what they are without those repetitions. */
bool repeat_cut(
    repeat_once* once, const lz_view* in, const lz_view* out, uint32_t reduced);

/* Copies what stands first along `axes` of v to all others there, on all cores.
 * Where v repeats itself there is nothing to do. */
void repeat_spread(const lz_view* v, uint32_t axes);

#endif
