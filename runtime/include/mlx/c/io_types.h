/* Readers and writers by callback, and GGUF containers.
 *
 * A reader needs tell, seek and read (read_at_offset where loads are lazy),
 * a writer tell, seek and write; whence is SEEK_SET, SEEK_CUR or SEEK_END.
 * free(desc) runs once, when the handle and every lazy load that needs it
 * are gone. */
#ifndef MLX_C_IO_TYPES_H
#define MLX_C_IO_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lazuli/api.h"
#include "mlx/c/array.h"
#include "mlx/c/string.h"
#include "mlx/c/vector.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mlx_io_reader_ {
  void* ctx;
} mlx_io_reader;

typedef struct mlx_io_writer_ {
  void* ctx;
} mlx_io_writer;

typedef struct mlx_io_vtable_ {
  bool (*is_open)(void*);
  bool (*good)(void*);
  size_t (*tell)(void*);
  void (*seek)(void*, int64_t off, int whence);
  void (*read)(void*, char* data, size_t n);
  void (*read_at_offset)(void*, char* data, size_t n, size_t off);
  void (*write)(void*, const char* data, size_t n);
  const char* (*label)(void*);
  void (*free)(void*);
} mlx_io_vtable;

typedef struct mlx_io_gguf_ {
  void* ctx;
} mlx_io_gguf;

/* NULL ctx and an error where a callback is missing that a reader needs. */
LAZULI_API mlx_io_reader mlx_io_reader_new(void* desc, mlx_io_vtable vtable);

/* *desc_ becomes the desc that the reader was made with. */
LAZULI_API int mlx_io_reader_descriptor(void** desc_, mlx_io_reader io);

/* The reader's label. */
LAZULI_API int mlx_io_reader_tostring(mlx_string* str_, mlx_io_reader io);

LAZULI_API int mlx_io_reader_free(mlx_io_reader io);

LAZULI_API mlx_io_writer mlx_io_writer_new(void* desc, mlx_io_vtable vtable);

LAZULI_API int mlx_io_writer_descriptor(void** desc_, mlx_io_writer io);

LAZULI_API int mlx_io_writer_tostring(mlx_string* str_, mlx_io_writer io);

LAZULI_API int mlx_io_writer_free(mlx_io_writer io);

/* An empty container: arrays by name, and metadata by name that is an array,
 * a string or a vector of strings. */
LAZULI_API mlx_io_gguf mlx_io_gguf_new(void);

LAZULI_API int mlx_io_gguf_free(mlx_io_gguf io);

/* Names of the arrays. */
LAZULI_API int mlx_io_gguf_get_keys(mlx_vector_string* keys, mlx_io_gguf io);

/* Returns 2, without an error, where there is no such array. */
LAZULI_API int mlx_io_gguf_get_array(
    mlx_array* arr, mlx_io_gguf io, const char* key);

/* The get_metadata functions return 2 where there is no such key and 3 where
 * its value is of another kind; neither is an error. */
LAZULI_API int mlx_io_gguf_get_metadata_array(
    mlx_array* arr, mlx_io_gguf io, const char* key);

LAZULI_API int mlx_io_gguf_get_metadata_string(
    mlx_string* str, mlx_io_gguf io, const char* key);

LAZULI_API int mlx_io_gguf_get_metadata_vector_string(
    mlx_vector_string* vstr, mlx_io_gguf io, const char* key);

/* The has_metadata functions return 2 and false where there is no such key;
 * 0 and whether the kind is theirs elsewhere. */
LAZULI_API int mlx_io_gguf_has_metadata_array(
    bool* flag, mlx_io_gguf io, const char* key);

LAZULI_API int mlx_io_gguf_has_metadata_string(
    bool* flag, mlx_io_gguf io, const char* key);

LAZULI_API int mlx_io_gguf_has_metadata_vector_string(
    bool* flag, mlx_io_gguf io, const char* key);

/* The set functions keep what was set first where the key is there. */
LAZULI_API int mlx_io_gguf_set_array(
    mlx_io_gguf io, const char* key, const mlx_array arr);

LAZULI_API int mlx_io_gguf_set_metadata_array(
    mlx_io_gguf io, const char* key, const mlx_array marr);

LAZULI_API int mlx_io_gguf_set_metadata_string(
    mlx_io_gguf io, const char* key, const char* mstr);

LAZULI_API int mlx_io_gguf_set_metadata_vector_string(
    mlx_io_gguf io, const char* key, const mlx_vector_string mvstr);

#ifdef __cplusplus
}
#endif

#endif
