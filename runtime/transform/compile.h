/* Compiled functions: traced once for each form of their inputs, then replayed
 * without calling them. Fusion needs no compiling here; what is saved is the
 * function's own work.
 *
 * A shapeless function is traced once for each rank and dtype of its inputs;
 * other shapes replay that trace, with the shapes that follow from them, or
 * fail where an operation cannot say what follows.
 *
 * Each thread has its own cache. It is keyed by the inputs' number, shapes and
 * dtypes, the constants, and the default stream, and holds the COMPILE_MAX
 * forms used last of each function. One that was traced shapeless serves other
 * shapes of as many axes, unless an operation cannot tell what it gives there
 * (lz_op.infer): then the function is traced for those shapes, too. */
#ifndef TRANSFORM_COMPILE_H
#define TRANSFORM_COMPILE_H

#include "core/closure.h"

enum { COMPILE_MAX = 64 };

/* `owns_id`: the forms are forgotten with what is returned. Otherwise they stay
 * for whoever compiles by this id again, until compile_erase. */
lz_closure* compile_function(
    lz_closure* f,
    uint64_t id,
    bool owns_id,
    bool shapeless,
    const uint64_t* constants,
    size_t n_constants);

/* Forgets what this thread has traced: of one function, of all. */
void compile_erase(uint64_t id);
void compile_clear(void);

/* Off: compiled functions call the original. */
void compile_enable(bool on);

#endif
