/* Arrays and nodes: the lazy graph.
 *
 * Who owns what
 *   program's handle ──▶ lz_array ──▶ lz_node ──▶ inputs: lz_array …
 *   lz_array ──▶ lz_buffer once it has memory.
 *   A node points back at its outputs without owning them.
 *
 * Invariants
 *   status == LAZY       ⇔ node != NULL and buffer == NULL
 *   status == SCHEDULED  ⇒ node == NULL; memory comes when `stream` has done
 *                           the work numbered `ticket`
 *   status == READY      ⇒ node == NULL (tracers keep it), buffer != NULL or
 *                           size == 0
 *   strides count elements; offset counts bytes from the buffer's start to the
 *   element of index (0,…,0).
 *
 * shape, dtype, ndim, size and id never change after creation. node, status,
 * buffer, offset, strides and flags change once, when the array is evaluated:
 * node under the graph lock (eval/), the rest by the thread that runs the work,
 * before status becomes READY with release order.
 *
 * Reference counts are atomic; graphs may be built and dropped by any thread.
 */
#ifndef CORE_ARRAY_H
#define CORE_ARRAY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/dtype.h"
#include "cpu/view.h"

typedef struct lz_array lz_array;
typedef struct lz_node lz_node;
typedef struct lz_buffer lz_buffer;
typedef struct lz_op lz_op;
typedef struct lz_stream lz_stream;

typedef enum lz_status {
  ARRAY_LAZY,
  ARRAY_SCHEDULED,
  ARRAY_READY,
  ARRAY_FAILED /* its computation failed; the eval that ran it said why */
} lz_status;

enum {
  ARRAY_ROW_CONTIGUOUS = 1, /* last axis fastest, no holes */
  ARRAY_COL_CONTIGUOUS = 2, /* first axis fastest, no holes */
  ARRAY_CONTIGUOUS = 4,     /* some order of axes without holes or repeats */
  ARRAY_TRACER = 8,         /* an argument or product of a transformation that
                               must keep its node (compile, vmap, grad) */
  ARRAY_ABSORBED = 16,      /* a fused kernel computed it once without writing;
                               the next eval that needs it writes it */
  ARRAY_WEAK = 32,          /* a weakly typed scalar: see lazuli/scalar.h */
  ARRAY_FUSABLE = 64        /* while somebody watched, a kernel computed it that
                               could have taken in what follows */
};

#define ARRAY_INLINE_DIMS 4

struct lz_array {
  _Atomic uint32_t refs;
  uint8_t dtype; /* lz_dtype */
  uint8_t ndim;
  _Atomic uint8_t status; /* lz_status */
  /* Atomic: a worker sets the layout's bits of an array that is SCHEDULED while
   * the program's threads build on it and read the others. */
  _Atomic uint8_t flags;
  uint16_t output;  /* which output of its node */
  uint16_t handles; /* the program's, saturating; api/ */
  uint32_t mark;    /* scratch of the eval in progress; graph lock */
  uint64_t id;
  int64_t size; /* elements */
  lz_node* node;
  lz_buffer* buffer;
  int64_t offset;
  lz_stream* stream; /* while SCHEDULED */
  uint64_t ticket;
  int32_t* shape;
  int64_t* strides;
  int64_t inline_strides[ARRAY_INLINE_DIMS];
  int32_t inline_shape[ARRAY_INLINE_DIMS];
};

#define NODE_INLINE_INPUTS 3
#define NODE_INLINE_PARAMS 32

struct lz_node {
  _Atomic uint32_t refs; /* one an output that is alive, more while planned */
  uint32_t n_inputs;
  uint32_t n_outputs;
  uint32_t slot; /* index in the eval in progress; graph lock */
  uint32_t params_size;
  const lz_op* op;
  lz_stream* stream;
  lz_array** inputs;  /* owned references */
  lz_array** outputs; /* not owned; NULL once an output is gone */
  void* params;       /* plain old data, compared by bytes; see lz_op */
  uint64_t hash;      /* of structure, 0 until asked for; graph lock */
  lz_node* next_dead; /* list of nodes being freed */
  atomic_flag lock;   /* of outputs[], when there are several */
  lz_array* inline_inputs[NODE_INLINE_INPUTS];
  lz_array* inline_output;
  _Alignas(8) char inline_params[NODE_INLINE_PARAMS];
};

/* ---- arrays ------------------------------------------------------------- */

static inline lz_array* array_ref(lz_array* a) {
  atomic_fetch_add_explicit(&a->refs, 1, memory_order_relaxed);
  return a;
}
/* Drops a reference; the last one frees the array and, without recursion, all
 * that only it kept. Takes NULL. */
void array_unref(lz_array* a);

/* A new array without node or memory, status LAZY, row-major strides. Shape is
 * copied. NULL and a message where memory fails. One reference. */
lz_array* array_new(lz_dtype dtype, int ndim, const int32_t* shape);

/* A READY array around a buffer, taking over the reference. */
lz_array* array_new_buffer(
    lz_dtype dtype, int ndim, const int32_t* shape, lz_buffer* buffer);

/* A READY array with a copy of `data`, row-major. */
lz_array* array_new_data(
    lz_dtype dtype, int ndim, const int32_t* shape, const void* data);

/* A READY scalar. */
lz_array* array_new_scalar(lz_dtype dtype, double value);

static inline lz_status array_status(const lz_array* a) {
  return (lz_status)atomic_load_explicit(&a->status, memory_order_acquire);
}
static inline bool array_is_ready(const lz_array* a) {
  return array_status(a) == ARRAY_READY;
}
static inline size_t array_nbytes(const lz_array* a) {
  return (size_t)a->size * dtype_size((lz_dtype)a->dtype);
}
/* First element. Only of READY arrays (or inputs and outputs of running work).
 */
void* array_data(const lz_array* a);
/* Of arrays of one shape: do equal indices stand at equal distances? */
bool array_same_layout(const lz_array* a, const lz_array* b);
/* Elements in memory: view_stored(). */
int64_t array_stored(const lz_array* a);
/* No holes between the elements; axes of stride 0 may repeat them. The buffer
 * must be known. */
bool array_without_holes(const lz_array* a);
/* Whether it keeps clearly more memory than its own elements alive: a view of a
 * small part. The buffer must be known. */
bool array_wastes(const lz_array* a);
lz_view array_view(const lz_array* a);

/* Binds memory: buffer (reference taken over), byte offset, strides in elements
 * (NULL: row-major); computes the contiguity flags. `base` as in the probe. */
void array_bind(
    lz_array* a,
    lz_buffer* buffer,
    int64_t offset,
    const int64_t* strides,
    const lz_array* base);

bool array_same_shape(const lz_array* a, const lz_array* b);
/* Value of a READY one-element array as double. */
double array_scalar(const lz_array* a);

/* ---- nodes -------------------------------------------------------------- */

/* Everything about a node that does not fit one line. */
typedef struct lz_node_output {
  lz_dtype dtype;
  int ndim;
  const int32_t* shape;
} lz_node_output;

/* Builds a node with one output; takes no references over, retains the inputs.
 * params are copied (params_size bytes, zero-filled padding: they are compared
 * by bytes). Returns the output with one reference, or NULL with a message. */
lz_array* node_make(
    const lz_op* op,
    lz_stream* stream,
    lz_array* const* inputs,
    int n_inputs,
    const void* params,
    size_t params_size,
    lz_dtype dtype,
    int ndim,
    const int32_t* shape);

/* The same with several outputs, written to out[n_outputs], one reference
 * each. Non-zero on failure, with nothing of out that is a reference. */
int node_make_multi(
    const lz_op* op,
    lz_stream* stream,
    lz_array* const* inputs,
    int n_inputs,
    const void* params,
    size_t params_size,
    const lz_node_output* outputs,
    int n_outputs,
    lz_array** out);

static inline lz_node* node_ref(lz_node* n) {
  atomic_fetch_add_explicit(&n->refs, 1, memory_order_relaxed);
  return n;
}
void node_unref(lz_node* n);

/* A new reference on output i, or NULL if nobody holds it any more. */
lz_array* node_output_ref(lz_node* n, int i);

/* Cuts an array off its node (graph lock). */
void array_detach(lz_array* a);

#endif
