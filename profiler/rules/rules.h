/* Findings: habits of a program that cost it, each with its evidence.
 *
 * A rule is one line of rules.def and one file. It reads the model alone and
 * must be silent on a program that does the same thing well. */
#ifndef RULES_H
#define RULES_H

#include "model.h"
#include "summary.h"

typedef struct rule {
  const char* id;
  const char* title;
  const char* why;
  const char* fix;
} rule;

typedef struct finding {
  const rule* rule;
  summary_place place; /* the line to change */
  uint32_t stack;      /* how the program came there, or MODEL_NONE */
  uint32_t count;      /* how often */
  uint64_t cost_ns;    /* about what it cost; 0 not known */
  uint64_t cost_bytes;
  uint32_t eval;      /* an example, or MODEL_NONE */
  uint32_t node;      /* an example, or MODEL_NONE */
  char evidence[240]; /* one sentence with the figures */
} finding;

/* All rules of the table. */
const rule* rules_all(uint32_t* count);

/* Runs all rules. Findings come by cost, most first. 0, or 1 when there is no
 * memory. Free with rules_free(). */
typedef struct findings {
  finding* at;
  uint32_t n;
} findings;
int rules_find(const model* m, const summary* s, findings* out);
void rules_free(findings* f);

/* ---- for rules ---------------------------------------------------------- */

typedef struct rules_run {
  const model* model;
  const summary* summary;
  const rule* rule; /* the running one */
  findings* out;
  uint32_t room;
} rules_run;

/* A new finding of the running rule, cleared but for the rule, the place of
 * `stack` and the examples, which are MODEL_NONE. NULL: no memory. */
finding* rules_add(rules_run* run, uint32_t stack);

#define RULE(id, function, title, why, fix) bool function(rules_run* run);
#include "rules.def"
#undef RULE

#endif
