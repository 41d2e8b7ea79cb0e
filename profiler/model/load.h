/* The model while it is being loaded; for the files of this room alone.
 *
 * A trace may lack anything: it may begin in the middle of a run, end in the
 * middle of an event, or come from a runtime that cannot tell all. So every id
 * may dangle. An id that is met before its definition gets an empty row, which
 * the definition fills in if it comes; what must not be invented (a stack, a
 * buffer) becomes MODEL_NONE. */
#ifndef LOAD_H
#define LOAD_H

#include "ids.h"
#include "intern.h"
#include "model.h"
#include "trace.h"
#include "vec.h"

/* A stack as recorded; frames are resolved when all modules are known. */
typedef struct load_raw_stack {
  uint32_t first; /* in raw_frames */
  uint32_t count;
  uint32_t modules; /* how many were known when the stack was taken */
} load_raw_stack;

typedef struct load_mapping {
  uint64_t base;
  uint64_t begin;
  uint64_t end;
  uint32_t path;     /* string */
  uint32_t build_id; /* string */
} load_mapping;

/* A frame that the trace itself resolves. */
typedef struct load_named {
  uint64_t address;
  model_frame frame;
} load_named;

/* One row of a table became another: rows of a node must be neighbours. */
typedef struct load_moved {
  uint32_t from;
  uint32_t to;
} load_moved;

/* The tables, in the order of struct model: TABLE(type, name). */
#define LOAD_TABLES(TABLE)               \
  TABLE(model_node, nodes)               \
  TABLE(model_array, arrays)             \
  TABLE(model_eval, evals)               \
  TABLE(model_kernel, kernels)           \
  TABLE(model_refusal, refusals)         \
  TABLE(model_wait, waits)               \
  TABLE(model_buffer, buffers)           \
  TABLE(model_memory, memory)            \
  TABLE(model_donation, donations)       \
  TABLE(model_cache_event, cache_events) \
  TABLE(model_compile, compiles)         \
  TABLE(model_region, regions)           \
  TABLE(model_stream, streams)           \
  TABLE(model_thread, threads)           \
  TABLE(model_note, notes)               \
  TABLE(model_gap, gaps)                 \
  TABLE(model_stack, stacks)             \
  TABLE(model_frame, frames)             \
  TABLE(uint32_t, inputs)                \
  TABLE(uint32_t, eval_outputs)          \
  TABLE(uint32_t, kernel_nodes)          \
  TABLE(uint32_t, kernel_arrays)         \
  TABLE(int32_t, dims)

typedef struct loader {
  model_info info;
#define TABLE(type, name) VEC(type) name;
  LOAD_TABLES(TABLE)
#undef TABLE
  intern strings;
  uint64_t last_ns; /* the latest time met */
  bool has_origin;
  /* Ids of the trace to rows. */
  ids string_ids;
  ids stack_ids;
  ids location_ids;
  ids named_ids; /* addresses to the innermost of their frames */
  ids array_ids;
  ids eval_ids;
  ids kernel_ids;
  ids buffer_ids;
  VEC(load_raw_stack) raw_stacks; /* beside stacks, until resolved */
  VEC(uint64_t) raw_frames;
  VEC(load_mapping) mappings;
  VEC(model_frame) locations;
  VEC(load_named) named;        /* frames of one address are neighbours */
  VEC(load_moved) moved;        /* arrays */
  VEC(uint32_t) open_regions;   /* beside threads: innermost open, or NONE */
  VEC(uint32_t) region_parents; /* beside regions */
  uint32_t* consumer_first;     /* beside arrays, and one more */
  uint32_t* consumers;
  uint32_t* sharer_first; /* beside buffers, and one more */
  uint32_t* sharers;
} loader;

/* What model_load() hands out: the tables, and what backs them. */
typedef struct store {
  model tables; /* first: model_free() and model_string() cast back */
  loader backing;
} store;

/* Handlers: false when there is no memory. */
#define HANDLER(event) bool load_##event(loader* l, const trace_event* e);
#include "load.def"
#undef HANDLER

/* Rows by ids of the trace. MODEL_NONE for id 0 and when there is no memory. */
uint32_t load_array_row(loader* l, uint64_t id);
uint32_t load_eval_row(loader* l, uint64_t id, uint64_t time_ns);
uint32_t load_kernel_row(loader* l, uint64_t id);
uint32_t load_thread_row(loader* l, uint32_t origin);
uint32_t load_node_of(const loader* l, uint64_t id);

/* Strings and stacks by ids of the trace; unknown ones are "" and none. */
uint32_t load_string_row(const loader* l, uint32_t id);
uint32_t load_stack_row(const loader* l, uint32_t id);
uint32_t load_bytes(loader* l, trace_text text);

/* A time of the trace's clock as a time of the model. The latest so taken ends
 * the run: definitions, which come when a writer finds the time, do not. */
uint64_t load_time(loader* l, uint64_t ns);

/* After the last event: rows that moved, which eval computed which node,
 * consumers, ends. False when there is no memory. */
bool load_relate(loader* l);

/* Fills frames and stacks[].site. False when there is no memory. */
bool symbols_resolve(loader* l, const model_load_options* options);

#endif
