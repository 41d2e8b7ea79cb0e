/* Many threads at full speed: nothing lost, order kept, ids shared. */
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "trace_put.h"
#include "trace_support.h"

enum { THREADS = 8, EVENTS = 200000, STRINGS = 2000 };

static trace_writer* writer;
static uint32_t ids[THREADS][STRINGS];
static uint32_t stacks[THREADS][STRINGS];
static pthread_barrier_t start;

static void* write_events(void* number) {
  uint64_t thread = (uint64_t)(uintptr_t)number;
  pthread_barrier_wait(&start);
  for (uint64_t i = 0; i < EVENTS; i++) {
    uint64_t outputs[2] = {thread, i};
    trace_eval_begin event = {thread << 32 | i, 1, 0, 0, {outputs, 2}};
    trace_usual u; /* both ways, by turns */
    if (i % 3 && trace_usual_enter(&u, writer) &&
        trace_usual_put_eval_begin(&u, &event))
      continue;
    if (!trace_put_eval_begin(writer, 0, &event)) return NULL;
  }
  return number;
}

typedef struct counts {
  uint64_t next[THREADS]; /* of each writing thread */
  uint64_t last_time;
  uint32_t origin[THREADS];
  uint64_t events;
  size_t memory; /* most that was allocated at once */
} counts;

static void count_event(void* user, const trace_event* event) {
  counts* c = user;
  assert_int_equal(event->kind, TRACE_EVENT_eval_begin);
  uint64_t thread = event->eval_begin.eval >> 32;
  assert_true(thread < THREADS);
  assert_int_equal((uint32_t)event->eval_begin.eval, c->next[thread]);
  if (c->next[thread] == 0) c->origin[thread] = event->origin;
  assert_int_equal(event->origin, c->origin[thread]);
  assert_int_equal(event->eval_begin.outputs.ids[1], c->next[thread]);
  c->next[thread]++;
  assert_true(event->time >= c->last_time);
  c->last_time = event->time;
  if (c->events++ % 10000 == 0) {
    struct mallinfo2 m = mallinfo2();
    if (m.uordblks + m.hblkhd > c->memory) c->memory = m.uordblks + m.hblkhd;
  }
}

static void run_threads(void* (*body)(void*)) {
  pthread_t threads[THREADS];
  pthread_barrier_init(&start, NULL, THREADS);
  for (uintptr_t i = 0; i < THREADS; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, body, (void*)i), 0);
  for (uintptr_t i = 0; i < THREADS; i++) {
    void* result;
    pthread_join(threads[i], &result);
    assert_ptr_equal(result, (void*)i);
  }
  pthread_barrier_destroy(&start);
}

/* Behind the first few, ordinary chunks are aligned, and of what that leaves
 * out before them less than two a thread is not used. */
static void chunks_are_aligned(const char* path) {
  trace_file_header file;
  trace_chunk_header c;
  int fd = open(path, O_RDONLY);
  assert_true(fd >= 0);
  assert_int_equal(pread(fd, &file, sizeof file, 0), sizeof file);
  unsigned ordinary = 0;
  uint64_t unused = 0;
  for (uint64_t at = file.header_bytes;
       pread(fd, &c, sizeof c, (off_t)at) == sizeof c;) {
    if (c.magic != TRACE_CHUNK_MAGIC) {
      unused += file.align;
      at += file.align;
      continue;
    }
    if (c.size == file.chunk_bytes && at >= 9u * c.size) {
      assert_int_equal(at % c.size, 0);
      ordinary++;
    }
    at += c.size;
  }
  close(fd);
  assert_true(ordinary > THREADS);
  assert_true(unused < 2 * THREADS * file.chunk_bytes);
}

static void nothing_is_lost(void** state) {
  (void)state;
  const char* path = test_path("threads.lzt");
  writer = trace_writer_open(path, NULL);
  assert_non_null(writer);
  run_threads(write_events);
  assert_int_equal(trace_writer_lost(writer), 0);
  trace_writer_close(writer);
  chunks_are_aligned(path);
  counts c = {0};
  trace_info info;
  assert_int_equal(test_read(path, count_event, &c, &info), 0);
  for (int i = 0; i < THREADS; i++) {
    assert_int_equal(c.next[i], EVENTS);
    for (int k = 0; k < i; k++) assert_int_not_equal(c.origin[i], c.origin[k]);
  }
  assert_int_equal(info.threads, THREADS);
  assert_false(info.truncated);
  /* Reading takes a chunk a thread, however large the file. */
  assert_true(info.file_bytes > (uint64_t)THREADS * EVENTS * 20);
  assert_true(c.memory < THREADS * (256u << 10) + (1u << 20));
}

static void* intern_all(void* number) {
  uintptr_t thread = (uintptr_t)number;
  pthread_barrier_wait(&start);
  for (unsigned i = 0; i < STRINGS; i++) {
    char text[32];
    int n = snprintf(text, sizeof text, "name %u", i);
    ids[thread][i] = trace_writer_string(writer, text, (size_t)n);
    uint64_t frames[4] = {i, 2, 3, (uint64_t)i << 40};
    stacks[thread][i] = trace_writer_stack(writer, frames, 4);
    /* What refers to a definition is never delivered before it. */
    trace_mark mark = {ids[thread][i], stacks[thread][i]};
    if (!trace_put_mark(writer, 0, &mark)) return NULL;
  }
  return number;
}

typedef struct known {
  bool strings[THREADS * STRINGS + 1];
  bool stacks[THREADS * STRINGS + 1];
  unsigned marks;
} known;

static void check_known(void* user, const trace_event* event) {
  known* k = user;
  if (event->kind == TRACE_EVENT_string) {
    assert_false(k->strings[event->string.id]);
    k->strings[event->string.id] = true;
  } else if (event->kind == TRACE_EVENT_stack) {
    assert_false(k->stacks[event->stack.id]);
    k->stacks[event->stack.id] = true;
  } else {
    assert_true(k->strings[event->mark.name]);
    assert_true(k->stacks[event->mark.stack]);
    k->marks++;
  }
}

static void ids_are_shared(void** state) {
  (void)state;
  const char* path = test_path("shared.lzt");
  writer = trace_writer_open(path, NULL);
  run_threads(intern_all);
  trace_writer_close(writer);
  for (unsigned i = 0; i < STRINGS; i++)
    for (unsigned t = 0; t < THREADS; t++) {
      assert_int_not_equal(ids[t][i], 0);
      assert_int_equal(ids[t][i], ids[0][i]);
      assert_int_equal(stacks[t][i], stacks[0][i]);
    }
  known* k = calloc(1, sizeof *k);
  assert_int_equal(test_read(path, check_known, k, NULL), 0);
  assert_int_equal(k->marks, THREADS * STRINGS);
  free(k);
}

static _Atomic bool stop;

static void* write_few(void* number) {
  for (uint64_t i = 0; i < 3; i++) {
    trace_finish event = {.status = (uint32_t)i};
    if (!trace_put_finish(writer, 0, &event)) return NULL;
  }
  return number;
}

static void count_finish(void* user, const trace_event* event) {
  uint32_t* next = user; /* by origin */
  assert_int_equal(event->kind, TRACE_EVENT_finish);
  assert_int_equal(event->finish.status, next[event->origin]++);
}

/* A thread that writes little takes little. */
static void short_threads(void** state) {
  (void)state;
  enum { SHORT = 1000 };
  const char* path = test_path("short.lzt");
  writer = trace_writer_open(path, NULL);
  for (uintptr_t i = 0; i < SHORT; i++) {
    pthread_t thread;
    void* result = NULL;
    assert_int_equal(pthread_create(&thread, NULL, write_few, (void*)&stop), 0);
    pthread_join(thread, &result);
    assert_non_null(result);
  }
  struct stat st;
  assert_int_equal(stat(path, &st), 0);
  assert_true(st.st_blocks * 512 < (SHORT + 8) * 16384 * 9 / 8);
  trace_writer_close(writer);
  uint32_t* next = calloc(SHORT, sizeof *next);
  trace_info info;
  assert_int_equal(test_read(path, count_finish, next, &info), 0);
  assert_int_equal(info.threads, SHORT);
  for (int i = 0; i < SHORT; i++) assert_int_equal(next[i], 3);
  free(next);
}

static void* write_until_closed(void* number) {
  uint64_t written = 0;
  trace_finish event = {.status = 0};
  pthread_barrier_wait(&start);
  for (;;) {
    if (trace_put_finish(writer, 0, &event))
      written++;
    else if (stop)
      break;
  }
  *(uint64_t*)number = written;
  return NULL;
}

static void count_any(void* user, const trace_event* event) {
  (void)event;
  ++*(uint64_t*)user;
}

static void closing_while_others_write(void** state) {
  (void)state;
  for (int round = 0; round < 10; round++) {
    const char* path = test_path("closing.lzt");
    trace_writer_options options = {.chunk_bytes = 8192};
    writer = trace_writer_open(path, &options);
    stop = false;
    pthread_t threads[4];
    uint64_t written[4];
    pthread_barrier_init(&start, NULL, 5);
    for (int i = 0; i < 4; i++)
      pthread_create(&threads[i], NULL, write_until_closed, &written[i]);
    pthread_barrier_wait(&start);
    for (int i = 0; i < round * 1000; i++) trace_now();
    trace_writer_close(writer);
    stop = true;
    uint64_t sum = 0, seen = 0;
    for (int i = 0; i < 4; i++) {
      pthread_join(threads[i], NULL);
      sum += written[i];
    }
    pthread_barrier_destroy(&start);
    assert_int_equal(test_read(path, count_any, &seen, NULL), 0);
    assert_int_equal(seen, sum);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nothing_is_lost),
      cmocka_unit_test(ids_are_shared),
      cmocka_unit_test(short_threads),
      cmocka_unit_test(closing_while_others_write),
  };
  return cmocka_run_group_tests_name("trace threads", tests, NULL, NULL);
}
