#include "cpu/simd/scan.h"
#include "cpu/simd/scan_ops.h"

#define LINE(name, T, OP)                                           \
  static void name##_line(                                          \
      const void* beforev, const void* xv, void* outv, int64_t n) { \
    const T *before = beforev, *x = xv;                             \
    T* out = outv;                                                  \
    for (int64_t i = 0; i < n; i++) out[i] = OP(before[i], x[i]);   \
  }

/* Steps of as many lines as `each` vectors of `bytes` hold, at a time: one does
 * not wait for the other. */
#define STRETCH(T, VOP, bytes, each)                                           \
  for (; (bytes) <= WIDEST && left >= (int64_t)((each) * (bytes) / sizeof(T)); \
       left -= (each) * (bytes) / sizeof(T)) {                                 \
    enum { SIZE = (bytes) <= WIDEST ? (bytes) : WIDEST };                      \
    typedef LANES(T, SIZE) V;                                                  \
    typedef LANES(uint16_t, SIZE < 2 ? 2 : SIZE) V16;                          \
    typedef LANES(uint64_t, SIZE < 8 ? 8 : SIZE) V64;                          \
    enum { L = SIZE / sizeof(T) };                                             \
    const T* from = x;                                                         \
    T* to = out;                                                               \
    V sum[each], v;                                                            \
    for (int k = 0; k < (each); k++) memcpy(&sum[k], carry + k * L, sizeof v); \
    if (exclusive)                                                             \
      for (int64_t i = 0; i < n; i++, from += down, to += below)               \
        for (int k = 0; k < (each); k++) {                                     \
          memcpy(&v, from + k * L, sizeof v);                                  \
          memcpy(to + k * L, &sum[k], sizeof v);                               \
          sum[k] = VOP(sum[k], v);                                             \
        }                                                                      \
    else                                                                       \
      for (int64_t i = 0; i < n; i++, from += down, to += below)               \
        for (int k = 0; k < (each); k++) {                                     \
          memcpy(&v, from + k * L, sizeof v);                                  \
          sum[k] = VOP(sum[k], v);                                             \
          memcpy(to + k * L, &sum[k], sizeof v);                               \
        }                                                                      \
    for (int k = 0; k < (each); k++) memcpy(carry + k * L, &sum[k], sizeof v); \
    x += (each)*L;                                                             \
    out += (each)*L;                                                           \
    carry += (each)*L;                                                         \
  }

#define DOWN_BEGIN(name, T, each)                  \
  static void name##_down(const scan_lines* job) { \
    const T* x = job->x;                           \
    T *out = job->out, *carry = job->carry;        \
    const int64_t n = job->n;                      \
    const bool exclusive = job->exclusive;         \
    int64_t left = job->lines * (each);            \
    int64_t down = job->x_step * (each);           \
    int64_t below = job->out_step * (each);
/* each: lanes of an element, one of which VOP_LAST takes. */
#define DOWN(name, T, each, VOP, VOP_LAST)               \
  DOWN_BEGIN(name, T, each)                              \
  STRETCH(T, VOP, WIDEST, 2)                             \
  STRETCH(T, VOP, 64, 1)                                 \
  STRETCH(T, VOP, 32, 1)                                 \
  STRETCH(T, VOP, 16, 1)                                 \
  STRETCH(T, VOP, 8, 1)                                  \
  STRETCH(T, VOP_LAST, sizeof(T) < 8 ? sizeof(T) : 8, 1) \
  }

#define BESIDE(name, T, OP, VOP) \
  LINE(name, T, OP)              \
  DOWN(name, T, 1, VOP, VOP)
#define EXTREMES(s, T)               \
  BESIDE(max_##s, T, MAX, V_MAX_##s) \
  BESIDE(min_##s, T, MIN, V_MIN_##s)
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
#if defined(LZ_ISA_avx512)
BESIDE(prod_u64, uint64_t, MUL, V_MUL)
#else /* products of vectors take many instructions */
LINE(prod_u64, uint64_t, MUL)
DOWN_BEGIN(prod_u64, uint64_t, 1)
STRETCH(uint64_t, V_MUL, 8, 4)
STRETCH(uint64_t, V_MUL, 8, 1)
}
#endif
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
VEC_MATH(log)

/* log(exp(a) + exp(b)) as log_add_f32() has it, but for sums below 1 + eps. */
#define LOGS_OF(s, T, V, M)                                           \
  typedef LANES(M, sizeof(V)) mask_##s;                               \
  static inline V log_adds_##s(V a, V b) {                            \
    mask_##s more = a > b;                                            \
    V high = V_PICK(V, more, a, b), low = V_PICK(V, more, b, a);      \
    V value = high + vec_log_##s(1 + vec_exp_##s(low - high));        \
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
    V a = {0}, b = {0};                                               \
    int64_t i = 0;                                                    \
    for (; i + L <= n; i += L) {                                      \
      memcpy(&a, before + i, sizeof a);                               \
      memcpy(&b, x + i, sizeof b);                                    \
      a = log_adds_##s(a, b);                                         \
      memcpy(out + i, &a, sizeof a);                                  \
    }                                                                 \
    if (i == n) return;                                               \
    size_t some = sizeof(T) * (size_t)(n - i);                        \
    memcpy(&a, before + i, some);                                     \
    memcpy(&b, x + i, some);                                          \
    a = log_adds_##s(a, b);                                           \
    memcpy(out + i, &a, some);                                        \
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
