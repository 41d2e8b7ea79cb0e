/* The probe of a runtime, translated into events. The structs of both sides
 * carry the same fields by design; what is added here is the call stack. */
#include "lazuli/probe.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

#include "record.h"
#include "trace_put.h"

/* ---- the usual event --------------------------------------------------------
 * It takes the short way: no stack is wanted, no time is taken of the recording
 * itself, and trace_put_usual_…() can write it. Nothing is called on that way.
 * Anything else goes the whole way, from the beginning.
 */

/* The thread's state, where the short way is open; `stack`: the event is one
 * that carries a stack. */
static inline record_thread* probe_quick(bool stack) {
  record_thread* t = record_self;
  const int gate = atomic_load_explicit(&record.gate, memory_order_relaxed);
  if (__builtin_expect(!t || gate != RECORD_OPEN, 0)) return NULL;
  if (__builtin_expect(t->events >= t->next_sample, 0)) return NULL;
  return stack && record_stack_wanted(t) ? NULL : t;
}

/* A callback: PROBE(event, whether it carries a stack, its fields). */
#define PROBE(kind, stacked, ...)                                         \
  static __attribute__((noinline)) void probe_whole_##kind(               \
      const lazuli_probe_##kind* p) {                                     \
    record_thread* t = record_enter();                                    \
    if (!t) return;                                                       \
    const uint32_t stack = (stacked) ? record_stack(t) : 0;               \
    (void)stack;                                                          \
    RECORD_PUT(t, kind, __VA_ARGS__);                                     \
    record_leave(t);                                                      \
  }                                                                       \
  static void probe_##kind(void* user, const lazuli_probe_##kind* p) {    \
    (void)user;                                                           \
    record_thread* t = probe_quick(stacked);                              \
    trace_usual u;                                                        \
    if (__builtin_expect(t && trace_usual_enter(&u, record.writer), 1)) { \
      const uint32_t stack = 0;                                           \
      const trace_##kind event = __VA_ARGS__;                             \
      (void)stack;                                                        \
      if (__builtin_expect(trace_usual_put_##kind(&u, &event), 1)) {      \
        t->events++;                                                      \
        return;                                                           \
      }                                                                   \
    }                                                                     \
    probe_whole_##kind(p);                                                \
  }

/* ---- nodes ------------------------------------------------------------------
 */

#define PROBE_OUTPUTS 16u

static inline __attribute__((always_inline)) trace_node probe_node_event(
    const lazuli_probe_node* p,
    uint64_t id,
    uint32_t op,
    uint32_t stack,
    trace_arrays outputs) {
  return (trace_node){
      .id = id,
      .op = op,
      .stream = p->stream,
      .stack = stack,
      .inputs = {p->inputs, p->n_inputs},
      .outputs = outputs,
      .of = p->of};
}

static inline trace_array probe_array(const lazuli_probe_array* a) {
  return (trace_array){a->dtype, a->ndim, a->shape};
}

static __attribute__((noinline)) void probe_whole_node(
    const lazuli_probe_node* p) {
  record_thread* t = record_enter();
  if (!t) return;
  trace_array outputs[PROBE_OUTPUTS];
  uint32_t count = p->n_outputs < PROBE_OUTPUTS ? p->n_outputs : PROBE_OUTPUTS;
  for (uint32_t i = 0; i < count; i++) outputs[i] = probe_array(&p->outputs[i]);
  const uint64_t id = p->n_outputs ? p->outputs->id : 0;
  const uint32_t stack = record_stack(t);
  RECORD_PUT(
      t,
      node,
      probe_node_event(
          p, id, record_name(t, p->op), stack, (trace_arrays){outputs, count}));
  if (count < p->n_outputs)
    record_note(
        t,
        "%s: %u of %u outputs are left out of the node event",
        p->op,
        p->n_outputs - count,
        p->n_outputs);
  record_leave(t);
}

static void probe_node(void* user, const lazuli_probe_node* p) {
  (void)user;
  record_thread* t = probe_quick(true);
  const uint32_t* op;
  trace_usual u;
  if (__builtin_expect(
          t && p->n_outputs == 1 && (op = record_name_known(t, p->op)) &&
              trace_usual_enter(&u, record.writer),
          1)) {
    const trace_array one = probe_array(p->outputs);
    const trace_node event =
        probe_node_event(p, p->outputs->id, *op, 0, (trace_arrays){&one, 1});
    if (__builtin_expect(trace_usual_put_node(&u, &event), 1)) {
      t->events++;
      return;
    }
  }
  probe_whole_node(p);
}

/* ---- all others -------------------------------------------------------------
 */

PROBE(
    eval_begin,
    true,
    {.eval = p->eval,
     .trigger = p->trigger,
     .is_async = p->is_async,
     .stack = stack,
     .outputs = {p->outputs, p->n_outputs}})

PROBE(
    eval_end,
    false,
    {.eval = p->eval,
     .nodes = p->nodes,
     .kernels = p->kernels,
     .plan_cached = p->plan_cached,
     .failed = p->failed,
     .plan_ns = p->plan_ns})

PROBE(
    rewrite,
    false,
    {.eval = p->eval, .what = p->what, .node = p->node, .into = p->into})

PROBE(
    fusion,
    false,
    {.eval = p->eval,
     .kernel = p->kernel,
     .nodes = {p->nodes, p->n_nodes},
     .inputs = {p->inputs, p->n_inputs},
     .outputs = {p->outputs, p->n_outputs},
     .bytes_saved = p->bytes_saved})

PROBE(
    refusal,
    false,
    {.eval = p->eval,
     .producer = p->producer,
     .consumer = p->consumer,
     .reason = p->reason,
     .limit = p->limit,
     .value = p->value,
     .bytes = p->bytes})

/* Names that are made for the call alone. */
static uint32_t probe_text(const char* text) {
  return text && *text ? trace_writer_string(record.writer, text, strlen(text))
                       : 0;
}

static void probe_kernel_begin(void* user, const lazuli_probe_kernel_begin* p) {
  (void)user;
  record_thread* t = record_enter();
  if (!t) return;
  RECORD_PUT(
      t,
      kernel_begin,
      {.kernel = p->kernel,
       .eval = p->eval,
       .stream = p->stream,
       .name = probe_text(p->name)});
  record_leave(t);
}

PROBE(
    kernel_end,
    false,
    {.kernel = p->kernel,
     .stream = p->stream,
     .begin_ns = p->begin_ns,
     .end_ns = p->end_ns,
     .bytes_read = p->bytes_read,
     .bytes_written = p->bytes_written,
     .flops = p->flops})

PROBE(
    wait,
    true,
    {.reason = p->reason,
     .stream = p->stream,
     .eval = p->eval,
     .begin_ns = p->begin_ns,
     .end_ns = p->end_ns,
     .stack = stack})

PROBE(
    alloc,
    !p->kernel,
    {.buffer = p->buffer,
     .size = p->size,
     .kernel = p->kernel,
     .source = p->source,
     .active = p->active,
     .cache = p->cache,
     .stack = stack})

PROBE(
    free,
    false,
    {.buffer = p->buffer,
     .size = p->size,
     .target = p->target,
     .active = p->active,
     .cache = p->cache})

PROBE(
    cache,
    false,
    {.action = p->action,
     .blocks = p->blocks,
     .bytes = p->bytes,
     .cache = p->cache})

PROBE(
    bind,
    false,
    {.array = p->array,
     .buffer = p->buffer,
     .offset = p->offset,
     .base = p->base})

PROBE(
    donation,
    false,
    {.input = p->input,
     .output = p->output,
     .buffer = p->buffer,
     .size = p->size,
     .result = p->result})

PROBE(
    release,
    true,
    {.array = p->array, .evaluated = p->evaluated, .stack = stack})

static void probe_compile(void* user, const lazuli_probe_compile* p) {
  (void)user;
  record_thread* t = record_enter();
  if (!t) return;
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
  record_leave(t);
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
  record_leave(t);
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
  record_leave(t);
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
