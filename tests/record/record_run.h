/* Runs programs under the recorder and reads what came of it. */
#ifndef RECORD_RUN_H
#define RECORD_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "trace.h"

/* What a program did, as its parent sees it. */
typedef struct run_result {
  int status; /* as wait() gives it */
  pid_t pid;
  char out[8192];
  char err[8192];
} run_result;

/* A fresh directory, the working directory from now on; removed by run_end().
 */
void run_begin(void);
void run_end(void);
const char* run_directory(void);

/* Runs argv (up to NULL) with `input` on stdin. `environment` adds variables,
 * "NAME=value", up to NULL; may be NULL. */
run_result run(
    const char* input, const char* const* environment, const char* const* argv);
#define RUN(...) run(NULL, NULL, (const char* const[]){__VA_ARGS__, NULL})

/* A trace in memory: events with their texts, lists and stacks resolved. */
typedef struct run_event {
  trace_event event; /* texts and lists are copies, free with run_free() */
} run_event;

typedef struct run_trace {
  run_event* events;
  size_t count;
  trace_info info;
  char** strings;    /* by id */
  uint64_t** stacks; /* by id; [0] is the length */
  size_t n_strings, n_stacks;
  bool damaged;
} run_trace;

/* Fails the test when the file cannot be read. */
run_trace* run_read(const char* path);
void run_free(run_trace* t);
size_t run_count(const run_trace* t, uint16_t kind);
/* The n-th event of a kind, from 0; fails the test when there are fewer. */
const trace_event* run_find(const run_trace* t, uint16_t kind, size_t n);
const char* run_string(const run_trace* t, uint32_t id);
bool run_text_is(trace_text text, const char* expected);
/* How many nodes have this op. */
size_t run_nodes_named(const run_trace* t, const char* op);

bool run_exists(const char* path);

/* Paths that CMake passes in the environment; fails the test when unset. */
const char* run_path(const char* variable);

#endif
