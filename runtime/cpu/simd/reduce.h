/* The table of reduction kernels, one for each instruction set. */
#ifndef CPU_SIMD_REDUCE_H
#define CPU_SIMD_REDUCE_H

#include "cpu/isa.h"
#include "cpu/reduce.h"

/* Folds a block of `rows` runs of `cols` neighbouring elements, `stride`
 * elements apart, into accumulators of reduce_acc_dtype(). */
typedef void (*reduce_fold)(
    const void* x, int64_t stride, int64_t rows, int64_t cols, void* acc);

/* Least or greatest of n neighbours: when it beats *best (a value of the
 * type, halves as float), *best and *at (its position plus `base`) are
 * replaced. */
typedef void (*reduce_seek)(
    const void* x, int64_t n, int64_t base, void* best, int64_t* at);

/* The same for each of `cols` neighbouring columns, best[c] and at[c]; row r of
 * the block, `stride` elements behind the one before, has position base + r. */
typedef void (*reduce_seek_cols)(
    const void* x,
    int64_t stride,
    int64_t rows,
    int64_t cols,
    int64_t base,
    void* best,
    uint32_t* at);

typedef struct reduce_table {
  /* acc[r] takes in row r; acc[c] takes in column c. */
  reduce_fold by_row[REDUCE_KINDS][DTYPE_COUNT];
  reduce_fold by_col[REDUCE_KINDS][DTYPE_COUNT];
  reduce_seek least[DTYPE_COUNT], greatest[DTYPE_COUNT];
  reduce_seek_cols least_cols[DTYPE_COUNT], greatest_cols[DTYPE_COUNT];
} reduce_table;

ISA_DECLARE(reduce_table, reduce_kernels)

static inline lz_dtype reduce_acc_dtype(reduce_kind kind, lz_dtype in) {
  if (kind == REDUCE_AND || kind == REDUCE_OR) return DTYPE_BOOL;
  if (in == DTYPE_FLOAT16 || in == DTYPE_BFLOAT16) return DTYPE_FLOAT32;
  if (kind == REDUCE_MIN || kind == REDUCE_MAX) return in;
  if (in == DTYPE_BOOL || in == DTYPE_INT8 || in == DTYPE_INT16)
    return DTYPE_INT32;
  if (in == DTYPE_UINT8 || in == DTYPE_UINT16) return DTYPE_UINT32;
  return in;
}

#endif
