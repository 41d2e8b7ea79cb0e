/* Products with a quantised matrix. */
#ifndef CPU_QMM_H
#define CPU_QMM_H

#include <stdbool.h>

#include "cpu/quantize.h"
#include "cpu/view.h"

/* out (…, M, N) = x (…, M, K) times w, dequantised: w (…, N, K packed) with
 * `transpose`, (…, K, N packed) without. x and out are of one type, float16,
 * bfloat16 or float32; scales and biases as quantize_run leaves them (of any
 * of these types when affine). Any strides. Leading axes broadcast as for
 * matmul_run; x and out may lack M.
 *
 * With lhs and rhs (uint32, both or none, of the shape of out's leading axes),
 * product i takes matrix lhs[i] of x and rhs[i] of w, counted row-major over
 * their leading axes. Sums are float. Runs on the pool. Nonzero: out of
 * memory. */
int qmm_run(
    const quantize_format* f,
    bool transpose,
    const lz_view* x,
    const lz_view* w,
    const lz_view* scales,
    const lz_view* biases,
    const lz_view* out,
    const lz_view* lhs,
    const lz_view* rhs);

/* A quantised matrix in memory; rows of codes lie packed. */
typedef struct qmm_matrix {
  quantize_format format;
  const uint8_t* codes;
  const char *scales, *biases;
  int64_t code_row, scale_row, bias_row; /* bytes */
  lz_dtype scale_type, bias_type;
} qmm_matrix;

/* x, arranged for dot. */
typedef struct qmm_vector {
  const float *x, *sums; /* and its sum over each group */
} qmm_vector;

/* Scales and biases of rows as floats, `step` from row to row. */
typedef struct qmm_factors {
  const float *s, *b; /* b: zeros unless affine */
  int64_t step;
} qmm_factors;

/* Rows of codes multiplied at once: as many streams of memory. */
#define QMM_STREAMS 4

typedef struct qmm_dots {
  /* Floats that arrange writes for x of k elements. */
  int64_t (*arranged)(const quantize_format* f, int64_t k);
  /* Nonzero: not done, since x is not finite and these need that. */
  int (*arrange)(
      const quantize_format* f,
      float* to,
      float* sums,
      const float* x,
      int64_t k);
  /* y[r] = the product of x and row r of QMM_STREAMS, code_row bytes apart. */
  void (*dot)(
      const quantize_format* f,
      float* y,
      const uint8_t* codes,
      int64_t code_row,
      const qmm_factors* by,
      const qmm_vector* x,
      int64_t k);
} qmm_dots;

typedef struct qmm_table {
  qmm_dots dots;
  /* Adds x times a row of n elements: x * scale * code to y, in an order of its
   * own and up to 127 elements longer, x * bias to sums, one a group. */
  void (*axpy)(
      const quantize_format* f,
      float* y,
      float* sums,
      const uint8_t* codes,
      const qmm_factors* by,
      float x,
      int64_t n);
  /* What was added up, in order. */
  void (*settle)(
      const quantize_format* f,
      float* to,
      const float* y,
      const float* sums,
      int64_t n);
  /* The n elements of a row of codes; n whole groups. */
  void (*row)(
      const quantize_format* f,
      float* to,
      const uint8_t* codes,
      const qmm_factors* by,
      int64_t n);
} qmm_table;

#endif
