#include "io/gguf_types.h"

#include <stddef.h>

static const gguf_type gguf_tensors[] = {
#define GGUF_TENSOR(number, name, dtype) {number, DTYPE_##dtype, DTYPE_##dtype},
#include "io/gguf_types.def"
};
static const gguf_type gguf_values[] = {
#define GGUF_VALUE(number, name, stored, loaded) \
  {number, DTYPE_##stored, DTYPE_##loaded},
#include "io/gguf_types.def"
};
#define COUNT(table) (sizeof(table) / sizeof *(table))

static const gguf_type* gguf_by_number(
    const gguf_type* table, size_t n, uint32_t number) {
  for (size_t i = 0; i < n; i++)
    if (table[i].number == number) return &table[i];
  return NULL;
}

static const gguf_type* gguf_by_dtype(
    const gguf_type* table, size_t n, lz_dtype dtype) {
  for (size_t i = 0; i < n; i++)
    if (table[i].stored == dtype && table[i].loaded == dtype) return &table[i];
  return NULL;
}

const gguf_type* gguf_tensor_type(uint32_t number) {
  return gguf_by_number(gguf_tensors, COUNT(gguf_tensors), number);
}

const gguf_type* gguf_value_type(uint32_t number) {
  return gguf_by_number(gguf_values, COUNT(gguf_values), number);
}

const gguf_type* gguf_tensor_type_of(lz_dtype dtype) {
  return gguf_by_dtype(gguf_tensors, COUNT(gguf_tensors), dtype);
}

const gguf_type* gguf_value_type_of(lz_dtype dtype) {
  return gguf_by_dtype(gguf_values, COUNT(gguf_values), dtype);
}
