/* What the tests of fusion make graphs of. */
#ifndef TESTS_EVAL_MAKE_H
#define TESTS_EVAL_MAKE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/error.h"
#include "core/scope.h"
#include "eval/eval.h"
#include "ops/create.h"
#include "stream/stream.h"

#define S stream_default(DEVICE_CPU)

static uint32_t seed = 1;
static inline float noise(void) {
  seed = seed * 1664525u + 1013904223u;
  return (float)(seed >> 8) / 8388608.0f - 1.0f;
}
static inline int below(int n) {
  seed = seed * 1664525u + 1013904223u;
  return (int)((seed >> 10) % (uint32_t)n);
}

static inline lz_array* numbers(int ndim, const int32_t* shape) {
  size_t n = 1;
  for (int i = 0; i < ndim; i++) n *= (size_t)shape[i];
  float* v = malloc((n + 1) * sizeof *v);
  for (size_t i = 0; i < n; i++) v[i] = noise();
  lz_array* a = array_new_data(DTYPE_FLOAT32, ndim, shape, v);
  free(v);
  return scope_own(a);
}
#define NUMBERS(...) \
  numbers(sizeof((int32_t[]){__VA_ARGS__}) / 4, (const int32_t[]){__VA_ARGS__})
static inline lz_array* scalar(float v) {
  return op_scalar(DTYPE_FLOAT32, v);
}
static inline void evaluate(lz_array* a) {
  if (!a || eval_array(a, LAZULI_TRIGGER_EVAL)) fail_msg("%s", error_message());
}

#endif
