/* Functions of a program that only stand between it and the runtime.
 *
 * Programs wrap the calls of an interface: expression(&e, mlx_add, a, b). All
 * they build then seems to come from the wrapper's one line. A function is a
 * helper when it is the innermost one of the user's in stacks that come from
 * HELPERS_CALLERS different lines of other functions or more, and from
 * HELPERS_RATIO times as many as it has lines of its own there; never when a
 * stack begins with it. Sites move on to the caller, through as many helpers as
 * there are; frames stay as they are. */
#ifndef HELPERS_H
#define HELPERS_H

#include <stdbool.h>

#include "load.h"

#define HELPERS_CALLERS 4
#define HELPERS_RATIO 4

/* After symbols_resolve(). False when there is no memory. */
bool helpers_step_out(loader* l);

#endif
