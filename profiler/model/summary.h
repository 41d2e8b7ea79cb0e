/* Tables that group the columns of a model: by source line, by name, by
 * reason. Every report and page that shows totals asks here.
 *
 * Rows come largest first (by the figure that its comment calls the cost). A
 * summary owns its rows; the model must outlive it. */
#ifndef SUMMARY_H
#define SUMMARY_H

#include "model.h"

/* A line of the program, or the nearest that is known. Strings; all 0 and
 * line 0: nothing is known. */
typedef struct summary_place {
  uint32_t function;
  uint32_t file;
  uint32_t line;
  uint32_t module;
} summary_place;

summary_place summary_place_of(const model* m, uint32_t stack);
/* "file.c:12", "function (module)" or "?"; "" where the trace has no stacks at
 * all. `full`: the whole path. */
char* summary_place_text(
    char* out, size_t size, const model* m, summary_place place, bool full);

/* Evals of one line and trigger; cost: total_ns. */
typedef struct summary_eval {
  summary_place place;
  uint64_t
      total_ns; /* of the calls; to the last kernel where it never returned */
  uint64_t max_ns;
  uint64_t plan_ns;
  uint64_t nodes;
  uint64_t kernels;
  uint32_t count;
  uint32_t failed;
  uint32_t unfinished;
  uint32_t cached; /* their plans were there already */
  uint32_t first;  /* eval */
  uint8_t trigger;
  bool is_async;
} summary_eval;

/* Kernels of one name, of those that began; cost: total_ns. In `shapes` also of
 * results of one shape. */
typedef struct summary_kernel {
  uint64_t total_ns;
  uint64_t max_ns;
  uint64_t bytes_read;
  uint64_t bytes_written;
  uint64_t flops;
  uint64_t bytes_saved;
  uint64_t nodes;
  uint32_t count;
  uint32_t name;  /* string */
  uint32_t first; /* kernel */
  uint32_t array; /* of `shapes`: one with the shape, or MODEL_NONE */
} summary_kernel;

/* Fused kernels (two nodes or more) of one name and line; cost: bytes_saved. */
typedef struct summary_group {
  summary_place place; /* of the last node: what the chain was for */
  uint64_t bytes_saved;
  uint64_t saved_ns; /* what moving them would take at the kernels' own speed */
  uint64_t total_ns;
  uint32_t nodes; /* in each */
  uint32_t count;
  uint32_t name;  /* string */
  uint32_t first; /* kernel */
} summary_group;

/* Refusals of one reason between two lines; cost: bytes. */
typedef struct summary_refusal {
  summary_place producer;
  summary_place consumer;
  uint64_t bytes;
  uint64_t cost_ns; /* what moving them took at the consumers' speed, about */
  uint64_t limit;   /* of the first */
  uint64_t value;
  uint32_t producer_op; /* strings */
  uint32_t consumer_op;
  uint32_t count;
  uint32_t first; /* refusal */
  uint8_t reason;
} summary_refusal;

/* Waits of one reason and line; cost: total_ns. */
typedef struct summary_wait {
  summary_place place; /* who waited, else of the eval waited for */
  uint64_t total_ns;
  uint64_t max_ns;
  uint32_t count;
  uint8_t reason;
} summary_wait;

/* Calls of one compiled function; cost: trace_ns. */
typedef struct summary_compile {
  summary_place place;
  uint64_t function;
  uint64_t trace_ns;
  uint64_t nodes; /* traced */
  uint32_t hits;
  uint32_t misses;
  uint32_t changed;  /* bits of all misses */
  uint32_t detail;   /* string: of the last miss */
  uint32_t captured; /* most */
} summary_compile;

/* Work by line, twice: of the evals that a line triggered, and of the nodes
 * that it built. A kernel's work is split evenly among its nodes; work whose
 * nodes or eval are not known goes to the place that is all zero. Cost: the
 * larger time of the two. */
typedef struct summary_blame {
  summary_place place;
  uint64_t triggered_ns;
  uint64_t triggered_bytes; /* read and written */
  uint64_t built_ns;
  uint64_t built_bytes;
  uint64_t built_alloc; /* bytes of buffers made for its nodes */
  uint32_t evals;
  uint32_t nodes;
} summary_blame;

/* A stream that ran kernels; cost: busy_ns. */
typedef struct summary_stream {
  uint64_t busy_ns; /* at least one of its kernels ran */
  uint64_t begin_ns;
  uint64_t end_ns;  /* of its last kernel */
  uint64_t idle_ns; /* between its kernels, the longest */
  uint32_t kernels;
  uint32_t index; /* the runtime's */
  uint32_t name;  /* string */
  uint8_t device; /* 0 CPU, 1 GPU */
} summary_stream;

#define SUMMARY_TABLES(TABLE)      \
  TABLE(summary_eval, evals)       \
  TABLE(summary_kernel, kernels)   \
  TABLE(summary_kernel, shapes)    \
  TABLE(summary_group, groups)     \
  TABLE(summary_refusal, refusals) \
  TABLE(summary_wait, waits)       \
  TABLE(summary_compile, compiles) \
  TABLE(summary_blame, blame)      \
  TABLE(summary_stream, streams)

typedef struct summary {
#define TABLE(type, name) MODEL_TABLE(type, name);
  SUMMARY_TABLES(TABLE)
#undef TABLE
  uint64_t kernel_ns;     /* of all kernels */
  uint64_t eval_ns;       /* of all eval calls */
  uint64_t bytes_saved;   /* by fusion */
  uint64_t refused_ns;    /* the same in time, about */
  uint64_t bytes_refused; /* by the lack of it */
  uint32_t ran;           /* kernels that began */
  uint32_t fused;         /* of these, with two nodes or more */
  uint32_t donations_made;
  uint32_t donations_refused;
  uint64_t cost_ns;       /* of recording, all threads */
  uint64_t cost_stack_ns; /* of that, for stacks */
  uint64_t lost;          /* events */
  uint64_t cache_hits;    /* allocations served by the allocator's cache */
  uint64_t cache_misses;  /* by the system */
  uint64_t small;         /* out of slabs of small blocks */
  uint64_t external;      /* memory that the program brought */
} summary;

/* NULL when there is no memory. */
summary* summary_new(const model* m);
void summary_free(summary* s);

/* How long the call of an eval took, as far as the trace tells. */
uint64_t summary_eval_ns(const model* m, uint32_t eval);

#endif
