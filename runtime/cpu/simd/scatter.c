#include "cpu/simd/scatter.h"

#include "cpu/simd/vec.h"

/* The usual case, one line into one that lies together, is a loop of its own.
 */
#define ALONG(name, T, OP)                                                \
  static void name##_along(                                               \
      void* outv,                                                         \
      int64_t to,                                                         \
      int64_t step,                                                       \
      const int64_t* positions,                                           \
      const void* updates,                                                \
      int64_t from,                                                       \
      int64_t n) {                                                        \
    T* out = outv;                                                        \
    const T* x = updates;                                                 \
    if (to == 1 && step == 0 && from == 1) {                              \
      for (int64_t i = 0; i < n; i++)                                     \
        if (positions[i] >= 0)                                            \
          out[positions[i]] = OP(out[positions[i]], x[i]);                \
      return;                                                             \
    }                                                                     \
    for (int64_t i = 0; i < n; i++, out += step)                          \
      if (positions[i] >= 0)                                              \
        out[positions[i] * to] = OP(out[positions[i] * to], x[i * from]); \
  }

/* OP(y, x): what is there, the update. */
#define UPDATE(name, T, OP)                                                   \
  static void name##_line(                                                    \
      void* outv, int64_t to, const void* updates, int64_t from, int64_t n) { \
    T* restrict out = outv;                                                   \
    const T* restrict x = updates;                                            \
    if (to == 1 && from == 1) {                                               \
      for (int64_t i = 0; i < n; i++) out[i] = OP(out[i], x[i]);              \
      return;                                                                 \
    }                                                                         \
    for (int64_t i = 0; i < n; i++)                                           \
      out[i * to] = OP(out[i * to], x[i * from]);                             \
  }                                                                           \
  static void name##_points(                                                  \
      void* outv,                                                             \
      const int64_t* offsets,                                                 \
      int64_t low,                                                            \
      int64_t high,                                                           \
      const void* updates,                                                    \
      int64_t from,                                                           \
      int64_t n) {                                                            \
    T* out = outv;                                                            \
    const T* x = updates;                                                     \
    for (int64_t i = 0; i < n; i++) {                                         \
      int64_t at = offsets[i];                                                \
      if (at >= low && at < high) out[at] = OP(out[at], x[i * from]);         \
    }                                                                         \
  }                                                                           \
  ALONG(name, T, OP)

#define ADD(y, x) ((y) + (x))
#define MUL(y, x) ((y) * (x))
#define MAX(y, x) ((y) > (x) ? (y) : (x))
#define MIN(y, x) ((y) < (x) ? (y) : (x))
#define NAN_MAX(y, x) (((y) > (x)) | ((y) != (y)) ? (y) : (x))
#define NAN_MIN(y, x) (((y) < (x)) | ((y) != (y)) ? (y) : (x))
#define OR(y, x) ((y) | (x))
#define AND(y, x) ((y) & (x))
#define SET(y, x) ((void)(y), (x))
/* Narrow products promote to int, which uint16_t overflows. */
#define MUL_U(y, x) (uint64_t)(y) * (uint64_t)(x)

UPDATE(set_8, uint8_t, SET)
UPDATE(set_16, uint16_t, SET)
UPDATE(set_32, uint32_t, SET)
UPDATE(set_64, uint64_t, SET)

UPDATE(or_b8, uint8_t, OR)
UPDATE(and_b8, uint8_t, AND)
UPDATE(sum_8, uint8_t, ADD)
UPDATE(sum_16, uint16_t, ADD)
UPDATE(sum_32, uint32_t, ADD)
UPDATE(sum_64, uint64_t, ADD)
UPDATE(sum_f32, float, ADD)
UPDATE(sum_f64, double, ADD)
UPDATE(prod_8, uint8_t, MUL)
UPDATE(prod_16, uint16_t, MUL_U)
UPDATE(prod_32, uint32_t, MUL)
UPDATE(prod_64, uint64_t, MUL)
UPDATE(prod_f32, float, MUL)
UPDATE(prod_f64, double, MUL)
#define EXTREMES(s, T) UPDATE(max_##s, T, MAX) UPDATE(min_##s, T, MIN)
EXTREMES(u8, uint8_t)
EXTREMES(u16, uint16_t)
EXTREMES(u32, uint32_t)
EXTREMES(u64, uint64_t)
EXTREMES(i8, int8_t)
EXTREMES(i16, int16_t)
EXTREMES(i32, int32_t)
EXTREMES(i64, int64_t)
EXTREMES(f32, float)
EXTREMES(f64, double)
UPDATE(nan_max_f32, float, NAN_MAX)
UPDATE(nan_min_f32, float, NAN_MIN)
UPDATE(nan_max_f64, double, NAN_MAX)
UPDATE(nan_min_f64, double, NAN_MIN)

static inline lz_complex c64_add(lz_complex a, lz_complex b) {
  return (lz_complex){a.re + b.re, a.im + b.im};
}
static inline lz_complex c64_mul(lz_complex a, lz_complex b) {
  return (lz_complex){a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}
static inline int c64_more(lz_complex a, lz_complex b) {
  return a.re > b.re || (a.re == b.re && a.im > b.im);
}
#define C64_MAX(y, x) (c64_more(y, x) ? (y) : (x))
#define C64_MIN(y, x) (c64_more(x, y) ? (y) : (x))
#define C64_NAN_MAX(y, x) ((y).re != (y).re ? (y) : C64_MAX(y, x))
#define C64_NAN_MIN(y, x) ((y).re != (y).re ? (y) : C64_MIN(y, x))
UPDATE(sum_c64, lz_complex, c64_add)
UPDATE(prod_c64, lz_complex, c64_mul)
UPDATE(max_c64, lz_complex, C64_MAX)
UPDATE(min_c64, lz_complex, C64_MIN)
UPDATE(nan_max_c64, lz_complex, C64_NAN_MAX)
UPDATE(nan_min_c64, lz_complex, C64_NAN_MIN)

/* m elements that lie together: as they do, or in `tile`. */
static inline const uint16_t* together(
    const uint16_t* x, int64_t stride, int64_t m, uint16_t* tile) {
  if (stride == 1) return x;
  for (int64_t k = 0; k < m; k++) tile[k] = x[k * stride];
  return tile;
}

#define UPDATE_HALF(name, h, OP)                                              \
  static inline uint16_t name##_##h##_one(uint16_t yh, uint16_t xh) {         \
    float y = vec_##h##_value(yh), x = vec_##h##_value(xh);                   \
    return vec_##h##_round(OP(y, x));                                         \
  }                                                                           \
  static void name##_##h##_line(                                              \
      void* outv, int64_t to, const void* updates, int64_t from, int64_t n) { \
    enum { TILE = 256 };                                                      \
    uint16_t* out = outv;                                                     \
    const uint16_t* x = updates;                                              \
    float a[TILE], b[TILE];                                                   \
    for (int64_t i = 0; i < n;                                                \
         i += TILE, out += TILE * to, x += TILE * from) {                     \
      int64_t m = n - i < TILE ? n - i : TILE;                                \
      uint16_t y[TILE];                                                       \
      vec_widen_##h(b, together(x, from, m, y), m);                           \
      vec_widen_##h(a, together(out, to, m, y), m);                           \
      for (int64_t k = 0; k < m; k++) a[k] = OP(a[k], b[k]);                  \
      vec_narrow_##h(to == 1 ? out : y, a, m);                                \
      for (int64_t k = 0; to != 1 && k < m; k++) out[k * to] = y[k];          \
    }                                                                         \
  }                                                                           \
  static void name##_##h##_points(                                            \
      void* outv,                                                             \
      const int64_t* offsets,                                                 \
      int64_t low,                                                            \
      int64_t high,                                                           \
      const void* updates,                                                    \
      int64_t from,                                                           \
      int64_t n) {                                                            \
    uint16_t* out = outv;                                                     \
    const uint16_t* x = updates;                                              \
    for (int64_t i = 0; i < n; i++) {                                         \
      int64_t at = offsets[i];                                                \
      if (at >= low && at < high)                                             \
        out[at] = name##_##h##_one(out[at], x[i * from]);                     \
    }                                                                         \
  }                                                                           \
  ALONG(name##_##h, uint16_t, name##_##h##_one)
#define UPDATE_HALVES(name, OP) \
  UPDATE_HALF(name, f16, OP)    \
  UPDATE_HALF(name, bf16, OP)
UPDATE_HALVES(sum, ADD)
UPDATE_HALVES(prod, MUL)
UPDATE_HALVES(max, MAX)
UPDATE_HALVES(min, MIN)
UPDATE_HALVES(nan_max, NAN_MAX)
UPDATE_HALVES(nan_min, NAN_MIN)

#define SETS(way)                                                     \
  {                                                                   \
    [DTYPE_BOOL] = set_8_##way, [DTYPE_UINT8] = set_8_##way,          \
    [DTYPE_UINT16] = set_16_##way, [DTYPE_UINT32] = set_32_##way,     \
    [DTYPE_UINT64] = set_64_##way, [DTYPE_INT8] = set_8_##way,        \
    [DTYPE_INT16] = set_16_##way, [DTYPE_INT32] = set_32_##way,       \
    [DTYPE_INT64] = set_64_##way, [DTYPE_FLOAT16] = set_16_##way,     \
    [DTYPE_FLOAT32] = set_32_##way, [DTYPE_FLOAT64] = set_64_##way,   \
    [DTYPE_BFLOAT16] = set_16_##way, [DTYPE_COMPLEX64] = set_64_##way \
  }
#define SUMS(op, on_bool, way)                                             \
  {                                                                        \
    [DTYPE_BOOL] = on_bool##_b8_##way, [DTYPE_UINT8] = op##_8_##way,       \
    [DTYPE_UINT16] = op##_16_##way, [DTYPE_UINT32] = op##_32_##way,        \
    [DTYPE_UINT64] = op##_64_##way, [DTYPE_INT8] = op##_8_##way,           \
    [DTYPE_INT16] = op##_16_##way, [DTYPE_INT32] = op##_32_##way,          \
    [DTYPE_INT64] = op##_64_##way, [DTYPE_FLOAT16] = op##_f16_##way,       \
    [DTYPE_FLOAT32] = op##_f32_##way, [DTYPE_FLOAT64] = op##_f64_##way,    \
    [DTYPE_BFLOAT16] = op##_bf16_##way, [DTYPE_COMPLEX64] = op##_c64_##way \
  }
#define EXTREME(op, on_float, on_bool, way)                                 \
  {                                                                         \
    [DTYPE_BOOL] = on_bool##_b8_##way, [DTYPE_UINT8] = op##_u8_##way,       \
    [DTYPE_UINT16] = op##_u16_##way, [DTYPE_UINT32] = op##_u32_##way,       \
    [DTYPE_UINT64] = op##_u64_##way, [DTYPE_INT8] = op##_i8_##way,          \
    [DTYPE_INT16] = op##_i16_##way, [DTYPE_INT32] = op##_i32_##way,         \
    [DTYPE_INT64] = op##_i64_##way, [DTYPE_FLOAT16] = on_float##_f16_##way, \
    [DTYPE_FLOAT32] = on_float##_f32_##way,                                 \
    [DTYPE_FLOAT64] = on_float##_f64_##way,                                 \
    [DTYPE_BFLOAT16] = on_float##_bf16_##way,                               \
    [DTYPE_COMPLEX64] = on_float##_c64_##way                                \
  }
#define ALL(way)                                                    \
  {                                                                 \
    [SCATTER_NONE] = SETS(way), [SCATTER_SUM] = SUMS(sum, or, way), \
    [SCATTER_PROD] = SUMS(prod, and, way),                          \
    [SCATTER_MAX] = EXTREME(max, max, or, way),                     \
    [SCATTER_MIN] = EXTREME(min, min, and, way),                    \
    [SCATTER_NAN_MAX] = EXTREME(max, nan_max, or, way),             \
    [SCATTER_NAN_MIN] = EXTREME(min, nan_min, and, way)             \
  }

const scatter_table ISA_NAME(scatter_kernels) = {
    .line = ALL(line),
    .points = ALL(points),
    .along = ALL(along),
};
