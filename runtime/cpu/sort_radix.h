/* Stable radix sort of keys, and the partition that selection starts with.
 * ISA-independent; long inputs are shared among the pool's threads. */
#ifndef CPU_SORT_RADIX_H
#define CPU_SORT_RADIX_H

#include <stdint.h>

/* A wide key with what it belongs to. */
typedef struct sort_pair {
  uint64_t key, index;
} sort_pair;

/* Sorts n items by bits [low, high) of their keys. `keys` is overwritten,
 * `spare` is as large; the one that holds the result is returned. */
uint32_t* sort_radix_32(
    uint32_t* keys, uint32_t* spare, int64_t n, int low, int high);
uint64_t* sort_radix_64(
    uint64_t* keys, uint64_t* spare, int64_t n, int low, int high);
sort_pair* sort_radix_pairs(
    sort_pair* keys, sort_pair* spare, int64_t n, int low, int high);

/* Items whose digit (bits [shift, shift+8) of the key) is less than that of
 * the item of rank kth, then those of the same digit, then the others, stable,
 * to `to`. The middle ones are to[*begin … *end). */
void sort_split_32(
    const uint32_t* keys,
    uint32_t* to,
    int64_t n,
    int shift,
    int64_t kth,
    int64_t* begin,
    int64_t* end);
void sort_split_64(
    const uint64_t* keys,
    uint64_t* to,
    int64_t n,
    int shift,
    int64_t kth,
    int64_t* begin,
    int64_t* end);
void sort_split_pairs(
    const sort_pair* keys,
    sort_pair* to,
    int64_t n,
    int shift,
    int64_t kth,
    int64_t* begin,
    int64_t* end);

#endif
