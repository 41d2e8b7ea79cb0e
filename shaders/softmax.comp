// Softmax of one row a group of 256.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
layout(local_size_x = 256) in;

PARAMS(uint64_t a; uint64_t c; uint rows; uint width;)

shared float parts[256];

float total(float x, bool greatest) {
  uint i = gl_LocalInvocationID.x;
  parts[i] = x;
  barrier();
  for (uint s = 128; s > 0; s >>= 1) {
    if (i < s) {
      float y = parts[i + s];
      parts[i] = greatest ? max(parts[i], y) : parts[i] + y;
    }
    barrier();
  }
  float r = parts[0];
  barrier();
  return r;
}

void main() {
  uint row = gl_WorkGroupID.x + gl_WorkGroupID.y * 65535u;
  if (row >= p.rows) return;
  uint i = gl_LocalInvocationID.x, first = row * p.width;
  Floats a = Floats(p.a), c = Floats(p.c);
  float top = -1.0 / 0.0;
  for (uint k = i; k < p.width; k += 256) top = max(top, a.v[first + k]);
  top = total(top, true);
  float sum = 0.0;
  for (uint k = i; k < p.width; k += 256) sum += exp(a.v[first + k] - top);
  sum = total(sum, false);
  for (uint k = i; k < p.width; k += 256)
    c.v[first + k] = exp(a.v[first + k] - top) / sum;
}
