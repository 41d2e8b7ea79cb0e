#include "cpu/simd/scan.h"
#include "cpu/simd/scan_ops.h"

/* Rows one by one; they do not wait for each other. */
#define SERIAL(name, T, OP)                                            \
  static inline void name##_steps(                                     \
      const scan_shorts* job, int64_t k, int64_t last, int64_t step) { \
    T neutral = *(const T*)job->neutral;                               \
    for (; k < last; k++) {                                            \
      const T* x = (const T*)job->x + k * job->x_row;                  \
      T *out = (T*)job->out + k * job->out_row, carry = neutral;       \
      if (job->exclusive)                                              \
        for (int64_t i = 0; i < job->n; i++) {                         \
          T v = x[i * step];                                           \
          out[i * step] = carry;                                       \
          carry = (T)OP(carry, v);                                     \
        }                                                              \
      else {                                                           \
        *out = carry = *x;                                             \
        for (int64_t i = 1; i < job->n; i++) {                         \
          T v = x[i * step];                                           \
          carry = (T)OP(carry, v);                                     \
          out[i * step] = carry;                                       \
        }                                                              \
      }                                                                \
    }                                                                  \
  }                                                                    \
  static void name##_serial(                                           \
      const scan_shorts* job, int64_t first, int64_t last) {           \
    if (job->step > 0)                                                 \
      name##_steps(job, first, last, 1);                               \
    else                                                               \
      name##_steps(job, first, last, -1);                              \
  }
#define ALONE(name, T, OP)                          \
  SERIAL(name, T, OP)                               \
  static void name##_rows(const scan_shorts* job) { \
    name##_serial(job, 0, job->count);              \
  }

/* How the lanes of a vector that holds whole rows take those before them in
 * the scan. The last lanes may hold a part of a row: it is left as it is. */
#define SHIFTS(bits, BYTES)                                                   \
  typedef LANES(int##bits##_t, BYTES) lanes_##bits;                           \
  typedef struct shift_##bits {                                               \
    lanes_##bits from, there; /* there: -1 where one is that far before */    \
  } shift_##bits;                                                             \
  static shift_##bits shift_of_##bits(                                        \
      const scan_shorts* job, int64_t by, int64_t used) {                     \
    shift_##bits s;                                                           \
    for (int64_t i = 0; i < (BYTES)*8 / bits; i++) {                          \
      int64_t at = i % job->n, before = job->step > 0 ? at : job->n - 1 - at; \
      bool there = i < used && before >= by;                                  \
      s.from[i] = (int##bits##_t)(there ? i - job->step * by : i);            \
      s.there[i] = -there;                                                    \
    }                                                                         \
    return s;                                                                 \
  }
SHIFTS(8, 16)
SHIFTS(16, 16)
SHIFTS(32, 4 * VEC_F32)
SHIFTS(64, 8 * VEC_F64)

#define NEVER(v) 0
/* Bytes and pairs of them are shuffled with one table and then replaced; wider
 * ones come from either of two vectors at once. */
#define FILL_8(v, s, fill) \
  V_PICK(V, (s).there, __builtin_shuffle(v, (s).from), fill)
#define FILL_16(v, s, fill) FILL_8(v, s, fill)
#if defined(LZ_ISA_avx512)
#define FILL_32(v, s, fill) \
  __builtin_shuffle(v, fill, (s).from | (~(s).there & VEC_F32))
#define FILL_64(v, s, fill) \
  __builtin_shuffle(v, fill, (s).from | (~(s).there & VEC_F64))
#else
#define FILL_32(v, s, fill) FILL_8(v, s, fill)
#define FILL_64(v, s, fill) FILL_8(v, s, fill)
#endif
#define STEP(bits, by, VOP) \
  if (job->n > by) v = VOP(FILL_##bits(v, s##by, unit), v);
#define TOGETHER(name, T, bits, OP, VOP, UNIT, ODD)                          \
  SERIAL(name, T, OP)                                                        \
  static void name##_rows(const scan_shorts* job) {                          \
    typedef LANES(T, sizeof(lanes_##bits)) V;                                \
    typedef LANES(uint64_t, sizeof(V)) V64;                                  \
    enum { L = sizeof(V) / sizeof(T) };                                      \
    int64_t n = job->n, all = n * job->count, i = 0;                         \
    int64_t low = job->step < 0 ? n - 1 : 0;                                 \
    const T* x = (const T*)job->x - low;                                     \
    T* out = (T*)job->out - low;                                             \
    if (n > L || job->x_row != n || job->out_row != n) {                     \
      name##_serial(job, 0, job->count);                                     \
      return;                                                                \
    }                                                                        \
    int64_t used = L / n * n;                                                \
    shift_##bits s1 = shift_of_##bits(job, 1, used);                         \
    shift_##bits s2 = shift_of_##bits(job, 2, used);                         \
    shift_##bits s4 = shift_of_##bits(job, 4, used);                         \
    shift_##bits s8 = shift_of_##bits(job, 8, used);                         \
    shift_##bits shifted = s1;                                               \
    for (int64_t k = used; k < L; k++) shifted.there[k] = -1;                \
    V unit = (T)(UNIT) - (V){0}, neutral = *(const T*)job->neutral - (V){0}; \
    for (; i + L <= all; i += used) {                                        \
      V v;                                                                   \
      memcpy(&v, x + i, sizeof v);                                           \
      if (ODD(v)) {                                                          \
        name##_serial(job, i / n, (i + used) / n);                           \
        continue;                                                            \
      }                                                                      \
      if (job->exclusive) v = FILL_##bits(v, shifted, neutral);              \
      STEP(bits, 1, VOP)                                                     \
      STEP(bits, 2, VOP)                                                     \
      STEP(bits, 4, VOP)                                                     \
      STEP(bits, 8, VOP)                                                     \
      memcpy(out + i, &v, sizeof v);                                         \
    }                                                                        \
    name##_serial(job, i / n, job->count);                                   \
  }
#define EXTREMES(s, T, bits, LOWEST, HIGHEST, ODD)        \
  TOGETHER(max_##s, T, bits, MAX, V_MAX_##s, LOWEST, ODD) \
  TOGETHER(min_##s, T, bits, MIN, V_MIN_##s, HIGHEST, ODD)
TOGETHER(sum_u8, uint8_t, 8, ADD, V_ADD, 0, NEVER)
TOGETHER(sum_u16, uint16_t, 16, ADD, V_ADD, 0, NEVER)
TOGETHER(sum_u32, uint32_t, 32, ADD, V_ADD, 0, NEVER)
TOGETHER(sum_u64, uint64_t, 64, ADD, V_ADD, 0, NEVER)
TOGETHER(sum_f32, float, 32, ADD, V_ADD, -0.0, NEVER)
TOGETHER(sum_f64, double, 64, ADD, V_ADD, -0.0, NEVER)
TOGETHER(sum_c64, uint64_t, 64, c64_add_bits, V_ADD_C64, C64_MINUS_0, NEVER)
TOGETHER(prod_u8, uint8_t, 8, MUL, V_MUL, 1, NEVER)
TOGETHER(prod_u16, uint16_t, 16, MUL_WIDE, V_MUL, 1, NEVER)
TOGETHER(prod_u32, uint32_t, 32, MUL, V_MUL, 1, NEVER)
TOGETHER(prod_u64, uint64_t, 64, MUL, V_MUL, 1, NEVER)
TOGETHER(prod_f32, float, 32, MUL, V_MUL, 1, NEVER)
TOGETHER(prod_f64, double, 64, MUL, V_MUL, 1, NEVER)
EXTREMES(u8, uint8_t, 8, 0, UINT8_MAX, NEVER)
EXTREMES(u16, uint16_t, 16, 0, UINT16_MAX, NEVER)
EXTREMES(u32, uint32_t, 32, 0, UINT32_MAX, NEVER)
EXTREMES(u64, uint64_t, 64, 0, UINT64_MAX, NEVER)
EXTREMES(i8, int8_t, 8, INT8_MIN, INT8_MAX, NEVER)
EXTREMES(i16, int16_t, 16, INT16_MIN, INT16_MAX, NEVER)
EXTREMES(i32, int32_t, 32, INT32_MIN, INT32_MAX, NEVER)
EXTREMES(i64, int64_t, 64, INT64_MIN, INT64_MAX, NEVER)
EXTREMES(f32, float, 32, -INFINITY, INFINITY, nan_f32)
EXTREMES(f64, double, 64, -INFINITY, INFINITY, nan_f64)
ALONE(prod_c64, lz_complex, c64_mul)
ALONE(max_c64, lz_complex, C64_MAX)
ALONE(min_c64, lz_complex, C64_MIN)
ALONE(log_f32, float, log_add_f32)
ALONE(log_f64, double, log_add_f64)
ALONE(log_c64, lz_complex, c64_log_add)

const scan_short_table ISA_NAME(scan_short_kernels) = {
    .rows = ALL(rows),
    .most = {[1] = 16, [2] = 8, [4] = VEC_F32, [8] = 64},
};
