/* Files of functions (.mlxfn), version 1. All numbers are in the byte order of
 * the machine that wrote; a reader of the other order refuses the file. Places
 * are bytes from the file's beginning.
 *
 *   header    format_header
 *   chunks    one after another from byte 64 to header.size, each a
 *             format_chunk and its payload, begun at a multiple of 8
 *
 * A chunk of data is the row-major elements of one constant. A chunk of a
 * function holds words of 32 bits, but where another width is named:
 *
 *   counts    arguments by position, by name, constants, values, nodes,
 *             outputs, streams, operations
 *   names     of the arguments by name, ascending: length, bytes
 *   streams   device (0 CPU, 1 GPU), number: 0 is the thread's default
 *   operations  length, bytes of its name in registry.def, revision
 *   inputs    type of each: dtype, ndim, extents
 *   constants type; then 0 and its elements, or 1, the place of its elements
 *             and their checksum (two words each)
 *   nodes     operation, stream, number of inputs, of outputs, bytes of
 *             parameters; the inputs' values; the parameters as they lie in
 *             memory; the outputs' types
 *   outputs   a value each
 *
 * Values are numbered as in portable/function.h; a node reads what has a
 * smaller number than its outputs. Bytes are filled up to whole words with
 * zeros. Whatever does not hold is refused: checksums, counts, numbers,
 * revisions, and what each operation's own rule (lz_op.infer) says of types,
 * shapes and parameters. Unknown kinds of chunks are skipped. */
#ifndef PORTABLE_FORMAT_H
#define PORTABLE_FORMAT_H

#include <assert.h>
#include <stdint.h>

#define FORMAT_MAGIC "\x89LZFN\r\n\x1a"
#define FORMAT_ORDER UINT32_C(0x01020304)

enum {
  FORMAT_VERSION = 1,
  FORMAT_SHAPELESS = 1, /* of header.flags */
  FORMAT_INLINE = 256   /* bytes of a constant that stands in its function */
};

typedef struct format_header {
  char magic[8];
  uint32_t version;
  uint32_t order; /* FORMAT_ORDER */
  uint32_t flags;
  uint32_t functions;
  uint64_t size;     /* of all that counts; what follows is ignored */
  char library[16];  /* version of what wrote it, for people */
  uint64_t reserved; /* 0 */
  uint64_t checksum; /* of what stands before */
} format_header;
static_assert(sizeof(format_header) == 64, "on disk");

enum { CHUNK_FUNCTION = 1, CHUNK_DATA = 2 };

typedef struct format_chunk {
  uint32_t kind;
  uint32_t reserved; /* 0 */
  uint64_t length;   /* of the payload, without what fills it up to 8 bytes */
  uint64_t checksum; /* of the payload */
} format_chunk;
static_assert(sizeof(format_chunk) == 24, "on disk");

#endif
