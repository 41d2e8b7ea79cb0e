/* What the two sides of a comparison share, in C and C++: a program that reads
 * the names of cases from its standard input, a line each, and answers each
 * with the seconds that it took. The first time that a case is asked for it is
 * run once more, before. `run.py` asks the two sides by turns. */
#ifndef TESTS_BENCH_WORKER_H
#define TESTS_BENCH_WORKER_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Sizes that both sides must agree on. */
enum {
  SIDE = 4096,
  MIDDLE = 256, /* cubed: as many */
  ELEMENTS = SIDE * SIDE,
  MATMUL = 1024,
  BATCH = 96,
  PIXELS = 64,
  CLASSES = 10,
  CHAIN = 1000,
  LONG_CHAIN = 100000,
  SINGLES = 1000
};

typedef struct worker_case {
  const char* name;
  /* With a function: it is run again and again until enough time went by, and
   * the answer is the mean. */
  void (*run)(void);
  /* Or it times itself, and returns seconds. */
  double (*timed)(void);
} worker_case;

/* With BENCH_CLOCK set the time of all threads of the process, which others on
 * the machine disturb less. */
static inline double worker_now(void) {
  static int cpu = -1;
  struct timespec t;
  if (cpu < 0) cpu = getenv("BENCH_CLOCK") && 1;
  clock_gettime(cpu ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static inline double worker_measure(const worker_case* c) {
  const double enough = 0.02;
  if (c->timed) return c->timed();
  double begin = worker_now(), passed;
  int runs = 0, batch = 1; /* which grows, or the clock is what is timed */
  do {
    for (int i = 0; i < batch; i++) c->run();
    runs += batch;
    passed = worker_now() - begin;
    if (passed < enough / 16) batch *= 2;
  } while (passed < enough);
  return passed / runs;
}

/* Serves until its input ends. */
static inline int worker_serve(const worker_case* cases, size_t count) {
  char line[128];
  static char known[256];
  while (fgets(line, sizeof line, stdin)) {
    line[strcspn(line, "\n")] = 0;
    size_t i = 0;
    while (i < count && strcmp(cases[i].name, line)) i++;
    if (i == count) {
      puts("none");
    } else {
      if (!known[i]) worker_measure(&cases[i]);
      known[i] = 1;
      printf("%.9g\n", worker_measure(&cases[i]));
    }
    fflush(stdout);
  }
  return 0;
}

#endif
