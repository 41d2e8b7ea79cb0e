/* Fusion: which nodes share one kernel.
 *
 * The tape is walked from its end. An element-wise node joins the kernel of its
 * users when all of them are in one and it has their shape; its value then
 * stays in registers. Because only the root of a group is read from outside,
 * groups never form a cycle.
 *
 * A value inside a group is written after all when the caller asked for it. One
 * that is merely held by a handle is not: it stays lazy (ARRAY_ABSORBED) and is
 * computed again if ever needed; the second kernel that computes it writes it,
 * so no value is computed more than twice.
 */
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "eval/plan.h"
#include "eval/settings.h"
#include "probe/probe.h"

#define FUSE_MAX_INPUTS 24
#define FUSE_MAX_OUTPUTS 16
#define FUSE_MAX_MEMBERS 64

static bool fuse_can(const plan_node* t) {
  return (t->node->op->flags & OP_ELEMENTWISE) && t->out;
}

static bool fuse_held(const plan_node* t) {
  return atomic_load_explicit(&t->out->refs, memory_order_relaxed) > t->uses;
}

/* Must the kernel write this member? */
static bool fuse_is_output(const plan_node* t) {
  return t->wanted || ((t->out->flags & ARRAY_ABSORBED) && fuse_held(t));
}

static bool fuse_reads(const plan_group* g, const lz_array* a) {
  for (uint32_t i = 0; i < g->n_inputs; i++)
    if (g->inputs[i] == a) return true;
  return false;
}

static int fuse_add_inputs(lz_plan* p, plan_group* g, const lz_node* n) {
  for (uint32_t i = 0; i < n->n_inputs; i++) {
    if (fuse_reads(g, n->inputs[i])) continue;
    if (g->n_inputs == g->max_inputs) {
      uint32_t max = g->max_inputs ? 2 * g->max_inputs : 4;
      lz_array** more = plan_alloc(p, max * sizeof *more);
      if (!more) return 1;
      if (g->n_inputs) memcpy(more, g->inputs, g->n_inputs * sizeof *more);
      g->inputs = more;
      g->max_inputs = max;
    }
    g->inputs[g->n_inputs++] = n->inputs[i];
  }
  return 0;
}

static int fuse_open(lz_plan* p, uint32_t i) {
  plan_node* t = &p->tape[i];
  plan_group* g = plan_alloc(p, sizeof *g);
  if (!g) return 1;
  g->root = i;
  g->first_member = i + 1;
  g->n_members = 1;
  g->n_outputs = 1;
  t->group = g;
  t->written = 1;
  return fuse_add_inputs(p, g, t->node);
}

static int fuse_join(lz_plan* p, uint32_t i, plan_group* g) {
  plan_node* t = &p->tape[i];
  for (uint32_t k = 0; k < g->n_inputs; k++)
    if (g->inputs[k] == t->out) {
      g->inputs[k] = g->inputs[--g->n_inputs];
      break;
    }
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

typedef struct fuse_verdict {
  int reason; /* enum lazuli_refusal; 0: fits */
  uint64_t limit, value;
} fuse_verdict;

static fuse_verdict fuse_fits(
    lz_plan* p, const plan_node* t, const plan_group* g) {
  const plan_node* root = &p->tape[g->root];
  if (!settings_fuse()) return (fuse_verdict){LAZULI_REFUSAL_DISABLED, 0, 0};
  if (t->node->stream != root->node->stream)
    return (fuse_verdict){
        LAZULI_REFUSAL_STREAM,
        (uint64_t)root->node->stream->index,
        (uint64_t)t->node->stream->index};
  if (!array_same_shape(t->out, root->out))
    return (fuse_verdict){
        LAZULI_REFUSAL_SHAPE,
        (uint64_t)root->out->size,
        (uint64_t)t->out->size};
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
  return (fuse_verdict){0, 0, 0};
}

/* One refusal for each element-wise neighbour that reads t from elsewhere. */
static void fuse_refuse(lz_plan* p, uint32_t i, fuse_verdict v) {
  plan_node* t = &p->tape[i];
  uint64_t bytes = 2 * array_nbytes(t->out);
  for (uint32_t j = i + 1, left = t->uses; j < p->n_tape && left; j++) {
    lz_node* n = p->tape[j].node;
    bool reads = false;
    for (uint32_t k = 0; k < n->n_inputs; k++)
      if (n->inputs[k] == t->out) {
        reads = true;
        left--;
      }
    if (reads && (n->op->flags & OP_ELEMENTWISE))
      PROBE(
          refusal,
          .eval = p->eval,
          .producer = t->out->id,
          .consumer = p->tape[j].out->id,
          .reason = (uint8_t)v.reason,
          .limit = v.limit,
          .value = v.value,
          .bytes = bytes);
  }
  (void)v;
  (void)bytes;
}

/* Tells the producers of a node that has its place by whom they are read. */
static void fuse_note_users(lz_plan* p, const plan_node* t) {
  const lz_node* n = t->node;
  for (uint32_t k = 0; k < n->n_inputs; k++) {
    plan_node* producer = plan_node_of(p, n->inputs[k]);
    if (!producer) continue;
    if (!t->group || (producer->user && producer->user != t->group))
      producer->shared = 1;
    else
      producer->user = t->group;
  }
}

int fuse(lz_plan* p) {
  for (uint32_t i = p->n_tape; i-- > 0;) {
    plan_node* t = &p->tape[i];
    if (fuse_can(t)) {
      int failed;
      if (t->user && !t->shared) {
        fuse_verdict v = fuse_fits(p, t, t->user);
        if (v.reason && PROBE_ON()) fuse_refuse(p, i, v);
        failed = v.reason ? fuse_open(p, i) : fuse_join(p, i, t->user);
      } else {
        if (t->user && PROBE_ON())
          fuse_refuse(p, i, (fuse_verdict){LAZULI_REFUSAL_SHARED, 1, t->uses});
        failed = fuse_open(p, i);
      }
      if (failed) return 1;
    }
    fuse_note_users(p, t);
  }
  return 0;
}

/* Members are numbered after the inputs, in tape order: SSA registers. While a
 * program is made, `mark` of a member's output holds its register + 1. */
static uint16_t fuse_register(const plan_group* g, const lz_array* a) {
  for (uint32_t i = 0; i < g->n_inputs; i++)
    if (g->inputs[i] == a) return (uint16_t)i;
  return (uint16_t)(a->mark - 1);
}

/* The dtype that names an instruction's kernel: see cpu/program.h. */
static uint8_t fuse_dtype(const lz_node* n, const lz_array* out) {
  if (n->n_inputs == 0 ||
      ew_rule_of((ew_op)n->op->elementwise) == EW_RULE_FROM_BYTE)
    return out->dtype;
  return n->inputs[n->n_inputs - 1]->dtype;
}

lz_program* fuse_program(lz_plan* p, const plan_group* g, lz_array** outputs) {
  lz_program* program = plan_alloc(p, sizeof *program);
  lz_instr* instrs = plan_alloc(p, g->n_members * sizeof *instrs);
  uint16_t* written = plan_alloc(p, g->n_outputs * sizeof *written);
  uint8_t* dtypes = plan_alloc(p, g->n_inputs + 1);
  if (!program || !instrs || !written || !dtypes) return NULL;
  lz_immediate* immediates = NULL;
  int n = 0, n_out = 0, n_immediates = 0;
  for (uint32_t at = g->first_member; at; at = p->tape[at - 1].next_member) {
    plan_node* t = &p->tape[at - 1];
    const lz_node* node = t->node;
    uint16_t reg = (uint16_t)(g->n_inputs + (uint32_t)n);
    lz_instr* instr = &instrs[n++];
    *instr = (lz_instr){
        .op = node->op->elementwise,
        .dtype = fuse_dtype(node, t->out),
        .out_dtype = t->out->dtype,
        .dst = reg};
    for (uint32_t k = 0; k < node->n_inputs; k++)
      instr->src[k] = fuse_register(g, node->inputs[k]);
    if (node->params_size) {
      if (!immediates &&
          !(immediates = plan_alloc(p, g->n_members * sizeof *immediates)))
        return NULL;
      instr->src[0] = (uint16_t)n_immediates;
      memcpy(&immediates[n_immediates++], node->params, sizeof *immediates);
    }
    t->out->mark = reg + 1u;
    if (t->written) {
      written[n_out] = reg;
      outputs[n_out++] = t->out;
    }
  }
  for (uint32_t i = 0; i < g->n_inputs; i++) dtypes[i] = g->inputs[i]->dtype;
  *program = (lz_program){
      .n_inputs = (int)g->n_inputs,
      .n_outputs = n_out,
      .n_instrs = n,
      .instrs = instrs,
      .output_registers = written,
      .immediates = immediates};
  enum program_error failed = program_finish(program, dtypes, instrs, written);
  if (failed)
    return error_set(
        "[%s] its kernel cannot be built (reason %d)",
        p->tape[g->root].node->op->name,
        (int)failed);
  return program;
}
