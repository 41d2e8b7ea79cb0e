/* Python, through the public C API of whatever interpreter is in the process:
 * looked up by name, linked never. */
#ifndef RECORD_PYTHON_H
#define RECORD_PYTHON_H

#include <stdbool.h>
#include <stdint.h>

#include "record.h"

/* Looks for an interpreter. May be called again. */
void record_python_find(void);

/* In the child of a fork: whoever held a lock is not there. */
void record_python_forked(void);

/* True when there is one and this address is its own code. */
bool record_python_owns(uint64_t address);

/* True where this thread has the GIL. */
bool record_python_runs(void);

/* The Python frames of this thread as `location` frames, innermost first; how
 * many. Takes the GIL where this thread has given it up. */
uint32_t record_python_stack(record_thread* t, uint64_t* frames, uint32_t room);

/* Why an array is read at the innermost frame's current expression, by its
 * source text; `otherwise` where that says nothing. */
uint8_t record_python_trigger(uint8_t otherwise);

#endif
