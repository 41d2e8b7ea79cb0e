/* Index arrays, read in blocks and made safe. */
#ifndef CPU_INDEX_H
#define CPU_INDEX_H

#include "cpu/walk.h"

/* Elements [begin, begin+n) of `v`'s row-major order, walked by w (whose view
 * 0 is v), as positions in an axis of `extent` where `room` follows each:
 * negative ones count from the end. Out of range: the nearest in range with
 * `clamp`, else -1. */
void index_read(
    const lz_view* v,
    const walk* w,
    int64_t begin,
    int64_t n,
    int64_t extent,
    int64_t room,
    bool clamp,
    int64_t* positions);

/* n indices `stride` apart, otherwise the same. */
void index_run(
    lz_dtype dtype,
    const void* p,
    int64_t stride,
    int64_t n,
    int64_t extent,
    int64_t room,
    bool clamp,
    int64_t* positions);

#endif
