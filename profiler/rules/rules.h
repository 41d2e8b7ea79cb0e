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

/* What several rules ask, found out once. */
typedef struct rules_facts {
  uint64_t* kernel_ns;  /* of an evaluation: its kernels' time */
  uint32_t* kernels;    /* of an evaluation: that ran */
  uint32_t* operations; /* of an evaluation: nodes in these */
  uint32_t* node_first; /* nodes[node_first[e] … node_first[e+1]-1] */
  uint32_t* nodes;
  const rule** claims; /* of an evaluation: the rule that told of it */
} rules_facts;

typedef enum rules_kind {
  RULES_OTHER,
  RULES_ELEMENTWISE,
  RULES_VIEW,
  RULES_INDEX,
  RULES_JOIN
} rules_kind;

typedef struct rules_run {
  const model* model;
  const summary* summary;
  const rule* rule; /* the running one */
  rules_facts facts;
  uint8_t* kinds; /* of a string: the rules_kind of the operation */
  uint32_t n_kinds;
  findings* out;
  uint32_t room;
} rules_run;

/* A new finding of the running rule, cleared but for the rule, the place of
 * `stack` and the examples, which are MODEL_NONE. NULL: no memory. */
finding* rules_add(rules_run* run, uint32_t stack);

/* The running rule's finding at the line of `stack`, a new one where it has
 * none: for what happens again and again. */
finding* rules_at(rules_run* run, uint32_t stack);

/* The same at another place than the site of the stack. */
finding* rules_at_place(rules_run* run, summary_place place, uint32_t stack);

/* Takes the running rule's findings of fewer than `least` times back. */
void rules_drop_few(rules_run* run, uint32_t least);

/* Where two call stacks part: the frame of `a` whose caller is the same in
 * both, so that helpers which all go through do not hide the lines that call
 * them. The site of `a` where the stacks are equal or do not meet. */
summary_place rules_parting(const model* m, uint32_t a, uint32_t b);

/* What a node's operation is, by ops.def. */
rules_kind rules_kind_of(const rules_run* run, uint32_t node);

/* Whether a node is this operation, by the name that both runtimes give it. */
bool rules_is(const rules_run* run, uint32_t node, const char* op);

/* What an array is a view of: the array behind operations that move no data. */
uint32_t rules_behind(const rules_run* run, uint32_t array);

/* Whether two stacks tell of one line of the program, which is known. */
bool rules_same_line(const model* m, uint32_t a, uint32_t b);

/* Evaluations of a line and trigger that no rule claimed: in all. */
typedef struct rules_line {
  uint32_t first; /* MODEL_NONE: none */
  uint32_t n;
  uint64_t operations, work, cost; /* cost: rules_overhead() */
} rules_line;
rules_line rules_line_of(const rules_run* run, const summary_eval* group);
/* Claims them for the running rule. */
void rules_line_claim(rules_run* run, const summary_eval* group);

/* The part of an evaluation's call that is not its kernels' work: planning,
 * starting, waiting. */
uint64_t rules_overhead(const rules_run* run, uint32_t eval);

/* Whether an evaluation took anything that `before` computed. */
bool rules_follows(const rules_run* run, uint32_t eval, uint32_t before);

#define RULE(id, function, title, why, fix) bool function(rules_run* run);
#include "rules.def"
#undef RULE

#endif
