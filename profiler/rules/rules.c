#include "rules.h"

#include <stdlib.h>
#include <string.h>

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
  for (uint32_t i = 0; rules_functions[i]; i++) {
    run.rule = &rules_table[i];
    if (!rules_functions[i](&run)) {
      rules_free(out);
      return 1;
    }
  }
  if (out->n) qsort(out->at, out->n, sizeof *out->at, rules_order);
  return 0;
}

void rules_free(findings* f) {
  free(f->at);
  memset(f, 0, sizeof *f);
}
