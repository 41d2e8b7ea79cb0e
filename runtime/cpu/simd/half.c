#include "cpu/simd/half.h"

#include "cpu/simd/vec.h"

static void round_half(lz_dtype d, float* x, int64_t n) {
  uint16_t some[256];
  for (int64_t i = 0; i < n; i += 256) {
    int64_t m = n - i < 256 ? n - i : 256;
    vec_narrow(d, some, x + i, m);
    vec_widen(d, x + i, some, m);
  }
}

const half_table ISA_NAME(half_kernels) = {
    .widen = vec_widen,
    .narrow = vec_narrow,
    .round = round_half,
};
