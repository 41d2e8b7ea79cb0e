/* Keys of sorting, and networks that sort many short rows at once; one table
 * for each instruction set.
 *
 * A key is an unsigned integer that orders as the element does: NaN above all,
 * -0.0 as 0.0. Types of up to 4 bytes have 32-bit keys, others 64-bit ones. */
#ifndef CPU_SIMD_SORT_H
#define CPU_SIMD_SORT_H

#include "cpu/isa.h"
#include "cpu/sort.h"

/* Rows that a network sorts side by side. */
enum { SORT_LANES_32 = 16, SORT_LANES_64 = 8 };

/* What is sorted in place of elements; sort_pair's key comes first. */
enum { SORT_ITEM_32, SORT_ITEM_64, SORT_ITEM_PAIR, SORT_ITEMS };

typedef struct sort_table {
  /* Keys of n elements that lie together; true: there are negative zeros,
   * which decode gives back as 0.0, or complex ones that are no numbers. */
  bool (*encode[DTYPE_COUNT])(const void* x, int64_t n, void* keys);
  void (*decode[DTYPE_COUNT])(const void* keys, int64_t n, void* out);
  /* Sorts each column of n lines. */
  void (*network_32)(uint32_t (*lines)[SORT_LANES_32], int64_t n);
  void (*network_64)(uint64_t (*lines)[SORT_LANES_64], int64_t n);
  /* Adds up the items whose key is below `low` and above `high`. */
  void (*count[SORT_ITEMS])(
      const void* items,
      int64_t n,
      uint64_t low,
      uint64_t high,
      int64_t* below,
      int64_t* above);
  /* Appends each item to one of to[0] (below), to[1] and to[2] (above), in
   * order, and moves these on; nothing beyond is written. */
  void (*deal[SORT_ITEMS])(
      const void* items, int64_t n, uint64_t low, uint64_t high, void** to);
} sort_table;

ISA_DECLARE(sort_table, sort_kernels)

static inline bool sort_key_is_wide(lz_dtype d) {
  return dtype_size(d) == 8;
}

#endif
