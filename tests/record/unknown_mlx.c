/* A library that says it is MLX, of a version nobody has seen: some functions
 * are missing, and its arrays hold nothing that can be recognised. A recorder
 * must say so, record what is certain, and crash never. With UNKNOWN_MLX_FULL
 * all that is looked for is there, and all of it lies. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lazuli/api.h"

LAZULI_API const char* unknown_version(void) __asm__("_ZN3mlx4core7versionEv");
const char* unknown_version(void) {
  return "99.1";
}

static int evals;
LAZULI_API int unknown_evals(void);
int unknown_evals(void) {
  return evals;
}

LAZULI_API void unknown_eval(void* outputs) __asm__(
    "_ZN3mlx4core4evalESt6vectorINS0_5arrayESaIS2_EE");
void unknown_eval(void* outputs) {
  (void)outputs;
  evals++;
}

#ifdef UNKNOWN_MLX_FULL

typedef struct unknown_array {
  void* desc;
  void* counts;
} unknown_array;

/* Zeros, ones and pointers into itself: nothing tells one from the other. */
static void unknown_fill(unknown_array* a, int kind) {
  uint64_t* desc = calloc(64, sizeof *desc);
  for (int i = 0; desc && i < 64; i++)
    desc[i] = i % 3 == 0 ? (uintptr_t)desc : (uint64_t)(i * kind) % 3;
  a->desc = desc;
  a->counts = NULL;
}

LAZULI_API void unknown_floats(
    unknown_array* a,
    const float* f,
    size_t n) __asm__("_ZN3mlx4core5arrayC1ESt16initializer_listIfE");
void unknown_floats(unknown_array* a, const float* f, size_t n) {
  (void)f, (void)n;
  unknown_fill(a, 1);
}

LAZULI_API void unknown_ints(unknown_array* a, const int* f, size_t n) __asm__(
    "_ZN3mlx4core5arrayC1ESt16initializer_listIiENS0_5DtypeE");
void unknown_ints(unknown_array* a, const int* f, size_t n) {
  (void)f, (void)n;
  unknown_fill(a, 2);
}

LAZULI_API unknown_array* unknown_add(
    unknown_array* r,
    const unknown_array* a,
    const unknown_array* b) __asm__("_ZN3mlx4coreplERKNS0_5arrayES3_");
unknown_array* unknown_add(
    unknown_array* r, const unknown_array* a, const unknown_array* b) {
  (void)a, (void)b;
  unknown_fill(r, 1);
  return r;
}

LAZULI_API void unknown_array_end(unknown_array* a) __asm__(
    "_ZN3mlx4core5arrayD1Ev");
void unknown_array_end(unknown_array* a) {
  free(a->desc);
}

/* An allocator whose table holds one function, that nobody calls. */
static void* unknown_nothing(void* self) {
  return self;
}
static const void* const unknown_table[] = {
    NULL, NULL, (const void*)unknown_nothing, NULL};
static const void* const* unknown_object = unknown_table + 2;
LAZULI_API void* unknown_allocator(void) __asm__(
    "_ZN3mlx4core9allocator9allocatorEv");
void* unknown_allocator(void) {
  return &unknown_object;
}

LAZULI_API size_t
unknown_active(void) __asm__("_ZN3mlx4core17get_active_memoryEv");
size_t unknown_active(void) {
  return 42;
}

#define UNKNOWN(name, mangled)                 \
  LAZULI_API void name(void) __asm__(mangled); \
  void name(void) {}
UNKNOWN(
    unknown_node,
    "_ZN3mlx4core5arrayC1ENS0_11SmallVectorIiLm10ESaIiEEENS0_5DtypeESt10shared_"
    "ptrINS0_9PrimitiveEESt6vectorIS1_SaIS1_EE")
UNKNOWN(unknown_desc_end, "_ZN3mlx4core5array9ArrayDescD1Ev")
UNKNOWN(unknown_detach, "_ZN3mlx4core5array6detachEv")
UNKNOWN(
    unknown_set_data,
    "_ZN3mlx4core5array8set_dataENS0_9allocator6BufferESt8functionIFvS3_EE")
UNKNOWN(unknown_share, "_ZN3mlx4core5array18copy_shared_bufferERKS1_")

#endif
