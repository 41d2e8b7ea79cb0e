/* Rotary position embedding. */
#ifndef CPU_ROPE_H
#define CPU_ROPE_H

#include "cpu/view.h"

typedef struct rope_spec {
  int dims;         /* leading part of the last axis that rotates; even */
  bool traditional; /* pairs are neighbours, else half a `dims` apart */
  float base;       /* used when freqs is NULL */
  float scale;      /* of positions */
  bool forward;     /* false: the inverse rotation, which is the vjp */
} rope_spec;

/* x, out: shape (B, …, T, D), a floating type; offset: int32
 * or uint32, no axis or one of extent 1 or B; freqs: float32 of dims/2, or
 * NULL. Cosines and sines are rounded to x's type first, as the original does.
 * `out` may be `x` itself (same data and strides). Threading: shared among the
 * pool's threads. Any strides; nothing fails. */
void rope_run(
    const lz_view* x,
    const lz_view* offset,
    const lz_view* freqs,
    const rope_spec* spec,
    const lz_view* out);

#endif
