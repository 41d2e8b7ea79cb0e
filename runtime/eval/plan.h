/* What one evaluation passes between its stages.
 *
 * tape   the nodes to compute, producers before consumers
 * group  nodes that share one kernel, named by its root: the last of them
 * step   one kernel (or one view) with what it reads and writes
 *
 * Everything lives in the plan's arena and goes with it, when the last of its
 * steps has run.
 */
#ifndef EVAL_PLAN_H
#define EVAL_PLAN_H

#include "core/array.h"
#include "core/op.h"
#include "cpu/program.h"
#include "stream/stream.h"

typedef struct plan_group plan_group;

/* A list of groups. */
typedef struct plan_reader {
  plan_group* group;
  struct plan_reader* next;
} plan_reader;

typedef struct plan_node {
  lz_node* node;        /* a reference */
  lz_array* out;        /* its only output; NULL for nodes with several */
  plan_group* group;    /* NULL: a step of its own */
  plan_group* user;     /* the group of the earliest of its users; NULL: that
                           is a step of its own */
  plan_reader* others;  /* the other groups that read it */
  uint32_t user_at;     /* tape index + 1 where that user runs; 0: none yet */
  uint32_t uses;        /* places in inputs of tape nodes that name `out` */
  uint32_t wanted : 1;  /* asked for by the caller */
  uint32_t shared : 1;  /* users are in more than one kernel */
  uint32_t apart : 1;   /* one of them is a step of its own, not the earliest */
  uint32_t crowded : 1; /* there are more than `others` lists */
  uint32_t written : 1; /* a member whose value leaves the kernel */
  uint32_t replaced : 1; /* another value stands for it */
  uint32_t dead : 1;     /* it left the eval: its node is gone */
  uint32_t held : 1;     /* others than the tape have references on `out` */
} plan_node;

/* How a group can be run: as one program, or one of the kinds of fused.h. While
 * it grows it keeps to those that still fit. */
enum { GROUP_PROGRAM = 1, GROUP_ROWS = 2, GROUP_REDUCE = 4, GROUP_MATMUL = 8 };

struct plan_group {
  uint32_t root;     /* tape index */
  uint32_t* members; /* tape indices, falling: the root is the first. Those of
                        another group are computed here once more */
  uint32_t n_members;
  uint32_t max_members;
  uint32_t n_outputs;
  uint32_t n_inputs;
  uint32_t max_inputs;
  uint32_t core; /* tape index + 1 of a member that is not element-wise, nor a
                    view; 0: none */
  uint8_t kinds; /* GROUP_…; one of them in the end */
  uint8_t plain; /* all members are element-wise and have the root's shape */
  uint8_t rows;  /* leading axes that number rows in all members; GROUP_ROWS */
  lz_array** inputs; /* distinct arrays read from outside; borrowed */
};

/* A member of a group's step: tape index << 2, and what becomes of it. */
enum { STEP_WRITTEN = 1, STEP_AGAIN = 2 /* it belongs to another kernel */ };

typedef struct lz_step {
  lz_node* node;                /* one operation, or NULL: */
  const lz_program* program;    /* element-wise operations; or */
  const struct lz_fused* fused; /* several stages; */
  lz_stream* stream;
  lz_array** in;  /* node->inputs, or references of the step's own */
  lz_array** out; /* references; NULL where nobody wants the output */
  uint32_t n_in;
  uint32_t n_out;
  uint64_t kernel;
  uint64_t ticket;
  const char* name;        /* when probed; else NULL */
  const uint32_t* members; /* of a group: STEP_…; the root is the last */
  uint32_t n_members;
} lz_step;

/* The part of a plan that one stream runs. */
typedef struct plan_segment {
  lz_work work; /* first member */
  struct lz_plan* plan;
  lz_stream* stream;
  lz_step** steps;
  uint32_t n_steps;
} plan_segment;

typedef struct plan_chunk plan_chunk;

/* Memory that goes at once. */
typedef struct plan_arena {
  plan_chunk* chunks;
} plan_arena;

/* Zeroed; NULL with a message. */
void* arena_alloc(plan_arena* a, size_t bytes);
/* Room for one more than `count` elements of `size` bytes, whose old place is
 * `old`; grows when count is a power of two. */
void* arena_grow(plan_arena* a, void* old, uint32_t count, size_t size);
void arena_free(plan_arena* a);

typedef struct lz_blueprint lz_blueprint;

/* A value that was computed while planning. */
typedef struct plan_folded {
  const lz_array* out;
  uint32_t node; /* tape index */
} plan_folded;

typedef struct lz_plan {
  _Atomic uint32_t refs; /* segments not yet run, and the caller's */
  uint64_t eval;
  plan_arena arena;
  lz_blueprint* blueprint; /* the programs' home, and what was decided */
  const struct plan_signature* signature; /* while the blueprint is drawn */
  plan_folded* folded;
  uint32_t n_folded;
  bool cached; /* nothing was planned: the blueprint was there */
  plan_node* tape;
  uint32_t n_tape, max_tape;
  const uint32_t *first_reader, *reader; /* fuse_report.c; NULL: unwatched */
  uint32_t n_nodes;                      /* collected */
  lz_step* steps;
  uint32_t n_steps;
  uint32_t n_kernels;
  plan_segment* segments;
  uint32_t n_segments;
  _Atomic int failed;
  char error[512]; /* the first failure's message, once failed is 2 */
} lz_plan;

/* Zeroed memory of the plan's arena; NULL with a message. */
void* plan_alloc(lz_plan* p, size_t bytes);
void* plan_alloc_raw(lz_plan* p, size_t bytes); /* not zeroed */
/* Of the blueprint's. */
void* plan_keep_alloc(lz_plan* p, size_t bytes);
lz_plan* plan_new(void);
void plan_unref(lz_plan* p);

/* collect.c: fills the tape. */
int collect(lz_plan* p, lz_array* const* arrays, size_t n);
/* Forgets the marks that collect left on nodes. */
void collect_forget(lz_plan* p);

/* simplify.c: merges equal nodes, takes out what changes nothing. */
int simplify(lz_plan* p);
/* Turns the node into a view of `value`. */
void simplify_alias(lz_plan* p, plan_node* t, lz_array* value);

/* fuse.c: forms groups over the tape. */
int fuse(lz_plan* p);
/* fuse_report.c: tells who watches of values that an earlier eval computed and
 * that this one could have taken in. */
void fuse_report_evaluated(lz_plan* p);
/* Held by more than the tape's readers. */
static inline bool fuse_is_held(const plan_node* t) {
  return atomic_load_explicit(&t->out->refs, memory_order_relaxed) > t->uses;
}

/* fuse_build.c: the group as a program, or as stages. Its outputs,
 * g->n_outputs, are listed in the order in which the step has them. */
int fuse_build(lz_plan* p, const plan_group* g, lz_step* s);

/* order.c: puts the steps into the order with the lowest memory peak. */
int order_steps(lz_plan* p);

/* steps.c: makes steps from groups and single nodes. */
int steps_make(lz_plan* p);
int steps_from_node(lz_plan* p, plan_node* t, lz_step* s);
uint64_t steps_new_kernel(void);
/* Tells who watches what a group's step holds; the tape is as collected. */
void steps_report(lz_plan* p, const lz_step* s);
/* Makes segments, gives out tickets, marks arrays SCHEDULED. */
int steps_finish(lz_plan* p);
/* Gives back what the steps hold: planning failed half-way. */
void steps_undo(lz_plan* p);

/* run.c: runs a segment on the calling thread. */
void run_segment(lz_work* work);
/* Runs a step at once, under the graph lock, for its values alone; takes over
 * what the step holds. */
int run_fold(lz_step* s);

static inline plan_node* plan_node_of(lz_plan* p, const lz_array* a) {
  lz_node* n = a->node;
  return n && n->slot ? &p->tape[n->slot - 1] : NULL;
}

#endif
