/* What the program holds, by handle or inside its vectors, maps and trees, is
 * counted while a probe is attached, so that `release` can be told: hold_take
 * with each place of the program that keeps the array, hold_drop (which also
 * lets go of the reference) when the place is gone. */
#ifndef CORE_HOLD_H
#define CORE_HOLD_H

#include "core/array.h"
#include "probe/probe.h"

/* The counting alone. */
void hold_more(lz_array* a);
void hold_less(lz_array* a);

static inline void hold_take(lz_array* a) {
  if (PROBE_ON()) hold_more(a);
}

/* Takes NULL. */
static inline void hold_drop(lz_array* a) {
  if (!a) return;
  if (PROBE_ON()) hold_less(a);
  array_unref(a);
}

#endif
