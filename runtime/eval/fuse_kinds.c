/* What a group can become when a node joins it.
 *
 * An element-wise node of the root's shape fits every kind. Others cost some:
 *
 *   reduction            REDUCE if all members so far have its output's shape,
 *                        ROWS if rows are left whole
 *   softmax, norm, view  ROWS
 *   matrix product       MATMUL
 *   element-wise, before the input of the reduction of a REDUCE, an operand of
 *   those                the product of a MATMUL; ROWS
 *
 * For ROWS all members must have the same leading axes, as many of them as
 * every operation leaves apart; there must be enough rows for every thread, and
 * a row's values must stay in the cache. */
#include "eval/fuse.h"
#include "eval/fused.h"
#include "ops/view.h"
#include "stream/pool.h"

static bool kinds_is_view(const plan_node* t) {
  return t->node->op->flags & OP_VIEW;
}

/* Leading axes that two shapes share. */
static int kinds_common(const lz_array* a, const lz_array* b) {
  int n = 0;
  while (n < a->ndim && n < b->ndim && a->shape[n] == b->shape[n]) n++;
  return n;
}

/* Leading axes of t that member u, which reads it, leaves apart. */
static int kinds_edge(const plan_node* t, const plan_node* u) {
  if (fuse_is_elementwise(u))
    return u->out->ndim == t->out->ndim ? u->out->ndim : 0;
  const lz_fusable* f = u->node->op->fusable;
  for (uint32_t k = 0; k < u->node->n_inputs; k++)
    if (u->node->inputs[k] == t->out && !(f->row_inputs & (1u << k))) return 0;
  /* Strides of 0 cannot be shown in another shape. */
  if (kinds_is_view(u) && t->node->op == &op_broadcast_desc) return 0;
  return u->out->ndim > t->out->ndim ? u->out->ndim : t->out->ndim;
}

static int64_t kinds_row_count(const lz_array* a, int rows) {
  int64_t n = 1;
  for (int d = 0; d < rows; d++) n *= a->shape[d];
  return n;
}

/* Bytes of a row of all members. */
static uint64_t kinds_row_bytes(
    lz_plan* p, const plan_group* g, const plan_node* t, int rows) {
  uint64_t count = (uint64_t)kinds_row_count(t->out, rows);
  uint64_t bytes = array_nbytes(t->out);
  for (uint32_t k = 0; k < g->n_members; k++) {
    const plan_node* u = fuse_member(p, g, k);
    if (!kinds_is_view(u)) bytes += array_nbytes(u->out);
  }
  return count ? bytes / count : bytes;
}

/* Rows with t among the members; 0 and the reason: they do not fit. */
static int kinds_rows(
    lz_plan* p, const plan_node* t, const plan_group* g, fuse_verdict* v) {
  const lz_array* root = p->tape[g->root].out;
  int rows = kinds_common(t->out, root);
  if (rows > g->rows) rows = g->rows;
  for (uint32_t k = 0; k < g->n_members; k++) {
    const plan_node* u = fuse_member(p, g, k);
    if (!fuse_node_reads(u->node, t->out)) continue;
    int edge = kinds_edge(t, u);
    if (edge < rows) rows = edge;
  }
  if (!fuse_is_elementwise(t)) {
    int own = t->node->op->fusable->rows(t->node);
    if (own < rows) rows = own;
  }
  if (rows <= 0) {
    *v = (fuse_verdict){
        LAZULI_REFUSAL_SHAPE, (uint64_t)root->size, (uint64_t)t->out->size};
    return 0;
  }
  int64_t count = kinds_row_count(root, rows);
  uint64_t bytes = kinds_row_bytes(p, g, t, rows);
  int64_t least = (int64_t)FUSED_THREAD_ROWS * pool_threads();
  if (count < least && bytes * (uint64_t)count > FUSED_SMALL) {
    *v = (fuse_verdict){LAZULI_REFUSAL_ROWS, (uint64_t)least, (uint64_t)count};
    return 0;
  }
  if (bytes > FUSED_ROW_BYTES) {
    *v = (fuse_verdict){LAZULI_REFUSAL_SCRATCH, FUSED_ROW_BYTES, bytes};
    return 0;
  }
  return rows;
}

/* A value of another shape than the root's is worth rows if some operation
 * stands behind it that reads more than it gives: else it is small, and
 * computed once for all rows in a kernel of its own. */
static bool kinds_reaches_core(lz_plan* p, const plan_node* t, int depth) {
  const lz_node* n = t->node;
  const lz_fusable* f = n->op->fusable;
  if (f && f->run) return true;
  if (depth == 0) return false;
  for (uint32_t k = 0; k < n->n_inputs; k++) {
    const plan_node* producer = plan_node_of(p, n->inputs[k]);
    if (!producer || !producer->out) continue;
    bool passes =
        fuse_is_elementwise(producer) ||
        (producer->node->op->fusable &&
         (kinds_is_view(producer) || producer->node->op->fusable->run));
    if (passes && kinds_reaches_core(p, producer, depth - 1)) return true;
  }
  return false;
}

/* A view joins only with what it shows. */
static bool kinds_brings_input(lz_plan* p, const plan_node* t) {
  const plan_node* producer = plan_node_of(p, t->node->inputs[0]);
  if (!producer || !producer->out || producer->uses != 1) return false;
  if (fuse_is_elementwise(producer)) return true;
  const lz_fusable* f = producer->node->op->fusable;
  if (!f) return false;
  return f->run || (kinds_is_view(producer) && kinds_brings_input(p, producer));
}

/* Whether a member that is element-wise broadcasts t. */
static bool kinds_is_spread(
    lz_plan* p, const plan_node* t, const plan_group* g) {
  for (uint32_t k = 0; k < g->n_members; k++) {
    const plan_node* u = fuse_member(p, g, k);
    if (fuse_is_elementwise(u) && u->out->size != t->out->size &&
        fuse_node_reads(u->node, t->out))
      return true;
  }
  return false;
}

/* Whether the node could be the root of rows that begin at an operation which
 * sees whole rows. */
static bool kinds_ends_rows(lz_plan* p, const plan_node* t) {
  for (uint32_t k = 0; k < t->node->n_inputs; k++) {
    const plan_node* from = plan_node_of(p, t->node->inputs[k]);
    const lz_fusable* f = from ? from->node->op->fusable : NULL;
    if (f && f->run && from->uses == 1 && f->rows(from->node)) return true;
  }
  return false;
}

/* Members that a REDUCE runs before its reduction have its input's shape, those
 * after it the output's. */
static bool kinds_reduce(
    lz_plan* p, const plan_node* t, const plan_group* g, bool output) {
  if (!fuse_is_elementwise(t)) {
    const lz_fusable* f = t->node->op->fusable;
    return !g->core && g->plain && f->from &&
           array_same_shape(t->out, p->tape[g->root].out) &&
           t->node->inputs[0]->size >= 8 * t->out->size;
  }
  const lz_array* root = p->tape[g->root].out;
  if (!g->core) return array_same_shape(t->out, root);
  const lz_array* big = p->tape[g->core - 1].node->inputs[0];
  bool before = array_same_shape(t->out, big);
  if (!before && !array_same_shape(t->out, root)) return false;
  if (before && (output || kinds_ends_rows(p, t))) return false;
  for (uint32_t k = 0; k < g->n_members; k++) {
    const plan_node* u = fuse_member(p, g, k);
    if (!fuse_node_reads(u->node, t->out)) continue;
    bool reader_before =
        u == &p->tape[g->core - 1] || array_same_shape(u->out, big);
    if (reader_before != before) return false;
  }
  return true;
}

/* Whether members of a MATMUL that read the value all stand before the product.
 * -1: nobody reads it there, or some stand before and some after. */
static int kinds_reader_side(
    lz_plan* p, const plan_node* t, const plan_group* g) {
  int side = -1;
  for (uint32_t k = 0; k < g->n_members; k++) {
    const plan_node* u = fuse_member(p, g, k);
    if (!fuse_node_reads(u->node, t->out)) continue;
    int before = fuse_stands_before(p, g, u);
    if (side >= 0 && side != before) return -1;
    side = before;
  }
  return side;
}

static bool kinds_turns(const plan_node* t) {
  const lz_fusable* f = t->node->op->fusable;
  return f->turns && f->turns(t->node);
}

/* The member that makes the array, t being one; NULL: none does. */
static const plan_node* kinds_maker(
    lz_plan* p, const plan_group* g, const plan_node* t, const lz_array* a) {
  const plan_node* from = plan_node_of(p, a);
  if (from == t) return t;
  return from && fuse_holds(g, (uint32_t)(from - p->tape)) ? from : NULL;
}

/* With t before the product of a MATMUL: the array whose elements are made, as
 * an operand or behind views of it; NULL: it cannot be. */
static const lz_array* kinds_operand(
    lz_plan* p, const plan_node* t, const plan_group* g) {
  const lz_node* core = p->tape[g->core - 1].node;
  const lz_fusable* f = core->op->fusable;
  uint32_t possible = f->made ? f->made(core) : 0;
  const lz_array* operand = NULL;
  for (uint32_t k = 0; k < core->n_inputs; k++) {
    const lz_array* a = core->inputs[k];
    const plan_node* from = kinds_maker(p, g, t, a);
    if (!from) continue;
    if (operand) return NULL;
    bool turned = kinds_is_view(from) && kinds_turns(from);
    for (; from && kinds_is_view(from); from = kinds_maker(p, g, t, a))
      a = from->node->inputs[0];
    if (!(possible & (1u << (turned ? k + 16 : k)))) return NULL;
    operand = a;
  }
  return operand;
}

/* A view through which an operand can be made: one that turns it, or another
 * count of the same rows, of a value that can be made. */
static bool kinds_shows(lz_plan* p, const plan_node* t, const plan_group* g) {
  const lz_array *in = t->node->inputs[0], *out = t->out;
  const plan_node* from = plan_node_of(p, in);
  if (!from || !from->out || in->ndim < 2) return false;
  if (kinds_turns(t)) {
    if (!fuse_node_reads(p->tape[g->core - 1].node, out)) return false;
  } else if (
      in->size != out->size || out->ndim < 2 ||
      in->shape[in->ndim - 1] != out->shape[out->ndim - 1]) {
    return false;
  }
  bool further = kinds_is_view(from) && from->node->op->fusable;
  return (fuse_is_elementwise(from) || further) && kinds_operand(p, t, g);
}

/* Whether an operation would take the value in behind it, as what is left of a
 * chain that only this value's readers need: it does so at no price. */
static bool kinds_follows_core(lz_plan* p, const plan_node* t, int depth) {
  for (uint32_t k = 0; k < t->node->n_inputs; k++) {
    const plan_node* from = plan_node_of(p, t->node->inputs[k]);
    if (!from || !from->out || from->uses != 1) continue;
    const lz_fusable* f = from->node->op->fusable;
    if (f && (f->tiled || f->run || f->from)) return true;
    if (depth && fuse_is_elementwise(from) &&
        kinds_follows_core(p, from, depth - 1))
      return true;
  }
  return false;
}

/* Members that make an operand have its shape and serve nothing else, those
 * after the product the root's. */
static bool kinds_matmul(
    lz_plan* p,
    const plan_node* t,
    const plan_group* g,
    bool output,
    fuse_verdict* v) {
  const lz_array* root = p->tape[g->root].out;
  if (kinds_is_view(t))
    return g->core && !output && kinds_reader_side(p, t, g) > 0 &&
           kinds_shows(p, t, g);
  int before =
      g->core && fuse_is_elementwise(t) ? kinds_reader_side(p, t, g) : 0;
  if (before > 0) {
    const lz_array* operand = kinds_operand(p, t, g);
    if (!operand || !array_same_shape(t->out, operand)) return false;
    if (output)
      *v = (fuse_verdict){LAZULI_REFUSAL_SHARED, 1, t->uses};
    else if (kinds_follows_core(p, t, 4))
      *v = (fuse_verdict){LAZULI_REFUSAL_TAKEN, 0, 0};
    else
      return true;
    return false;
  }
  if (before < 0 || !array_same_shape(t->out, root)) return false;
  if (fuse_is_elementwise(t)) return true;
  return !g->core && g->plain && t->node->op->fusable->tiled &&
         dtype_size((lz_dtype)t->out->dtype) ==
             dtype_size((lz_dtype)root->dtype);
}

unsigned fuse_kinds(
    lz_plan* p,
    const plan_node* t,
    bool output,
    const plan_group* g,
    int* rows,
    fuse_verdict* v) {
  const lz_array* root = p->tape[g->root].out;
  bool elementwise = fuse_is_elementwise(t);
  bool same = array_same_shape(t->out, root);
  unsigned kinds = g->kinds;
  *rows = g->rows;
  /* A ramp counts from the first element of what its program runs over, which
   * must be all of it and no block of rows, nor a part of a product. */
  if (elementwise && t->node->op->elementwise == EW_IOTA)
    kinds &= ~(unsigned)(GROUP_ROWS | GROUP_MATMUL);
  if (elementwise && same && g->plain) return kinds;
  if (t->out->size == 0 || root->size == 0) kinds &= GROUP_PROGRAM;
  const lz_fusable* f = t->node->op->fusable;
  *v = (fuse_verdict){
      LAZULI_REFUSAL_SHAPE, (uint64_t)root->size, (uint64_t)t->out->size};
  kinds &= ~(unsigned)GROUP_PROGRAM;
  if ((kinds & GROUP_REDUCE) && !kinds_reduce(p, t, g, output))
    kinds &= ~(unsigned)GROUP_REDUCE;
  if ((kinds & GROUP_MATMUL) && !kinds_matmul(p, t, g, output, v))
    kinds &= ~(unsigned)GROUP_MATMUL;
  if (kinds & GROUP_ROWS) {
    bool fits = elementwise || kinds_is_view(t) || f->run;
    if (fits && kinds_is_view(t))
      fits = !output && kinds_brings_input(p, t);
    else if (fits && elementwise && kinds_is_spread(p, t, g))
      fits = kinds_reaches_core(p, t, 8);
    int now = fits ? kinds_rows(p, t, g, v) : 0;
    if (now)
      *rows = now;
    else
      kinds &= ~(unsigned)GROUP_ROWS;
  }
  if (!kinds && g->core && !elementwise && v->reason == LAZULI_REFUSAL_SHAPE)
    *v = (fuse_verdict){LAZULI_REFUSAL_TOO_MANY_CORES, 1, 2};
  return kinds;
}
