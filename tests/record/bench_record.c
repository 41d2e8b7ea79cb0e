/* bench_record: what recording costs a thread, ns an event.
 *
 * The rows run as children, interleaved over several rounds; each child tells
 * of its batches of 1,000 events the median and the best, and the mean of all
 * (processor time: new space in the file, which a batch in eight pays for, is
 * shared among all). The table has the medians over the rounds. The goals, for
 * the median batch, the call that the runtime makes included: 30 ns without a
 * stack, 500 ns with one of 20 frames. With --check it fails where a row takes
 * more than three times its goal: machines are loaded.
 */
#include <ctype.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fake_runtime.h"

#define ROUNDS 5
#define BATCHES 400
#define EVENTS 1000

static double clock_ns(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void kernels(unsigned count) {
  const lazuli_probe* p = fake_probe();
  uint64_t now = (uint64_t)clock_ns(CLOCK_MONOTONIC);
  lazuli_probe_kernel_end e = {
      .kernel = 1, .stream = 1, .begin_ns = now - 1000, .end_ns = now};
  for (unsigned i = 0; i < count; i++)
    if (p && p->kernel_end) p->kernel_end(p->user, &e);
}

static void nodes(unsigned count) {
  for (unsigned i = 0; i < count; i++) fake_node("Add", i + 1, i);
}

static void allocs(unsigned count) {
  const lazuli_probe* p = fake_probe();
  lazuli_probe_alloc e = {.size = 4096, .kernel = 1, .source = 1};
  for (unsigned i = 0; i < count; i++) {
    e.buffer = i;
    e.active = i * 64;
    if (p && p->alloc) p->alloc(p->user, &e);
  }
}

typedef struct cost {
  double median, best, mean;
} cost;

static int by_size(const void* a, const void* b) {
  double x = *(const double*)a, y = *(const double*)b;
  return (x > y) - (x < y);
}

static cost measure(void (*events)(unsigned)) {
  static double batches[BATCHES];
  cost c;
  double used = clock_ns(CLOCK_THREAD_CPUTIME_ID);
  for (int b = 0; b < BATCHES; b++) {
    double begin = clock_ns(CLOCK_MONOTONIC);
    events(EVENTS);
    batches[b] = (clock_ns(CLOCK_MONOTONIC) - begin) / EVENTS;
  }
  c.mean =
      (clock_ns(CLOCK_THREAD_CPUTIME_ID) - used) / ((double)BATCHES * EVENTS);
  qsort(batches, BATCHES, sizeof *batches, by_size);
  c.best = batches[0];
  c.median = batches[BATCHES / 2];
  return c;
}

/* Runs the measurement with `depth` more frames on the stack. */
__attribute__((noinline)) static cost at_depth(
    int depth, void (*events)(unsigned)) {
  volatile char room[48];
  room[depth % 48] = 1;
  cost c = depth ? at_depth(depth - 1, events) : measure(events);
  return room[depth % 48] ? c : (cost){0, 0, 0};
}

static const struct {
  const char* name;
  const char* stacks; /* NULL: not recorded */
  void (*events)(unsigned);
  int depth;
  int goal; /* ns */
} rows[] = {
    {"no recorder, node", NULL, nodes, 0, 10},
    {"preloaded, off, node", "off", nodes, 0, 10},
    {"alloc, no stack", "none", allocs, 0, 30},
    {"kernel-end, no stack", "none", kernels, 0, 30},
    {"node, no stack", "none", nodes, 0, 30},
    {"node, stack of 20 frames", "64", nodes, 14, 500},
    {"node, stack of 40 frames", "64", nodes, 34, 1000},
};
#define ROWS (sizeof rows / sizeof *rows)

static cost run_row(const char* bin, size_t i, const char* directory) {
  const char* stacks = rows[i].stacks;
  char command[3 * PATH_MAX];
  const cost none = {-1, -1, -1};
  cost c = none;
  if (!stacks)
    snprintf(command, sizeof command, "%s/bench_record %zu", bin, i);
  else if (strcmp(stacks, "off") == 0)
    snprintf(
        command,
        sizeof command,
        "LAZULI_TRACE=off LD_PRELOAD=%s/../lib/liblazuli-record.so "
        "%s/bench_record %zu",
        bin,
        bin,
        i);
  else
    snprintf(
        command,
        sizeof command,
        "%s/lazuli record -o %s/t.lzt --stacks=%s -- %s/bench_record %zu",
        bin,
        directory,
        stacks,
        bin,
        i);
  FILE* f = popen(command, "r");
  if (!f || fscanf(f, "%lf %lf %lf", &c.median, &c.best, &c.mean) != 3)
    c = none;
  if (f) pclose(f);
  return c;
}

int main(int argc, char** argv) {
  if (argc > 1 && isdigit((unsigned char)argv[1][0])) {
    size_t i = (size_t)atoi(argv[1]);
    if (i >= ROWS) return 2;
    cost c = at_depth(rows[i].depth, rows[i].events);
    printf("%f %f %f\n", c.median, c.best, c.mean);
    return 0;
  }
  char self[PATH_MAX], directory[] = "/tmp/lazuli-bench-XXXXXX";
  double median[ROWS][ROUNDS], best[ROWS][ROUNDS], mean[ROWS][ROUNDS];
  ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
  if (n < 0 || !mkdtemp(directory)) return 1;
  self[n] = '\0';
  *strrchr(self, '/') = '\0';
  for (int r = 0; r < ROUNDS; r++)
    for (size_t i = 0; i < ROWS; i++) {
      cost c = run_row(self, i, directory);
      median[i][r] = c.median;
      best[i][r] = c.best;
      mean[i][r] = c.mean;
    }
  char trace[64];
  snprintf(trace, sizeof trace, "%s/t.lzt", directory);
  unlink(trace);
  rmdir(directory);
  const bool check = argc > 1 && strcmp(argv[1], "--check") == 0;
  int slow = 0;
  printf("%-28s %10s %10s %10s\n", "recorder, per event", "ns", "best", "mean");
  for (size_t i = 0; i < ROWS; i++) {
    qsort(median[i], ROUNDS, sizeof(double), by_size);
    qsort(best[i], ROUNDS, sizeof(double), by_size);
    qsort(mean[i], ROUNDS, sizeof(double), by_size);
    printf(
        "%-28s %10.1f %10.1f %10.1f\n",
        rows[i].name,
        median[i][ROUNDS / 2],
        best[i][ROUNDS / 2],
        mean[i][ROUNDS / 2]);
    slow +=
        median[i][ROUNDS / 2] < 0 || median[i][ROUNDS / 2] > 3 * rows[i].goal;
  }
  return check && slow;
}
