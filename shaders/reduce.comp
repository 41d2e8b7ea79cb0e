// Reduces the middle of (outer, total, inner) in `chunks` pieces of `reduced`
// elements: one group of 256 an element of (outer, chunks, inner). Pieces are
// short because software devices end loops after 65,535 turns.
// kind: 2 sum, 3 product, 4 minimum, 5 maximum, as reduce_kind.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
layout(local_size_x = 256) in;

PARAMS(uint64_t a; uint64_t c; uint outer; uint reduced; uint inner; uint kind;
       uint total; uint chunks;)

shared float parts[256];

float join(float x, float y) {
  if (p.kind == 2) return x + y;
  if (p.kind == 3) return x * y;
  if (isnan(x) || isnan(y)) return isnan(x) ? x : y;
  return p.kind == 4 ? min(x, y) : max(x, y);
}

void main() {
  uint o = gl_WorkGroupID.x + gl_WorkGroupID.y * 65535u;
  if (o >= p.outer * p.chunks * p.inner) return;
  uint i = gl_LocalInvocationID.x;
  uint row = o / p.inner, chunk = row % p.chunks;
  uint first = (row / p.chunks * p.total + chunk * p.reduced) * p.inner + o % p.inner;
  uint n = min(p.reduced, p.total - chunk * p.reduced);
  Floats a = Floats(p.a), c = Floats(p.c);
  float none = p.kind == 2 ? 0.0 : p.kind == 3 ? 1.0 : p.kind == 4 ? 1.0 / 0.0 : -1.0 / 0.0;
  float x = none;
  for (uint r = i; r < n; r += 256) x = join(x, a.v[first + r * p.inner]);
  parts[i] = x;
  barrier();
  for (uint s = 128; s > 0; s >>= 1) {
    if (i < s) parts[i] = join(parts[i], parts[i + s]);
    barrier();
  }
  if (i == 0) c.v[o] = parts[0];
}
