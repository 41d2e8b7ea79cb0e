/* A value that several kernels read is written by the first and read by the
 * others, or is computed in each of them: whichever moves fewer bytes.
 *
 * What it takes to compute it again in a kernel are the element-wise nodes
 * behind it, back to what that kernel reads already, which is free, and to what
 * it must read besides. With that it must
 *
 *   move fewer bytes than reading the value does, and writing it, where all
 *   kernels but the first can do without it;
 *   keep alive no more bytes than the value has;
 *   cost less time than the bytes it saves.
 *
 * The nodes behind the value are asked the same when their turn comes, and find
 * the kernel among their readers: here only the way is looked at. */
#include <string.h>

#include "eval/blueprint.h"
#include "eval/fuse.h"

/* AGAIN_MIN_BYTES  of the value: less stays in the cache
 * AGAIN_COST       that one byte less is worth, in units of ew_cost: memory
 *                  gives some 10 GB/s to two cores, which do some 30 additions
 *                  of cached floats in the time of 8 bytes */
#if defined(LAZULI_HOSTILE)
enum { AGAIN_MIN_BYTES = 1, AGAIN_COST = 1000 };
#else
enum { AGAIN_MIN_BYTES = 64 << 10, AGAIN_COST = 3 };
#endif
/* AGAIN_SMALL  arrays of such a part of the value's size do not count */
enum { AGAIN_MAX_NODES = 16, AGAIN_SMALL = 64 };

typedef struct again_way {
  const plan_group* g;
  const lz_array* value;
  uint32_t nodes[AGAIN_MAX_NODES]; /* tape indices */
  const lz_array* reads[AGAIN_MAX_NODES];
  uint32_t n, n_reads;
  uint64_t moved; /* bytes read besides, and written for it */
  uint64_t alive; /* bytes read besides */
  int cost;       /* of one element */
} again_way;

static bool again_reads(again_way* w, const lz_array* a, bool written) {
  if (a->size <= w->value->size / AGAIN_SMALL) return true;
  for (uint32_t k = 0; k < w->n_reads; k++)
    if (w->reads[k] == a) return true;
  if (w->n_reads == AGAIN_MAX_NODES) return false;
  w->reads[w->n_reads++] = a;
  w->alive += array_nbytes(a);
  w->moved += (written ? 1 : 2) * array_nbytes(a);
  return true;
}

/* Whether node i can be computed in the kernel. */
static bool again_walk(lz_plan* p, again_way* w, uint32_t i) {
  const lz_node* n = p->tape[i].node;
  if (fuse_holds(w->g, i)) return true;
  for (uint32_t k = 0; k < w->n; k++)
    if (w->nodes[k] == i) return true;
  if (w->n == AGAIN_MAX_NODES) return false;
  w->nodes[w->n++] = i;
  w->cost += ew_cost((ew_op)n->op->elementwise);
  for (uint32_t k = 0; k < n->n_inputs; k++) {
    const lz_array* a = n->inputs[k];
    if (fuse_reads(w->g, a)) continue;
    const plan_node* t = plan_node_of(p, a);
    bool further = t && fuse_is_elementwise(t) && a->size == w->value->size &&
                   t->node->stream == n->stream &&
                   t->node->op->elementwise < EW_COUNT;
    if (further) {
      if (!again_walk(p, w, (uint32_t)(t - p->tape))) return false;
      continue;
    }
    /* What another kernel would have kept to itself must be written too. */
    bool written = !t || t->wanted || t->uses > 1 || !t->node->op->fusable;
    if (!again_reads(w, a, written)) return false;
  }
  return true;
}

/* Whether group g does better to compute node i than to read it, when that
 * saves so many bytes. */
static bool again_pays(
    lz_plan* p, uint32_t i, const plan_group* g, uint64_t saved) {
  const plan_node* t = &p->tape[i];
  again_way w = {.g = g, .value = t->out};
  unsigned kinds;
  int rows;
  /* A view shows memory, and a value computed again has none; but of an operand
   * that is made it is the way it is made. */
  if (g->kinds != GROUP_MATMUL && fuse_shows(p, g, t->out)) return false;
  if (!again_walk(p, &w, i)) return false;
  if (w.alive > array_nbytes(t->out) || w.moved >= saved) return false;
  if ((uint64_t)w.cost * (uint64_t)t->out->size > AGAIN_COST * saved)
    return false;
  if (g->n_members + w.n > FUSE_MAX_MEMBERS) return false;
  return !fuse_fits(p, t, false, g, &kinds, &rows).reason;
}

static int again_join(lz_plan* p, uint32_t i, plan_group* g) {
  const plan_node* t = &p->tape[i];
  unsigned kinds;
  int rows;
  fuse_fits(p, t, false, g, &kinds, &rows);
  return fuse_add_member(p, i, g, kinds, rows) ||
         fuse_note_users(p, t->node, g, g->root + 1);
}

/* Could the value stay out of memory if no other kernel read it? */
static bool again_can_vanish(lz_plan* p, const plan_node* t) {
  unsigned kinds;
  int rows;
  if (t->wanted || t->apart || !t->user) return false;
  if ((t->out->flags & ARRAY_ABSORBED) && fuse_is_held(t)) return false;
  return !fuse_fits(p, t, false, t->user, &kinds, &rows).reason;
}

int fuse_again(lz_plan* p, uint32_t i) {
  plan_node* t = &p->tape[i];
  uint64_t bytes = array_nbytes(t->out), readers = 0;
  if (bytes < AGAIN_MIN_BYTES || t->node->op->elementwise >= EW_COUNT) return 0;
  bool vanishes = again_can_vanish(p, t);
  for (const plan_reader* r = t->others; r; r = r->next) readers++;
  for (const plan_reader* r = t->others; r && vanishes; r = r->next)
    vanishes = again_pays(p, i, r->group, bytes + bytes / readers);
  plan_reader** link = &t->others;
  while (*link) {
    plan_group* g = (*link)->group;
    if (!vanishes && !again_pays(p, i, g, bytes)) {
      link = &(*link)->next;
      continue;
    }
    if (again_join(p, i, g)) return 1;
    *link = (*link)->next;
  }
  t->shared = t->others || t->apart;
  return 0;
}
