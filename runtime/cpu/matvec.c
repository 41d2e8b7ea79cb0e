#include "cpu/matvec.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "cpu/isa.h"
#include "cpu/scratch.h"
#include "stream/pool.h"

ISA_DECLARE(matvec_table, matvec_table)
ISA_DECLARE(matvec_wide_table, matvec_wide_table)

const matvec_table* matvec_kernels(void) {
  return ISA_PICK(matvec_table);
}

const matvec_wide_table* matvec_wide_kernels(void) {
  return ISA_PICK(matvec_wide_table);
}

/* Elements a part should have: less is not worth another thread. */
#define MATVEC_PART (64 * 1024)
/* Sums of all vectors that stay in L1 while rows stream past. */
#define MATVEC_COLS 4096

typedef struct matvec_call {
  const matvec_table* t;
  lz_dtype dtype;
  const char* m;
  int64_t ld, n, kn;
  const float* x;
  float* y; /* for axpy: parts partial sums of vectors * n */
  int vectors;
  int64_t k_part; /* axpy: rows summed into one partial */
} matvec_call;

static void matvec_dot(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const matvec_call* c = ctx;
  c->t->dot[c->dtype](
      c->y + begin,
      c->n,
      c->m + begin * c->ld * (int64_t)dtype_size(c->dtype),
      c->ld,
      end - begin,
      c->x,
      c->kn,
      c->kn,
      c->vectors);
}

static void matvec_axpy(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const matvec_call* c = ctx;
  const int64_t most = MATVEC_COLS / c->vectors;
  for (int64_t p = begin; p < end; p++) {
    const int64_t k0 = p * c->k_part;
    const int64_t k1 = k0 + c->k_part < c->kn ? k0 + c->k_part : c->kn;
    float* y = c->y + p * c->vectors * c->n;
    memset(y, 0, (size_t)(c->vectors * c->n) * sizeof *y);
    for (int64_t j = 0; j < c->n; j += most) {
      const int64_t cols = c->n - j < most ? c->n - j : most;
      c->t->axpy[c->dtype](
          y + j,
          c->n,
          c->m + (k0 * c->ld + j) * (int64_t)dtype_size(c->dtype),
          c->ld,
          cols,
          c->x + k0,
          c->kn,
          k1 - k0,
          c->vectors);
    }
  }
}

int matvec_run(
    lz_dtype dtype,
    float* y,
    const void* m,
    int64_t row,
    int64_t col,
    int64_t n,
    int64_t kn,
    const float* x,
    int vectors) {
  matvec_call c = {
      .t = matvec_kernels(),
      .dtype = dtype,
      .m = m,
      .n = n,
      .kn = kn,
      .x = x,
      .y = y,
      .vectors = vectors};
  if (!c.t->dot[dtype]) return 1;
  if (col == 1 || kn == 1) {
    c.ld = row;
    int64_t grain = MATVEC_PART / (kn < 1 ? 1 : kn);
    pool_for(n, grain < 4 ? 4 : (grain + 3) & ~(int64_t)3, matvec_dot, &c);
    return 0;
  }
  if (row != 1 && n != 1) return 1;
  c.ld = col;
  /* A partial sum costs as much as a row: at least 16 rows a part. */
  int64_t parts = n * kn / MATVEC_PART;
  const int64_t most = 4 * (int64_t)pool_threads();
  if (parts > most) parts = most;
  if (parts > kn / 16) parts = kn / 16;
  if (parts < 2) parts = 1;
  c.k_part = (kn + parts - 1) / parts;
  parts = (kn + c.k_part - 1) / c.k_part;
  const int64_t all = vectors * n;
  if (parts > 1) {
    c.y = scratch_get(SCRATCH_OUTER, (size_t)(parts * all) * sizeof *y);
    if (!c.y) return 1;
  }
  pool_for(parts, 1, matvec_axpy, &c);
  if (parts == 1) return 0;
  memcpy(y, c.y, (size_t)all * sizeof *y);
  for (int64_t p = 1; p < parts; p++)
    for (int64_t j = 0; j < all; j++) y[j] += c.y[p * all + j];
  return 0;
}
