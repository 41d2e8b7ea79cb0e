/* The names of operations: what a primitive calls itself, or its class. */
#include <string.h>

#include "real.h"

#define NAMES 1024u /* a power of two; classes of primitives */

/* By table of virtual functions. Names are kept for good. */
static struct {
  _Atomic(const void*) table;
  char name[56];
} names[NAMES];

/* The last part of "N3mlx4core4fast7RMSNormE": "RMSNorm". */
static void name_of_class(const char* mangled, char* out, size_t size) {
  const char* last = mangled;
  size_t length = strlen(mangled);
  const char* at = mangled;
  if (*at == 'N') at++;
  while (*at >= '0' && *at <= '9') {
    size_t n = 0;
    while (*at >= '0' && *at <= '9') n = n * 10 + (size_t)(*at++ - '0');
    if (n > strlen(at)) break;
    last = at;
    length = n;
    at += n;
  }
  if (length >= size) length = size - 1;
  memcpy(out, last, length);
  out[length] = '\0';
}

static const char* name_by_class(const void* primitive) {
  const char* table = *(const char* const*)primitive;
  uint64_t hash = ((uintptr_t)table >> 3) * UINT64_C(0x9e3779b97f4a7c15);
  for (uint32_t i = (uint32_t)(hash >> 40), tries = 0; tries < NAMES;
       i++, tries++) {
    const void* none = NULL;
    const void* key = atomic_load(&names[i % NAMES].table);
    char name[56];
    if (key == table) return names[i % NAMES].name;
    if (key) continue;
    const char* info = ((const char* const*)(const void*)table)[-1];
    if (!info) return "Primitive";
    name_of_class(
        ((const char* const*)(const void*)info)[1], name, sizeof name);
    /* Who loses the race writes nothing; who wins writes what all would. */
    static atomic_flag lock = ATOMIC_FLAG_INIT;
    while (atomic_flag_test_and_set(&lock)) {
    }
    if (!atomic_load(&names[i % NAMES].table)) {
      memcpy(names[i % NAMES].name, name, sizeof name);
      atomic_compare_exchange_strong(&names[i % NAMES].table, &none, table);
    }
    atomic_flag_clear(&lock);
    i--;
  }
  return "Primitive";
}

const char* real_name(const void* primitive) {
  real_entry entry;
  if (!primitive) return "Array";
  const char* class = name_by_class(primitive);
  if (strcmp(class, "Compiled") == 0 &&
      real_map_find(&real_fusions, primitive, &entry))
    return ((const real_fusion*)(uintptr_t)entry.id)->name;
  if (real_at.name_slot == REAL_NOWHERE || strcmp(class, "Compiled") == 0)
    return class;
  real_function call;
  memcpy(
      &call,
      *(const char* const*)primitive + real_at.name_slot * sizeof(void*),
      sizeof call);
  const char* said = (const char*)(uintptr_t)call(
      (real_word)(uintptr_t)primitive, 0, 0, 0, 0, 0);
  return said ? said : class;
}
