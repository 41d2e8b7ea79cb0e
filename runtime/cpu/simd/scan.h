/* The table of scan kernels, one for each instruction set. They compute in
 * the types of scan_type(); elements lie together. */
#ifndef CPU_SIMD_SCAN_H
#define CPU_SIMD_SCAN_H

#include "cpu/isa.h"
#include "cpu/scan.h"

typedef struct scan_table {
  /* out[i] = carry op x[0] op … op x[i], and carry = out[n-1]; exclusive:
   * without x[i], but carry as before. out may be x. */
  void (*row[SCAN_KINDS][DTYPE_COUNT])(
      const void* x, void* out, int64_t n, void* carry, bool exclusive);
  /* The same backwards: with x[-i] and out[-i]. */
  void (*back[SCAN_KINDS][DTYPE_COUNT])(
      const void* x, void* out, int64_t n, void* carry, bool exclusive);
} scan_table;

ISA_DECLARE(scan_table, scan_kernels)

/* n steps of `lines` lines that lie side by side; out may be x. Steps count
 * elements and may be negative. */
typedef struct scan_lines {
  const void* x;
  void* out;
  int64_t x_step, out_step;
  int64_t n, lines;
  bool exclusive; /* out takes carry before a step changes it */
  void* carry;    /* of each line */
} scan_lines;

/* count rows, each on its own: element i of row k is at k·x_row + i·step. */
typedef struct scan_shorts {
  const void* x;
  void* out;
  int64_t x_row, out_row, step;
  int64_t n, count;
  bool exclusive;
  const void* neutral; /* what exclusive ones begin with */
} scan_shorts;

typedef struct scan_beside_table {
  /* out[i] = before[i] op x[i]; out may be either */
  void (*line[SCAN_KINDS][DTYPE_COUNT])(
      const void* before, const void* x, void* out, int64_t n);
  /* For a few lines: the carries stay in registers. */
  void (*down[SCAN_KINDS][DTYPE_COUNT])(const scan_lines* lines);
} scan_beside_table;

ISA_DECLARE(scan_beside_table, scan_beside_kernels)

typedef struct scan_short_table {
  /* step is 1 or -1; out may be x */
  void (*rows[SCAN_KINDS][DTYPE_COUNT])(const scan_shorts* rows);
  /* Elements of a row that lies with others, by their bytes, up to which that
   * is quick. */
  int16_t most[9];
} scan_short_table;

ISA_DECLARE(scan_short_table, scan_short_kernels)

/* What a scan computes in. */
static inline lz_dtype scan_type(scan_kind kind, lz_dtype in) {
  if (in == DTYPE_FLOAT16 || in == DTYPE_BFLOAT16) return DTYPE_FLOAT32;
  return scan_dtype(kind, in);
}

#endif
