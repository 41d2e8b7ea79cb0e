/* Traced functions as plain data: what is written to files and read back.
 *
 * Values are numbered: inputs (by position, then by name in order), constants,
 * then the outputs of each node in turn, so that a node reads only what has a
 * smaller number than its own outputs. All memory but the constants' lies in
 * the arena and goes with the function.
 *
 * A function does not change once it is made, and may be called by any thread.
 */
#ifndef PORTABLE_FUNCTION_H
#define PORTABLE_FUNCTION_H

#include "core/closure.h"
#include "core/op.h"

/* Memory that is given back at once. */
typedef struct lz_arena {
  struct arena_block* blocks;
} lz_arena;

/* Aligned to 8; NULL with a message. n = 0 gives something, too. */
void* arena_get(lz_arena* a, size_t n);
void arena_clear(lz_arena* a);

typedef struct function_value {
  lz_dtype dtype;
  int ndim;
  int64_t size;
  int32_t* shape;
} function_value;

typedef struct function_node {
  const lz_op* op;
  lz_stream* stream;
  const void* params;
  uint32_t params_size;
  uint32_t n_in, n_out;
  uint32_t* in;   /* values */
  uint32_t first; /* the value that is its first output */
} function_node;

typedef struct lz_function {
  struct lz_function* next;
  uint32_t n_args, n_names; /* inputs by position and by name */
  char** names;             /* ascending */
  uint32_t n_constants, n_values, n_nodes, n_outputs;
  function_value* values;
  lz_array** constants; /* references */
  function_node* nodes; /* of malloc */
  uint32_t* outputs;
  lz_arena arena;
} lz_function;

lz_function* function_new(void);
void function_free(lz_function* f); /* takes NULL */

static inline uint32_t function_inputs(const lz_function* f) {
  return f->n_args + f->n_names;
}

/* Arguments by position and by name, in a function's order. Borrows. */
typedef struct function_call {
  uint32_t n_args, n_names;
  lz_array** in;
  const char** names;
} function_call;

/* kwargs NULL: none. Non-zero with a message. */
int function_call_make(
    function_call* c, const lz_list* args, const lz_map* kwargs);
void function_call_clear(function_call* c);

/* As many inputs, of the same types; shapes too unless `shapeless`. The
 * function's names are all given. Unless `exact`, what else has a name stands
 * for inputs by position, in the order of the names, as MLX has it. */
bool function_matches(
    const lz_function* f, const function_call* c, bool shapeless, bool exact);

/* "2 arguments: (2,3) float32, (3) int32; x: () bool", for messages. */
void function_describe(const lz_function* f, char* text, size_t size);
void function_describe_call(const function_call* c, char* text, size_t size);

/* Asks the operation's rule about a node whose inputs are known, and compares
 * with its outputs; one whose dtype is DTYPE_COUNT is set instead. Non-zero
 * with a message. */
int function_check(lz_function* f, const function_node* n);

/* Runs it on arrays: builds the nodes anew and appends the results. */
int function_apply(
    const lz_function* f, lz_array* const* in, bool shapeless, lz_list* out);

/* portable/trace.c: what the closure does with such arguments. A closure that
 * takes no names gets none. */
lz_function* function_trace(
    lz_closure* f, const function_call* c, bool shapeless);

#endif
