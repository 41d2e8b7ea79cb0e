/* Rotary position embedding. */
#ifndef OPS_ROPE_H
#define OPS_ROPE_H

#include "core/op.h"

/* x: (B, …, T, D), a real float; the first `dims` (even) elements of the last
 * axis rotate, pairs beside each other if `traditional`, else half of dims
 * apart. offset: an integer, or one a batch. Either base or freqs, of dims / 2
 * elements; base NULL: freqs. */
lz_array* op_rope(
    lz_array* x,
    int dims,
    bool traditional,
    const float* base,
    float scale,
    lz_array* offset,
    lz_array* freqs,
    lz_stream* s);

extern const lz_op op_rope_desc;

#endif
