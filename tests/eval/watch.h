/* A watcher that counts what the runtime reports. */
#ifndef TESTS_EVAL_WATCH_H
#define TESTS_EVAL_WATCH_H

#include "lazuli/probe.h"

typedef struct watch_counts {
  int nodes, evals, planned, kernels, ended, refusals, donated, absorbed, waits;
  int merged, folded, simplified, dropped, recomputed;
  uint64_t read;       /* bytes, by all kernels */
  uint64_t written;    /* bytes, by all kernels */
  uint64_t saved;      /* bytes that fusion kept out of memory */
  int last_refusal;    /* enum lazuli_refusal */
  uint32_t last_nodes; /* of the last eval */
  char last_kernel[128];
} watch_counts;

extern watch_counts watched;

/* Starts counting from zero; counts are exact while one thread evaluates. */
void watch_start(void);
void watch_stop(void);

#endif
