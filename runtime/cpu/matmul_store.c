/* The last step of a product: alpha, beta * c, rounding. */
#include <string.h>

#include "cpu/gemm.h"
#include "cpu/isa.h"
#include "cpu/matmul_plan.h"

ISA_DECLARE(matmul_rows, matmul_rows)

static void matmul_store_wide(
    const matmul_plan* p,
    const double* row,
    const char* c,
    char* out,
    int64_t cols) {
  if (c && p->c.col == 1 && p->out.col == 1) {
    ISA_PICK(matmul_rows)
        ->wide(
            (double*)(void*)out,
            row,
            cols,
            p->alpha,
            p->beta,
            (const double*)(const void*)c);
    return;
  }
  for (int64_t j = 0; j < cols; j++) {
    double x = p->alpha * row[j];
    if (p->c.data) {
      double add;
      memcpy(&add, c + j * p->c.col * 8, 8);
      x += p->beta * add;
    }
    memcpy(out + j * p->out.col * 8, &x, 8);
  }
}

static void matmul_store_complex(
    const matmul_plan* p,
    const lz_complex* row,
    const char* c,
    char* out,
    int64_t cols) {
  for (int64_t j = 0; j < cols; j++) {
    lz_complex x = {p->alpha * row[j].re, p->alpha * row[j].im};
    if (p->c.data) {
      lz_complex add;
      memcpy(&add, c + j * p->c.col * 8, 8);
      x.re += p->beta * add.re;
      x.im += p->beta * add.im;
    }
    memcpy(out + j * p->out.col * 8, &x, 8);
  }
}

static void matmul_store_real(
    const matmul_plan* p, float* row, const char* c, char* out, int64_t cols) {
  const gemm_table* t = gemm_kernels();
  const matmul_rows* rows = ISA_PICK(matmul_rows);
  if (p->alpha != 1) rows->scale(row, cols, p->alpha);
  if (p->c.data && p->dtype == DTYPE_FLOAT32 && p->c.col == 1) {
    rows->add(row, cols, p->beta, (const float*)c);
  } else if (p->c.data) {
    float add[256];
    for (int64_t j0 = 0; j0 < cols; j0 += 256) {
      const int64_t n = cols - j0 < 256 ? cols - j0 : 256;
      t->load[p->dtype](
          add, c + j0 * p->c.col * (int64_t)dtype_size(p->dtype), p->c.col, n);
      rows->add(row + j0, n, p->beta, add);
    }
  }
  t->store[p->dtype](out, p->out.col, row, cols);
}

void matmul_store(
    const matmul_plan* p,
    int64_t batch,
    void* tile,
    int64_t ld,
    int64_t i0,
    int64_t rows,
    int64_t j0,
    int64_t cols) {
  const matmul_start* s = &p->starts[batch];
  for (int64_t i = 0; i < rows; i++) {
    char* out = matmul_at(p, &p->out, s->out, i0 + i, j0);
    const char* c = p->c.data ? matmul_at(p, &p->c, s->c, i0 + i, j0) : NULL;
    if (p->dtype == DTYPE_FLOAT64)
      matmul_store_wide(p, (double*)tile + i * ld, c, out, cols);
    else if (p->dtype == DTYPE_COMPLEX64)
      matmul_store_complex(p, (lz_complex*)tile + i * ld, c, out, cols);
    else
      matmul_store_real(p, (float*)tile + i * ld, c, out, cols);
  }
}
