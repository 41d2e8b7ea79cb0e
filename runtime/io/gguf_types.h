/* Types of GGUF tensors and metadata, and how they are kept here. */
#ifndef IO_GGUF_TYPES_H
#define IO_GGUF_TYPES_H

#include "core/dtype.h"

enum { GGUF_STRING = 8, GGUF_ARRAY = 9, GGUF_MAX_AXES = 8 };
#define GGUF_ALIGNMENT 32
#define GGUF_ALIGNMENT_KEY "general.alignment"

typedef struct gguf_type {
  uint32_t number; /* in the file */
  lz_dtype stored, loaded;
} gguf_type;

/* Those of gguf_types.def; NULL: there is none. */
const gguf_type* gguf_tensor_type(uint32_t number);
const gguf_type* gguf_value_type(uint32_t number);
/* What an array of this type is written as. */
const gguf_type* gguf_tensor_type_of(lz_dtype dtype);
const gguf_type* gguf_value_type_of(lz_dtype dtype);

#endif
