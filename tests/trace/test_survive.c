/* What happens to a program must not happen to its trace: kills, forks, signal
 * handlers in the middle of a write. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "trace_scan.h"
#include "trace_support.h"

enum { KILLED_THREADS = 3 };

static trace_writer* writer;
static _Atomic uint64_t* committed; /* shared with the child */

static void* write_and_tell(void* number) {
  uintptr_t thread = (uintptr_t)number;
  for (uint64_t i = 0;; i++) {
    char bytes[300];
    memset(bytes, (int)i, sizeof bytes);
    trace_bind event = {i, thread, 0, 0};
    trace_note note = {{bytes, (uint32_t)(i % sizeof bytes)}};
    trace_put_bind(writer, 0, &event);
    trace_put_note(writer, 0, &note);
    committed[thread] = i + 1;
  }
  return NULL;
}

typedef struct survivors {
  uint64_t binds[KILLED_THREADS], notes;
} survivors;

static void count_survivors(void* user, const trace_event* event) {
  survivors* s = user;
  if (event->kind == TRACE_EVENT_bind) {
    assert_int_equal(event->bind.array, s->binds[event->bind.buffer]++);
  } else {
    assert_int_equal(event->kind, TRACE_EVENT_note);
    for (uint32_t i = 1; i < event->note.text.length; i++)
      assert_int_equal(event->note.text.bytes[i], event->note.text.bytes[0]);
    s->notes++;
  }
}

static void killed(void** state) {
  (void)state;
  test_random r = {.state = 7};
  const char* path = test_path("killed.lzt");
  committed = mmap(
      NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  for (int round = 0; round < 20; round++) {
    memset((void*)committed, 0, 4096);
    pid_t child = test_fork();
    if (child == 0) {
      trace_writer_options options = {.chunk_bytes = 16384};
      writer = trace_writer_open(path, &options);
      for (uintptr_t i = 1; i < KILLED_THREADS; i++) {
        pthread_t thread;
        pthread_create(&thread, NULL, write_and_tell, (void*)i);
      }
      write_and_tell(NULL);
    }
    while (committed[0] == 0) usleep(100);
    usleep((useconds_t)test_below(&r, 15000));
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    survivors s = {0};
    trace_info info;
    assert_int_equal(test_read(path, count_survivors, &s, &info), 0);
    assert_false(info.finished);
    assert_false(info.truncated);
    for (int i = 0; i < KILLED_THREADS; i++) {
      assert_true(s.binds[i] >= committed[i]);
      assert_true(s.binds[i] <= committed[i] + 1);
    }
  }
  munmap((void*)committed, 4096);
}

static void* write_named(void* number) {
  uintptr_t thread = (uintptr_t)number;
  for (uint64_t i = 0;; i++) {
    char name[32];
    int n =
        snprintf(name, sizeof name, "%u of %u", (unsigned)i, (unsigned)thread);
    trace_compile event = {
        .function = i,
        .nodes = (uint32_t)thread,
        .detail = trace_writer_string(writer, name, (size_t)n)};
    trace_put_compile(writer, 0, &event);
    committed[thread] = i + 1;
  }
  return NULL;
}

typedef struct named {
  uint64_t next[KILLED_THREADS];
  bool ring;
  bool known[8u << 20]; /* strings by id */
} named;

static void count_named(void* user, const trace_event* event) {
  named* n = user;
  if (event->kind == TRACE_EVENT_string) {
    assert_true(event->string.id < sizeof n->known);
    n->known[event->string.id] = true;
  } else if (event->kind == TRACE_EVENT_compile) {
    /* What it refers to is known; 0: the table of strings is full. */
    assert_true(n->known[event->compile.detail] || !event->compile.detail);
    uint64_t* next = &n->next[event->compile.nodes];
    assert_true(event->compile.function == *next || n->ring);
    *next = event->compile.function + 1;
  } else {
    assert_int_equal(event->kind, TRACE_EVENT_gap);
    assert_true(n->ring);
  }
}

/* The file may be read at any moment of its life. */
static void read_while_written(uint64_t ring_bytes) {
  const char* path = test_path("live.lzt");
  committed = mmap(
      NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pid_t child = test_fork();
  if (child == 0) {
    trace_writer_options options = {
        .chunk_bytes = 4096, .ring_bytes = ring_bytes};
    writer = trace_writer_open(path, &options);
    for (uintptr_t i = 1; i < KILLED_THREADS; i++) {
      pthread_t thread;
      pthread_create(&thread, NULL, write_named, (void*)i);
    }
    write_named(NULL);
  }
  while (committed[0] == 0) usleep(100);
  struct stat st = {0};
  named* n = malloc(sizeof *n);
  const uint64_t end = trace_now() + 1000000000u;
  while (trace_now() < end && st.st_size < 20 << 20) {
    uint64_t before[KILLED_THREADS];
    for (int i = 0; i < KILLED_THREADS; i++) before[i] = committed[i];
    memset(n, 0, sizeof *n);
    n->ring = ring_bytes != 0;
    assert_int_equal(test_read(path, count_named, n, NULL), 0);
    for (int i = 0; i < KILLED_THREADS && !ring_bytes; i++)
      assert_true(n->next[i] >= before[i]);
    assert_int_equal(stat(path, &st), 0);
  }
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  free(n);
  munmap((void*)committed, 4096);
}

static void live(void** state) {
  (void)state;
  read_while_written(0);
}

static void live_ring(void** state) {
  (void)state;
  read_while_written(1 << 20);
}

static void count_status(void* user, const trace_event* event) {
  uint64_t* sums = user;
  if (event->kind == TRACE_EVENT_finish) sums[event->finish.status]++;
}

/* A child neither writes to its parent's file nor loses its own events. */
static void forked(void** state) {
  (void)state;
  const char* path = test_path("parent.lzt");
  const char* child_path = test_path("child.lzt");
  writer = trace_writer_open(path, NULL);
  trace_finish before = {.status = 1}, after = {.status = 2},
               in_child = {.status = 3};
  assert_true(trace_put_finish(writer, 0, &before));
  pid_t child = test_fork();
  if (child == 0) {
    trace_writer_abandon(writer);
    bool wrote = trace_put_finish(writer, 0, &in_child);
    trace_writer* mine = trace_writer_open(child_path, NULL);
    uint32_t id = mine ? trace_writer_string(mine, "child", 5) : 0;
    bool own = mine && trace_put_finish(mine, 0, &in_child);
    trace_writer_close(mine);
    _exit(!wrote && own && id == 1 ? 0 : 1);
  }
  for (int i = 0; i < 1000; i++) trace_put_finish(writer, 0, &after);
  int status;
  waitpid(child, &status, 0);
  assert_int_equal(status, 0);
  trace_writer_close(writer);
  uint64_t sums[4] = {0}, child_sums[4] = {0};
  assert_int_equal(test_read(path, count_status, sums, NULL), 0);
  assert_int_equal(test_read(child_path, count_status, child_sums, NULL), 0);
  assert_int_equal(sums[1], 1);
  assert_int_equal(sums[2], 1000);
  assert_int_equal(sums[3], 0);
  assert_int_equal(child_sums[3], 1);
}

/* Even one that nobody told. */
static void forked_unawares(void** state) {
  (void)state;
  const char* path = test_path("unaware.lzt");
  writer = trace_writer_open(path, NULL);
  trace_finish before = {.status = 1}, in_child = {.status = 3};
  assert_true(trace_put_finish(writer, 0, &before));
  pid_t child = test_fork();
  if (child == 0) {
    for (int i = 0; i < 100; i++) trace_put_finish(writer, 0, &in_child);
    trace_writer_close(writer);
    _exit(0);
  }
  waitpid(child, NULL, 0);
  for (int i = 0; i < 1000; i++) trace_put_finish(writer, 0, &before);
  trace_writer_close(writer);
  uint64_t sums[4] = {0};
  assert_int_equal(test_read(path, count_status, sums, NULL), 0);
  assert_int_equal(sums[1], 1001);
  assert_int_equal(sums[3], 0);
}

static _Atomic uint64_t handled, handler_lost;
static _Atomic int handler_errno;

static void write_in_handler(int signal) {
  int saved = errno;
  errno = 1234;
  char text[16];
  int n = 0;
  for (uint64_t v = handled % 50; n == 0 || v; v /= 10)
    text[n++] = (char)('0' + v % 10);
  trace_wait event = {
      .reason = (uint8_t)signal,
      .stream = trace_writer_string(writer, text, (size_t)n),
      .eval = handled};
  if (trace_put_wait(writer, 0, &event))
    handled++;
  else
    handler_lost++;
  if (errno != 1234) handler_errno = errno;
  errno = saved;
}

typedef struct handled_counts {
  uint64_t nodes, waits, strings;
} handled_counts;

static void count_handled(void* user, const trace_event* event) {
  handled_counts* c = user;
  if (event->kind == TRACE_EVENT_node) {
    assert_int_equal(event->node.id, c->nodes);
    assert_int_equal(event->node.inputs.count, c->nodes % 40);
    for (uint32_t i = 0; i < event->node.inputs.count; i++)
      assert_int_equal(event->node.inputs.ids[i], c->nodes * i);
    c->nodes++;
  } else if (event->kind == TRACE_EVENT_wait) {
    c->waits++;
  } else {
    assert_int_equal(event->kind, TRACE_EVENT_string);
    c->strings++;
  }
}

static void handlers(void** state) {
  (void)state;
  const char* path = test_path("handlers.lzt");
  trace_writer_options options = {.chunk_bytes = 32768};
  writer = trace_writer_open(path, &options);
  struct sigaction action = {.sa_handler = write_in_handler};
  action.sa_flags = SA_RESTART;
  sigaction(SIGALRM, &action, NULL);
  sigaction(SIGVTALRM, &action, NULL);
  struct itimerval often = {{0, 100}, {0, 100}};
  setitimer(ITIMER_REAL, &often, NULL);
  setitimer(ITIMER_VIRTUAL, &often, NULL);
  uint64_t end = trace_now() + 1000000000u, nodes = 0;
  while (trace_now() < end) {
    uint64_t inputs[40];
    for (uint32_t i = 0; i < nodes % 40; i++) inputs[i] = nodes * i;
    trace_node event = {.id = nodes, .inputs = {inputs, nodes % 40}};
    errno = 4321;
    assert_true(trace_put_node(writer, 0, &event));
    assert_int_equal(errno, 4321);
    nodes++;
  }
  struct itimerval never = {{0, 0}, {0, 0}};
  setitimer(ITIMER_REAL, &never, NULL);
  setitimer(ITIMER_VIRTUAL, &never, NULL);
  trace_writer_close(writer);
  assert_int_equal(handler_errno, 0);
  assert_true(handled > 100);
  handled_counts c = {0};
  assert_int_equal(test_read(path, count_handled, &c, NULL), 0);
  assert_int_equal(c.nodes, nodes);
  assert_int_equal(c.waits, handled);
  assert_true(c.strings >= 50);
  /* The test is worth something only where a write was interrupted. */
  trace_scan scan;
  char error[256];
  assert_int_equal(trace_scan_open(&scan, path, error, sizeof error), 0);
  uint64_t inside = 0;
  for (size_t i = 0; i < scan.n_chunks; i++)
    inside += scan.chunks[i].header.depth > 0 ? scan.chunks[i].header.used : 0;
  trace_scan_close(&scan);
  assert_true(inside > 0);
}

static void write_finishes(trace_writer* w, uint32_t status, int count) {
  for (int i = 0; i < count; i++) {
    trace_finish event = {.status = status};
    assert_true(trace_put_finish(w, 0, &event));
  }
}

/* A program that closes every descriptor and opens files of its own keeps them,
 * and its trace. */
static void descriptors_closed(void** state) {
  (void)state;
  char path[128], own[128];
  strcpy(path, test_path("closed.lzt"));
  strcpy(own, test_path("own"));
  pid_t child = test_fork();
  if (child == 0) {
    int lowest = open("/dev/null", O_RDONLY);
    close(lowest);
    trace_writer* w = trace_writer_open(path, NULL);
    write_finishes(w, 1, 10);
    int next = open("/dev/null", O_RDONLY);
    if (next != lowest) _exit(1); /* the program's numbers are its own */
    int limit = (int)sysconf(_SC_OPEN_MAX);
    for (int i = 3; i < limit && i < 70000; i++) close(i);
    int fd = open(own, O_RDWR | O_CREAT, 0644);
    for (int i = fd + 1; i < 1100; i++) dup2(fd, i);
    if (write(fd, "mine", 4) != 4) _exit(2);
    write_finishes(w, 1, 200000);
    trace_writer_close(w);
    struct stat st;
    _exit(fstat(fd, &st) == 0 && st.st_size == 4 ? 0 : 3);
  }
  int status;
  waitpid(child, &status, 0);
  assert_int_equal(status, 0);
  uint64_t sums[4] = {0};
  trace_info info;
  assert_int_equal(test_read(path, count_status, sums, &info), 0);
  assert_int_equal(sums[1], 200010);
  assert_true(info.finished);
}

/* A second trace under the same name takes nothing from the first. */
static void same_name_twice(void** state) {
  (void)state;
  char path[128];
  strcpy(path, test_path("same.lzt"));
  trace_writer* first = trace_writer_open(path, NULL);
  write_finishes(first, 1, 10);
  trace_writer* second = trace_writer_open(path, NULL);
  write_finishes(second, 2, 10);
  write_finishes(first, 1, 200000);
  trace_writer_close(first);
  trace_writer_close(second);
  uint64_t sums[4] = {0};
  assert_int_equal(test_read(path, count_status, sums, NULL), 0);
  assert_int_equal(sums[1], 0);
  assert_int_equal(sums[2], 10);
}

static void several_writers(void** state) {
  (void)state;
  trace_writer* writers[16];
  const char* paths[] = {"w0", "w1", "w2", "w3", "w4", "w5", "w6", "w7"};
  unsigned n = 0;
  while (n < 16 && (writers[n] = trace_writer_open(test_path("wx"), NULL))) n++;
  assert_int_equal(n, 8);
  assert_int_equal(errno, EMFILE);
  while (n) trace_writer_close(writers[--n]);
  for (unsigned i = 0; i < 8; i++)
    assert_non_null(writers[i] = trace_writer_open(test_path(paths[i]), NULL));
  for (uint32_t k = 0; k < 10000; k++)
    for (unsigned i = 0; i < 8; i++) {
      trace_finish event = {.status = i % 4};
      assert_true(trace_put_finish(writers[i], 0, &event));
    }
  for (unsigned i = 0; i < 8; i++) {
    trace_writer_close(writers[i]);
    uint64_t sums[4] = {0};
    assert_int_equal(
        test_read(test_path(paths[i]), count_status, sums, NULL), 0);
    assert_int_equal(sums[i % 4], 10000);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(killed),
      cmocka_unit_test(live),
      cmocka_unit_test(live_ring),
      cmocka_unit_test(forked),
      cmocka_unit_test(forked_unawares),
      cmocka_unit_test(handlers),
      cmocka_unit_test(descriptors_closed),
      cmocka_unit_test(same_name_twice),
      cmocka_unit_test(several_writers),
  };
  return cmocka_run_group_tests_name("trace survival", tests, NULL, NULL);
}
