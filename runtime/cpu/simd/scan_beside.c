#include "cpu/simd/scan.h"
#include "cpu/simd/scan_ops.h"

#define LINE(name, T, OP)                                           \
  static void name##_line(                                          \
      const void* beforev, const void* xv, void* outv, int64_t n) { \
    const T *before = beforev, *x = xv;                             \
    T* out = outv;                                                  \
    for (int64_t i = 0; i < n; i++) out[i] = OP(before[i], x[i]);   \
  }

/* Steps of as many lines as `bytes` hold, at a time. */
#define STRETCH(T, VOP, bytes)                                          \
  for (; (bytes) <= WIDEST && left >= (int64_t)((bytes) / sizeof(T));   \
       left -= (bytes) / sizeof(T)) {                                   \
    enum { SIZE = (bytes) <= WIDEST ? (bytes) : WIDEST };               \
    typedef LANES(T, SIZE) V;                                           \
    typedef LANES(uint16_t, SIZE < 2 ? 2 : SIZE) V16;                   \
    typedef LANES(uint64_t, SIZE < 8 ? 8 : SIZE) V64;                   \
    const T* from = x;                                                  \
    T* to = out;                                                        \
    V sum, v;                                                           \
    memcpy(&sum, carry, sizeof sum);                                    \
    if (job->exclusive)                                                 \
      for (int64_t i = 0; i < job->n; i++, from += down, to += below) { \
        memcpy(&v, from, sizeof v);                                     \
        memcpy(to, &sum, sizeof v);                                     \
        sum = VOP(sum, v);                                              \
      }                                                                 \
    else                                                                \
      for (int64_t i = 0; i < job->n; i++, from += down, to += below) { \
        memcpy(&v, from, sizeof v);                                     \
        sum = VOP(sum, v);                                              \
        memcpy(to, &sum, sizeof v);                                     \
      }                                                                 \
    memcpy(carry, &sum, sizeof sum);                                    \
    x += SIZE / sizeof(T);                                              \
    out += SIZE / sizeof(T);                                            \
    carry += SIZE / sizeof(T);                                          \
  }

/* each: lanes of an element, one of which VOP_LAST takes. */
#define DOWN(name, T, each, VOP, VOP_LAST)              \
  static void name##_down(const scan_lines* job) {      \
    const T* x = job->x;                                \
    T *out = job->out, *carry = job->carry;             \
    int64_t left = job->lines * (each);                 \
    int64_t down = job->x_step * (each);                \
    int64_t below = job->out_step * (each);             \
    STRETCH(T, VOP, 64)                                 \
    STRETCH(T, VOP, 32)                                 \
    STRETCH(T, VOP, 16)                                 \
    STRETCH(T, VOP, 8)                                  \
    STRETCH(T, VOP_LAST, sizeof(T) < 8 ? sizeof(T) : 8) \
  }

#define BESIDE(name, T, OP, VOP) \
  LINE(name, T, OP)              \
  DOWN(name, T, 1, VOP, VOP)
#define EXTREMES(s, T)           \
  BESIDE(max_##s, T, MAX, V_MAX) \
  BESIDE(min_##s, T, MIN, V_MIN)
BESIDE(sum_u8, uint8_t, ADD, V_ADD)
BESIDE(sum_u16, uint16_t, ADD, V_ADD)
BESIDE(sum_u32, uint32_t, ADD, V_ADD)
BESIDE(sum_u64, uint64_t, ADD, V_ADD)
BESIDE(sum_f32, float, ADD, V_ADD)
BESIDE(sum_f64, double, ADD, V_ADD)
LINE(prod_u8, uint8_t, MUL)
DOWN(prod_u8, uint8_t, 1, V_MUL_8, V_MUL)
BESIDE(prod_u16, uint16_t, MUL_WIDE, V_MUL)
BESIDE(prod_u32, uint32_t, MUL, V_MUL)
BESIDE(prod_u64, uint64_t, MUL, V_MUL)
BESIDE(prod_f32, float, MUL, V_MUL)
BESIDE(prod_f64, double, MUL, V_MUL)
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
LINE(sum_c64, lz_complex, c64_add)
DOWN(sum_c64, float, 2, V_ADD, V_ADD)
LINE(prod_c64, lz_complex, c64_mul)
DOWN(prod_c64, float, 2, V_MUL_C64, V_MUL)
LINE(max_c64, lz_complex, C64_MAX)
DOWN(max_c64, float, 2, V_MAX_C64, V_MAX)
LINE(min_c64, lz_complex, C64_MIN)
DOWN(min_c64, float, 2, V_MIN_C64, V_MIN)

VEC_MATH(exp)
VEC_MATH(log1p)

/* log(exp(a) + exp(b)) as log_add_f32() has it. */
#define LOGS_OF(s, T, V, M)                                           \
  typedef LANES(M, sizeof(V)) mask_##s;                               \
  static inline V log_adds_##s(V a, V b) {                            \
    mask_##s more = a > b;                                            \
    V high = V_PICK(V, more, a, b), low = V_PICK(V, more, b, a);      \
    V value = high + vec_log1p_##s(vec_exp_##s(low - high));          \
    mask_##s ends = (low == -(T)INFINITY) | (high == (T)INFINITY);    \
    value = V_PICK(V, ends, high, value);                             \
    mask_##s nan = (a != a) | (b != b);                               \
    return V_PICK(V, nan, a + b, value);                              \
  }                                                                   \
  static void log_##s##_line(                                         \
      const void* beforev, const void* xv, void* outv, int64_t n) {   \
    enum { L = sizeof(V) / sizeof(T) };                               \
    const T *before = beforev, *x = xv;                               \
    T* out = outv;                                                    \
    for (int64_t i = 0; i < n; i += L) {                              \
      size_t some = sizeof(T) * (size_t)(n - i < L ? n - i : L);      \
      V a = {0}, b = {0};                                             \
      memcpy(&a, before + i, some);                                   \
      memcpy(&b, x + i, some);                                        \
      a = log_adds_##s(a, b);                                         \
      memcpy(out + i, &a, some);                                      \
    }                                                                 \
  }                                                                   \
  static void log_##s##_down(const scan_lines* job) {                 \
    const T* x = job->x;                                              \
    T *out = job->out, *carry = job->carry;                           \
    for (int64_t i = 0; i < job->n; i++) {                            \
      T before[64];                                                   \
      memcpy(before, carry, (size_t)job->lines * sizeof(T));          \
      log_##s##_line(before, x + i * job->x_step, carry, job->lines); \
      memcpy(                                                         \
          out + i * job->out_step,                                    \
          job->exclusive ? before : carry,                            \
          (size_t)job->lines * sizeof(T));                            \
    }                                                                 \
  }
LOGS_OF(f32, float, vec_f32, int32_t)
LOGS_OF(f64, double, vec_f64, int64_t)
LINE(log_c64, lz_complex, c64_log_add)
static void log_c64_down(const scan_lines* job) {
  const lz_complex* x = job->x;
  lz_complex *out = job->out, *carry = job->carry;
  for (int64_t i = 0; i < job->n; i++, x += job->x_step, out += job->out_step)
    for (int64_t k = 0; k < job->lines; k++) {
      lz_complex before = carry[k];
      carry[k] = c64_log_add(before, x[k]);
      out[k] = job->exclusive ? before : carry[k];
    }
}

const scan_beside_table ISA_NAME(scan_beside_kernels) = {
    .line = ALL(line),
    .down = ALL(down),
};
