#include "io/gguf_types.h"

#include <stddef.h>

static const gguf_tensor_type gguf_tensors[] = {
#define GGUF_ROW(n, text, ...) {.number = n, .name = #text, __VA_ARGS__},
#define GGUF_TENSOR(n, text, dtype) \
  GGUF_ROW(                         \
      n,                            \
      text,                         \
      .kind = GGUF_PLAIN,           \
      .written = true,              \
      .stored = DTYPE_##dtype,      \
      .loaded = DTYPE_##dtype,      \
      .weights = 1)
#define GGUF_READ(n, text, from, to) \
  GGUF_ROW(                          \
      n,                             \
      text,                          \
      .kind = GGUF_PLAIN,            \
      .stored = DTYPE_##from,        \
      .loaded = DTYPE_##to,          \
      .weights = 1)
#define GGUF_PACKED(n, text, width, wide, scales) \
  GGUF_ROW(                                       \
      n,                                          \
      text,                                       \
      .kind = GGUF_PACKED,                        \
      .weights = 32,                              \
      .bytes = width,                             \
      .bits = wide,                               \
      .bias = scales,                             \
      .pack = gguf_blocks_pack_##wide)
#define GGUF_DECODED(n, text, count, width, to, decoder) \
  GGUF_ROW(                                              \
      n,                                                 \
      text,                                              \
      .kind = GGUF_DECODED,                              \
      .loaded = DTYPE_##to,                              \
      .weights = count,                                  \
      .bytes = width,                                    \
      .decode = gguf_blocks_##decoder)
#define GGUF_UNREAD(n, text) GGUF_ROW(n, text, .kind = GGUF_UNREAD)
#include "io/gguf_types.def"
};
static const gguf_type gguf_values[] = {
#define GGUF_VALUE(number, name, stored, loaded) \
  {number, DTYPE_##stored, DTYPE_##loaded},
#include "io/gguf_types.def"
};
#define COUNT(table) (sizeof(table) / sizeof *(table))

const gguf_tensor_type* gguf_tensor_type_find(uint32_t number) {
  for (size_t i = 0; i < COUNT(gguf_tensors); i++)
    if (gguf_tensors[i].number == number) return &gguf_tensors[i];
  return NULL;
}

const gguf_tensor_type* gguf_tensor_type_of(lz_dtype dtype) {
  for (size_t i = 0; i < COUNT(gguf_tensors); i++)
    if (gguf_tensors[i].written && gguf_tensors[i].stored == dtype)
      return &gguf_tensors[i];
  return NULL;
}

const gguf_type* gguf_value_type(uint32_t number) {
  for (size_t i = 0; i < COUNT(gguf_values); i++)
    if (gguf_values[i].number == number) return &gguf_values[i];
  return NULL;
}

const gguf_type* gguf_value_type_of(lz_dtype dtype) {
  for (size_t i = 0; i < COUNT(gguf_values); i++)
    if (gguf_values[i].stored == dtype && gguf_values[i].loaded == dtype)
      return &gguf_values[i];
  return NULL;
}
