/* Damaged files of functions: refused with a message or taken, never a crash.
 *
 * First whole files cut short and with bytes changed: checksums refuse them
 * all, where the change matters. Then with the checksums made right again, so
 * that what reads counts, names, shapes and parameters sees the damage; what is
 * still taken is called and evaluated, if it is small.
 *
 *     fuzz_function [ROUNDS [SEED]]
 *     fuzz_function --seeds FOLDER WORDS    writes a whole file for libFuzzer
 *
 * With -DFUZZ_LIBFUZZER it is a target for libFuzzer: tests/io/fuzz.sh. Every
 * other input has its checksums made right. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/error.h"
#include "eval/eval.h"
#include "io/checksum.h"
#include "portable/exporter.h"
#include "portable/format.h"
#include "portable/reader.h"
#include "zoo.h"

static char path[64];
static unsigned char* bytes;
static size_t size;
static unsigned long refused, taken, evaluated, failed_later;

static void die(const char* what) {
  fprintf(stderr, "fuzz_import: %s: %s\n", what, error_message());
  exit(1);
}

static void write_file(size_t n) {
  FILE* f = fopen(path, "wb");
  if (!f || fwrite(bytes, 1, n, f) != n || fclose(f)) die("writing");
}

/* Small enough to be computed in no time. */
static int is_small(const lz_function* f) {
  for (uint32_t i = 0; i < f->n_values; i++)
    if (f->values[i].size > 100000) return 0;
  return 1;
}

static void evaluate(const lz_function* f, const lz_list* in) {
  lz_list out = {0};
  function_call c;
  if (function_call_make(&c, in, NULL)) die("arguments");
  if (function_matches(f, &c, false, true) && is_small(f)) {
    evaluated++;
    if (function_apply(f, c.in, false, &out) ||
        eval_arrays(out.items, out.count, LAZULI_TRIGGER_EVAL, false)) {
      if (!error_is_set()) die("a failure without a message");
      failed_later++;
    }
  }
  list_clear(&out);
  function_call_clear(&c);
}

/* Reads the first n bytes as a file. Whether it was taken. */
static int try_file(size_t n, const lz_list* in) {
  lz_function* functions;
  bool shapeless;
  write_file(n);
  error_clear();
  if (reader_open(path, &functions, &shapeless)) {
    if (!error_is_set()) die("refused without a message");
    refused++;
    return 0;
  }
  taken++;
  for (lz_function* f = functions; f && in; f = f->next) evaluate(f, in);
  while (functions) {
    lz_function* next = functions->next;
    function_free(functions);
    functions = next;
  }
  return 1;
}

/* Checksums as if what is there had been meant. */
static void repair(void) {
  format_header h;
  memcpy(&h, bytes, sizeof h);
  h.checksum = checksum_of(&h, offsetof(format_header, checksum));
  memcpy(bytes, &h, sizeof h);
  for (size_t at = sizeof h; at + sizeof(format_chunk) <= size;) {
    format_chunk c;
    memcpy(&c, bytes + at, sizeof c);
    at += sizeof c;
    if (c.length > size - at) return;
    c.checksum = checksum_of(bytes + at, (size_t)c.length);
    memcpy(bytes + at - sizeof c, &c, sizeof c);
    at += ((size_t)c.length + 7) & ~(size_t)7;
  }
}

static void start(void) {
  snprintf(path, sizeof path, "/tmp/lazuli-fuzz-%ld.mlxfn", (long)getpid());
}

#ifdef FUZZ_LIBFUZZER

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t* data, size_t n) {
  static lz_list in;
  if (!in.count) {
    start();
    zoo_inputs(&in);
  }
  bytes = malloc(n + 1);
  size = n;
  memcpy(bytes, data, n);
  if (n > sizeof(format_header) && data[n - 1] & 1) repair();
  try_file(n, &in);
  error_clear();
  unlink(path);
  free(bytes);
  return 0;
}

#else

static uint64_t random_state;
static unsigned char* whole;

static uint32_t draw(uint32_t n) {
  random_state = random_state * 6364136223846793005u + 1442695040888963407u;
  return n ? (uint32_t)(random_state >> 33) % n : 0;
}

static const uint32_t words[] = {
    0,
    1,
    2,
    3,
    4,
    31,
    32,
    33,
    64,
    255,
    256,
    65535,
    0x7fffffff,
    0x80000000,
    0xffffffff,
    0xfffffffe};

static void damage(void) {
  for (uint32_t n = 1 + draw(3); n > 0; n--) {
    uint32_t at = draw((uint32_t)size);
    if (draw(3) == 0) {
      bytes[at] ^= (unsigned char)(1u << draw(8));
      continue;
    }
    at &= ~3u;
    uint32_t word;
    if (at + sizeof word > size) continue;
    memcpy(&word, bytes + at, sizeof word);
    word = draw(2) ? words[draw(sizeof words / sizeof *words)]
                   : word + draw(9) - 4;
    memcpy(bytes + at, &word, sizeof word);
  }
}

static void load_whole(void) {
  FILE* f = fopen(path, "rb");
  if (!f || fseek(f, 0, SEEK_END)) die("reading");
  size = (size_t)ftell(f);
  rewind(f);
  whole = malloc(size);
  bytes = malloc(size);
  if (!whole || !bytes || fread(whole, 1, size, f) != size) die("reading");
  fclose(f);
}

static int write_seeds(const char* folder, const char* words_file) {
  char name[512];
  snprintf(name, sizeof name, "%s/seed", folder);
  FILE *f = fopen(name, "wb"), *w = fopen(words_file, "w");
  if (!f || !w || fwrite(whole, 1, size, f) != size || fclose(f) ||
      fputs("\"Matmul\"\n\"AsType\"\n\"LAZULIFN\"\n", w) < 0 || fclose(w))
    die("writing the seed");
  unlink(path);
  return 0;
}

int main(int argc, char** argv) {
  unsigned long rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : 3000;
  random_state = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
  start();
  lz_list in = {0};
  zoo_inputs(&in);
  lz_closure* f = zoo_closure();
  if (exporter_once(path, f, &in, NULL, false)) die("exporting");
  load_whole();
  if (argc == 4) return write_seeds(argv[2], argv[3]);

  memcpy(bytes, whole, size);
  if (!try_file(size, &in) || evaluated != 1 || failed_later)
    die("the file as it was written");
  for (size_t n = 0; n < size; n += 1 + draw(97))
    if (try_file(n, NULL)) die("a file cut short was taken");
  for (unsigned long i = 0; i < rounds / 3; i++) {
    memcpy(bytes, whole, size);
    size_t at = draw((uint32_t)size);
    bytes[at] ^= (unsigned char)(1u << draw(8));
    if (!try_file(size, NULL)) continue;
    /* What fills the chunk up says nothing, and neither does a word of its
     * head. */
    format_chunk c;
    size_t from = sizeof(format_header) + sizeof c;
    memcpy(&c, whole + sizeof(format_header), sizeof c);
    if (at >= from && at < from + c.length) die("a changed byte was taken");
  }
  unsigned long before = refused;
  for (unsigned long i = 0; i < rounds; i++) {
    memcpy(bytes, whole, size);
    damage();
    repair();
    try_file(size, &in);
  }
  printf(
      "%lu refused by what they say, %lu taken, %lu evaluated (%lu failed)\n",
      refused - before,
      taken,
      evaluated,
      failed_later);
  unlink(path);
  list_clear(&in);
  closure_unref(f);
  free(whole);
  free(bytes);
  return refused > before && evaluated > 1 ? 0 : 1;
}

#endif
