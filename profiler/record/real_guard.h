/* Calls through which C++ exceptions pass, with something to undo when they do.
 *
 * GCC's cleanup attribute would need libgcc_s.so, and a preloaded library that
 * brings one along takes the place of the one that the program brought. So the
 * calls go through a few instructions whose unwind information names a
 * personality routine of our own, which undoes and lets the exception pass.
 */
#ifndef REAL_GUARD_H
#define REAL_GUARD_H

#include "real.h"

typedef struct real_guard {
  struct real_guard* outer;
  void (*undo)(void* scope); /* an exception passes; called once */
  void* scope;
} real_guard;

/* Calls f(a, b, c, d, e, f), guarded. */
real_word real_guarded(
    real_guard* guard, real_function function, const real_word arguments[6]);

/* The original of a hook, guarded by undo(scope). */
#define REAL_GUARDED(undo_, scope_, id, ...)                                  \
  (__builtin_expect(!real_original.id, 0) ? real_need(&real_original.id, #id) \
                                          : (void)0,                          \
   real_guarded(                                                              \
       &(real_guard){.undo = (undo_), .scope = (scope_)},                     \
       real_original.id,                                                      \
       (const real_word[6]){__VA_ARGS__}))
#define REAL_WORD(x) ((real_word)(uintptr_t)(x))

#endif
