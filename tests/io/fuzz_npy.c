#include <stdio.h>
#include <string.h>

#include "fuzz.h"
#include "io/npy.h"

const char* const fuzz_words[] = {
    "'descr': ",
    "'fortran_order': True",
    "'shape': (",
    "'<f4'",
    "'>c8'",
    "'|b1'",
    "'<V2'",
    "(0,)",
    "()",
    "(2147483647, 2147483647, 2147483647)",
    "-1",
    "\x93NUMPY\x02",
    "\x93NUMPY\x03",
    NULL};

static void seed(int version, const char* dict, size_t data) {
  char bytes[1024] = "\x93NUMPY";
  size_t n = strlen(dict), head = version > 1 ? 12 : 10;
  bytes[6] = (char)version;
  bytes[8] = (char)n;
  memcpy(bytes + head, dict, n);
  for (size_t i = 0; i < data; i++) bytes[head + n + i] = (char)(i * 37);
  fuzz_seed(bytes, head + n + data);
}

void fuzz_seeds(void) {
  static const struct {
    const char* descr;
    size_t size;
  } types[] = {
      {"|b1", 1},
      {"|u1", 1},
      {"<i2", 2},
      {"<f2", 2},
      {"<V2", 2},
      {">f4", 4},
      {"<i8", 8},
      {">c8", 8},
      {"<f8", 8}};
  for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
    char dict[160];
    snprintf(
        dict,
        sizeof dict,
        "{'descr': '%s', 'fortran_order': %s, 'shape': (3, 4), }",
        types[i].descr,
        i % 2 ? "True" : "False");
    seed(1 + (int)(i % 3), dict, 12 * types[i].size);
  }
  seed(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (), }", 4);
  seed(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (5,), }", 20);
  seed(1, "{'descr': '<f4', 'fortran_order': True, 'shape': (0, 7), }", 0);
}

int fuzz_file(const char* path) {
  lz_source* source = source_open("load", path);
  if (!source) fuzz_fail("opening");
  lz_array* a = npy_load(source, stream_default(DEVICE_CPU));
  source_unref(source);
  if (!fuzz_taken(!a)) return 0;
  fuzz_array(a);
  return 1;
}
