#include "cpu/simd/scan.h"

#include <complex.h>

#include "cpu/simd/vec.h"

/* A row is scanned vector by vector: within one by shifting it on itself,
 * between them by a carry whose chain is one scalar operation a vector. */

typedef uint32_t vec_u32 __attribute__((vector_size(4 * VEC_F32)));
typedef uint64_t vec_u64 __attribute__((vector_size(8 * VEC_F64)));
typedef int32_t vec_i32 __attribute__((vector_size(4 * VEC_F32)));
typedef int64_t vec_i64 __attribute__((vector_size(8 * VEC_F64)));

/* v moved up by `by` lanes; lanes of `low` follow from below. Shuffles count
 * low's lanes after v's. */
#define LANE_4(i, by) ((i) < (by) ? VEC_F32 + (i) : (i) - (by))
#define LANE_8(i, by) ((i) < (by) ? VEC_F64 + (i) : (i) - (by))
#define LANES4_4(i, by) \
  LANE_4(i, by), LANE_4(i + 1, by), LANE_4(i + 2, by), LANE_4(i + 3, by)
#define LANES2_8(i, by) LANE_8(i, by), LANE_8(i + 1, by)
#if VEC_F32 == 16
#define INDEX_4(by) \
  { LANES4_4(0, by), LANES4_4(4, by), LANES4_4(8, by), LANES4_4(12, by) }
#define INDEX_8(by) \
  { LANES2_8(0, by), LANES2_8(2, by), LANES2_8(4, by), LANES2_8(6, by) }
#elif VEC_F32 == 8
#define INDEX_4(by) \
  { LANES4_4(0, by), LANES4_4(4, by) }
#define INDEX_8(by) \
  { LANES2_8(0, by), LANES2_8(2, by) }
#else
#define INDEX_4(by) \
  { LANES4_4(0, by) }
#define INDEX_8(by) \
  { LANES2_8(0, by) }
#endif
#define SHIFT_4(v, low, by) __builtin_shuffle(v, low, (vec_i32)INDEX_4(by))
#define SHIFT_8(v, low, by) __builtin_shuffle(v, low, (vec_i64)INDEX_8(by))

#define STEPS_4(v, low, VOP)                                         \
  v = VOP(SHIFT_4(v, low, 1), v);                                    \
  v = VOP(SHIFT_4(v, low, 2), v);                                    \
  if (VEC_F32 > 4) v = VOP(SHIFT_4(v, low, VEC_F32 > 4 ? 4 : 0), v); \
  if (VEC_F32 > 8) v = VOP(SHIFT_4(v, low, VEC_F32 > 8 ? 8 : 0), v);
#define STEPS_8(v, low, VOP)                                         \
  v = VOP(SHIFT_8(v, low, 1), v);                                    \
  if (VEC_F64 > 2) v = VOP(SHIFT_8(v, low, VEC_F64 > 2 ? 2 : 0), v); \
  if (VEC_F64 > 4) v = VOP(SHIFT_8(v, low, VEC_F64 > 4 ? 4 : 0), v);

/* Narrow integers: 16 bytes with any instruction set. */
typedef uint8_t vec_u8 __attribute__((vector_size(16)));
typedef int8_t vec_i8 __attribute__((vector_size(16)));
typedef uint16_t vec_u16 __attribute__((vector_size(16)));
typedef int16_t vec_i16 __attribute__((vector_size(16)));
#define LANE_1(i, by) ((i) < (by) ? 16 + (i) : (i) - (by))
#define LANE_2(i, by) ((i) < (by) ? 8 + (i) : (i) - (by))
#define LANES4_1(i, by) \
  LANE_1(i, by), LANE_1(i + 1, by), LANE_1(i + 2, by), LANE_1(i + 3, by)
#define LANES4_2(i, by) \
  LANE_2(i, by), LANE_2(i + 1, by), LANE_2(i + 2, by), LANE_2(i + 3, by)
#define INDEX_1(by) \
  { LANES4_1(0, by), LANES4_1(4, by), LANES4_1(8, by), LANES4_1(12, by) }
#define INDEX_2(by) \
  { LANES4_2(0, by), LANES4_2(4, by) }
#define SHIFT_1(v, low, by) __builtin_shuffle(v, low, (vec_i8)INDEX_1(by))
#define SHIFT_2(v, low, by) __builtin_shuffle(v, low, (vec_i16)INDEX_2(by))
#define STEPS_1(v, low, VOP)      \
  v = VOP(SHIFT_1(v, low, 1), v); \
  v = VOP(SHIFT_1(v, low, 2), v); \
  v = VOP(SHIFT_1(v, low, 4), v); \
  v = VOP(SHIFT_1(v, low, 8), v);
#define STEPS_2(v, low, VOP)      \
  v = VOP(SHIFT_2(v, low, 1), v); \
  v = VOP(SHIFT_2(v, low, 2), v); \
  v = VOP(SHIFT_2(v, low, 4), v);

#define LINE(name, T, OP)                                           \
  static void name##_line(                                          \
      const void* beforev, const void* xv, void* outv, int64_t n) { \
    const T *before = beforev, *x = xv;                             \
    T* out = outv;                                                  \
    for (int64_t i = 0; i < n; i++) out[i] = OP(before[i], x[i]);   \
  }

/* One after another: for types without a vector body, and tails. */
#define SERIAL(name, T, OP)                                              \
  static T name##_serial(const T* x, T* out, int64_t n, T carry) {       \
    for (int64_t i = 0; i < n; i++) out[i] = carry = (T)OP(carry, x[i]); \
    return carry;                                                        \
  }                                                                      \
  LINE(name, T, OP)

/* ODD(v): whether the vector must go one after another. */
#define ROW(name, T, V, BYTES, OP, VOP, UNIT, ODD)             \
  SERIAL(name, T, OP)                                          \
  static void name##_row(                                      \
      const void* xv, void* outv, int64_t n, void* carryv) {   \
    enum { L = sizeof(V) / sizeof(T) };                        \
    const T* x = xv;                                           \
    T *out = outv, carry = *(T*)carryv;                        \
    const V unit = (T)(UNIT) - (V){0};                         \
    int64_t i = 0;                                             \
    for (; i + L <= n; i += L) {                               \
      V v, c;                                                  \
      __builtin_prefetch(x + i + 32 * L);                      \
      memcpy(&v, x + i, sizeof v);                             \
      if (ODD(v)) {                                            \
        carry = name##_serial(x + i, out + i, L, carry);       \
        continue;                                              \
      }                                                        \
      STEPS_##BYTES(v, unit, VOP) c = carry - (V){0};          \
      carry = (T)OP(carry, v[L - 1]);                          \
      v = VOP(c, v);                                           \
      memcpy(out + i, &v, sizeof v);                           \
    }                                                          \
    *(T*)carryv = name##_serial(x + i, out + i, n - i, carry); \
  }

#define NEVER(v) 0
#define ADD(a, b) ((a) + (b))
#define MUL(a, b) ((a) * (b))
#define MUL_WIDE(a, b) ((uint64_t)(a) * (uint64_t)(b))
/* A NaN that comes in replaces the maximum and leaves the minimum alone. */
#define MAX(a, b) ((b) < (a) ? (a) : (b))
#define MIN(a, b) ((b) < (a) ? (b) : (a))

/* Selects by a mask of whole lanes. */
#define PICK(M, V, mask, a, b) ((V)(((M)(a) & (mask)) | ((M)(b) & ~(mask))))
#define VMAX_U8(a, b) PICK(vec_i8, vec_u8, (b) < (a), a, b)
#define VMIN_U8(a, b) PICK(vec_i8, vec_u8, (b) < (a), b, a)
#define VMAX_I8(a, b) PICK(vec_i8, vec_i8, (b) < (a), a, b)
#define VMIN_I8(a, b) PICK(vec_i8, vec_i8, (b) < (a), b, a)
#define VMAX_U16(a, b) PICK(vec_i16, vec_u16, (b) < (a), a, b)
#define VMIN_U16(a, b) PICK(vec_i16, vec_u16, (b) < (a), b, a)
#define VMAX_I16(a, b) PICK(vec_i16, vec_i16, (b) < (a), a, b)
#define VMIN_I16(a, b) PICK(vec_i16, vec_i16, (b) < (a), b, a)
#define VMAX_U32(a, b) PICK(vec_i32, vec_u32, (b) < (a), a, b)
#define VMIN_U32(a, b) PICK(vec_i32, vec_u32, (b) < (a), b, a)
#define VMAX_I32(a, b) PICK(vec_i32, vec_i32, (b) < (a), a, b)
#define VMIN_I32(a, b) PICK(vec_i32, vec_i32, (b) < (a), b, a)
#define VMAX_F32(a, b) PICK(vec_i32, vec_f32, (b) < (a), a, b)
#define VMIN_F32(a, b) PICK(vec_i32, vec_f32, (b) < (a), b, a)
#define VMAX_U64(a, b) PICK(vec_i64, vec_u64, (b) < (a), a, b)
#define VMIN_U64(a, b) PICK(vec_i64, vec_u64, (b) < (a), b, a)
#define VMAX_I64(a, b) PICK(vec_i64, vec_i64, (b) < (a), a, b)
#define VMIN_I64(a, b) PICK(vec_i64, vec_i64, (b) < (a), b, a)
#define VMAX_F64(a, b) PICK(vec_i64, vec_f64, (b) < (a), a, b)
#define VMIN_F64(a, b) PICK(vec_i64, vec_f64, (b) < (a), b, a)

#if defined(LZ_ISA_avx512)
#define ANY_NAN(s, v, type) (_mm512_cmp_##s##_mask(type(v), type(v), 3) != 0)
#define nan_f32(v) ANY_NAN(ps, v, (__m512))
#define nan_f64(v) ANY_NAN(pd, v, (__m512d))
#elif defined(LZ_ISA_avx2)
#define nan_f32(v) \
  _mm256_movemask_ps(_mm256_cmp_ps((__m256)(v), (__m256)(v), 3))
#define nan_f64(v) \
  _mm256_movemask_pd(_mm256_cmp_pd((__m256d)(v), (__m256d)(v), 3))
#else
static inline int nan_f32(vec_f32 v) {
  int any = 0;
  vec_i32 odd = v != v;
  for (int k = 0; k < VEC_F32; k++) any |= odd[k];
  return any;
}
static inline int nan_f64(vec_f64 v) {
  int64_t any = 0;
  vec_i64 odd = v != v;
  for (int k = 0; k < VEC_F64; k++) any |= odd[k];
  return any != 0;
}
#endif

ROW(sum_u8, uint8_t, vec_u8, 1, ADD, ADD, 0, NEVER)
ROW(sum_u16, uint16_t, vec_u16, 2, ADD, ADD, 0, NEVER)
ROW(sum_u32, uint32_t, vec_u32, 4, ADD, ADD, 0, NEVER)
ROW(sum_u64, uint64_t, vec_u64, 8, ADD, ADD, 0, NEVER)
ROW(sum_f32, float, vec_f32, 4, ADD, ADD, -0.0, NEVER)
ROW(sum_f64, double, vec_f64, 8, ADD, ADD, -0.0, NEVER)
ROW(prod_u8, uint8_t, vec_u8, 1, MUL, MUL, 1, NEVER)
ROW(prod_u16, uint16_t, vec_u16, 2, MUL_WIDE, MUL, 1, NEVER)
ROW(prod_u32, uint32_t, vec_u32, 4, MUL, MUL, 1, NEVER)
ROW(prod_u64, uint64_t, vec_u64, 8, MUL, MUL, 1, NEVER)
ROW(prod_f32, float, vec_f32, 4, MUL, MUL, 1, NEVER)
ROW(prod_f64, double, vec_f64, 8, MUL, MUL, 1, NEVER)
ROW(max_u8, uint8_t, vec_u8, 1, MAX, VMAX_U8, 0, NEVER)
ROW(max_u16, uint16_t, vec_u16, 2, MAX, VMAX_U16, 0, NEVER)
ROW(max_u32, uint32_t, vec_u32, 4, MAX, VMAX_U32, 0, NEVER)
ROW(max_u64, uint64_t, vec_u64, 8, MAX, VMAX_U64, 0, NEVER)
ROW(max_i8, int8_t, vec_i8, 1, MAX, VMAX_I8, INT8_MIN, NEVER)
ROW(max_i16, int16_t, vec_i16, 2, MAX, VMAX_I16, INT16_MIN, NEVER)
ROW(max_i32, int32_t, vec_i32, 4, MAX, VMAX_I32, INT32_MIN, NEVER)
ROW(max_i64, int64_t, vec_i64, 8, MAX, VMAX_I64, INT64_MIN, NEVER)
ROW(max_f32, float, vec_f32, 4, MAX, VMAX_F32, -INFINITY, nan_f32)
ROW(max_f64, double, vec_f64, 8, MAX, VMAX_F64, -INFINITY, nan_f64)
ROW(min_u8, uint8_t, vec_u8, 1, MIN, VMIN_U8, UINT8_MAX, NEVER)
ROW(min_u16, uint16_t, vec_u16, 2, MIN, VMIN_U16, UINT16_MAX, NEVER)
ROW(min_u32, uint32_t, vec_u32, 4, MIN, VMIN_U32, UINT32_MAX, NEVER)
ROW(min_u64, uint64_t, vec_u64, 8, MIN, VMIN_U64, UINT64_MAX, NEVER)
ROW(min_i8, int8_t, vec_i8, 1, MIN, VMIN_I8, INT8_MAX, NEVER)
ROW(min_i16, int16_t, vec_i16, 2, MIN, VMIN_I16, INT16_MAX, NEVER)
ROW(min_i32, int32_t, vec_i32, 4, MIN, VMIN_I32, INT32_MAX, NEVER)
ROW(min_i64, int64_t, vec_i64, 8, MIN, VMIN_I64, INT64_MAX, NEVER)
ROW(min_f32, float, vec_f32, 4, MIN, VMIN_F32, INFINITY, nan_f32)
ROW(min_f64, double, vec_f64, 8, MIN, VMIN_F64, INFINITY, nan_f64)

static inline lz_complex c64_add(lz_complex a, lz_complex b) {
  return (lz_complex){a.re + b.re, a.im + b.im};
}
static inline lz_complex c64_mul(lz_complex a, lz_complex b) {
  return (lz_complex){a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}
static inline int c64_less(lz_complex a, lz_complex b) {
  return (a.re < b.re) | ((a.re == b.re) & (a.im < b.im));
}
/* Without a branch, which would be a guess each time. */
static inline lz_complex c64_pick(int first, lz_complex a, lz_complex b) {
  uint64_t x, y, mask = 0 - (uint64_t)first;
  memcpy(&x, &a, sizeof x);
  memcpy(&y, &b, sizeof y);
  x = (x & mask) | (y & ~mask);
  memcpy(&a, &x, sizeof a);
  return a;
}
#define C64_MAX(a, b) c64_pick(c64_less(b, a), a, b)
#define C64_MIN(a, b) c64_pick(c64_less(b, a), b, a)
static lz_complex c64_log_add(lz_complex a, lz_complex b) {
  lz_complex high = a.re != a.re ? a : C64_MAX(a, b);
  lz_complex low = a.re != a.re ? a : C64_MIN(a, b);
  if (low.re == -INFINITY || high.re == INFINITY) return high;
  double complex d =
      cexp((double)(low.re - high.re) + I * (double)(low.im - high.im));
  d = clog(1 + d);
  return (lz_complex){high.re + (float)creal(d), high.im + (float)cimag(d)};
}
#define SERIAL_C64(name, OP)                                          \
  static void name##_row(                                             \
      const void* xv, void* outv, int64_t n, void* carryv) {          \
    const lz_complex* x = xv;                                         \
    lz_complex *out = outv, carry = *(lz_complex*)carryv;             \
    for (int64_t i = 0; i < n; i++) out[i] = carry = OP(carry, x[i]); \
    *(lz_complex*)carryv = carry;                                     \
  }                                                                   \
  LINE(name, lz_complex, OP)
SERIAL_C64(sum_c64, c64_add)
SERIAL_C64(prod_c64, c64_mul)
/* In a row a new extreme is seldom, and a guess of that frees the chain. */
#define EXTREME_C64(name, OP, BETTER)                              \
  static void name##_row(                                          \
      const void* xv, void* outv, int64_t n, void* carryv) {       \
    const lz_complex* x = xv;                                      \
    lz_complex *out = outv, carry = *(lz_complex*)carryv;          \
    for (int64_t i = 0; i < n; i++) {                              \
      if (__builtin_expect(!BETTER(carry, x[i]), 0)) carry = x[i]; \
      out[i] = carry;                                              \
    }                                                              \
    *(lz_complex*)carryv = carry;                                  \
  }                                                                \
  LINE(name, lz_complex, OP)
#define C64_KEEP_MAX(a, b) c64_less(b, a)
#define C64_KEEP_MIN(a, b) !c64_less(b, a)
EXTREME_C64(max_c64, C64_MAX, C64_KEEP_MAX)
EXTREME_C64(min_c64, C64_MIN, C64_KEEP_MIN)
SERIAL_C64(log_c64, c64_log_add)

/* log(exp(a) + exp(b)): a NaN of either side stays, infinities are exact. */
#define LOG_ADD(s, T, exp_, log1p_)                              \
  static inline T log_add_##s(T a, T b) {                        \
    if (a != a || b != b) return a + b;                          \
    T high = a > b ? a : b, low = a > b ? b : a;                 \
    if (low == -(T)INFINITY || high == (T)INFINITY) return high; \
    return high + log1p_(exp_(low - high));                      \
  }
LOG_ADD(f32, float, expf, log1pf)
LOG_ADD(f64, double, exp, log1p)
SERIAL(log_f32, float, log_add_f32)
SERIAL(log_f64, double, log_add_f64)

VEC_MATH(exp)
VEC_MATH(log)

/* Sums of exponentials below the top of the vector, whose logarithms are
 * exact enough unless they reach far below it. */
#define LOG_ROW(s, T, V, BYTES)                                   \
  static void log_##s##_row(                                      \
      const void* xv, void* outv, int64_t n, void* carryv) {      \
    enum { L = sizeof(V) / sizeof(T) };                           \
    const T* x = xv;                                              \
    T *out = outv, carry = *(T*)carryv;                           \
    V zero = {0};                                                 \
    int64_t i = 0;                                                \
    for (; i + L <= n; i += L) {                                  \
      T top = carry, first = log_add_##s(carry, x[i]);            \
      int nan = carry != carry;                                   \
      for (int k = 0; k < L; k++) {                               \
        nan |= x[i + k] != x[i + k];                              \
        top = x[i + k] > top ? x[i + k] : top;                    \
      }                                                           \
      if (nan || !(top - first < 8) || top == (T)INFINITY) {      \
        carry = log_##s##_serial(x + i, out + i, L, carry);       \
        continue;                                                 \
      }                                                           \
      V v, c;                                                     \
      memcpy(&v, x + i, sizeof v);                                \
      v = vec_exp_##s(v - top);                                   \
      for (int k = 0; k < L; k++) c[k] = 0;                       \
      c[0] = carry - top;                                         \
      c = vec_exp_##s(c);                                         \
      c = c[0] - (V){0};                                          \
      STEPS_##BYTES(v, zero, ADD) v = top + vec_log_##s(v + c);   \
      memcpy(out + i, &v, sizeof v);                              \
      carry = v[L - 1];                                           \
    }                                                             \
    *(T*)carryv = log_##s##_serial(x + i, out + i, n - i, carry); \
  }
LOG_ROW(f32, float, vec_f32, 4)
LOG_ROW(f64, double, vec_f64, 8)

#define EACH(op, way)                                                    \
  {                                                                      \
    [DTYPE_BOOL] = op##_u8_##way, [DTYPE_UINT8] = op##_u8_##way,         \
    [DTYPE_UINT16] = op##_u16_##way, [DTYPE_UINT32] = op##_u32_##way,    \
    [DTYPE_UINT64] = op##_u64_##way, [DTYPE_INT8] = op##_i8_##way,       \
    [DTYPE_INT16] = op##_i16_##way, [DTYPE_INT32] = op##_i32_##way,      \
    [DTYPE_INT64] = op##_i64_##way, [DTYPE_FLOAT32] = op##_f32_##way,    \
    [DTYPE_FLOAT64] = op##_f64_##way, [DTYPE_COMPLEX64] = op##_c64_##way \
  }
/* Wrapping arithmetic has no sign. The product of bools is the least of them.
 */
#define SUMS(op, way)                                                    \
  {                                                                      \
    [DTYPE_BOOL] = min_u8_##way, [DTYPE_UINT8] = op##_u8_##way,          \
    [DTYPE_UINT16] = op##_u16_##way, [DTYPE_UINT32] = op##_u32_##way,    \
    [DTYPE_UINT64] = op##_u64_##way, [DTYPE_INT8] = op##_u8_##way,       \
    [DTYPE_INT16] = op##_u16_##way, [DTYPE_INT32] = op##_u32_##way,      \
    [DTYPE_INT64] = op##_u64_##way, [DTYPE_FLOAT32] = op##_f32_##way,    \
    [DTYPE_FLOAT64] = op##_f64_##way, [DTYPE_COMPLEX64] = op##_c64_##way \
  }
/* The logarithm that integers leave after truncation is 0. */
#define LOGS(way)                                                      \
  {                                                                    \
    [DTYPE_BOOL] = max_u8_##way, [DTYPE_UINT8] = max_u8_##way,         \
    [DTYPE_UINT16] = max_u16_##way, [DTYPE_UINT32] = max_u32_##way,    \
    [DTYPE_UINT64] = max_u64_##way, [DTYPE_INT8] = max_i8_##way,       \
    [DTYPE_INT16] = max_i16_##way, [DTYPE_INT32] = max_i32_##way,      \
    [DTYPE_INT64] = max_i64_##way, [DTYPE_FLOAT32] = log_f32_##way,    \
    [DTYPE_FLOAT64] = log_f64_##way, [DTYPE_COMPLEX64] = log_c64_##way \
  }
#define ALL(way)                                                \
  {                                                             \
    [SCAN_SUM] = SUMS(sum, way), [SCAN_PROD] = SUMS(prod, way), \
    [SCAN_MAX] = EACH(max, way), [SCAN_MIN] = EACH(min, way),   \
    [SCAN_LOGADDEXP] = LOGS(way)                                \
  }

#define REVERSE(bytes, T)                                              \
  static void reverse_##bytes(const void* xv, void* outv, int64_t n) { \
    const T* restrict x = xv;                                          \
    T* restrict out = outv;                                            \
    for (int64_t i = 0; i < n; i++) out[i] = x[n - 1 - i];             \
  }
REVERSE(1, uint8_t)
REVERSE(2, uint16_t)
REVERSE(4, uint32_t)
REVERSE(8, uint64_t)

const scan_table ISA_NAME(scan_kernels) = {
    .row = ALL(row),
    .line = ALL(line),
    .reverse = {reverse_1, reverse_2, reverse_4, reverse_8},
};
