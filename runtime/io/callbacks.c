#include "io/callbacks.h"

#include <stdlib.h>

#include "core/error.h"

lz_io* io_new(void* desc, const mlx_io_vtable* vtable) {
  lz_io* io = malloc(sizeof *io);
  if (!io) return error_memory();
  *io = (lz_io){.desc = desc, .vtable = *vtable};
  atomic_init(&io->refs, 1);
  return io;
}

lz_io* io_ref(lz_io* io) {
  atomic_fetch_add_explicit(&io->refs, 1, memory_order_relaxed);
  return io;
}

void io_unref(lz_io* io) {
  if (!io) return;
  if (atomic_fetch_sub_explicit(&io->refs, 1, memory_order_acq_rel) != 1)
    return;
  if (io->vtable.free) io->vtable.free(io->desc);
  free(io);
}
