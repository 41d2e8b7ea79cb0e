#include "eval/signature.h"

#include <string.h>

/* Longer tapes are not remembered. */
enum { SIGNATURE_MAX_NODES = 20000 };

typedef struct signature_writer {
  lz_plan* p;
  plan_signature* s;
  uint32_t* equal; /* leaf number + 1, by hash of a scalar's value */
  uint32_t mask;
} signature_writer;

static void signature_put(signature_writer* w, uint64_t word) {
  w->s->words[w->s->n_words++] = word;
  uint64_t h = (w->s->hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
  w->s->hash = h ^ (h >> 29);
}

static void signature_shape(signature_writer* w, const lz_array* a) {
  signature_put(w, (uint64_t)a->dtype << 8 | a->ndim);
  for (int d = 0; d < a->ndim; d += 2)
    signature_put(
        w,
        (uint64_t)(uint32_t)a->shape[d] << 32 |
            (d + 1 < a->ndim ? (uint32_t)a->shape[d + 1] : 0));
}

/* The number of the first leaf with this scalar's value. */
static uint32_t signature_same(
    signature_writer* w, const lz_array* a, uint64_t bits, uint32_t leaf) {
  uint64_t h = (bits ^ a->dtype) * UINT64_C(0x9e3779b97f4a7c15);
  for (uint32_t at = (uint32_t)(h >> 32) & w->mask;; at = (at + 1) & w->mask) {
    uint32_t found = w->equal[at];
    if (!found) {
      w->equal[at] = leaf + 1;
      return leaf;
    }
    const lz_array* b = w->s->leaves[found - 1];
    uint64_t other = 0;
    memcpy(&other, array_data(b), dtype_size((lz_dtype)b->dtype));
    if (b->dtype == a->dtype && other == bits) return found - 1;
  }
}

static void signature_leaf(signature_writer* w, lz_array* a) {
  uint32_t leaf = w->s->n_leaves++;
  w->s->leaves[leaf] = a;
  a->mark = leaf + 1;
  bool ready = array_is_ready(a);
  signature_shape(w, a);
  if (a->ndim || !ready) {
    /* Small values that are there fold. */
    signature_put(w, a->size <= 64 && ready);
    return;
  }
  uint64_t bits = 0;
  memcpy(&bits, array_data(a), dtype_size((lz_dtype)a->dtype));
  double v = a->dtype == DTYPE_COMPLEX64 ? 2 : array_scalar(a);
  uint64_t kind = v == 1 ? 3 : v != 0 ? 2 : __builtin_signbit(v) ? 4 : 5;
  signature_put(w, kind << 32 | signature_same(w, a, bits, leaf));
}

static void signature_input(signature_writer* w, lz_array* a) {
  const plan_node* t = plan_node_of(w->p, a);
  if (t) {
    signature_put(
        w,
        UINT64_C(1) << 63 | (uint64_t)a->output << 32 |
            (uint64_t)(t - w->p->tape));
    if (!t->out) signature_shape(w, a);
    return;
  }
  uint32_t leaf = a->mark - 1;
  if (leaf < w->s->n_leaves && w->s->leaves[leaf] == a) {
    signature_put(w, UINT64_C(1) << 62 | leaf);
    return;
  }
  signature_put(w, UINT64_C(1) << 61);
  signature_leaf(w, a);
}

static void signature_node(signature_writer* w, const plan_node* t) {
  const lz_node* n = t->node;
  signature_put(w, (uint64_t)(uintptr_t)n->op);
  signature_put(w, (uint64_t)(uintptr_t)n->stream);
  bool again = t->out && (t->out->flags & ARRAY_ABSORBED) && fuse_is_held(t);
  signature_put(
      w,
      (uint64_t)n->n_inputs << 40 | (uint64_t)n->n_outputs << 20 |
          (uint64_t)n->params_size << 2 | (uint64_t)again << 1 | t->wanted);
  const char* params = n->params;
  for (uint32_t i = 0; i < n->params_size; i += 8) {
    uint64_t word = 0;
    uint32_t left = n->params_size - i;
    memcpy(&word, params + i, left < 8 ? left : 8);
    signature_put(w, word);
  }
  if (t->out) signature_shape(w, t->out);
  for (uint32_t i = 0; i < n->n_inputs; i++) signature_input(w, n->inputs[i]);
}

static uint32_t signature_shape_words(const lz_array* a) {
  return 1 + (a->ndim + 1u) / 2;
}

/* An upper bound of the words, 0 where there is no signature. */
static size_t signature_size(lz_plan* p, size_t* inputs) {
  size_t words = 1;
  for (uint32_t i = 0; i < p->n_tape; i++) {
    const lz_node* n = p->tape[i].node;
    if (n->op->equal) return 0;
    words += 3 + (n->params_size + 7) / 8;
    if (p->tape[i].out) words += signature_shape_words(p->tape[i].out);
    for (uint32_t k = 0; k < n->n_inputs; k++)
      words += 2 + signature_shape_words(n->inputs[k]);
    *inputs += n->n_inputs;
  }
  return words;
}

int signature_make(lz_plan* p, plan_signature* s) {
  if (p->n_tape == 0 || p->n_tape > SIGNATURE_MAX_NODES) return 1;
  size_t inputs = 0, words = signature_size(p, &inputs);
  uint32_t size = 16;
  while (size < 2 * inputs) size *= 2;
  if (!words) return 1;
  signature_writer w = {.p = p, .s = s, .mask = size - 1};
  *s = (plan_signature){.hash = p->n_tape};
  s->words = plan_alloc_raw(p, words * sizeof *s->words);
  s->leaves = plan_alloc_raw(p, (inputs + 1) * sizeof *s->leaves);
  w.equal = plan_alloc(p, size * sizeof *w.equal);
  if (!s->words || !s->leaves || !w.equal) return 1;
  signature_put(&w, p->n_tape);
  for (uint32_t i = 0; i < p->n_tape; i++) signature_node(&w, &p->tape[i]);
  return 0;
}
