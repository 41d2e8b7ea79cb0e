/* What was chosen about a recording, read from text. Used by the preloaded
 * library and, to refuse nonsense before the program runs, by `lazuli record`.
 * Nothing here allocates. */
#ifndef RECORD_OPTIONS_H
#define RECORD_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECORD_STACKS_DEFAULT 32u
#define RECORD_STACKS_MAX 256u
#define RECORD_KINDS 128u /* event numbers that can be chosen */

enum record_option {
#define OPTION(id, flag, variable, argument, text) RECORD_OPTION_##id,
#include "options.def"
#undef OPTION
  RECORD_OPTION_COUNT
};

/* When a recording begins or ends. */
enum record_when_kind {
  RECORD_WHEN_NEVER, /* from the beginning, to the end */
  RECORD_WHEN_MARK,
  RECORD_WHEN_SIGNAL,
  RECORD_WHEN_TIME
};

typedef struct record_when {
  uint8_t kind; /* enum record_when_kind */
  int signal;
  uint64_t ns; /* since the recorder met the first runtime */
  const char* mark;
} record_when;

typedef struct record_options {
  const char* output; /* NULL: the default name */
  bool off;
  uint32_t stacks; /* frames; 0: none */
  uint64_t ring;
  record_when start;
  record_when stop;
  bool wanted[RECORD_KINDS]; /* by event number */
} record_options;

/* Everything on, at the defaults. */
void record_options_init(record_options* o);

/* Sets one option; `text` must outlive `o`. Returns 0, or 1 with one line that
 * names the value and what would be right, and `o` unchanged. */
int record_options_set(
    record_options* o,
    enum record_option option,
    const char* text,
    char* error,
    size_t error_size);

#endif
