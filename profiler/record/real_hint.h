/* Names of functions, from the object file's own table. */
#ifndef REAL_HINT_H
#define REAL_HINT_H

#include <stdbool.h>
#include <stddef.h>

/* The mangled name of the function around an address: what the dynamic linker
 * knows, else what .symtab says. False where neither does. */
bool real_hint_symbol(const void* address, char* out, size_t size);

/* The code after an address calls, within a few instructions, the function
 * bound to this name. False where that cannot be told. */
bool real_hint_calls_soon(const void* address, const char* name);

#endif
