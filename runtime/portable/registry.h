/* The operations by the names that they have in files. */
#ifndef PORTABLE_REGISTRY_H
#define PORTABLE_REGISTRY_H

#include "core/op.h"

typedef struct registry_entry {
  const char* name; /* unique, never reused */
  const lz_op* op;
  uint32_t revision;   /* of its parameters' layout: see registry.def */
  const char* refused; /* why it cannot be written; NULL: it can */
} registry_entry;

/* NULL where there is none. */
const registry_entry* registry_of(const lz_op* op);
const registry_entry* registry_named(const char* name, size_t length);

/* All, for tests. NULL ends. */
const registry_entry* registry_at(size_t i);

#endif
