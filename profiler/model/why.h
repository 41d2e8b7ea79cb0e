/* Why a buffer was still alive at an instant. */
#ifndef WHY_H
#define WHY_H

#include "model.h"

typedef enum why_kind {
  WHY_UNKNOWN, /* the trace does not tell */
  WHY_WRITTEN, /* its kernel was about to write it, or did */
  WHY_READ,    /* a kernel was reading it */
  WHY_NEEDED,  /* a later kernel was to read it */
  WHY_HELD,    /* the program held a handle on it */
  WHY_VIEW     /* the program held a handle on a view of it */
} why_kind;

typedef struct why {
  why_kind kind;
  uint32_t node; /* that reads it, or the view; MODEL_NONE */
  bool held;     /* in any case: the program held a handle */
} why;

/* Of the buffer that `array` has, at `time_ns`. */
why why_alive(const model* m, uint32_t array, uint64_t time_ns);

/* Of all bytes alive at `time_ns`, those of buffers that no kernel was to write
 * or read any more: only handles of the program kept them. */
uint64_t why_held_bytes(const model* m, uint64_t time_ns);

/* One phrase: "needed by Matmul (train.c:31); held". Returns `out`. */
char* why_text(char* out, size_t size, const model* m, why w);

#endif
