/* Running the steps of one stream, on whatever thread runs the stream. */
#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "eval/fused.h"
#include "eval/plan.h"
#include "memory/alloc.h"
#include "probe/probe.h"
#include "vulkan/backend.h"

static void run_fail(lz_plan* p) {
  int expected = 0;
  if (!atomic_compare_exchange_strong(&p->failed, &expected, 1)) return;
  snprintf(p->error, sizeof p->error, "%s", error_message());
  atomic_store_explicit(&p->failed, 2, memory_order_release);
}

/* Waits for what other streams compute; non-zero where an input failed. */
static int run_inputs(lz_plan* p, const lz_step* s) {
  for (uint32_t i = 0; i < s->n_in; i++) {
    const lz_array* a = s->in[i];
    lz_status status = array_status(a);
    if (status == ARRAY_SCHEDULED && a->stream != s->stream) {
      stream_wait(a->stream, a->ticket, LAZULI_WAIT_CROSS_STREAM, p->eval);
      status = array_status(a);
    }
    if (status == ARRAY_FAILED)
      return error_fail("an input's own evaluation failed");
  }
  return 0;
}

/* Whether a step must wait for another stream before it can start. */
static bool run_crosses(const lz_step* s) {
  for (uint32_t i = 0; i < s->n_in; i++)
    if (array_status(s->in[i]) == ARRAY_SCHEDULED &&
        s->in[i]->stream != s->stream)
      return true;
  return false;
}

/* The input whose layout the outputs take: all that have more than one element
 * have their shape and lie as it does, without holes, but not in rows. NULL:
 * rows. What it repeats is computed once. */
static const lz_array* run_layout(const lz_exec* x, const lz_program* p) {
  const lz_array *out = x->out[0], *like = NULL;
  for (int i = 0; i < x->n_in; i++) {
    const lz_array* in = x->in[i];
    if (in->size == 1) continue;
    if ((in->flags & ARRAY_ROW_CONTIGUOUS) || !array_same_shape(in, out) ||
        (like ? !array_same_layout(in, like) : !array_without_holes(in)))
      return NULL;
    like = in;
  }
  if (!like || array_stored(like) > INT32_MAX) return NULL;
  for (int i = 0; i < p->n_instrs; i++) /* a ramp counts by index */
    if (p->instrs[i].op == EW_IOTA) return NULL;
  return like;
}

/* The view of an input broadcast to the shape of the program. */
static void run_broadcast(
    const lz_array* in, const lz_array* out, lz_view* v, int64_t* strides) {
  view_broadcast_strides(
      in->ndim, in->shape, in->strides, out->ndim, out->shape, strides);
  *v = (lz_view){
      array_data(in), (lz_dtype)in->dtype, out->ndim, out->shape, strides};
}

/* The view of an array that stores `n` elements one after another, or is one.
 */
static lz_view run_stored(const lz_array* a, const int32_t* n) {
  static const int64_t strides[] = {0, 1};
  return (lz_view){
      array_data(a), (lz_dtype)a->dtype, 1, n, &strides[a->size > 1]};
}

enum { RUN_MAX_VIEWS = 40 };

static int run_program(lz_exec* x, const lz_program* program) {
  const lz_array *like = run_layout(x, program), *root = x->out[0];
  if (exec_alloc_fused(x, like)) return 1;
  lz_view in[RUN_MAX_VIEWS], out[RUN_MAX_VIEWS];
  int64_t strides[RUN_MAX_VIEWS][LZ_MAX_DIMS];
  const int32_t stored = like ? (int32_t)array_stored(like) : 0;
  for (int i = 0; i < x->n_in; i++)
    if (like)
      in[i] = run_stored(x->in[i], &stored);
    else
      run_broadcast(x->in[i], root, &in[i], strides[i]);
  for (int i = 0; i < x->n_out; i++)
    out[i] = like ? run_stored(x->out[i], &stored) : array_view(x->out[i]);
  x->flops =
      (uint64_t)(like ? stored : root->size) * (uint64_t)program->n_instrs;
  program_run(
      program, like ? 1 : root->ndim, like ? &stored : root->shape, in, out);
  return 0;
}

static int run_operation(lz_exec* x, const lz_step* s) {
  if (s->stream->device == DEVICE_GPU &&
      !(s->node && s->node->op->flags & (OP_VIEW | OP_HOST))) {
    int failed = vulkan_run(x, s->program);
    if (!failed || !vulkan_lacks_kernel()) return failed;
    /* The host computes it, in memory that both reach. */
    error_clear();
    x->deferred = false;
    if (vulkan_finish(s->stream)) return 1;
  }
  if (s->program) return run_program(x, s->program);
  if (s->fused) return fused_run(x, s->fused);
  if (!x->op->cpu) return error_fail("[%s] no kernel on the cpu", x->op->name);
  return x->op->cpu(x);
}

static inline uint64_t run_bytes(lz_array* const* arrays, uint32_t n) {
  uint64_t bytes = 0;
  for (uint32_t i = 0; i < n; i++)
    if (arrays[i]) bytes += array_nbytes(arrays[i]);
  return bytes;
}

static void run_report_begin(const lz_plan* p, const lz_step* s) {
  (void)p;
  (void)s;
  PROBE(
      kernel_begin,
      .kernel = s->kernel,
      .eval = p->eval,
      .stream = (uint32_t)s->stream->index,
      .name = s->name);
}

/* A step that was named since somebody watched while it was planned. A view is
 * a kernel only if it had to copy, which is known afterwards. */
PROBE_REPORT int run_watched(const lz_plan* p, lz_exec* x, const lz_step* s) {
  bool view = s->node && s->node->op->flags & OP_VIEW;
  uint64_t begin = probe_now();
  if (!view) run_report_begin(p, s);
  int failed = run_operation(x, s);
  if ((view && !x->copied) || x->deferred) return failed;
  if (view) run_report_begin(p, s);
  uint64_t flops = x->flops                ? x->flops
                   : x->op && x->op->flops ? x->op->flops(x)
                                           : 0;
  PROBE(
      kernel_end,
      .kernel = s->kernel,
      .stream = (uint32_t)s->stream->index,
      .begin_ns = begin,
      .end_ns = probe_now(),
      .bytes_read = x->read ? x->read : run_bytes(s->in, s->n_in),
      .bytes_written = x->written ? x->written : run_bytes(s->out, s->n_out),
      .flops = flops);
  (void)flops;
  (void)begin;
  return failed;
}

static int run_step(lz_plan* p, lz_step* s) {
  lz_exec x = {
      .op = s->node ? s->node->op : NULL,
      .params = s->node ? s->node->params : NULL,
      .in = s->in,
      .out = s->out,
      .n_in = (int)s->n_in,
      .n_out = (int)s->n_out,
      .stream = s->stream,
      .kernel = s->kernel};
  bool sole = !s->node ||
              atomic_load_explicit(&s->node->refs, memory_order_acquire) == 1;
  for (uint32_t i = 0; sole && i < s->n_in && i < sizeof x.may_donate; i++)
    x.may_donate[i] =
        atomic_load_explicit(&s->in[i]->refs, memory_order_acquire) == 1;
  int failed = __builtin_expect(s->name != NULL, 0) ? run_watched(p, &x, s)
                                                    : run_operation(&x, s);
  for (int i = 0; i < x.n_scratch; i++) buffer_unref(x.scratch[i]);
  return failed;
}

/* The step's work has ended: its outputs can be read, its inputs go. */
static void run_complete(lz_step* s, bool failed) {
  for (uint32_t i = 0; i < s->n_out; i++) {
    lz_array* a = s->out[i];
    if (!a) continue;
    atomic_store_explicit(
        &a->status, failed ? ARRAY_FAILED : ARRAY_READY, memory_order_release);
  }
  if (s->node) {
    node_unref(s->node);
  } else {
    for (uint32_t i = 0; i < s->n_in; i++) array_unref(s->in[i]);
  }
  for (uint32_t i = 0; i < s->n_out; i++) array_unref(s->out[i]);
  stream_done(s->stream, s->ticket);
}

static bool run_has_failed(const lz_step* s) {
  for (uint32_t i = 0; i < s->n_out; i++)
    if (s->out[i] && array_status(s->out[i]) == ARRAY_FAILED) return true;
  return false;
}

int run_fold(lz_step* s) {
  lz_exec x = {
      .in = s->in,
      .out = s->out,
      .n_in = (int)s->n_in,
      .n_out = (int)s->n_out,
      .stream = s->stream};
  int failed = run_program(&x, s->program);
  for (uint32_t i = 0; i < s->n_out; i++) {
    lz_array* a = s->out[i];
    if (!failed) {
      atomic_store_explicit(&a->status, ARRAY_READY, memory_order_release);
      array_detach(a);
    }
    array_unref(a);
  }
  for (uint32_t i = 0; i < s->n_in; i++) array_unref(s->in[i]);
  return failed;
}

void run_segment(lz_work* work) {
  plan_segment* g = (plan_segment*)work;
  lz_plan* p = g->plan;
  bool gpu = g->stream->device == DEVICE_GPU;
  uint32_t pending = 0; /* first step whose end is not yet known */
  for (uint32_t i = 0; i < g->n_steps; i++) {
    lz_step* s = g->steps[i];
    bool host = s->node && s->node->op->flags & (OP_VIEW | OP_HOST);
    if (gpu && (host || run_crosses(s))) {
      if (vulkan_finish(g->stream)) run_fail(p);
      for (; pending < i; pending++)
        run_complete(g->steps[pending], run_has_failed(g->steps[pending]));
    }
    error_clear();
    bool failed = run_inputs(p, s) || run_step(p, s);
    if (failed) {
      run_fail(p);
      for (uint32_t k = 0; k < s->n_out; k++)
        if (s->out[k])
          atomic_store_explicit(
              &s->out[k]->status, ARRAY_FAILED, memory_order_release);
    }
    if (gpu) continue;
    run_complete(s, failed);
    pending = i + 1;
  }
  if (gpu) {
    bool lost = vulkan_finish(g->stream) != 0;
    if (lost) run_fail(p);
    for (; pending < g->n_steps; pending++)
      run_complete(
          g->steps[pending], lost || run_has_failed(g->steps[pending]));
  }
  error_clear();
  plan_unref(p);
}
