/* The model's tables against traces whose every event is known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "build_trace.h"
#include "ids.h"
#include "intern.h"
#include "lazuli/probe.h"
#include "mlx/c/array.h"
#include "model.h"
#include "summary.h"
#include "text.h"
#include "why.h"

#define MIB (UINT64_C(1) << 20)

static char path[64];

static model* load(void (*story)(const char*)) {
  snprintf(path, sizeof path, "/tmp/lazuli-model-%d.lzt", (int)getpid());
  story(path);
  char error[256] = "";
  model* m = model_load(path, NULL, error, sizeof error);
  unlink(path);
  if (!m) fail_msg("%s", error);
  return m;
}

static const model_node* node_of(const model* m, const char* op) {
  for (uint32_t i = 0; i < m->n_nodes; i++)
    if (!strcmp(model_string(m, m->nodes[i].op), op)) return &m->nodes[i];
  fail_msg("no node %s", op);
  return NULL;
}

static void test_chain(void** state) {
  (void)state;
  model* m = load(build_chain);
  assert_true(m->info.finished);
  assert_false(m->info.truncated);
  assert_int_equal(m->info.status, 0);
  assert_int_equal(m->info.pid, 4711);
  assert_string_equal(model_string(m, m->info.runtime), "Lazuli 0.1.0");
  assert_string_equal(
      model_string(m, m->info.arguments), "./train --rate '' 0.1 'it'\\''s'");
  assert_int_equal(m->n_nodes, 6);
  assert_int_equal(m->n_arrays, 6);
  assert_int_equal(m->n_evals, 1);
  assert_int_equal(m->n_kernels, 1);
  const model_eval* eval = &m->evals[0];
  assert_int_equal(eval->trigger, LAZULI_TRIGGER_ITEM);
  assert_int_equal(eval->nodes, 3);
  assert_int_equal(eval->kernels, 1);
  assert_int_equal(eval->n_outputs, 1);
  const model_frame* site = model_site(m, eval->stack);
  assert_non_null(site);
  assert_string_equal(model_string(m, site->file), "/home/ada/chain.c");
  assert_int_equal(site->line, 40);
  assert_true(eval->done_ns > eval->begin_ns && eval->done_ns < eval->end_ns);
  const model_kernel* kernel = &m->kernels[0];
  assert_int_equal(kernel->n_nodes, 3);
  assert_int_equal(kernel->n_inputs, 3);
  assert_int_equal(kernel->n_outputs, 1);
  assert_int_equal(kernel->end_ns - kernel->begin_ns, 9000000);
  assert_int_equal(kernel->bytes_saved, 256 * MIB);
  for (uint32_t i = 0; i < 3; i++) {
    const model_node* node = &m->nodes[m->kernel_nodes[kernel->first_node + i]];
    assert_int_equal(node->kernel, 0);
    assert_int_equal(node->eval, 0);
  }
  const model_node* add = node_of(m, "Add");
  const model_array* sum = &m->arrays[add->first_output];
  assert_int_equal(sum->bytes, 64 * MIB);
  assert_int_equal(sum->ndim, 1);
  assert_int_equal(m->dims[sum->shape], 16 << 20);
  assert_int_equal(sum->buffer, MODEL_NONE); /* an intermediate: no memory */
  uint32_t n;
  const uint32_t* users = model_consumers(m, add->first_output, &n);
  assert_int_equal(n, 1);
  assert_ptr_equal(&m->nodes[users[0]], node_of(m, "Multiply"));
  /* The leaves were reached by the eval. */
  assert_int_equal(m->nodes[0].eval, 0);
  assert_int_equal(m->nodes[0].kernel, MODEL_NONE);
  model_peak peak;
  assert_int_equal(model_memory_peak(m, &peak), 0);
  assert_int_equal(peak.active, 256 * MIB);
  assert_int_equal(peak.n_alive, 2);
  assert_string_equal(model_string(m, peak.alive[0].op), "Data");
  assert_int_equal(peak.alive[0].bytes, 192 * MIB);
  assert_int_equal(peak.alive[0].buffers, 3);
  assert_string_equal(model_string(m, peak.alive[1].op), "Maximum");
  why w = why_alive(m, peak.alive[0].array, peak.time_ns);
  assert_int_equal(w.kind, WHY_NEEDED);
  assert_true(w.held);
  assert_int_equal(
      why_alive(m, peak.alive[1].array, peak.time_ns).kind, WHY_WRITTEN);
  model_peak_free(&peak);
  assert_int_equal(model_memory_at(m, m->info.duration_ns, &peak), 0);
  assert_int_equal(peak.active, 192 * MIB);
  assert_int_equal(peak.cache, 64 * MIB);
  assert_int_equal(peak.n_alive, 1);
  model_peak_free(&peak);
  assert_int_equal(model_memory_at(m, 0, &peak), 0);
  model_peak_free(&peak);
  model_free(m);
}

static void test_training(void** state) {
  (void)state;
  model* m = load(build_training);
  assert_int_equal(m->info.status, 3);
  assert_int_equal(m->n_evals, 6);
  assert_int_equal(m->n_kernels, 12);
  assert_int_equal(m->n_refusals, 6);
  assert_int_equal(m->n_waits, 3);
  assert_int_equal(m->n_compiles, 3);
  assert_int_equal(m->n_donations, 3);
  assert_int_equal(m->n_cache_events, 1);
  assert_int_equal(m->n_regions, 4);
  assert_int_equal(m->n_notes, 1);
  assert_int_equal(m->n_streams, 1);
  assert_int_equal(m->threads[0].tid, 4711);
  assert_int_equal(m->threads[0].cost_ns, 20000);
  const model_region* mark = &m->regions[0];
  assert_string_equal(model_string(m, mark->name), "loaded");
  assert_int_equal(mark->begin_ns, mark->end_ns);
  assert_true(m->regions[1].end_ns > m->regions[1].begin_ns);
  assert_true(m->regions[1].end_ns <= m->regions[2].begin_ns);
  assert_int_equal(m->regions[2].depth, 0);
  assert_int_equal(m->refusals[1].limit, 64);
  assert_string_equal(
      model_string(m, m->nodes[m->refusals[0].consumer].op), "Tanh");
  assert_string_equal(
      model_string(m, m->compiles[2].detail), "input 1: (8, 3) was (4, 3)");
  assert_true(m->evals[5].plan_cached);
  summary* s = summary_new(m);
  assert_non_null(s);
  assert_int_equal(s->n_evals, 2); /* by line */
  assert_int_equal(s->evals[0].count, 3);
  assert_int_equal(s->evals[0].kernels, 9);
  assert_int_equal(s->evals[0].place.line, 70);
  assert_int_equal(s->n_kernels, 4);
  assert_string_equal(model_string(m, s->kernels[0].name), "Matmul");
  assert_int_equal(s->kernels[0].total_ns, 600000);
  assert_int_equal(s->n_groups, 1);
  assert_int_equal(s->groups[0].count, 3);
  assert_int_equal(s->n_refusals, 2);
  assert_int_equal(s->refusals[0].bytes, 6 * MIB);
  /* Tanh moves 2 MiB in 50 µs; 2 MiB more would take as long. */
  assert_int_equal(s->refusals[0].cost_ns, 3 * 50000);
  assert_int_equal(s->compiles[0].misses, 2);
  assert_int_equal(s->compiles[0].hits, 1);
  assert_int_equal(s->donations_made, 2);
  assert_int_equal(s->donations_refused, 1);
  /* Nothing of the kernels' time is lost or counted twice in either blame. */
  uint64_t triggered = 0, built = 0;
  for (uint32_t i = 0; i < s->n_blame; i++) {
    triggered += s->blame[i].triggered_ns;
    built += s->blame[i].built_ns;
  }
  assert_int_equal(triggered, s->kernel_ns);
  assert_int_equal(built, s->kernel_ns);
  /* At the peak the update reads weights and writes new ones; the rest, older
   * weights among it, no kernel was to read any more. */
  model_peak peak;
  assert_int_equal(model_memory_peak(m, &peak), 0);
  assert_int_equal(why_held_bytes(m, peak.time_ns), 9 * MIB + 4);
  model_peak_free(&peak);
  summary_free(s);
  model_free(m);
}

static void test_killed(void** state) {
  (void)state;
  model* m = load(build_killed);
  assert_false(m->info.finished);
  assert_int_equal(m->info.status, UINT32_MAX);
  assert_int_equal(m->n_evals, 5);
  for (int i = 0; i < 4; i++) assert_true(m->evals[i].end_ns != UINT64_MAX);
  assert_true(m->evals[4].end_ns == UINT64_MAX);
  /* What was seen of it counts, though it never ended. */
  assert_int_equal(m->evals[4].kernels, 2);
  assert_true(m->evals[4].nodes >= 3);
  assert_true(m->regions[3].end_ns == UINT64_MAX);
  model_free(m);
}

static void test_odd(void** state) {
  (void)state;
  model* m = load(build_odd);
  summary* s = summary_new(m);
  assert_non_null(s);
  const model_node* pair = node_of(m, "Pair");
  assert_int_equal(pair->n_outputs, 2);
  const model_array* second = &m->arrays[pair->first_output + 1];
  assert_int_equal(second->id, 77);
  assert_ptr_equal(&m->nodes[second->node], pair);
  /* The input that was met before its node points to the node's own row. */
  const model_node* odd = &m->nodes[0];
  assert_int_equal(m->inputs[odd->first_input + 1], pair->first_output + 1);
  assert_int_equal(second->bytes, 0); /* a negative extent */
  assert_string_equal(text_dtype(m->arrays[pair->first_output].dtype), "?");
  const model_node* plain = node_of(m, "Plain");
  assert_int_equal(plain->stack, MODEL_NONE);
  assert_null(model_site(m, plain->stack));
  for (uint32_t i = 0; i < m->n_inputs; i++)
    assert_true(m->inputs[i] < m->n_arrays);
  for (uint32_t i = 0; i < m->n_kernel_nodes; i++)
    assert_true(m->kernel_nodes[i] < m->n_nodes);
  model_peak peak;
  assert_int_equal(model_memory_peak(m, &peak), 0);
  model_peak_free(&peak);
  for (uint32_t i = 0; i < m->n_arrays; i++) why_alive(m, i, 1);
  summary_free(s);
  model_free(m);
}

static void two_streams(const char* p) {
  build b = build_begin(p);
  static const struct {
    uint32_t stream;
    uint64_t begin, end;
  } kernels[] = {
      {0, 100, 300},
      {1, 150, 400},
      {0, 250, 350},
      {0, 900, 1000},
      {1, 400, 500}};
  for (uint64_t i = 0; i < 5; i++) {
    trace_kernel_begin begin = {.kernel = i + 1, .stream = kernels[i].stream};
    trace_kernel_end end = {
        .kernel = i + 1,
        .stream = kernels[i].stream,
        .begin_ns = BUILD_ORIGIN + kernels[i].begin,
        .end_ns = BUILD_ORIGIN + kernels[i].end};
    trace_put_kernel_begin(b.w, end.begin_ns, &begin);
    trace_put_kernel_end(b.w, end.end_ns, &end);
  }
  build_finish(&b, 0);
}

static void test_streams(void** state) {
  (void)state;
  model* m = load(two_streams);
  summary* s = summary_new(m);
  assert_int_equal(s->n_streams, 2);
  assert_int_equal(s->streams[0].index, 0);
  assert_int_equal(s->streams[0].kernels, 3);
  assert_int_equal(s->streams[0].busy_ns, 250 + 100); /* they overlap */
  assert_int_equal(s->streams[0].begin_ns, 100);
  assert_int_equal(s->streams[0].end_ns, 1000);
  assert_int_equal(s->streams[0].idle_ns, 550);
  assert_string_equal(model_string(m, s->streams[0].name), "CPU 0");
  assert_int_equal(s->streams[1].busy_ns, 350);
  assert_int_equal(s->streams[1].idle_ns, 0);
  summary_free(s);
  model_free(m);
}

static int cancel(double fraction, void* user) {
  assert_true(fraction >= 0 && fraction <= 1);
  ++*(int*)user;
  return *(int*)user > 1;
}

static void large(const char* p) {
  build_large(p, 200000);
}

static void test_large(void** state) {
  (void)state;
  struct timespec a, b;
  model* m = load(large);
  assert_int_equal(m->n_nodes, 200000);
  assert_int_equal(m->n_kernels, 20000);
  assert_int_equal(m->n_evals, 200);
  for (uint32_t i = 0; i < m->n_nodes; i++)
    assert_int_equal(m->nodes[i].eval, i / 1000);
  model_free(m);
  /* Progress is told, and a load can be cancelled. */
  large(path);
  int calls = 0;
  char error[256];
  model_load_options options = {.progress = cancel, .user = &calls};
  assert_null(model_load(path, &options, error, sizeof error));
  assert_int_equal(calls, 2);
  assert_non_null(strstr(error, "cancelled"));
  clock_gettime(CLOCK_MONOTONIC, &a);
  m = model_load(path, NULL, error, sizeof error);
  clock_gettime(CLOCK_MONOTONIC, &b);
  double s =
      (double)(b.tv_sec - a.tv_sec) + 1e-9 * (double)(b.tv_nsec - a.tv_nsec);
  print_message(
      "%llu events in %.3f s: %.1f million a second\n",
      (unsigned long long)m->info.events,
      s,
      (double)m->info.events / s / 1e6);
  model_free(m);
  unlink(path);
}

static void test_no_trace(void** state) {
  (void)state;
  char error[256] = "";
  assert_null(model_load("/nowhere/x.lzt", NULL, error, sizeof error));
  assert_non_null(strstr(error, "/nowhere/x.lzt"));
  assert_null(strchr(error, '\n'));
  assert_null(model_load("/proc/self/status", NULL, error, sizeof error));
  assert_null(model_load("/tmp", NULL, error, sizeof error));
  model_free(NULL);
}

static void test_ids(void** state) {
  (void)state;
  ids map = {0};
  for (uint64_t i = 0; i < 50000; i++) {
    assert_true(ids_put(&map, i, (uint32_t)i));
    assert_true(ids_put(&map, UINT64_MAX - i * 977, (uint32_t)i));
  }
  for (uint64_t i = 0; i < 50000; i++) {
    assert_int_equal(ids_get(&map, i), i);
    assert_int_equal(ids_get(&map, UINT64_MAX - i * 977), i);
  }
  assert_int_equal(ids_get(&map, 50001), UINT32_MAX);
  /* An id that was far once, and is near now. */
  assert_true(ids_put(&map, 1000000, 5));
  for (uint64_t i = 50000; i < 200000; i++) assert_true(ids_put(&map, i, 1));
  assert_int_equal(ids_get(&map, 1000000), 5);
  assert_true(ids_put(&map, 1000000, 6));
  assert_int_equal(ids_get(&map, 1000000), 6);
  ids_free(&map);
}

static void test_intern(void** state) {
  (void)state;
  intern s;
  assert_true(intern_init(&s));
  char text[32];
  for (int i = 0; i < 5000; i++) {
    snprintf(text, sizeof text, "name %d", i);
    assert_int_equal(intern_text(&s, text), i + 1);
  }
  for (int i = 0; i < 5000; i++) {
    snprintf(text, sizeof text, "name %d", i);
    assert_int_equal(intern_text(&s, text), i + 1);
    assert_string_equal(s.at[i + 1], text);
  }
  assert_int_equal(intern_bytes(&s, "name 12", 6), intern_text(&s, "name 1"));
  assert_int_equal(intern_text(&s, ""), 0);
  intern_free(&s);
}

static void test_text(void** state) {
  (void)state;
  char t[TEXT_SIZE], room[8];
  assert_string_equal(text_bytes(t, 1023), "1023 B");
  assert_string_equal(text_bytes(t, 1536), "1.50 KiB");
  assert_string_equal(text_bytes(t, 64 * MIB), "64.0 MiB");
  assert_string_equal(text_bytes(t, UINT64_MAX), "16.0 EiB");
  assert_string_equal(text_ns(t, 999), "999 ns");
  assert_string_equal(text_ns(t, 12345), "12.3 µs");
  assert_string_equal(text_ns(t, UINT64_C(1234567890)), "1.23 s");
  assert_string_equal(text_ns(t, UINT64_C(125000000000)), "2 min 05 s");
  assert_string_equal(text_count(t, 1234567), "1,234,567");
  assert_string_equal(text_count(t, 123), "123");
  assert_string_equal(text_utf8(room, sizeof room, "größe"), "größe");
  assert_string_equal(
      text_utf8(
          room,
          sizeof room,
          "\xff"
          "a\xc0\x80"),
      "?a??");
  assert_string_equal(
      text_utf8(
          room,
          sizeof room,
          "\xff"
          "abcdefghi"),
      "?abcdef");
}

/* forward, its derivative, what repeats that, and one of nothing known. */
static void build_derived(const char* to) {
  build b = build_begin(to);
  trace_array out = {MLX_FLOAT32, 0, NULL};
  uint32_t lines[] = {10, 20, 30, 40};
  uint64_t of[] = {0, 1, 2, 77};
  for (uint64_t i = 0; i < 4; i++) {
    trace_node node = {
        .id = i + 1,
        .stack = build_stack(&b, "/a.c", lines[i], "f"),
        .outputs = {&out, 1},
        .of = of[i]};
    trace_put_node(b.w, build_time(&b), &node);
  }
  build_finish(&b, 0);
}

static void test_derived(void** state) {
  (void)state;
  model* m = load(build_derived);
  assert_int_equal(m->n_nodes, 4);
  const uint32_t of[] = {MODEL_NONE, 0, 0, MODEL_NONE};
  const uint32_t lines[] = {10, 10, 10, 40}, own[] = {10, 20, 30, 40};
  for (uint32_t i = 0; i < 4; i++) {
    assert_int_equal(m->nodes[i].of, of[i]);
    assert_int_equal(model_site(m, model_node_stack(m, i))->line, lines[i]);
    assert_int_equal(model_site(m, m->nodes[i].stack)->line, own[i]);
  }
  model_free(m);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_chain),
      cmocka_unit_test(test_training),
      cmocka_unit_test(test_killed),
      cmocka_unit_test(test_odd),
      cmocka_unit_test(test_streams),
      cmocka_unit_test(test_derived),
      cmocka_unit_test(test_large),
      cmocka_unit_test(test_no_trace),
      cmocka_unit_test(test_ids),
      cmocka_unit_test(test_intern),
      cmocka_unit_test(test_text),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
