/* A trace file as a list of chunks: what the reader and the packer start from.
 *
 * The file may be anything: nothing read from it is believed before it was
 * checked. Damaged places are skipped up to the next whole chunk; the first of
 * them is kept as one line of text. */
#ifndef TRACE_SCAN_H
#define TRACE_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trace_format.h"

typedef struct trace_chunk_place {
  uint64_t offset;           /* of the chunk's header */
  trace_chunk_header header; /* `used` is cut to what the file holds */
} trace_chunk_place;

typedef struct trace_scan {
  int fd;
  char* path;
  uint64_t file_bytes;
  trace_file_header header;
  /* Definitions first, then by thread, lane and sequence. */
  trace_chunk_place* chunks;
  size_t n_chunks, room;
  uint32_t threads;
  uint64_t used; /* of all chunks */
  bool damaged;
  char error[512];
} trace_scan;

/* 0, or 1 with one line in `error`. */
int trace_scan_open(
    trace_scan* s, const char* path, char* error, size_t error_size);
void trace_scan_close(trace_scan* s);

/* Notes damage at an offset; only the first is kept. */
void trace_scan_damage(trace_scan* s, uint64_t offset, const char* format, ...)
    __attribute__((format(printf, 3, 4)));

/* Reads up to `size` bytes at `offset`; fewer at the end of the file. */
size_t trace_scan_read(
    trace_scan* s, void* bytes, size_t size, uint64_t offset);

#endif
