/* Arrays as bytes in row-major order. */
#ifndef IO_DENSE_H
#define IO_DENSE_H

#include "core/array.h"
#include "io/source.h"

/* Writes a READY array of any strides. Non-zero with a message. */
int dense_write(lz_sink* sink, const lz_array* a);

#endif
