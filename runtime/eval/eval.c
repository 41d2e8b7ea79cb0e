#include "eval/eval.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "eval/blueprint.h"
#include "eval/plan.h"
#include "eval/settings.h"
#include "probe/probe.h"

static pthread_mutex_t graph = PTHREAD_MUTEX_INITIALIZER;
static _Thread_local int tracing;

void eval_graph_lock(void) {
  pthread_mutex_lock(&graph);
}
void eval_graph_unlock(void) {
  pthread_mutex_unlock(&graph);
}

void eval_trace_enter(void) {
  tracing++;
}
void eval_trace_leave(void) {
  tracing--;
}
bool eval_is_tracing(void) {
  return tracing > 0;
}

static void eval_in_child(void) {
  pthread_mutex_init(&graph, NULL);
}
static pthread_once_t eval_once = PTHREAD_ONCE_INIT;
static void eval_init(void) {
  pthread_atfork(eval_graph_lock, eval_graph_unlock, eval_in_child);
}

int eval_wait(lz_array* a) {
  if (array_status(a) == ARRAY_SCHEDULED)
    stream_wait(a->stream, a->ticket, LAZULI_WAIT_ARRAY, 0);
  if (array_status(a) == ARRAY_FAILED)
    return error_fail(
        "[eval] the evaluation that was to compute this array failed");
  return 0;
}

PROBE_REPORT void eval_report_begin(
    uint64_t eval,
    lz_array* const* arrays,
    size_t n,
    enum lazuli_trigger trigger,
    bool async) {
  uint64_t* ids = malloc((n ? n : 1) * sizeof *ids);
  if (!ids) return;
  for (size_t i = 0; i < n; i++) ids[i] = arrays[i]->id;
  PROBE(
      eval_begin,
      .eval = eval,
      .trigger = (uint8_t)trigger,
      .is_async = async,
      .n_outputs = (uint32_t)n,
      .outputs = ids);
  (void)eval;
  (void)trigger;
  (void)async;
  free(ids);
}

/* From the tape to steps: by the blueprint of its signature, or by planning. */
static int eval_plan(lz_plan* p) {
  plan_signature s;
  int failed;
  if (PROBE_ON() && settings_fuse()) fuse_report_evaluated(p);
  if (settings_fuse() && !signature_make(p, &s)) {
    p->signature = &s;
    p->blueprint = blueprint_find(&s);
  }
  p->cached = p->blueprint != NULL;
  if (p->cached) {
    failed = blueprint_apply(p, &s);
  } else {
    failed = !(p->blueprint = blueprint_new()) || simplify(p) || fuse(p) ||
             steps_make(p);
    if (!failed && p->signature) blueprint_keep(p);
  }
  p->signature = NULL;
  if (failed) steps_undo(p);
  return failed || steps_finish(p);
}

/* Plans and dispatches under the graph lock. A segment that the calling thread
 * is to run itself is returned through *mine. */
static int eval_dispatch(
    lz_plan* p,
    lz_array* const* arrays,
    size_t n,
    bool async,
    plan_segment** mine) {
  int failed = collect(p, arrays, n) || eval_plan(p);
  /* The tape lets go before anything runs: donation counts references. */
  collect_forget(p);
  for (uint32_t i = 0; i < p->n_tape; i++)
    if (!p->tape[i].dead) node_unref(p->tape[i].node);
  if (failed) return 1;
  atomic_fetch_add_explicit(&p->refs, p->n_segments, memory_order_relaxed);
  for (uint32_t i = 0; i < p->n_segments; i++) {
    plan_segment* g = &p->segments[i];
    if (!async && p->n_segments == 1 && stream_try_enter(g->stream))
      *mine = g;
    else
      stream_submit(g->stream, &g->work);
  }
  return 0;
}

PROBE_REPORT void eval_report_end(
    const lz_plan* p, bool failed, uint64_t plan_ns) {
  (void)p, (void)failed, (void)plan_ns;
  PROBE(
      eval_end,
      .eval = p->eval,
      .nodes = p->n_nodes,
      .kernels = p->n_kernels,
      .plan_cached = p->cached,
      .failed = failed,
      .plan_ns = plan_ns);
}

static int eval_plan_and_run(
    lz_plan* p, lz_array* const* arrays, size_t n, bool async) {
  uint64_t begin = PROBE_ON() ? probe_now() : 0;
  plan_segment* mine = NULL;
  eval_graph_lock();
  int failed = eval_dispatch(p, arrays, n, async, &mine);
  eval_graph_unlock();
  uint64_t planned = begin ? probe_now() : 0;
  if (mine) {
    lz_stream* stream = mine->stream;
    run_segment(&mine->work);
    stream_leave(stream);
  }
  if (!failed && !async) {
    for (size_t i = 0; i < n; i++)
      if (array_status(arrays[i]) == ARRAY_SCHEDULED)
        stream_wait(
            arrays[i]->stream, arrays[i]->ticket, LAZULI_WAIT_EVAL, p->eval);
    for (size_t i = 0; i < n && !failed; i++)
      failed = array_status(arrays[i]) == ARRAY_FAILED;
    if (failed && atomic_load_explicit(&p->failed, memory_order_acquire) == 2)
      error_set("%s", p->error);
    else if (failed)
      error_set("[eval] an earlier evaluation that computes an input failed");
  }
  if (PROBE_ON()) eval_report_end(p, failed != 0, planned - begin);
  return failed;
}

int eval_arrays(
    lz_array* const* arrays,
    size_t n,
    enum lazuli_trigger trigger,
    bool async) {
  pthread_once(&eval_once, eval_init);
  if (async && eval_is_tracing())
    return error_fail(
        "[async_eval] Not allowed inside a graph transformation.");
  bool lazy = false;
  for (size_t i = 0; i < n && !lazy; i++)
    lazy = array_status(arrays[i]) == ARRAY_LAZY;
  if (!lazy) {
    int failed = 0;
    for (size_t i = 0; i < n && !async; i++) failed |= eval_wait(arrays[i]);
    return failed;
  }
  lz_plan* p = plan_new();
  if (!p) return 1;
  static _Atomic uint64_t last;
  p->eval = atomic_fetch_add_explicit(&last, 1, memory_order_relaxed) + 1;
  if (PROBE_ON()) eval_report_begin(p->eval, arrays, n, trigger, async);
  int failed = eval_plan_and_run(p, arrays, n, async);
  plan_unref(p);
  return failed;
}

int eval_array(lz_array* a, enum lazuli_trigger trigger) {
  if (array_is_ready(a)) return 0;
  return eval_arrays(&a, 1, trigger, false);
}
