/* A runtime that computes nothing and calls every callback of the probe: what
 * the recorder's tests hold its traces against. */
#ifndef FAKE_RUNTIME_H
#define FAKE_RUNTIME_H

#include "lazuli/probe.h"

/* NULL when nobody watches. */
LAZULI_API const lazuli_probe* fake_probe(void);

/* One event each; slots that are NULL are passed over. Ids are the caller's. */
LAZULI_API void fake_node(const char* op, uint64_t id, uint64_t input);
LAZULI_API void fake_eval(uint64_t eval, uint8_t trigger);
LAZULI_API void fake_mark(const char* name);

/* Every callback once, each field with a value of its own. */
LAZULI_API void fake_all(void);

#endif
