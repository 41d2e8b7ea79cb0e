/* Fusion: which nodes share one kernel.
 *
 * The tape is walked from its end. A node joins the kernel of the earliest of
 * its users when that still has a form with it (fuse_kinds.c); its value then
 * stays out of memory, unless others read it too. A kernel runs at the place of
 * its root, the last of its nodes; whoever else reads a value of it has a later
 * place, so kernels never wait for each other in a circle.
 *
 * A value inside a group is written after all when the caller asked for it. One
 * that is merely held by a handle is not: it stays lazy (ARRAY_ABSORBED) and is
 * computed again if ever needed; the second kernel that computes it writes it,
 * so no value is computed more than twice.
 */
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "eval/blueprint.h"
#include "eval/plan.h"
#include "eval/settings.h"
#include "probe/probe.h"

static bool fuse_reads(const plan_group* g, const lz_array* a) {
  for (uint32_t i = 0; i < g->n_inputs; i++)
    if (g->inputs[i] == a) return true;
  return false;
}

static int fuse_add_input(lz_plan* p, plan_group* g, lz_array* a) {
  if (fuse_reads(g, a)) return 0;
  if (g->n_inputs == g->max_inputs) {
    uint32_t max = g->max_inputs ? 2 * g->max_inputs : 4;
    lz_array** more = plan_alloc(p, max * sizeof *more);
    if (!more) return 1;
    if (g->n_inputs) memcpy(more, g->inputs, g->n_inputs * sizeof *more);
    g->inputs = more;
    g->max_inputs = max;
  }
  g->inputs[g->n_inputs++] = a;
  return 0;
}

static int fuse_add_inputs(lz_plan* p, plan_group* g, const lz_node* n) {
  for (uint32_t i = 0; i < n->n_inputs; i++)
    if (fuse_add_input(p, g, n->inputs[i])) return 1;
  return 0;
}

static void fuse_drop_input(plan_group* g, const lz_array* a) {
  for (uint32_t i = 0; i < g->n_inputs; i++)
    if (g->inputs[i] == a) {
      g->inputs[i] = g->inputs[--g->n_inputs];
      return;
    }
}

/* The kinds a group can have that begins with this node; 0: it stands alone. */
static unsigned fuse_kinds_of(const plan_node* t) {
  const lz_fusable* f = t->node->op->fusable;
  bool shared = settings_fuse() && t->node->stream->device == DEVICE_CPU;
  if (fuse_is_elementwise(t))
    return shared ? GROUP_PROGRAM | GROUP_ROWS | GROUP_REDUCE | GROUP_MATMUL
                  : GROUP_PROGRAM;
  if (!shared || !f || !t->out || (t->node->op->flags & OP_VIEW)) return 0;
  return (f->run && f->rows(t->node) ? GROUP_ROWS : 0) |
         (f->from && t->node->inputs[0]->size >= 8 * t->out->size ? GROUP_REDUCE
                                                                  : 0);
}

static int fuse_open(lz_plan* p, uint32_t i, unsigned kinds) {
  plan_node* t = &p->tape[i];
  plan_group* g = plan_alloc(p, sizeof *g);
  if (!g) return 1;
  g->root = i;
  g->first_member = i + 1;
  g->n_members = 1;
  g->n_outputs = 1;
  g->kinds = (uint8_t)kinds;
  g->plain = fuse_is_elementwise(t);
  g->core = g->plain ? 0 : i + 1;
  g->rows =
      (uint8_t)(g->plain ? t->out->ndim : t->node->op->fusable->rows(t->node));
  t->group = g;
  t->written = 1;
  return fuse_add_inputs(p, g, t->node);
}

static int fuse_join(
    lz_plan* p, uint32_t i, plan_group* g, unsigned kinds, int rows) {
  plan_node* t = &p->tape[i];
  g->kinds = (uint8_t)kinds;
  g->rows = (uint8_t)rows;
  if (!fuse_is_elementwise(t) && !(t->node->op->flags & OP_VIEW))
    g->core = i + 1;
  g->plain &=
      fuse_is_elementwise(t) && array_same_shape(t->out, p->tape[g->root].out);
  fuse_drop_input(g, t->out);
  t->group = g;
  t->next_member = g->first_member;
  g->first_member = i + 1;
  g->n_members++;
  t->written = fuse_is_output(t);
  g->n_outputs += t->written;
  return fuse_add_inputs(p, g, t->node);
}

static uint32_t fuse_new_inputs(const plan_group* g, const lz_node* n) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < n->n_inputs; i++)
    count += !fuse_reads(g, n->inputs[i]);
  return count;
}

static fuse_verdict fuse_fits(
    lz_plan* p,
    const plan_node* t,
    const plan_group* g,
    unsigned* kinds,
    int* rows) {
  const plan_node* root = &p->tape[g->root];
  if (!settings_fuse()) return (fuse_verdict){LAZULI_REFUSAL_DISABLED, 0, 0};
  if (t->node->stream != root->node->stream)
    return (fuse_verdict){
        LAZULI_REFUSAL_STREAM,
        (uint64_t)root->node->stream->index,
        (uint64_t)t->node->stream->index};
  if (g->n_members >= FUSE_MAX_MEMBERS)
    return (fuse_verdict){
        LAZULI_REFUSAL_TOO_LONG, FUSE_MAX_MEMBERS, g->n_members + 1};
  uint32_t inputs = g->n_inputs - 1 + fuse_new_inputs(g, t->node);
  if (inputs > FUSE_MAX_INPUTS)
    return (fuse_verdict){
        LAZULI_REFUSAL_TOO_MANY_INPUTS, FUSE_MAX_INPUTS, inputs};
  if (g->n_outputs + fuse_is_output(t) > FUSE_MAX_OUTPUTS)
    return (fuse_verdict){
        LAZULI_REFUSAL_TOO_MANY_OUTPUTS, FUSE_MAX_OUTPUTS, g->n_outputs + 1};
  fuse_verdict v = {0, 0, 0};
  *kinds = fuse_kinds(p, t, g, rows, &v);
  return *kinds ? (fuse_verdict){0, 0, 0} : v;
}

/* Could the node have taken in what it reads? */
static bool fuse_takes_in(const plan_node* t) {
  const lz_fusable* f = t->node->op->fusable;
  return fuse_is_elementwise(t) || (f && t->out && (f->run || f->from));
}

/* One refusal for each fusable neighbour that reads t from elsewhere. */
static void fuse_refuse(lz_plan* p, uint32_t i, fuse_verdict v) {
  plan_node* t = &p->tape[i];
  /* What stays apart is read; what stays apart from all is written too. */
  uint64_t bytes = (t->group ? 1 : 2) * array_nbytes(t->out);
  for (uint32_t j = i + 1, left = t->uses; j < p->n_tape && left; j++) {
    if (p->tape[j].dead) continue;
    lz_node* n = p->tape[j].node;
    bool reads = false;
    for (uint32_t k = 0; k < n->n_inputs; k++)
      if (n->inputs[k] == t->out) {
        reads = true;
        left--;
      }
    if (!reads || !fuse_takes_in(&p->tape[j]) ||
        (t->group && p->tape[j].group == t->group))
      continue;
    PROBE(
        refusal,
        .eval = p->eval,
        .producer = t->out->id,
        .consumer = p->tape[j].out->id,
        .reason = (uint8_t)v.reason,
        .limit = v.limit,
        .value = v.value,
        .bytes = bytes);
    blueprint_note_refusal(p, t->out, p->tape[j].out, &v, bytes);
  }
}

/* Tells the producers of a node that has its place by whom they are read. */
static void fuse_note_users(lz_plan* p, uint32_t i) {
  const plan_node* t = &p->tape[i];
  const lz_node* n = t->node;
  uint32_t at = (t->group ? t->group->root : i) + 1;
  for (uint32_t k = 0; k < n->n_inputs; k++) {
    plan_node* producer = plan_node_of(p, n->inputs[k]);
    if (!producer || producer->user_at == at) continue;
    if (producer->user_at) producer->shared = 1;
    if (producer->user_at && producer->user_at < at) continue;
    producer->user_at = at;
    producer->user = t->group;
  }
}

static int fuse_place(lz_plan* p, uint32_t i) {
  plan_node* t = &p->tape[i];
  const lz_fusable* f = t->node->op->fusable;
  if (!t->out || (!fuse_is_elementwise(t) && !f)) return 0;
  bool view = t->node->op->flags & OP_VIEW;
  unsigned alone = fuse_kinds_of(t);
  if (t->user && !(t->shared && view)) {
    unsigned kinds = 0;
    int rows = 0;
    fuse_verdict v = fuse_fits(p, t, t->user, &kinds, &rows);
    if (!v.reason) {
      int failed = fuse_join(p, i, t->user, kinds, rows);
      if (t->shared && PROBE_ON())
        fuse_refuse(p, i, (fuse_verdict){LAZULI_REFUSAL_SHARED, 1, t->uses});
      return failed;
    }
    if (t->shared && v.reason == LAZULI_REFUSAL_SHAPE)
      v = (fuse_verdict){LAZULI_REFUSAL_SHARED, 1, t->uses};
    if (PROBE_ON() && !view) fuse_refuse(p, i, v);
  }
  return alone ? fuse_open(p, i, alone) : 0;
}

/* ---- when all members are known ------------------------------------------ */

static bool fuse_has_reader(
    lz_plan* p, const plan_group* g, const lz_array* a) {
  for (uint32_t i = g->first_member; i; i = p->tape[i - 1].next_member)
    if (fuse_node_reads(p->tape[i - 1].node, a)) return true;
  return false;
}

static int fuse_leave(lz_plan* p, plan_group* g, plan_node* t) {
  t->group = NULL;
  t->written = 0;
  g->n_members--;
  for (uint32_t k = 0; k < t->node->n_inputs; k++) {
    const lz_array* a = t->node->inputs[k];
    if (!fuse_has_reader(p, g, a)) fuse_drop_input(g, a);
  }
  return fuse_add_input(p, g, t->out);
}

/* Views whose input stayed outside show it where it stands. */
static int fuse_drop_views(lz_plan* p, plan_group* g) {
  uint32_t* link = &g->first_member;
  while (*link) {
    plan_node* t = &p->tape[*link - 1];
    bool inside = true;
    if (t->node->op->flags & OP_VIEW) {
      const plan_node* producer = plan_node_of(p, t->node->inputs[0]);
      inside = producer && producer->group == g;
    }
    if (inside) {
      link = &t->next_member;
      continue;
    }
    *link = t->next_member;
    if (fuse_leave(p, g, t)) return 1;
  }
  return 0;
}

/* Settles the kind. A core alone is no group. */
static int fuse_finish(lz_plan* p, plan_group* g) {
  if (g->plain) {
    g->kinds = GROUP_PROGRAM;
    return 0;
  }
  if (fuse_drop_views(p, g)) return 1;
  const lz_array* root = p->tape[g->root].out;
  bool plain = true;
  uint32_t cores = 0;
  for (uint32_t i = g->first_member; i; i = p->tape[i - 1].next_member) {
    const plan_node* t = &p->tape[i - 1];
    bool elementwise = fuse_is_elementwise(t);
    plain &= elementwise && array_same_shape(t->out, root);
    cores += !elementwise;
  }
  if (plain)
    g->kinds = GROUP_PROGRAM;
  else if (g->n_members == 1)
    p->tape[g->root].group = NULL;
  else if (cores == 1 && (g->kinds & GROUP_MATMUL))
    g->kinds = GROUP_MATMUL;
  else if (cores == 1 && (g->kinds & GROUP_REDUCE))
    g->kinds = GROUP_REDUCE;
  else
    g->kinds = GROUP_ROWS;
  return 0;
}

int fuse(lz_plan* p) {
  for (uint32_t i = p->n_tape; i-- > 0;) {
    if (p->tape[i].dead) continue;
    if (fuse_place(p, i)) return 1;
    fuse_note_users(p, i);
  }
  for (uint32_t i = 0; i < p->n_tape; i++) {
    plan_node* t = &p->tape[i];
    plan_group* g = t->group;
    if (t->dead) continue;
    if (g && g->root == i && fuse_finish(p, g)) return 1;
    t->held = t->out && (t->wanted || fuse_is_held(t));
  }
  return 0;
}
