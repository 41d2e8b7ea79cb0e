/* The GGUF format, versions 2 and 3, little-endian.
 * https://github.com/ggml-org/ggml/blob/master/docs/gguf.md */
#ifndef IO_GGUF_H
#define IO_GGUF_H

#include "core/map.h"
#include "io/source.h"
#include "stream/stream.h"

/* ctx of mlx_io_gguf. */
typedef struct lz_gguf {
  lz_map arrays;   /* VALUE_ARRAY */
  lz_map metadata; /* VALUE_ARRAY, VALUE_STRING or VALUE_STRINGS */
} lz_gguf;

/* Tensors are lazy and of MLX's types: Q4_0, Q4_1 and Q8_0 are uint32 words of
 * 4 or 8 bits and, under the name without ".weight", float16 .scales and
 * .biases of groups of 32; other blocks and BF16 become float16 (MXFP4:
 * bfloat16), and plain numbers stay what they are. gguf_types.def lists them
 * all. Non-zero with a message that names the source; *g then holds what was
 * read.
 */
int gguf_load(lz_source* source, lz_stream* s, lz_gguf* g);
/* Non-zero with a message where the format cannot hold an array. */
int gguf_check(const lz_gguf* g);
/* Writes READY arrays, row-major. */
int gguf_save(lz_sink* sink, const lz_gguf* g);

#endif
