/* The maps of core/map.h behind the interface's handles. */
#ifndef API_MAP_H
#define API_MAP_H

#include "api/vector.h"
#include "core/map.h"

/* Unwrap. NULL with a message that names the argument where ctx is NULL. */
const lz_map* api_map(void* ctx, const char* argument);
/* Puts *from behind the handle, as the setters of api/vector.h do. */
int api_map_set(void** ctx, lz_map* from);

#endif
