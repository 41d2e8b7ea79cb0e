/* Kernels that read the same memory: one pass instead of two.
 *
 * Element-wise groups of one shape, neither of which waits for the other, share
 * a kernel if they read an array in common. It runs at the place of the later
 * one: whoever reads the earlier must have its place behind that, and what only
 * the earlier read lives on until then, so it must not be more than what the
 * earlier gives. */
#include <string.h>

#include "eval/blueprint.h"
#include "eval/fuse.h"

/* MERGE_MIN_BYTES of the common array: less stays in the cache. */
#if defined(LAZULI_HOSTILE)
enum { MERGE_MIN_BYTES = 256 };
#else
enum { MERGE_MIN_BYTES = 64 << 10 };
#endif

typedef struct merge {
  lz_plan* p;
  uint32_t* first_user; /* of each group, by root: the place of its earliest
                           reader; 0: none */
  plan_group** readers; /* the last group so far that reads an array; by hash */
  const lz_array** read;
  uint32_t mask;
} merge;

static plan_group* merge_group_at(const lz_plan* p, uint32_t i) {
  const plan_node* t = &p->tape[i];
  return !t->dead && t->group && t->group->root == i ? t->group : NULL;
}

static void merge_note_reader(merge* m, const lz_array* a, uint32_t at) {
  const plan_node* t = plan_node_of(m->p, a);
  if (!t || !t->group) return;
  uint32_t* first = &m->first_user[t->group->root];
  if (!*first || at < *first) *first = at;
}

static bool merge_is_candidate(const plan_group* g, const lz_array* a) {
  return g->plain && array_nbytes(a) >= MERGE_MIN_BYTES;
}

/* How many places the table needs; on the way, who is read when. */
static uint32_t merge_count(merge* m) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < m->p->n_tape; i++) {
    const plan_node* t = &m->p->tape[i];
    const plan_group* g = merge_group_at(m->p, i);
    if (t->dead || (t->group && !g)) continue;
    lz_array* const* in = g ? g->inputs : t->node->inputs;
    uint32_t n = g ? g->n_inputs : t->node->n_inputs;
    for (uint32_t k = 0; k < n; k++) {
      merge_note_reader(m, in[k], i + 1);
      count += g && merge_is_candidate(g, in[k]);
    }
  }
  return count;
}

static uint32_t merge_find(const merge* m, const lz_array* a) {
  uint64_t h = ((uint64_t)(uintptr_t)a >> 4) * UINT64_C(0x9e3779b97f4a7c15);
  uint32_t at = (uint32_t)(h >> 32) & m->mask;
  while (m->read[at] && m->read[at] != a) at = (at + 1) & m->mask;
  return at;
}

/* Whether a, the earlier, can run with b. */
static bool merge_fits(
    const merge* m, const plan_group* a, const plan_group* b) {
  const lz_plan* p = m->p;
  const plan_node *ra = &p->tape[a->root], *rb = &p->tape[b->root];
  uint32_t first = m->first_user[a->root];
  if (!a->plain || ra->node->stream != rb->node->stream ||
      !array_same_shape(ra->out, rb->out) || (first && first <= b->root + 1) ||
      a->n_members + b->n_members > FUSE_MAX_MEMBERS ||
      a->n_outputs + b->n_outputs > FUSE_MAX_OUTPUTS)
    return false;
  uint64_t own = 0, given = 0;
  uint32_t inputs = b->n_inputs;
  for (uint32_t k = 0; k < a->n_inputs; k++) {
    if (fuse_reads(b, a->inputs[k])) continue;
    inputs++;
    own += array_nbytes(a->inputs[k]);
  }
  for (uint32_t k = 0; k < a->n_members; k++) {
    const plan_node* t = fuse_member(p, a, k);
    if (t->group == a && t->written) given += array_nbytes(t->out);
  }
  return inputs <= FUSE_MAX_INPUTS && own <= given;
}

/* Members of both, falling; what one computed again for itself is there once.
 */
static int merge_members(merge* m, const plan_group* a, plan_group* b) {
  lz_plan* p = m->p;
  uint32_t most = a->n_members + b->n_members, n = 0;
  uint32_t* all = plan_alloc(p, most * sizeof *all);
  if (!all) return 1;
  for (uint32_t i = 0, k = 0; i < a->n_members || k < b->n_members;) {
    bool both = i < a->n_members && k < b->n_members;
    bool from_a = both ? a->members[i] > b->members[k] : i < a->n_members;
    if (both && a->members[i] == b->members[k]) i++;
    all[n++] = from_a ? a->members[i++] : b->members[k++];
  }
  for (uint32_t i = 0; i < a->n_members; i++) {
    plan_node* t = &p->tape[a->members[i]];
    if (t->group == a) t->group = b;
  }
  b->members = all;
  b->n_members = b->max_members = n;
  b->n_outputs += a->n_outputs;
  return 0;
}

static int merge_into(merge* m, const plan_group* a, plan_group* b) {
  for (uint32_t k = 0; k < a->n_inputs; k++)
    if (fuse_add_input(m->p, b, a->inputs[k])) return 1;
  uint32_t first = m->first_user[a->root], *to = &m->first_user[b->root];
  if (first && (!*to || first < *to)) *to = first;
  return merge_members(m, a, b);
}

static int merge_group(merge* m, plan_group* g) {
  for (uint32_t k = 0; k < g->n_inputs; k++) {
    const lz_array* a = g->inputs[k];
    if (!merge_is_candidate(g, a)) continue;
    plan_group* before = m->readers[merge_find(m, a)];
    /* One that was taken in meanwhile stands no more at its own root. */
    if (!before || m->p->tape[before->root].group != before || before == g)
      continue;
    if (merge_fits(m, before, g) && merge_into(m, before, g)) return 1;
  }
  for (uint32_t k = 0; k < g->n_inputs; k++) {
    const lz_array* a = g->inputs[k];
    if (!merge_is_candidate(g, a)) continue;
    uint32_t at = merge_find(m, a);
    m->read[at] = a;
    m->readers[at] = g;
  }
  return 0;
}

int fuse_merge(lz_plan* p) {
  merge m = {.p = p, .first_user = plan_alloc(p, p->n_tape * sizeof(uint32_t))};
  if (!m.first_user) return 1;
  uint32_t count = merge_count(&m), size = 4;
  if (count < 2) return 0;
  while (size < 2 * count) size *= 2;
  m.mask = size - 1;
  m.readers = plan_alloc(p, size * sizeof(plan_group*));
  m.read = plan_alloc(p, size * sizeof(lz_array*));
  if (!m.readers || !m.read) return 1;
  for (uint32_t i = 0; i < p->n_tape; i++) {
    plan_group* g = merge_group_at(p, i);
    if (g && merge_group(&m, g)) return 1;
  }
  return 0;
}
