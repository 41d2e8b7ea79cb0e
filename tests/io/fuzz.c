/* Feeds a parser of files with broken files.
 *
 *   fuzz_FORMAT [ROUNDS] [SEED]   mutates files that are right
 *   fuzz_FORMAT --seeds FOLDER WORDS
 *                                 writes those into a folder, and the format's
 *                                 words as libFuzzer's dictionary
 *
 * With -DFUZZ_LIBFUZZER it is a target for libFuzzer instead: see fuzz.sh. */
#include "fuzz.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/error.h"
#include "core/map.h"
#include "core/scope.h"
#include "eval/eval.h"

static uint64_t sum; /* of all that was read, so that it is read */

void fuzz_fail(const char* what) {
  fprintf(stderr, "fuzz: %s: %s\n", what, error_message());
  abort();
}

int fuzz_taken(int failed) {
  if (failed && !error_is_set()) fuzz_fail("refused without a message");
  error_clear();
  return !failed;
}

void fuzz_array(lz_array* a) {
  enum { SMALL = 1 << 16 };
  if (a->size > SMALL) return;
  if (eval_array(a, LAZULI_TRIGGER_EVAL)) {
    if (!error_is_set()) fuzz_fail("an evaluation failed without a message");
    error_clear();
    return;
  }
  if (!(a->flags & ARRAY_ROW_CONTIGUOUS)) return;
  const unsigned char* bytes = array_data(a);
  for (size_t i = 0; i < array_nbytes(a); i++) sum += bytes[i];
}

void fuzz_map(const lz_map* m) {
  for (size_t i = 0; i < m->count; i++) {
    const lz_value* v = &m->entries[i].value;
    sum += strlen(m->entries[i].key);
    if (v->kind == VALUE_ARRAY) fuzz_array(v->array);
    if (v->kind == VALUE_STRING) sum += strlen(v->text);
    for (size_t k = 0; v->kind == VALUE_STRINGS && k < v->strings.count; k++)
      sum += strlen(v->strings.items[k]);
  }
}

static int file = -1;

const char* fuzz_path(void) {
  static char path[64];
  if (file < 0) {
    file = memfd_create("fuzz", 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
  }
  return path;
}

static int fuzz_one(const uint8_t* bytes, size_t size) {
  const char* path = fuzz_path();
  if (ftruncate(file, 0) || pwrite(file, bytes, size, 0) != (ssize_t)size)
    fuzz_fail("cannot write the input");
  size_t scope = scope_open();
  int taken = fuzz_file(path);
  scope_close(scope, NULL);
  error_clear();
  return taken;
}

#ifdef FUZZ_LIBFUZZER

void fuzz_seed(const void* bytes, size_t size) {
  (void)bytes;
  (void)size;
}
void fuzz_seed_file(void) {}

int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  fuzz_one(bytes, size);
  return 0;
}

#else

enum { SEEDS = 64 };
static struct {
  uint8_t* bytes;
  size_t size;
} seeds[SEEDS];
static size_t n_seeds, largest;

void fuzz_seed(const void* bytes, size_t size) {
  if (n_seeds == SEEDS) fuzz_fail("too many seeds");
  seeds[n_seeds].bytes = malloc(size);
  seeds[n_seeds].size = size;
  memcpy(seeds[n_seeds++].bytes, bytes, size);
  if (size > largest) largest = size;
}

void fuzz_seed_file(void) {
  off_t size = lseek(file, 0, SEEK_END);
  char* bytes = malloc((size_t)size);
  if (pread(file, bytes, (size_t)size, 0) != size) fuzz_fail("reading a seed");
  fuzz_seed(bytes, (size_t)size);
  free(bytes);
  if (ftruncate(file, 0)) fuzz_fail("emptying the file");
}

static uint64_t state;
static uint64_t fuzz_random(uint64_t below) {
  uint64_t z = state += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return (z ^ (z >> 31)) % below;
}

/* n bytes over what is at `at`, as far as they fit. */
static void fuzz_put(
    uint8_t* bytes, size_t size, size_t at, const void* from, size_t n) {
  memcpy(bytes + at, from, n < size - at ? n : size - at);
}

static void fuzz_mutate(uint8_t* bytes, size_t* size) {
  static const uint64_t numbers[] = {
      0,
      1,
      0x7f,
      0x80,
      0xff,
      0xffff,
      0x7fffffff,
      0x80000000,
      0xffffffff,
      1ull << 40,
      1ull << 62,
      1ull << 63,
      UINT64_MAX,
      UINT64_MAX - 7};
  size_t n_words = 0;
  while (fuzz_words[n_words]) n_words++;
  for (uint64_t n = 1 + fuzz_random(5); n > 0 && *size; n--) {
    /* What matters comes first in all of these files. */
    size_t span = fuzz_random(3) ? (*size < 256 ? *size : 256) : *size;
    size_t at = fuzz_random(span), left = *size - at;
    switch (fuzz_random(7)) {
      case 0:
        bytes[at] ^= (uint8_t)(1u << fuzz_random(8));
        break;
      case 1:
        bytes[at] = (uint8_t)fuzz_random(256);
        break;
      case 2:
        fuzz_put(
            bytes,
            *size,
            at,
            &numbers[fuzz_random(sizeof numbers / sizeof *numbers)],
            fuzz_random(2) ? 8 : 4);
        break;
      case 3: {
        size_t from = fuzz_random(*size), count = 1 + fuzz_random(40);
        if (count > left) count = left;
        if (count > *size - from) count = *size - from;
        memmove(bytes + at, bytes + from, count);
        break;
      }
      case 4: {
        const char* word = fuzz_words[fuzz_random(n_words)];
        fuzz_put(bytes, *size, at, word, strlen(word));
        break;
      }
      case 5: /* a digit for a digit */
        for (size_t i = at; i < *size; i++)
          if (bytes[i] >= '0' && bytes[i] <= '9') {
            bytes[i] = (uint8_t)('0' + fuzz_random(10));
            break;
          }
        break;
      case 6:
        if (fuzz_random(8) == 0) *size = at;
        break;
    }
  }
}

static void fuzz_write_seeds(const char* folder) {
  for (size_t i = 0; i < n_seeds; i++) {
    char name[512];
    snprintf(name, sizeof name, "%s/seed-%zu", folder, i);
    FILE* f = fopen(name, "wb");
    if (!f || fwrite(seeds[i].bytes, 1, seeds[i].size, f) != seeds[i].size ||
        fclose(f))
      fuzz_fail("writing a seed");
  }
}

static void fuzz_write_words(const char* path) {
  FILE* f = fopen(path, "w");
  if (!f) fuzz_fail("writing the words");
  for (const char* const* w = fuzz_words; *w; w++) {
    fputc('"', f);
    for (const char* c = *w; *c; c++) fprintf(f, "\\x%02x", (unsigned char)*c);
    fputs("\"\n", f);
  }
  fclose(f);
}

int main(int argc, char** argv) {
  fuzz_path();
  fuzz_seeds();
  if (argc == 4 && strcmp(argv[1], "--seeds") == 0) {
    fuzz_write_seeds(argv[2]);
    fuzz_write_words(argv[3]);
    return 0;
  }
  uint64_t rounds = argc > 1 ? strtoull(argv[1], NULL, 0) : 10000;
  state = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
  for (size_t i = 0; i < n_seeds; i++)
    if (!fuzz_one(seeds[i].bytes, seeds[i].size)) fuzz_fail("a seed");
  /* Cut anywhere, a file is refused or means less; it is never a crash. */
  for (size_t i = 0; i < n_seeds; i++)
    for (size_t n = 0; n < seeds[i].size; n += 1 + fuzz_random(97))
      fuzz_one(seeds[i].bytes, n);
  uint8_t* bytes = malloc(largest);
  uint64_t taken = 0;
  for (uint64_t i = 0; i < rounds; i++) {
    size_t k = fuzz_random(n_seeds), size = seeds[k].size;
    memcpy(bytes, seeds[k].bytes, size);
    fuzz_mutate(bytes, &size);
    taken += (uint64_t)fuzz_one(bytes, size);
  }
  printf(
      "%zu seeds, %llu inputs, %llu of them taken (%llu)\n",
      n_seeds,
      (unsigned long long)rounds,
      (unsigned long long)taken,
      (unsigned long long)sum);
  free(bytes);
  for (size_t i = 0; i < n_seeds; i++) free(seeds[i].bytes);
  /* Files that never come past the door would test nothing, nor those that
   * always do. */
  return taken > rounds / 50 && taken < rounds ? 0 : 1;
}

#endif
