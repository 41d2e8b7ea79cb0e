/* Which way a batch of products is computed. */
#include <stdatomic.h>
#include <string.h>

#include "cpu/gemm.h"
#include "cpu/gemm_tiny.h"
#include "cpu/matmul_plan.h"
#include "cpu/matvec.h"
#include "cpu/scratch.h"
#include "stream/pool.h"

int matmul_pack_a(
    void* ctx,
    int64_t batch,
    void* panel,
    int width,
    int64_t i0,
    int rows,
    int64_t k0,
    int64_t kn) {
  const matmul_plan* p = ctx;
  gemm_kernels()->pack[p->dtype](
      panel,
      width,
      rows,
      kn,
      matmul_at(p, &p->a, p->starts[batch].a, i0, k0),
      p->a.row,
      p->a.col);
  return 0;
}

int matmul_pack_b(
    void* ctx,
    int64_t batch,
    void* panel,
    int width,
    int64_t j0,
    int cols,
    int64_t k0,
    int64_t kn) {
  const matmul_plan* p = ctx;
  gemm_kernels()->pack[p->dtype](
      panel,
      width,
      cols,
      kn,
      matmul_at(p, &p->b, p->starts[batch].b, k0, j0),
      p->b.col,
      p->b.row);
  return 0;
}

static void matmul_store_tile(
    void* ctx,
    int64_t batch,
    void* tile,
    int64_t ld,
    int64_t i0,
    int64_t rows,
    int64_t j0,
    int64_t cols) {
  matmul_store(ctx, batch, tile, ld, i0, rows, j0, cols);
  matmul_done(ctx, batch, i0, rows, j0, cols);
}

static int matmul_split_a(
    void* ctx,
    int64_t batch,
    void* panel,
    int width,
    int64_t i0,
    int rows,
    int64_t k0,
    int64_t kn) {
  (void)width;
  const matmul_plan* p = ctx;
  const char* at = matmul_at(p, &p->a, p->starts[batch].a, i0, k0);
  return gemm_kernels()->split_a(panel, rows, kn, at, p->a.row, p->a.col);
}

static int matmul_split_b(
    void* ctx,
    int64_t batch,
    void* panel,
    int width,
    int64_t j0,
    int cols,
    int64_t k0,
    int64_t kn) {
  (void)width;
  const matmul_plan* p = ctx;
  const char* at = matmul_at(p, &p->b, p->starts[batch].b, k0, j0);
  return gemm_kernels()->split_b(panel, cols, kn, at, p->b.col, p->b.row);
}

static int matmul_packed(const matmul_plan* p) {
  const gemm_problem plain = {
      .kind = gemm_kind_of(p->dtype),
      .batch = p->batch,
      .m = p->m,
      .n = p->n,
      .k = p->k,
      .ctx = (void*)p,
      .pack_a = matmul_pack_a,
      .pack_b = matmul_pack_b,
      .store = matmul_store_tile};
  gemm_problem split = plain;
  split.kind = GEMM_SPLIT;
  split.pack_a = matmul_split_a;
  split.pack_b = matmul_split_b;
  split.plain = &plain;
  const bool fits = p->dtype == DTYPE_FLOAT16 && p->m > 8 && p->n > 8 &&
                    p->k > 8 && gemm_has_split();
  return gemm_run(fits ? &split : &plain);
}

#define MATVEC_TWICE (2 * MATVEC_MOST)

typedef struct matmul_few {
  const matmul_plan* p;
  matmul_plan flat; /* in which results are rows, one a vector */
  bool rows;        /* x @ B, else A @ x */
  int64_t n;
  _Atomic int failed;
} matmul_few;

static int matmul_few_one(matmul_few* f, int64_t i) {
  const matmul_plan* p = f->p;
  const gemm_table* t = gemm_kernels();
  const matmul_start* s = &p->starts[i];
  const int vectors = (int)(f->rows ? p->m : p->n);
  const matmul_matrix* m = f->rows ? &p->b : &p->a;
  const matmul_matrix* v = f->rows ? &p->a : &p->b;
  const char* at = matmul_at(p, m, f->rows ? s->b : s->a, 0, 0);
  int64_t out_step = f->rows ? m->col : m->row;
  int64_t k_step = f->rows ? m->row : m->col;
  lz_dtype dtype = p->dtype;
  /* One row that is not dense is made so. */
  const bool apart = f->n == 1 && k_step != 1;
  float* x = scratch_get(
      SCRATCH_KERNEL,
      (size_t)(vectors * (p->k + f->n) + (apart ? p->k : 0) + 16) *
          sizeof(float));
  if (!x) return 1;
  if (apart) {
    float* row = x + vectors * (p->k + f->n);
    t->load[dtype](row, at, k_step, p->k);
    at = (const char*)row;
    dtype = DTYPE_FLOAT32;
    k_step = 1;
    out_step = p->k;
  }
  float* y = x + vectors * p->k;
  for (int r = 0; r < vectors; r++)
    t->load[p->dtype](
        x + r * p->k,
        f->rows ? matmul_at(p, v, s->a, r, 0) : matmul_at(p, v, s->b, 0, r),
        f->rows ? v->col : v->row,
        p->k);
  for (int r = 0; r < vectors; r += MATVEC_MOST)
    if (matvec_run(
            dtype,
            y + r * f->n,
            at,
            out_step,
            k_step,
            f->n,
            p->k,
            x + r * p->k,
            vectors - r < MATVEC_MOST ? vectors - r : MATVEC_MOST))
      return 1;
  matmul_store(&f->flat, i, y, f->n, 0, vectors, 0, f->n);
  matmul_done(p, i, 0, p->m, 0, p->n);
  return 0;
}

static void matmul_few_parts(
    void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  matmul_few* f = ctx;
  for (int64_t i = begin; i < end; i++)
    if (matmul_few_one(f, i)) atomic_store(&f->failed, 1);
}

/* A few more rows against a matrix that lies k by k: sums of two kernels of
 * oneDNN differ there, and reading the matrix twice is no slower. */
static bool matmul_vectors_twice(const matmul_plan* p) {
  return p->dtype == DTYPE_FLOAT32 && p->m > MATVEC_MOST &&
         p->m <= MATVEC_TWICE && p->m <= p->n && p->b.row == 1;
}

/* A few rows or columns of results. 0: done; 1: not for matvec_run. */
static int matmul_vectors(const matmul_plan* p) {
  matmul_few f = {.p = p, .flat = *p, .rows = p->m <= p->n};
  const int64_t vectors = f.rows ? p->m : p->n;
  f.n = f.rows ? p->n : p->m;
  const matmul_matrix* m = f.rows ? &p->b : &p->a;
  const int64_t out_step = f.rows ? m->col : m->row;
  const int64_t k_step = f.rows ? m->row : m->col;
  const bool twice = matmul_vectors_twice(p);
  if (vectors > (twice ? MATVEC_TWICE : MATVEC_MOST) ||
      gemm_kind_of(p->dtype) != GEMM_F32 || p->k < 8 ||
      f.n * p->k < (vectors == 1 || twice ? 256 : 64 * 1024))
    return 1;
  if (out_step != 1 && k_step != 1 && f.n != 1) return 1;
  if (!f.rows) {
    /* Columns of results are stored as rows are. */
    f.flat.out = matmul_turned(&p->out);
    f.flat.c = matmul_turned(&p->c);
  }
  /* Many small ones side by side, large ones each on all threads. */
  if (f.n * p->k > 256 * 1024 || p->batch == 1)
    matmul_few_parts(&f, 0, p->batch, 0);
  else
    pool_for(p->batch, 32 * 1024 / (f.n * p->k) + 1, matmul_few_parts, &f);
  return atomic_load(&f.failed);
}

/* Few columns of results of few products each, in blocks of rows: nothing but
 * the arithmetic. Of one block sums may be longer, matrices that are taller are
 * worth a product by panels then. */
static bool matmul_is_tiny(const matmul_plan* p) {
  return p->n <= GEMM_TINY && p->k <= (p->m <= GEMM_TINY ? GEMM_TINY_K : 16) &&
         gemm_tiny_kernels()->run[p->dtype];
}

/* matmul_store of short rows of floats, which calls would outweigh. */
static void matmul_store_short(
    const matmul_plan* p,
    int64_t batch,
    const float* tile,
    int64_t ld,
    int64_t i0,
    int64_t rows) {
  const matmul_start* s = &p->starts[batch];
  float* out = (float*)(void*)matmul_at(p, &p->out, s->out, i0, 0);
  const float* c = NULL;
  if (p->c.data) c = (const float*)(void*)matmul_at(p, &p->c, s->c, i0, 0);
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < p->n; j++) {
      float x = tile[i * ld + j];
      if (p->alpha != 1) x *= p->alpha;
      if (c) x += p->beta * c[i * p->c.row + j * p->c.col];
      out[i * p->out.row + j * p->out.col] = x;
    }
}

static void matmul_tiny(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const matmul_plan* p = ctx;
  const gemm_tiny_table* t = gemm_tiny_kernels();
  const int64_t blocks = (p->m + GEMM_TINY - 1) / GEMM_TINY;
  const bool direct = matmul_is_direct(p, &p->out);
  /* Halves that are stored in one run. */
  const bool run = !direct && gemm_kind_of(p->dtype) == GEMM_F32 &&
                   p->alpha == 1 && !p->c.data && p->out.col == 1 &&
                   p->out.row == p->n;
  const int64_t ld = direct ? p->out.row : run ? p->n : GEMM_TINY;
  _Alignas(64) char tile[GEMM_TINY * GEMM_TINY * 8];
  for (int64_t i = begin; i < end; i++) {
    const int64_t batch = i / blocks, i0 = i % blocks * GEMM_TINY;
    const int64_t m = p->m - i0 < GEMM_TINY ? p->m - i0 : GEMM_TINY;
    const matmul_start* s = &p->starts[batch];
    t->run[p->dtype](
        direct ? matmul_at(p, &p->out, s->out, i0, 0) : tile,
        ld,
        (int)m,
        (int)p->n,
        (int)p->k,
        matmul_at(p, &p->a, s->a, i0, 0),
        p->a.row,
        p->a.col,
        matmul_at(p, &p->b, s->b, 0, 0),
        p->b.row,
        p->b.col);
    if (run)
      gemm_kernels()->store[p->dtype](
          matmul_at(p, &p->out, s->out, i0, 0),
          1,
          (const float*)(void*)tile,
          m * p->n);
    else if (!direct && p->dtype == DTYPE_FLOAT32 && p->n <= 8)
      matmul_store_short(p, batch, (float*)(void*)tile, ld, i0, m);
    else if (!direct)
      matmul_store(p, batch, tile, ld, i0, m, 0, p->n);
    matmul_done(p, batch, i0, m, 0, p->n);
  }
}

/* Sums of nothing, where nothing is added. */
static void matmul_nothing(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const matmul_plan* p = ctx;
  const size_t row = (size_t)p->n * dtype_size(p->dtype);
  for (int64_t i = begin; i < end; i++) {
    const int64_t batch = i / p->m;
    memset(matmul_at(p, &p->out, p->starts[batch].out, i % p->m, 0), 0, row);
    matmul_done(p, batch, i % p->m, 1, 0, p->n);
  }
}

int matmul_execute(const matmul_plan* p) {
  if (p->k > 0) {
    if (matmul_is_tiny(p)) {
      const int64_t blocks = p->batch * ((p->m + GEMM_TINY - 1) / GEMM_TINY);
      pool_for(blocks, 64, matmul_tiny, (void*)p);
      return 0;
    }
    if (gemm_kind_of(p->dtype) != GEMM_F32) {
      const int wide = matmul_wide(p);
      if (wide <= 0) return wide != 0;
    }
    if ((p->m <= MATVEC_MOST || p->n <= MATVEC_MOST ||
         matmul_vectors_twice(p)) &&
        !matmul_vectors(p))
      return 0;
    const int status = matmul_dense(p);
    if (status == 0) return 0;
    /* c may lie where out does: what was added once cannot be again; nor is
     * what was reported as done. */
    if (status < 0 && (p->c.data || p->done)) return 1;
  } else if (matmul_is_direct(p, &p->out)) {
    pool_for(p->batch * p->m, 65536 / p->n + 1, matmul_nothing, (void*)p);
    return 0;
  }
  return matmul_packed(p);
}
