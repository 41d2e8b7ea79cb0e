/* NumPy's .npy format, versions 1 to 3.
 * https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html */
#ifndef IO_NPY_H
#define IO_NPY_H

#include "core/array.h"
#include "io/source.h"
#include "stream/stream.h"

/* A lazy array over the source; scope-owned, NULL with a message. bfloat16 is
 * stored as V2, as MLX does. */
lz_array* npy_load(lz_source* source, lz_stream* s);
/* Writes a READY array. */
int npy_save(lz_sink* sink, const lz_array* a);

#endif
