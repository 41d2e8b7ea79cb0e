/* From a group to what runs it: a register program, or stages with a program
 * for each set of element-wise members that are computed together. */
#include <string.h>

#include "core/error.h"
#include "eval/fuse.h"
#include "eval/fused.h"
#include "ops/view.h"

/* Element-wise members that make one program. */
typedef struct build_part {
  uint32_t members[FUSE_MAX_MEMBERS]; /* tape indices, ascending */
  uint32_t n;
  lz_array** inputs;
  uint32_t n_inputs;
  lz_array** outputs;
  uint32_t n_outputs;
} build_part;

/* Members are numbered after the inputs, in tape order: SSA registers. While a
 * program is made, `mark` of a member's output holds its register + 1. */
static uint16_t build_register(const build_part* b, const lz_array* a) {
  for (uint32_t i = 0; i < b->n_inputs; i++)
    if (b->inputs[i] == a) return (uint16_t)i;
  return (uint16_t)(a->mark - 1);
}

/* The dtype that names an instruction's kernel: see cpu/program.h. */
static uint8_t build_dtype(const lz_node* n, const lz_array* out) {
  if (n->n_inputs == 0 ||
      ew_rule_of((ew_op)n->op->elementwise) == EW_RULE_FROM_BYTE)
    return out->dtype;
  return n->inputs[n->n_inputs - 1]->dtype;
}

static lz_program* build_program(lz_plan* p, const build_part* b) {
  lz_program* program = plan_keep_alloc(p, sizeof *program);
  lz_instr* instrs = plan_keep_alloc(p, b->n * sizeof *instrs);
  uint16_t* written = plan_keep_alloc(p, b->n_outputs * sizeof *written);
  uint8_t* dtypes = plan_alloc(p, b->n_inputs + 1);
  if (!program || !instrs || !written || !dtypes) return NULL;
  lz_immediate* immediates = NULL;
  int n_immediates = 0;
  for (uint32_t i = 0; i < b->n; i++) {
    const plan_node* t = &p->tape[b->members[i]];
    const lz_node* node = t->node;
    uint16_t reg = (uint16_t)(b->n_inputs + i);
    lz_instr* instr = &instrs[i];
    *instr = (lz_instr){
        .op = node->op->elementwise,
        .dtype = build_dtype(node, t->out),
        .out_dtype = t->out->dtype,
        .dst = reg};
    for (uint32_t k = 0; k < node->n_inputs; k++)
      instr->src[k] = build_register(b, node->inputs[k]);
    if (node->params_size) {
      if (!immediates &&
          !(immediates = plan_keep_alloc(p, b->n * sizeof *immediates)))
        return NULL;
      instr->src[0] = (uint16_t)n_immediates;
      memcpy(&immediates[n_immediates++], node->params, sizeof *immediates);
    }
    t->out->mark = reg + 1u;
  }
  for (uint32_t i = 0; i < b->n_outputs; i++)
    written[i] = (uint16_t)(b->outputs[i]->mark - 1);
  for (uint32_t i = 0; i < b->n_inputs; i++) dtypes[i] = b->inputs[i]->dtype;
  *program = (lz_program){
      .n_inputs = (int)b->n_inputs,
      .n_outputs = (int)b->n_outputs,
      .n_instrs = (int)b->n,
      .instrs = instrs,
      .output_registers = written,
      .immediates = immediates};
  enum program_error failed = program_finish(program, dtypes, instrs, written);
  if (failed)
    return error_set(
        "[%s] its kernel cannot be built (reason %d)",
        p->tape[b->members[b->n - 1]].node->op->name,
        (int)failed);
  return program;
}

/* ---- stages ---------------------------------------------------------------
 */

/* Stages are numbered by levels: a member's is above those of the members that
 * it reads, or, element-wise after element-wise of the same shape, the same. */
typedef struct build_stages {
  lz_plan* p;
  const plan_group* g;
  uint32_t members[FUSE_MAX_MEMBERS]; /* tape indices, ascending */
  uint8_t level[FUSE_MAX_MEMBERS];
  bool placed[FUSE_MAX_MEMBERS];
  uint32_t n;
  fused_value* values; /* inputs, then one a member */
  fused_stage* stages;
  int n_stages;
  int core;
} build_stages;

static int build_member(const build_stages* b, const lz_array* a) {
  for (uint32_t i = 0; i < b->n; i++)
    if (b->p->tape[b->members[i]].out == a) return (int)i;
  return -1;
}

static uint16_t build_value(const build_stages* b, const lz_array* a) {
  for (uint32_t i = 0; i < b->g->n_inputs; i++)
    if (b->g->inputs[i] == a) return (uint16_t)i;
  return (uint16_t)(b->g->n_inputs + (uint32_t)build_member(b, a));
}

static void build_levels(build_stages* b) {
  for (uint32_t i = 0; i < b->n; i++) {
    const plan_node* t = &b->p->tape[b->members[i]];
    bool elementwise = fuse_is_elementwise(t);
    if (b->g->kinds != GROUP_ROWS) {
      /* Before the core, a view of that, the core, after it. */
      bool before = fuse_stands_before(b->p, b->g, t);
      bool view = t->node->op->flags & OP_VIEW;
      b->level[i] = view ? 1 : !elementwise ? 2 : before ? 0 : 3;
      continue;
    }
    for (uint32_t k = 0; k < t->node->n_inputs; k++) {
      int m = build_member(b, t->node->inputs[k]);
      if (m < 0) continue;
      const plan_node* from = &b->p->tape[b->members[m]];
      bool together = elementwise && fuse_is_elementwise(from) &&
                      array_same_shape(t->out, from->out);
      uint8_t level = (uint8_t)(b->level[m] + !together);
      if (level > b->level[i]) b->level[i] = level;
    }
  }
}

static int32_t* build_shape(lz_plan* p, const lz_array* a) {
  int32_t* shape = plan_keep_alloc(p, (a->ndim + 1u) * sizeof *shape);
  if (shape && a->ndim) memcpy(shape, a->shape, sizeof(int32_t) * a->ndim);
  return shape;
}

/* A member of another group is written there, if at all. */
static bool build_writes(const plan_group* g, const plan_node* t) {
  return t->written && t->group == g;
}

/* Where every value stands. The product of a MATMUL is made in the memory of
 * the root, unless it has its own. */
static int build_values(build_stages* b, lz_array** outputs) {
  lz_plan* p = b->p;
  uint32_t n_inputs = b->g->n_inputs, n_out = 0;
  b->values = plan_keep_alloc(p, (n_inputs + b->n) * sizeof *b->values);
  if (!b->values) return 1;
  for (uint32_t i = 0; i < n_inputs; i++)
    b->values[i] = (fused_value){
        .place = FUSED_IN,
        .dtype = b->g->inputs[i]->dtype,
        .ndim = b->g->inputs[i]->ndim,
        .index = (uint16_t)i,
        .base = FUSED_NO_BASE};
  for (uint32_t i = 0; i < b->n; i++) {
    const plan_node* t = &p->tape[b->members[i]];
    fused_value* v = &b->values[n_inputs + i];
    *v = (fused_value){
        .place = FUSED_SCRATCH,
        .dtype = t->out->dtype,
        .ndim = t->out->ndim,
        .base = FUSED_NO_BASE,
        .shape = build_shape(p, t->out)};
    if (!v->shape) return 1;
    if (t->node->op->flags & OP_VIEW) {
      const lz_fusable* f = t->node->op->fusable;
      v->base = build_value(b, t->node->inputs[0]);
      v->turned = f->turns && f->turns(t->node);
    }
    if (!build_writes(b->g, t)) continue;
    v->place = FUSED_OUT;
    v->index = (uint16_t)n_out;
    outputs[n_out++] = t->out;
  }
  if (b->g->kinds == GROUP_MATMUL) {
    fused_value* v = &b->values[build_value(b, p->tape[b->g->core - 1].out)];
    if (v->place == FUSED_SCRATCH) {
      v->place = FUSED_OUT;
      v->index = (uint16_t)(n_out - 1);
    }
  }
  return 0;
}

/* An operation that is not element-wise, or a view. */
static int build_core(build_stages* b, uint32_t i) {
  lz_plan* p = b->p;
  const lz_node* n = p->tape[b->members[i]].node;
  fused_stage* s = &b->stages[b->n_stages];
  uint16_t* in = plan_keep_alloc(p, n->n_inputs * sizeof *in);
  uint16_t* out = plan_keep_alloc(p, sizeof *out);
  void* params = plan_keep_alloc(p, n->params_size + 1u);
  if (!in || !out || !params) return 1;
  if (n->params_size) memcpy(params, n->params, n->params_size);
  for (uint32_t k = 0; k < n->n_inputs; k++)
    in[k] = build_value(b, n->inputs[k]);
  *out = (uint16_t)(b->g->n_inputs + i);
  *s = (fused_stage){
      .op = n->op,
      .params = params,
      .n_in = (uint16_t)n->n_inputs,
      .n_out = 1,
      .in = in,
      .out = out};
  if (!(n->op->flags & OP_VIEW)) b->core = b->n_stages;
  b->n_stages++;
  b->placed[i] = true;
  return 0;
}

static void build_read(build_part* part, lz_array* a) {
  for (uint32_t i = 0; i < part->n_inputs; i++)
    if (part->inputs[i] == a) return;
  part->inputs[part->n_inputs++] = a;
}

static bool build_holds(const build_part* part, uint32_t tape) {
  for (uint32_t i = 0; i < part->n; i++)
    if (part->members[i] == tape) return true;
  return false;
}

/* Whether another stage reads the value, or it is an output. */
static bool build_leaves(
    const build_stages* b, const build_part* part, const plan_node* t) {
  if (build_writes(b->g, t)) return true;
  for (uint32_t i = 0; i < b->n; i++)
    if (!build_holds(part, b->members[i]) &&
        fuse_node_reads(b->p->tape[b->members[i]].node, t->out))
      return true;
  return false;
}

/* The program of member `first` and of those of its level and shape. */
static int build_elementwise(build_stages* b, uint32_t first) {
  lz_plan* p = b->p;
  build_part part = {.n = 0};
  const lz_array* shape = p->tape[b->members[first]].out;
  for (uint32_t i = first; i < b->n; i++) {
    const plan_node* t = &p->tape[b->members[i]];
    if (b->level[i] != b->level[first] || !fuse_is_elementwise(t) ||
        !array_same_shape(t->out, shape))
      continue;
    part.members[part.n++] = b->members[i];
    b->placed[i] = true;
  }
  part.inputs = plan_alloc(p, 3 * part.n * sizeof *part.inputs);
  part.outputs = plan_alloc(p, part.n * sizeof *part.outputs);
  if (!part.inputs || !part.outputs) return 1;
  for (uint32_t i = 0; i < part.n; i++) {
    const plan_node* t = &p->tape[part.members[i]];
    for (uint32_t k = 0; k < t->node->n_inputs; k++) {
      lz_array* a = t->node->inputs[k];
      int m = build_member(b, a);
      if (m < 0 || !build_holds(&part, b->members[m])) build_read(&part, a);
    }
    if (build_leaves(b, &part, t)) part.outputs[part.n_outputs++] = t->out;
  }
  fused_stage* s = &b->stages[b->n_stages++];
  uint16_t* values =
      plan_keep_alloc(p, (part.n_inputs + part.n_outputs) * sizeof *values);
  if (!values) return 1;
  for (uint32_t i = 0; i < part.n_inputs; i++)
    values[i] = build_value(b, part.inputs[i]);
  for (uint32_t i = 0; i < part.n_outputs; i++)
    values[part.n_inputs + i] = build_value(b, part.outputs[i]);
  *s = (fused_stage){
      .program = build_program(p, &part),
      .n_in = (uint16_t)part.n_inputs,
      .n_out = (uint16_t)part.n_outputs,
      .in = values,
      .out = values + part.n_inputs};
  return !s->program;
}

static lz_fused* build_fused(
    lz_plan* p, const plan_group* g, lz_array** outputs) {
  build_stages b = {.p = p, .g = g};
  for (uint32_t k = g->n_members; k-- > 0;) b.members[b.n++] = g->members[k];
  build_levels(&b);
  b.stages = plan_keep_alloc(p, b.n * sizeof *b.stages);
  if (!b.stages || build_values(&b, outputs)) return NULL;
  uint32_t left = b.n;
  for (uint8_t level = 0; left; level++)
    for (uint32_t i = 0; i < b.n; i++) {
      if (b.level[i] != level) continue;
      left--;
      if (b.placed[i]) continue;
      if (fuse_is_elementwise(&p->tape[b.members[i]]) ? build_elementwise(&b, i)
                                                      : build_core(&b, i))
        return NULL;
    }
  lz_fused* f = plan_keep_alloc(p, sizeof *f);
  if (!f) return NULL;
  *f = (lz_fused){
      .kind = g->kinds == GROUP_ROWS     ? FUSED_ROWS
              : g->kinds == GROUP_REDUCE ? FUSED_REDUCE
                                         : FUSED_MATMUL,
      .rows = g->rows,
      .n_values = (int)(g->n_inputs + b.n),
      .n_stages = b.n_stages,
      .values = b.values,
      .stages = b.stages,
      .core = b.core};
  return f;
}

int fuse_build(lz_plan* p, const plan_group* g, lz_step* s) {
  s->out = plan_alloc(p, g->n_outputs * sizeof *s->out);
  if (!s->out) return 1;
  s->n_out = g->n_outputs;
  if (g->kinds != GROUP_PROGRAM) {
    s->fused = build_fused(p, g, s->out);
    return !s->fused;
  }
  build_part part = {
      .inputs = g->inputs, .n_inputs = g->n_inputs, .outputs = s->out};
  for (uint32_t k = g->n_members; k-- > 0;) {
    const plan_node* t = &p->tape[g->members[k]];
    part.members[part.n++] = g->members[k];
    if (build_writes(g, t)) s->out[part.n_outputs++] = t->out;
  }
  s->program = build_program(p, &part);
  return !s->program;
}
