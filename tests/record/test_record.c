/* The recorder on a runtime that only calls the probe: everything arrives, the
 * options do what they say, the program stays what it was. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lazuli/probe.h"
#include "record_run.h"

static const char *lazuli, *program, *late, *recorder;

static int begin(void** state) {
  (void)state;
  run_begin();
  return 0;
}

static int end(void** state) {
  (void)state;
  run_end();
  return 0;
}

#define FIND(t, kind, n) (&run_find(t, TRACE_EVENT_##kind, n)->kind)
#define STRING_IS(t, id, text) assert_string_equal(run_string(t, id), text)

static void ids_are(trace_ids ids, uint32_t count, uint64_t first) {
  assert_int_equal(ids.count, count);
  for (uint32_t i = 0; i < count; i++) assert_int_equal(ids.ids[i], first + i);
}

/* fake_all() gives each field a value of its own: each must arrive. */
static void test_every_event(void** state) {
  (void)state;
  run_result r = RUN(lazuli, "record", "-o", "t.lzt", "--", program, "all");
  assert_int_equal(r.status, 0);
  run_trace* t = run_read("t.lzt");
  assert_false(t->damaged);
  assert_true(t->info.finished);

  assert_int_equal(t->events[0].event.kind, TRACE_EVENT_process);
  const trace_process* process = FIND(t, process, 0);
  assert_int_equal(process->pid, r.pid);
  assert_int_equal(process->parent, getpid());
  assert_true(run_text_is(process->executable, program));
  assert_true(run_text_is(process->directory, run_directory()));
  assert_true(run_text_is(process->parent_trace, ""));
  assert_int_equal(process->arguments.length, strlen(program) + 5);
  assert_string_equal(process->arguments.bytes + strlen(program) + 1, "all");
  const trace_runtime* runtime = FIND(t, runtime, 0);
  assert_int_equal(runtime->kind, 1);
  assert_non_null(strstr(runtime->path.bytes, "fake-runtime"));
  assert_int_equal(FIND(t, thread, 0)->tid, r.pid);
  assert_int_equal(FIND(t, finish, 0)->status, 0);

  const trace_stream* stream = FIND(t, stream, 0);
  assert_int_equal(stream->stream, 3);
  assert_int_equal(stream->device, 1);
  assert_true(run_text_is(stream->name, "a stream"));

  const trace_node* node = FIND(t, node, 0);
  assert_int_equal(node->id, 21);
  STRING_IS(t, node->op, "Divmod");
  assert_int_equal(node->stream, 3);
  assert_int_not_equal(node->stack, 0);
  ids_are(node->inputs, 2, 11);
  assert_int_equal(node->outputs.count, 2);
  assert_int_equal(node->outputs.arrays[0].dtype, 10);
  assert_int_equal(node->outputs.arrays[0].ndim, 3);
  assert_int_equal(node->outputs.arrays[0].shape[2], 7);
  assert_int_equal(node->outputs.arrays[1].dtype, 4);
  assert_int_equal(node->outputs.arrays[1].ndim, 1);

  const trace_eval_begin* eval = FIND(t, eval_begin, 0);
  assert_int_equal(eval->eval, 31);
  assert_int_equal(eval->trigger, LAZULI_TRIGGER_ITEM);
  assert_int_equal(eval->is_async, 1);
  assert_int_not_equal(eval->stack, 0);
  ids_are(eval->outputs, 3, 11);

  const trace_rewrite* rewrite = FIND(t, rewrite, 0);
  assert_int_equal(rewrite->what, LAZULI_REWRITE_FOLDED);
  assert_int_equal(rewrite->node, 32);
  assert_int_equal(rewrite->into, 33);

  const trace_fusion* fusion = FIND(t, fusion, 0);
  assert_int_equal(fusion->kernel, 34);
  ids_are(fusion->nodes, 3, 11);
  ids_are(fusion->inputs, 2, 12);
  ids_are(fusion->outputs, 1, 13);
  assert_int_equal(fusion->bytes_saved, 35);

  const trace_refusal* refusal = FIND(t, refusal, 0);
  assert_int_equal(refusal->producer, 36);
  assert_int_equal(refusal->consumer, 37);
  assert_int_equal(refusal->reason, LAZULI_REFUSAL_STREAM);
  assert_int_equal(refusal->limit, 38);
  assert_int_equal(refusal->value, 39);
  assert_int_equal(refusal->bytes, 40);

  const trace_kernel_begin* kernel = FIND(t, kernel_begin, 0);
  assert_int_equal(kernel->kernel, 34);
  assert_int_equal(kernel->eval, 31);
  STRING_IS(t, kernel->name, "Add+Multiply");
  const trace_kernel_end* done = FIND(t, kernel_end, 0);
  assert_int_equal(done->begin_ns, 55);
  assert_int_equal(done->end_ns, 56);
  assert_int_equal(done->bytes_read, 57);
  assert_int_equal(done->bytes_written, 58);
  assert_int_equal(done->flops, 59);

  const trace_alloc* alloc = FIND(t, alloc, 0);
  assert_int_equal(alloc->buffer, 41);
  assert_int_equal(alloc->size, 42);
  assert_int_equal(alloc->source, LAZULI_MEMORY_CACHE);
  assert_int_equal(alloc->active, 43);
  assert_int_equal(alloc->cache, 44);
  assert_int_equal(alloc->stack, 0); /* a kernel asked */
  assert_int_not_equal(FIND(t, alloc, 1)->stack, 0);
  const trace_bind* bind = FIND(t, bind, 0);
  assert_int_equal(bind->array, 49);
  assert_int_equal(bind->offset, 50);
  assert_int_equal(bind->base, 51);
  const trace_donation* donation = FIND(t, donation, 0);
  assert_int_equal(donation->input, 52);
  assert_int_equal(donation->output, 53);
  assert_int_equal(donation->size, 54);
  assert_int_equal(donation->result, LAZULI_DONATION_HELD);
  const trace_wait* wait = FIND(t, wait, 0);
  assert_int_equal(wait->reason, LAZULI_WAIT_ARRAY);
  assert_int_equal(wait->begin_ns, 60);
  assert_int_equal(wait->end_ns, 61);
  assert_int_not_equal(wait->stack, 0);
  const trace_eval_end* ended = FIND(t, eval_end, 0);
  assert_int_equal(ended->nodes, 62);
  assert_int_equal(ended->kernels, 63);
  assert_int_equal(ended->plan_cached, 1);
  assert_int_equal(ended->failed, 1);
  assert_int_equal(ended->plan_ns, 64);
  const trace_free* freed = FIND(t, free, 0);
  assert_int_equal(freed->target, LAZULI_MEMORY_CACHE);
  assert_int_equal(freed->active, 65);
  assert_int_equal(freed->cache, 66);
  const trace_cache* cache = FIND(t, cache, 0);
  assert_int_equal(cache->action, LAZULI_CACHE_CLEAR);
  assert_int_equal(cache->blocks, 67);
  assert_int_equal(cache->bytes, 68);
  assert_int_equal(cache->cache, 69);
  const trace_release* release = FIND(t, release, 0);
  assert_int_equal(release->array, 70);
  assert_int_equal(release->evaluated, 1);
  assert_int_not_equal(release->stack, 0);
  const trace_compile* compile = FIND(t, compile, 0);
  assert_int_equal(compile->function, 71);
  assert_int_equal(compile->changed, LAZULI_COMPILE_SHAPE);
  STRING_IS(t, compile->detail, "input 1: (8,3) was (4,3)");
  assert_int_equal(compile->nodes, 72);
  assert_int_equal(compile->captured, 73);
  assert_int_equal(compile->trace_ns, 74);
  STRING_IS(t, FIND(t, mark, 0)->name, "a mark");
  STRING_IS(t, FIND(t, region_begin, 0)->name, "a region");
  assert_int_equal(run_count(t, TRACE_EVENT_region_end), 1);
  run_free(t);
}

/* Status, stdin, stdout, stderr, errno and pid are the program's own. */
static void test_transparent(void** state) {
  (void)state;
  const char* recorded[] = {
      lazuli, "record", "-o", "t.lzt", "--", program, "plain", NULL};
  const char* alone[] = {program, "plain", NULL};
  run_result a = run("hello\n", NULL, alone);
  run_result b = run("hello\n", NULL, recorded);
  assert_int_equal(WEXITSTATUS(b.status), 42);
  assert_int_equal(a.status, b.status);
  assert_string_equal(a.out, b.out);
  assert_string_equal(a.err, b.err);
  run_trace* t = run_read("t.lzt");
  assert_int_equal(FIND(t, finish, 0)->status, 42);
  run_free(t);
}

static void test_bad_programs(void** state) {
  (void)state;
  run_result r = RUN(lazuli, "record", "--", "no-such-program");
  assert_int_equal(WEXITSTATUS(r.status), 127);
  assert_string_equal(
      r.err,
      "lazuli record: cannot run no-such-program: No such file or directory\n");
  r = RUN(lazuli, "record", "--", "/etc/passwd");
  assert_int_equal(WEXITSTATUS(r.status), 126);
  r = RUN(lazuli, "record");
  assert_int_equal(WEXITSTATUS(r.status), 2);
  r = RUN(lazuli, "record", "--stacks=-1", program, "all");
  assert_int_equal(WEXITSTATUS(r.status), 2);
  assert_non_null(strstr(r.err, "'-1' is neither none nor a number"));
  r = RUN(lazuli, "record", "--only=node,nonsense", program, "all");
  assert_int_equal(WEXITSTATUS(r.status), 2);
  assert_non_null(strstr(r.err, "no event is named 'nonsense'"));
  r = RUN(lazuli, "record", "--start=whenever", program, "all");
  assert_int_equal(WEXITSTATUS(r.status), 2);
  r = RUN(lazuli, "record", "--ring=much", program, "all");
  assert_int_equal(WEXITSTATUS(r.status), 2);
  r = RUN(lazuli, "record", "--wrong", program, "all");
  assert_int_equal(WEXITSTATUS(r.status), 2);
}

/* Programs without a runtime: nothing printed, no file, nothing loaded. */
static void test_leaves_others_alone(void** state) {
  (void)state;
  run_result a = RUN("ls", "-la", "/usr");
  run_result b = RUN(lazuli, "record", "--", "ls", "-la", "/usr");
  assert_int_equal(b.status, a.status);
  assert_string_equal(a.out, b.out);
  assert_string_equal(b.err, "");
  b =
      RUN(lazuli,
          "record",
          "-o",
          "x.lzt",
          "--",
          "python3",
          "-c",
          "print(open('/proc/self/maps').read().count('libunwind'))");
  assert_int_equal(b.status, 0);
  assert_string_equal(b.out, "0\n");
  b = RUN("sh", "-c", "ls -A | wc -l");
  assert_string_equal(b.out, "0\n");
}

static void test_default_name(void** state) {
  (void)state;
  char name[64];
  run_result r = RUN(lazuli, "record", program, "all");
  snprintf(name, sizeof name, "fake_program.%d.lzt", (int)r.pid);
  assert_true(run_exists(name));
  r = RUN(lazuli, "record", "-o", "by-%p-%n%%", program, "all");
  snprintf(name, sizeof name, "by-%d-fake_program%%", (int)r.pid);
  assert_true(run_exists(name));
}

/* Variables alone do what the command does. */
static void test_environment(void** state) {
  (void)state;
  char preload[4200];
  snprintf(preload, sizeof preload, "LD_PRELOAD=%s", recorder);
  const char* environment[] = {
      preload,
      "LAZULI_TRACE=t.lzt",
      "LAZULI_STACKS=none",
      "LAZULI_ONLY=node,eval",
      "LAZULI_RING=nonsense",
      NULL};
  const char* argv[] = {program, "all", NULL};
  assert_int_equal(run(NULL, environment, argv).status, 0);
  run_trace* t = run_read("t.lzt");
  assert_int_equal(run_count(t, TRACE_EVENT_node), 1);
  assert_int_equal(FIND(t, node, 0)->stack, 0);
  assert_int_equal(run_count(t, TRACE_EVENT_eval_begin), 1);
  assert_int_equal(run_count(t, TRACE_EVENT_eval_end), 1);
  assert_int_equal(run_count(t, TRACE_EVENT_alloc), 0);
  assert_int_equal(run_count(t, TRACE_EVENT_mark), 0);
  assert_int_equal(run_count(t, TRACE_EVENT_stream), 1);
  /* What it could not understand it says in the trace. */
  assert_non_null(strstr(FIND(t, note, 0)->text.bytes, "LAZULI_RING"));
  run_free(t);

  environment[1] = "LAZULI_TRACE=off";
  assert_int_equal(run(NULL, environment, argv).status, 0);
  assert_false(run_exists("off"));
  assert_false(run_exists("off.lzt"));
}

static void test_marks(void** state) {
  (void)state;
  RUN(lazuli,
      "record",
      "-o",
      "t.lzt",
      "--start=mark:begin",
      "--stop=mark:end",
      program,
      "marks");
  run_trace* t = run_read("t.lzt");
  assert_int_equal(run_count(t, TRACE_EVENT_node), 1);
  assert_int_equal(run_nodes_named(t, "Within"), 1);
  assert_int_equal(run_count(t, TRACE_EVENT_mark), 2);
  assert_int_equal(run_count(t, TRACE_EVENT_gap), 2);
  assert_true(FIND(t, gap, 0)->begin_ns < FIND(t, gap, 0)->end_ns);
  run_free(t);
}

static void test_signals(void** state) {
  (void)state;
  run_result r =
      RUN(lazuli,
          "record",
          "-o",
          "t.lzt",
          "--start=signal:USR1",
          "--stop=signal:SIGUSR2",
          program,
          "signals");
  assert_int_equal(r.status, 0);
  run_trace* t = run_read("t.lzt");
  assert_int_equal(run_count(t, TRACE_EVENT_node), 1);
  assert_int_equal(run_nodes_named(t, "Within"), 1);
  run_free(t);
}

static void test_times(void** state) {
  (void)state;
  RUN(lazuli,
      "record",
      "-o",
      "t.lzt",
      "--start=time:0.15",
      "--stop=time:0.45s",
      program,
      "times");
  run_trace* t = run_read("t.lzt");
  assert_int_equal(run_count(t, TRACE_EVENT_node), 1);
  assert_int_equal(run_nodes_named(t, "Within"), 1);
  run_free(t);
}

static void test_ring(void** state) {
  (void)state;
  RUN(lazuli, "record", "-o", "t.lzt", "--ring=1M", program, "many", "300000");
  run_trace* t = run_read("t.lzt");
  size_t n = run_count(t, TRACE_EVENT_node);
  assert_true(n > 1000 && n < 300000);
  assert_int_equal(FIND(t, node, n - 1)->id, 300000);
  assert_true(t->info.file_bytes < 4u << 20);
  run_free(t);
}

/* Chains of a program without frame pointers, against what it did. */
static void test_stacks(void** state) {
  (void)state;
  RUN(lazuli, "record", "-o", "t.lzt", "--stacks=64", program, "stacks");
  run_trace* t = run_read("t.lzt");
  const uint64_t* shallow = t->stacks[FIND(t, node, 0)->stack];
  const uint64_t* deep = t->stacks[FIND(t, node, 1)->stack];
  const uint64_t* cut = t->stacks[FIND(t, node, 2)->stack];
  /* runtime, leaf, recurse, mode_stacks, main, libc's two, _start */
  assert_int_equal(deep[0], shallow[0] + 15);
  assert_int_equal(cut[0], 64);
  /* Innermost: in the runtime's library. Outermost: in the program. */
  uint64_t bases[2] = {0, 0}, ends[2] = {0, 0};
  for (size_t i = 0; i < run_count(t, TRACE_EVENT_module); i++) {
    const trace_module* m = FIND(t, module, i);
    int which = strstr(m->path.bytes, "libfake-runtime") ? 0
                : run_text_is(m->path, program)          ? 1
                                                         : -1;
    if (which < 0) continue;
    bases[which] = m->begin;
    ends[which] = m->end;
    assert_int_not_equal(m->build_id.length, 0);
  }
  assert_true(bases[0] <= deep[1] && deep[1] < ends[0]);
  assert_true(bases[1] <= deep[2] && deep[2] < ends[1]);
  uint64_t last = deep[deep[0]];
  assert_true(bases[1] <= last && last < ends[1]);
  /* Fifteen returns to the same place, one to another: the recursion. */
  size_t same = 0;
  for (uint64_t i = 4; i < 4 + 14; i++) same += deep[i] == deep[4];
  assert_int_equal(same, 14);
  run_free(t);
}

static void test_threads(void** state) {
  (void)state;
  run_result r =
      RUN(lazuli, "record", "-o", "t.lzt", "--stacks=8", program, "threads");
  assert_int_equal(r.status, 0);
  run_trace* t = run_read("t.lzt");
  assert_int_equal(run_count(t, TRACE_EVENT_node), 8 * 20000);
  uint64_t next[9] = {0};
  uint32_t origins[9];
  for (size_t i = 0; i < t->count; i++) {
    const trace_event* e = &t->events[i].event;
    if (e->kind != TRACE_EVENT_node) continue;
    uint64_t thread = e->node.id / 1000000;
    assert_in_range(thread, 1, 8);
    if (next[thread] == 0) origins[thread] = e->origin;
    assert_int_equal(e->origin, origins[thread]);
    assert_int_equal(e->node.id % 1000000, next[thread]++);
  }
  size_t named = 0;
  for (size_t i = 0; i < run_count(t, TRACE_EVENT_thread); i++)
    named += strncmp(FIND(t, thread, i)->name.bytes, "worker ", 7) == 0;
  assert_int_equal(named, 8);
  size_t costs = run_count(t, TRACE_EVENT_cost);
  assert_true(costs >= 9);
  for (size_t i = 0; i < costs; i++) {
    const trace_cost* c = FIND(t, cost, i);
    assert_int_equal(c->lost, 0);
    if (c->events > 20000) {
      assert_true(c->ns > 0 && c->stacks >= 20000 && c->stack_ns > 0);
      assert_true(c->ns >= c->stack_ns);
    }
  }
  run_free(t);
}

static void test_fork(void** state) {
  (void)state;
  run_result r = RUN(lazuli, "record", "-o", "t.lzt", program, "fork");
  assert_int_equal(WEXITSTATUS(r.status), 3);
  run_trace* t = run_read("t.lzt");
  assert_false(t->damaged);
  assert_int_equal(run_count(t, TRACE_EVENT_node), 20);
  run_free(t);
  r = RUN("sh", "-c", "ls t.lzt.*");
  r.out[strcspn(r.out, "\n")] = '\0';
  t = run_read(r.out);
  assert_int_equal(run_count(t, TRACE_EVENT_node), 20);
  assert_int_equal(FIND(t, node, 0)->id, 100);
  assert_int_equal(FIND(t, finish, 0)->status, 3);
  assert_int_equal(FIND(t, process, 0)->pid, atoi(strrchr(r.out, '.') + 1));
  assert_non_null(strstr(FIND(t, process, 0)->parent_trace.bytes, "/t.lzt"));
  run_free(t);

  /* A child that does nothing worth a trace has none. */
  r = RUN(lazuli, "record", "-o", "s.lzt", program, "fork_silent");
  assert_int_equal(WEXITSTATUS(r.status), 3);
  r = RUN("sh", "-c", "ls s.lzt*");
  assert_string_equal(r.out, "s.lzt\n");
}

static void test_fork_exec(void** state) {
  (void)state;
  run_result r = RUN(lazuli, "record", "-o", "t.lzt", program, "fork_exec");
  assert_int_equal(r.status, 0);
  run_trace* t = run_read("t.lzt");
  assert_int_equal(run_count(t, TRACE_EVENT_node), 10);
  run_free(t);
  r = RUN("sh", "-c", "ls t.lzt.*");
  r.out[strcspn(r.out, "\n")] = '\0';
  t = run_read(r.out);
  STRING_IS(t, FIND(t, node, 0)->op, "Divmod");
  assert_non_null(strstr(FIND(t, process, 0)->parent_trace.bytes, "/t.lzt"));
  run_free(t);

  /* exec without fork: the same process, two programs, two files. */
  r = RUN(lazuli, "record", "-o", "e.lzt", program, "exec");
  assert_int_equal(r.status, 0);
  t = run_read("e.lzt");
  assert_int_equal(run_count(t, TRACE_EVENT_node), 10);
  run_free(t);
  char name[64];
  snprintf(name, sizeof name, "e.lzt.%d", (int)r.pid);
  t = run_read(name);
  STRING_IS(t, FIND(t, node, 0)->op, "Divmod");
  run_free(t);
}

/* What a library recorded can be resolved after it has gone. */
static void test_dlclose(void** state) {
  (void)state;
  run_result r = RUN(lazuli, "record", "-o", "t.lzt", program, "dlclose", late);
  assert_int_equal(r.status, 0);
  run_trace* t = run_read("t.lzt");
  assert_int_equal(run_nodes_named(t, "Late"), 3);
  for (size_t n = 0; n < 3; n++) {
    const trace_node* node = FIND(t, node, n);
    uint64_t caller = t->stacks[node->stack][2];
    bool found = false;
    for (size_t i = 0; i < run_count(t, TRACE_EVENT_module); i++) {
      const trace_module* m = FIND(t, module, i);
      found |= strstr(m->path.bytes, "late_library") && m->begin <= caller &&
               caller < m->end;
    }
    assert_true(found);
  }
  run_free(t);
}

/* The library of someone else stays preloaded, and works. */
static void test_other_preload(void** state) {
  (void)state;
  char preload[4200];
  snprintf(preload, sizeof preload, "LD_PRELOAD=%s", late);
  const char* environment[] = {preload, NULL};
  const char* argv[] = {
      lazuli,
      "record",
      "-o",
      "t.lzt",
      "sh",
      "-c",
      "echo $LD_PRELOAD | tr ':' '\\n' | wc -l",
      NULL};
  assert_string_equal(run(NULL, environment, argv).out, "2\n");
}

/* A version of MLX that nobody has seen: what is certain, and a word on what is
 * not; with most functions missing, and with all there and all of them lying.
 */
static void test_unknown_mlx(void** state) {
  (void)state;
  const char* programs[] = {
      run_path("UNKNOWN_PROGRAM"), run_path("LYING_PROGRAM")};
  for (int i = 0; i < 2; i++) {
    run_result r = RUN(lazuli, "record", "-o", "t.lzt", programs[i]);
    assert_int_equal(WEXITSTATUS(r.status), 5);
    assert_string_equal(r.out, "3\n");
    assert_string_equal(r.err, "");
    run_trace* t = run_read("t.lzt");
    const trace_runtime* runtime = FIND(t, runtime, 0);
    assert_int_equal(runtime->kind, 2);
    assert_true(run_text_is(runtime->version, "99.1"));
    assert_non_null(strstr(runtime->coverage.bytes, "node"));
    assert_non_null(strstr(runtime->coverage.bytes, "alloc"));
    assert_true(run_count(t, TRACE_EVENT_note) > 0);
    assert_int_equal(run_count(t, TRACE_EVENT_eval_begin), 3);
    assert_int_equal(run_count(t, TRACE_EVENT_eval_end), 3);
    assert_int_equal(run_count(t, TRACE_EVENT_node), 0);
    assert_int_not_equal(FIND(t, eval_begin, 0)->stack, 0);
    run_free(t);
  }
}

int main(void) {
  lazuli = run_path("LAZULI");
  program = run_path("FAKE_PROGRAM");
  late = run_path("LATE_LIBRARY");
  recorder = run_path("RECORDER");
  const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
      TEST(test_every_event),
      TEST(test_transparent),
      TEST(test_bad_programs),
      TEST(test_leaves_others_alone),
      TEST(test_default_name),
      TEST(test_environment),
      TEST(test_marks),
      TEST(test_signals),
      TEST(test_times),
      TEST(test_ring),
      TEST(test_stacks),
      TEST(test_threads),
      TEST(test_fork),
      TEST(test_fork_exec),
      TEST(test_dlclose),
      TEST(test_other_preload),
      TEST(test_unknown_mlx),
  };
  return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
