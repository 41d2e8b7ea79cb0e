/* What the tests of the trace room share: random events made from the table,
 * comparison of two events, files of their own. */
#ifndef TRACE_SUPPORT_H
#define TRACE_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "trace.h"

/* A small generator of our own: the same numbers everywhere. */
typedef struct test_random {
  uint64_t state;
  bool usual; /* test_any() is mostly small, and else where encodings change */
} test_random;
uint64_t test_next(test_random* r);
/* Below n. */
uint64_t test_below(test_random* r, uint64_t n);
/* Of any magnitude: small, 32 bits, all 64. */
uint64_t test_any(test_random* r);

/* Memory that the lists of an event live in. */
typedef struct test_pool {
  uint8_t* bytes;
  size_t size, used;
} test_pool;
void* test_take(test_pool* pool, size_t bytes);

/* Fills every field of `event` for its kind with random contents. Lists are up
 * to `longest` long. */
void test_fill(
    test_random* r, test_pool* pool, uint32_t longest, trace_event* event);

/* Appends the event's member for its kind. */
bool test_put(trace_writer* w, const trace_event* event);

/* Fails the test where the fields of the two differ. */
void test_same(const trace_event* a, const trace_event* b);

/* fork(), and the child dies with its parent, or after a minute. */
int test_fork(void);

/* A name in the test's folder; the file is removed when the test ends. */
const char* test_path(const char* name);

/* Reads all of a trace; fails the test where it cannot be opened. Returns what
 * trace_reader_next() returned last. */
int test_read(
    const char* path,
    void (*each)(void* user, const trace_event* event),
    void* user,
    trace_info* info);

#endif
