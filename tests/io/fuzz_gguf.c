#include <stdio.h>
#include <string.h>

#include "fuzz.h"
#include "io/gguf.h"
#include "io/gguf_types.h"

const char* const fuzz_words[] = {
    "general.alignment", "l.weight", "l.scales", "GGUF\x02", "GGUF\x03", NULL};

/* A file as it grows. */
static char bytes[1 << 14];
static size_t size;

static void put(const void* from, size_t n) {
  memcpy(bytes + size, from, n);
  size += n;
}
static void put_u32(uint32_t v) {
  put(&v, 4);
}
static void put_u64(uint64_t v) {
  put(&v, 8);
}
static void put_text(const char* text) {
  put_u64(strlen(text));
  put(text, strlen(text));
}

static void put_head(uint64_t tensors, uint64_t values) {
  size = 0;
  put("GGUF", 4);
  put_u32(3);
  put_u64(tensors);
  put_u64(values);
}

static void put_tensor(
    const char* name, uint32_t type, uint64_t columns, uint64_t rows) {
  put_text(name);
  put_u32(2);
  put_u64(columns);
  put_u64(rows);
  put_u32(type);
  put_u64(0);
}

static void put_data(size_t n) {
  while (size % 32) put("", 1);
  for (size_t i = 0; i < n; i++) bytes[size++] = (char)(i * 37);
  fuzz_seed(bytes, size);
}

/* Each type of tensor, in a file of its own. */
static void seed_tensor(uint32_t number, const char* name) {
  const gguf_tensor_type* type = gguf_tensor_type_find(number);
  char text[32];
  snprintf(text, sizeof text, "%s.weight", name);
  put_head(1, 0);
  put_tensor(text, number, type->weights == 1 ? 8 : type->weights, 2);
  put_data(2 * (type->bytes ? type->bytes : 8 * dtype_size(type->stored)));
}

void fuzz_seeds(void) {
#define GGUF_TENSOR(number, name, dtype) seed_tensor(number, #name);
#define GGUF_READ(number, name, stored, loaded) seed_tensor(number, #name);
#define GGUF_PACKED(number, name, bytes, bits, bias) seed_tensor(number, #name);
#define GGUF_DECODED(number, name, weights, bytes, loaded, decoder) \
  seed_tensor(number, #name);
#include "io/gguf_types.def"
  /* Metadata of every kind. */
  put_head(2, 5);
  put_text("general.alignment");
  put_u32(4);
  put_u32(32);
  put_text("general.name");
  put_u32(GGUF_STRING);
  put_text("a name");
  put_text("words");
  put_u32(GGUF_ARRAY);
  put_u32(GGUF_STRING);
  put_u64(2);
  put_text("one");
  put_text("");
  put_text("numbers");
  put_u32(GGUF_ARRAY);
  put_u32(12);
  put_u64(2);
  put_u64(0x3ff0000000000000);
  put_u64(0xbff0000000000000);
  put_text("yes");
  put_u32(7);
  put("\x01", 1);
  put_tensor("l.weight", 2, 32, 1);
  put_tensor("other", 0, 2, 2);
  put_data(64);
}

int fuzz_file(const char* path) {
  lz_source* source = source_open("load_gguf", path);
  if (!source) fuzz_fail("opening");
  lz_gguf g = {0};
  int taken = fuzz_taken(gguf_load(source, stream_default(DEVICE_CPU), &g));
  source_unref(source);
  fuzz_map(&g.arrays);
  fuzz_map(&g.metadata);
  map_clear(&g.arrays);
  map_clear(&g.metadata);
  return taken;
}
