#include "facts.h"

#include <stdlib.h>
#include <string.h>

static const struct {
  const char* name;
  rules_kind kind;
} facts_ops[] = {
#define OP(name, kind) {#name, RULES_##kind},
#include "ops.def"
#undef OP
};

/* Nodes name their operations by strings of the model, which are unique: each
 * is looked up once. */
static bool facts_kinds(rules_run* run) {
  const model* m = run->model;
  for (uint32_t i = 0; i < m->n_nodes; i++)
    if (m->nodes[i].op >= run->n_kinds) run->n_kinds = m->nodes[i].op + 1;
  run->kinds = malloc((size_t)run->n_kinds + 1);
  if (!run->kinds) return false;
  memset(run->kinds, 0xff, run->n_kinds);
  for (uint32_t i = 0; i < m->n_nodes; i++) {
    uint32_t op = m->nodes[i].op;
    if (run->kinds[op] != 0xff) continue;
    run->kinds[op] = RULES_OTHER;
    const char* name = model_string(m, op);
    for (size_t k = 0; k < sizeof facts_ops / sizeof *facts_ops; k++)
      if (!strcmp(facts_ops[k].name, name))
        run->kinds[op] = (uint8_t)facts_ops[k].kind;
  }
  return true;
}

bool rules_facts_make(rules_run* run) {
  const model* m = run->model;
  rules_facts* f = &run->facts;
  size_t n = (size_t)m->n_evals + 2;
  f->kernel_ns = calloc(n, sizeof *f->kernel_ns);
  f->kernels = calloc(n, sizeof *f->kernels);
  f->operations = calloc(n, sizeof *f->operations);
  f->node_first = calloc(n + 1, sizeof *f->node_first);
  f->nodes = malloc(((size_t)m->n_nodes + 1) * sizeof *f->nodes);
  f->claims = calloc(n, sizeof *f->claims);
  if (!f->kernel_ns || !f->kernels || !f->operations || !f->node_first ||
      !f->nodes || !f->claims || !facts_kinds(run))
    return false;
  for (uint32_t i = 0; i < m->n_kernels; i++) {
    const model_kernel* k = &m->kernels[i];
    if (k->eval == MODEL_NONE || k->begin_ns == UINT64_MAX) continue;
    f->kernels[k->eval]++;
    f->operations[k->eval] += k->n_nodes ? k->n_nodes : 1;
    if (k->end_ns != UINT64_MAX)
      f->kernel_ns[k->eval] += k->end_ns - k->begin_ns;
  }
  for (uint32_t i = 0; i < m->n_nodes; i++)
    if (m->nodes[i].eval != MODEL_NONE) f->node_first[m->nodes[i].eval + 2]++;
  for (uint32_t i = 0; i < m->n_evals; i++)
    f->node_first[i + 2] += f->node_first[i + 1];
  for (uint32_t i = 0; i < m->n_nodes; i++)
    if (m->nodes[i].eval != MODEL_NONE)
      f->nodes[f->node_first[m->nodes[i].eval + 1]++] = i;
  return true;
}

void rules_facts_free(rules_run* run) {
  free(run->facts.kernel_ns);
  free(run->facts.kernels);
  free(run->facts.operations);
  free(run->facts.node_first);
  free(run->facts.nodes);
  free(run->facts.claims);
  free(run->kinds);
}

rules_kind rules_kind_of(const rules_run* run, uint32_t node) {
  return (rules_kind)run->kinds[run->model->nodes[node].op];
}

bool rules_is(const rules_run* run, uint32_t node, const char* op) {
  return !strcmp(model_string(run->model, run->model->nodes[node].op), op);
}

uint32_t rules_behind(const rules_run* run, uint32_t array) {
  const model* m = run->model;
  for (uint32_t node = m->arrays[array].node;
       node != MODEL_NONE && rules_kind_of(run, node) == RULES_VIEW &&
       m->nodes[node].n_inputs;
       node = m->arrays[array].node)
    array = m->inputs[m->nodes[node].first_input];
  return array;
}

bool rules_same_line(const model* m, uint32_t a, uint32_t b) {
  summary_place x = summary_place_of(m, a), y = summary_place_of(m, b);
  return x.line && x.line == y.line && x.file == y.file;
}

/* The next evaluation of a group from `from` on. */
static uint32_t facts_line_next(
    const rules_run* run, const summary_eval* group, uint32_t from) {
  const model* m = run->model;
  for (uint32_t e = from; e < m->n_evals; e++) {
    summary_place p = summary_place_of(m, m->evals[e].stack);
    if (m->evals[e].trigger == group->trigger && !run->facts.claims[e] &&
        p.file == group->place.file && p.line == group->place.line &&
        p.function == group->place.function)
      return e;
  }
  return MODEL_NONE;
}

rules_line rules_line_of(const rules_run* run, const summary_eval* group) {
  rules_line line = {.first = facts_line_next(run, group, group->first)};
  for (uint32_t e = line.first; e != MODEL_NONE;
       e = facts_line_next(run, group, e + 1)) {
    line.n++;
    line.operations += run->facts.operations[e];
    line.work += run->facts.kernel_ns[e];
    line.cost += rules_overhead(run, e);
  }
  return line;
}

void rules_line_claim(rules_run* run, const summary_eval* group) {
  for (uint32_t e = facts_line_next(run, group, group->first); e != MODEL_NONE;
       e = facts_line_next(run, group, e + 1))
    run->facts.claims[e] = run->rule;
}

uint64_t rules_overhead(const rules_run* run, uint32_t eval) {
  uint64_t all = summary_eval_ns(run->model, eval);
  uint64_t work = run->facts.kernel_ns[eval];
  return all > work ? all - work : 0;
}

bool rules_follows(const rules_run* run, uint32_t eval, uint32_t before) {
  const model* m = run->model;
  const rules_facts* f = &run->facts;
  for (uint32_t i = f->node_first[eval]; i < f->node_first[eval + 1]; i++) {
    const model_node* n = &m->nodes[f->nodes[i]];
    for (uint32_t k = 0; k < n->n_inputs; k++) {
      uint32_t from = m->arrays[m->inputs[n->first_input + k]].node;
      if (from != MODEL_NONE && m->nodes[from].eval == before) return true;
    }
  }
  return false;
}
