#include "cpu/index.h"

#include "cpu/simd/index.h"

void index_run(
    lz_dtype dtype,
    const void* p,
    int64_t stride,
    int64_t n,
    int64_t extent,
    int64_t room,
    bool clamp,
    int64_t* positions) {
  const index_table* kernels = ISA_PICK(index_kernels);
  assert(kernels->run[dtype]);
  kernels->run[dtype](p, stride, n, extent, room, clamp, positions);
}

void index_read(
    const lz_view* v,
    const walk* w,
    int64_t begin,
    int64_t n,
    int64_t extent,
    int64_t room,
    bool clamp,
    int64_t* positions) {
  int64_t size = (int64_t)dtype_size(v->dtype);
  walk_at at;
  walk_seek(w, &at, begin);
  while (n > 0) {
    int64_t m = walk_left(w, &at);
    if (m > n) m = n;
    index_run(
        v->dtype,
        (const uint8_t*)v->data + at.offset[0] * size,
        walk_stride(w, 0),
        m,
        extent,
        room,
        clamp,
        positions);
    positions += m;
    n -= m;
    if (n > 0) walk_skip(w, &at, m);
  }
}
