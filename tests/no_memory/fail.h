/* Allocations that fail to order.
 *
 * The program's malloc and its kin stand before the C library's, in a library
 * that is preloaded or in the program itself. Only allocations that Lazuli asks
 * for are counted and fail: what others make of none is not its doing. With
 * LAZULI_FAIL_WHERE set the call stack of each that fails is written. */
#ifndef TESTS_NO_MEMORY_FAIL_H
#define TESTS_NO_MEMORY_FAIL_H

/* From here on the n-th allocation of Lazuli fails, 0 being the next, and
 * `more` after it; n < 0: none does. Starts counting anew. Any thread's count.
 */
void fail_at(long n, long more);

/* Allocations counted since. */
long fail_count(void);

/* Whether the allocation that was to fail has been asked for. */
int fail_reached(void);

#endif
