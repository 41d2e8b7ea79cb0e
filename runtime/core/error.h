/* Failures, inside the library.
 *
 * A function that fails sets the calling thread's message and returns NULL or
 * non-zero; a caller that fails because of it only passes that on, or appends
 * its own words. The interface hands the message to the program's handler once,
 * at the edge (api/api.h). Messages name operation, argument and value:
 *     [matmul] inner dimensions differ: (2,3) @ (4,5)
 */
#ifndef CORE_ERROR_H
#define CORE_ERROR_H

#include <stdbool.h>

#include "core/array.h"

/* Sets the message. Always returns NULL, for `return error_set(...)`. */
void* error_set(const char* format, ...) __attribute__((format(printf, 1, 2)));
/* The same for functions that return int: always 1. */
int error_fail(const char* format, ...) __attribute__((format(printf, 1, 2)));
/* Puts "words: " before the message that is set. */
void error_context(const char* format, ...)
    __attribute__((format(printf, 1, 2)));

bool error_is_set(void);
/* The message, "" if none; valid until the thread's next failure. */
const char* error_message(void);
void error_clear(void);
/* No memory: sets a message that needs none. Always NULL. */
void* error_memory(void);

/* "(2,3)" for messages; a ring of some texts a thread, valid for a few calls.
 */
const char* error_shape(int ndim, const int32_t* shape);
const char* error_shape_of(const lz_array* a);

#endif
