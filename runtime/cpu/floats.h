/* Tiles: short runs of an array in the type that kernels compute in, double
 * for float64 and float for the other floating types. */
#ifndef CPU_FLOATS_H
#define CPU_FLOATS_H

#include "cpu/view.h"

static inline bool floats_is_wide(lz_dtype d) {
  return d == DTYPE_FLOAT64;
}

/* n elements of type d, `stride` apart, as a tile: at x itself where they are
 * one already, else in `tile`. */
const void* floats_load(
    lz_dtype d, const void* x, int64_t stride, int64_t n, void* tile);

/* A tile to n elements of type d, rounded; nothing where it is there. */
void floats_store(
    lz_dtype d, void* out, int64_t stride, const void* tile, int64_t n);

/* The tile as it would be after a store and a load. */
void floats_round(lz_dtype d, void* tile, int64_t n);

#endif
