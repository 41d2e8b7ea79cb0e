/* A library that is loaded, records, and is unloaded. */
#include "fake_runtime.h"

LAZULI_API void late_record(uint64_t id);

__attribute__((noinline)) void late_record(uint64_t id) {
  fake_node("Late", id, 0);
  __asm__ volatile("");
}
