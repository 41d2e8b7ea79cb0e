#include "eval/blueprint.h"

#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "probe/probe.h"

/* Blueprints kept, and the words of their signatures together. */
enum { BLUEPRINTS_MAX = 512, BLUEPRINT_WORDS_MAX = 4 << 20 };
enum { BLUEPRINT_BUCKETS = 1024 };

#define REF_NODE (UINT64_C(1) << 63) /* output << 32 | tape index */
#define REF_LEAF (UINT64_C(1) << 62) /* leaf number */

typedef struct blueprint_step {
  uint32_t node; /* tape index; of programs that of the root */
  const lz_program* program;
  const struct lz_fused* fused;
  uint32_t n_in, n_out, n_members;
  const uint64_t* in;
  const uint64_t* out; /* of programs */
  const uint32_t* members;
  const char* name;
  bool folds;
} blueprint_step;

/* A node that another value stands for; it became a view of it if it was asked
 * for. */
typedef struct blueprint_edit {
  uint32_t node;
  bool alias;
  uint64_t value;
} blueprint_edit;

typedef struct blueprint_decision {
  bool refusal;
  uint8_t what; /* enum lazuli_rewrite or lazuli_refusal */
  uint64_t from, to;
  uint64_t limit, value, bytes;
} blueprint_decision;

struct lz_blueprint {
  _Atomic uint32_t refs;
  plan_arena arena;
  uint64_t hash;
  uint64_t* words;
  uint32_t n_words;
  bool
      watched; /* drawn while somebody watched: decisions and names are there */
  blueprint_step* steps;
  uint32_t n_steps, n_kernels;
  blueprint_edit* edits;
  uint32_t n_edits;
  blueprint_decision* decisions;
  uint32_t n_decisions;
  lz_blueprint* next;            /* of its bucket */
  lz_blueprint *younger, *older; /* by last use */
};

static struct {
  lz_blueprint* buckets[BLUEPRINT_BUCKETS];
  lz_blueprint *youngest, *oldest;
  uint32_t count;
  size_t words;
} kept;

lz_blueprint* blueprint_new(void) {
  lz_blueprint* b = calloc(1, sizeof *b);
  if (!b) return error_memory();
  atomic_init(&b->refs, 1);
  return b;
}

void* blueprint_alloc(lz_blueprint* b, size_t bytes) {
  return arena_alloc(&b->arena, bytes);
}

void blueprint_unref(lz_blueprint* b) {
  if (!b) return;
  if (atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) != 1) return;
  arena_free(&b->arena);
  free(b);
}

/* ---- what is kept ----------------------------------------------------------
 */

static void kept_unlink(lz_blueprint* b) {
  *(b->younger ? &b->younger->older : &kept.youngest) = b->older;
  *(b->older ? &b->older->younger : &kept.oldest) = b->younger;
  b->younger = b->older = NULL;
}

static void kept_link(lz_blueprint* b) {
  b->older = kept.youngest;
  if (kept.youngest) kept.youngest->younger = b;
  kept.youngest = b;
  if (!kept.oldest) kept.oldest = b;
}

static void kept_remove(lz_blueprint* b) {
  lz_blueprint** at = &kept.buckets[b->hash % BLUEPRINT_BUCKETS];
  while (*at != b) at = &(*at)->next;
  *at = b->next;
  kept_unlink(b);
  kept.count--;
  kept.words -= b->n_words;
  blueprint_unref(b);
}

static lz_blueprint* kept_find(const plan_signature* s) {
  lz_blueprint* b = kept.buckets[s->hash % BLUEPRINT_BUCKETS];
  while (b && (b->hash != s->hash || b->n_words != s->n_words ||
               memcmp(b->words, s->words, s->n_words * sizeof *s->words)))
    b = b->next;
  return b;
}

lz_blueprint* blueprint_find(const plan_signature* s) {
  lz_blueprint* b = kept_find(s);
  if (!b || (PROBE_ON() && !b->watched)) return NULL;
  kept_unlink(b);
  kept_link(b);
  atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
  return b;
}

/* ---- using one --------------------------------------------------------------
 */

static lz_array* blueprint_array(
    lz_plan* p, const plan_signature* s, uint64_t ref) {
  if (ref & REF_LEAF) return s->leaves[ref & UINT32_MAX];
  const plan_node* t = &p->tape[ref & UINT32_MAX];
  return t->out ? t->out : t->node->outputs[ref >> 32 & 0xffff];
}

static void blueprint_tell(lz_plan* p, const plan_signature* s) {
  const lz_blueprint* b = p->blueprint;
  for (uint32_t i = 0; i < b->n_decisions; i++) {
    const blueprint_decision* d = &b->decisions[i];
    const lz_array* from = blueprint_array(p, s, d->from);
    const lz_array* to = blueprint_array(p, s, d->to);
    if (d->refusal)
      PROBE(
          refusal,
          .eval = p->eval,
          .producer = from->id,
          .consumer = to->id,
          .reason = d->what,
          .limit = d->limit,
          .value = d->value,
          .bytes = d->bytes);
    else
      PROBE(
          rewrite,
          .eval = p->eval,
          .what = d->what,
          .node = from->id,
          .into = d->what == LAZULI_REWRITE_FOLDED ? 0 : to->id);
    (void)from;
    (void)to;
  }
}

static void blueprint_edit_tape(lz_plan* p, const plan_signature* s) {
  const lz_blueprint* b = p->blueprint;
  for (uint32_t i = 0; i < b->n_edits; i++) {
    const blueprint_edit* e = &b->edits[i];
    plan_node* t = &p->tape[e->node];
    t->out->flags |= ARRAY_ABSORBED;
    if (e->alias) simplify_alias(p, t, blueprint_array(p, s, e->value));
  }
}

/* A node on its own reads what its node reads, which merging may have changed.
 */
static int blueprint_node_step(
    lz_plan* p,
    const plan_signature* s,
    const blueprint_step* from,
    lz_step* to) {
  plan_node* t = &p->tape[from->node];
  lz_node* n = t->node;
  for (uint32_t k = 0; k < from->n_in; k++) {
    lz_array *want = blueprint_array(p, s, from->in[k]), *has = n->inputs[k];
    if (want == has) continue;
    n->inputs[k] = array_ref(want);
    array_unref(has);
  }
  return steps_from_node(p, t, to);
}

static int blueprint_program_step(
    lz_plan* p,
    const plan_signature* s,
    const blueprint_step* from,
    lz_step* to) {
  *to = (lz_step){
      .program = from->program,
      .fused = from->fused,
      .stream = p->tape[from->node].node->stream,
      .n_in = from->n_in,
      .n_out = from->n_out,
      .members = from->members,
      .n_members = from->n_members,
      .kernel = to->kernel,
      .name = PROBE_ON() ? from->name : NULL};
  to->in = plan_alloc_raw(p, (from->n_in + 1) * sizeof *to->in);
  to->out = plan_alloc_raw(p, from->n_out * sizeof *to->out);
  if (!to->in || !to->out) return 1;
  for (uint32_t k = 0; k < from->n_in; k++)
    to->in[k] = array_ref(blueprint_array(p, s, from->in[k]));
  for (uint32_t k = 0; k < from->n_out; k++)
    to->out[k] = array_ref(blueprint_array(p, s, from->out[k]));
  return 0;
}

int blueprint_apply(lz_plan* p, const plan_signature* s) {
  const lz_blueprint* b = p->blueprint;
  if (PROBE_ON()) blueprint_tell(p, s);
  blueprint_edit_tape(p, s);
  p->steps = plan_alloc(p, (b->n_steps + 1) * sizeof *p->steps);
  if (!p->steps) return 1;
  p->n_kernels = b->n_kernels;
  for (uint32_t i = 0; i < b->n_steps; i++) {
    const blueprint_step* from = &b->steps[i];
    lz_step* to = &p->steps[p->n_steps];
    *to = (lz_step){.kernel = steps_new_kernel()};
    if (from->program || from->fused ? blueprint_program_step(p, s, from, to)
                                     : blueprint_node_step(p, s, from, to))
      return 1;
    if (from->folds) {
      if (run_fold(to)) return 1;
      continue;
    }
    if (to->members && PROBE_ON()) steps_report(p, to);
    p->n_steps++;
  }
  return 0;
}

/* ---- drawing one ------------------------------------------------------------
 */

/* 0: it can't be named. */
static uint64_t blueprint_ref(
    const lz_plan* p, const plan_signature* s, const lz_array* a) {
  if (a->node && a->node->slot)
    return REF_NODE | (uint64_t)a->output << 32 | (a->node->slot - 1);
  for (uint32_t i = 0; i < p->n_folded; i++)
    if (p->folded[i].out == a) return REF_NODE | p->folded[i].node;
  uint32_t leaf = a->mark - 1;
  return leaf < s->n_leaves && s->leaves[leaf] == a ? REF_LEAF | leaf : 0;
}

void blueprint_note_edit(
    lz_plan* p, uint32_t node, lz_array* value, bool alias) {
  lz_blueprint* b = p->blueprint;
  if (!p->signature) return;
  blueprint_edit e = {node, alias, blueprint_ref(p, p->signature, value)};
  blueprint_edit* edits =
      arena_grow(&b->arena, b->edits, b->n_edits, sizeof *edits);
  if (!edits || !e.value) {
    p->signature = NULL; /* not to be kept */
    return;
  }
  b->edits = edits;
  b->edits[b->n_edits++] = e;
}

static void blueprint_note(
    lz_plan* p,
    const lz_array* from,
    const lz_array* to,
    blueprint_decision d) {
  lz_blueprint* b = p->blueprint;
  if (!p->signature) return;
  d.from = blueprint_ref(p, p->signature, from);
  d.to = blueprint_ref(p, p->signature, to);
  blueprint_decision* all =
      arena_grow(&b->arena, b->decisions, b->n_decisions, sizeof *all);
  if (!all || !d.from || !d.to) {
    p->signature = NULL;
    return;
  }
  b->decisions = all;
  b->decisions[b->n_decisions++] = d;
}

void blueprint_note_rewrite(
    lz_plan* p, uint8_t what, const lz_array* from, const lz_array* into) {
  blueprint_note(p, from, into, (blueprint_decision){.what = what});
}

void blueprint_note_refusal(
    lz_plan* p,
    const lz_array* producer,
    const lz_array* consumer,
    const fuse_verdict* v,
    uint64_t bytes) {
  blueprint_note(
      p,
      producer,
      consumer,
      (blueprint_decision){
          .refusal = true,
          .what = (uint8_t)v->reason,
          .limit = v->limit,
          .value = v->value,
          .bytes = bytes});
}

static const uint64_t* blueprint_refs(
    lz_plan* p, lz_array* const* arrays, uint32_t n) {
  uint64_t* refs = blueprint_alloc(p->blueprint, (n + 1) * sizeof *refs);
  for (uint32_t i = 0; refs && i < n; i++)
    if (!(refs[i] = blueprint_ref(p, p->signature, arrays[i]))) return NULL;
  return refs;
}

static int blueprint_draw(lz_plan* p, const lz_step* s, bool folds) {
  lz_blueprint* b = p->blueprint;
  blueprint_step* all =
      arena_grow(&b->arena, b->steps, b->n_steps, sizeof *all);
  if (!all) return 1;
  b->steps = all;
  blueprint_step* to = &all[b->n_steps];
  *to = (blueprint_step){
      .program = s->program,
      .fused = s->fused,
      .n_in = s->n_in,
      .n_out = s->node ? 0 : s->n_out,
      .members = s->members,
      .n_members = s->n_members,
      .name = s->name,
      .folds = folds};
  to->node = s->node ? s->node->slot - 1 : s->members[s->n_members - 1] >> 2;
  to->in = blueprint_refs(p, s->in, s->n_in);
  to->out = blueprint_refs(p, s->out, to->n_out);
  if (!to->in || !to->out) return 1;
  b->n_steps++;
  return 0;
}

void blueprint_note_fold(lz_plan* p, const lz_step* s) {
  if (p->signature && blueprint_draw(p, s, true)) p->signature = NULL;
}

void blueprint_keep(lz_plan* p) {
  lz_blueprint* b = p->blueprint;
  for (uint32_t i = 0; i < p->n_steps && p->signature; i++)
    if (blueprint_draw(p, &p->steps[i], false)) p->signature = NULL;
  const plan_signature* s = p->signature;
  if (!s) return;
  b->words = blueprint_alloc(b, s->n_words * sizeof *s->words);
  if (!b->words) return;
  memcpy(b->words, s->words, s->n_words * sizeof *s->words);
  b->n_words = s->n_words;
  b->hash = s->hash;
  b->n_kernels = p->n_kernels;
  b->watched = PROBE_ON();
  lz_blueprint* old = kept_find(s);
  if (old) kept_remove(old);
  b->next = kept.buckets[b->hash % BLUEPRINT_BUCKETS];
  kept.buckets[b->hash % BLUEPRINT_BUCKETS] = b;
  kept_link(b);
  kept.count++;
  kept.words += b->n_words;
  atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
  while (kept.count > BLUEPRINTS_MAX || kept.words > BLUEPRINT_WORDS_MAX)
    kept_remove(kept.oldest);
}
