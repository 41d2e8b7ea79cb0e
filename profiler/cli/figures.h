/* A run in a few figures, and limits on them. */
#ifndef FIGURES_H
#define FIGURES_H

#include "model.h"
#include "rules.h"
#include "summary.h"
#include "text.h"

typedef enum figures_id {
#define FIGURE(name, unit, steady, text) FIGURES_##name,
#include "figures.def"
#undef FIGURE
  FIGURES_COUNT
} figures_id;

typedef enum figures_unit {
  FIGURES_UNIT_COUNT,
  FIGURES_UNIT_BYTES,
  FIGURES_UNIT_NS
} figures_unit;

typedef struct figures_kind {
  const char* name;
  const char* text;
  figures_unit unit;
  bool steady;
} figures_kind;

extern const figures_kind figures_kinds[FIGURES_COUNT];

/* A trace, loaded and looked through. */
typedef struct figures {
  model* m;
  summary* s;
  findings found;
  uint64_t at[FIGURES_COUNT];
} figures;

/* Loads a trace for a command; non-zero after one line of complaint. */
int figures_load(figures* f, const char* command, const char* path);
/* Frees it; the exit status as trace_arg_done() has it. */
int figures_done(figures* f, const char* command);

/* A value in its unit: "37", "1.50 GiB", "12.3 ms". */
char* figures_text(char out[TEXT_SIZE], figures_id id, uint64_t value);

typedef struct figures_limit {
  figures_id id;
  bool equal; /* or at most */
  uint64_t value;
} figures_limit;

/* "peak <= 1.5 GiB", "evals=1"; blanks do not count, a unit may be left out:
 * bytes, ns. False with a message, one line, in `error`. */
bool figures_parse(
    figures_limit* limit, const char* text, char* error, size_t size);
bool figures_hold(const figures* f, figures_limit limit);

#endif
