/* Stable sort of items by the bits of their unsigned keys. Long inputs are
 * shared among the pool's threads. */
#ifndef CPU_SORT_RADIX_H
#define CPU_SORT_RADIX_H

#include <stdint.h>

/* A wide key with what it belongs to. */
typedef struct sort_pair {
  uint64_t key, index;
} sort_pair;

/* Sorts x[0…n) by the bits of the key from `low` on. Items that differ below
 * only must come in their order. y is as large and overwritten. */
void sort_radix_32(uint32_t* x, uint32_t* y, int64_t n, int low);
void sort_radix_64(uint64_t* x, uint64_t* y, int64_t n, int low);
void sort_radix_pairs(sort_pair* x, sort_pair* y, int64_t n, int low);

#endif
