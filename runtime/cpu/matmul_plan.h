/* What the paths of matmul share: one batch of equal products, and the last
 * step of each. */
#ifndef CPU_MATMUL_PLAN_H
#define CPU_MATMUL_PLAN_H

#include "cpu/matmul.h"
#include "cpu/onednn.h"

/* Element (i, j) of a matrix at data[i * row + j * col]. */
typedef struct matmul_matrix {
  char* data;
  int64_t row, col;
} matmul_matrix;

/* A batch is a list of such, one a product: where its matrices start, in
 * elements. */
typedef struct matmul_start {
  int64_t a, b, c, out;
} matmul_start;

typedef struct matmul_plan {
  lz_dtype dtype;
  int64_t batch, m, n, k;
  matmul_matrix a, b, c, out; /* c.data NULL: none */
  const matmul_start* starts; /* batch of them */
  float alpha, beta;
  void (*done)(
      void* ctx, int64_t row, int64_t rows, int64_t column, int64_t columns);
  void* done_ctx;
  int64_t done_row, done_column; /* where this stripe of out begins */
} matmul_plan;

/* The products of a and b that out holds, which is not empty; no starts yet. */
matmul_plan matmul_plan_of(
    const lz_view* a, const lz_view* b, const lz_view* out);

/* gemm_run's callbacks; ctx is the plan. */
int matmul_pack_a(
    void* ctx,
    int64_t batch,
    void* panel,
    int width,
    int64_t i0,
    int rows,
    int64_t k0,
    int64_t kn);
int matmul_pack_b(
    void* ctx,
    int64_t batch,
    void* panel,
    int width,
    int64_t j0,
    int cols,
    int64_t k0,
    int64_t kn);

/* Runs what matmul_run describes over the batch; every extent is at least 1
 * but k. */
int matmul_execute(const matmul_plan* p);

/* The same in stripes of the operand that is made (matmul_made.c). */
int matmul_execute_made(const matmul_plan* p, const lz_maker* maker);

/* By oneDNN, k not 0. 0: done; 1: not for it, or not worth it yet; -1: failed
 * half way. */
int matmul_dense(const matmul_plan* p);

/* Of doubles and complex numbers: one vector, or sums of few products, not
 * packed. As matmul_dense, -1 only before anything was stored. */
int matmul_wide(const matmul_plan* p);

/* Rounds a tile of float sums (double, complex for those types) into rows
 * [i0, i0 + rows) and columns [j0, j0 + cols) of product `batch`, with alpha,
 * c. The tile may be written to. */
void matmul_store(
    const matmul_plan* p,
    int64_t batch,
    void* tile,
    int64_t ld,
    int64_t i0,
    int64_t rows,
    int64_t j0,
    int64_t cols);

/* Whether rows of sums are rows of `out`, as they are. */
static inline bool matmul_is_direct(
    const matmul_plan* p, const matmul_matrix* out) {
  return p->alpha == 1 && !p->c.data && (out->col == 1 || p->n == 1) &&
         p->dtype != DTYPE_FLOAT16 && p->dtype != DTYPE_BFLOAT16;
}

static inline matmul_matrix matmul_turned(const matmul_matrix* m) {
  return (matmul_matrix){m->data, m->col, m->row};
}

/* Tells whoever waits for parts of the product (matmul_epilogue). */
static inline void matmul_done(
    const matmul_plan* p,
    int64_t batch,
    int64_t i0,
    int64_t rows,
    int64_t j0,
    int64_t cols) {
  if (p->done)
    p->done(
        p->done_ctx,
        p->done_row + batch * p->m + i0,
        rows,
        p->done_column + j0,
        cols);
}

/* In place, over n values. */
typedef struct matmul_rows {
  void (*scale)(float* x, int64_t n, float by);
  void (*add)(float* x, int64_t n, float by, const float* c); /* x += by * c */
  /* out = alpha * x + beta * c */
  void (*wide)(
      double* out,
      const double* x,
      int64_t n,
      double alpha,
      double beta,
      const double* c);
} matmul_rows;

static inline char* matmul_at(
    const matmul_plan* p,
    const matmul_matrix* m,
    int64_t start,
    int64_t i,
    int64_t j) {
  return m->data +
         (start + i * m->row + j * m->col) * (int64_t)dtype_size(p->dtype);
}

#endif
