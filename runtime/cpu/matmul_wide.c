/* Products of doubles and of complex numbers in which packing would cost more
 * than the arithmetic: a matrix by a vector, and sums of few products, each row
 * of which is a vector by a matrix. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/copy.h"
#include "cpu/gemm.h"
#include "cpu/matmul_plan.h"
#include "cpu/matvec.h"
#include "cpu/scratch.h"
#include "stream/pool.h"

enum {
  WIDE_FEW = 8,       /* products of a sum */
  WIDE_ROW = 1024,    /* elements of a row that are read in one run */
  WIDE_PART = 1 << 15 /* elements of the matrix that are worth a thread */
};

typedef struct wide_job {
  matmul_plan p;       /* in which results are rows, each x by m */
  matmul_matrix x, m;  /* element (i, k) of x, (k, j) of m */
  bool turned;         /* p is the transpose of what was asked for */
  bool lines;          /* m lies sum by sum, not k by k */
  int64_t part, parts; /* of a row of results */
  _Atomic int failed;
} wide_job;

/* Columns [j0, j0 + n) of row i. */
static int wide_piece(
    wide_job* w, int64_t batch, int64_t i, int64_t j0, int64_t n) {
  const matmul_plan* p = &w->p;
  const matmul_start* s = &p->starts[batch];
  const matvec_wide_table* t = matvec_wide_kernels();
  const bool direct = matmul_is_direct(p, &p->out);
  const int64_t step = w->x.col;
  const char* x = matmul_at(p, &w->x, w->turned ? s->b : s->a, i, 0);
  char* y = matmul_at(p, &p->out, s->out, i, j0);
  if ((step != 1 && p->k > 1) || !direct) {
    char* room = scratch_get(SCRATCH_KERNEL, (size_t)(p->k + n) * 8);
    if (!room) return 1;
    if (!direct) y = room;
    if (step != 1) {
      char* to = room + n * 8;
      for (int64_t k = 0; k < p->k; k++)
        memcpy(to + k * 8, x + k * step * 8, 8);
      x = to;
    }
  }
  (w->lines ? t->dot : t->axpy)[p->dtype](
      y,
      matmul_at(p, &w->m, w->turned ? s->a : s->b, 0, j0),
      w->lines ? w->m.col : w->m.row,
      n,
      x,
      p->k);
  if (!direct) matmul_store(p, batch, y, n, i, 1, j0, n);
  if (w->turned)
    matmul_done(p, batch, j0, n, i, 1);
  else
    matmul_done(p, batch, i, 1, j0, n);
  return 0;
}

static void wide_parts(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  wide_job* w = ctx;
  const matmul_plan* p = &w->p;
  for (int64_t at = begin; at < end; at++) {
    const int64_t row = at / w->parts, j0 = at % w->parts * w->part;
    const int64_t n = p->n - j0 < w->part ? p->n - j0 : w->part;
    if (wide_piece(w, row / p->m, row % p->m, j0, n))
      atomic_store(&w->failed, 1);
  }
}

/* A copy of the one matrix, which has no two elements together. Nonzero: out of
 * memory. */
static int wide_dense(wide_job* w, matmul_start* start) {
  matmul_plan* p = &w->p;
  int64_t* at = w->turned ? &start->a : &start->b;
  const int32_t shape[] = {(int32_t)p->k, (int32_t)p->n};
  const int64_t strides[] = {w->m.row, w->m.col}, dense[] = {p->n, 1};
  char* made = malloc((size_t)(p->k * p->n) * 8);
  if (!made) return 1;
  copy_run(
      &(lz_view){made, p->dtype, 2, shape, dense},
      &(lz_view){matmul_at(p, &w->m, *at, 0, 0), p->dtype, 2, shape, strides});
  w->m = (matmul_matrix){made, p->n, 1};
  *at = 0;
  p->starts = start;
  return 0;
}

int matmul_wide(const matmul_plan* p) {
  wide_job w = {.p = *p, .x = p->a, .m = p->b};
  if (p->n == 1 && p->m > 1) {
    w.turned = true;
    w.p.m = p->n;
    w.p.n = p->m;
    w.x = matmul_turned(&p->b);
    w.m = matmul_turned(&p->a);
    w.p.c = matmul_turned(&p->c);
    w.p.out = matmul_turned(&p->out);
  } else if (p->m > 1 && p->k > WIDE_FEW) {
    return 1;
  }
  w.lines = w.m.row == 1 && p->k > WIDE_FEW;
  matmul_start start = p->starts[0];
  void* made = NULL;
  if (!w.lines && w.m.col != 1 && w.p.n > 1) {
    if (p->batch > 1 || wide_dense(&w, &start)) return 1;
    made = w.m.data;
  }
  w.part = WIDE_PART / p->k + 64;
  if (!w.lines && w.part < WIDE_ROW) w.part = WIDE_ROW;
  if (w.part > w.p.n) w.part = w.p.n;
  w.parts = (w.p.n + w.part - 1) / w.part;
  pool_for(
      p->batch * w.p.m * w.parts,
      WIDE_PART / (w.part * p->k) + 1,
      wide_parts,
      &w);
  free(made);
  return atomic_load(&w.failed) ? -1 : 0;
}
