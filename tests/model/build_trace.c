#include "build_trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lazuli/probe.h"
#include "mlx/c/array.h"

static trace_text build_text(const char* text) {
  return (trace_text){text, (uint32_t)strlen(text)};
}

static uint32_t build_string(build* b, const char* text) {
  return trace_writer_string(b->w, text, strlen(text));
}

static trace_ids build_ids(const uint64_t* ids) {
  uint32_t n = 0;
  while (ids && ids[n]) n++;
  return (trace_ids){ids, n};
}

uint64_t build_time(const build* b) {
  return BUILD_ORIGIN + b->now;
}

void build_step(build* b, uint64_t ns) {
  b->now += ns;
}

build build_begin(const char* path) {
  build b = {.w = trace_writer_open(path, NULL)};
  if (!b.w) {
    perror(path);
    exit(1);
  }
  static const char arguments[] =
      "./train\0--rate\0\0"
      "0.1\0it's";
  trace_process process = {
      .pid = 4711,
      .parent = 1,
      .realtime_ns = UINT64_C(1700000000000000000),
      .executable = build_text("/home/ada/train"),
      .arguments = {arguments, sizeof arguments - 1},
      .directory = build_text("/home/ada"),
      .parent_trace = build_text("")};
  trace_thread thread = {.tid = 4711, .name = build_text("main")};
  trace_stream stream = {.stream = 0, .device = 0, .name = build_text("CPU 0")};
  trace_runtime runtime = {
      .kind = 1,
      .path = build_text("/usr/lib/liblazuli.so"),
      .version = build_text("0.1.0"),
      .coverage = build_text("")};
  trace_put_process(b.w, build_time(&b), &process);
  trace_put_thread(b.w, build_time(&b), &thread);
  trace_put_runtime(b.w, build_time(&b), &runtime);
  trace_put_stream(b.w, build_time(&b), &stream);
  return b;
}

void build_finish(build* b, uint32_t status) {
  trace_cost cost = {
      .events = 100, .ns = 20000, .stacks = 10, .stack_ns = 5000};
  trace_finish finish = {.status = status};
  trace_put_cost(b->w, build_time(b), &cost);
  trace_put_finish(b->w, build_time(b), &finish);
  trace_writer_close(b->w);
}

void build_kill(build* b) {
  trace_writer_abandon(b->w);
}

uint32_t build_stack(
    build* b, const char* file, uint32_t line, const char* function) {
  uint64_t frame =
      TRACE_FRAME_LOCATION | trace_writer_location(b->w, file, line, function);
  return trace_writer_stack(b->w, &frame, 1);
}

uint64_t build_node(
    build* b,
    const char* op,
    uint32_t stack,
    int32_t rows,
    int32_t columns,
    const uint64_t* inputs) {
  int32_t shape[2] = {rows, columns};
  trace_array out = {MLX_FLOAT32, (uint8_t)((rows > 0) + (columns > 0)), shape};
  trace_node node = {
      .id = ++b->arrays,
      .op = build_string(b, op),
      .stream = 0,
      .stack = stack,
      .inputs = build_ids(inputs),
      .outputs = {&out, 1}};
  trace_put_node(b->w, build_time(b), &node);
  build_step(b, 100);
  return node.id;
}

uint64_t build_eval(
    build* b, uint8_t trigger, uint32_t stack, uint64_t output) {
  trace_eval_begin eval = {
      .eval = ++b->evals,
      .trigger = trigger,
      .is_async = trigger == LAZULI_TRIGGER_ASYNC_EVAL,
      .stack = stack,
      .outputs = {&output, 1}};
  trace_put_eval_begin(b->w, build_time(b), &eval);
  build_step(b, 1000);
  return eval.eval;
}

void build_eval_end(build* b, uint64_t eval, uint32_t nodes, uint32_t kernels) {
  trace_eval_end end = {
      .eval = eval,
      .nodes = nodes,
      .kernels = kernels,
      .plan_cached = eval > 2,
      .plan_ns = 700};
  trace_put_eval_end(b->w, build_time(b), &end);
  build_step(b, 500);
}

uint64_t build_alloc(build* b, uint64_t size, uint64_t kernel, uint8_t source) {
  b->active += size;
  if (source == LAZULI_MEMORY_CACHE)
    b->cache -= size < b->cache ? size : b->cache;
  trace_alloc alloc = {
      .buffer = ++b->buffers,
      .size = size,
      .kernel = kernel,
      .source = source,
      .active = b->active,
      .cache = b->cache};
  trace_put_alloc(b->w, build_time(b), &alloc);
  build_step(b, 50);
  return alloc.buffer;
}

void build_free(build* b, uint64_t buffer, uint64_t size, uint8_t target) {
  b->active -= size;
  if (target == LAZULI_MEMORY_CACHE) b->cache += size;
  trace_free event = {
      .buffer = buffer,
      .size = size,
      .target = target,
      .active = b->active,
      .cache = b->cache};
  trace_put_free(b->w, build_time(b), &event);
  build_step(b, 50);
}

uint64_t build_kernel(
    build* b,
    uint64_t eval,
    const char* name,
    const uint64_t* nodes,
    const uint64_t* inputs,
    uint64_t bytes,
    uint64_t ns) {
  trace_ids list = build_ids(nodes);
  uint64_t kernel = ++b->kernels, out = list.ids[list.count - 1];
  trace_fusion fusion = {
      .eval = eval,
      .kernel = kernel,
      .nodes = list,
      .inputs = build_ids(inputs),
      .outputs = {&out, 1},
      .bytes_saved = 2 * bytes * (list.count - 1)};
  trace_put_fusion(b->w, build_time(b), &fusion);
  build_step(b, 100);
  uint64_t buffer = build_alloc(b, bytes, kernel, LAZULI_MEMORY_SYSTEM);
  trace_bind bind = {.array = out, .buffer = buffer};
  trace_put_bind(b->w, build_time(b), &bind);
  trace_kernel_begin begin = {
      .kernel = kernel,
      .eval = eval,
      .stream = 0,
      .name = build_string(b, name)};
  trace_put_kernel_begin(b->w, build_time(b), &begin);
  uint64_t begin_ns = build_time(b);
  build_step(b, ns);
  trace_kernel_end end = {
      .kernel = kernel,
      .stream = 0,
      .begin_ns = begin_ns,
      .end_ns = build_time(b),
      .bytes_read = bytes * fusion.inputs.count,
      .bytes_written = bytes,
      .flops = bytes / 4 * list.count};
  trace_put_kernel_end(b->w, build_time(b), &end);
  build_step(b, 10);
  return buffer;
}
