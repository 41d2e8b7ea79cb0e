#include "cpu/isa.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static const char* const names[] = {"generic", "avx2", "avx512"};

const char* isa_name(enum isa_level level) {
  return names[level];
}

static enum isa_level isa_detect(void) {
  enum isa_level level = ISA_GENERIC;
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
      __builtin_cpu_supports("f16c") && __builtin_cpu_supports("bmi2"))
    level = ISA_AVX2;
  if (level == ISA_AVX2 && __builtin_cpu_supports("avx512f") &&
      __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
    level = ISA_AVX512;
#endif
  const char* set = getenv("LAZULI_ISA");
  for (int i = 0; set && i < (int)level; i++)
    if (strcmp(set, names[i]) == 0) return (enum isa_level)i;
  return level;
}

enum isa_level isa_get(void) {
  static _Atomic int known = -1;
  int level = atomic_load_explicit(&known, memory_order_relaxed);
  if (level < 0) {
    level = (int)isa_detect();
    atomic_store_explicit(&known, level, memory_order_relaxed);
  }
  return (enum isa_level)level;
}
