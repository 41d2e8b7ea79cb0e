#include "fake_runtime.h"

#include <dlfcn.h>
#include <string.h>

static const lazuli_probe* probe;

/* As probe.h promises: looked up in the global scope, at load. */
__attribute__((constructor)) static void fake_attach(void) {
  lazuli_probe_provider_fn provider;
  void* found = dlsym(RTLD_DEFAULT, "lazuli_probe_provider");
  memcpy(&provider, &found, sizeof found);
  if (provider) probe = provider(LAZULI_PROBE_VERSION);
}

#define CALL(slot, ...)                                          \
  do {                                                           \
    lazuli_probe_##slot event_ = __VA_ARGS__;                    \
    if (probe && probe->slot) probe->slot(probe->user, &event_); \
  } while (0)

const lazuli_probe* fake_probe(void) {
  return probe;
}

void fake_node(const char* op, uint64_t id, uint64_t input) {
  int32_t shape[] = {3, 4};
  lazuli_probe_array output = {
      .id = id, .dtype = 10, .ndim = 2, .shape = shape};
  CALL(
      node,
      {.op = op,
       .stream = 1,
       .n_inputs = input != 0,
       .n_outputs = 1,
       .inputs = &input,
       .outputs = &output});
}

void fake_eval(uint64_t eval, uint8_t trigger) {
  uint64_t outputs[] = {eval + 100};
  CALL(
      eval_begin,
      {.eval = eval, .trigger = trigger, .n_outputs = 1, .outputs = outputs});
  CALL(eval_end, {.eval = eval, .nodes = 1, .kernels = 1});
}

void fake_mark(const char* name) {
  CALL(mark, {.kind = LAZULI_MARK_POINT, .name = name});
}

void fake_all(void) {
  static const uint64_t ids[] = {11, 12, 13};
  int32_t shape[] = {5, 6, 7};
  lazuli_probe_array outputs[] = {
      {.id = 21, .dtype = 10, .ndim = 3, .shape = shape},
      {.id = 22, .dtype = 4, .ndim = 1, .shape = shape}};
  CALL(stream, {.stream = 3, .device = 1, .name = "a stream"});
  CALL(
      node,
      {.op = "Divmod",
       .stream = 3,
       .n_inputs = 2,
       .n_outputs = 2,
       .inputs = ids,
       .outputs = outputs});
  CALL(
      eval_begin,
      {.eval = 31,
       .trigger = LAZULI_TRIGGER_ITEM,
       .is_async = 1,
       .n_outputs = 3,
       .outputs = ids});
  CALL(
      rewrite,
      {.eval = 31, .what = LAZULI_REWRITE_FOLDED, .node = 32, .into = 33});
  CALL(
      fusion,
      {.eval = 31,
       .kernel = 34,
       .n_nodes = 3,
       .n_inputs = 2,
       .n_outputs = 1,
       .nodes = ids,
       .inputs = ids + 1,
       .outputs = ids + 2,
       .bytes_saved = 35});
  CALL(
      refusal,
      {.eval = 31,
       .producer = 36,
       .consumer = 37,
       .reason = LAZULI_REFUSAL_STREAM,
       .limit = 38,
       .value = 39,
       .bytes = 40});
  CALL(
      kernel_begin,
      {.kernel = 34, .eval = 31, .stream = 3, .name = "Add+Multiply"});
  CALL(
      alloc,
      {.buffer = 41,
       .size = 42,
       .kernel = 34,
       .source = LAZULI_MEMORY_CACHE,
       .active = 43,
       .cache = 44});
  CALL(alloc, {.buffer = 45, .size = 46, .active = 47, .cache = 48});
  CALL(bind, {.array = 49, .buffer = 41, .offset = 50, .base = 51});
  CALL(
      donation,
      {.input = 52,
       .output = 53,
       .buffer = 41,
       .size = 54,
       .result = LAZULI_DONATION_HELD});
  CALL(
      kernel_end,
      {.kernel = 34,
       .stream = 3,
       .begin_ns = 55,
       .end_ns = 56,
       .bytes_read = 57,
       .bytes_written = 58,
       .flops = 59});
  CALL(
      wait,
      {.reason = LAZULI_WAIT_ARRAY,
       .stream = 3,
       .eval = 31,
       .begin_ns = 60,
       .end_ns = 61});
  CALL(
      eval_end,
      {.eval = 31,
       .nodes = 62,
       .kernels = 63,
       .plan_cached = 1,
       .failed = 1,
       .plan_ns = 64});
  CALL(
      free,
      {.buffer = 41,
       .size = 42,
       .target = LAZULI_MEMORY_CACHE,
       .active = 65,
       .cache = 66});
  CALL(
      cache,
      {.action = LAZULI_CACHE_CLEAR, .blocks = 67, .bytes = 68, .cache = 69});
  CALL(release, {.array = 70, .evaluated = 1});
  CALL(
      compile,
      {.function = 71,
       .hit = 0,
       .changed = LAZULI_COMPILE_SHAPE,
       .detail = "input 1: (8,3) was (4,3)",
       .nodes = 72,
       .captured = 73,
       .trace_ns = 74});
  CALL(mark, {.kind = LAZULI_MARK_POINT, .name = "a mark"});
  CALL(mark, {.kind = LAZULI_MARK_REGION_BEGIN, .name = "a region"});
  CALL(mark, {.kind = LAZULI_MARK_REGION_END, .name = ""});
}
