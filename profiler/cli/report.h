/* The parts of `lazuli report`, in files of their own. */
#ifndef REPORT_H
#define REPORT_H

#include "model.h"
#include "rules.h"
#include "summary.h"
#include "term.h"

typedef struct report {
  term term;
  const char* path;
  const model* m;
  const summary* s;
  const findings* found;
  uint32_t top; /* rows of a table */
  bool each_eval;
  bool shapes; /* kernels by the shape of their result, too */
  bool blame;
} report;

/* Each prints its section, or nothing where the trace has nothing of it. */
void report_header(const report* r);
void report_findings(const report* r);
void report_evals(const report* r);
void report_kernels(const report* r);
void report_streams(const report* r);
void report_memory(const report* r);
void report_fusion(const report* r);
void report_waits(const report* r);
void report_compiles(const report* r);
void report_blame(const report* r);
void report_recording(const report* r);

/* "… and 12 more" under a cut table. */
void report_rest(const report* r, uint32_t shown, uint32_t all);

/* A place, by its file's name; room for any. */
#define REPORT_PLACE 300
#define REPORT_SHAPE 160
char* report_place(char out[REPORT_PLACE], const report* r, summary_place p);

#endif
