/* Products of an operand that is never whole in memory: a stripe of it is made
 * where it stays in the cache, and multiplied, before the next one is. */
#include "cpu/matmul_plan.h"
#include "cpu/scratch.h"

/* Bytes of a stripe, and the rows or columns that it has at least: thinner, the
 * other operand would be packed more often than that is worth. Of what
 * is made pieces of rows, longer ones: short ones are slow to make. */
#if defined(LAZULI_HOSTILE)
enum { MADE_BYTES = 1 << 10, MADE_ROWS = 3, MADE_COLUMNS = 5 };
#else
enum { MADE_BYTES = 2 << 20, MADE_ROWS = 256, MADE_COLUMNS = 1024 };
#endif

/* Of `extent` rows or columns of `bytes` each. */
static int64_t made_stripe(int64_t extent, int64_t bytes, int64_t least) {
  int64_t n = MADE_BYTES / (bytes ? bytes : 1);
  if (n < least) n = least;
  return n < extent ? n : extent;
}

/* Moves the stripe's out and c down, or to the right. */
static void made_move(matmul_plan* s, int64_t rows, int64_t columns) {
  const int64_t size = (int64_t)dtype_size(s->dtype);
  s->out.data += (rows * s->out.row + columns * s->out.col) * size;
  if (s->c.data) s->c.data += (rows * s->c.row + columns * s->c.col) * size;
}

static int made_a(const matmul_plan* p, const lz_maker* m) {
  const int64_t bytes = p->k * (int64_t)dtype_size(p->dtype);
  const int64_t rows =
      made_stripe(p->m, bytes, m->turned ? MADE_COLUMNS : MADE_ROWS);
  char* scratch = scratch_get(SCRATCH_MADE, (size_t)(rows * bytes));
  if (!scratch) return 1;
  for (int64_t i = 0; i < p->batch; i++)
    for (int64_t i0 = 0; i0 < p->m; i0 += rows) {
      matmul_plan s = *p;
      matmul_start start = p->starts[i];
      s.m = p->m - i0 < rows ? p->m - i0 : rows;
      s.batch = 1;
      s.starts = &start;
      s.done_row = i * p->m + i0;
      s.a = m->turned ? (matmul_matrix){scratch, 1, s.m}
                      : (matmul_matrix){scratch, p->k, 1};
      start.a = 0;
      made_move(&s, i0, 0);
      if (m->turned)
        m->make(m->ctx, i * p->k, p->k, i0, s.m, scratch);
      else
        m->make(m->ctx, s.done_row, s.m, 0, p->k, scratch);
      if (matmul_execute(&s)) return 1;
    }
  return 0;
}

static int made_b(const matmul_plan* p, const lz_maker* m) {
  const int64_t bytes = p->k * (int64_t)dtype_size(p->dtype);
  const int64_t columns =
      made_stripe(p->n, bytes, m->turned ? MADE_ROWS : MADE_COLUMNS);
  char* scratch = scratch_get(SCRATCH_MADE, (size_t)(columns * bytes));
  if (!scratch) return 1;
  for (int64_t j0 = 0; j0 < p->n; j0 += columns) {
    matmul_plan s = *p;
    s.n = p->n - j0 < columns ? p->n - j0 : columns;
    s.done_column = j0;
    s.b = m->turned ? (matmul_matrix){scratch, 1, p->k}
                    : (matmul_matrix){scratch, s.n, 1};
    made_move(&s, 0, j0);
    if (m->turned)
      m->make(m->ctx, j0, s.n, 0, p->k, scratch);
    else
      m->make(m->ctx, 0, p->k, j0, s.n, scratch);
    if (matmul_execute(&s)) return 1;
  }
  return 0;
}

int matmul_execute_made(const matmul_plan* p, const lz_maker* maker) {
  if (p->k == 0) return matmul_execute(p);
  return maker->input ? made_b(p, maker) : made_a(p, maker);
}
