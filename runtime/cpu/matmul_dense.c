/* Products by oneDNN: which, in what parts, and whether they are worth it. */
#include <stdatomic.h>

#include "cpu/gemm.h"
#include "cpu/isa.h"
#include "cpu/matmul_plan.h"
#include "cpu/scratch.h"
#include "stream/pool.h"

/* The matrix as oneDNN takes it: one stride 1, the other no smaller than the
 * extent it steps over. */
static bool matmul_dense_matrix(
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

static onednn_matrix matmul_dense_offset(
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
  const onednn_matrix a = matmul_dense_offset(p, &d->a, s->a, i0, 0);
  const onednn_matrix b = matmul_dense_offset(p, &d->b, s->b, 0, j0);
  onednn_matrix out = matmul_dense_offset(p, &d->out, s->out, i0, j0);
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
static int64_t matmul_dense_cut(int64_t extent, int64_t parts) {
  const int64_t part = (extent + parts - 1) / parts;
  const int64_t unit = part < 512 ? 16 : 64;
  return part <= 2 * ONEDNN_FEW ? 2 * ONEDNN_FEW : (part + unit - 1) & -unit;
}

/* Whether matmul_packed gives the very same floats, so that it does not matter
 * who is called. */
static bool matmul_dense_as_packed(const matmul_dense_call* d) {
  const bool lengthwise = !d->a.transposed && d->b.transposed;
  return isa_get() == ISA_AVX512 && !(lengthwise && d->p->m <= ONEDNN_FEW) &&
         (d->runs || d->p->k <= 2 * GEMM_KC);
}

/* How many parts of an extent; the last may be a little larger than others:
 * thin ones are slow, and oneDNN sums them in another order. */
static int64_t matmul_dense_count(int64_t extent, int64_t part) {
  const int64_t whole = extent / part;
  return whole && extent % part <= ONEDNN_FEW ? whole : whole + 1;
}

/* Whether to cut rows of the product: what has more is cut, but a b that all
 * threads can have in their caches is left whole, as rows of out are. */
static bool matmul_dense_by_rows(const matmul_plan* p, int64_t parts) {
  return p->m >= p->n ||
         (p->m >= 2 * ONEDNN_FEW * parts && p->n * p->k <= MATMUL_CACHED);
}

int matmul_dense(const matmul_plan* p) {
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
  if (!matmul_dense_matrix(&p->a, p->m, p->k, &d.a) ||
      !matmul_dense_matrix(&p->b, p->k, p->n, &d.b) ||
      !matmul_dense_matrix(&p->out, p->m, p->n, &d.out) || d.out.transposed)
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
    if (matmul_dense_by_rows(p, want))
      d.part_m = matmul_dense_cut(p->m, want);
    else
      d.part_n = matmul_dense_cut(p->n, want);
  }
  if (!d.direct || p->done) {
    if (d.part_m > 1024) d.part_m = matmul_dense_cut(p->m, p->m / 512);
    if (d.part_n > 1024) d.part_n = matmul_dense_cut(p->n, p->n / 512);
  }
  d.parts_m = matmul_dense_count(p->m, d.part_m);
  d.parts_n = matmul_dense_count(p->n, d.part_n);
  if (p->dtype == DTYPE_FLOAT32 && matmul_dense_as_packed(&d) &&
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
