#include "cpu/gemm.h"

#include <stdatomic.h>
#include <string.h>

#include "cpu/isa.h"
#include "cpu/scratch.h"
#include "stream/pool.h"

ISA_DECLARE(gemm_table, gemm_table)

const gemm_table* gemm_kernels(void) {
  return ISA_PICK(gemm_table);
}

/* Extents of a block; its two packed operands and its tile stay in a second
 * level cache of 2 MiB. Elements of eight bytes: half of two of them. */
#define GEMM_MC 252
#define GEMM_NC 512
#define GEMM_KC 384

/* Below so many products waking another thread costs more than it saves. */
#define GEMM_INLINE (64 * 64 * 64)

typedef struct gemm_call {
  const gemm_problem* p;
  const gemm_table* t;
  int64_t mc, nc, kc, tiles_m, tiles_n;
  size_t a_bytes, b_bytes, tile_bytes;
  _Atomic int failed;
} gemm_call;

static int64_t gemm_round(int64_t x, int64_t to) {
  return (x + to - 1) / to * to;
}

static int64_t gemm_min(int64_t a, int64_t b) {
  return a < b ? a : b;
}

static void gemm_block(gemm_call* g, int64_t index, char* scratch) {
  const gemm_problem* p = g->p;
  const int mr = g->t->mr[p->kind], nr = g->t->nr[p->kind];
  const size_t lane = gemm_kind_size(p->kind);
  const int64_t batch = index / (g->tiles_m * g->tiles_n);
  const int64_t in_batch = index % (g->tiles_m * g->tiles_n);
  /* Neighbouring parts share columns of b. */
  const int64_t i0 = in_batch % g->tiles_m * g->mc;
  const int64_t j0 = in_batch / g->tiles_m * g->nc;
  const int64_t rows = gemm_min(g->mc, p->m - i0);
  const int64_t cols = gemm_min(g->nc, p->n - j0);
  const int64_t ld = gemm_round(cols, nr);
  char *a = scratch, *b = a + g->a_bytes, *tile = b + g->b_bytes;
  if (p->k == 0) memset(tile, 0, g->tile_bytes);
  for (int64_t k0 = 0; k0 < p->k; k0 += g->kc) {
    const int64_t kn = gemm_min(g->kc, p->k - k0);
    const size_t a_panel = (size_t)kn * mr * lane;
    const size_t b_panel = (size_t)kn * nr * lane;
    for (int64_t i = 0; i < rows; i += mr)
      p->pack_a(
          p->ctx,
          batch,
          a + i / mr * a_panel,
          mr,
          i0 + i,
          (int)gemm_min(mr, rows - i),
          k0,
          kn);
    for (int64_t j = 0; j < cols; j += nr) {
      char* panel = b + j / nr * b_panel;
      p->pack_b(
          p->ctx,
          batch,
          panel,
          nr,
          j0 + j,
          (int)gemm_min(nr, cols - j),
          k0,
          kn);
      for (int64_t i = 0; i < rows; i += mr)
        g->t->kernel[p->kind](
            kn,
            a + i / mr * a_panel,
            panel,
            tile + (i * ld + j) * lane,
            ld,
            k0 > 0);
    }
  }
  p->store(p->ctx, batch, tile, ld, i0, rows, j0, cols);
}

static void gemm_parts(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  gemm_call* g = ctx;
  char* scratch =
      scratch_get(SCRATCH_GEMM, g->a_bytes + g->b_bytes + g->tile_bytes);
  if (!scratch) {
    atomic_store(&g->failed, 1);
    return;
  }
  for (int64_t i = begin; i < end; i++) gemm_block(g, i, scratch);
}

/* A part of `extent`, about `most` and a multiple of `unit`, such that all are
 * much the same: a last thin one would pack as much for less. */
static int64_t gemm_even(int64_t extent, int64_t most, int64_t unit) {
  int64_t parts = (extent + most / 2) / most;
  if (parts < 1) parts = 1;
  return gemm_round((extent + parts - 1) / parts, unit);
}

static void gemm_plan(gemm_call* g, bool share) {
  const gemm_problem* p = g->p;
  const int mr = g->t->mr[p->kind], nr = g->t->nr[p->kind];
  const size_t lane = gemm_kind_size(p->kind);
  const int64_t half = lane == 4 ? 1 : 2;
  g->kc = gemm_even(p->k, GEMM_KC / half, 1);
  g->mc = gemm_even(p->m, GEMM_MC, mr);
  g->nc = gemm_even(p->n, GEMM_NC / half, nr);
  if (share) {
    /* Some parts for each thread, but no thinner than packing is worth. */
    const int64_t want = 3 * (int64_t)pool_threads();
    for (;;) {
      const int64_t tiles = p->batch * ((p->m + g->mc - 1) / g->mc) *
                            ((p->n + g->nc - 1) / g->nc);
      if (tiles >= want) break;
      if (g->nc >= g->mc && g->nc > 4 * nr)
        g->nc = gemm_round(g->nc / 2, nr);
      else if (g->mc > 4 * mr)
        g->mc = gemm_round(g->mc / 2, mr);
      else
        break;
    }
  }
  g->tiles_m = (p->m + g->mc - 1) / g->mc;
  g->tiles_n = (p->n + g->nc - 1) / g->nc;
  g->a_bytes = (size_t)gemm_round((int64_t)(g->mc * g->kc * lane), 64);
  g->b_bytes = (size_t)gemm_round((int64_t)(g->nc * g->kc * lane), 64);
  g->tile_bytes = (size_t)(g->mc * g->nc) * lane;
}

int gemm_run(const gemm_problem* p) {
  gemm_call g = {.p = p, .t = gemm_kernels()};
  /* Extents are below 2^31 each; the product as double cannot overflow. */
  const double work = (double)p->m * (double)p->n * (double)(p->k + 16);
  const bool share = work * (double)p->batch > GEMM_INLINE;
  gemm_plan(&g, share);
  const int64_t parts = p->batch * g.tiles_m * g.tiles_n;
  /* Many tiny products: several a part. */
  int64_t grain = share ? 1 : parts;
  const double each = (double)g.mc * (double)g.nc * (double)(p->k + 16);
  if (share && each < GEMM_INLINE / 4)
    grain = (int64_t)(GEMM_INLINE / 4 / each);
  pool_for(parts, grain, gemm_parts, &g);
  return atomic_load(&g.failed);
}
