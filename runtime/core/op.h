/* What an operation is: one descriptor. No other place switches on the kind of
 * an operation; optional slots default to the safe answer (unsupported,
 * unequal, unfusable). */
#ifndef CORE_OP_H
#define CORE_OP_H

#include "core/array.h"
#include "cpu/view.h"

enum {
  OP_ELEMENTWISE = 1, /* `elementwise` names its line in ops/elementwise.def */
  OP_VIEW = 2,        /* shares its input's memory where strides allow */
  OP_NO_MERGE = 4,    /* two equal nodes are not one (random state, loads) */
  OP_NO_FOLD = 8,     /* not computed while planning even if inputs are known */
  OP_HOST = 16        /* runs on the host whatever its stream's device */
};

#define EXEC_SCRATCH 8

/* One operation at work. Inputs are READY; outputs need memory: each is given
 * it by exec_alloc(), exec_donate() or exec_share(). out[i] == NULL: nobody
 * wants that output, its memory and work may be left out. */
typedef struct lz_exec {
  const lz_op* op;
  const void* params;
  lz_array** in;
  lz_array** out;
  int n_in;
  int n_out;
  lz_stream* stream;
  uint64_t kernel;        /* id, for the probe */
  uint64_t flops;         /* the kernel may set it; 0: one per output element */
  uint64_t read, written; /* bytes, set by a kernel that touches less than its
                             arrays; 0: all of them */
  uint8_t may_donate[32]; /* per input: nobody else needs it after this */
  bool copied;            /* a view that had to allocate after all */
  bool deferred;          /* a GPU backend reports the end itself, later */
  int n_scratch;
  lz_buffer* scratch[EXEC_SCRATCH];
} lz_exec;

/* Row-contiguous memory for output i. Non-zero with a message if there is none.
 */
int exec_alloc(lz_exec* x, int i);
/* The same, but in the memory of input `from` where that is allowed: the input
 * is needed no more, contiguous and of fitting size. */
int exec_alloc_or_donate(lz_exec* x, int i, int from);
/* In the layout of input `from`, of the output's shape, where its axes in some
 * order have no holes, else row-contiguous; and in its memory as above, if
 * elements are of one size. */
int exec_alloc_or_donate_as(lz_exec* x, int i, int from);
/* Memory for all outputs of a fused program, in the layout of `like`, an input
 * without holes as which all inputs of more than one element lie
 * (NULL: row-major). Each input of an output's shape and width that is needed
 * no more is written over. */
int exec_alloc_fused(lz_exec* x, const lz_array* like);
/* Output i becomes a view of input `from`: no copy. offset in bytes from the
 * input's first element; strides in elements. */
void exec_share(
    lz_exec* x, int i, int from, int64_t offset, const int64_t* strides);
/* Scratch that lives until the operation ends. */
void* exec_scratch(lz_exec* x, size_t bytes);

/* What an operation offers to a kernel that it shares with others: see
 * eval/fused.h. It has one output. */
typedef struct lz_inner {
  const void* params;
  int merged; /* so many axes at the front are one axis less in the views: axes
                 that params name count `merged` lower */
  const lz_view* in;
  const lz_view* out;
} lz_inner;

/* Elements [begin, begin+n) of an order of an array's elements: cpu/reduce.h.
 */
typedef void (*lz_elements)(
    void* ctx, int64_t begin, int64_t n, void* tile, int worker);

/* Rows [row, row+rows) and columns [column, column+columns) of a product hold
 * their values. Rows are counted through all leading axes. */
typedef void (*lz_tile_done)(
    void* ctx, int64_t row, int64_t rows, int64_t column, int64_t columns);

/* Writes rows [row, row+rows), counted through all leading axes, and columns
 * [column, column+columns) of an input to `to`, row-major. May use the pool. */
typedef void (*lz_rectangle)(
    void* ctx,
    int64_t row,
    int64_t rows,
    int64_t column,
    int64_t columns,
    void* to);

/* Input `input` is made as it is read: its view has no data. */
typedef struct lz_maker {
  int input;
  bool turned; /* what is made has its last two axes the other way round */
  lz_rectangle make;
  void* ctx;
} lz_maker;

typedef struct lz_fusable {
  /* How many leading axes of the output are rows: what stands in one row
   * depends on that row alone of the inputs in the set row_inputs, and on the
   * whole of others. */
  int (*rows)(const lz_node* n);
  uint32_t row_inputs;
  /* The operation over a block of rows, on the calling thread inside a pool's
   * job, on all threads outside of one. A view (OP_VIEW) has none. */
  int (*run)(const lz_inner* x);
  /* The operation over an input 0 that is never in memory: in[0].data is NULL,
   * its strides number the elements as cpu/reduce.h has it. */
  int (*from)(const lz_inner* x, lz_elements source, void* ctx);
  /* The operation, with a call for each part of the output as it is finished,
   * by any thread; parts do not overlap. `maker` or `done` may be NULL. */
  int (*tiled)(
      const lz_inner* x, const lz_maker* maker, lz_tile_done done, void* ctx);
  /* The set of inputs of which one can be made for `tiled`, from bit 16 on of
   * those that can be made turned; NULL: none. */
  uint32_t (*made)(const lz_node* n);
  /* Of a view: does it exchange the last two axes and nothing else? */
  bool (*turns)(const lz_node* n);
} lz_fusable;

/* Transformations. Each is written in terms of graph-level operations (ops/),
 * which take borrowed arrays and return arrays owned by the open scope
 * (core/scope.h). A NULL result means failure with a message. */
typedef struct lz_vjp {
  lz_node* node;
  lz_array** in;         /* primals, node->n_inputs */
  lz_array** out;        /* the node's outputs */
  lz_array** cotan;      /* per output; zeros stand for outputs nobody used */
  const uint8_t* wanted; /* per input: is a gradient asked for */
  lz_array** grad;       /* result, per wanted input; NULL means zero */
  lz_stream* stream;
} lz_vjp;

typedef struct lz_jvp {
  lz_node* node;
  lz_array** in;
  lz_array** out;
  lz_array** tangent; /* per input; NULL means zero */
  lz_array** result;  /* per output */
  lz_stream* stream;
} lz_jvp;

/* A vmap rule's answer where it has none for these axes, without a message:
 * then one example after another, as without a rule. */
#define VMAP_LOOP (-1)

typedef struct lz_vmap {
  lz_node* node;
  lz_array** in; /* with the mapped axis at axis[i], -1: not mapped */
  const int* axis;
  lz_array** result; /* per output */
  int* result_axis;
  lz_stream* stream;
} lz_vmap;

/* What comes out of an operation, asked with the types, shapes and parameters
 * alone. On entry `out` holds what came out when the node was made; of
 * several outputs some may be unknown, of dtype DTYPE_COUNT. A rule
 * checks all that kernels rely on, and `out` itself, whose shapes it replaces
 * where those of `in` have changed since. */
typedef struct lz_output {
  lz_dtype dtype;
  int ndim;
  int32_t shape[LZ_MAX_DIMS];
} lz_output;

typedef struct lz_infer {
  const lz_op* op;
  const void* params;
  size_t params_size;
  lz_array* const* in; /* dtype, ndim, shape and size: nothing else is there */
  int n_in;
  bool changed; /* shapes of `in`; types and ranks never do */
  int n_out;
  lz_output* out;
} lz_infer;

/* A vjp or jvp rule's answer where it has none for what is asked, without a
 * message: then that of `plain`. */
#define DERIVE_PLAIN (-1)

struct lz_op {
  const char* name; /* as MLX names the primitive: "Matmul" */
  uint32_t flags;
  uint16_t elementwise; /* EW_… with OP_ELEMENTWISE */

  /* Kernels; NULL: this device has none. Non-zero on failure. */
  int (*cpu)(lz_exec* x);
  int (*gpu)(lz_exec* x);

  /* NULL: it always has a kernel to itself. */
  const lz_fusable* fusable;

  /* Non-zero on failure. NULL: the operation has no such rule, an error that
   * names it. */
  int (*vjp)(const lz_vjp* v);
  int (*jvp)(const lz_jvp* v);
  int (*vmap)(const lz_vmap* v);

  /* The outputs made of other operations, which have derivatives: where this
   * has no vjp or jvp of its own, theirs are taken. Non-zero on failure. */
  int (*plain)(
      const lz_node* n, lz_array* const* in, lz_array** out, lz_stream* s);

  /* Non-zero with a message. NULL: the operation cannot leave the process (see
   * portable/). */
  int (*infer)(lz_infer* x);

  /* Are two nodes with equal inputs the same? NULL: params compared by bytes.
   */
  bool (*equal)(const lz_node* a, const lz_node* b);

  /* For params that hold references: one is taken for each node. */
  void (*params_retain)(void* params);
  void (*params_free)(void* params);

  /* Writes the parameters for people: "axis=1", or "". */
  void (*describe)(const lz_node* n, char* text, size_t size);

  /* Floating-point operations of one run, where one per output element is
   * wrong. */
  uint64_t (*flops)(const lz_exec* x);
};

#endif
