/* The table of scan kernels, one for each instruction set. They compute in
 * the types of scan_type(); elements lie together. */
#ifndef CPU_SIMD_SCAN_H
#define CPU_SIMD_SCAN_H

#include "cpu/isa.h"
#include "cpu/scan.h"

typedef struct scan_table {
  /* out[i] = carry op x[0] op … op x[i], and carry = out[n-1]; out may be x. */
  void (*row[SCAN_KINDS][DTYPE_COUNT])(
      const void* x, void* out, int64_t n, void* carry);
  /* out[i] = before[i] op x[i]; out may be either */
  void (*line[SCAN_KINDS][DTYPE_COUNT])(
      const void* before, const void* x, void* out, int64_t n);
  /* n elements of 1, 2, 4 or 8 bytes, the last one first */
  void (*reverse[4])(const void* x, void* out, int64_t n);
} scan_table;

ISA_DECLARE(scan_table, scan_kernels)

/* What a scan computes in. */
static inline lz_dtype scan_type(scan_kind kind, lz_dtype in) {
  if (in == DTYPE_FLOAT16 || in == DTYPE_BFLOAT16) return DTYPE_FLOAT32;
  return scan_dtype(kind, in);
}

#endif
