// out = a @ b for one batch a z-group. Tiles of 16 x 16 pass through shared
// memory; strides are in elements, so transposed operands need no copy.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
layout(local_size_x = 16, local_size_y = 16) in;

PARAMS(uint64_t a; uint64_t b; uint64_t c; uint m; uint n; uint k; uint batch;
       int a_row; int a_col; int b_row; int b_col; int ndim; int pad;
       int shape[8]; int a_batch[8]; int b_batch[8];)

shared float ta[16][17];
shared float tb[16][17];

void main() {
  uint row = gl_GlobalInvocationID.y, col = gl_GlobalInvocationID.x;
  uint ly = gl_LocalInvocationID.y, lx = gl_LocalInvocationID.x;
  uint z = gl_GlobalInvocationID.z, rest = z;
  int oa = 0, ob = 0;
  for (int d = p.ndim - 1; d >= 0; d--) {
    int at = int(rest % uint(p.shape[d]));
    rest /= uint(p.shape[d]);
    oa += at * p.a_batch[d];
    ob += at * p.b_batch[d];
  }
  Floats a = Floats(p.a), b = Floats(p.b), c = Floats(p.c);
  float sum = 0.0;
  for (uint t = 0; t < p.k; t += 16) {
    uint ka = t + lx, kb = t + ly;
    ta[ly][lx] = row < p.m && ka < p.k
                     ? a.v[oa + int(row) * p.a_row + int(ka) * p.a_col]
                     : 0.0;
    tb[ly][lx] = col < p.n && kb < p.k
                     ? b.v[ob + int(kb) * p.b_row + int(col) * p.b_col]
                     : 0.0;
    barrier();
    for (uint i = 0; i < 16; i++) sum += ta[ly][i] * tb[i][lx];
    barrier();
  }
  if (row < p.m && col < p.n) c.v[(z * p.m + row) * p.n + col] = sum;
}
