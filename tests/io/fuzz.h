/* A parser of files under a fuzzer: what each brings to tests/io/fuzz.c. */
#ifndef TESTS_IO_FUZZ_H
#define TESTS_IO_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* Files that are right, each given to fuzz_seed(); what is mutated, and the
 * corpus to begin with. */
void fuzz_seeds(void);
/* Reads the file at `path`, and everything that came of it. 1: it was taken. */
int fuzz_file(const char* path);
/* Texts that the format knows, ended by NULL. */
extern const char* const fuzz_words[];

void fuzz_seed(const void* bytes, size_t size);
/* The file at fuzz_path(), which is made by who calls it. */
void fuzz_seed_file(void);
const char* fuzz_path(void);
/* !failed; a refusal without a message is one of these: */
int fuzz_taken(int failed);
/* Ends the process: something is wrong that no file may lead to. */
void fuzz_fail(const char* what);

/* The arrays that a file gave: small ones are evaluated and every byte of them
 * is looked at. Frees nothing. */
struct lz_array;
void fuzz_array(struct lz_array* a);
struct lz_map;
void fuzz_map(const struct lz_map* m);

#endif
