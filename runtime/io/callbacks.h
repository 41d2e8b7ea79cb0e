/* Files that a program brings as callbacks: ctx of mlx_io_reader and of
 * mlx_io_writer. */
#ifndef IO_CALLBACKS_H
#define IO_CALLBACKS_H

#include <stdatomic.h>

#include "mlx/c/io_types.h"

/* Reference counted: a lazy load keeps its reader until the data is read.
 * vtable.free(desc) runs once, with the last reference. */
typedef struct lz_io {
  _Atomic uint32_t refs;
  void* desc;
  mlx_io_vtable vtable;
} lz_io;

/* With one reference; NULL with a message where there is no memory, and then
 * desc is still the caller's. */
lz_io* io_new(void* desc, const mlx_io_vtable* vtable);
lz_io* io_ref(lz_io* io);
void io_unref(lz_io* io); /* takes NULL */

#endif
