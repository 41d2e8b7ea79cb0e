/* Where arrays are read from and written to: files by path, and the readers and
 * writers that a program brings. */
#ifndef IO_SOURCE_H
#define IO_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "io/callbacks.h"

/* Something readable at any offset. Reference counted: a lazy load keeps it
 * until the data is read. Reads of a file may run on any thread; a program's
 * reader is called by one thread at a time. */
typedef struct lz_source lz_source;

/* The file is opened at once; NULL with a message naming `op` and the path. */
lz_source* source_open(const char* op, const char* path);
/* Takes a reference on the reader. */
lz_source* source_of_reader(const char* op, lz_io* reader);
lz_source* source_ref(lz_source* s);
void source_unref(lz_source* s); /* takes NULL */
const char* source_label(const lz_source* s);
/* Bytes in all; 0 where a reader cannot tell. */
uint64_t source_size(const lz_source* s);
/* Where a program's reader stood when it was handed over; 0 for files. */
uint64_t source_start(const lz_source* s);
/* Reads exactly n bytes; non-zero with a message. */
int source_read(lz_source* s, void* to, size_t n, uint64_t offset);

/* Something writable in order. */
typedef struct lz_sink lz_sink;
/* Writes beside the path and takes its place in sink_close(): a failure leaves
 * what was there. */
lz_sink* sink_open(const char* op, const char* path);
lz_sink* sink_of_writer(const char* op, lz_io* writer);
/* Before the first write, of a length that is known: a file's blocks are laid
 * out at once, and a full disk is found before the time is spent. */
int sink_expect(lz_sink* s, uint64_t bytes);
int sink_write(lz_sink* s, const void* from, size_t n);
/* Ends writing. `failed`: throw away what was written. Non-zero with a message
 * where the bytes did not reach the file. */
int sink_close(lz_sink* s, bool failed);

#endif
