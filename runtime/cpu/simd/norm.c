#include "cpu/simd/norm.h"

#include "cpu/simd/vec.h"

#define INLINE static inline __attribute__((always_inline))

#define NORM(s, T, LANES)                                                      \
  INLINE vec_##s sums_##s(const T* x, int64_t n) {                             \
    vec_##s a = {0}, b = {0}, c = {0}, d = {0};                                \
    int64_t i = 0;                                                             \
    for (; i + 4 * LANES <= n; i += 4 * LANES) {                               \
      a += vec_load_##s(x + i);                                                \
      b += vec_load_##s(x + i + LANES);                                        \
      c += vec_load_##s(x + i + 2 * LANES);                                    \
      d += vec_load_##s(x + i + 3 * LANES);                                    \
    }                                                                          \
    for (; i < n; i += LANES) a += vec_load_some_##s(x + i, n - i, 0);         \
    return (a + b) + (c + d);                                                  \
  }                                                                            \
  INLINE vec_##s squares_of_##s(const T* x, int64_t n, T m) {                  \
    vec_##s a = {0}, b = {0}, c = {0}, d = {0}, v;                             \
    int64_t i = 0;                                                             \
    for (; i + 4 * LANES <= n; i += 4 * LANES) {                               \
      v = vec_load_##s(x + i) - m;                                             \
      a += v * v;                                                              \
      v = vec_load_##s(x + i + LANES) - m;                                     \
      b += v * v;                                                              \
      v = vec_load_##s(x + i + 2 * LANES) - m;                                 \
      c += v * v;                                                              \
      v = vec_load_##s(x + i + 3 * LANES) - m;                                 \
      d += v * v;                                                              \
    }                                                                          \
    for (; i < n; i += LANES) {                                                \
      v = vec_load_some_##s(x + i, n - i, m) - m;                              \
      a += v * v;                                                              \
    }                                                                          \
    return (a + b) + (c + d);                                                  \
  }                                                                            \
  static double sum_##s(const void* x, int64_t n) {                            \
    vec_##s v = sums_##s(x, n);                                                \
    double total = 0;                                                          \
    for (int k = 0; k < LANES; k++) total += v[k];                             \
    return total;                                                              \
  }                                                                            \
  static double squares_##s(const void* x, int64_t n, double shift) {          \
    vec_##s v = squares_of_##s(x, n, (T)shift);                                \
    double total = 0;                                                          \
    for (int k = 0; k < LANES; k++) total += v[k];                             \
    return total;                                                              \
  }                                                                            \
  INLINE void scale_##s(                                                       \
      const T* x, int64_t n, T m, T f, const T* w, const T* b, T* out) {       \
    if (w && b)                                                                \
      for (int64_t i = 0; i < n; i++) out[i] = (x[i] - m) * f * w[i] + b[i];   \
    else if (w)                                                                \
      for (int64_t i = 0; i < n; i++) out[i] = (x[i] - m) * f * w[i];          \
    else if (b)                                                                \
      for (int64_t i = 0; i < n; i++) out[i] = (x[i] - m) * f + b[i];          \
    else                                                                       \
      for (int64_t i = 0; i < n; i++) out[i] = (x[i] - m) * f;                 \
  }                                                                            \
  static void apply_##s(                                                       \
      const void* x,                                                           \
      int64_t n,                                                               \
      double shift,                                                            \
      double scale,                                                            \
      const void* w,                                                           \
      const void* b,                                                           \
      void* out) {                                                             \
    scale_##s(x, n, (T)shift, (T)scale, w, b, out);                            \
  }                                                                            \
  static void rows_##s(                                                        \
      const void* xv,                                                          \
      int64_t stride,                                                          \
      int64_t n,                                                               \
      int64_t rows,                                                            \
      bool centred,                                                            \
      double eps,                                                              \
      const void* w,                                                           \
      const void* b,                                                           \
      void* outv,                                                              \
      int64_t out_stride) {                                                    \
    const T* x = xv;                                                           \
    T *out = outv, m = 0;                                                      \
    const double each = 1 / (double)n;                                         \
    for (int64_t r = 0; r < rows; r++, x += stride, out += out_stride) {       \
      if (centred) m = (T)(vec_total_##s(sums_##s(x, n)) * each);              \
      double squares = vec_total_##s(squares_of_##s(x, n, m));                 \
      scale_##s(x, n, m, (T)(1 / sqrt(squares * each + eps)), w, b, out);      \
    }                                                                          \
  }                                                                            \
  static void scaled_##s(                                                      \
      void* xv, int64_t n, int64_t rows, const void* wv, const void* bv) {     \
    const T *w = wv, *b = bv;                                                  \
    T* x = xv;                                                                 \
    for (int64_t r = 0; r < rows; r++, x += n) {                               \
      if (w)                                                                   \
        for (int64_t i = 0; i < n; i++) x[i] *= w[i];                          \
      if (b)                                                                   \
        for (int64_t i = 0; i < n; i++) x[i] += b[i];                          \
    }                                                                          \
  }                                                                            \
  static void dots_##s(                                                        \
      const void* xv,                                                          \
      const void* gv,                                                          \
      const void* wv,                                                          \
      int64_t n,                                                               \
      double shift,                                                            \
      double* u_sum,                                                           \
      double* ux_sum) {                                                        \
    const T *x = xv, *g = gv, *w = wv;                                         \
    T m = (T)shift;                                                            \
    vec_##s a = {0}, b = {0};                                                  \
    int64_t i = 0;                                                             \
    for (; i + LANES <= n; i += LANES) {                                       \
      vec_##s u = vec_load_##s(g + i);                                         \
      if (w) u *= vec_load_##s(w + i);                                         \
      a += u;                                                                  \
      b += u * (vec_load_##s(x + i) - m);                                      \
    }                                                                          \
    for (int k = 0; k < LANES; k++) {                                          \
      *u_sum += a[k];                                                          \
      *ux_sum += b[k];                                                         \
    }                                                                          \
    for (; i < n; i++) {                                                       \
      T u = w ? g[i] * w[i] : g[i];                                            \
      *u_sum += u;                                                             \
      *ux_sum += u * (x[i] - m);                                               \
    }                                                                          \
  }                                                                            \
  static void slope_##s(                                                       \
      const void* xv,                                                          \
      const void* gv,                                                          \
      const void* wv,                                                          \
      int64_t n,                                                               \
      double shift,                                                            \
      double scale,                                                            \
      double mean,                                                             \
      double slope,                                                            \
      void* gxv) {                                                             \
    const T *x = xv, *g = gv, *w = wv;                                         \
    T *gx = gxv, m = (T)shift, f = (T)scale, a = (T)mean, c = (T)slope;        \
    if (w)                                                                     \
      for (int64_t i = 0; i < n; i++)                                          \
        gx[i] = (g[i] * w[i] - a) * f - (x[i] - m) * c;                        \
    else                                                                       \
      for (int64_t i = 0; i < n; i++) gx[i] = (g[i] - a) * f - (x[i] - m) * c; \
  }                                                                            \
  static void collect_##s(                                                     \
      const void* xv,                                                          \
      const void* gv,                                                          \
      int64_t n,                                                               \
      double shift,                                                            \
      double scale,                                                            \
      void* gwv,                                                               \
      void* gbv) {                                                             \
    const T *x = xv, *g = gv;                                                  \
    T *gw = gwv, *gb = gbv, m = (T)shift, f = (T)scale;                        \
    if (gw)                                                                    \
      for (int64_t i = 0; i < n; i++) gw[i] += g[i] * ((x[i] - m) * f);        \
    if (gb)                                                                    \
      for (int64_t i = 0; i < n; i++) gb[i] += g[i];                           \
  }                                                                            \
  /* n rows among themselves, then joined to those before (Chan et al.). */    \
  INLINE void moments_some_##s(                                                \
      const T* x,                                                              \
      int64_t stride,                                                          \
      const int n,                                                             \
      int64_t cols,                                                            \
      int64_t before,                                                          \
      T* mean,                                                                 \
      T* squares) {                                                            \
    const T all = (T)(before + n), share = (T)n / all;                         \
    const T both = (T)before * share, each = 1 / (T)n;                         \
    int64_t c = 0;                                                             \
    for (; c + LANES <= cols; c += LANES) {                                    \
      vec_##s sum = {0}, off = {0};                                            \
      for (int r = 0; r < n; r++) {                                            \
        __builtin_prefetch(x + (n + r) * stride + c, 0, 2);                    \
        sum += vec_load_##s(x + r * stride + c);                               \
      }                                                                        \
      sum *= each;                                                             \
      for (int r = 0; r < n; r++) {                                            \
        vec_##s v = vec_load_##s(x + r * stride + c) - sum;                    \
        off += v * v;                                                          \
      }                                                                        \
      vec_##s m = vec_load_##s(mean + c), d = sum - m;                         \
      vec_store_##s(mean + c, m + d * share);                                  \
      off += d * d * both;                                                     \
      vec_store_##s(squares + c, vec_load_##s(squares + c) + off);             \
    }                                                                          \
    for (; c < cols; c++) {                                                    \
      T sum = 0, off = 0;                                                      \
      for (int r = 0; r < n; r++) sum += x[r * stride + c];                    \
      sum *= each;                                                             \
      for (int r = 0; r < n; r++)                                              \
        off += (x[r * stride + c] - sum) * (x[r * stride + c] - sum);          \
      T d = sum - mean[c];                                                     \
      mean[c] += d * share;                                                    \
      squares[c] += off + d * d * both;                                        \
    }                                                                          \
  }                                                                            \
  static void moments_##s(                                                     \
      const void* xv,                                                          \
      int64_t stride,                                                          \
      int64_t rows,                                                            \
      int64_t cols,                                                            \
      int64_t before,                                                          \
      void* mean,                                                              \
      void* squares) {                                                         \
    const T* x = xv;                                                           \
    int64_t r = 0;                                                             \
    for (; r + 8 <= rows; r += 8)                                              \
      moments_some_##s(                                                        \
          x + r * stride, stride, 8, cols, before + r, mean, squares);         \
    for (; r < rows; r++)                                                      \
      moments_some_##s(                                                        \
          x + r * stride, stride, 1, cols, before + r, mean, squares);         \
  }                                                                            \
  const norm_table ISA_NAME(norm_kernels_##s) = {                              \
      .moments = moments_##s,                                                  \
      .sum = sum_##s,                                                          \
      .squares = squares_##s,                                                  \
      .apply = apply_##s,                                                      \
      .rows = rows_##s,                                                        \
      .scaled = scaled_##s,                                                    \
      .dots = dots_##s,                                                        \
      .slope = slope_##s,                                                      \
      .collect = collect_##s,                                                  \
  };

NORM(f32, float, VEC_F32)
NORM(f64, double, VEC_F64)
