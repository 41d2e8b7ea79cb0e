/* Derivatives of operations that say themselves in others (lz_op.plain). */
#ifndef TRANSFORM_PLAIN_H
#define TRANSFORM_PLAIN_H

#include "core/op.h"

/* The operation's rule, or the derivative of what it is made of; a message that
 * names it where it has neither. Non-zero on failure. */
int derive_vjp(const lz_vjp* v);

/* The same forward. *without: it has neither rule nor plain form, there is no
 * message, and nothing was done. */
int derive_jvp(const lz_jvp* v, bool* without);

#endif
