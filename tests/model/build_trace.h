/* Small traces made to order, for tests of everything that reads traces.
 *
 * Times are those that the builder is told (`now`, in ns from the beginning),
 * so that what is printed of a trace never changes. */
#ifndef BUILD_TRACE_H
#define BUILD_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "trace.h"

#define BUILD_ORIGIN UINT64_C(1000000000)

typedef struct build {
  trace_writer* w;
  uint64_t now;    /* advanced by build_step() */
  uint64_t arrays; /* last id given */
  uint64_t evals;
  uint64_t kernels;
  uint64_t buffers;
  uint64_t active;
  uint64_t cache;
} build;

/* A new trace with its process, thread, stream and runtime told. Fails the
 * test where the file cannot be made. */
build build_begin(const char* path);
void build_finish(build* b, uint32_t status); /* ends in order */
void build_kill(build* b); /* as after kill -9: nothing is ended */

uint64_t build_time(const build* b); /* of the trace's clock */
void build_step(build* b, uint64_t ns);

/* A stack of one line of a user's source: "train.c:88" in step(). */
uint32_t build_stack(
    build* b, const char* file, uint32_t line, const char* function);

/* A node with one float32 output of up to two extents (0: fewer dimensions);
 * inputs end with 0. Returns its array. */
uint64_t build_node(
    build* b,
    const char* op,
    uint32_t stack,
    int32_t rows,
    int32_t columns,
    const uint64_t* inputs);

uint64_t build_eval(build* b, uint8_t trigger, uint32_t stack, uint64_t output);
void build_eval_end(build* b, uint64_t eval, uint32_t nodes, uint32_t kernels);

/* A kernel of some nodes (ended by 0) of an eval: told, allocated for, bound
 * and run for `ns`. Returns the buffer of the last node's array. */
uint64_t build_kernel(
    build* b,
    uint64_t eval,
    const char* name,
    const uint64_t* nodes,
    const uint64_t* inputs,
    uint64_t bytes,
    uint64_t ns);

uint64_t build_alloc(build* b, uint64_t size, uint64_t kernel, uint8_t source);
void build_free(build* b, uint64_t buffer, uint64_t size, uint8_t target);

/* Whole stories, each a program of its own.
 *   chain     relu((a + b) * c) on 16 Mi floats: one kernel, one eval by item()
 *   training  three steps with two evals each, refusals, waits, a compiled
 *             function that is traced twice, donations, a cleared cache,
 *             regions and marks
 *   killed    training, cut off in the middle of the last step
 *   odd       ids that dangle, ends without beginnings, names that are not
 *             UTF-8, quotes and braces in names */
void build_chain(const char* path);
void build_training(const char* path);
void build_killed(const char* path);
void build_odd(const char* path);

/* A graph of so many nodes in layers of 100, one eval for each 1,000, kernels
 * of up to ten nodes: for timing. */
void build_large(const char* path, uint32_t nodes);

#endif
