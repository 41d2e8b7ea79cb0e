/* Selection: the item of one rank is put where a sort would put it, smaller
 * keys before it, greater ones behind. */
#ifndef CPU_SORT_SELECT_H
#define CPU_SORT_SELECT_H

#include "cpu/sort_radix.h"

/* x[0…n), with y as large; the one that holds the result is returned. Long
 * inputs are shared among the pool's threads. */
void* sort_select_32(uint32_t* x, uint32_t* y, int64_t n, int64_t kth);
void* sort_select_64(uint64_t* x, uint64_t* y, int64_t n, int64_t kth);
void* sort_select_pairs(sort_pair* x, sort_pair* y, int64_t n, int64_t kth);

#endif
