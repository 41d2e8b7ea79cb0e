/* Which way a batch of products is computed. */
#include <stdatomic.h>

#include "cpu/gemm.h"
#include "cpu/isa.h"
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

/* The matrix as oneDNN takes it: one stride 1, the other no smaller than the
 * extent it steps over. */
static bool matmul_dense(
    const matmul_matrix* m, int64_t rows, int64_t cols, onednn_matrix* to) {
  const int64_t row = rows == 1 ? (m->row > cols ? m->row : cols) : m->row;
  const int64_t col = cols == 1 ? (m->col > rows ? m->col : rows) : m->col;
  if ((col == 1 || cols == 1) && row >= cols)
    *to = (onednn_matrix){m->data, row, false};
  else if ((row == 1 || rows == 1) && col >= rows)
    *to = (onednn_matrix){m->data, col, true};
  else
    return false;
  return true;
}

typedef struct matmul_dense_call {
  const matmul_plan* p;
  onednn_matrix a, b, out;
  int64_t part_m, part_n, parts_m, parts_n;
  bool direct; /* straight into out */
  bool runs;   /* see onednn_sgemm */
  _Atomic int failed;
} matmul_dense_call;

static onednn_matrix matmul_offset(
    const matmul_plan* p,
    const onednn_matrix* m,
    int64_t start,
    int64_t i,
    int64_t j) {
  const int64_t at = start + (m->transposed ? j * m->ld + i : i * m->ld + j);
  return (onednn_matrix){
      (char*)m->data + at * (int64_t)dtype_size(p->dtype),
      m->ld,
      m->transposed};
}

/* A rectangle of product `batch`, m rows and n columns from (i0, j0). */
static int matmul_dense_one(
    matmul_dense_call* d,
    int64_t batch,
    int64_t i0,
    int64_t m,
    int64_t j0,
    int64_t n) {
  const matmul_plan* p = d->p;
  const matmul_start* s = &p->starts[batch];
  const onednn_matrix a = matmul_offset(p, &d->a, s->a, i0, 0);
  const onednn_matrix b = matmul_offset(p, &d->b, s->b, 0, j0);
  onednn_matrix out = matmul_offset(p, &d->out, s->out, i0, j0);
  const bool single = p->dtype == DTYPE_FLOAT32;
  if (d->direct)
    return single
               ? onednn_sgemm(m, n, p->k, 1, &a, &b, 0, &out, d->runs)
               : onednn_bf16_matmul(m, n, p->k, &a, &b, &out, DTYPE_BFLOAT16);
  out.ld = n;
  out.data = scratch_get(SCRATCH_KERNEL, (size_t)(m * n) * sizeof(float));
  if (!out.data) return 1;
  if (single ? onednn_sgemm(m, n, p->k, 1, &a, &b, 0, &out, d->runs)
             : onednn_bf16_matmul(m, n, p->k, &a, &b, &out, DTYPE_FLOAT32))
    return 1;
  matmul_store(p, batch, out.data, n, i0, m, j0, n);
  return 0;
}

static int matmul_dense_part(matmul_dense_call* d, int64_t index) {
  const matmul_plan* p = d->p;
  const int64_t batch = index / (d->parts_m * d->parts_n);
  const int64_t in_batch = index % (d->parts_m * d->parts_n);
  const int64_t i0 = in_batch / d->parts_n * d->part_m;
  const int64_t j0 = in_batch % d->parts_n * d->part_n;
  const bool last_m = in_batch / d->parts_n == d->parts_m - 1;
  const bool last_n = in_batch % d->parts_n == d->parts_n - 1;
  const int64_t m = last_m ? p->m - i0 : d->part_m;
  const int64_t n = last_n ? p->n - j0 : d->part_n;
  if (matmul_dense_one(d, batch, i0, m, j0, n)) return 1;
  matmul_done(p, batch, i0, m, j0, n);
  return 0;
}

static void matmul_dense_parts(
    void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  matmul_dense_call* d = ctx;
  for (int64_t i = begin; i < end; i++)
    if (matmul_dense_part(d, i)) atomic_store(&d->failed, 1);
}

/* Elements of a matrix that stays in a second level cache. */
#define MATMUL_CACHED (512 * 1024)

/* Cuts [0, extent) into at most `parts`, each a multiple of 16 but the last, of
 * 64 if large, and above ONEDNN_FEW. */
static int64_t matmul_cut(int64_t extent, int64_t parts) {
  const int64_t part = (extent + parts - 1) / parts;
  const int64_t unit = part < 512 ? 16 : 64;
  return part <= 2 * ONEDNN_FEW ? 2 * ONEDNN_FEW : (part + unit - 1) & -unit;
}

/* Whether matmul_packed gives the very same floats, so that it does not matter
 * who is called. */
static bool matmul_is_like_packed(const matmul_dense_call* d) {
  const bool lengthwise = !d->a.transposed && d->b.transposed;
  return isa_get() == ISA_AVX512 && !(lengthwise && d->p->m <= ONEDNN_FEW) &&
         (d->runs || d->p->k <= 2 * GEMM_KC);
}

/* How many parts of an extent; the last may be a little larger than others:
 * thin ones are slow, and oneDNN sums them in another order. */
static int64_t matmul_count(int64_t extent, int64_t part) {
  const int64_t whole = extent / part;
  return whole && extent % part <= ONEDNN_FEW ? whole : whole + 1;
}

/* Whether to cut rows of the product: what has more is cut, but a b that all
 * threads can have in their caches is left whole, as rows of out are. */
static bool matmul_cuts_rows(const matmul_plan* p, int64_t parts) {
  return p->m >= p->n ||
         (p->m >= 2 * ONEDNN_FEW * parts && p->n * p->k <= MATMUL_CACHED);
}

/* 0: done; 1: not for oneDNN; -1: failed half way. */
static int matmul_onednn(const matmul_plan* p) {
  const double work = (double)p->m * (double)p->n * (double)p->k;
  const int64_t least = p->m < p->n ? p->m : p->n;
  if (p->dtype == DTYPE_FLOAT32 ? work < 32 * 32 * 32 || least == 1 ||
                                      (p->m <= ONEDNN_FEW && p->n <= ONEDNN_FEW)
                                : work < 48 * 48 * 48)
    return 1;
  if (p->dtype != DTYPE_FLOAT32 &&
      (p->dtype != DTYPE_BFLOAT16 || !onednn_has_bf16()))
    return 1;
  matmul_dense_call d = {.p = p};
  if (!matmul_dense(&p->a, p->m, p->k, &d.a) ||
      !matmul_dense(&p->b, p->k, p->n, &d.b) ||
      !matmul_dense(&p->out, p->m, p->n, &d.out) || d.out.transposed)
    return 1;
  d.direct = !p->c.data && p->alpha == 1;
  /* It knows better for large ones, which are worth its start. */
  d.runs = work < 512 * 512 * 512;
  /* Parts enough to share; a tile that waits for its epilogue stays small. */
  const int64_t threads = pool_threads();
  int64_t want = work * (double)p->batch < 64 * 64 * 64 ? 1 : threads;
  want = (want + p->batch - 1) / p->batch;
  d.part_m = p->m;
  d.part_n = p->n;
  if (want > 1) {
    if (matmul_cuts_rows(p, want))
      d.part_m = matmul_cut(p->m, want);
    else
      d.part_n = matmul_cut(p->n, want);
  }
  if (!d.direct || p->done) {
    if (d.part_m > 1024) d.part_m = matmul_cut(p->m, p->m / 512);
    if (d.part_n > 1024) d.part_n = matmul_cut(p->n, p->n / 512);
  }
  d.parts_m = matmul_count(p->m, d.part_m);
  d.parts_n = matmul_count(p->n, d.part_n);
  if (p->dtype == DTYPE_FLOAT32 && matmul_is_like_packed(&d) &&
      !onednn_sgemm_worth(work * (double)p->batch))
    return 1;
  const int64_t parts = p->batch * d.parts_m * d.parts_n;
  const double each = work * (double)p->batch / (double)parts;
  const int64_t grain =
      each < 32 * 32 * 32 ? (int64_t)(32 * 32 * 32 / each) : 1;
  pool_for(
      parts,
      work * (double)p->batch < 64 * 64 * 64 ? parts : grain,
      matmul_dense_parts,
      &d);
  return atomic_load(&d.failed) ? -1 : 0;
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
  float* x = scratch_get(
      SCRATCH_KERNEL, (size_t)(vectors * (p->k + f->n) + 16) * sizeof(float));
  if (!x) return 1;
  float* y = x + vectors * p->k;
  for (int r = 0; r < vectors; r++)
    t->load[p->dtype](
        x + r * p->k,
        f->rows ? matmul_at(p, v, s->a, r, 0) : matmul_at(p, v, s->b, 0, r),
        f->rows ? v->col : v->row,
        p->k);
  for (int r = 0; r < vectors; r += MATVEC_MOST)
    if (matvec_run(
            p->dtype,
            y + r * f->n,
            matmul_at(p, m, f->rows ? s->b : s->a, 0, 0),
            f->rows ? m->col : m->row,
            f->rows ? m->row : m->col,
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

static matmul_matrix matmul_turned(const matmul_matrix* m) {
  return (matmul_matrix){m->data, m->col, m->row};
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
  if (out_step != 1 && k_step != 1) return 1;
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

/* At most 16 x 16 results of at most 64 products each: nothing but the
 * arithmetic. */
static bool matmul_is_tiny(const matmul_plan* p) {
  return p->m <= GEMM_TINY && p->n <= GEMM_TINY && p->k <= GEMM_TINY_K &&
         gemm_kernels()->tiny[p->dtype];
}

static void matmul_tiny(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const matmul_plan* p = ctx;
  const gemm_table* t = gemm_kernels();
  float tile[GEMM_TINY * GEMM_TINY];
  for (int64_t i = begin; i < end; i++) {
    const matmul_start* s = &p->starts[i];
    t->tiny[p->dtype](
        tile,
        (int)p->m,
        (int)p->n,
        (int)p->k,
        matmul_at(p, &p->a, s->a, 0, 0),
        p->a.row,
        p->a.col,
        matmul_at(p, &p->b, s->b, 0, 0),
        p->b.row,
        p->b.col);
    matmul_store(p, i, tile, GEMM_TINY, 0, p->m, 0, p->n);
    matmul_done(p, i, 0, p->m, 0, p->n);
  }
}

int matmul_execute(const matmul_plan* p) {
  if (p->k > 0) {
    if (matmul_is_tiny(p)) {
      pool_for(p->batch, 64, matmul_tiny, (void*)p);
      return 0;
    }
    if ((p->m <= MATVEC_MOST || p->n <= MATVEC_MOST ||
         matmul_vectors_twice(p)) &&
        !matmul_vectors(p))
      return 0;
    const int status = matmul_onednn(p);
    if (status == 0) return 0;
    /* c may lie where out does: what was added once cannot be again; nor is
     * what was reported as done. */
    if (status < 0 && (p->c.data || p->done)) return 1;
  }
  return matmul_packed(p);
}
