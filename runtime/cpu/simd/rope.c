#include "cpu/simd/rope.h"

#include "cpu/simd/vec.h"

VEC_MATH(sin)
VEC_MATH(cos)

static void angles(
    float position, const float* freqs, int64_t n, float* cos, float* sin) {
  int64_t i = 0;
  for (; i + VEC_F32 <= n; i += VEC_F32) {
    vec_f32 theta = vec_load_f32(freqs + i) * position;
    vec_store_f32(cos + i, vec_cos_f32(theta));
    vec_store_f32(sin + i, vec_sin_f32(theta));
  }
  if (i < n) {
    float some[VEC_F32] = {0};
    memcpy(some, freqs + i, (size_t)(n - i) * sizeof *some);
    vec_f32 theta = vec_load_f32(some) * position;
    vec_store_f32(some, vec_cos_f32(theta));
    memcpy(cos + i, some, (size_t)(n - i) * sizeof *some);
    vec_store_f32(some, vec_sin_f32(theta));
    memcpy(sin + i, some, (size_t)(n - i) * sizeof *some);
  }
}

static void round_to(lz_dtype d, float* x, int64_t n) {
  uint16_t some[ROPE_TILE];
  vec_narrow(d, some, x, n);
  vec_widen(d, x, some, n);
}

static void turn(
    lz_dtype d,
    const float* a,
    const float* b,
    const float* cos,
    const float* sin,
    bool forward,
    int64_t n,
    float* restrict out_a,
    float* restrict out_b) {
  float ac[ROPE_TILE], bs[ROPE_TILE], as[ROPE_TILE], bc[ROPE_TILE];
  float sign = forward ? 1 : -1;
  if (d == DTYPE_FLOAT32) {
    for (int64_t i = 0; i < n; i++) {
      float s = sign * sin[i], x = a[i], y = b[i];
      out_a[i] = x * cos[i] - y * s;
      out_b[i] = x * s + y * cos[i];
    }
    return;
  }
  for (int64_t i = 0; i < n; i++) {
    ac[i] = a[i] * cos[i];
    bs[i] = b[i] * (sign * sin[i]);
    as[i] = a[i] * (sign * sin[i]);
    bc[i] = b[i] * cos[i];
  }
  round_to(d, ac, n);
  round_to(d, bs, n);
  round_to(d, as, n);
  round_to(d, bc, n);
  for (int64_t i = 0; i < n; i++) {
    out_a[i] = ac[i] - bs[i];
    out_b[i] = as[i] + bc[i];
  }
}

static void turn_steps(
    const float* x,
    int64_t x_step,
    const float (*cos)[ROPE_TILE],
    const float (*sin)[ROPE_TILE],
    bool forward,
    int64_t steps,
    int64_t n,
    int64_t apart,
    float* out,
    int64_t out_step) {
  const float sign = forward ? 1 : -1;
  for (int64_t t = 0; t < steps; t++, x += x_step, out += out_step) {
    int64_t i = 0;
    for (; i + VEC_F32 <= n; i += VEC_F32) {
      const vec_f32 a = vec_load_f32(x + i), b = vec_load_f32(x + apart + i);
      const vec_f32 c = vec_load_f32(cos[t] + i);
      const vec_f32 s = vec_load_f32(sin[t] + i) * sign;
      vec_store_f32(out + i, a * c - b * s);
      vec_store_f32(out + apart + i, a * s + b * c);
    }
    for (; i < n; i++) {
      const float a = x[i], b = x[apart + i], s = sign * sin[t][i];
      out[i] = a * cos[t][i] - b * s;
      out[apart + i] = a * s + b * cos[t][i];
    }
  }
}

const rope_table ISA_NAME(rope_kernels) = {
    .angles = angles, .turn = turn, .turn_steps = turn_steps};
