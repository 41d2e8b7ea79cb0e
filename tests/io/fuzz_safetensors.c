#include <string.h>

#include "fuzz.h"
#include "io/safetensors.h"

const char* const fuzz_words[] = {
    "\"dtype\":",
    "\"shape\":",
    "\"data_offsets\":",
    "\"__metadata__\":{",
    "\"F8_E4M3\"",
    "\"BF16\"",
    "\"C64\"",
    "[2147483647,2147483647]",
    "[0,0]",
    "[]",
    "{}",
    "-1",
    "1e308",
    "0.5",
    "null",
    "\\u0000",
    "\\ud800",
    NULL};

static void seed(const char* header, size_t data) {
  char bytes[2048] = {0};
  size_t n = strlen(header);
  bytes[0] = (char)n;
  bytes[1] = (char)(n >> 8);
  memcpy(bytes + 8, header, n);
  for (size_t i = 0; i < data; i++) bytes[8 + n + i] = (char)(i * 37);
  fuzz_seed(bytes, 8 + n + data);
}

void fuzz_seeds(void) {
  seed(
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]},"
      "\"b\":{\"dtype\":\"BOOL\",\"shape\":[5],\"data_offsets\":[24,29]},"
      "\"c\":{\"dtype\":\"C64\",\"shape\":[],\"data_offsets\":[29,37]}}",
      37);
  seed(
      "{\"__metadata__\":{\"format\":\"mlx\",\"why\":\"\\u00e9\\n\"},"
      "\"w\":{\"dtype\":\"BF16\",\"shape\":[0,4],\"data_offsets\":[0,0]},"
      "\"v\":{\"dtype\":\"F8_E8M0\",\"shape\":[3],\"data_offsets\":[0,3]},"
      "\"u\":{\"dtype\":\"I64\",\"shape\":[1,1,2],\"data_offsets\":[3,19]}}",
      19);
  seed("{}", 0);
  seed(
      " {\"x\" : {\"shape\":[4], \"data_offsets\":[0,8], \"dtype\":\"U16\", "
      "\"more\":[{\"k\":[1,2.5e3,true,false,null]}]}}   ",
      8);
}

int fuzz_file(const char* path) {
  lz_source* source = source_open("load_safetensors", path);
  if (!source) fuzz_fail("opening");
  lz_map arrays = {0}, metadata = {0};
  int taken = fuzz_taken(
      safetensors_load(source, stream_default(DEVICE_CPU), &arrays, &metadata));
  source_unref(source);
  fuzz_map(&arrays);
  fuzz_map(&metadata);
  map_clear(&arrays);
  map_clear(&metadata);
  return taken;
}
