/* Reading: five million events a second on one core, in memory that does not
 * grow with the file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "trace_support.h"

/* Three threads' worth of what a training loop writes; the same few stacks. */
static void write_trace(const char* path, uint64_t events) {
  trace_writer* w = trace_writer_open(path, NULL);
  assert_non_null(w);
  const int32_t shape[] = {128, 784};
  const trace_array output = {10, 2, shape};
  uint32_t op = trace_writer_string(w, "Multiply", 8), stack = 0;
  uint64_t time = 1000000;
  for (uint64_t i = 1; i <= events; i += 4) {
    uint64_t frames[] = {0x7f0000000000 + i % 50, 2, 3, 4};
    uint64_t inputs[] = {i, i + 1};
    stack = trace_writer_stack(w, frames, 4);
    trace_node node = {
        .id = i,
        .op = op,
        .stack = stack,
        .inputs = {inputs, 2},
        .outputs = {&output, 1}};
    trace_kernel_begin begin = {i, i / 64, 0, op};
    trace_kernel_end end = {.kernel = i, .begin_ns = time, .end_ns = time + 90};
    trace_alloc alloc = {.buffer = i, .size = 401408, .active = i % 64 * 4096};
    assert_true(trace_put_node(w, time += 300, &node));
    assert_true(trace_put_alloc(w, time += 70, &alloc));
    assert_true(trace_put_kernel_begin(w, time += 50, &begin));
    assert_true(trace_put_kernel_end(w, time += 900, &end));
  }
  trace_writer_close(w);
}

/* Bytes of this process's own memory: files that are mapped do not count. */
static uint64_t own_memory(void) {
  char line[256];
  unsigned long long kib = 0;
  FILE* f = fopen("/proc/self/status", "r");
  assert_non_null(f);
  while (fgets(line, sizeof line, f) &&
         sscanf(line, "RssAnon: %llu", &kib) != 1) {
  }
  fclose(f);
  return kib << 10;
}

static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

typedef struct reading {
  uint64_t events, memory; /* the most, above what was there before */
  double rate;             /* events a second of processor time */
} reading;

static reading read_trace(const char* path) {
  reading r = {0};
  char error[256];
  const uint64_t before = own_memory();
  const double begin = seconds();
  trace_reader* reader = trace_reader_open(path, error, sizeof error);
  assert_non_null(reader);
  trace_event event;
  int more;
  while ((more = trace_reader_next(reader, &event)) == 1)
    if (++r.events % 100000 == 0) {
      uint64_t now = own_memory();
      if (now > before + r.memory) r.memory = now - before;
    }
  assert_int_equal(more, 0);
  trace_reader_close(reader);
  r.rate = (double)r.events / (seconds() - begin);
  return r;
}

static void reading_is_fast_and_small(void** state) {
  (void)state;
  enum { SMALL = 200000, TIMES = 10 };
  char small[512], large[512], packed[512], error[256];
  snprintf(small, sizeof small, "%s", test_path("small.lzt"));
  snprintf(large, sizeof large, "%s", test_path("large.lzt"));
  snprintf(packed, sizeof packed, "%s", test_path("packed.lzt"));
  write_trace(small, SMALL);
  write_trace(large, (uint64_t)SMALL * TIMES);
  assert_int_equal(trace_pack(large, packed, error, sizeof error), 0);
  reading of_small = read_trace(small), of_large = read_trace(large);
  reading of_packed = read_trace(packed);
  assert_true(of_small.events >= SMALL);
  assert_true(of_large.events >= (uint64_t)SMALL * TIMES);
  assert_int_equal(of_packed.events, of_large.events);
  print_message(
      "%.1f million events a second, packed %.1f; memory %llu, %llu and %llu "
      "KiB\n",
      of_large.rate / 1e6,
      of_packed.rate / 1e6,
      (unsigned long long)of_small.memory >> 10,
      (unsigned long long)of_large.memory >> 10,
      (unsigned long long)of_packed.memory >> 10);
  assert_true(of_large.rate > 5e6);
  assert_true(of_packed.rate > 5e6);
  /* Ten times the file: not twice the memory, and a few chunks in all. */
  assert_true(of_large.memory < 2 * of_small.memory + (1 << 20));
  assert_true(of_packed.memory < 8 << 20);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reading_is_fast_and_small)};
  return cmocka_run_group_tests_name("speed", tests, NULL, NULL);
}
