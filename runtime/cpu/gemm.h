/* Blocked matrix multiplication with everything about the operands left to
 * the caller: he packs panels (so any stride, any element type, dequantisation
 * or the windows of a convolution cost no extra pass) and he stores finished
 * tiles (so scale, bias and rounding cost none either).
 *
 * A panel holds `width` lanes for each k: panel[k * width + lane]. Complex
 * panels hold the real parts of the lanes, then the imaginary ones:
 * panel[k * 2 * width + lane], …[k * 2 * width + width + lane]. */
#ifndef CPU_GEMM_H
#define CPU_GEMM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/dtype.h"

/* What is multiplied and summed in. GEMM_SPLIT: float16 as exact sums of two of
 * bfloat16, multiplied by the machine's tiles and summed in float, where there
 * are tiles (gemm_has_split) and all is finite. */
typedef enum gemm_kind {
  GEMM_F32,
  GEMM_F64,
  GEMM_C64,
  GEMM_SPLIT,
  GEMM_KINDS
} gemm_kind;

#define GEMM_SPLIT_K 32

/* The kernels of one instruction set. */
typedef struct gemm_table {
  int mr[GEMM_KINDS], nr[GEMM_KINDS];
  /* tile[i * ld + j] (+)= sum over k of a[k][i] * b[k][j], i < mr, j < nr.
   * A complex tile is interleaved, ld in complex elements. */
  void (*kernel[GEMM_KINDS])(
      int64_t kn,
      const void* a,
      const void* b,
      void* tile,
      int64_t ld,
      bool add);
  /* NULL, or what a thread calls before and after it runs kernels. */
  void (*enter[GEMM_KINDS])(void);
  void (*leave[GEMM_KINDS])(void);
  /* Fills a panel from lanes[lane * lane_stride + k * k_stride]; strides in
   * elements. Lanes from `lanes` to `width` become 0. NULL for types that are
   * not multiplied; bool gives 0 and 1, for masks. */
  void (*pack[DTYPE_COUNT])(
      void* panel,
      int width,
      int lanes,
      int64_t kn,
      const void* src,
      int64_t lane_stride,
      int64_t k_stride);
  /* The same for GEMM_SPLIT, whose two panels differ, and of float16 alone; kn
   * is rounded up to GEMM_SPLIT_K. Nonzero: it is not all finite. */
  int (*split_a)(
      void* panel,
      int lanes,
      int64_t kn,
      const void* src,
      int64_t lane_stride,
      int64_t k_stride);
  int (*split_b)(
      void* panel,
      int lanes,
      int64_t kn,
      const void* src,
      int64_t lane_stride,
      int64_t k_stride);
  /* n elements, `stride` apart in memory, from and to float. */
  void (*load[DTYPE_COUNT])(
      float* dst, const void* src, int64_t stride, int64_t n);
  void (*store[DTYPE_COUNT])(
      void* dst, int64_t stride, const float* src, int64_t n);
} gemm_table;

const gemm_table* gemm_kernels(void);
bool gemm_has_split(void);

/* Sums are made of runs of so many k, each in order, added up in order. */
#define GEMM_KC 384

/* How many k are next where `left` are; no last thin run. Runs are of `most`.
 */
static inline int64_t gemm_next(int64_t left, int64_t most) {
  return left <= most ? left : left < 2 * most ? (left + 1) / 2 : most;
}

/* The kind in which matrices of this type are multiplied. */
static inline gemm_kind gemm_kind_of(lz_dtype d) {
  return d == DTYPE_FLOAT64     ? GEMM_F64
         : d == DTYPE_COMPLEX64 ? GEMM_C64
                                : GEMM_F32;
}

static inline size_t gemm_kind_size(gemm_kind k) {
  return k == GEMM_F32 || k == GEMM_SPLIT ? sizeof(float) : 8;
}

typedef struct gemm_problem {
  gemm_kind kind;
  int64_t batch, m, n, k; /* all at least 1 but k, which may be 0 */
  void* ctx;
  /* One panel: rows [i0, i0 + rows) of a, or columns of b, for k in
   * [k0, k0 + kn). rows <= width. Nonzero: this kind cannot hold it, and the
   * tile it is for is made with `plain`. */
  int (*pack_a)(
      void* ctx,
      int64_t batch,
      void* panel,
      int width,
      int64_t i0,
      int rows,
      int64_t k0,
      int64_t kn);
  int (*pack_b)(
      void* ctx,
      int64_t batch,
      void* panel,
      int width,
      int64_t j0,
      int cols,
      int64_t k0,
      int64_t kn);
  /* A finished tile: product[i0 + i][j0 + j] = tile[i * ld + j]. May be
   * written to. */
  void (*store)(
      void* ctx,
      int64_t batch,
      void* tile,
      int64_t ld,
      int64_t i0,
      int64_t rows,
      int64_t j0,
      int64_t cols);
  const struct gemm_problem* plain; /* in another kind; its store is not used */
} gemm_problem;

/* Runs it on the pool's threads, or inline when it is small. Nonzero: out of
 * memory, nothing stored. */
int gemm_run(const gemm_problem* p);

#endif
