#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "build_trace.h"
#include "lazuli/probe.h"

#define MIB (UINT64_C(1) << 20)
#define IDS(...) ((const uint64_t[]){__VA_ARGS__, 0})

static void build_release(build* b, uint64_t array, uint32_t stack) {
  trace_release release = {.array = array, .evaluated = 1, .stack = stack};
  trace_put_release(b->w, build_time(b), &release);
  build_step(b, 20);
}

static void build_wait(build* b, uint8_t reason, uint64_t eval, uint64_t ns) {
  trace_wait wait = {
      .reason = reason,
      .stream = 0,
      .eval = eval,
      .begin_ns = build_time(b) - ns,
      .end_ns = build_time(b)};
  trace_put_wait(b->w, build_time(b), &wait);
  build_step(b, 20);
}

void build_chain(const char* path) {
  build b = build_begin(path);
  const char* file = "/home/ada/chain.c";
  uint32_t make = build_stack(&b, file, 20, "main");
  uint64_t inputs[3], buffers[3];
  for (int i = 0; i < 3; i++) {
    inputs[i] = build_node(&b, "Data", make, 16 << 20, 0, NULL);
    buffers[i] = build_alloc(&b, 64 * MIB, 0, LAZULI_MEMORY_SYSTEM);
    trace_bind bind = {.array = inputs[i], .buffer = buffers[i]};
    trace_put_bind(b.w, build_time(&b), &bind);
  }
  uint64_t sum = build_node(
      &b,
      "Add",
      build_stack(&b, file, 31, "chain"),
      16 << 20,
      0,
      IDS(inputs[0], inputs[1]));
  uint64_t product = build_node(
      &b,
      "Multiply",
      build_stack(&b, file, 32, "chain"),
      16 << 20,
      0,
      IDS(sum, inputs[2]));
  uint64_t relu = build_node(
      &b,
      "Maximum",
      build_stack(&b, file, 33, "chain"),
      16 << 20,
      0,
      IDS(product));
  uint64_t eval = build_eval(
      &b, LAZULI_TRIGGER_ITEM, build_stack(&b, file, 40, "main"), relu);
  uint64_t out = build_kernel(
      &b,
      eval,
      "Add+Multiply+Maximum",
      IDS(sum, product, relu),
      IDS(inputs[0], inputs[1], inputs[2]),
      64 * MIB,
      9000000);
  build_wait(&b, LAZULI_WAIT_EVAL, eval, 8900000);
  build_eval_end(&b, eval, 3, 1);
  build_release(&b, relu, make);
  build_free(&b, out, 64 * MIB, LAZULI_MEMORY_CACHE);
  build_finish(&b, 0);
}

/* One step: forward and loss in one eval, the update in another. */
static void build_training_step(
    build* b, int step, uint64_t* weights, bool cut) {
  const char* file = "/home/ada/train.c";
  trace_region_begin region = {
      .name = trace_writer_string(b->w, "step", 4),
      .stack = build_stack(b, file, 50, "main")};
  trace_put_region_begin(b->w, build_time(b), &region);
  trace_compile compile = {
      .function = 7,
      .hit = step != 0 && step != 2,
      .changed = step == 2 ? LAZULI_COMPILE_SHAPE : LAZULI_COMPILE_FIRST,
      .detail = trace_writer_string(
          b->w,
          step == 2 ? "input 1: (8, 3) was (4, 3)" : "",
          step == 2 ? 26 : 0),
      .nodes = step == 1 ? 0 : 12,
      .trace_ns = step == 1 ? 0 : 4000,
      .stack = build_stack(b, file, 52, "main")};
  trace_put_compile(b->w, build_time(b), &compile);
  uint64_t x =
      build_node(b, "Data", build_stack(b, file, 55, "batch"), 256, 1024, NULL);
  uint64_t product = build_node(
      b,
      "Matmul",
      build_stack(b, file, 60, "forward"),
      256,
      1024,
      IDS(x, *weights));
  uint64_t activated = build_node(
      b, "Tanh", build_stack(b, file, 61, "forward"), 256, 1024, IDS(product));
  uint64_t loss = build_node(
      b, "Sum", build_stack(b, file, 62, "forward"), 0, 0, IDS(activated));
  uint64_t eval = build_eval(
      b, LAZULI_TRIGGER_EVAL, build_stack(b, file, 70, "train"), loss);
  trace_refusal refusal = {
      .eval = eval,
      .producer = product,
      .consumer = activated,
      .reason = LAZULI_REFUSAL_OPERATION,
      .bytes = 2 * MIB};
  trace_put_refusal(b->w, build_time(b), &refusal);
  refusal = (trace_refusal){
      .eval = eval,
      .producer = activated,
      .consumer = loss,
      .reason = LAZULI_REFUSAL_TOO_LONG,
      .limit = 64,
      .value = 80,
      .bytes = 1 * MIB};
  trace_put_refusal(b->w, build_time(b), &refusal);
  uint64_t first = build_kernel(
      b, eval, "Matmul", IDS(product), IDS(x, *weights), MIB, 200000);
  uint64_t second =
      build_kernel(b, eval, "Tanh", IDS(activated), IDS(product), MIB, 50000);
  if (cut) return;
  build_free(b, first, MIB, LAZULI_MEMORY_CACHE);
  uint64_t third =
      build_kernel(b, eval, "Sum", IDS(loss), IDS(activated), 4, 20000);
  build_wait(b, LAZULI_WAIT_EVAL, eval, 260000);
  build_eval_end(b, eval, 4, 3);
  uint32_t update = build_stack(b, file, 80, "update");
  uint64_t scaled =
      build_node(b, "Multiply", update, 1024, 1024, IDS(*weights));
  uint64_t next =
      build_node(b, "Subtract", update, 1024, 1024, IDS(*weights, scaled));
  eval = build_eval(
      b, LAZULI_TRIGGER_EVAL, build_stack(b, file, 81, "update"), next);
  trace_donation donation = {
      .input = *weights,
      .output = next,
      .size = 4 * MIB,
      .result = step ? LAZULI_DONATION_MADE : LAZULI_DONATION_HELD};
  trace_put_donation(b->w, build_time(b), &donation);
  build_kernel(
      b,
      eval,
      "Multiply+Subtract",
      IDS(scaled, next),
      IDS(*weights),
      4 * MIB,
      100000);
  build_eval_end(b, eval, 2, 1);
  build_release(b, loss, update);
  build_free(b, second, MIB, LAZULI_MEMORY_CACHE);
  build_free(b, third, 4, LAZULI_MEMORY_SMALL);
  trace_region_end end = {0};
  trace_put_region_end(b->w, build_time(b), &end);
  *weights = next;
}

static void build_training_until(build* b, bool cut) {
  const char* file = "/home/ada/train.c";
  uint64_t weights =
      build_node(b, "Data", build_stack(b, file, 40, "main"), 1024, 1024, NULL);
  uint64_t buffer = build_alloc(b, 4 * MIB, 0, LAZULI_MEMORY_SYSTEM);
  trace_bind bind = {.array = weights, .buffer = buffer};
  trace_put_bind(b->w, build_time(b), &bind);
  trace_mark mark = {
      .name = trace_writer_string(b->w, "loaded", 6),
      .stack = build_stack(b, file, 41, "main")};
  trace_put_mark(b->w, build_time(b), &mark);
  for (int i = 0; i < 3; i++) {
    build_training_step(b, i, &weights, cut && i == 2);
    build_step(b, 10000);
  }
}

void build_training(const char* path) {
  build b = build_begin(path);
  build_training_until(&b, false);
  trace_cache cleared = {
      .action = 1, .blocks = 6, .bytes = b.cache, .cache = 0};
  trace_put_cache(b.w, build_time(&b), &cleared);
  trace_note note = {.text = {"a note of the recorder", 22}};
  trace_put_note(b.w, build_time(&b), &note);
  build_finish(&b, 3);
}

void build_killed(const char* path) {
  build b = build_begin(path);
  build_training_until(&b, true);
  build_kill(&b);
}

void build_odd(const char* path) {
  build b = build_begin(path);
  uint32_t stack =
      build_stack(&b, "/src/\xff\xfe\"{<odd>}\\.c", 1, "f|<a\">\n");
  uint64_t far = UINT64_C(0xfffffffffffffff0);
  /* An input, an output and a stack that nothing defines. */
  build_node(&b, "O\"p{|}\\\n<b>", stack, 2, 3, IDS(far, 77));
  build_node(&b, "Plain", 999, 0, 0, IDS(1, 1, far));
  uint64_t eval = build_eval(&b, 200, 12345, 88);
  trace_eval_end unknown = {.eval = 99, .nodes = 5};
  trace_put_eval_end(b.w, build_time(&b), &unknown);
  trace_kernel_end end = {
      .kernel = 55,
      .begin_ns = 10,
      .end_ns = 5,
      .bytes_read = UINT64_MAX,
      .bytes_written = UINT64_MAX,
      .flops = UINT64_MAX};
  trace_put_kernel_end(b.w, build_time(&b), &end);
  trace_fusion fusion = {
      .eval = 1234,
      .kernel = 56,
      .nodes = {IDS(far, 1, 2, 4000), 4},
      .inputs = {IDS(far), 1},
      .outputs = {IDS(5000), 1}};
  trace_put_fusion(b.w, build_time(&b), &fusion);
  trace_put_fusion(b.w, build_time(&b), &fusion);
  trace_refusal refusal = {
      .eval = 7, .producer = 5, .consumer = far, .reason = 250};
  trace_put_refusal(b.w, build_time(&b), &refusal);
  trace_free freed = {.buffer = far, .size = UINT64_MAX};
  trace_put_free(b.w, build_time(&b), &freed);
  trace_bind bind = {.array = 1, .buffer = 31337, .base = 1};
  trace_put_bind(b.w, build_time(&b), &bind);
  trace_rewrite rewrite = {.eval = eval, .what = 99, .node = 1, .into = 1};
  trace_put_rewrite(b.w, build_time(&b), &rewrite);
  trace_donation donation = {.input = far, .output = 0, .result = 77};
  trace_put_donation(b.w, build_time(&b), &donation);
  trace_wait wait = {.reason = 99, .eval = 9999, .begin_ns = 5, .end_ns = 1};
  trace_put_wait(b.w, build_time(&b), &wait);
  trace_region_end region = {0};
  trace_put_region_end(b.w, build_time(&b), &region);
  trace_release release = {.array = 424242};
  trace_put_release(b.w, build_time(&b), &release);
  /* Two outputs, one of which was met before. */
  int32_t shape[1] = {-5};
  trace_array outputs[2] = {{250, 1, shape}, {10, 1, shape}};
  trace_node node = {
      .id = 76,
      .op = trace_writer_string(b.w, "Pair", 4),
      .stack = stack,
      .outputs = {outputs, 2}};
  trace_put_node(b.w, build_time(&b), &node);
  build_kill(&b);
}

void build_large(const char* path, uint32_t nodes) {
  build b = build_begin(path);
  uint32_t stacks[50];
  char file[64];
  for (uint32_t i = 0; i < 50; i++) {
    snprintf(file, sizeof file, "/home/ada/layer%u.c", i % 7);
    stacks[i] = build_stack(&b, file, 10 + i, "layer");
  }
  static const char* const ops[] = {"Add", "Multiply", "Tanh", "Matmul", "Sum"};
  uint64_t group[11] = {0}, chained = 0, eval = 0;
  for (uint32_t i = 0; i < nodes; i++) {
    uint64_t inputs[3] = {0};
    if (chained) {
      inputs[0] = chained;
      if (b.arrays > 100) inputs[1] = b.arrays - 99 + i % 7;
    }
    uint64_t node = build_node(&b, ops[i % 5], stacks[i % 50], 64, 64, inputs);
    group[i % 10] = chained = node;
    if (i % 10 == 9) {
      if (!eval) eval = build_eval(&b, 1 + i % 5, stacks[i % 13], node);
      uint64_t buffer =
          build_kernel(&b, eval, "Fused", group, NULL, 16384, 2000);
      if (i % 20 == 9) build_free(&b, buffer, 16384, LAZULI_MEMORY_CACHE);
    }
    if (i % 1000 == 999) {
      build_eval_end(&b, eval, 1000, 100);
      eval = 0;
    }
  }
  build_finish(&b, 0);
}
