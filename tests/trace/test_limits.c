/* Where space ends: rings, file size limits, full disks, places that cannot be
 * written. The program goes on; what was complete is there. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "trace_scan.h"
#include "trace_support.h"

enum { RING_THREADS = 3 };

static trace_writer* writer;

typedef struct written {
  uint64_t events, ok;
  uint64_t thread;
} written;

static void* write_binds(void* user) {
  written* w = user;
  for (uint64_t i = 0; i < w->events; i++) {
    char name[32];
    int n = snprintf(
        name, sizeof name, "%u/%u", (unsigned)w->thread, (unsigned)(i / 1000));
    uint32_t id = trace_writer_string(writer, name, (size_t)n);
    trace_bind event = {i, w->thread, id, 0};
    w->ok += trace_put_bind(writer, 0, &event);
  }
  return NULL;
}

typedef struct ring_counts {
  uint64_t next[RING_THREADS], delivered[RING_THREADS], missing[RING_THREADS];
  uint64_t strings;
  uint32_t origin[RING_THREADS];
  uint64_t gaps_of_origin[RING_THREADS];
} ring_counts;

static void count_ring(void* user, const trace_event* event) {
  ring_counts* c = user;
  if (event->kind == TRACE_EVENT_string) {
    c->strings++;
  } else if (event->kind == TRACE_EVENT_gap) {
    assert_true(event->gap.begin_ns <= event->gap.end_ns);
    c->gaps_of_origin[event->origin] += event->gap.events;
  } else {
    assert_int_equal(event->kind, TRACE_EVENT_bind);
    uint64_t t = event->bind.buffer;
    c->origin[t] = event->origin;
    if (c->delivered[t]) assert_true(event->bind.array >= c->next[t]);
    c->next[t] = event->bind.array + 1;
    c->delivered[t]++;
  }
}

static void ring_of(uint64_t bytes, uint64_t events) {
  const char* path = test_path("ring.lzt");
  trace_writer_options options = {.ring_bytes = bytes};
  writer = trace_writer_open(path, &options);
  pthread_t threads[RING_THREADS];
  written w[RING_THREADS];
  for (unsigned i = 0; i < RING_THREADS; i++) {
    w[i] = (written){.events = events, .thread = i};
    pthread_create(&threads[i], NULL, write_binds, &w[i]);
  }
  for (unsigned i = 0; i < RING_THREADS; i++) {
    pthread_join(threads[i], NULL);
    assert_int_equal(w[i].ok, events);
  }
  assert_int_equal(trace_writer_lost(writer), 0);
  trace_writer_close(writer);
  ring_counts c = {0};
  trace_info info;
  assert_int_equal(test_read(path, count_ring, &c, &info), 0);
  assert_true(info.ring);
  assert_false(info.truncated);
  assert_int_equal(c.strings, RING_THREADS * ((events + 999) / 1000));
  uint64_t delivered = 0;
  for (unsigned i = 0; i < RING_THREADS; i++) {
    delivered += c.delivered[i];
    if (!c.delivered[i]) continue;
    assert_int_equal(c.next[i], events); /* the newest are there */
    assert_int_equal(c.delivered[i] + c.gaps_of_origin[c.origin[i]], events);
  }
  uint64_t whole = RING_THREADS * events;
  if (whole * 20 > 2 * bytes) {
    assert_true(delivered < whole);
    /* About the newest `bytes`: an event takes 18 to 34 of them here. */
    assert_true(delivered > bytes / 34 / 2);
  } else {
    assert_int_equal(delivered, whole);
  }
  struct stat st;
  stat(path, &st);
  uint64_t definitions = c.strings * 40 + RING_THREADS * 300000;
  assert_true((uint64_t)st.st_size < bytes * 9 / 8 + definitions + 100000);
}

static void rings(void** state) {
  (void)state;
  ring_of(1 << 20, 300000);
  ring_of(64 << 10, 100000);
  ring_of(64 << 20, 10000);
  ring_of(1, 5000);
}

/* A ring's process may be killed while a chunk changes hands. */
static void ring_killed(void** state) {
  (void)state;
  const char* path = test_path("ringkill.lzt");
  test_random r = {.state = 3};
  for (int round = 0; round < 10; round++) {
    unlink(path);
    pid_t child = test_fork();
    if (child == 0) {
      trace_writer_options options = {.ring_bytes = 16 * 4096};
      writer = trace_writer_open(path, &options);
      for (;;) write_binds(&(written){.events = 1 << 20});
    }
    struct stat st;
    while (stat(path, &st) != 0 || st.st_size < 65536) usleep(100);
    usleep((useconds_t)test_below(&r, 10000));
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    trace_info info;
    assert_int_equal(test_read(path, NULL, NULL, &info), 0);
    assert_false(info.finished);
  }
}

static void count_binds(void* user, const trace_event* event) {
  uint64_t* count = user;
  if (event->kind == TRACE_EVENT_bind)
    assert_int_equal(event->bind.array, (*count)++);
}

/* Writes until space ends, in a child that the limit holds for. */
static void write_past_the_end(const char* path) {
  writer = trace_writer_open(path, NULL);
  if (!writer) _exit(2);
  written w = {.events = 300000};
  write_binds(&w);
  if (w.ok == w.events || w.ok < 10000) _exit(3);
  /* Definitions are lost the same way: 0 stands for them. */
  if (trace_writer_string(writer, "too late", 8) != 0 &&
      trace_writer_lost(writer) == 0)
    _exit(4);
  trace_writer_close(writer);
  _exit(0);
}

static void check_space_ended(const char* path) {
  uint64_t seen = 0;
  trace_info info;
  assert_int_equal(test_read(path, count_binds, &seen, &info), 0);
  assert_true(seen >= 10000 && seen < 300000);
  assert_true(info.lost >= 300000 - seen);
  assert_true(info.truncated);
  assert_true(info.finished);
}

static void file_size_limit(void** state) {
  (void)state;
  const char* path = test_path("limit.lzt");
  pid_t child = test_fork();
  if (child == 0) {
    struct rlimit limit = {1 << 20, 1 << 20};
    setrlimit(RLIMIT_FSIZE, &limit);
    write_past_the_end(path);
  }
  int status;
  waitpid(child, &status, 0);
  assert_false(WIFSIGNALED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
  check_space_ended(path);
}

static void no_room_at_all(void** state) {
  (void)state;
  pid_t child = test_fork();
  if (child == 0) {
    struct rlimit limit = {100, 100};
    setrlimit(RLIMIT_FSIZE, &limit);
    errno = 0;
    trace_writer* w = trace_writer_open(test_path("none.lzt"), NULL);
    _exit(w == NULL && errno == EFBIG ? 0 : 1);
  }
  int status;
  waitpid(child, &status, 0);
  assert_int_equal(status, 0);
  assert_int_equal(access(test_path("none.lzt"), F_OK), -1);
}

static bool mount_small(const char* folder) {
  return mkdir(folder, 0755) == 0 &&
         mount("tmpfs", folder, "tmpfs", 0, "size=1m") == 0;
}

static void full_disk(void** state) {
  (void)state;
  char folder[128], path[160];
  snprintf(folder, sizeof folder, "%s", test_path("small"));
  snprintf(path, sizeof path, "%s/full.lzt", folder);
  if (!mount_small(folder)) {
    print_message("skipped: mounting a small tmpfs is not permitted\n");
    skip();
  }
  pid_t child = test_fork();
  if (child == 0) write_past_the_end(path);
  int status;
  waitpid(child, &status, 0);
  bool signaled = WIFSIGNALED(status);
  if (!signaled && WEXITSTATUS(status) == 0) check_space_ended(path);
  trace_writer* w = NULL;
  int wrong = 0;
  if (mount(NULL, folder, NULL, MS_REMOUNT | MS_RDONLY, NULL) == 0) {
    w = trace_writer_open(path, NULL);
    wrong = errno;
  } else {
    wrong = EROFS;
  }
  umount2(folder, MNT_DETACH);
  assert_false(signaled);
  assert_int_equal(WEXITSTATUS(status), 0);
  assert_null(w);
  assert_int_equal(wrong, EROFS);
}

static void cannot_be_opened(void** state) {
  (void)state;
  char inside[160], folder[128];
  snprintf(folder, sizeof folder, "%s", test_path("shut"));
  snprintf(inside, sizeof inside, "%s/x.lzt", folder);
  assert_null(trace_writer_open(inside, NULL));
  assert_int_equal(errno, ENOENT);
  assert_int_equal(mkdir(folder, 0555), 0);
  assert_null(trace_writer_open(folder, NULL));
  assert_int_equal(errno, EISDIR);
  pid_t child = test_fork();
  if (child == 0) {
    if (geteuid() == 0 && seteuid(65534) != 0) _exit(1);
    _exit(!trace_writer_open(inside, NULL) && errno == EACCES ? 0 : 2);
  }
  int status;
  waitpid(child, &status, 0);
  assert_int_equal(status, 0);
  assert_null(trace_writer_open("/dev/null", NULL));
  /* A failed open takes no place from the writers that follow. */
  for (int i = 0; i < 20; i++) assert_null(trace_writer_open(folder, NULL));
  trace_writer* w = trace_writer_open(test_path("fine.lzt"), NULL);
  assert_non_null(w);
  trace_writer_close(w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rings),
      cmocka_unit_test(ring_killed),
      cmocka_unit_test(file_size_limit),
      cmocka_unit_test(no_room_at_all),
      cmocka_unit_test(full_disk),
      cmocka_unit_test(cannot_be_opened),
  };
  return cmocka_run_group_tests_name("trace limits", tests, NULL, NULL);
}
