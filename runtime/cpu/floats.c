#include "cpu/floats.h"

#include "cpu/simd/half.h"
#include "cpu/walk.h"

enum { SOME = 256 };

static bool is_half(lz_dtype d) {
  return dtype_size(d) == 2;
}

const void* floats_load(
    lz_dtype d, const void* x, int64_t stride, int64_t n, void* tile) {
  assert(dtype_is_float(d));
  if (!is_half(d)) {
    if (stride == 1) return x;
    walk_copy(tile, 1, x, stride, n, dtype_size(d));
    return tile;
  }
  const half_table* half = ISA_PICK(half_kernels);
  if (stride == 1) {
    half->widen(d, tile, x, n);
    return tile;
  }
  uint16_t some[SOME];
  for (int64_t i = 0; i < n; i += SOME) {
    int64_t m = n - i < SOME ? n - i : SOME;
    walk_copy(some, 1, (const uint16_t*)x + i * stride, stride, m, 2);
    half->widen(d, (float*)tile + i, some, m);
  }
  return tile;
}

void floats_store(
    lz_dtype d, void* out, int64_t stride, const void* tile, int64_t n) {
  assert(dtype_is_float(d));
  if (!is_half(d)) {
    if (out != tile) walk_copy(out, stride, tile, 1, n, dtype_size(d));
    return;
  }
  const half_table* half = ISA_PICK(half_kernels);
  if (stride == 1) {
    half->narrow(d, out, tile, n);
    return;
  }
  uint16_t some[SOME];
  for (int64_t i = 0; i < n; i += SOME) {
    int64_t m = n - i < SOME ? n - i : SOME;
    half->narrow(d, some, (const float*)tile + i, m);
    walk_copy((uint16_t*)out + i * stride, stride, some, 1, m, 2);
  }
}

void floats_round(lz_dtype d, void* tile, int64_t n) {
  if (is_half(d)) ISA_PICK(half_kernels)->round(d, tile, n);
}
