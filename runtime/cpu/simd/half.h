/* Halves to float and back in bulk, one table for each instruction set. */
#ifndef CPU_SIMD_HALF_H
#define CPU_SIMD_HALF_H

#include "cpu/isa.h"
#include "cpu/view.h"

/* d is DTYPE_FLOAT16 or DTYPE_BFLOAT16; n elements that lie together. */
typedef struct half_table {
  void (*widen)(lz_dtype d, float* dst, const uint16_t* src, int64_t n);
  void (*narrow)(lz_dtype d, uint16_t* dst, const float* src, int64_t n);
  /* x as it would be after narrow and widen */
  void (*round)(lz_dtype d, float* x, int64_t n);
} half_table;

ISA_DECLARE(half_table, half_kernels)

#endif
