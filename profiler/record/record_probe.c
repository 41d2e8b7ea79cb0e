/* The probe of a runtime, translated into events. The structs of both sides
 * carry the same fields by design; what is added here is the call stack. */
#include "lazuli/probe.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

/* Most events come this way: they are written in place. */
#include "trace_put.h"
#define RECORD_PUT_BY(kind) trace_put_here_##kind
#include "record.h"

/* The frame of every callback. */
#define BEGIN                        \
  (void)user;                        \
  record_thread* t = record_enter(); \
  if (!t) return;
#define END record_leave(t);

static trace_ids probe_ids(const uint64_t* ids, uint32_t count) {
  return (trace_ids){ids, count};
}

/* Names that are made for the call alone. */
static uint32_t probe_text(const char* text) {
  return text && *text ? trace_writer_string(record.writer, text, strlen(text))
                       : 0;
}

#define PROBE_OUTPUTS 16u

static inline __attribute__((always_inline)) void probe_put_node(
    record_thread* t, const lazuli_probe_node* p, trace_arrays outputs) {
  RECORD_PUT(
      t,
      node,
      {.id = p->n_outputs ? p->outputs[0].id : 0,
       .op = record_name(t, p->op),
       .stream = p->stream,
       .stack = record_stack(t),
       .inputs = probe_ids(p->inputs, p->n_inputs),
       .outputs = outputs,
       .of = p->of});
}

static __attribute__((noinline)) void probe_node_of_many(
    record_thread* t, const lazuli_probe_node* p) {
  trace_array outputs[PROBE_OUTPUTS];
  uint32_t count = p->n_outputs < PROBE_OUTPUTS ? p->n_outputs : PROBE_OUTPUTS;
  for (uint32_t i = 0; i < count; i++)
    outputs[i] = (trace_array){
        p->outputs[i].dtype, p->outputs[i].ndim, p->outputs[i].shape};
  probe_put_node(t, p, (trace_arrays){outputs, count});
  if (count < p->n_outputs)
    record_note(
        t,
        "%s: %u of %u outputs are left out of the node event",
        p->op,
        p->n_outputs - count,
        p->n_outputs);
}

static void probe_node(void* user, const lazuli_probe_node* p) {
  BEGIN
  if (__builtin_expect(p->n_outputs == 1, 1)) {
    const trace_array one = {
        p->outputs->dtype, p->outputs->ndim, p->outputs->shape};
    probe_put_node(t, p, (trace_arrays){&one, 1});
  } else {
    probe_node_of_many(t, p);
  }
  END
}

static void probe_eval_begin(void* user, const lazuli_probe_eval_begin* p) {
  BEGIN
  RECORD_PUT(
      t,
      eval_begin,
      {.eval = p->eval,
       .trigger = p->trigger,
       .is_async = p->is_async,
       .stack = record_stack(t),
       .outputs = probe_ids(p->outputs, p->n_outputs)});
  END
}

static void probe_eval_end(void* user, const lazuli_probe_eval_end* p) {
  BEGIN
  RECORD_PUT(
      t,
      eval_end,
      {.eval = p->eval,
       .nodes = p->nodes,
       .kernels = p->kernels,
       .plan_cached = p->plan_cached,
       .failed = p->failed,
       .plan_ns = p->plan_ns});
  END
}

static void probe_rewrite(void* user, const lazuli_probe_rewrite* p) {
  BEGIN
  RECORD_PUT(
      t,
      rewrite,
      {.eval = p->eval, .what = p->what, .node = p->node, .into = p->into});
  END
}

static void probe_fusion(void* user, const lazuli_probe_fusion* p) {
  BEGIN
  RECORD_PUT(
      t,
      fusion,
      {.eval = p->eval,
       .kernel = p->kernel,
       .nodes = probe_ids(p->nodes, p->n_nodes),
       .inputs = probe_ids(p->inputs, p->n_inputs),
       .outputs = probe_ids(p->outputs, p->n_outputs),
       .bytes_saved = p->bytes_saved});
  END
}

static void probe_refusal(void* user, const lazuli_probe_refusal* p) {
  BEGIN
  RECORD_PUT(
      t,
      refusal,
      {.eval = p->eval,
       .producer = p->producer,
       .consumer = p->consumer,
       .reason = p->reason,
       .limit = p->limit,
       .value = p->value,
       .bytes = p->bytes});
  END
}

static void probe_kernel_begin(void* user, const lazuli_probe_kernel_begin* p) {
  BEGIN
  RECORD_PUT(
      t,
      kernel_begin,
      {.kernel = p->kernel,
       .eval = p->eval,
       .stream = p->stream,
       .name = probe_text(p->name)});
  END
}

static void probe_kernel_end(void* user, const lazuli_probe_kernel_end* p) {
  BEGIN
  RECORD_PUT(
      t,
      kernel_end,
      {.kernel = p->kernel,
       .stream = p->stream,
       .begin_ns = p->begin_ns,
       .end_ns = p->end_ns,
       .bytes_read = p->bytes_read,
       .bytes_written = p->bytes_written,
       .flops = p->flops});
  END
}

static void probe_wait(void* user, const lazuli_probe_wait* p) {
  BEGIN
  RECORD_PUT(
      t,
      wait,
      {.reason = p->reason,
       .stream = p->stream,
       .eval = p->eval,
       .begin_ns = p->begin_ns,
       .end_ns = p->end_ns,
       .stack = record_stack(t)});
  END
}

static void probe_alloc(void* user, const lazuli_probe_alloc* p) {
  BEGIN
  RECORD_PUT(
      t,
      alloc,
      {.buffer = p->buffer,
       .size = p->size,
       .kernel = p->kernel,
       .source = p->source,
       .active = p->active,
       .cache = p->cache,
       .stack = p->kernel ? 0 : record_stack(t)});
  END
}

static void probe_free(void* user, const lazuli_probe_free* p) {
  BEGIN
  RECORD_PUT(
      t,
      free,
      {.buffer = p->buffer,
       .size = p->size,
       .target = p->target,
       .active = p->active,
       .cache = p->cache});
  END
}

static void probe_cache(void* user, const lazuli_probe_cache* p) {
  BEGIN
  RECORD_PUT(
      t,
      cache,
      {.action = p->action,
       .blocks = p->blocks,
       .bytes = p->bytes,
       .cache = p->cache});
  END
}

static void probe_bind(void* user, const lazuli_probe_bind* p) {
  BEGIN
  RECORD_PUT(
      t,
      bind,
      {.array = p->array,
       .buffer = p->buffer,
       .offset = p->offset,
       .base = p->base});
  END
}

static void probe_donation(void* user, const lazuli_probe_donation* p) {
  BEGIN
  RECORD_PUT(
      t,
      donation,
      {.input = p->input,
       .output = p->output,
       .buffer = p->buffer,
       .size = p->size,
       .result = p->result});
  END
}

static void probe_release(void* user, const lazuli_probe_release* p) {
  BEGIN
  RECORD_PUT(
      t,
      release,
      {.array = p->array, .evaluated = p->evaluated, .stack = record_stack(t)});
  END
}

static void probe_compile(void* user, const lazuli_probe_compile* p) {
  BEGIN
  RECORD_PUT(
      t,
      compile,
      {.function = p->function,
       .hit = p->hit,
       .changed = p->changed,
       .detail = probe_text(p->detail),
       .nodes = p->nodes,
       .captured = p->captured,
       .trace_ns = p->trace_ns,
       .stack = record_stack(t)});
  END
}

/* Later events name streams by number, so this one passes a shut gate. */
static void probe_stream(void* user, const lazuli_probe_stream* p) {
  (void)user;
  record_thread* t = record_enter_always();
  if (!t) return;
  const char* name = p->name ? p->name : "";
  RECORD_PUT(
      t,
      stream,
      {.stream = p->stream,
       .device = p->device,
       .name = {name, (uint32_t)strlen(name)}});
  END
}

static void probe_put_mark(record_thread* t, const lazuli_probe_mark* p) {
  switch (p->kind) {
    case LAZULI_MARK_POINT:
      if (record.options.wanted[TRACE_EVENT_mark])
        RECORD_PUT(
            t, mark, {.name = probe_text(p->name), .stack = record_stack(t)});
      break;
    case LAZULI_MARK_REGION_BEGIN:
      if (record.options.wanted[TRACE_EVENT_region_begin])
        RECORD_PUT(
            t,
            region_begin,
            {.name = probe_text(p->name), .stack = record_stack(t)});
      break;
    case LAZULI_MARK_REGION_END:
      if (record.options.wanted[TRACE_EVENT_region_end])
        RECORD_PUT(t, region_end, {.unused = 0});
  }
}

static void probe_mark(void* user, const lazuli_probe_mark* p) {
  (void)user;
  const char* name = p->name ? p->name : "";
  bool begins = p->kind != LAZULI_MARK_REGION_END;
  if (begins) record_gate_mark_before(name);
  record_thread* t = record_enter();
  if (t) {
    probe_put_mark(t, p);
    record_leave(t);
  }
  if (begins) record_gate_mark_after(name);
}

static lazuli_probe probe = {
    .version = LAZULI_PROBE_VERSION, .size = sizeof(lazuli_probe)};

/* --only leaves slots empty, so that the runtime does not even call. */
void record_probe_fill(void) {
  const bool* wanted = record.options.wanted;
#define SLOT(id) probe.id = wanted[TRACE_EVENT_##id] ? probe_##id : NULL
  SLOT(node);
  SLOT(eval_begin);
  SLOT(eval_end);
  SLOT(rewrite);
  SLOT(fusion);
  SLOT(refusal);
  SLOT(kernel_begin);
  SLOT(kernel_end);
  SLOT(wait);
  SLOT(alloc);
  SLOT(free);
  SLOT(cache);
  SLOT(bind);
  SLOT(donation);
  SLOT(release);
  SLOT(compile);
#undef SLOT
  probe.stream = probe_stream;
  probe.mark = probe_mark; /* marks also begin and end recordings */
}

const lazuli_probe* record_probe(void) {
  return &probe;
}

/* What the runtime's library is called, and what version it says it is: the
 * text that its `lazuli_version` points to, where it has one. */
static void probe_announce(const void* caller) {
  Dl_info where;
  const char* version = "";
  record_thread* t = record_enter_always();
  if (!t) return;
  if (dladdr(caller, &where) == 0 || !where.dli_fname) where.dli_fname = "";
  void* library = dlopen(where.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
  if (library) {
    const char* const* said = dlsym(library, "lazuli_version");
    if (said && *said) version = *said;
    dlclose(library);
  }
  RECORD_PUT(
      t,
      runtime,
      {.kind = 1,
       .path = {where.dli_fname, (uint32_t)strlen(where.dli_fname)},
       .version = {version, (uint32_t)strlen(version)}});
  record_module_scan(t);
  END
}

LAZULI_API const lazuli_probe* lazuli_probe_provider(uint32_t version) {
  int saved = errno;
  const lazuli_probe* answer = NULL;
  if (version >= LAZULI_PROBE_VERSION && record_begin()) {
    record_probe_fill();
    probe_announce(__builtin_return_address(0));
    answer = &probe;
  }
  errno = saved;
  return answer;
}
