/* The clock: run once more with LAZULI_CLOCK=system, which stands for a machine
 * without a counter to rely on. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "trace_clock.h"
#include "trace_support.h"

static bool by_system;

/* trace_now() goes along with the system's clock and never back. */
static void clock_is_right(void** state) {
  (void)state;
  uint64_t last = trace_now(), worst = 0;
  for (int i = 0; i < 400000; i++) {
    struct timespec t;
    uint64_t before = trace_now();
    clock_gettime(CLOCK_MONOTONIC, &t);
    uint64_t after = trace_now();
    assert_true(before >= last && after >= before);
    last = after;
    uint64_t real = (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
    uint64_t off = real < before  ? before - real
                   : real > after ? real - after
                                  : 0;
    if (off > worst) worst = off;
    if (i % 100000 == 0) usleep(120000);
  }
  if (worst > 20000) fail_msg("off by %lu ns", (unsigned long)worst);
}

typedef struct span {
  uint64_t from, to;
  unsigned seen;
} span;

static void within(void* user, const trace_event* event) {
  span* s = user;
  if (event->kind != TRACE_EVENT_kernel_end) return;
  assert_in_range(event->time, s->from, s->to);
  assert_int_equal(event->kernel_end.begin_ns, s->from);
  s->from = event->time;
  s->seen++;
}

static uint64_t system_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* A trace says which clock it was written by, and its times are that clock's:
 * each event names the time of the one before it. */
static void trace_is_right(void** state) {
  (void)state;
  const char* path = test_path("clock.lzt");
  const uint64_t slack = by_system ? 0 : 20000;
  const uint64_t from = system_now() - slack;
  trace_writer* w = trace_writer_open(path, NULL);
  assert_non_null(w);
  for (uint64_t i = 0, last = from; i < 20000; i++) {
    const uint64_t now = trace_now();
    const trace_kernel_end e = {.kernel = i, .begin_ns = last, .end_ns = now};
    assert_true(trace_put_kernel_end(w, now, &e));
    last = now;
  }
  trace_writer_close(w);
  trace_file_header header;
  int fd = open(path, O_RDONLY);
  assert_int_equal(read(fd, &header, sizeof header), sizeof header);
  close(fd);
  if (by_system) assert_int_equal(header.clock, TRACE_CLOCK_SYSTEM);
  assert_int_equal(header.clock, trace_clock_kind());
  span s = {from, system_now() + slack, 0};
  assert_int_equal(test_read(path, within, &s, NULL), 0);
  assert_int_equal(s.seen, 20000);
}

/* The child of a fork goes on with the same clock. */
static void child_is_right(void** state) {
  (void)state;
  const uint32_t kind = trace_clock_kind();
  const uint64_t before = trace_now();
  pid_t child = test_fork();
  if (child == 0) {
    trace_clock_after_fork();
    _exit(trace_clock_kind() != kind || trace_now() < before);
  }
  int status;
  waitpid(child, &status, 0);
  assert_int_equal(status, 0);
}

int main(void) {
  const char* wanted = getenv("LAZULI_CLOCK");
  by_system = wanted && strcmp(wanted, "system") == 0;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(clock_is_right),
      cmocka_unit_test(trace_is_right),
      cmocka_unit_test(child_is_right),
  };
  return cmocka_run_group_tests_name("trace clock", tests, NULL, NULL);
}
