/* Scopes: who owns the temporaries while a graph is built.
 *
 * Graph-level operations (ops/) take borrowed arrays and return arrays owned by
 * the innermost open scope of the thread, so expressions nest without a free in
 * between; NULL arguments give NULL results, so one check at the end suffices:
 *
 *     size_t scope = scope_open();
 *     lz_array *y = op_multiply(op_subtract(x, mean, s), op_rsqrt(var, s), s);
 *     return scope_close(scope, y);        // y survives, the rest is dropped
 */
#ifndef CORE_SCOPE_H
#define CORE_SCOPE_H

#include "core/array.h"

size_t scope_open(void);
/* Drops what the scope owns but `keep`, which is returned with a reference that
 * is the caller's. keep may be NULL. */
lz_array* scope_close(size_t scope, lz_array* keep);
/* The same for several; keep[i] may repeat or be NULL. */
void scope_close_many(size_t scope, lz_array** keep, size_t n);
/* Hands a reference to the innermost scope. Returns the array; takes NULL. */
lz_array* scope_own(lz_array* a);
/* The same for n results of one node. Non-zero with a message where there is no
 * memory: then none of them is left, and all are NULL. */
int scope_own_all(lz_array** a, size_t n);

#endif
