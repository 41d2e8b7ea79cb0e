/* Tensors of a GGUF file as lazy arrays. */
#ifndef IO_GGUF_TENSOR_H
#define IO_GGUF_TENSOR_H

#include "core/map.h"
#include "core/op.h"
#include "io/cursor.h"
#include "io/gguf_types.h"
#include "stream/stream.h"

/* What the file says of one. */
typedef struct gguf_tensor {
  char* name;
  uint32_t type;
  int ndim;
  int32_t shape[GGUF_MAX_AXES];
  int64_t size;
  uint64_t offset; /* in the source */
} gguf_tensor;

/* Puts into `arrays` what the tensor is here, one array or three; the cursor is
 * moved. Non-zero with a message that names the source and the tensor. */
int gguf_tensor_load(
    cursor* c, const gguf_tensor* t, lz_stream* s, lz_map* arrays);

/* Blocks that become one array, or words, scales and biases. */
extern const lz_op op_load_blocks_desc;

#endif
