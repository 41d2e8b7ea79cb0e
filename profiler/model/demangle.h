/* C++ names as people write them. */
#ifndef DEMANGLE_H
#define DEMANGLE_H

#include <stdbool.h>
#include <stddef.h>

/* False where the name is not a mangled one, or the C++ library, which alone
 * knows how, is not installed. Any thread. */
bool demangle(const char* name, char* out, size_t size);

#endif
