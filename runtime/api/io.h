/* Readers and writers by callback (ctx of mlx_io_reader and mlx_io_writer) and
 * the container of a GGUF file (ctx of mlx_io_gguf). */
#ifndef API_IO_H
#define API_IO_H

#include "api/map.h"

/* Reference counted: a lazy load keeps its reader until the data is read.
 * vtable.free(desc) runs once, with the last reference. */
typedef struct lz_io {
  _Atomic uint32_t refs;
  void* desc;
  mlx_io_vtable vtable;
} lz_io;

/* Unwrap. NULL with a message that names the argument where ctx is NULL. */
lz_io* api_reader(mlx_io_reader io, const char* argument);
lz_io* api_writer(mlx_io_writer io, const char* argument);
lz_io* io_ref(lz_io* io);
void io_unref(lz_io* io); /* takes NULL */

typedef struct lz_gguf {
  lz_map arrays;   /* VALUE_ARRAY */
  lz_map metadata; /* VALUE_ARRAY, VALUE_STRING or VALUE_STRINGS */
} lz_gguf;

lz_gguf* api_gguf(mlx_io_gguf io, const char* argument);
/* Takes over what *from holds; allocates or overwrites. */
int api_gguf_set(mlx_io_gguf* res, lz_gguf* from);

#endif
