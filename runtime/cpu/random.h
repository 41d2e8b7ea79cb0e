/* Random bits from keys: Threefry-2x32, counter mode, the bits that MLX
 * draws. */
#ifndef CPU_RANDOM_H
#define CPU_RANDOM_H

#include "cpu/view.h"

/* keys: uint32, shape (K…, 2), any strides. out: unsigned of 1, 2 or 4 bytes,
 * shape (K…, M…), row-contiguous; M… is drawn anew for each key. Threading:
 * shared among the pool's threads. Nothing fails. */
void random_bits(const lz_view* keys, const lz_view* out);

#endif
