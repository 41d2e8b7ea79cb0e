#include "cpu/gemm.h"

#include <stdatomic.h>
#include <string.h>
#if defined(__x86_64__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "cpu/gemm_tiny.h"
#include "cpu/isa.h"
#include "cpu/scratch.h"
#include "stream/pool.h"

ISA_DECLARE(gemm_table, gemm_table)
ISA_DECLARE(gemm_tiny_table, gemm_tiny_table)

const gemm_table* gemm_kernels(void) {
  return ISA_PICK(gemm_table);
}

const gemm_tiny_table* gemm_tiny_kernels(void) {
  return ISA_PICK(gemm_tiny_table);
}

#if defined(__x86_64__)
/* The system gives the registers of tiles to processes that ask. */
static bool gemm_ask_for_tiles(void) {
  enum { REQUEST = 0x1023, TILE_DATA = 18 };
  return __builtin_cpu_supports("amx-tile") &&
         __builtin_cpu_supports("amx-bf16") &&
         __builtin_cpu_supports("avx512bf16") &&
         syscall(SYS_arch_prctl, REQUEST, TILE_DATA) == 0;
}
#endif

bool gemm_has_split(void) {
#if defined(__x86_64__)
  static _Atomic int known = -1;
  int has = atomic_load_explicit(&known, memory_order_relaxed);
  if (has < 0) {
    has = gemm_kernels()->split_a && gemm_ask_for_tiles();
    atomic_store_explicit(&known, has, memory_order_relaxed);
  }
  return has;
#else
  return false;
#endif
}

/* Extents of a block; its two packed operands and its tile stay in a second
 * level cache of 2 MiB. Elements of eight bytes: half of two of them. */
#define GEMM_MC 252
#define GEMM_NC 512

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

static int64_t gemm_max(int64_t a, int64_t b) {
  return a > b ? a : b;
}

/* What kernels take k in. */
static int64_t gemm_unit(gemm_kind kind) {
  return kind == GEMM_SPLIT ? GEMM_SPLIT_K : 1;
}

/* A rectangle of one product. */
typedef struct gemm_rect {
  int64_t batch, i0, rows, j0, cols, ld;
} gemm_rect;

/* The products of kn of k from k0 on, on top of what the tile holds unless k0
 * is 0. Nonzero: not done, this kind cannot hold them. */
static int gemm_add(
    const gemm_call* g,
    const gemm_problem* p,
    const gemm_rect* r,
    int64_t k0,
    int64_t kn,
    char* scratch) {
  const int mr = g->t->mr[p->kind], nr = g->t->nr[p->kind];
  const size_t lane =
      (size_t)gemm_round(kn, gemm_unit(p->kind)) * gemm_kind_size(p->kind);
  const size_t a_panel = lane * (size_t)mr, b_panel = lane * (size_t)nr;
  char *a = scratch, *b = a + g->a_bytes, *tile = b + g->b_bytes;
  for (int64_t i = 0; i < r->rows; i += mr)
    if (p->pack_a(
            p->ctx,
            r->batch,
            a + i / mr * a_panel,
            mr,
            r->i0 + i,
            (int)gemm_min(mr, r->rows - i),
            k0,
            kn))
      return 1;
  int status = 0;
  if (g->t->enter[p->kind]) g->t->enter[p->kind]();
  for (int64_t j = 0; j < r->cols && !status; j += nr) {
    char* panel = b + j / nr * b_panel;
    status = p->pack_b(
        p->ctx,
        r->batch,
        panel,
        nr,
        r->j0 + j,
        (int)gemm_min(nr, r->cols - j),
        k0,
        kn);
    for (int64_t i = 0; i < r->rows && !status; i += mr)
      g->t->kernel[p->kind](
          kn,
          a + i / mr * a_panel,
          panel,
          tile + (i * r->ld + j) * gemm_kind_size(p->kind),
          r->ld,
          k0 > 0);
  }
  if (g->t->leave[p->kind]) g->t->leave[p->kind]();
  return status;
}

static void gemm_block(gemm_call* g, int64_t index, char* scratch) {
  const gemm_problem *p = g->p, *kind = p;
  const int64_t in_batch = index % (g->tiles_m * g->tiles_n);
  gemm_rect r = {
      .batch = index / (g->tiles_m * g->tiles_n),
      /* Neighbouring parts share columns of b. */
      .i0 = in_batch % g->tiles_m * g->mc,
      .j0 = in_batch / g->tiles_m * g->nc};
  r.rows = gemm_min(g->mc, p->m - r.i0);
  r.cols = gemm_min(g->nc, p->n - r.j0);
  r.ld = gemm_round(r.cols, g->t->nr[p->kind]);
  char* tile = scratch + g->a_bytes + g->b_bytes;
  if (p->k == 0) memset(tile, 0, g->tile_bytes);
  for (int64_t k0 = 0; k0 < p->k;) {
    const int64_t kn = gemm_min(
        p->k - k0, gemm_round(gemm_next(p->k - k0, g->kc), gemm_unit(p->kind)));
    if (!gemm_add(g, kind, &r, k0, kn, scratch)) {
      k0 += kn;
    } else {
      kind = p->plain;
      k0 = 0;
    }
  }
  p->store(p->ctx, r.batch, tile, r.ld, r.i0, r.rows, r.j0, r.cols);
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
  g->kc = gemm_min(gemm_round(p->k, gemm_unit(p->kind)), GEMM_KC / half);
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
  /* Of the other kind as well, whose lanes are as wide. */
  const gemm_kind other = p->plain ? p->plain->kind : p->kind;
  const int64_t rows = gemm_max(g->mc, gemm_round(g->mc, g->t->mr[other]));
  const int64_t cols = gemm_max(g->nc, gemm_round(g->nc, g->t->nr[other]));
  g->a_bytes = (size_t)gemm_round((int64_t)(rows * g->kc * lane), 64);
  g->b_bytes = (size_t)gemm_round((int64_t)(cols * g->kc * lane), 64);
  g->tile_bytes = (size_t)(rows * cols) * lane;
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
