/* Which clock trace_now() reads: TRACE_CLOCK_… of trace_format.h. */
#ifndef TRACE_CLOCK_H
#define TRACE_CLOCK_H

#include "trace_format.h"

/* Finds out on first use; safe in a signal handler. */
uint32_t trace_clock_kind(void);

/* In a child: frees the line from a thread that did not come along. */
void trace_clock_after_fork(void);

#endif
