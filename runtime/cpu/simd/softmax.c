#include "cpu/simd/softmax.h"

#include "cpu/simd/vec.h"

VEC_MATH(exp)

#define SOFTMAX(s, T, LANES)                                                 \
  static double max_##s(const void* xv, int64_t n, double m) {               \
    const T* x = xv;                                                         \
    T lane[4 * LANES], top = (T)m;                                           \
    int64_t i = 0;                                                           \
    for (int k = 0; k < 4 * LANES; k++) lane[k] = top;                       \
    for (; i + 4 * LANES <= n; i += 4 * LANES)                               \
      for (int k = 0; k < 4 * LANES; k++)                                    \
        lane[k] = x[i + k] > lane[k] ? x[i + k] : lane[k];                   \
    for (; i < n; i++) top = x[i] > top ? x[i] : top;                        \
    for (int k = 0; k < 4 * LANES; k++) top = lane[k] > top ? lane[k] : top; \
    return top;                                                              \
  }                                                                          \
  static double exp_sum_##s(const void* xv, int64_t n, double m, void* ev) { \
    const T* x = xv;                                                         \
    T* e = ev;                                                               \
    vec_##s sum = {0}, shift = (T)m - (vec_##s){0};                          \
    int64_t i = 0;                                                           \
    for (; i + LANES <= n; i += LANES) {                                     \
      vec_##s t = vec_exp_##s(vec_load_##s(x + i) - shift);                  \
      if (e) vec_store_##s(e + i, t);                                        \
      sum += t;                                                              \
    }                                                                        \
    if (i < n) {                                                             \
      T rest[LANES];                                                         \
      for (int k = 0; k < LANES; k++)                                        \
        rest[k] = i + k < n ? x[i + k] : -(T)INFINITY;                       \
      vec_##s t = vec_exp_##s(vec_load_##s(rest) - shift);                   \
      vec_store_##s(rest, t);                                                \
      if (e) memcpy(e + i, rest, (size_t)(n - i) * sizeof(T));               \
      sum += t;                                                              \
    }                                                                        \
    T total = 0;                                                             \
    for (int k = 0; k < LANES; k++) total += sum[k];                         \
    return total;                                                            \
  }                                                                          \
  static void scale_##s(void* ev, int64_t n, double f) {                     \
    T *e = ev, by = (T)f;                                                    \
    for (int64_t i = 0; i < n; i++) e[i] *= by;                              \
  }                                                                          \
  static void cols_##s(                                                      \
      const void* xv,                                                        \
      int64_t x_stride,                                                      \
      void* outv,                                                            \
      int64_t out_stride,                                                    \
      int64_t rows,                                                          \
      int64_t cols) {                                                        \
    T top[SOFTMAX_COLS], line[SOFTMAX_COLS], sum[SOFTMAX_COLS] = {0};        \
    const T* x = xv;                                                         \
    for (int64_t c = 0; c < SOFTMAX_COLS; c++) {                             \
      top[c] = -(T)INFINITY;                                                 \
      line[c] = 0;                                                           \
    }                                                                        \
    for (int64_t r = 0; r < rows; r++, x += x_stride)                        \
      for (int64_t c = 0; c < cols; c++)                                     \
        top[c] = x[c] > top[c] ? x[c] : top[c];                              \
    x = xv;                                                                  \
    T* out = outv;                                                           \
    for (int64_t r = 0; r < rows; r++, x += x_stride, out += out_stride) {   \
      memcpy(line, x, (size_t)cols * sizeof(T));                             \
      for (int64_t c = 0; c < cols; c += LANES) {                            \
        vec_##s t =                                                          \
            vec_exp_##s(vec_load_##s(line + c) - vec_load_##s(top + c));     \
        vec_store_##s(line + c, t);                                          \
        vec_store_##s(sum + c, vec_load_##s(sum + c) + t);                   \
      }                                                                      \
      memcpy(out, line, (size_t)cols * sizeof(T));                           \
    }                                                                        \
    for (int64_t c = 0; c < SOFTMAX_COLS; c++) sum[c] = 1 / sum[c];          \
    out = outv;                                                              \
    for (int64_t r = 0; r < rows; r++, out += out_stride)                    \
      for (int64_t c = 0; c < cols; c++) out[c] *= sum[c];                   \
  }

SOFTMAX(f32, float, VEC_F32)
SOFTMAX(f64, double, VEC_F64)

const softmax_table ISA_NAME(softmax_kernels) = {
    .max = {max_f32, max_f64},
    .exp_sum = {exp_sum_f32, exp_sum_f64},
    .scale = {scale_f32, scale_f64},
    .cols = {cols_f32, cols_f64},
};
