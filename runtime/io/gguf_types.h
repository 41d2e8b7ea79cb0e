/* Types of GGUF tensors and metadata, and how they are kept here. */
#ifndef IO_GGUF_TYPES_H
#define IO_GGUF_TYPES_H

#include <stdbool.h>

#include "core/dtype.h"
#include "io/gguf_blocks.h"

enum { GGUF_STRING = 8, GGUF_ARRAY = 9, GGUF_MAX_AXES = 8 };
#define GGUF_ALIGNMENT 32
#define GGUF_ALIGNMENT_KEY "general.alignment"

typedef struct gguf_type {
  uint32_t number; /* in the file */
  lz_dtype stored, loaded;
} gguf_type;

typedef enum gguf_kind {
  GGUF_PLAIN,   /* numbers; where `loaded` is another type they are cast */
  GGUF_PACKED,  /* words of `bits`, scales and biases, as loaded by MLX */
  GGUF_DECODED, /* blocks that become `loaded` */
  GGUF_UNREAD
} gguf_kind;

typedef struct gguf_tensor_type {
  uint32_t number; /* in the file */
  const char* name;
  gguf_kind kind;
  bool written; /* arrays are saved as this */
  lz_dtype stored, loaded;
  uint32_t weights, bytes; /* of one block; of plain numbers 1 and 0 */
  uint32_t bits;
  int bias; /* of packed blocks, in scales; 1: they have one of their own */
  gguf_decoder decode;
  gguf_packer pack;
} gguf_tensor_type;

/* Those of gguf_types.def; NULL: there is none. */
const gguf_tensor_type* gguf_tensor_type_find(uint32_t number);
const gguf_type* gguf_value_type(uint32_t number);
/* What an array of this type is written as. */
const gguf_tensor_type* gguf_tensor_type_of(lz_dtype dtype);
const gguf_type* gguf_value_type_of(lz_dtype dtype);

#endif
