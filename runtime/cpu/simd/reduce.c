#include "cpu/simd/reduce.h"

#include "cpu/simd/reduce_pairs.h"
#include "cpu/simd/vec.h"

/* Every fold is a fold of columns: a long row is read as a matrix of WIDE
 * columns first. The compiler vectorises across columns, where the order of
 * operations does not change. */
enum { WIDE = 256, NARROW = 16, TILE = 512 };

/* FOUR(a, x, y, z, w): a with four elements taken in. Four runs are read side
 * by side: one alone does not keep memory busy. */
#define FOLD_FOUR(name, T, A, FOUR)                           \
  static __attribute__((noinline, noclone)) void name##_four( \
      const T* x,                                             \
      int64_t apart,                                          \
      int64_t step,                                           \
      int64_t steps,                                          \
      int64_t cols,                                           \
      A* restrict acc) {                                      \
    const T *y = x + apart, *z = y + apart, *w = z + apart;   \
    for (int64_t i = 0; i < steps; i++) {                     \
      for (int64_t c = 0; c < cols; c++)                      \
        acc[c] = FOUR(acc[c], x[c], y[c], z[c], w[c]);        \
      x += step;                                              \
      y += step;                                              \
      z += step;                                              \
      w += step;                                              \
    }                                                         \
  }
#define FOLD_COLS(name, T, A, OP, FOUR)                             \
  FOLD_FOUR(name, T, A, FOUR)                                       \
  static __attribute__((noinline, noclone)) void name##_cols(       \
      const T* x,                                                   \
      int64_t stride,                                               \
      int64_t rows,                                                 \
      int64_t cols,                                                 \
      A* restrict acc) {                                            \
    name##_four(x, stride, 4 * stride, rows / 4, cols, acc);        \
    x += rows / 4 * 4 * stride;                                     \
    for (int64_t r = rows / 4 * 4; r < rows; r++, x += stride)      \
      for (int64_t c = 0; c < cols; c++) acc[c] = OP(acc[c], x[c]); \
  }

/* With known widths each step has its vectors. */
#define HALVING _Pragma("GCC unroll 8")

/* Lanes that fill a vector, or 16 where they are wide. */
#define LANES_OF(A) (sizeof(A) < 4 ? 64 / (int)sizeof(A) : NARROW)

/* Takes as many elements as W lanes side by side can. */
#define FOLD_SIDE(A, UNIT, OP, MERGE, W)                                 \
  if (n - i >= 2 * (W)) {                                                \
    A lane[W];                                                           \
    for (int k = 0; k < (W); k++) lane[k] = UNIT;                        \
    for (; i + (W) <= n; i += (W))                                       \
      for (int k = 0; k < (W); k++) lane[k] = OP(lane[k], x[i + k]);     \
    HALVING for (int w = (W) / 2; w; w /= 2) for (int k = 0; k < w; k++) \
        lane[k] = MERGE(lane[k], lane[k + w]);                           \
    a = MERGE(a, lane[0]);                                               \
  }

#define FOLD_ROWS(name, T, A, UNIT, OP, MERGE)                              \
  static A name##_narrow(const T* x, int64_t n, A a) {                      \
    int64_t i = 0;                                                          \
    if (LANES_OF(A) > NARROW) {                                             \
      FOLD_SIDE(A, UNIT, OP, MERGE, LANES_OF(A))                            \
    }                                                                       \
    FOLD_SIDE(A, UNIT, OP, MERGE, NARROW)                                   \
    for (; i < n; i++) a = OP(a, x[i]);                                     \
    return a;                                                               \
  }                                                                         \
  static void name##_rows(                                                  \
      const void* xv,                                                       \
      int64_t stride,                                                       \
      int64_t rows,                                                         \
      int64_t cols,                                                         \
      void* accv) {                                                         \
    const T* x = xv;                                                        \
    A* acc = accv;                                                          \
    for (int64_t r = 0; r < rows; r++, x += stride) {                       \
      if (cols < 4 * WIDE * (LANES_OF(A) / NARROW)) {                       \
        acc[r] = name##_narrow(x, cols, acc[r]);                            \
        continue;                                                           \
      }                                                                     \
      A wide[WIDE];                                                         \
      for (int k = 0; k < WIDE; k++) wide[k] = UNIT;                        \
      int64_t steps = cols / (4 * WIDE), done = 4 * WIDE * steps;           \
      name##_four(x, WIDE* steps, WIDE, steps, WIDE, wide);                 \
      name##_cols(x + done, WIDE, (cols - done) / WIDE, WIDE, wide);        \
      done = cols / WIDE * WIDE;                                            \
      name##_cols(x + done, 0, 1, cols - done, wide);                       \
      HALVING for (int w = WIDE / 2; w; w /= 2) for (int k = 0; k < w; k++) \
          wide[k] = MERGE(wide[k], wide[k + w]);                            \
      acc[r] = MERGE(acc[r], wide[0]);                                      \
    }                                                                       \
  }

/* Few columns without gaps are read as more columns, merged at the end. */
#define FOLD_BLOCK(name, T, A, UNIT, MERGE)                          \
  static void name##_block(                                          \
      const void* xv,                                                \
      int64_t stride,                                                \
      int64_t rows,                                                  \
      int64_t cols,                                                  \
      void* accv) {                                                  \
    const T* x = xv;                                                 \
    A* acc = accv;                                                   \
    int64_t k = stride == cols && cols < WIDE / 2 ? WIDE / cols : 1; \
    if (k > 1 && rows >= 4 * k) {                                    \
      A wide[WIDE];                                                  \
      for (int i = 0; i < WIDE; i++) wide[i] = UNIT;                 \
      name##_cols(x, k* cols, rows / k, k * cols, wide);             \
      for (int64_t i = 0; i < k; i++)                                \
        for (int64_t c = 0; c < cols; c++)                           \
          acc[c] = MERGE(acc[c], wide[i * cols + c]);                \
      x += rows / k * k * stride;                                    \
      rows %= k;                                                     \
    }                                                                \
    name##_cols(x, stride, rows, cols, acc);                         \
  }

#define FOLD_AS(name, T, A, UNIT, OP, MERGE, FOUR) \
  FOLD_COLS(name, T, A, OP, FOUR)                  \
  FOLD_ROWS(name, T, A, UNIT, OP, MERGE)           \
  FOLD_BLOCK(name, T, A, UNIT, MERGE)
#define FOLD(name, T, A, UNIT, OP, MERGE) \
  FOLD_AS(name, T, A, UNIT, OP, MERGE, OP##_4)

#define CHAIN(OP, a, x, y, z, w) OP(OP(OP(OP(a, x), y), z), w)

#define ADD(a, x) ((a) + (x))
#define ADD_4(a, x, y, z, w) ((a) + (((x) + (y)) + ((z) + (w))))
#define MUL(a, x) ((a) * (x))
#define MUL_4(a, x, y, z, w) ((a) * (((x) * (y)) * ((z) * (w))))
#define GREATER(a, x) ((a) > (x) ? (a) : (x))
#define GREATER_4(a, x, y, z, w) \
  GREATER(a, GREATER(GREATER(x, y), GREATER(z, w)))
#define LESSER(a, x) ((a) < (x) ? (a) : (x))
#define LESSER_4(a, x, y, z, w) LESSER(a, LESSER(LESSER(x, y), LESSER(z, w)))
#define AND(a, x) (uint8_t)((a) & ((x) != 0))
#define AND_4(a, x, y, z, w) CHAIN(AND, a, x, y, z, w)
#define OR(a, x) (uint8_t)((a) | ((x) != 0))
#define OR_4(a, x, y, z, w) (uint8_t)((a) | (((x) | (y) | (z) | (w)) != 0))

/* Extremes of floats, where a NaN on either side stays: they are compared as
 * if there was none, and two elements at a time are looked at for one. */
#define ODD(a, x) __builtin_isunordered(a, x)
#define MAX(a, x) (ODD(a, x) ? NAN : GREATER(a, x))
#define MIN(a, x) (ODD(a, x) ? NAN : LESSER(a, x))
#define ODD_4(a, x, y, z, w) (ODD(x, y) | ODD(z, w) | ODD(a, a))
#define MAX_4(a, x, y, z, w) \
  (ODD_4(a, x, y, z, w) ? NAN : GREATER_4(a, x, y, z, w))
#define MIN_4(a, x, y, z, w) \
  (ODD_4(a, x, y, z, w) ? NAN : LESSER_4(a, x, y, z, w))

/* Signed types narrower than the accumulator extend by sign; the arithmetic is
 * unsigned, where wrapping is defined. */
#define ADD_WIDE(a, x) ((a) + (uint32_t)(x))
#define ADD_WIDE_4(a, x, y, z, w) CHAIN(ADD_WIDE, a, x, y, z, w)
#define MUL_WIDE(a, x) ((a) * (uint32_t)(x))
#define MUL_WIDE_4(a, x, y, z, w) CHAIN(MUL_WIDE, a, x, y, z, w)

/* Bytes of few rows are summed up in 16 bits first. */
enum { BYTES = 256 };
#define SUM_BYTES(s, T, A)                                                     \
  FOLD_COLS(few_##s, T, A, ADD_SHORT, ADD_SHORT_4)                             \
  FOLD_FOUR(long_##s, T, uint32_t, ADD_WIDE_4)                                 \
  static void sum_##s##_cols(                                                  \
      const T* x, int64_t stride, int64_t rows, int64_t cols, uint32_t* acc) { \
    A few[TILE];                                                               \
    for (int64_t c = 0; c < cols; c += TILE)                                   \
      for (int64_t r = 0; r < rows; r += BYTES) {                              \
        int64_t n = cols - c < TILE ? cols - c : TILE;                         \
        int64_t m = rows - r < BYTES ? rows - r : BYTES;                       \
        memset(few, 0, (size_t)n * sizeof *few);                               \
        few_##s##_cols(x + r * stride + c, stride, m, n, few);                 \
        for (int64_t k = 0; k < n; k++) acc[c + k] += (uint32_t)few[k];        \
      }                                                                        \
  }                                                                            \
  static inline void sum_##s##_four(                                           \
      const T* x,                                                              \
      int64_t apart,                                                           \
      int64_t step,                                                            \
      int64_t steps,                                                           \
      int64_t cols,                                                            \
      uint32_t* acc) {                                                         \
    long_##s##_four(x, apart, step, steps, cols, acc);                         \
  }                                                                            \
  FOLD_ROWS(sum_##s, T, uint32_t, 0, ADD_WIDE, ADD)                            \
  FOLD_BLOCK(sum_##s, T, uint32_t, 0, ADD)
#define ADD_SHORT(a, x) ((a) + (x))
#define ADD_SHORT_4(a, x, y, z, w) ((a) + (x) + (y) + (z) + (w))
SUM_BYTES(u8, uint8_t, uint16_t)
SUM_BYTES(i8, int8_t, int16_t)
FOLD(sum_u16, uint16_t, uint32_t, 0, ADD_WIDE, ADD)
FOLD(sum_i16, int16_t, uint32_t, 0, ADD_WIDE, ADD)
FOLD(sum_u32, uint32_t, uint32_t, 0, ADD, ADD)
FOLD(sum_u64, uint64_t, uint64_t, 0, ADD, ADD)
FOLD(sum_f32, float, float, 0, ADD, ADD)
FOLD(sum_f64, double, double, 0, ADD, ADD)

FOLD(prod_u8, uint8_t, uint32_t, 1, MUL_WIDE, MUL)
FOLD(prod_i8, int8_t, uint32_t, 1, MUL_WIDE, MUL)
FOLD(prod_u16, uint16_t, uint32_t, 1, MUL_WIDE, MUL)
FOLD(prod_i16, int16_t, uint32_t, 1, MUL_WIDE, MUL)
FOLD(prod_u32, uint32_t, uint32_t, 1, MUL, MUL)
FOLD(prod_u64, uint64_t, uint64_t, 1, MUL, MUL)
FOLD(prod_f32, float, float, 1, MUL, MUL)
FOLD(prod_f64, double, double, 1, MUL, MUL)

FOLD(and_8, uint8_t, uint8_t, 1, AND, AND)
FOLD(and_16, uint16_t, uint8_t, 1, AND, AND)
FOLD(and_32, uint32_t, uint8_t, 1, AND, AND)
FOLD(and_64, uint64_t, uint8_t, 1, AND, AND)
FOLD(or_8, uint8_t, uint8_t, 0, OR, OR)
FOLD(or_16, uint16_t, uint8_t, 0, OR, OR)
FOLD(or_32, uint32_t, uint8_t, 0, OR, OR)
FOLD(or_64, uint64_t, uint8_t, 0, OR, OR)

#define EXTREMES(s, T, LOW, HIGH, UP, DOWN)   \
  FOLD_AS(max_##s, T, T, LOW, UP, UP, UP##_4) \
  FOLD_AS(min_##s, T, T, HIGH, DOWN, DOWN, DOWN##_4)
EXTREMES(u8, uint8_t, 0, UINT8_MAX, GREATER, LESSER)
EXTREMES(u16, uint16_t, 0, UINT16_MAX, GREATER, LESSER)
EXTREMES(u32, uint32_t, 0, UINT32_MAX, GREATER, LESSER)
EXTREMES(u64, uint64_t, 0, UINT64_MAX, GREATER, LESSER)
EXTREMES(i8, int8_t, INT8_MIN, INT8_MAX, GREATER, LESSER)
EXTREMES(i16, int16_t, INT16_MIN, INT16_MAX, GREATER, LESSER)
EXTREMES(i32, int32_t, INT32_MIN, INT32_MAX, GREATER, LESSER)
EXTREMES(i64, int64_t, INT64_MIN, INT64_MAX, GREATER, LESSER)
EXTREMES(f32, float, -INFINITY, INFINITY, MAX, MIN)
EXTREMES(f64, double, -INFINITY, INFINITY, MAX, MIN)

/* Complex sums are sums of floats, twice as many, the parts kept apart. */
static void sum_c64_block(
    const void* x, int64_t stride, int64_t rows, int64_t cols, void* acc) {
  sum_f32_block(x, 2 * stride, rows, 2 * cols, acc);
}

/* Into acc, by `width` floats side by side. */
static inline __attribute__((always_inline)) void sum_c64_row(
    const float* x, int64_t floats, float* acc, const int width) {
  float wide[WIDE] = {0};
  int64_t whole = floats / width * width;
  sum_f32_cols(x, width, whole / width, width, wide);
  for (int64_t k = whole; k < floats; k++) wide[k - whole] += x[k];
  HALVING for (int w = width / 2; w >= 2; w /= 2) for (int k = 0; k < w; k++)
      wide[k] += wide[k + w];
  acc[0] += wide[0];
  acc[1] += wide[1];
}

static void sum_c64_rows(
    const void* xv, int64_t stride, int64_t rows, int64_t cols, void* accv) {
  const float* x = xv;
  float* acc = accv;
  for (int64_t r = 0; r < rows; r++, x += 2 * stride, acc += 2)
    if (2 * cols < 4 * WIDE)
      sum_c64_row(x, 2 * cols, acc, 2 * NARROW);
    else
      sum_c64_row(x, 2 * cols, acc, WIDE);
}

static inline lz_complex c64_mul(lz_complex a, lz_complex b) {
  return (lz_complex){a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}
#define C64(re, im) ((lz_complex){re, im})
#define c64_mul_4(a, x, y, z, w) CHAIN(c64_mul, a, x, y, z, w)
FOLD(prod_c64, lz_complex, lz_complex, C64(1, 0), c64_mul, c64_mul)

#define EXTREME_C64(name, unit, BEATS, OP)                  \
  PAIRS_EXTREME(name, BEATS, OP)                            \
  FOLD_ROWS(name, lz_complex, lz_complex, unit, name, name) \
  FOLD_BLOCK(name, lz_complex, lz_complex, unit, name)
EXTREME_C64(max_c64, C64(-INFINITY, 0), PAIRS_ABOVE, >)
EXTREME_C64(min_c64, C64(INFINITY, 0), PAIRS_BELOW, <)

/* Halves go through a tile of floats that stays in the first cache. */
#define FOLD_HALF(op, h)                                           \
  static void op##_##h##_block(                                    \
      const void* xv,                                              \
      int64_t stride,                                              \
      int64_t rows,                                                \
      int64_t cols,                                                \
      void* accv) {                                                \
    float tile[4 * TILE];                                          \
    if (stride == cols && cols <= TILE) {                          \
      const uint16_t* x = xv;                                      \
      int64_t some = 4 * TILE / cols;                              \
      for (int64_t r = 0; r < rows; r += some, x += some * cols) { \
        int64_t m = rows - r < some ? rows - r : some;             \
        vec_widen_##h(tile, x, m* cols);                           \
        op##_f32_block(tile, cols, m, cols, accv);                 \
      }                                                            \
      return;                                                      \
    }                                                              \
    for (int64_t c = 0; c < cols; c += TILE) {                     \
      int64_t n = cols - c < TILE ? cols - c : TILE;               \
      const uint16_t* x = (const uint16_t*)xv + c;                 \
      for (int64_t r = 0; r < rows; r += 4) {                      \
        int64_t m = rows - r < 4 ? rows - r : 4;                   \
        for (int64_t k = 0; k < m; k++, x += stride)               \
          vec_widen_##h(tile + k * TILE, x, n);                    \
        op##_f32_cols(tile, TILE, m, n, (float*)accv + c);         \
      }                                                            \
    }                                                              \
  }                                                                \
  static void op##_##h##_rows(                                     \
      const void* xv,                                              \
      int64_t stride,                                              \
      int64_t rows,                                                \
      int64_t cols,                                                \
      void* accv) {                                                \
    const uint16_t* x = xv;                                        \
    float tile[4 * TILE];                                          \
    for (int64_t r = 0; r < rows; r++, x += stride)                \
      for (int64_t c = 0; c < cols; c += 4 * TILE) {               \
        int64_t n = cols - c < 4 * TILE ? cols - c : 4 * TILE;     \
        vec_widen_##h(tile, x + c, n);                             \
        op##_f32_rows(tile, 0, 1, n, (float*)accv + r);            \
      }                                                            \
  }
#define FOLD_HALVES(op) FOLD_HALF(op, f16) FOLD_HALF(op, bf16)
FOLD_HALVES(sum)
FOLD_HALVES(prod)
FOLD_HALVES(max)
FOLD_HALVES(min)

#include "cpu/simd/reduce_seek.h"

#define SUMS(op, way)                                                      \
  {                                                                        \
    [DTYPE_BOOL] = op##_u8_##way, [DTYPE_UINT8] = op##_u8_##way,           \
    [DTYPE_UINT16] = op##_u16_##way, [DTYPE_UINT32] = op##_u32_##way,      \
    [DTYPE_UINT64] = op##_u64_##way, [DTYPE_INT8] = op##_i8_##way,         \
    [DTYPE_INT16] = op##_i16_##way, [DTYPE_INT32] = op##_u32_##way,        \
    [DTYPE_INT64] = op##_u64_##way, [DTYPE_FLOAT16] = op##_f16_##way,      \
    [DTYPE_FLOAT32] = op##_f32_##way, [DTYPE_FLOAT64] = op##_f64_##way,    \
    [DTYPE_BFLOAT16] = op##_bf16_##way, [DTYPE_COMPLEX64] = op##_c64_##way \
  }
#define EACH(pre, post)                                                    \
  {                                                                        \
    [DTYPE_BOOL] = pre##u8##post, [DTYPE_UINT8] = pre##u8##post,           \
    [DTYPE_UINT16] = pre##u16##post, [DTYPE_UINT32] = pre##u32##post,      \
    [DTYPE_UINT64] = pre##u64##post, [DTYPE_INT8] = pre##i8##post,         \
    [DTYPE_INT16] = pre##i16##post, [DTYPE_INT32] = pre##i32##post,        \
    [DTYPE_INT64] = pre##i64##post, [DTYPE_FLOAT16] = pre##f16##post,      \
    [DTYPE_FLOAT32] = pre##f32##post, [DTYPE_FLOAT64] = pre##f64##post,    \
    [DTYPE_BFLOAT16] = pre##bf16##post, [DTYPE_COMPLEX64] = pre##c64##post \
  }
#define BITS(op, way)                                                   \
  {                                                                     \
    [DTYPE_BOOL] = op##_8_##way, [DTYPE_UINT8] = op##_8_##way,          \
    [DTYPE_UINT16] = op##_16_##way, [DTYPE_UINT32] = op##_32_##way,     \
    [DTYPE_UINT64] = op##_64_##way, [DTYPE_INT8] = op##_8_##way,        \
    [DTYPE_INT16] = op##_16_##way, [DTYPE_INT32] = op##_32_##way,       \
    [DTYPE_INT64] = op##_64_##way, [DTYPE_FLOAT16] = op##_16_##way,     \
    [DTYPE_FLOAT32] = op##_32_##way, [DTYPE_FLOAT64] = op##_64_##way,   \
    [DTYPE_BFLOAT16] = op##_16_##way, [DTYPE_COMPLEX64] = op##_64_##way \
  }
#define ALL(way)                                                         \
  {                                                                      \
    [REDUCE_AND] = BITS(and, way), [REDUCE_OR] = BITS(or, way),          \
    [REDUCE_SUM] = SUMS(sum, way), [REDUCE_PROD] = SUMS(prod, way),      \
    [REDUCE_MIN] = EACH(min_, _##way), [REDUCE_MAX] = EACH(max_, _##way) \
  }

const reduce_table ISA_NAME(reduce_kernels) = {
    .by_row = ALL(rows),
    .by_col = ALL(block),
    .least = EACH(least_, ),
    .greatest = EACH(greatest_, ),
    .least_cols = EACH(least_, _cols),
    .greatest_cols = EACH(greatest_, _cols),
};
