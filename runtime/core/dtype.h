/* Element types: sizes, names, kinds and promotion. */
#ifndef CORE_DTYPE_H
#define CORE_DTYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Not C's _Complex: vectorised code wants the parts by name. Same layout. */
typedef struct lz_complex {
  float re, im;
} lz_complex;

typedef enum lz_dtype {
#define DTYPE(id, name, bytes, kind, suffix, type) DTYPE_##id,
#include "core/dtype.def"
#undef DTYPE
  DTYPE_COUNT
} lz_dtype;

typedef enum lz_dtype_kind {
  DTYPE_KIND_BOOL,
  DTYPE_KIND_UNSIGNED,
  DTYPE_KIND_SIGNED,
  DTYPE_KIND_FLOAT,
  DTYPE_KIND_COMPLEX
} lz_dtype_kind;

extern const uint8_t dtype_sizes[DTYPE_COUNT];
extern const uint8_t dtype_kinds[DTYPE_COUNT];

static inline size_t dtype_size(lz_dtype d) {
  return dtype_sizes[d];
}
static inline lz_dtype_kind dtype_kind(lz_dtype d) {
  return (lz_dtype_kind)dtype_kinds[d];
}
static inline bool dtype_is_float(lz_dtype d) {
  return dtype_kind(d) == DTYPE_KIND_FLOAT;
}
static inline bool dtype_is_inexact(lz_dtype d) {
  return dtype_kind(d) >= DTYPE_KIND_FLOAT;
}
static inline bool dtype_is_integer(lz_dtype d) {
  return dtype_kind(d) == DTYPE_KIND_UNSIGNED ||
         dtype_kind(d) == DTYPE_KIND_SIGNED;
}

/* "float32". */
const char* dtype_name(lz_dtype d);

/* The type two operands meet in; the table is the one MLX 0.31.2 shows. */
lz_dtype dtype_promote(lz_dtype a, lz_dtype b);

/* The type of functions that leave the integers (exp, mean, divide): inexact
 * types stay, all others become float32. */
lz_dtype dtype_inexact(lz_dtype d);

/* Halves to float and back, round to nearest even. For kernels in bulk see
 * cpu/; these serve single values. */
float dtype_f16_to_f32(uint16_t h);
uint16_t dtype_f32_to_f16(float f);
float dtype_bf16_to_f32(uint16_t h);
uint16_t dtype_f32_to_bf16(float f);

/* Reads one element as double (real part of a complex), writes one. Values
 * out of range wrap or saturate as a C conversion does on this machine. */
double dtype_load(lz_dtype d, const void* p);
void dtype_store(lz_dtype d, void* p, double value);

#endif
