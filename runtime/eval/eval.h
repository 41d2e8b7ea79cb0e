/* Evaluation: from a lazy graph to values.
 *
 *   collect   the nodes that the outputs need, in order, without recursion
 *   optimise  fold constants, merge equal nodes, form fusion groups
 *   plan      a list of steps: one kernel each, with its inputs and outputs
 *   dispatch  steps to their streams
 *
 * Collecting to dispatching happens under one process-wide lock, the graph
 * lock, on the thread that asked; running does not.
 */
#ifndef EVAL_EVAL_H
#define EVAL_EVAL_H

#include "core/array.h"
#include "lazuli/probe.h"

/* Evaluates the arrays. Synchronous: returns when all are READY. Arrays that
 * are READY cost nothing. Non-zero with a message on failure. */
int eval_arrays(
    lz_array* const* arrays, size_t n, enum lazuli_trigger trigger, bool async);

/* Makes one array READY: evaluates it, or waits for work under way. */
int eval_array(lz_array* a, enum lazuli_trigger trigger);

/* Waits for an array that is SCHEDULED. Non-zero if its work failed. */
int eval_wait(lz_array* a);

/* Transformations that trace forbid evaluation of tracers: counts nested
 * traces of this thread. async_eval is an error inside any. */
void eval_trace_enter(void);
void eval_trace_leave(void);
bool eval_is_tracing(void);

void eval_graph_lock(void);
void eval_graph_unlock(void);

#endif
