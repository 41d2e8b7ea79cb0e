/* Tells who watches why neighbours stayed apart. Nothing here runs otherwise.
 */
#include "eval/blueprint.h"
#include "eval/fuse.h"
#include "probe/probe.h"

/* Who reads the outputs of node i: reader[first_reader[i]] to
 * reader[first_reader[i + 1] - 1], each once for every place. */
int fuse_report_open(lz_plan* p) {
  uint32_t n = p->n_tape, *first = plan_alloc(p, (n + 2) * sizeof *first);
  if (!first) return 1;
  for (uint32_t i = 0; i < n; i++)
    if (!p->tape[i].dead) first[i + 2] = p->tape[i].uses;
  for (uint32_t i = 2; i < n + 2; i++) first[i] += first[i - 1];
  uint32_t* reader = plan_alloc(p, (first[n + 1] + 1) * sizeof *reader);
  if (!reader) return 1;
  for (uint32_t i = 0; i < n; i++) {
    const lz_node* node = p->tape[i].node;
    if (p->tape[i].dead) continue;
    for (uint32_t k = 0; k < node->n_inputs; k++) {
      const plan_node* t = plan_node_of(p, node->inputs[k]);
      if (t) reader[first[t - p->tape + 1]++] = i;
    }
  }
  p->first_reader = first;
  p->reader = reader;
  return 0;
}

/* Could the node have taken in what it reads? */
static bool report_takes_in(const plan_node* t) {
  const lz_fusable* f = t->node->op->fusable;
  return fuse_is_elementwise(t) ||
         (f && t->out && (f->run || f->from || f->made));
}

static void report_refusal(
    lz_plan* p,
    const lz_array* producer,
    const lz_array* consumer,
    fuse_verdict v,
    uint64_t bytes) {
  PROBE(
      refusal,
      .eval = p->eval,
      .producer = producer->id,
      .consumer = consumer->id,
      .reason = (uint8_t)v.reason,
      .limit = v.limit,
      .value = v.value,
      .bytes = bytes);
}

static void report_note(
    lz_plan* p,
    const plan_node* t,
    const plan_node* reader,
    fuse_verdict v,
    uint64_t bytes) {
  report_refusal(p, t->out, reader->out, v, bytes);
  blueprint_note_refusal(p, t->out, reader->out, &v, bytes);
}

void fuse_report(lz_plan* p, uint32_t i, fuse_verdict v) {
  const plan_node* t = &p->tape[i];
  /* What stays apart is read; what stays apart from all is written too. */
  uint64_t bytes = (t->group ? 1 : 2) * array_nbytes(t->out);
  for (uint32_t k = p->first_reader[i]; k < p->first_reader[i + 1]; k++) {
    const plan_node* u = &p->tape[p->reader[k]];
    if (k > p->first_reader[i] && p->reader[k] == p->reader[k - 1]) continue;
    if (!report_takes_in(u) || (u->group && fuse_holds(u->group, i))) continue;
    report_note(p, t, u, v, bytes);
  }
}

/* Readers of node i's value behind views of it; `of` is such a view. */
static void report_behind(
    lz_plan* p, const plan_node* t, uint32_t of, int depth) {
  for (uint32_t k = p->first_reader[of]; k < p->first_reader[of + 1]; k++) {
    const plan_node* u = &p->tape[p->reader[k]];
    if (!u->out ||
        (k > p->first_reader[of] && p->reader[k] == p->reader[k - 1]))
      continue;
    if ((u->node->op->flags & OP_VIEW) && depth > 0) {
      report_behind(p, t, p->reader[k], depth - 1);
      continue;
    }
    if (!report_takes_in(u) || (u->group && u->group == t->group)) continue;
    report_note(
        p,
        t,
        u,
        (fuse_verdict){
            LAZULI_REFUSAL_VIEW,
            (uint64_t)t->out->size,
            (uint64_t)u->out->size},
        2 * array_nbytes(t->out));
  }
}

void fuse_report_views(lz_plan* p, uint32_t i) {
  const plan_node* t = &p->tape[i];
  const lz_fusable* f = t->node->op->fusable;
  if (!t->out || (t->node->op->flags & OP_VIEW) ||
      !(fuse_is_elementwise(t) || (f && (f->run || f->from || f->tiled))))
    return;
  for (uint32_t k = p->first_reader[i]; k < p->first_reader[i + 1]; k++) {
    const plan_node* u = &p->tape[p->reader[k]];
    if ((u->node->op->flags & OP_VIEW) && !u->group)
      report_behind(p, t, p->reader[k], 8);
  }
}

void fuse_report_evaluated(lz_plan* p) {
  for (uint32_t i = 0; i < p->n_tape; i++) {
    const plan_node* t = &p->tape[i];
    if (t->dead || !report_takes_in(t)) continue;
    for (uint32_t k = 0; k < t->node->n_inputs; k++) {
      const lz_array* a = t->node->inputs[k];
      /* Read here and nowhere else: it would have been in no memory. */
      if (!(a->flags & ARRAY_FUSABLE) || a->size < t->out->size ||
          atomic_load_explicit(&a->refs, memory_order_relaxed) != 1)
        continue;
      report_refusal(
          p,
          a,
          t->out,
          (fuse_verdict){LAZULI_REFUSAL_EVALUATED, 0, 0},
          2 * array_nbytes(a));
    }
  }
}
