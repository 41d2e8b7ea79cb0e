/* What the parts of fusion share: see fuse.c. */
#ifndef EVAL_FUSE_H
#define EVAL_FUSE_H

#include "eval/plan.h"

enum {
  FUSE_MAX_INPUTS = 24,
  FUSE_MAX_OUTPUTS = 16,
  FUSE_MAX_MEMBERS = 64,
  FUSE_MAX_READERS = 16 /* groups that are told apart as readers of a value */
};

static inline bool fuse_is_elementwise(const plan_node* t) {
  return (t->node->op->flags & OP_ELEMENTWISE) && t->out;
}
/* Must the kernel that it belongs to write this member? */
static inline bool fuse_is_output(const plan_node* t) {
  return t->wanted || t->shared ||
         ((t->out->flags & ARRAY_ABSORBED) && fuse_is_held(t));
}
/* Does the node read array a? */
static inline bool fuse_node_reads(const lz_node* n, const lz_array* a) {
  for (uint32_t k = 0; k < n->n_inputs; k++)
    if (n->inputs[k] == a) return true;
  return false;
}

/* ---- groups ---------------------------------------------------------------
 */

/* Member k of n, those that are computed first coming first. */
static inline plan_node* fuse_member(
    const lz_plan* p, const plan_group* g, uint32_t k) {
  return &p->tape[g->members[g->n_members - 1 - k]];
}
/* Is the node of this tape index a member? */
bool fuse_holds(const plan_group* g, uint32_t i);
/* Of a group with a core: is it the core, or needed to compute it? */
bool fuse_stands_before(
    const lz_plan* p, const plan_group* g, const plan_node* t);
/* Does the kernel read array a from memory? */
bool fuse_reads(const plan_group* g, const lz_array* a);
/* Does a member read array a? */
bool fuse_has_reader(const lz_plan* p, const plan_group* g, const lz_array* a);
/* Is a member a view of array a? */
bool fuse_shows(const lz_plan* p, const plan_group* g, const lz_array* a);
/* Non-zero with a message: no memory. */
int fuse_add_input(lz_plan* p, plan_group* g, lz_array* a);
void fuse_drop_input(plan_group* g, const lz_array* a);
/* Makes the node a member. Whether it is its own group, and whether its value
 * is written, is the caller's to say. */
int fuse_add_member(
    lz_plan* p, uint32_t i, plan_group* g, unsigned kinds, int rows);
/* Tells the node's producers that it runs in group g (NULL: as a step of its
 * own), whose place is tape index + 1 `at`. */
int fuse_note_users(lz_plan* p, const lz_node* n, plan_group* g, uint32_t at);

/* ---- decisions ------------------------------------------------------------
 */

typedef struct fuse_verdict {
  int reason; /* enum lazuli_refusal; 0: fits */
  uint64_t limit, value;
} fuse_verdict;

/* Whether group g can take in t, whose value would leave the kernel where
 * `output`; then the kinds that it still has, and its rows. */
fuse_verdict fuse_fits(
    lz_plan* p,
    const plan_node* t,
    bool output,
    const plan_group* g,
    unsigned* kinds,
    int* rows);

/* fuse_kinds.c: the kinds that group g can be run as with t as a member, and
 * the rows it then has. 0: none, and *v says why. */
unsigned fuse_kinds(
    lz_plan* p,
    const plan_node* t,
    bool output,
    const plan_group* g,
    int* rows,
    fuse_verdict* v);

/* fuse_report.c, for who watches. After fuse_report_open: one refusal for each
 * neighbour that reads node i from memory and could have taken it in; one for
 * each that reads it through views which are in no kernel. */
int fuse_report_open(lz_plan* p);
void fuse_report(lz_plan* p, uint32_t i, fuse_verdict v);
void fuse_report_views(lz_plan* p, uint32_t i);

/* fuse_again.c: lets groups that read element-wise node i from memory compute
 * it once more instead, where that moves fewer bytes. Before its own group is
 * chosen. */
int fuse_again(lz_plan* p, uint32_t i);

/* fuse_merge.c: joins groups that read the same arrays. */
int fuse_merge(lz_plan* p);

#endif
