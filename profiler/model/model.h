/* A trace as columns: what every report, rule, exporter and page asks.
 *
 * model_load() reads a trace once and keeps tables; indices into the tables are
 * uint32_t, MODEL_NONE where there is nothing. Strings are interned: `uint32_t`
 * string indices, model_string() gives the text. All memory belongs to the
 * model and lives as long as it. A loaded model is immutable: any number of
 * threads may read it.
 *
 * Times are ns since the first event of the trace (`model.origin_ns` gives the
 * clock). Sizes are bytes.
 */
#ifndef MODEL_H
#define MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MODEL_NONE UINT32_MAX

/* A resolved place in a program's source. */
typedef struct model_frame {
  uint32_t function; /* string */
  uint32_t file;     /* string; 0 ("") when not known */
  uint32_t line;     /* 0 when not known */
  uint32_t module;   /* string: library or program */
  bool user;         /* in the program, not in a runtime, interpreter or libc */
} model_frame;

/* A call stack: frames[first … first+count-1], innermost first. `site` is the
 * innermost user frame, the line that every report names; MODEL_NONE if none.
 */
typedef struct model_stack {
  uint32_t first;
  uint32_t count;
  uint32_t site; /* index of a frame */
} model_stack;

/* An array: an output of a node, or a leaf. */
typedef struct model_array {
  uint64_t id;
  uint32_t node;   /* which made it; MODEL_NONE: a leaf that no node made */
  uint32_t buffer; /* last bound; MODEL_NONE: never had memory */
  uint64_t offset;
  uint8_t dtype;
  uint8_t ndim;
  uint32_t shape;       /* index into model.dims */
  uint64_t bytes;       /* elements × size */
  uint64_t released_ns; /* UINT64_MAX: still held at the end */
  uint32_t base; /* the array whose buffer it shares; MODEL_NONE: its own */
} model_array;

typedef struct model_node {
  uint64_t time_ns;
  uint32_t op;     /* string */
  uint32_t stream; /* index */
  uint32_t stack;  /* that built it; see model_node_stack() */
  uint32_t of;     /* node that it derives or repeats, never one that does so
                      itself; MODEL_NONE: the program's own */
  uint32_t thread;
  uint32_t first_input; /* model.inputs[first_input …]: array indices */
  uint32_t n_inputs;
  uint32_t first_output; /* array index; outputs are consecutive */
  uint32_t n_outputs;
  uint32_t eval;        /* that computed it; MODEL_NONE: never computed */
  uint32_t kernel;      /* that computed it; MODEL_NONE */
  uint32_t merged_into; /* node, when a rewrite replaced it */
  uint8_t rewrite;      /* lazuli/rewrite.def; 0 none */
} model_node;

typedef struct model_eval {
  uint64_t id;
  uint64_t begin_ns;
  uint64_t end_ns;  /* the call returned; UINT64_MAX: it never did */
  uint64_t done_ns; /* its last kernel ended */
  uint64_t plan_ns;
  uint8_t trigger; /* lazuli/trigger.def */
  bool is_async;
  bool plan_cached;
  bool failed;
  uint32_t stack;
  uint32_t thread;
  uint32_t nodes; /* as the runtime counted */
  uint32_t kernels;
  uint32_t first_output; /* model.eval_outputs[…]: array indices */
  uint32_t n_outputs;
} model_eval;

typedef struct model_kernel {
  uint64_t id;
  uint64_t begin_ns; /* UINT64_MAX: never seen to begin: a view, a kill */
  uint64_t end_ns;   /* UINT64_MAX: it never ended */
  uint64_t bytes_read;
  uint64_t bytes_written;
  uint64_t flops;
  uint64_t bytes_saved;
  uint32_t name; /* string */
  uint32_t eval;
  uint32_t stream;
  uint32_t thread;
  uint32_t first_node; /* model.kernel_nodes[…]: node indices */
  uint32_t n_nodes;
  uint32_t first_input; /* model.kernel_arrays[…]: arrays read, then written */
  uint32_t n_inputs;
  uint32_t n_outputs;
} model_kernel;

typedef struct model_refusal {
  uint32_t eval;
  uint32_t producer; /* node */
  uint32_t consumer; /* node */
  uint8_t reason;    /* lazuli/refusal.def */
  uint64_t limit;
  uint64_t value;
  uint64_t bytes;
} model_refusal;

typedef struct model_wait {
  uint64_t begin_ns;
  uint64_t end_ns;
  uint32_t stream;
  uint32_t eval; /* MODEL_NONE */
  uint32_t thread;
  uint32_t stack; /* MODEL_NONE */
  uint8_t reason; /* lazuli/wait.def */
} model_wait;

/* A buffer from its allocation to its end. */
typedef struct model_buffer {
  uint64_t id;
  uint64_t size;
  uint64_t born_ns;
  uint64_t died_ns; /* UINT64_MAX: alive at the end */
  uint32_t kernel;  /* that asked for it, or MODEL_NONE */
  uint32_t stack;   /* where no kernel did */
  uint32_t array;   /* the first array bound to it; names op and line */
  uint8_t source;
  uint8_t target;
} model_buffer;

/* One point of the memory curves; values hold from time_ns on. */
typedef struct model_memory {
  uint64_t time_ns;
  uint64_t active;
  uint64_t cache;
} model_memory;

typedef struct model_donation {
  uint64_t time_ns;
  uint32_t input;  /* array */
  uint32_t output; /* array */
  uint64_t size;
  uint8_t result; /* lazuli/donation.def */
} model_donation;

typedef struct model_cache_event {
  uint64_t time_ns;
  uint64_t bytes;
  uint32_t blocks;
  uint8_t action;
} model_cache_event;

typedef struct model_compile {
  uint64_t time_ns;
  uint64_t function;
  uint64_t trace_ns;
  uint32_t detail; /* string */
  uint32_t changed;
  uint32_t nodes;
  uint32_t captured;
  uint32_t stack;
  bool hit;
} model_compile;

typedef struct model_region {
  uint64_t begin_ns;
  uint64_t end_ns; /* == begin_ns for a mark; UINT64_MAX: never closed */
  uint32_t name;   /* string */
  uint32_t thread;
  uint32_t stack;
  uint32_t depth;
} model_region;

typedef struct model_stream {
  uint32_t index; /* the runtime's */
  uint32_t name;  /* string */
  uint8_t device; /* 0 CPU, 1 GPU */
} model_stream;

typedef struct model_thread {
  uint32_t tid;
  uint32_t name;    /* string */
  uint64_t cost_ns; /* of recording */
  uint64_t cost_stack_ns;
  uint64_t events;
  uint64_t lost;
} model_thread;

typedef struct model_note {
  uint64_t time_ns;
  uint32_t text; /* string */
} model_note;

/* A span of time that the trace does not cover. */
typedef struct model_gap {
  uint64_t begin_ns;
  uint64_t end_ns;
  uint64_t events; /* left out; 0 not known */
} model_gap;

typedef struct model_info {
  uint32_t pid;
  uint32_t executable; /* string */
  uint32_t arguments;  /* string, shell-quoted */
  uint32_t directory;  /* string */
  uint32_t runtime;    /* string: "Lazuli 0.1.0" */
  uint32_t coverage;   /* string: what the runtime could not tell */
  uint64_t realtime_ns;
  uint64_t origin_ns;
  uint64_t duration_ns;
  uint64_t events;
  bool finished; /* its end was seen: not killed */
  bool running;  /* it was, on this machine, while the trace was loaded */
  uint8_t how;   /* the event `finish` says it: 0 exit, … */
  bool truncated;
  uint64_t lost;   /* events that could not be written */
  uint32_t status; /* exit status, UINT32_MAX unknown */
  uint32_t damage; /* string: what is wrong with the file, or "" */
  uint64_t file_bytes;
} model_info;

#define MODEL_TABLE(type, name) \
  const type* name;             \
  uint32_t n_##name

typedef struct model {
  model_info info;
  MODEL_TABLE(model_node, nodes);
  MODEL_TABLE(model_array, arrays);
  MODEL_TABLE(model_eval, evals);
  MODEL_TABLE(model_kernel, kernels);
  MODEL_TABLE(model_refusal, refusals);
  MODEL_TABLE(model_wait, waits);
  MODEL_TABLE(model_buffer, buffers);
  MODEL_TABLE(model_memory, memory);
  MODEL_TABLE(model_donation, donations);
  MODEL_TABLE(model_cache_event, cache_events);
  MODEL_TABLE(model_compile, compiles);
  MODEL_TABLE(model_region, regions);
  MODEL_TABLE(model_stream, streams);
  MODEL_TABLE(model_thread, threads);
  MODEL_TABLE(model_note, notes);
  MODEL_TABLE(model_gap, gaps);
  MODEL_TABLE(model_stack, stacks);
  MODEL_TABLE(model_frame, frames);
  MODEL_TABLE(uint32_t, inputs);        /* of nodes: array indices */
  MODEL_TABLE(uint32_t, eval_outputs);  /* array indices */
  MODEL_TABLE(uint32_t, kernel_nodes);  /* node indices */
  MODEL_TABLE(uint32_t, kernel_arrays); /* array indices */
  MODEL_TABLE(int32_t, dims);           /* shapes */
} model;

/* One frame of a native address: an address has one for each call that was
 * inlined there, depth 0 innermost. Texts live for the call. */
typedef struct model_symbol {
  uint64_t address;
  uint32_t depth;
  const char* function;
  const char* file;
  uint32_t line;
} model_symbol;

typedef struct model_load_options {
  /* Called now and then with 0…1; a non-zero answer cancels the load. */
  int (*progress)(double fraction, void* user);
  void* user;
  bool skip_symbols; /* leave native addresses unresolved */
  /* Called for each frame that was resolved, once an address. */
  void (*symbol)(const model_symbol* symbol, void* user);
} model_load_options;

/* NULL with one line in `error` where the file cannot be read or is no trace.
 * A damaged tail is no failure: what came before is loaded, info.truncated. */
model* model_load(
    const char* path,
    const model_load_options* options,
    char* error,
    size_t error_size);
void model_free(model* m);

const char* model_string(const model* m, uint32_t string);

/* Whether the runtime could tell such events: not what `info.coverage` names.
 * Where it could not, that there are none says nothing. */
bool model_tells(const model* m, const char* event);

/* The user's line of a stack: the site's frame, or NULL. */
const model_frame* model_site(const model* m, uint32_t stack);

/* The stack by which a node is told of: where the program built it; of a
 * derivative, or of a compiled function's node, where that was built which it
 * derives or repeats. MODEL_NONE: not known. */
uint32_t model_node_stack(const model* m, uint32_t node);

/* The nodes that take an array as an input, in the order they were built; a
 * node that takes it twice stands twice. */
const uint32_t* model_consumers(
    const model* m, uint32_t array, uint32_t* count);

/* The arrays that ever had a buffer as their last: its owner, views of it, and
 * those that took it over. */
const uint32_t* model_sharers(const model* m, uint32_t buffer, uint32_t* count);

/* What was alive at an instant, largest first, summed by operation and line. */
typedef struct model_alive {
  uint32_t op;    /* string; the op of the array that first had the buffer */
  uint32_t stack; /* who built the first such, or asked for the buffer */
  uint32_t buffers;
  uint64_t bytes;
  uint64_t oldest_ns; /* birth of the oldest of them */
  uint32_t array;     /* the largest one's first array, or MODEL_NONE */
} model_alive;

typedef struct model_peak {
  uint64_t time_ns;
  uint64_t active; /* bytes in use, as the allocator counted */
  uint64_t cache;
  uint32_t n_alive;
  model_alive* alive; /* free with model_peak_free */
} model_peak;

/* The composition of memory at a time, and at the moment of its peak. */
int model_memory_at(const model* m, uint64_t time_ns, model_peak* out);
int model_memory_peak(const model* m, model_peak* out);
void model_peak_free(model_peak* p);

#endif
