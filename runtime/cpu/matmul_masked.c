/* Products with a mask element for each block of a, b and out: applied to the
 * panels after packing and to the tiles before they are stored. */
#include <stdlib.h>
#include <string.h>

#include "cpu/gemm.h"
#include "cpu/isa.h"
#include "cpu/lead.h"
#include "cpu/matmul_plan.h"

ISA_DECLARE(matmul_rows, matmul_rows)

typedef struct masked_call {
  matmul_plan p; /* first: the callbacks of matmul take it as their ctx */
  const matmul_masks* masks;
  const lz_view* out;
} masked_call;

/* The factor of block (i, j); a false mask gives zero whatever is there. */
static double mask_at(
    const lz_view* mask, int64_t start, int64_t i, int64_t j) {
  const int n = mask->ndim;
  const int64_t at = start +
                     (mask->shape[n - 2] == 1 ? 0 : i * mask->strides[n - 2]) +
                     (mask->shape[n - 1] == 1 ? 0 : j * mask->strides[n - 1]);
  return dtype_load(mask->dtype, lead_data(mask, at));
}

/* values[i * step], i < n, by the factor; a zero of bool clears NaN too. */
static void mask_apply(
    gemm_kind kind, void* values, int64_t n, double factor, bool clear) {
  if (factor == 1) return;
  if (clear)
    memset(values, 0, (size_t)n * gemm_kind_size(kind));
  else if (kind == GEMM_F64)
    for (int64_t i = 0; i < n; i++) ((double*)values)[i] *= factor;
  else
    ISA_PICK(matmul_rows)->scale(values, n, (float)factor);
}

/* A panel holds lanes of k; `row_lanes`: the lanes are the mask's rows. */
static void mask_panel(
    const masked_call* c,
    const lz_view* mask,
    int64_t batch,
    bool row_lanes,
    char* panel,
    int width,
    int64_t lane0,
    int lanes,
    int64_t k0,
    int64_t kn) {
  const gemm_kind kind = gemm_kind_of(c->p.dtype);
  const int64_t block = c->masks->block;
  const int64_t start = lead_offset(mask, 2, c->out, 2, batch);
  for (int64_t k = 0; k < kn; k++)
    for (int lane = 0; lane < lanes;) {
      const int64_t at = (lane0 + lane) / block;
      int64_t end = (at + 1) * block - lane0;
      if (end > lanes) end = lanes;
      const int64_t k_block = (k0 + k) / block;
      mask_apply(
          kind,
          panel + (size_t)(k * width + lane) * gemm_kind_size(kind),
          end - lane,
          row_lanes ? mask_at(mask, start, at, k_block)
                    : mask_at(mask, start, k_block, at),
          mask->dtype == DTYPE_BOOL);
      lane = (int)end;
    }
}

static int masked_pack_a(
    void* ctx,
    int64_t batch,
    void* panel,
    int width,
    int64_t i0,
    int rows,
    int64_t k0,
    int64_t kn) {
  const masked_call* c = ctx;
  matmul_pack_a(ctx, batch, panel, width, i0, rows, k0, kn);
  if (c->masks->a)
    mask_panel(c, c->masks->a, batch, true, panel, width, i0, rows, k0, kn);
  return 0;
}

static int masked_pack_b(
    void* ctx,
    int64_t batch,
    void* panel,
    int width,
    int64_t j0,
    int cols,
    int64_t k0,
    int64_t kn) {
  const masked_call* c = ctx;
  matmul_pack_b(ctx, batch, panel, width, j0, cols, k0, kn);
  if (c->masks->b)
    mask_panel(c, c->masks->b, batch, false, panel, width, j0, cols, k0, kn);
  return 0;
}

static void masked_store(
    void* ctx,
    int64_t batch,
    void* tile,
    int64_t ld,
    int64_t i0,
    int64_t rows,
    int64_t j0,
    int64_t cols) {
  const masked_call* c = ctx;
  const lz_view* mask = c->masks->out;
  const gemm_kind kind = gemm_kind_of(c->p.dtype);
  const int64_t block = c->masks->block;
  const int64_t start = mask ? lead_offset(mask, 2, c->out, 2, batch) : 0;
  for (int64_t i = 0; i < rows && mask;) {
    const int64_t row = (i0 + i) / block;
    int64_t last = (row + 1) * block - i0;
    if (last > rows) last = rows;
    for (int64_t j = 0; j < cols;) {
      const int64_t at = (j0 + j) / block;
      int64_t end = (at + 1) * block - j0;
      if (end > cols) end = cols;
      const double factor = mask_at(mask, start, row, at);
      for (int64_t k = i; k < last; k++)
        mask_apply(
            kind,
            (char*)tile + (size_t)(k * ld + j) * gemm_kind_size(kind),
            end - j,
            factor,
            mask->dtype == DTYPE_BOOL);
      j = end;
    }
    i = last;
  }
  matmul_store(&c->p, batch, tile, ld, i0, rows, j0, cols);
}

int matmul_masked(
    const lz_view* a,
    const lz_view* b,
    const matmul_masks* masks,
    const lz_view* out) {
  if (view_size(out) == 0) return 0;
  masked_call c = {.p = matmul_plan_of(a, b, out), .masks = masks, .out = out};
  matmul_start* starts = calloc((size_t)c.p.batch, sizeof *starts);
  if (!starts) return 1;
  for (int64_t i = 0; i < c.p.batch; i++) {
    starts[i].a = lead_offset(a, 2, out, 2, i);
    starts[i].b = lead_offset(b, 2, out, 2, i);
    starts[i].out = lead_nth(out, 2, i);
  }
  c.p.starts = starts;
  const gemm_problem g = {
      .kind = gemm_kind_of(c.p.dtype),
      .batch = c.p.batch,
      .m = c.p.m,
      .n = c.p.n,
      .k = c.p.k,
      .ctx = &c,
      .pack_a = masked_pack_a,
      .pack_b = masked_pack_b,
      .store = masked_store};
  const int status = gemm_run(&g);
  free(starts);
  return status;
}
