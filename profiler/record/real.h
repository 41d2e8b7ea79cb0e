/* The real MLX (libmlx.so, C++), watched from C.
 *
 * This library defines functions of the same names as some that libmlx.so
 * exports (real_symbols.def). They are reached from everywhere, from inside
 * libmlx.so too; each calls the original and tells the same callbacks what a
 * runtime with a probe would have told them.
 *
 * Nothing is taken on trust. The originals are looked up in the library that
 * holds them. How arrays are laid out is learnt from arrays of known contents
 * (real_layout.c). What could not be learnt is left out, named in the `runtime`
 * event's coverage and explained in a note.
 *
 * In the Itanium ABI: an argument with a constructor comes by reference, a
 * result with one through a pointer in the first place; std::shared_ptr is
 * {object, counts}, std::vector {begin, end, room}, std::function {16 bytes,
 * manager, invoker}.
 *
 * C++ exceptions pass through the hooks; what must be undone then is undone by
 * real_guard.c.
 */
#ifndef REAL_H
#define REAL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lazuli/probe.h"

/* Integer arguments: enough for every hook that passes its own on. */
typedef uint64_t real_word;
typedef real_word (*real_function)(
    real_word, real_word, real_word, real_word, real_word, real_word);

/* What is recorded, and what each needs. */
enum real_part {
  REAL_NODES,
  REAL_EVALS,
  REAL_KERNELS,
  REAL_WAITS,
  REAL_MEMORY,
  REAL_COMPILED,
  REAL_LAYOUT,
  REAL_OPTIONAL, /* told of when it is not there */
  REAL_SPARE,    /* nothing that anybody would notice */
  REAL_ALSO,     /* another name of the symbol before */
  REAL_PARTS
};

struct real_originals {
#define SYMBOL(id, needed, mangled) real_function id;
#define ALSO(id, mangled)
#include "real_symbols.def"
#undef ALSO
#undef SYMBOL
};
extern struct real_originals real_original;

enum real_phase {
  REAL_UNKNOWN, /* the library has not been looked for */
  REAL_LOADING, /* found; its own initialisers may still be running */
  REAL_READY,   /* recording */
  REAL_OFF      /* not recording: hooks pass through */
};
extern _Atomic int real_phase;

/* Calls the original, looking the library up first if need be. */
#define REAL_CALL(id, a, b, c, d, e, f)                                       \
  (__builtin_expect(!real_original.id, 0) ? real_need(&real_original.id, #id) \
                                          : (void)0,                          \
   real_original.id(                                                          \
       (real_word)(a),                                                        \
       (real_word)(b),                                                        \
       (real_word)(c),                                                        \
       (real_word)(d),                                                        \
       (real_word)(e),                                                        \
       (real_word)(f)))

/* What a thread is doing inside MLX. */
typedef struct real_thread {
  uint32_t inside;    /* the recorder itself is calling MLX */
  uint32_t making;    /* make_arrays() is under way */
  uint32_t tracing;   /* a compiled function is being traced */
  uint32_t compiling; /* a compiled function is being called */
  uint32_t traced_nodes;
  uint32_t shares;        /* calls of copy_shared_buffer() so far */
  bool in_task;           /* the thread of a stream runs a task */
  uint64_t task_kernel;   /* the kernel that it belongs to */
  uint8_t hint;           /* enum lazuli_trigger of the function we are in */
  bool by_array;          /* array::eval() is under way */
  const void* by_address; /* who called it */
  const void* by_desc;    /* on which array */
  uint64_t eval;          /* under way, or 0 */
  bool eval_async;
  uint32_t eval_nodes;
  uint32_t eval_kernels;
  struct real_group* group; /* tasks of the node being evaluated */
} real_thread;
extern __thread real_thread real_self
    __attribute__((tls_model("initial-exec")));

/* True when this call is to be recorded. Begins the recording at the first. */
bool real_begin(void);
static inline bool real_on(void) {
  if (__builtin_expect(
          atomic_load_explicit(&real_phase, memory_order_acquire) == REAL_READY,
          1))
    return real_self.inside == 0;
  return real_begin();
}

/* ---- real_find.c -------------------------------------------------------- */

/* Looks for the library and its functions. */
void real_find(void);
/* The same, when someone called a hook: aborts, with a line on stderr, where
 * there is no original to go on with. */
void real_need(const real_function* original, const char* id);
/* The address lies in MLX's library. */
bool real_owns(const void* address);
/* A part is recorded. */
bool real_can(enum real_part part);
/* A part is not, and why; kept for the trace's beginning. */
void real_cannot(enum real_part part, const char* why);
void real_note(const char* format, ...) __attribute__((format(printf, 1, 2)));
/* Copies memory that may not be there; returns how much was. */
size_t real_peek(const void* from, void* to, size_t size);
void* real_symbol(const char* mangled);

/* ---- real_map.c: addresses to numbers, shared by all threads ------------- */

typedef struct real_entry {
  uint64_t id;
  uint64_t more;
} real_entry;
typedef struct real_map real_map;
extern real_map real_arrays;  /* ArrayDesc → {array id, enum real_kind} */
extern real_map real_buffers; /* buffer → {buffer id, size} */
extern real_map real_fusions; /* Compiled primitive → {real_fusion*, 0} */
extern real_map real_traced;  /* primitive of a traced node → {stack, how many
                                 traced arrays have it} */
extern real_map real_compiles; /* compiled function → {real_signature*, 0} */
bool real_map_find(real_map* m, const void* key, real_entry* out);
void real_map_put(real_map* m, const void* key, real_entry entry);
/* Adds to `more`; at 0 the entry goes. */
void real_map_count(real_map* m, const void* key, int change);
bool real_map_take(real_map* m, const void* key, real_entry* out);

/* In the child of a fork: whoever held a lock is not there. */
void real_map_forked(void);

/* The low byte of an array's `more`; a traced one's stack is above it. */
enum real_kind { REAL_LEAF = 0, REAL_NODE = 1, REAL_TRACED = 2 };

/* ---- real_layout.c ------------------------------------------------------ */

/* Offsets into ArrayDesc, learnt; REAL_NOWHERE where that failed. */
#define REAL_NOWHERE UINT16_MAX
typedef struct real_layout {
  uint16_t shape, strides, size, dtype, primitive, status, data, offset;
  uint16_t data_size, inputs;
  uint16_t name_slot; /* of the primitive's table of virtual functions */
} real_layout;
extern real_layout real_at;

/* Learns them. Called once, on an ordinary thread. */
void real_layout_learn(void);

#define REAL_MAX_DIMS 16
static inline const void* real_desc(const void* array) {
  return *(void* const*)array;
}
#define REAL_FIELD(type, desc, where) \
  (*(const type*)((const char*)(desc) + real_at.where))
/* True when the array's value has not been asked for yet. */
static inline bool real_unscheduled(const void* desc) {
  return real_at.status != REAL_NOWHERE &&
         REAL_FIELD(int32_t, desc, status) == 0;
}
static inline const void* real_primitive(const void* desc) {
  return real_at.primitive == REAL_NOWHERE ? NULL
                                           : REAL_FIELD(void*, desc, primitive);
}
/* Fills shape and dtype; 0 where they are not known. */
void real_describe(const void* desc, lazuli_probe_array* out);
uint64_t real_bytes(const void* desc);
/* What the array's own part of its buffer takes. */
uint64_t real_stored_bytes(const void* desc);
/* The arrays an array is computed from: `count` elements of 16 bytes. */
const char* real_inputs(const void* desc, size_t* count);
/* The name of a primitive's operation; static. */
const char* real_name(const void* primitive);

/* ---- real_array.c ------------------------------------------------------- */

/* The id of an array; a leaf gets one at its first mention. */
uint64_t real_array_id(const void* desc);
/* Tells of a node that was only traced until now. Returns its stack or 0. */
uint32_t real_array_tell_traced(const void* desc);
/* What was taken for a pattern is a node of the program: tells of it. */
void real_array_promote(const void* const* descs, size_t count);

/* ---- real_memory.c ------------------------------------------------------ */

/* Learns which of the allocator's virtual functions allocate and free, while
 * `make` makes an array of `bytes` and `unmake` destroys it. */
void real_memory_learn(
    void (*make)(void* array), void (*unmake)(void* array), size_t bytes);
/* The buffer allocated last while learning, or NULL. */
void* real_memory_last(void);
/* From now on allocations are recorded. */
void real_memory_begin(void);

/* ---- real_kernel.c ------------------------------------------------------ */

typedef struct real_group real_group;
/* The kernel that the calling thread's allocations belong to, or 0. */
uint64_t real_kernel_current(void);
/* The node of `desc` has been handed to its stream. */
void real_kernel_close(const void* desc);
/* The evaluation is over. */
void real_kernel_drop(void);
/* An array got its memory. */
void real_kernel_fills(const void* desc, uint64_t id);
/* Memory of another array was taken over, or viewed. */
void real_kernel_shares(
    uint64_t output, uint64_t input, uint64_t buffer, uint64_t size);
void real_stream_seen(uint32_t index, uint32_t device);

/* ---- real_compile.c ----------------------------------------------------- */

/* A node is built, 16 bytes for each output, ids from `id` on. True while a
 * function is being compiled: whether it is a pattern shows only afterwards. */
bool real_compile_defer(const char* arrays, size_t count, uint64_t id);

/* What a Compiled primitive computes. */
typedef struct real_fusion {
  const char* name;
  uint32_t count;
  uint32_t stack;   /* of the last operation in it, or 0 */
  uint64_t saved;   /* bytes of its inner arrays */
  uint64_t nodes[]; /* ids */
} real_fusion;

/* ---- real_hint.c -------------------------------------------------------- */

/* Why array::eval() runs, called from `address` on `desc`. */
uint8_t real_hint_trigger(const void* address, const void* desc);

#endif
