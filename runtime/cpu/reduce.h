/* Reductions over any set of axes, and argmin/argmax over one.
 *
 * Types: halves are accumulated in float and rounded once; integers wrap. Sums
 * and products of bool and of integers up to 32 bits are 32-bit; of other types
 * their own. max and min return NaN if any element is NaN. `and` and `or` test
 * the bits of an element, so -0.0 counts as true (as the original's CPU
 * kernel has it). Complex numbers compare by real, then imaginary part.
 *
 * Threading: shared among the pool's threads; the parts summed separately do
 * not depend on their number, so results are the same on every machine of one
 * instruction set. Inputs and outputs may have any strides; nothing fails. */
#ifndef CPU_REDUCE_H
#define CPU_REDUCE_H

#include "cpu/view.h"

typedef enum reduce_kind {
  REDUCE_AND,
  REDUCE_OR,
  REDUCE_SUM,
  REDUCE_PROD,
  REDUCE_MIN,
  REDUCE_MAX,
  REDUCE_KINDS
} reduce_kind;

/* The element type of the result. */
lz_dtype reduce_dtype(reduce_kind kind, lz_dtype in);

/* Reduces the axes whose bits are set in `axes`. `out` has either in's number
 * of axes with extent 1 where reduced, or lacks the reduced axes; its type is
 * reduce_dtype(kind, in). Over no elements: the neutral element (for min and
 * max of integers the type's extreme, of floats an infinity). */
void reduce_run(
    reduce_kind kind, const lz_view* in, uint32_t axes, const lz_view* out);

/* Fills `tile` with elements [begin, begin+n) of an order of an array's
 * elements, lying together; n ≤ REDUCE_SOURCE_MAX. Called from several threads
 * at once, with the pool's worker number, unique among them. */
typedef void (*reduce_source)(
    void* ctx, int64_t begin, int64_t n, void* tile, int worker);

enum { REDUCE_SOURCE_MAX = 1024 };

/* reduce_run of an array that is never in memory: `in` has no data, and its
 * strides say which number of the source's order an element has: as in memory
 * without holes, its axes in any order, with a stride of 0 where it repeats.
 * Each number is asked of the source once, tile by tile. Where halves are
 * computed in float anyway, a source of float32 may be reduced into an `out`
 * of either half. */
void reduce_run_from(
    reduce_kind kind,
    const lz_view* in,
    uint32_t axes,
    reduce_source source,
    void* source_ctx,
    const lz_view* out);

/* Position of the least (greatest) element along `axis`, uint32, the first of
 * equals. `axis` -1: of all elements in row-major order. A NaN wins only if
 * it comes first. The axis must not be empty. `out` as in reduce_run. */
void reduce_arg(bool greatest, const lz_view* in, int axis, const lz_view* out);

#endif
