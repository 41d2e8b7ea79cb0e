/* The one door between the runtime and whoever watches it.
 *
 * A watcher fills a `lazuli_probe` and attaches it; the runtime calls back at
 * each place named below. With no probe attached such a place costs one load
 * and one predicted branch.
 *
 * Attaching: either call lazuli_probe_attach(), or, from a preloaded library,
 * export
 *     const lazuli_probe *lazuli_probe_provider(uint32_t version);
 * which the runtime looks up in the global scope when it is loaded, so that
 * runtimes loaded late or privately are reached too.
 *
 * Threading: callbacks come on the thread that did the thing, several at once.
 * They must not call the interface, must not block on a lock that a thread
 * inside the interface may hold, and get pointers that live only for the call.
 *
 * Ids: arrays, evals, kernels and buffers are numbered from 1, each in its own
 * sequence, and never reused in a process. A node is named by its first output:
 * its outputs are the arrays id, id+1, … id+n_outputs-1. 0 means none.
 *
 * Times are nanoseconds of CLOCK_MONOTONIC. Sizes are bytes.
 */
#ifndef LAZULI_PROBE_H
#define LAZULI_PROBE_H

#include <stddef.h>
#include <stdint.h>

#include "lazuli/api.h"

#ifdef __cplusplus
extern "C" {
#endif

#define LAZULI_PROBE_VERSION 1u

#define TRIGGER(number, id, name, text) LAZULI_TRIGGER_##id = number,
enum lazuli_trigger {
#include "lazuli/trigger.def"
};
#undef TRIGGER

#define WAIT(number, id, name, text) LAZULI_WAIT_##id = number,
enum lazuli_wait {
#include "lazuli/wait.def"
};
#undef WAIT

#define REWRITE(number, id, name, text) LAZULI_REWRITE_##id = number,
enum lazuli_rewrite {
#include "lazuli/rewrite.def"
};
#undef REWRITE

#define REFUSAL(number, id, name, text) LAZULI_REFUSAL_##id = number,
enum lazuli_refusal {
#include "lazuli/refusal.def"
};
#undef REFUSAL

#define DONATION(number, id, name, text) LAZULI_DONATION_##id = number,
enum lazuli_donation {
#include "lazuli/donation.def"
};
#undef DONATION

/* Shape and dtype (an mlx_dtype) of one array. */
typedef struct lazuli_probe_array {
  uint64_t id;
  uint8_t dtype;
  uint8_t ndim;
  const int32_t* shape;
} lazuli_probe_array;

/* A node was built. `op` is a static string. */
typedef struct lazuli_probe_node {
  const char* op;
  uint32_t stream;
  uint32_t n_inputs;
  uint32_t n_outputs;
  const uint64_t* inputs;            /* array ids */
  const lazuli_probe_array* outputs; /* ids are consecutive */
  uint64_t of; /* array of the node that it derives or repeats, or 0 */
} lazuli_probe_node;

/* An evaluation begins, on the thread that asked for it. */
typedef struct lazuli_probe_eval_begin {
  uint64_t eval;
  uint8_t trigger; /* enum lazuli_trigger */
  uint8_t is_async;
  uint32_t n_outputs;
  const uint64_t* outputs; /* arrays asked for */
} lazuli_probe_eval_begin;

/* The call that began an evaluation returns. An asynchronous evaluation's
 * kernels may end later. */
typedef struct lazuli_probe_eval_end {
  uint64_t eval;
  uint32_t nodes;      /* nodes reached that were not yet computed */
  uint32_t kernels;    /* kernels dispatched */
  uint8_t plan_cached; /* the plan came from the cache */
  uint8_t failed;
  uint64_t plan_ns; /* collecting, optimising and planning */
} lazuli_probe_eval_end;

typedef struct lazuli_probe_rewrite {
  uint64_t eval;
  uint8_t what;  /* enum lazuli_rewrite */
  uint64_t node; /* the node that changed */
  uint64_t into; /* the node that stands for it now, or 0 */
} lazuli_probe_rewrite;

/* Nodes that share one kernel. Sent for every kernel, groups of one too. */
typedef struct lazuli_probe_fusion {
  uint64_t eval;
  uint64_t kernel;
  uint32_t n_nodes;
  uint32_t n_inputs;
  uint32_t n_outputs;
  const uint64_t* nodes;
  const uint64_t* inputs;  /* arrays read */
  const uint64_t* outputs; /* arrays written */
  uint64_t bytes_saved; /* bytes of intermediates not written and read back */
} lazuli_probe_fusion;

typedef struct lazuli_probe_refusal {
  uint64_t eval;
  uint64_t producer;
  uint64_t consumer;
  uint8_t reason; /* enum lazuli_refusal */
  uint64_t limit; /* of the reason, where it has one */
  uint64_t value; /* what was found */
  uint64_t bytes; /* moved because the nodes stayed apart */
} lazuli_probe_refusal;

/* A kernel is about to run. */
typedef struct lazuli_probe_kernel_begin {
  uint64_t kernel;
  uint64_t eval;
  uint32_t stream;
  const char* name; /* "Matmul", "Add+Multiply+Maximum", … */
} lazuli_probe_kernel_begin;

/* A kernel has ended. On a GPU the times are the device's, moved to the host's
 * clock. */
typedef struct lazuli_probe_kernel_end {
  uint64_t kernel;
  uint32_t stream;
  uint64_t begin_ns;
  uint64_t end_ns;
  uint64_t bytes_read;
  uint64_t bytes_written;
  uint64_t flops;
} lazuli_probe_kernel_end;

typedef struct lazuli_probe_wait {
  uint8_t reason;  /* enum lazuli_wait */
  uint32_t stream; /* whose work is waited for */
  uint64_t eval;   /* or 0 */
  uint64_t begin_ns;
  uint64_t end_ns;
} lazuli_probe_wait;

/* Where memory came from or went to. */
enum lazuli_memory_source {
  LAZULI_MEMORY_SYSTEM = 0,   /* from, or back to, the system */
  LAZULI_MEMORY_CACHE = 1,    /* a cache hit, or put into the cache */
  LAZULI_MEMORY_EXTERNAL = 2, /* owned by the program */
  LAZULI_MEMORY_SMALL = 3     /* from the slabs of small blocks */
};

/* A buffer came to life. Counters are those after the event. */
typedef struct lazuli_probe_alloc {
  uint64_t buffer;
  uint64_t size;
  uint64_t kernel; /* for whose output, or 0 */
  uint8_t source;  /* enum lazuli_memory_source */
  uint64_t active;
  uint64_t cache;
} lazuli_probe_alloc;

typedef struct lazuli_probe_free {
  uint64_t buffer;
  uint64_t size;
  uint8_t target; /* enum lazuli_memory_source */
  uint64_t active;
  uint64_t cache;
} lazuli_probe_free;

/* The cache let go of memory: past its limit (evict) or asked to (clear). */
enum lazuli_cache_action { LAZULI_CACHE_EVICT = 0, LAZULI_CACHE_CLEAR = 1 };
typedef struct lazuli_probe_cache {
  uint8_t action; /* enum lazuli_cache_action */
  uint32_t blocks;
  uint64_t bytes;
  uint64_t cache;
} lazuli_probe_cache;

/* An array got its memory: all of a buffer, or a view into one. */
typedef struct lazuli_probe_bind {
  uint64_t array;
  uint64_t buffer;
  uint64_t offset;
  uint64_t base; /* the array whose buffer is shared, or 0 */
} lazuli_probe_bind;

typedef struct lazuli_probe_donation {
  uint64_t input;  /* array whose buffer was wanted */
  uint64_t output; /* array that wanted it */
  uint64_t buffer;
  uint64_t size;
  uint8_t result; /* enum lazuli_donation */
} lazuli_probe_donation;

/* The last handle of the program on an array went. */
typedef struct lazuli_probe_release {
  uint64_t array;
  uint8_t evaluated; /* 0: built and never computed */
} lazuli_probe_release;

/* A compiled function was called. */
enum lazuli_compile_change {
  LAZULI_COMPILE_FIRST = 1, /* never seen before */
  LAZULI_COMPILE_SHAPE = 2,
  LAZULI_COMPILE_DTYPE = 4,
  LAZULI_COMPILE_RANK = 8,
  LAZULI_COMPILE_CONSTANT = 16,
  LAZULI_COMPILE_STREAM = 32,
  LAZULI_COMPILE_COUNT = 64,   /* another number of inputs */
  LAZULI_COMPILE_EVICTED = 128 /* seen before, but dropped from the cache */
};
typedef struct lazuli_probe_compile {
  uint64_t function; /* identity of the function */
  uint8_t hit;
  uint32_t changed;   /* enum lazuli_compile_change, of the nearest entry */
  const char* detail; /* e.g. "input 1: (8,3) was (4,3)", or "" */
  uint32_t nodes;     /* traced, when it missed */
  uint32_t captured;  /* nodes dragged in through captured arrays */
  uint64_t trace_ns;
} lazuli_probe_compile;

typedef struct lazuli_probe_stream {
  uint32_t stream;
  uint8_t device; /* mlx_device_type */
  const char* name;
} lazuli_probe_stream;

enum lazuli_mark_kind {
  LAZULI_MARK_POINT = 0,
  LAZULI_MARK_REGION_BEGIN = 1,
  LAZULI_MARK_REGION_END = 2
};
typedef struct lazuli_probe_mark {
  uint8_t kind; /* enum lazuli_mark_kind */
  const char* name;
} lazuli_probe_mark;

/* Slots may be NULL. `size` is sizeof(lazuli_probe): a runtime reads no slot
 * past it, so older watchers keep working. `user` is handed to each callback.
 */
typedef struct lazuli_probe {
  uint32_t version; /* LAZULI_PROBE_VERSION */
  uint32_t size;
  void* user;
  void (*node)(void* user, const lazuli_probe_node*);
  void (*eval_begin)(void* user, const lazuli_probe_eval_begin*);
  void (*eval_end)(void* user, const lazuli_probe_eval_end*);
  void (*rewrite)(void* user, const lazuli_probe_rewrite*);
  void (*fusion)(void* user, const lazuli_probe_fusion*);
  void (*refusal)(void* user, const lazuli_probe_refusal*);
  void (*kernel_begin)(void* user, const lazuli_probe_kernel_begin*);
  void (*kernel_end)(void* user, const lazuli_probe_kernel_end*);
  void (*wait)(void* user, const lazuli_probe_wait*);
  void (*alloc)(void* user, const lazuli_probe_alloc*);
  void (*free)(void* user, const lazuli_probe_free*);
  void (*cache)(void* user, const lazuli_probe_cache*);
  void (*bind)(void* user, const lazuli_probe_bind*);
  void (*donation)(void* user, const lazuli_probe_donation*);
  void (*release)(void* user, const lazuli_probe_release*);
  void (*compile)(void* user, const lazuli_probe_compile*);
  void (*stream)(void* user, const lazuli_probe_stream*);
  void (*mark)(void* user, const lazuli_probe_mark*);
} lazuli_probe;

/* Attaches `probe`, or detaches with NULL. The struct must outlive the process
 * or the next attach plus every call under way. Streams that exist already are
 * reported at once. Returns 0, or 1 when the version is not known. */
LAZULI_API int lazuli_probe_attach(const lazuli_probe* probe);

/* What a preloaded watcher exports; see above. May return NULL: no watching. */
typedef const lazuli_probe* (*lazuli_probe_provider_fn)(uint32_t version);

#ifdef __cplusplus
}
#endif

#endif
