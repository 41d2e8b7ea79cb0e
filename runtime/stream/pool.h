/* The threads that share the work of one kernel. One pool a process, made on
 * first use, with as many threads as the process may run on, the caller
 * counted (LAZULI_THREADS overrides).
 *
 * Several callers may use it at once; each call returns when its own work is
 * done, and the caller works too, so a busy pool never blocks progress. Calls
 * from inside a job run inline. After fork() the child makes its own,
 * when it first needs them: most children only exec. */
#ifndef STREAM_POOL_H
#define STREAM_POOL_H

#include <stddef.h>
#include <stdint.h>

/* begin…end-1 of the range; `worker` < pool_threads(), unique among the parts
 * that run at the same time within one call: for per-thread scratch. */
typedef void (*pool_fn)(void* ctx, int64_t begin, int64_t end, int worker);

/* Runs fn over [0, n) cut into parts of at least `grain`; n <= grain runs
 * inline. Parts are handed out dynamically, in order. */
void pool_for(int64_t n, int64_t grain, pool_fn fn, void* ctx);

/* Threads a pool_for may use, the caller counted; at least 1. */
int pool_threads(void);

#endif
