#include "cpu/simd/conv.h"

#include "cpu/simd/vec.h"

/* Outputs [o, outputs) one by one. */
static void rest(
    float* out,
    const float* x,
    const conv_taps* taps,
    int64_t channels,
    int64_t outputs,
    int64_t o) {
  for (; o < outputs; o++) {
    float sum = 0;
    for (int t = 0; t < taps->count; t++)
      for (int64_t c = 0; c < channels; c++)
        sum += x[taps->offset[t] + c] * taps->w[t][c * outputs + o];
    out[o] = sum;
  }
}

static void group(
    float* out,
    const float* x,
    const conv_taps* taps,
    int64_t channels,
    int64_t outputs) {
  int64_t o = 0;
  for (; o + VEC_F32 <= outputs; o += VEC_F32) {
    vec_f32 sum = {0};
    for (int t = 0; t < taps->count; t++) {
      const float *at = x + taps->offset[t], *w = taps->w[t] + o;
      for (int64_t c = 0; c < channels; c++, w += outputs)
        sum += at[c] * vec_load_f32(w);
    }
    vec_store_f32(out + o, sum);
  }
  typedef float four __attribute__((vector_size(16), aligned(4)));
  for (; o + 4 <= outputs; o += 4) {
    four sum = {0};
    for (int t = 0; t < taps->count; t++) {
      const float *at = x + taps->offset[t], *w = taps->w[t] + o;
      for (int64_t c = 0; c < channels; c++, w += outputs)
        sum += at[c] * *(const four*)w;
    }
    *(four*)(out + o) = sum;
  }
  rest(out, x, taps, channels, outputs, o);
}

static void depth(
    float* out, const float* x, const conv_taps* taps, int64_t n) {
  int64_t i = 0;
  for (; i + VEC_F32 <= n; i += VEC_F32) {
    vec_f32 sum = {0};
    for (int t = 0; t < taps->count; t++)
      sum +=
          vec_load_f32(x + taps->offset[t] + i) * vec_load_f32(taps->w[t] + i);
    vec_store_f32(out + i, sum);
  }
  for (; i < n; i++) {
    float sum = 0;
    for (int t = 0; t < taps->count; t++)
      sum += x[taps->offset[t] + i] * taps->w[t][i];
    out[i] = sum;
  }
}

static void line(
    float* restrict sum,
    const float* restrict x,
    int64_t step,
    float w,
    int64_t n) {
#define LINE(step) \
  for (int64_t i = 0; i < n; i++) sum[i] += w * x[i * (step)]
  /* Steps known in advance are vectors, too. */
  switch (step) {
    case 1:
      LINE(1);
      break;
    case 2:
      LINE(2);
      break;
    case 4:
      LINE(4);
      break;
    default:
      LINE(step);
  }
#undef LINE
}

const conv_table ISA_NAME(conv_kernels) = {
    .group = group, .depth = depth, .line = line};
