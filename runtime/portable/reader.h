/* Files of functions, read and checked: portable/format.h. */
#ifndef PORTABLE_READER_H
#define PORTABLE_READER_H

#include "portable/function.h"

/* All functions of the file, in its order. Non-zero with a message that says
 * what does not hold; a file that this library cannot have written as it is
 * never gets further than this. */
int reader_open(const char* path, lz_function** functions, bool* shapeless);

#endif
