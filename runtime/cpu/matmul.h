/* Matrix products: out = alpha * a @ b + beta * c.
 *
 * Types: float16, bfloat16, float32, float64, complex64, the same for a, b, c
 * and out (MLX refuses integers; so does the graph). Halves are summed in
 * float and rounded once. */
#ifndef CPU_MATMUL_H
#define CPU_MATMUL_H

#include "core/op.h"
#include "cpu/view.h"

typedef struct matmul_epilogue {
  float alpha, beta;
  const lz_view* c; /* NULL: none. Broadcasts to out. Not read if beta is 0.
                       May be out itself, with out's strides. */
  /* NULL, or called for each part of out as soon as it holds its values, by the
   * thread that made it, while it is in its cache: rows counted through all
   * leading axes, and columns. Parts cover out and do not overlap. If
   * matmul_run then fails, some may have been reported. */
  void (*done)(
      void* ctx, int64_t row, int64_t rows, int64_t column, int64_t columns);
  void* ctx;
} matmul_epilogue;

/* a (…, M, K), b (…, K, N), out (…, M, N), each with two axes at least. Any
 * strides. Leading axes of a, b and c broadcast to those of out: they may be
 * fewer, or have extent 1. No extent need be non-zero; K = 0 gives beta * c.
 * `e` NULL: alpha 1, nothing else. Runs on the pool. Nonzero: out of memory,
 * out undefined. */
int matmul_run(
    const lz_view* a,
    const lz_view* b,
    const lz_view* out,
    const matmul_epilogue* e);

/* The same; operand a (0) or b (1) is made, one stripe after another, and its
 * data is not looked at. It has the
 * leading axes of out, or is a b of two axes. */
int matmul_run_made(
    const lz_view* a,
    const lz_view* b,
    const lz_view* out,
    const matmul_epilogue* e,
    const lz_maker* maker);

/* Product i of out takes matrix lhs[i] of a and rhs[i] of b, counted row-major
 * over their leading axes; lhs and rhs are uint32 and have the shape of out's
 * leading axes. */
int matmul_gather(
    const lz_view* a,
    const lz_view* b,
    const lz_view* lhs,
    const lz_view* rhs,
    const lz_view* out);

/* a (M, K), b (K, N), segments (…, 2) of uint32, out (…, M, N): product i sums
 * over k from segments[i][0] up to, not including, segments[i][1]; none is
 * zero. */
int matmul_segments(
    const lz_view* a,
    const lz_view* b,
    const lz_view* segments,
    const lz_view* out);

typedef struct matmul_masks {
  int block;                  /* rows and columns that share a mask element */
  const lz_view *out, *a, *b; /* (…, blocks down, blocks across), or NULL */
} matmul_masks;

/* As matmul_run of real types; blocks of a, b and out are zero where a mask of
 * bool is false, and multiplied by the element of any other mask, which is of
 * out's type. Masks broadcast over leading axes. */
int matmul_masked(
    const lz_view* a,
    const lz_view* b,
    const matmul_masks* masks,
    const lz_view* out);

#endif
