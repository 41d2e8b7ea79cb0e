/* Threefry-2x32 in bulk, one for each instruction set. */
#ifndef CPU_SIMD_RANDOM_H
#define CPU_SIMD_RANDOM_H

#include "cpu/isa.h"
#include "cpu/view.h"

enum { RANDOM_TILE = 512 };

/* first[i], second[i] = threefry((k0, k1), (c0 + i, c1 + i)) for i < n, where
 * n ≤ RANDOM_TILE. */
typedef void (*random_pairs)(
    uint32_t k0,
    uint32_t k1,
    uint32_t c0,
    uint32_t c1,
    int64_t n,
    uint32_t* first,
    uint32_t* second);

ISA_DECLARE(random_pairs, random_pairs_fn)

#endif
