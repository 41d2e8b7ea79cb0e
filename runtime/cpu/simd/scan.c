#include "cpu/simd/scan.h"

#include "cpu/simd/scan_ops.h"

/* A row is scanned vector by vector: within one by shifting it on itself,
 * between them by a carry whose chain is one scalar operation a vector. */

typedef uint32_t vec_u32 __attribute__((vector_size(4 * VEC_F32)));
typedef uint64_t vec_u64 __attribute__((vector_size(8 * VEC_F64)));
typedef int32_t vec_i32 __attribute__((vector_size(4 * VEC_F32)));
typedef int64_t vec_i64 __attribute__((vector_size(8 * VEC_F64)));

/* v moved up by `by` lanes, or down by -by; lanes of `low` follow. Shuffles
 * count low's lanes after v's. */
#define LANE(i, by, lanes) \
  ((i) - (by) < 0 || (i) - (by) >= (lanes) ? (lanes) + (i) : (i) - (by))
#define LANE_4(i, by) LANE(i, by, VEC_F32)
#define LANE_8(i, by) LANE(i, by, VEC_F64)
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

/* step: 1 upwards, -1 downwards. */
#define STEPS_4(v, low, VOP, step)                                            \
  v = VOP(SHIFT_4(v, low, step), v);                                          \
  v = VOP(SHIFT_4(v, low, 2 * step), v);                                      \
  if (VEC_F32 > 4) v = VOP(SHIFT_4(v, low, (VEC_F32 > 4 ? 4 : 0) * step), v); \
  if (VEC_F32 > 8) v = VOP(SHIFT_4(v, low, (VEC_F32 > 8 ? 8 : 0) * step), v);
#define STEPS_8(v, low, VOP, step)                                            \
  v = VOP(SHIFT_8(v, low, step), v);                                          \
  if (VEC_F64 > 2) v = VOP(SHIFT_8(v, low, (VEC_F64 > 2 ? 2 : 0) * step), v); \
  if (VEC_F64 > 4) v = VOP(SHIFT_8(v, low, (VEC_F64 > 4 ? 4 : 0) * step), v);

/* Narrow integers: 16 bytes with any instruction set. */
typedef uint8_t vec_u8 __attribute__((vector_size(16)));
typedef int8_t vec_i8 __attribute__((vector_size(16)));
typedef uint16_t vec_u16 __attribute__((vector_size(16)));
typedef int16_t vec_i16 __attribute__((vector_size(16)));
#define LANE_1(i, by) LANE(i, by, 16)
#define LANE_2(i, by) LANE(i, by, 8)
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
#define STEPS_1(v, low, VOP, step)         \
  v = VOP(SHIFT_1(v, low, step), v);       \
  v = VOP(SHIFT_1(v, low, 2 * (step)), v); \
  v = VOP(SHIFT_1(v, low, 4 * (step)), v); \
  v = VOP(SHIFT_1(v, low, 8 * (step)), v);
#define STEPS_2(v, low, VOP, step)         \
  v = VOP(SHIFT_2(v, low, step), v);       \
  v = VOP(SHIFT_2(v, low, 2 * (step)), v); \
  v = VOP(SHIFT_2(v, low, 4 * (step)), v);

/* One after another: for types without a vector body, and tails. */
#define SERIAL(name, T, OP)                                                   \
  static inline T name##_serial(                                              \
      const T* x, T* out, int64_t n, int64_t step, T carry, bool exclusive) { \
    for (int64_t i = 0; i < n; i++) {                                         \
      T before = carry;                                                       \
      carry = (T)OP(carry, x[i * step]);                                      \
      out[i * step] = exclusive ? before : carry;                             \
    }                                                                         \
    return carry;                                                             \
  }

/* Both ways of a row without a vector body. */
#define ENDS(name, T)                                                     \
  static void name##_row(                                                 \
      const void* x, void* out, int64_t n, void* carry, bool exclusive) { \
    *(T*)carry = name##_serial(x, out, n, 1, *(T*)carry, exclusive);      \
  }                                                                       \
  static void name##_back(                                                \
      const void* x, void* out, int64_t n, void* carry, bool exclusive) { \
    *(T*)carry = name##_serial(x, out, n, -1, *(T*)carry, exclusive);     \
  }
/* ODD(v): whether the vector must go one after another. */
#define ROW_WAY(name, way, step, T, V, BYTES, OP, VOP, UNIT, ODD)            \
  static void name##_##way(                                                  \
      const void* xv, void* outv, int64_t n, void* carryv, bool exclusive) { \
    enum { L = sizeof(V) / sizeof(T), LOW = (step) < 0 ? L - 1 : 0 };        \
    const T* x = xv;                                                         \
    T *out = outv, carry = *(T*)carryv;                                      \
    const V unit = (T)(UNIT) - (V){0};                                       \
    int64_t left = n;                                                        \
    for (; left >= L; left -= L, x += L * (step), out += L * (step)) {       \
      V v, c;                                                                \
      __builtin_prefetch(x + 32 * L * (step));                               \
      memcpy(&v, x - LOW, sizeof v);                                         \
      if (ODD(v)) {                                                          \
        carry = name##_serial(x, out, L, step, carry, exclusive);            \
        continue;                                                            \
      }                                                                      \
      STEPS_##BYTES(v, unit, VOP, step) c = carry - (V){0};                  \
      carry = (T)OP(carry, v[L - 1 - LOW]);                                  \
      v = VOP(c, v);                                                         \
      if (exclusive) v = SHIFT_##BYTES(v, c, step);                          \
      memcpy(out - LOW, &v, sizeof v);                                       \
    }                                                                        \
    *(T*)carryv = name##_serial(x, out, left, step, carry, exclusive);       \
  }
#define ROW(name, T, V, BYTES, OP, VOP, UNIT, ODD)       \
  SERIAL(name, T, OP)                                    \
  ROW_WAY(name, row, 1, T, V, BYTES, OP, VOP, UNIT, ODD) \
  ROW_WAY(name, back, -1, T, V, BYTES, OP, VOP, UNIT, ODD)

#define NEVER(v) 0

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

ROW(sum_u8, uint8_t, vec_u8, 1, ADD, ADD, 0, NEVER)
ROW(sum_u16, uint16_t, vec_u16, 2, ADD, ADD, 0, NEVER)
ROW(sum_u32, uint32_t, vec_u32, 4, ADD, ADD, 0, NEVER)
ROW(sum_u64, uint64_t, vec_u64, 8, ADD, ADD, 0, NEVER)
ROW(sum_f32, float, vec_f32, 4, ADD, ADD, -0.0, NEVER)
ROW(sum_f64, double, vec_f64, 8, ADD, ADD, -0.0, NEVER)
ROW(prod_u8, uint8_t, vec_u8, 1, MUL, MUL, 1, NEVER)
ROW(prod_u16, uint16_t, vec_u16, 2, MUL_WIDE, MUL, 1, NEVER)
ROW(prod_u32, uint32_t, vec_u32, 4, MUL, MUL, 1, NEVER)
#if defined(LZ_ISA_avx512)
ROW(prod_u64, uint64_t, vec_u64, 8, MUL, MUL, 1, NEVER)
#else /* products of vectors take many instructions */
SERIAL(prod_u64, uint64_t, MUL)
ENDS(prod_u64, uint64_t)
#endif
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

/* In a row a new extreme is seldom, and a guess of that frees the chain. */
#define SERIAL_EXTREME_C64(name, KEEPS)                     \
  static inline lz_complex name##_serial(                   \
      const lz_complex* x,                                  \
      lz_complex* out,                                      \
      int64_t n,                                            \
      int64_t step,                                         \
      lz_complex carry,                                     \
      bool exclusive) {                                     \
    for (int64_t i = 0; i < n; i++) {                       \
      lz_complex v = x[i * step], before = carry;           \
      if (__builtin_expect(!KEEPS(carry, v), 0)) carry = v; \
      out[i * step] = exclusive ? before : carry;           \
    }                                                       \
    return carry;                                           \
  }
#define C64_KEEP_MAX(a, b) c64_less(b, a)
#define C64_KEEP_MIN(a, b) !c64_less(b, a)
ROW(sum_c64, uint64_t, vec_u64, 8, c64_add_bits, V_ADD_C64, C64_MINUS_0, NEVER)
SERIAL(prod_c64, lz_complex, c64_mul)
SERIAL_EXTREME_C64(max_c64, C64_KEEP_MAX)
SERIAL_EXTREME_C64(min_c64, C64_KEEP_MIN)
SERIAL(log_c64, lz_complex, c64_log_add)
ENDS(prod_c64, lz_complex)
ENDS(max_c64, lz_complex)
ENDS(min_c64, lz_complex)
ENDS(log_c64, lz_complex)

SERIAL(log_f32, float, log_add_f32)
SERIAL(log_f64, double, log_add_f64)
VEC_MATH(exp)
VEC_MATH(log)

/* Sums of exponentials below the top of the vector, whose logarithms are
 * exact enough unless they reach far below it. */
#define LOG_ROW(s, way, step, T, V, BYTES)                                   \
  static void log_##s##_##way(                                               \
      const void* xv, void* outv, int64_t n, void* carryv, bool exclusive) { \
    enum { L = sizeof(V) / sizeof(T), LOW = (step) < 0 ? L - 1 : 0 };        \
    const T* x = xv;                                                         \
    T *out = outv, carry = *(T*)carryv;                                      \
    V zero = {0};                                                            \
    int64_t left = n;                                                        \
    for (; left >= L; left -= L, x += L * (step), out += L * (step)) {       \
      T top = carry, first = log_add_##s(carry, *x);                         \
      int nan = carry != carry;                                              \
      V v, c = {0};                                                          \
      memcpy(&v, x - LOW, sizeof v);                                         \
      for (int k = 0; k < L; k++) {                                          \
        nan |= v[k] != v[k];                                                 \
        top = v[k] > top ? v[k] : top;                                       \
      }                                                                      \
      if (nan || !(top - first < 8) || top == (T)INFINITY) {                 \
        carry = log_##s##_serial(x, out, L, step, carry, exclusive);         \
        continue;                                                            \
      }                                                                      \
      v = vec_exp_##s(v - top);                                              \
      c[0] = carry - top;                                                    \
      c = vec_exp_##s(c);                                                    \
      c = c[0] - (V){0};                                                     \
      STEPS_##BYTES(v, zero, ADD, step) v = top + vec_log_##s(v + c);        \
      T before = carry;                                                      \
      carry = v[L - 1 - LOW];                                                \
      if (exclusive) v = SHIFT_##BYTES(v, before - zero, step);              \
      memcpy(out - LOW, &v, sizeof v);                                       \
    }                                                                        \
    *(T*)carryv = log_##s##_serial(x, out, left, step, carry, exclusive);    \
  }
LOG_ROW(f32, row, 1, float, vec_f32, 4)
LOG_ROW(f32, back, -1, float, vec_f32, 4)
LOG_ROW(f64, row, 1, double, vec_f64, 8)
LOG_ROW(f64, back, -1, double, vec_f64, 8)

const scan_table ISA_NAME(scan_kernels) = {
    .row = ALL(row),
    .back = ALL(back),
};
