/* Readers, writers and GGUF containers behind the interface's handles. */
#ifndef API_IO_H
#define API_IO_H

#include "io/callbacks.h"
#include "io/gguf.h"

/* Unwrap. NULL with a message that names the argument where ctx is NULL. */
lz_io* api_reader(mlx_io_reader io, const char* argument);
lz_io* api_writer(mlx_io_writer io, const char* argument);
lz_gguf* api_gguf(mlx_io_gguf io, const char* argument);
/* Takes over what *from holds; allocates or overwrites. */
int api_gguf_set(mlx_io_gguf* res, lz_gguf* from);

#endif
