/* Moving elements between strided arrays and contiguous tiles. `size` is 1, 2,
 * 4 or 8 bytes an element; strides count elements. */
#ifndef CPU_TILE_H
#define CPU_TILE_H

#include <stddef.h>
#include <stdint.h>

/* n copies of the element at `element`, which may lie in `to`. */
void tile_fill(void* to, const void* element, int n, size_t size);

/* to[i] = from[i * stride], and the other way about. */
void tile_load(void* to, const void* from, int64_t stride, int n, size_t size);
void tile_store(void* to, const void* from, int64_t stride, int n, size_t size);

/* The n elements from number `first` on, in row-major order of the shape;
 * `ndim` is at least 1. */
void tile_gather(
    void* to,
    const void* array,
    size_t size,
    int ndim,
    const int32_t* shape,
    const int64_t* strides,
    int64_t first,
    int n);
void tile_scatter(
    void* array,
    const void* from,
    size_t size,
    int ndim,
    const int32_t* shape,
    const int64_t* strides,
    int64_t first,
    int n);

#endif
