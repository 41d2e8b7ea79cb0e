/* What may happen to a program that is being recorded: the trace holds what was
 * complete, and the program never notices. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "record_run.h"

static const char *lazuli, *program, *recorder;

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

/* Ids 1, 2, … without a hole. Returns how many. */
static size_t nodes_in_order(const run_trace* t) {
  size_t n = run_count(t, TRACE_EVENT_node);
  uint64_t next = 1;
  for (size_t i = 0; i < t->count; i++)
    if (t->events[i].event.kind == TRACE_EVENT_node)
      assert_int_equal(t->events[i].event.node.id, next++);
  return n;
}

/* `how` it ended, as the trace has it; RECORDED_NOTHING where it could not. */
#define RECORDED_NOTHING (-1)
#define BY_SIGNAL 4
static void killed_by(const char* mode, int signal, int how) {
  char number[16];
  snprintf(number, sizeof number, "%d", signal);
  run_result r = RUN(lazuli, "record", "-o", "t.lzt", program, mode, number);
  assert_true(WIFSIGNALED(r.status));
  assert_int_equal(WTERMSIG(r.status), signal);
  run_trace* t = run_read("t.lzt");
  assert_false(t->damaged);
  assert_int_equal(nodes_in_order(t), 1000);
  assert_int_equal(run_count(t, TRACE_EVENT_eval_begin), 1);
  assert_int_equal(run_count(t, TRACE_EVENT_eval_end), 1);
  assert_int_equal(
      run_count(t, TRACE_EVENT_finish), how == RECORDED_NOTHING ? 0 : 1);
  if (how != RECORDED_NOTHING) {
    const trace_event* last = run_find(t, TRACE_EVENT_finish, 0);
    assert_int_equal(last->finish.how, how);
    assert_int_equal(
        last->finish.status, how == BY_SIGNAL ? (uint32_t)signal : UINT32_MAX);
  }
  assert_false(t->info.finished);
  run_free(t);
}

/* Ends that no exit handler sees: all is there, and how it ended. */
static void ends(
    const char* mode, int status, const char* printed, uint32_t said, int how) {
  run_result r = RUN(lazuli, "record", "-o", "t.lzt", program, mode);
  assert_true(WIFEXITED(r.status));
  assert_int_equal(WEXITSTATUS(r.status), status);
  assert_string_equal(r.out, printed);
  run_trace* t = run_read("t.lzt");
  assert_false(t->damaged);
  assert_int_equal(nodes_in_order(t), 1000);
  size_t n = run_count(t, TRACE_EVENT_finish);
  assert_true(n > 0);
  const trace_event* last = run_find(t, TRACE_EVENT_finish, n - 1);
  assert_int_equal(last->finish.status, said);
  assert_int_equal(last->finish.how, how);
  run_free(t);
}

static void test_ends(void** state) {
  (void)state;
  ends("exit_at_once", 9, "", 9, 1);
  ends("quick_exit", 10, "", 10, 1);
  ends("exec_list", 0, "hello a b\n", UINT32_MAX, 2);
  ends("exec_fails", 0, "", 0, 0);
  ends("vfork", 3, "", 3, 0);
  ends("abort_caught", 6, "", 6, 0);
}

static void test_kill(void** state) {
  (void)state;
  killed_by("kill", SIGKILL, RECORDED_NOTHING);
}

static void test_segv(void** state) {
  (void)state;
  killed_by("segv", SIGSEGV, BY_SIGNAL);
  killed_by("divide", SIGFPE, BY_SIGNAL);
  killed_by("overflow", SIGSEGV, RECORDED_NOTHING);
}

/* Those that end a process by default, each sent from outside of any fault. */
static void test_signals(void** state) {
  (void)state;
  const int fatal[] = {SIGTERM, SIGINT, SIGHUP, SIGSEGV, SIGUSR1, SIGXCPU};
  for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++)
    killed_by("signal", fatal[i], BY_SIGNAL);
  killed_by("signal", SIGABRT, 3);
  killed_by("signal", SIGRTMIN, RECORDED_NOTHING);
  run_result r = RUN(lazuli, "report", "--json", "t.lzt");
  assert_non_null(strstr(r.out, "\"end\":\t\"killed\""));
  killed_by("signal", SIGTERM, BY_SIGNAL);
  r = RUN(lazuli, "report", "--json", "t.lzt");
  assert_non_null(strstr(r.out, "\"end\":\t\"ended by SIGTERM\""));
}

/* And nothing of it is seen by a program that has handlers of its own. */
static void test_signal_own(void** state) {
  (void)state;
  run_result r = RUN(program, "signal_own");
  assert_true(WIFSIGNALED(r.status));
  killed_by("signal_own", SIGTERM, BY_SIGNAL);
}

static void test_abort(void** state) {
  (void)state;
  killed_by("abort", SIGABRT, 3);
}

/* Killed from outside, anywhere: in the middle of an event, mostly. */
static void test_kill_anywhere(void** state) {
  (void)state;
  for (int i = 0; i < 10; i++) {
    struct stat is = {0};
    unlink("t.lzt");
    pid_t child = fork();
    if (child == 0) {
      execl(
          lazuli,
          lazuli,
          "record",
          "-o",
          "t.lzt",
          program,
          "many",
          "100000000",
          (char*)NULL);
      _exit(127);
    }
    for (int wait = 0; wait < 5000 && is.st_size < 500000; wait++) {
      usleep(1000);
      if (stat("t.lzt", &is) != 0) is.st_size = 0;
    }
    usleep(20000 + 3000 * (useconds_t)i);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    run_trace* t = run_read("t.lzt");
    assert_false(t->damaged);
    assert_true(nodes_in_order(t) > 0);
    run_free(t);
  }
}

static void test_exit_in_handler(void** state) {
  (void)state;
  for (int i = 0; i < 5; i++) {
    run_result r =
        RUN(lazuli, "record", "-o", "t.lzt", program, "exit_in_handler");
    assert_int_equal(WEXITSTATUS(r.status), 7);
    run_trace* t = run_read("t.lzt");
    assert_false(t->damaged);
    assert_int_equal(run_nodes_named(t, "Handler"), 1);
    assert_true(run_nodes_named(t, "Add") > 10);
    assert_int_equal(run_find(t, TRACE_EVENT_finish, 0)->finish.status, 7);
    run_free(t);
  }
}

static void test_malloc_in_handler(void** state) {
  (void)state;
  run_result r =
      RUN(lazuli, "record", "-o", "t.lzt", program, "malloc_in_handler");
  assert_int_equal(r.status, 0);
  assert_string_equal(r.out, "ticked\n");
  run_trace* t = run_read("t.lzt");
  assert_false(t->damaged);
  assert_true(run_nodes_named(t, "Handler") >= 200);
  run_free(t);
}

static void test_exit_threads(void** state) {
  (void)state;
  for (int i = 0; i < 10; i++) {
    run_result r =
        RUN(lazuli, "record", "-o", "t.lzt", program, "exit_threads");
    assert_true(WIFEXITED(r.status));
    assert_int_equal(WEXITSTATUS(r.status), 5);
    run_trace* t = run_read("t.lzt");
    assert_false(t->damaged);
    assert_int_equal(run_find(t, TRACE_EVENT_finish, 0)->finish.status, 5);
    run_free(t);
  }
}

static void test_cancel(void** state) {
  (void)state;
  run_result r = RUN(lazuli, "record", "-o", "t.lzt", program, "cancel");
  assert_int_equal(r.status, 0);
  run_trace* t = run_read("t.lzt");
  assert_int_equal(nodes_in_order(t), 20000);
  run_free(t);
}

/* The trace is a whole one of the beginning; the program ends as it should. */
static void is_cut(const char* path, run_result r) {
  assert_true(WIFEXITED(r.status));
  assert_int_equal(WEXITSTATUS(r.status), 0);
  assert_string_equal(r.out, "done\n");
  run_trace* t = run_read(path);
  assert_false(t->damaged);
  size_t n = nodes_in_order(t);
  assert_true(n > 1000 && n < 3000000);
  /* What was lost is counted, and that the end was in order is told. */
  assert_in_range(t->info.lost, 3000000 - n, 3001000 - n);
  r = RUN(lazuli, "report", path);
  assert_non_null(strstr(r.out, " · finished\n"));
  assert_non_null(strstr(r.out, "events could not be written"));
  run_free(t);
}

static void test_full_disk(void** state) {
  (void)state;
  assert_int_equal(mkdir("small", 0755), 0);
  if (mount("tmpfs", "small", "tmpfs", 0, "size=4m") != 0) {
    print_message("no small disk here: %s\n", strerror(errno));
    skip();
  }
  run_result r =
      RUN(lazuli,
          "record",
          "-o",
          "small/t.lzt",
          "--stacks=none",
          program,
          "many",
          "3000000");
  is_cut("small/t.lzt", r);
  /* Not even the header fits. */
  FILE* f = fopen("small/rest", "w");
  static char zeros[65536];
  while (f && fwrite(zeros, 1, sizeof zeros, f) == sizeof zeros) continue;
  if (f) fclose(f);
  r = RUN(lazuli, "record", "-o", "small/u.lzt", program, "many", "1000");
  assert_int_equal(r.status, 0);
  assert_string_equal(r.out, "done\n");
  assert_int_equal(umount("small"), 0);
}

static void test_size_limit(void** state) {
  (void)state;
  struct rlimit before, limit = {4 << 20, 4 << 20};
  getrlimit(RLIMIT_FSIZE, &before);
  limit.rlim_max = before.rlim_max;
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
  run_result r =
      RUN(lazuli,
          "record",
          "-o",
          "t.lzt",
          "--stacks=none",
          program,
          "many",
          "3000000");
  setrlimit(RLIMIT_FSIZE, &before);
  is_cut("t.lzt", r);
}

/* Where no file can be, the program runs without. */
static void test_read_only_directory(void** state) {
  (void)state;
  run_result r =
      RUN(lazuli, "record", "-o", "/proc/t.lzt", program, "many", "1000");
  assert_int_equal(r.status, 0);
  assert_string_equal(r.out, "done\n");
  assert_non_null(strstr(r.err, "cannot create /proc/t.lzt"));
  char preload[4200];
  snprintf(preload, sizeof preload, "LD_PRELOAD=%s", recorder);
  const char* environment[] = {preload, "LAZULI_TRACE=/proc/t.lzt", NULL};
  const char* argv[] = {program, "many", "1000", NULL};
  r = run(NULL, environment, argv);
  assert_int_equal(r.status, 0);
  assert_string_equal(r.out, "done\n");
  assert_string_equal(r.err, "");
  /* Names that depend on the process; the folder does not. */
  r = RUN(lazuli, "record", "-o", "no/such/%p.lzt", program, "many", "10");
  assert_string_equal(r.out, "done\n");
  assert_non_null(strstr(r.err, "cannot create files in "));
  r = RUN(lazuli, "record", "-o", "no/such/", program, "many", "10");
  assert_string_equal(r.out, "done\n");
  r = RUN(
      lazuli, "record", "-o", "no/such/directory.lzt", program, "many", "10");
  assert_int_equal(r.status, 0);
  assert_string_equal(r.out, "done\n");
}

/* Everything of 8 threads at full speed arrives; see test_record for order. */
static void test_nothing_lost(void** state) {
  (void)state;
  RUN(lazuli, "record", "-o", "t.lzt", "--stacks=none", program, "threads");
  run_trace* t = run_read("t.lzt");
  assert_int_equal(run_count(t, TRACE_EVENT_node), 8 * 20000);
  run_free(t);
}

int main(void) {
  lazuli = run_path("LAZULI");
  program = run_path("FAKE_PROGRAM");
  recorder = run_path("RECORDER");
  const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
      TEST(test_kill),
      TEST(test_segv),
      TEST(test_abort),
      TEST(test_signals),
      TEST(test_signal_own),
      TEST(test_ends),
      TEST(test_kill_anywhere),
      TEST(test_exit_in_handler),
      TEST(test_malloc_in_handler),
      TEST(test_exit_threads),
      TEST(test_cancel),
      TEST(test_full_disk),
      TEST(test_size_limit),
      TEST(test_read_only_directory),
      TEST(test_nothing_lost),
  };
  return cmocka_run_group_tests_name("hard", tests, NULL, NULL);
}
