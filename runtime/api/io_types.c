#include "api/api.h"
#include "api/io.h"
#include "api/vector.h"

lz_io* api_reader(mlx_io_reader io, const char* argument) {
  return io.ctx ? io.ctx : api_refuse(argument, "the reader is empty");
}

lz_io* api_writer(mlx_io_writer io, const char* argument) {
  return io.ctx ? io.ctx : api_refuse(argument, "the writer is empty");
}

/* What the kind cannot do without; the name of the first that is missing. */
static const char* io_missing(const mlx_io_vtable* v, bool reader) {
  if (!v->tell) return "tell";
  if (!v->seek) return "seek";
  if (reader && !v->read) return "read";
  if (!reader && !v->write) return "write";
  return NULL;
}

static void* io_make(void* desc, const mlx_io_vtable* vtable, bool reader) {
  const char* kind = reader ? "reader" : "writer";
  const char* missing = io_missing(vtable, reader);
  if (missing) {
    API_RAISE("[io_%s_new] argument vtable: %s is NULL", kind, missing);
    return NULL;
  }
  lz_io* io = io_new(desc, vtable);
  if (!io) API_REPORT();
  return io;
}

static int io_descriptor(void** desc, const lz_io* io, const char* kind) {
  if (!io)
    return API_RAISE("[io_%s_descriptor] argument io: it is empty", kind);
  if (!desc)
    return API_RAISE("[io_%s_descriptor] argument desc_: it is NULL", kind);
  *desc = io->desc;
  return 0;
}

static int io_tostring(mlx_string* str, const lz_io* io, const char* kind) {
  if (!io) return API_RAISE("[io_%s_tostring] argument io: it is empty", kind);
  if (!str)
    return API_RAISE("[io_%s_tostring] argument str_: it is NULL", kind);
  const char* label = io->vtable.label ? io->vtable.label(io->desc) : NULL;
  return api_string_set(str, label ? label : "") ? API_REPORT() : 0;
}

#define IO(kind, is_reader)                                             \
  mlx_io_##kind mlx_io_##kind##_new(void* desc, mlx_io_vtable vtable) { \
    return (mlx_io_##kind){io_make(desc, &vtable, is_reader)};          \
  }                                                                     \
  int mlx_io_##kind##_descriptor(void** desc_, mlx_io_##kind io) {      \
    return io_descriptor(desc_, io.ctx, #kind);                         \
  }                                                                     \
  int mlx_io_##kind##_tostring(mlx_string* str_, mlx_io_##kind io) {    \
    return io_tostring(str_, io.ctx, #kind);                            \
  }                                                                     \
  int mlx_io_##kind##_free(mlx_io_##kind io) {                          \
    io_unref(io.ctx);                                                   \
    return 0;                                                           \
  }
IO(reader, true)
IO(writer, false)
