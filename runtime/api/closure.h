/* The closures of core/closure.h behind the interface's handles: ctx of the six
 * closure types is a closure_handle; mlx_closure_set shares the closure. */
#ifndef API_CLOSURE_H
#define API_CLOSURE_H

#include "api/map.h"
#include "core/closure.h"

typedef struct closure_handle {
  lz_closure* closure;
} closure_handle;

/* Unwraps; NULL with a message that names the argument where ctx is NULL. */
lz_closure* api_closure(void* ctx, const char* argument);
/* Puts a closure behind a handle (&res->ctx); takes the reference over. */
int api_closure_set(void** ctx, lz_closure* c);

#endif
