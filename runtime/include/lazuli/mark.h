/* Marks and regions: names that a program gives to moments and spans, shown on
 * every page of a trace. They cost nothing but a branch when nobody watches.
 * Regions nest per thread; names are copied. NULL is taken as "". */
#ifndef LAZULI_MARK_H
#define LAZULI_MARK_H

#include "lazuli/api.h"

#ifdef __cplusplus
extern "C" {
#endif

LAZULI_API void lazuli_mark(const char* name);
LAZULI_API void lazuli_region_begin(const char* name);
LAZULI_API void lazuli_region_end(void);

#ifdef __cplusplus
}
#endif

#endif
