/* From groups and single nodes to steps, their tickets, and one segment for
 * each stream. After this the graph has let go: outputs are SCHEDULED and cut
 * off their nodes, and the steps own what they need. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "eval/blueprint.h"
#include "eval/eval.h"
#include "eval/fuse.h"
#include "eval/settings.h"
#include "probe/probe.h"

uint64_t steps_new_kernel(void) {
  static _Atomic uint64_t last;
  return atomic_fetch_add_explicit(&last, 1, memory_order_relaxed) + 1;
}

/* "Add+Multiply+Maximum", cut short with "+…". */
static const char* steps_name(lz_plan* p, const plan_group* g) {
  enum { SIZE = 128 };
  char* text = plan_keep_alloc(p, SIZE);
  if (!text) return "";
  size_t at = 0;
  for (uint32_t k = 0; k < g->n_members; k++) {
    const char* op = fuse_member(p, g, k)->node->op->name;
    if (at + strlen(op) + 8 > SIZE) {
      snprintf(text + at, SIZE - at, "+…");
      break;
    }
    at += (size_t)snprintf(text + at, SIZE - at, "%s%s", at ? "+" : "", op);
  }
  return text;
}

static uint32_t* steps_members(lz_plan* p, const plan_group* g) {
  uint32_t* members = plan_keep_alloc(p, g->n_members * sizeof *members);
  for (uint32_t k = 0; members && k < g->n_members; k++) {
    const plan_node* t = fuse_member(p, g, k);
    uint32_t what = t->group != g ? STEP_AGAIN : t->written ? STEP_WRITTEN : 0;
    members[k] = (uint32_t)(t - p->tape) << 2 | what;
  }
  return members;
}

static void steps_report_fusion(lz_plan* p, const lz_step* s) {
  uint32_t most = s->n_members + s->n_in + s->n_out, n = 0;
  uint64_t* ids = malloc(most * sizeof *ids);
  if (!ids) return;
  uint64_t saved = 0;
  for (uint32_t i = 0; i < s->n_members; i++) {
    const lz_array* a = p->tape[s->members[i] >> 2].out;
    bool again = s->members[i] & STEP_AGAIN;
    if (!(s->members[i] & STEP_WRITTEN)) saved += (2 - again) * array_nbytes(a);
    if (!again) ids[n++] = a->id;
  }
  uint64_t* inputs = ids + n;
  for (uint32_t i = 0; i < s->n_in; i++) inputs[i] = s->in[i]->id;
  uint64_t* outputs = inputs + s->n_in;
  for (uint32_t i = 0; i < s->n_out; i++) outputs[i] = s->out[i]->id;
  PROBE(
      fusion,
      .eval = p->eval,
      .kernel = s->kernel,
      .n_nodes = n,
      .n_inputs = s->n_in,
      .n_outputs = s->n_out,
      .nodes = ids,
      .inputs = inputs,
      .outputs = outputs,
      .bytes_saved = saved);
  (void)saved;
  free(ids);
}

void steps_report(lz_plan* p, const lz_step* s) {
  steps_report_fusion(p, s);
  const plan_node* root = &p->tape[s->members[s->n_members - 1] >> 2];
  for (uint32_t i = 0; i < s->n_members; i++) {
    const plan_node* t = &p->tape[s->members[i] >> 2];
    bool again = s->members[i] & STEP_AGAIN;
    if (again || (!(s->members[i] & STEP_WRITTEN) && fuse_is_held(t)))
      PROBE(
          rewrite,
          .eval = p->eval,
          .what = again ? LAZULI_REWRITE_RECOMPUTED : LAZULI_REWRITE_ABSORBED,
          .node = t->out->id,
          .into = root->out->id);
  }
  (void)root;
}

static void steps_report_node(lz_plan* p, const lz_step* s) {
  uint32_t most = s->n_in + s->n_out;
  uint64_t* ids = malloc((most ? most : 1) * sizeof *ids);
  if (!ids) return;
  for (uint32_t i = 0; i < s->n_in; i++) ids[i] = s->in[i]->id;
  uint64_t* outputs = ids + s->n_in;
  uint32_t n = 0;
  uint64_t node = 0;
  for (uint32_t i = 0; i < s->n_out; i++) {
    if (!s->out[i]) continue;
    outputs[n++] = s->out[i]->id;
    node = s->out[i]->id - i;
  }
  PROBE(
      fusion,
      .eval = p->eval,
      .kernel = s->kernel,
      .n_nodes = 1,
      .n_inputs = s->n_in,
      .n_outputs = n,
      .nodes = &node,
      .inputs = ids,
      .outputs = outputs,
      .bytes_saved = 0);
  (void)p;
  (void)node;
  (void)outputs;
  (void)n;
  free(ids);
}

static int steps_from_group(lz_plan* p, plan_group* g, lz_step* s) {
  s->in = plan_alloc(p, g->n_inputs * sizeof *s->in);
  if (!s->in || fuse_build(p, g, s)) return 1;
  s->n_in = g->n_inputs;
  for (uint32_t i = 0; i < s->n_in; i++) s->in[i] = array_ref(g->inputs[i]);
  for (uint32_t i = 0; i < s->n_out; i++) array_ref(s->out[i]);
  s->stream = p->tape[g->root].node->stream;
  s->n_members = g->n_members;
  s->members = steps_members(p, g);
  if (PROBE_ON()) s->name = steps_name(p, g);
  return !s->members;
}

int steps_from_node(lz_plan* p, plan_node* t, lz_step* s) {
  lz_node* n = t->node;
  s->out = plan_alloc(p, n->n_outputs * sizeof *s->out);
  if (!s->out) return 1;
  s->node = node_ref(n);
  s->in = n->inputs;
  s->n_in = n->n_inputs;
  s->n_out = n->n_outputs;
  for (uint32_t i = 0; i < n->n_outputs; i++)
    s->out[i] = t->out ? array_ref(t->out) : node_output_ref(n, (int)i);
  s->stream = n->stream;
  if (PROBE_ON()) {
    s->name = n->op->name;
    steps_report_node(p, s);
  }
  return 0;
}

static plan_segment* steps_segment(lz_plan* p, lz_stream* stream) {
  for (uint32_t i = 0; i < p->n_segments; i++)
    if (p->segments[i].stream == stream) return &p->segments[i];
  return NULL;
}

/* One segment a stream: few, so a list is searched. */
static int steps_divide(lz_plan* p) {
  uint32_t max = 0;
  lz_stream* last = NULL;
  for (uint32_t i = 0; i < p->n_steps; i++) {
    lz_stream* stream = p->steps[i].stream;
    if (stream == last) continue;
    last = stream;
    if (steps_segment(p, stream)) continue;
    if (p->n_segments == max) {
      uint32_t more = max ? 2 * max : 2;
      plan_segment* segments = plan_alloc(p, more * sizeof *segments);
      if (!segments) return 1;
      if (max) memcpy(segments, p->segments, max * sizeof *segments);
      p->segments = segments;
      max = more;
    }
    p->segments[p->n_segments++] =
        (plan_segment){.work.run = run_segment, .plan = p, .stream = stream};
  }
  for (uint32_t k = 0; k < p->n_segments; k++) {
    plan_segment* g = &p->segments[k];
    g->steps = plan_alloc(p, p->n_steps * sizeof *g->steps);
    if (!g->steps) return 1;
    for (uint32_t i = 0; i < p->n_steps; i++)
      if (p->steps[i].stream == g->stream)
        g->steps[g->n_steps++] = &p->steps[i];
  }
  return 0;
}

/* Could the step's kernel have taken in what follows? */
static bool steps_is_fusable(const lz_step* s) {
  return !s->node || (s->node->op->fusable && !(s->node->op->flags & OP_VIEW));
}

static void steps_schedule(lz_step* s) {
  uint64_t ticket =
      atomic_load_explicit(&s->stream->issued, memory_order_relaxed) + 1;
  atomic_store_explicit(&s->stream->issued, ticket, memory_order_relaxed);
  s->ticket = ticket;
  for (uint32_t i = 0; i < s->n_out; i++) {
    lz_array* a = s->out[i];
    if (!a) continue;
    a->stream = s->stream;
    if (s->name && steps_is_fusable(s)) a->flags |= ARRAY_FUSABLE;
    a->ticket = ticket;
    atomic_store_explicit(&a->status, ARRAY_SCHEDULED, memory_order_release);
    if (!(a->flags & ARRAY_TRACER) || !eval_is_tracing()) array_detach(a);
  }
}

/* A few elements made of values that are there already are computed while
 * planning: constants fold, and no kernel is sent for them. */
#define STEPS_FOLD 16

static bool steps_can_fold(lz_plan* p, const plan_group* g, const lz_step* s) {
  if (!settings_fuse() || s->stream->device != DEVICE_CPU) return false;
  if (!s->program || p->tape[g->root].out->size > STEPS_FOLD) return false;
  for (uint32_t k = 0; k < g->n_members; k++)
    if (fuse_member(p, g, k)->wanted) return false;
  for (uint32_t i = 0; i < s->n_in; i++)
    if (!array_is_ready(s->in[i])) return false;
  return true;
}

static void steps_report_folds(lz_plan* p, const plan_group* g) {
  for (uint32_t k = 0; k < g->n_members; k++) {
    const lz_array* a = fuse_member(p, g, k)->out;
    PROBE(
        rewrite, .eval = p->eval, .what = LAZULI_REWRITE_FOLDED, .node = a->id);
    blueprint_note_rewrite(p, LAZULI_REWRITE_FOLDED, a, a);
  }
}

static int steps_fold(lz_plan* p, const plan_group* g, lz_step* s) {
  if (PROBE_ON()) steps_report_folds(p, g);
  blueprint_note_fold(p, s);
  for (uint32_t k = 0; k < g->n_members; k++) {
    const plan_node* t = fuse_member(p, g, k);
    if (!t->written || t->group != g) continue;
    plan_folded* all =
        arena_grow(&p->arena, p->folded, p->n_folded, sizeof *all);
    if (!all) return 1;
    p->folded = all;
    p->folded[p->n_folded++] =
        (plan_folded){t->out, g->members[g->n_members - 1 - k]};
  }
  return run_fold(s);
}

void steps_undo(lz_plan* p) {
  for (uint32_t i = 0; i < p->n_steps; i++) {
    lz_step* s = &p->steps[i];
    for (uint32_t k = 0; k < s->n_out; k++) array_unref(s->out[k]);
    if (s->node)
      node_unref(s->node);
    else
      for (uint32_t k = 0; k < s->n_in; k++) array_unref(s->in[k]);
  }
  p->n_steps = 0;
}

/* The next step, of tape node i. */
static int steps_next(lz_plan* p, uint32_t i) {
  plan_node* t = &p->tape[i];
  lz_step* s = &p->steps[p->n_steps];
  *s = (lz_step){.kernel = steps_new_kernel()};
  if (t->group ? steps_from_group(p, t->group, s) : steps_from_node(p, t, s))
    return 1;
  if (t->group && steps_can_fold(p, t->group, s))
    return steps_fold(p, t->group, s);
  if (t->group && PROBE_ON()) steps_report(p, s);
  p->n_kernels += !(t->node->op->flags & OP_VIEW);
  p->n_steps++;
  return 0;
}

int steps_make(lz_plan* p) {
  uint32_t most = 0;
  for (uint32_t i = 0; i < p->n_tape; i++) {
    const plan_node* t = &p->tape[i];
    most += !t->dead && (!t->group || t->group->root == i);
  }
  p->steps = plan_alloc(p, (most + 1) * sizeof *p->steps);
  if (!p->steps) return 1;
  for (uint32_t i = 0; i < p->n_tape; i++) {
    const plan_node* t = &p->tape[i];
    if (t->dead || (t->group && t->group->root != i)) continue;
    if (steps_next(p, i)) {
      steps_undo(p);
      return 1;
    }
  }
  if (order_steps(p)) {
    steps_undo(p);
    return 1;
  }
  return 0;
}

int steps_finish(lz_plan* p) {
  if (steps_divide(p)) {
    steps_undo(p);
    return 1;
  }
  for (uint32_t i = 0; i < p->n_steps; i++) {
    const lz_step* s = &p->steps[i];
    for (uint32_t k = 0; k < s->n_members; k++)
      if (!(s->members[k] & (STEP_WRITTEN | STEP_AGAIN)))
        p->tape[s->members[k] >> 2].out->flags |= ARRAY_ABSORBED;
  }
  for (uint32_t i = 0; i < p->n_steps; i++) steps_schedule(&p->steps[i]);
  return 0;
}
