/* Fusion: which nodes share one kernel.
 *
 * The tape is walked from its end. A node joins the kernel of the earliest of
 * its users when that still has a form with it (fuse_kinds.c); its value then
 * stays out of memory, unless others read it too. A kernel runs at the place of
 * its root, the last of its nodes; whoever else reads a value of it has a later
 * place, so kernels never wait for each other in a circle. Of those, some may
 * rather compute the value again than read it (fuse_again.c).
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
#include "eval/fuse.h"
#include "eval/settings.h"
#include "probe/probe.h"

bool fuse_reads(const plan_group* g, const lz_array* a) {
  for (uint32_t i = 0; i < g->n_inputs; i++)
    if (g->inputs[i] == a) return true;
  return false;
}

bool fuse_holds(const plan_group* g, uint32_t i) {
  for (uint32_t k = 0; k < g->n_members; k++)
    if (g->members[k] == i) return true;
  return false;
}

bool fuse_stands_before(
    const lz_plan* p, const plan_group* g, const plan_node* t) {
  uint32_t i = (uint32_t)(t - p->tape) + 1;
  if (i >= g->core) return i == g->core;
  for (uint32_t k = 0; k < g->n_members; k++) {
    const plan_node* u = fuse_member(p, g, k);
    if (u > t && fuse_node_reads(u->node, t->out))
      return fuse_stands_before(p, g, u);
  }
  return false;
}

bool fuse_has_reader(const lz_plan* p, const plan_group* g, const lz_array* a) {
  for (uint32_t k = 0; k < g->n_members; k++)
    if (fuse_node_reads(fuse_member(p, g, k)->node, a)) return true;
  return false;
}

bool fuse_shows(const lz_plan* p, const plan_group* g, const lz_array* a) {
  for (uint32_t k = 0; k < g->n_members; k++) {
    const lz_node* n = fuse_member(p, g, k)->node;
    if ((n->op->flags & OP_VIEW) && fuse_node_reads(n, a)) return true;
  }
  return false;
}

int fuse_add_input(lz_plan* p, plan_group* g, lz_array* a) {
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

void fuse_drop_input(plan_group* g, const lz_array* a) {
  for (uint32_t i = 0; i < g->n_inputs; i++)
    if (g->inputs[i] == a) {
      g->inputs[i] = g->inputs[--g->n_inputs];
      return;
    }
}

int fuse_add_member(
    lz_plan* p, uint32_t i, plan_group* g, unsigned kinds, int rows) {
  const plan_node* t = &p->tape[i];
  const lz_node* n = t->node;
  if (g->n_members == g->max_members) {
    uint32_t max = g->max_members ? 2 * g->max_members : 4;
    uint32_t* more = plan_alloc(p, max * sizeof *more);
    if (!more) return 1;
    if (g->n_members) memcpy(more, g->members, g->n_members * sizeof *more);
    g->members = more;
    g->max_members = max;
  }
  g->members[g->n_members++] = i;
  g->kinds = (uint8_t)kinds;
  g->rows = (uint8_t)rows;
  bool elementwise = fuse_is_elementwise(t);
  if (!elementwise && !(n->op->flags & OP_VIEW)) g->core = i + 1;
  g->plain &= elementwise && array_same_shape(t->out, p->tape[g->root].out);
  fuse_drop_input(g, t->out);
  for (uint32_t k = 0; k < n->n_inputs; k++)
    if (fuse_add_input(p, g, n->inputs[k])) return 1;
  return 0;
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
         (f->made && f->made(t->node) ? GROUP_MATMUL : 0) |
         (f->from && t->node->inputs[0]->size >= 8 * t->out->size ? GROUP_REDUCE
                                                                  : 0);
}

static int fuse_open(lz_plan* p, uint32_t i, unsigned kinds) {
  plan_node* t = &p->tape[i];
  plan_group* g = plan_alloc(p, sizeof *g);
  if (!g) return 1;
  g->root = i;
  g->n_outputs = 1;
  g->plain = true;
  t->group = g;
  t->written = 1;
  bool elementwise = fuse_is_elementwise(t);
  const lz_fusable* f = t->node->op->fusable;
  int rows = elementwise ? t->out->ndim : f->rows ? f->rows(t->node) : 0;
  return fuse_add_member(p, i, g, kinds, rows);
}

static int fuse_join(
    lz_plan* p, uint32_t i, plan_group* g, unsigned kinds, int rows) {
  plan_node* t = &p->tape[i];
  t->group = g;
  t->written = fuse_is_output(t);
  g->n_outputs += t->written;
  return fuse_add_member(p, i, g, kinds, rows);
}

static uint32_t fuse_new_inputs(const plan_group* g, const lz_node* n) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < n->n_inputs; i++)
    count += !fuse_reads(g, n->inputs[i]);
  return count;
}

fuse_verdict fuse_fits(
    lz_plan* p,
    const plan_node* t,
    bool output,
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
  if (g->n_outputs + output > FUSE_MAX_OUTPUTS)
    return (fuse_verdict){
        LAZULI_REFUSAL_TOO_MANY_OUTPUTS, FUSE_MAX_OUTPUTS, g->n_outputs + 1};
  fuse_verdict v = {0, 0, 0};
  *kinds = fuse_kinds(p, t, output, g, rows, &v);
  return *kinds ? (fuse_verdict){0, 0, 0} : v;
}

static int fuse_add_other(lz_plan* p, plan_node* t, plan_group* g) {
  if (!g) {
    t->apart = 1;
    return 0;
  }
  uint32_t n = 0;
  for (const plan_reader* r = t->others; r; r = r->next, n++)
    if (r->group == g) return 0;
  if (n == FUSE_MAX_READERS) {
    t->apart = t->crowded = 1;
    return 0;
  }
  plan_reader* r = plan_alloc(p, sizeof *r);
  if (!r) return 1;
  *r = (plan_reader){g, t->others};
  t->others = r;
  return 0;
}

int fuse_note_users(lz_plan* p, const lz_node* n, plan_group* g, uint32_t at) {
  for (uint32_t k = 0; k < n->n_inputs; k++) {
    plan_node* t = plan_node_of(p, n->inputs[k]);
    if (!t || t->user_at == at) continue;
    if (!t->user_at) {
      t->user_at = at;
      t->user = g;
      continue;
    }
    plan_group* other = g;
    if (at < t->user_at) {
      other = t->user;
      t->user_at = at;
      t->user = g;
    }
    t->shared = 1;
    if (fuse_add_other(p, t, other)) return 1;
  }
  return 0;
}

/* Whether a view in a group will leave it, since what it shows does not join:
 * then the view has its own place, before the group's. */
static bool fuse_is_left(lz_plan* p, const plan_node* t) {
  if (t->crowded) return true;
  for (const plan_reader* r = t->others; r; r = r->next)
    if (fuse_shows(p, r->group, t->out)) return true;
  unsigned kinds;
  int rows;
  return t->user && fuse_shows(p, t->user, t->out) &&
         fuse_fits(p, t, fuse_is_output(t), t->user, &kinds, &rows).reason;
}

static int fuse_place(lz_plan* p, uint32_t i) {
  plan_node* t = &p->tape[i];
  const lz_fusable* f = t->node->op->fusable;
  if (!t->out || (!fuse_is_elementwise(t) && !f)) return 0;
  bool view = t->node->op->flags & OP_VIEW;
  unsigned alone = fuse_kinds_of(t);
  if (t->others && fuse_is_elementwise(t) && fuse_again(p, i)) return 1;
  if (t->others && fuse_is_left(p, t))
    return alone ? fuse_open(p, i, alone) : 0;
  if (t->user && !(t->shared && view)) {
    unsigned kinds = 0;
    int rows = 0;
    fuse_verdict v = fuse_fits(p, t, fuse_is_output(t), t->user, &kinds, &rows);
    if (!v.reason) {
      int failed = fuse_join(p, i, t->user, kinds, rows);
      if (t->shared && p->reader)
        fuse_report(p, i, (fuse_verdict){LAZULI_REFUSAL_SHARED, 1, t->uses});
      return failed;
    }
    if (t->shared && v.reason == LAZULI_REFUSAL_SHAPE)
      v = (fuse_verdict){LAZULI_REFUSAL_SHARED, 1, t->uses};
    if (p->reader && !view) fuse_report(p, i, v);
  }
  return alone ? fuse_open(p, i, alone) : 0;
}

/* ---- when all members are known ------------------------------------------ */

static int fuse_leave(lz_plan* p, plan_group* g, plan_node* t) {
  t->group = NULL;
  t->written = 0;
  for (uint32_t k = 0; k < t->node->n_inputs; k++) {
    const lz_array* a = t->node->inputs[k];
    if (!fuse_has_reader(p, g, a)) fuse_drop_input(g, a);
  }
  return fuse_add_input(p, g, t->out);
}

/* Views whose input stayed outside show it where it stands. */
static int fuse_drop_views(lz_plan* p, plan_group* g) {
  for (uint32_t k = g->n_members; k-- > 0;) {
    plan_node* t = &p->tape[g->members[k]];
    if (!(t->node->op->flags & OP_VIEW)) continue;
    const plan_node* producer = plan_node_of(p, t->node->inputs[0]);
    if (producer && fuse_holds(g, (uint32_t)(producer - p->tape))) continue;
    g->n_members--;
    memmove(
        &g->members[k],
        &g->members[k + 1],
        (g->n_members - k) * sizeof *g->members);
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
  for (uint32_t k = 0; k < g->n_members; k++) {
    const plan_node* t = fuse_member(p, g, k);
    bool elementwise = fuse_is_elementwise(t);
    plain &= elementwise && array_same_shape(t->out, root);
    cores += !elementwise && !(t->node->op->flags & OP_VIEW);
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
  bool watched = PROBE_ON();
  if (watched && fuse_report_open(p)) return 1;
  for (uint32_t i = p->n_tape; i-- > 0;) {
    if (p->tape[i].dead) continue;
    if (fuse_place(p, i)) return 1;
    const plan_node* t = &p->tape[i];
    uint32_t at = (t->group ? t->group->root : i) + 1;
    if (fuse_note_users(p, t->node, t->group, at)) return 1;
    if (watched) fuse_report_views(p, i);
  }
  if (settings_fuse() && fuse_merge(p)) return 1;
  for (uint32_t i = 0; i < p->n_tape; i++) {
    plan_node* t = &p->tape[i];
    plan_group* g = t->group;
    if (t->dead) continue;
    if (g && g->root == i && fuse_finish(p, g)) return 1;
    t->held = t->out && (t->wanted || fuse_is_held(t));
  }
  return 0;
}
