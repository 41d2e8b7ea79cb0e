/* Attention as one operation: softmax(scale * q kᵀ + mask) v. */
#ifndef OPS_ATTENTION_H
#define OPS_ATTENTION_H

#include "core/op.h"

/* q (B, H, Lq, D), k (B, G, Lk, D), v (B, G, Lk, E), H a multiple of G; the
 * result is (B, H, Lq, E) of the type the three meet in, a real float.
 * mask_mode: "", "array" or "causal" (query i sees keys up to i + Lk - Lq).
 * mask: bool (false hides) or added to the scores; broadcasts to
 * (B, H, Lq, Lk); NULL: none. sinks: (H), a score that takes part in each sum
 * and has no value; NULL: none. */
lz_array* op_attention(
    lz_array* q,
    lz_array* k,
    lz_array* v,
    float scale,
    const char* mask_mode,
    lz_array* mask,
    lz_array* sinks,
    lz_stream* s);

extern const lz_op op_attention_desc;

#endif
