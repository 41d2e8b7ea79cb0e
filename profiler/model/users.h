/* Which code is the user's own, and which a runtime's, an interpreter's or the
 * system's: a report names the innermost line of the former. */
#ifndef USERS_H
#define USERS_H

#include <stdbool.h>

bool users_module(const char* path);   /* a mapped file */
bool users_source(const char* path);   /* a C or C++ source; "" counts */
bool users_function(const char* name); /* within a module of the user's */
bool users_script(const char* path);   /* a Python source */

#endif
