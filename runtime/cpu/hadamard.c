#include "cpu/hadamard.h"

#include <stdatomic.h>

#include "cpu/gemm.h"
#include "cpu/isa.h"
#include "cpu/lead.h"
#include "cpu/scratch.h"
#include "cpu/tile.h"
#include "stream/pool.h"

ISA_DECLARE(hadamard_table, hadamard_table)

/* Bit k of row j: element (j, k) is +1. */
static const uint32_t rows_12[12] = {
    0xffd,
    0x554,
    0xc37,
    0x691,
    0x0df,
    0xa45,
    0x373,
    0x919,
    0xdc3,
    0x469,
    0x70f,
    0x1a5};
static const uint32_t rows_20[20] = {
    0x6cc21, 0xd1c42, 0xab884, 0x5f108, 0xb6610, 0x9c83e, 0x3945d,
    0x7289b, 0xe5117, 0xca60f, 0xf05ac, 0xe8b58, 0xd92b1, 0xba163,
    0x7c2c6, 0x08592, 0x10b05, 0x2122a, 0x42074, 0x840c9};
static const uint32_t rows_28[28] = {
    0x3296181, 0x6528382, 0xc854704, 0x92a8e08, 0x2751c10, 0x4ca7820,
    0x994b0c0, 0x4b980bc, 0x9534178, 0x2a6c271, 0x54d8463, 0xa9b0847,
    0x536500f, 0xa4ce01e, 0x7804cda, 0xf009935, 0xe21326a, 0xc6224d5,
    0x8e409ab, 0x1e81356, 0x3d0262d, 0x030ed66, 0x041dacd, 0x083b51b,
    0x1072ab6, 0x20e15ec, 0x41c2b59, 0x81856b3};

static const uint32_t* rows_of_order(int m) {
  return m == 12 ? rows_12 : m == 20 ? rows_20 : m == 28 ? rows_28 : NULL;
}

int hadamard_split(int n, int* m, int* power) {
  static const int orders[] = {1, 12, 20, 28};
  for (int i = 0; i < 4; i++) {
    const int rest = n / orders[i];
    if (n <= 0 || n % orders[i] || (rest & (rest - 1))) continue;
    *m = orders[i];
    *power = rest;
    return 0;
  }
  return 1;
}

typedef struct hadamard_call {
  const lz_view *in, *out;
  int m, power;
  int64_t block;            /* lines at a time */
  bool in_dense, out_dense; /* lines follow each other */
  float scale;
  _Atomic int failed;
} hadamard_call;

/* Elements that stay in the first level cache. */
#define HADAMARD_BLOCK 2048

static void hadamard_blocks(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  hadamard_call* c = ctx;
  const gemm_table* g = gemm_kernels();
  const int64_t n = (int64_t)c->m * c->power;
  const int last = c->in->ndim - 1;
  const int64_t all = view_size(c->in) / n;
  const size_t size = dtype_size(c->in->dtype);
  /* Room for lines as they are after those as floats. */
  float* x =
      scratch_get(SCRATCH_KERNEL, 2 * (size_t)(c->block * n) * sizeof *x);
  if (!x) {
    atomic_store(&c->failed, 1);
    return;
  }
  for (int64_t b = begin; b < end; b++) {
    const int64_t first = b * c->block;
    const int64_t count = all - first < c->block ? all - first : c->block;
    const char* from = lead_data(c->in, first * n);
    if (!c->in_dense) {
      from = (char*)(x + c->block * n);
      tile_gather(
          x + c->block * n,
          c->in->data,
          size,
          c->in->ndim,
          c->in->shape,
          c->in->strides,
          first * n,
          (int)(count * n));
    }
    g->load[c->in->dtype](x, from, 1, count * n);
    ISA_PICK(hadamard_table)
        ->lines(x, count, c->m, c->power, rows_of_order(c->m), c->scale);
    const int64_t runs = c->out_dense ? 1 : count;
    for (int64_t r = 0; r < runs; r++)
      g->store[c->out->dtype](
          lead_data(c->out, lead_nth(c->out, 1, first + r)),
          c->out_dense ? 1 : c->out->strides[last],
          x + r * n,
          count * n / runs);
  }
}

int hadamard_run(const lz_view* in, const lz_view* out, float scale) {
  if (view_size(in) == 0) return 0;
  hadamard_call c = {.in = in, .out = out, .scale = scale};
  const int n = in->shape[in->ndim - 1];
  if (hadamard_split(n, &c.m, &c.power)) return 1;
  c.in_dense = view_is_contiguous(in);
  c.out_dense = view_is_contiguous(out);
  c.block = n < HADAMARD_BLOCK ? HADAMARD_BLOCK / n : 1;
  const int64_t blocks = (view_size(in) / n + c.block - 1) / c.block;
  const int64_t grain = 16384 / (c.block * n);
  pool_for(blocks, grain < 1 ? 1 : grain, hadamard_blocks, &c);
  return atomic_load(&c.failed);
}
