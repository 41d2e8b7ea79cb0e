#include "rules.h"

#include <stdlib.h>
#include <string.h>

#include "facts.h"

/* The last entry ends the table, which may be empty but for it. */
static const rule rules_table[] = {
#define RULE(id, function, title, why, fix) {id, title, why, fix},
#include "rules.def"
#undef RULE
    {0}};

static bool (*const rules_functions[])(rules_run*) = {
#define RULE(id, function, title, why, fix) function,
#include "rules.def"
#undef RULE
    0};

const rule* rules_all(uint32_t* count) {
  *count = sizeof rules_table / sizeof *rules_table - 1;
  return rules_table;
}

finding* rules_add(rules_run* run, uint32_t stack) {
  findings* out = run->out;
  if (out->n == run->room) {
    uint32_t room = run->room ? run->room * 2 : 16;
    finding* at = realloc(out->at, room * sizeof *at);
    if (!at) return NULL;
    out->at = at;
    run->room = room;
  }
  finding* f = &out->at[out->n++];
  memset(f, 0, sizeof *f);
  f->rule = run->rule;
  f->stack = stack;
  f->place = summary_place_of(run->model, stack);
  f->eval = f->node = MODEL_NONE;
  return f;
}

finding* rules_at_place(rules_run* run, summary_place p, uint32_t stack) {
  for (uint32_t i = run->out->n; i-- > 0;) {
    finding* f = &run->out->at[i];
    if (f->rule == run->rule && f->place.file == p.file &&
        f->place.line == p.line && f->place.function == p.function)
      return f;
  }
  finding* f = rules_add(run, stack);
  if (f) f->place = p;
  return f;
}

finding* rules_at(rules_run* run, uint32_t stack) {
  return rules_at_place(run, summary_place_of(run->model, stack), stack);
}

void rules_drop_few(rules_run* run, uint32_t least) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < run->out->n; i++) {
    const finding* f = &run->out->at[i];
    if (f->rule != run->rule || f->count >= least) run->out->at[kept++] = *f;
  }
  run->out->n = kept;
}

static bool rules_same_frame(const model_frame* a, const model_frame* b) {
  return a->file == b->file && a->line == b->line &&
         a->function == b->function && a->module == b->module;
}

summary_place rules_parting(const model* m, uint32_t a, uint32_t b) {
  summary_place site = summary_place_of(m, a);
  if (a == b || a >= m->n_stacks || b >= m->n_stacks) return site;
  const model_stack *x = &m->stacks[a], *y = &m->stacks[b];
  /* From the outermost frames inwards, as long as they are the same. */
  uint32_t same = 0;
  while (same < x->count && same < y->count &&
         rules_same_frame(
             &m->frames[x->first + x->count - 1 - same],
             &m->frames[y->first + y->count - 1 - same]))
    same++;
  if (same == x->count) return site;
  const model_frame* f = &m->frames[x->first + x->count - 1 - same];
  return f->user ? (summary_place){f->function, f->file, f->line, f->module}
                 : site;
}

static int rules_order(const void* a, const void* b) {
  const finding *x = a, *y = b;
  if (x->cost_ns != y->cost_ns) return x->cost_ns < y->cost_ns ? 1 : -1;
  if (x->cost_bytes != y->cost_bytes)
    return x->cost_bytes < y->cost_bytes ? 1 : -1;
  if (x->rule != y->rule) return x->rule < y->rule ? -1 : 1;
  return x->place.line < y->place.line ? -1 : x->place.line > y->place.line;
}

int rules_find(const model* m, const summary* s, findings* out) {
  memset(out, 0, sizeof *out);
  rules_run run = {.model = m, .summary = s, .out = out};
  bool fine = rules_facts_make(&run);
  for (uint32_t i = 0; rules_functions[i] && fine; i++) {
    run.rule = &rules_table[i];
    fine = rules_functions[i](&run);
  }
  rules_facts_free(&run);
  if (!fine)
    rules_free(out);
  else if (out->n)
    qsort(out->at, out->n, sizeof *out->at, rules_order);
  return !fine;
}

void rules_free(findings* f) {
  free(f->at);
  memset(f, 0, sizeof *f);
}
