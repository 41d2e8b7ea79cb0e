/* What tracing costs and how fast a trace is read. Not a test: prints figures.
 *
 *   bench_trace [--events N] [--threads N] [FOLDER]
 *
 * Times are the medians of rounds that take turns, so that what else the
 * machine does falls on all alike. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "trace.h"

enum { ROUNDS = 41 };
static long batch = 20000;
static trace_writer* writer;
static uint32_t op;
static uint64_t id = 1;

static uint64_t bench_clock(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void bench_now(void) {
  volatile uint64_t sum = 0;
  for (long i = 0; i < batch; i++) sum += trace_now();
}

static void bench_put_node(uint64_t time, uint32_t stack) {
  uint64_t inputs[2] = {id > 2 ? id - 2 : 0, id - 1};
  int32_t shape[2] = {128, 784};
  trace_array output = {10, 2, shape};
  trace_put_node(
      writer,
      time,
      &(trace_node){
          .id = id,
          .op = op,
          .stream = 0,
          .stack = stack,
          .inputs = {inputs, 2},
          .outputs = {&output, 1}});
  id++;
}

static void bench_node(void) {
  for (long i = 0; i < batch; i++) bench_put_node(0, 7);
}

/* Times as they come: never twice the same distance. */
static uint64_t bench_later(uint64_t time, uint64_t about) {
  static uint32_t noise = 1;
  noise = noise * 1664525u + 1013904223u;
  return time + about / 2 + (noise >> 8) % about;
}

static void bench_node_timed(void) {
  uint64_t time = trace_now();
  for (long i = 0; i < batch; i++)
    bench_put_node(time = bench_later(time, 400), 7);
}

static void bench_kernel(bool begin) {
  uint64_t time = trace_now();
  for (long i = 0; i < batch; i++) {
    time = bench_later(time, 2000);
    if (begin) {
      trace_put_kernel_begin(
          writer,
          time,
          &(trace_kernel_begin){
              .kernel = id++, .eval = id / 16, .stream = 0, .name = op});
    } else {
      trace_put_kernel_end(
          writer,
          time,
          &(trace_kernel_end){
              .kernel = id++,
              .stream = 0,
              .begin_ns = time - bench_later(0, 1000) - 1500,
              .end_ns = time - bench_later(0, 100),
              .bytes_read = 4 * 128 * 784 * (id % 4 + 1),
              .bytes_written = 4 * 128 * 784,
              .flops = 128 * 784 * (id % 4 + 1)});
    }
  }
}
static void bench_kernel_begin(void) {
  bench_kernel(true);
}
static void bench_kernel_end(void) {
  bench_kernel(false);
}

static void bench_alloc(void) {
  uint64_t time = trace_now(), active = 0;
  for (long i = 0; i < batch; i++) {
    uint64_t size = 4096 * (1 + (id * 2654435761u >> 24) % 50);
    active = (active + size) % (64 << 20);
    trace_put_alloc(
        writer,
        time += 700,
        &(trace_alloc){
            .buffer = id++,
            .size = size,
            .kernel = id / 2,
            .source = 1,
            .active = active,
            .cache = (64 << 20) - active});
  }
}

/* 20 frames, 50 places: what interning costs, the walking of stacks aside. */
static void bench_node_stack(void) {
  uint64_t frames[20], time = trace_now();
  for (int i = 0; i < 20; i++) frames[i] = 0x7f1200000000 + (uint64_t)i * 9770;
  for (long i = 0; i < batch; i++) {
    frames[0] = 0x7f1200000000 + (uint64_t)i % 50;
    op = trace_writer_string(writer, "Multiply", 8);
    time = bench_later(time, 400);
    bench_put_node(time, trace_writer_stack(writer, frames, 20));
  }
}

static const struct {
  const char* name;
  void (*run)(void);
  unsigned events;
} benches[] = {
    {"trace_now alone", bench_now, 0},
    {"node, time taken by the writer", bench_node, 1},
    {"node, time given", bench_node_timed, 1},
    {"kernel-begin, time given", bench_kernel_begin, 1},
    {"kernel-end, time given", bench_kernel_end, 1},
    {"alloc, time given", bench_alloc, 1},
    {"node, 20 frames and a name interned", bench_node_stack, 1},
};
enum { BENCHES = sizeof benches / sizeof *benches };

static int bench_compare(const void* a, const void* b) {
  double x = *(const double*)a, y = *(const double*)b;
  return (x > y) - (x < y);
}

static uint64_t bench_file_bytes(const char* path) {
  struct stat st;
  return stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
}

static void* bench_thread(void* events) {
  uint64_t inputs[1] = {1}, time = trace_now();
  for (long i = 0; i < *(long*)events; i++)
    trace_put_eval_begin(
        writer, time += 300, &(trace_eval_begin){1, 2, 0, 3, {inputs, 1}});
  return NULL;
}

static void bench_threads(const char* path, long threads, long events) {
  writer = trace_writer_open(path, NULL);
  if (!writer) return perror(path);
  pthread_t ids[64];
  if (threads > 64) threads = 64;
  uint64_t begin = bench_clock();
  for (long i = 0; i < threads; i++)
    pthread_create(&ids[i], NULL, bench_thread, &events);
  for (long i = 0; i < threads; i++) pthread_join(ids[i], NULL);
  uint64_t ns = bench_clock() - begin;
  printf(
      "%ld threads: %.1f million events a second together, %llu lost\n",
      threads,
      (double)(threads * events) * 1e3 / (double)ns,
      (unsigned long long)trace_writer_lost(writer));
  trace_writer_close(writer);
}

static uint64_t bench_read(const char* path, const char* what) {
  double rates[5];
  uint64_t events = 0;
  for (int i = 0; i < 5; i++) {
    char error[256];
    uint64_t begin = bench_clock();
    trace_reader* r = trace_reader_open(path, error, sizeof error);
    if (!r) return (void)puts(error), 0;
    trace_event event;
    for (events = 0; trace_reader_next(r, &event) == 1;) events++;
    trace_reader_close(r);
    rates[i] = (double)events * 1e3 / (double)(bench_clock() - begin);
  }
  qsort(rates, 5, sizeof *rates, bench_compare);
  printf(
      "read, %s: %.1f million events a second; %.1f bytes an event\n",
      what,
      rates[2],
      (double)bench_file_bytes(path) / (double)events);
  return events;
}

int main(int argc, char** argv) {
  const char* folder = "/tmp";
  long threads = 8;
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "--events") == 0 && i + 1 < argc)
      batch = atol(argv[++i]) / ROUNDS + 1;
    else if (strcmp(argv[i], "--threads") == 0 && i + 1 < argc)
      threads = atol(argv[++i]);
    else if (strncmp(argv[i], "--", 2) != 0) /* not ours: of `./dev bench` */
      folder = argv[i];
  }
  char raw[512], packed[512], error[512];
  snprintf(raw, sizeof raw, "%s/bench.lzt", folder);
  snprintf(packed, sizeof packed, "%s/bench.packed.lzt", folder);
  writer = trace_writer_open(raw, NULL);
  if (!writer) return perror(raw), 1;
  op = trace_writer_string(writer, "Multiply", 8);
  static double ns[BENCHES][ROUNDS];
  for (int round = 0; round < ROUNDS; round++)
    for (int b = 0; b < BENCHES; b++) {
      uint64_t begin = bench_clock();
      benches[b].run();
      ns[b][round] = (double)(bench_clock() - begin) / (double)batch;
    }
  for (int b = 0; b < BENCHES; b++) {
    qsort(ns[b], ROUNDS, sizeof ns[b][0], bench_compare);
    printf(
        "%-36s %6.1f ns (best %.1f)\n",
        benches[b].name,
        ns[b][ROUNDS / 2],
        ns[b][0]);
  }
  printf("lost: %llu\n", (unsigned long long)trace_writer_lost(writer));
  trace_writer_close(writer);
  bench_read(raw, "raw");
  if (trace_pack(raw, packed, error, sizeof error) == 0)
    bench_read(packed, "packed");
  else
    puts(error);
  remove(raw);
  remove(packed);
  bench_threads(raw, threads, batch * 5);
  remove(raw);
  return 0;
}
