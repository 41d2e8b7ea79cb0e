/* Rewriting the graph before it is fused.
 *
 *   merged      an equal node stood earlier in the tape: its value serves both
 *   simplified  the node changes no bit of its input: the input serves
 *
 * A node that another value stands for is taken out of the places that read it.
 * If nobody else wants it, it is dead and leaves the tape; if the caller asked
 * for it, it becomes a view of the value that stands for it.
 *
 * Nodes are changed in place, which the graph's owners cannot see: every array
 * keeps the value it had. */
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "eval/blueprint.h"
#include "eval/plan.h"
#include "eval/settings.h"
#include "ops/elementwise.h"
#include "ops/view.h"
#include "probe/probe.h"

/* Arrays of one element are compared by value, so that constants written twice
 * are one. */
static bool simplify_is_constant(const lz_array* a) {
  return a->size == 1 && a->ndim == 0 && array_is_ready(a);
}

static uint64_t simplify_mix(uint64_t h, uint64_t v) {
  h ^= v;
  h *= UINT64_C(0x9e3779b97f4a7c15);
  return h ^ (h >> 29);
}

static uint64_t simplify_bits(const lz_array* a) {
  uint64_t bits = 0;
  memcpy(&bits, array_data(a), dtype_size((lz_dtype)a->dtype));
  return bits;
}

static uint64_t simplify_hash_array(const lz_array* a) {
  if (simplify_is_constant(a)) return simplify_mix(a->dtype, simplify_bits(a));
  return (uint64_t)(uintptr_t)a >> 6;
}

static bool simplify_same_array(const lz_array* a, const lz_array* b) {
  if (a == b) return true;
  return a->dtype == b->dtype && simplify_is_constant(a) &&
         simplify_is_constant(b) && simplify_bits(a) == simplify_bits(b);
}

static uint64_t simplify_hash(const lz_node* n) {
  uint64_t h = simplify_mix((uint64_t)(uintptr_t)n->op, n->n_inputs);
  for (uint32_t i = 0; i < n->n_inputs; i++)
    h = simplify_mix(h, simplify_hash_array(n->inputs[i]));
  const char* p = n->params;
  for (uint32_t i = 0; i + 4 <= n->params_size; i += 4) {
    uint32_t word;
    memcpy(&word, p + i, sizeof word);
    h = simplify_mix(h, word);
  }
  return h ? h : 1;
}

static bool simplify_equal(const plan_node* t, const plan_node* u) {
  const lz_node *a = t->node, *b = u->node;
  if (a->op != b->op || a->n_inputs != b->n_inputs || a->stream != b->stream ||
      t->out->dtype != u->out->dtype || !array_same_shape(t->out, u->out))
    return false;
  for (uint32_t i = 0; i < a->n_inputs; i++)
    if (!simplify_same_array(a->inputs[i], b->inputs[i])) return false;
  if (a->op->equal) return a->op->equal(a, b);
  return a->params_size == b->params_size &&
         memcmp(a->params, b->params, a->params_size) == 0;
}

/* The only value of a constant, as double. */
static bool simplify_is_value(const lz_array* a, double value) {
  return simplify_is_constant(a) && a->dtype != DTYPE_COMPLEX64 &&
         array_scalar(a) == value;
}

/* An input whose bits the node's output has, or NULL. */
static lz_array* simplify_no_op(const plan_node* t) {
  const lz_node* n = t->node;
  if (!(n->op->flags & OP_ELEMENTWISE) || n->n_inputs != 2) return NULL;
  lz_array *a = n->inputs[0], *b = n->inputs[1];
  bool left = a->dtype == t->out->dtype && array_same_shape(a, t->out);
  bool right = b->dtype == t->out->dtype && array_same_shape(b, t->out);
  switch (n->op->elementwise) {
    case EW_MULTIPLY:
      if (left && simplify_is_value(b, 1)) return a;
      if (right && simplify_is_value(a, 1)) return b;
      return NULL;
    case EW_DIVIDE:
      return left && simplify_is_value(b, 1) ? a : NULL;
    /* x - 0 keeps -0; x + 0 does not. */
    case EW_SUBTRACT:
      return left && simplify_is_value(b, 0) &&
                     !__builtin_signbit(array_scalar(b))
                 ? a
                 : NULL;
    default:
      return NULL;
  }
}

static void simplify_use(lz_plan* p, const lz_array* a, int change) {
  plan_node* producer = plan_node_of(p, a);
  if (producer) producer->uses += (uint32_t)change;
}

/* Reads `to` where the node read its input k. */
static void simplify_redirect(
    lz_plan* p, lz_node* n, uint32_t k, lz_array* to) {
  lz_array* old = n->inputs[k];
  if (old == to) return;
  simplify_use(p, old, -1);
  n->inputs[k] = array_ref(to);
  simplify_use(p, to, 1);
  array_unref(old);
}

/* Turns the node into a view of `value`. */
void simplify_alias(lz_plan* p, plan_node* t, lz_array* value) {
  lz_node* n = t->node;
  array_ref(value);
  simplify_use(p, value, 1);
  for (uint32_t i = 0; i < n->n_inputs; i++) {
    simplify_use(p, n->inputs[i], -1);
    array_unref(n->inputs[i]);
  }
  if (n->op->params_free) n->op->params_free(n->params);
  n->inputs[0] = value;
  n->n_inputs = 1;
  n->op = &op_copy_desc;
  n->params_size = 0;
}

PROBE_REPORT void simplify_report(
    lz_plan* p, uint8_t what, const lz_array* node, const lz_array* into) {
  PROBE(
      rewrite,
      .eval = p->eval,
      .what = what,
      .node = node->id,
      .into = into->id);
  blueprint_note_rewrite(p, what, node, into);
}

typedef struct simplify_table {
  uint32_t* slots; /* tape index + 1 */
  uint32_t mask;
} simplify_table;

static uint32_t simplify_find(
    lz_plan* p, simplify_table* table, uint32_t index, uint64_t hash) {
  for (uint32_t at = (uint32_t)hash & table->mask;;
       at = (at + 1) & table->mask) {
    uint32_t found = table->slots[at];
    if (!found) {
      table->slots[at] = index + 1;
      return index;
    }
    plan_node* u = &p->tape[found - 1];
    if (u->node->hash == hash && simplify_equal(&p->tape[index], u))
      return found - 1;
  }
}

/* Takes out what nothing reads any more, from the end; producers follow. The
 * others keep their places. */
static void simplify_drop(lz_plan* p) {
  for (uint32_t i = p->n_tape; i-- > 0;) {
    plan_node* t = &p->tape[i];
    if (!t->replaced || t->wanted || t->uses) continue;
    t->dead = 1;
    for (uint32_t k = 0; k < t->node->n_inputs; k++) {
      plan_node* producer = plan_node_of(p, t->node->inputs[k]);
      if (!producer) continue;
      producer->uses--;
      /* What only dead nodes read is dead too. */
      if (producer->uses == 0 && !producer->wanted) producer->replaced = 1;
    }
  }
  for (uint32_t i = 0; i < p->n_tape; i++) {
    plan_node* t = &p->tape[i];
    if (!t->dead) continue;
    t->node->slot = 0;
    node_unref(t->node);
  }
}

int simplify(lz_plan* p) {
  if (!settings_fuse() || p->n_tape < 2) return 0;
  uint32_t size = 4;
  while (size < 2 * p->n_tape) size *= 2;
  simplify_table table = {calloc(size, sizeof(uint32_t)), size - 1};
  lz_array** stand_in = calloc(p->n_tape, sizeof *stand_in);
  if (!table.slots || !stand_in) {
    free(table.slots);
    free(stand_in);
    return error_memory() == NULL;
  }
  bool changed = false;
  for (uint32_t i = 0; i < p->n_tape; i++) {
    plan_node* t = &p->tape[i];
    lz_node* n = t->node;
    for (uint32_t k = 0; changed && k < n->n_inputs; k++) {
      plan_node* producer = plan_node_of(p, n->inputs[k]);
      lz_array* other = producer ? stand_in[producer - p->tape] : NULL;
      if (other) simplify_redirect(p, n, k, other);
    }
    if (!t->out || (n->op->flags & OP_NO_MERGE)) continue;
    uint8_t what = LAZULI_REWRITE_SIMPLIFIED;
    lz_array* other = simplify_no_op(t);
    if (!other) {
      n->hash = simplify_hash(n);
      uint32_t same = simplify_find(p, &table, i, n->hash);
      if (same == i) continue;
      other = p->tape[same].out;
      what = LAZULI_REWRITE_MERGED;
    }
    stand_in[i] = other;
    t->replaced = 1;
    t->out->flags |= ARRAY_ABSORBED; /* its value is known: not dropped */
    changed = true;
    if (PROBE_ON()) simplify_report(p, what, t->out, other);
    blueprint_note_edit(p, i, other, t->wanted);
    if (t->wanted) simplify_alias(p, t, other);
  }
  free(table.slots);
  free(stand_in);
  if (changed) simplify_drop(p);
  return 0;
}
