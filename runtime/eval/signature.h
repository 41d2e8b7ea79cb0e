/* The structure of a tape: what a plan depends on, and nothing else. Two tapes
 * of one signature have the same plan.
 *
 * A value from outside is a leaf, numbered as it is first met: its dtype and
 * shape count, of a READY scalar also which earlier scalar it equals and
 * whether it is 0 or 1, since the optimiser looks at that. */
#ifndef EVAL_SIGNATURE_H
#define EVAL_SIGNATURE_H

#include "eval/plan.h"

typedef struct plan_signature {
  uint64_t* words; /* in the plan's arena */
  uint32_t n_words;
  uint64_t hash;
  lz_array** leaves; /* borrowed; `mark` of each is its number + 1 */
  uint32_t n_leaves;
} plan_signature;

/* Right after collect. Non-zero: this tape has none (too large, or operations
 * that compare themselves), or memory failed; no message. */
int signature_make(lz_plan* p, plan_signature* s);

#endif
