/* Index arithmetic in bulk, one table for each instruction set. */
#ifndef CPU_SIMD_INDEX_H
#define CPU_SIMD_INDEX_H

#include "cpu/index.h"
#include "cpu/isa.h"

typedef struct index_table {
  /* index_run of each index type */
  void (*run[DTYPE_COUNT])(
      const void* p,
      int64_t stride,
      int64_t n,
      int64_t extent,
      int64_t room,
      bool clamp,
      int64_t* positions);
} index_table;

ISA_DECLARE(index_table, index_kernels)

#endif
