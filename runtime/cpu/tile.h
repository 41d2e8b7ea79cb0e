/* Moving elements between strided arrays and contiguous tiles. `size` is 1, 2,
 * 4 or 8 bytes an element; strides count elements. */
#ifndef CPU_TILE_H
#define CPU_TILE_H

#include <stddef.h>
#include <stdint.h>

/* n copies of the element at `element`, which may be the first of `to`. */
void tile_fill(void* to, const void* element, int n, size_t size);

/* A plane of rows × columns elements: element (r, c) of the array stands at
 * r * row + c * column; the tile holds the rows one after another. Planes
 * whose rows lie side by side in memory (row 1) are turned in registers. */
void tile_load(
    void* tile,
    const void* array,
    int64_t row,
    int64_t column,
    int rows,
    int columns,
    size_t size);
/* The same, to rows to_row apart. */
void tile_move(
    void* to,
    int64_t to_row,
    const void* array,
    int64_t row,
    int64_t column,
    int rows,
    int columns,
    size_t size);
void tile_store(
    void* array,
    const void* tile,
    int64_t row,
    int64_t column,
    int rows,
    int columns,
    size_t size);

/* Copies a contiguous row past the caches, for what is too large to stay in
 * them. Other threads may read it after tile_stream_end(). */
void tile_stream(void* to, const void* from, size_t bytes);
void tile_stream_end(void);

/* The n elements from number `first` on, in row-major order of the shape;
 * `ndim` is at least 1. */
void tile_gather(
    void* tile,
    const void* array,
    size_t size,
    int ndim,
    const int32_t* shape,
    const int64_t* strides,
    int64_t first,
    int n);
void tile_scatter(
    void* array,
    const void* tile,
    size_t size,
    int ndim,
    const int32_t* shape,
    const int64_t* strides,
    int64_t first,
    int n);

/* What one instruction set offers, by the logarithm of the size; filled in
 * cpu/simd/elementwise_tile.c. */
typedef struct tile_table {
  void (*splat[4])(void* tile, const void* element, int n);
  void (*load[4])(
      void* tile,
      int64_t tile_row,
      const void* array,
      int64_t row,
      int64_t column,
      int rows,
      int columns);
  void (*store[4])(
      void* array,
      const void* tile,
      int64_t row,
      int64_t column,
      int rows,
      int columns);
  void (*stream)(void* to, const void* from, size_t bytes);
} tile_table;

#endif
