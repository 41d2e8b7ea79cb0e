/* Element-wise bodies over integers and bool: plain loops that the compiler
 * turns into vectors. */
#include <stdbool.h>
#include <stdint.h>

#include "cpu/elementwise.h"
#include "cpu/isa.h"

/* Unsigned of at least 32 bits, so that sums and products wrap. */
#define U(x) ((WIDE)(x))
#define SHIFT(b) ((b) & (sizeof(a) == 8 ? 63 : 31))

/* Division by 0 gives 0; the smallest integer divided by -1 gives itself.
 * Small types divide exactly in floating point, which has vectors. */
#define QUOTIENT(a, b) ISA_CAT(quotient, TYPE)(a, b, narrow)
#define MODULUS(a, b) ISA_CAT(modulus, TYPE)(a, b, narrow)
#define FLOORED(r, b) ISA_CAT(floored, TYPE)(r, b)

#define INLINE static inline __attribute__((always_inline, unused))

#define DIVIDES_BY(T, VIA, BACK)                 \
  INLINE T quotient_##T(T a, T b, bool narrow) { \
    (void)narrow;                                \
    VIA d = (VIA)(b == 0 ? 1 : b);               \
    T q = (T)(BACK)((VIA)a / d);                 \
    return b == 0 ? 0 : q;                       \
  }                                              \
  INLINE uint64_t wide_##T(T a, T b) {           \
    return (void)a, (void)b, 0;                  \
  }
DIVIDES_BY(int8_t, float, int32_t)
DIVIDES_BY(uint8_t, float, int32_t)
DIVIDES_BY(int16_t, float, int32_t)
DIVIDES_BY(uint16_t, float, int32_t)
DIVIDES_BY(int32_t, double, int64_t)
DIVIDES_BY(uint32_t, double, int64_t)
/* So do large ones, where all operands of a call are below 2^53: no bit of
 * theirs is in this. */
INLINE uint64_t wide_int64_t(int64_t a, int64_t b) {
  const uint64_t most = UINT64_C(1) << 53;
  return (((uint64_t)a + most) | ((uint64_t)b + most)) >> 54;
}
INLINE uint64_t wide_uint64_t(uint64_t a, uint64_t b) {
  return (a | b) >> 53;
}
INLINE int64_t quotient_int64_t(int64_t a, int64_t b, bool narrow) {
  int64_t d = b == 0 ? 1 : b;
  if (narrow) return b == 0 ? 0 : (int64_t)((double)a / (double)d);
  if (b == 0) return 0;
  return b == -1 ? (int64_t)(0 - (uint64_t)a) : a / b;
}
INLINE uint64_t quotient_uint64_t(uint64_t a, uint64_t b, bool narrow) {
  int64_t c = (int64_t)a, d = (int64_t)(b == 0 ? 1 : b);
  if (narrow) return b == 0 ? 0 : (uint64_t)(int64_t)((double)c / (double)d);
  return b == 0 ? 0 : a / b;
}

#define MODULUS_OF(T, UT)                                      \
  INLINE T modulus_##T(T a, T b, bool narrow) {                \
    T r = (T)((UT)a - (UT)quotient_##T(a, b, narrow) * (UT)b); \
    return b == 0 ? 0 : r;                                     \
  }
#define FLOORED_OF(T, UT)                        \
  INLINE T floored_##T(T r, T b) {               \
    int wrong = (r != 0) & ((r < 0) != (b < 0)); \
    return (T)((UT)r + (wrong ? (UT)b : 0));     \
  }
#define FLOORED_ALREADY(T)         \
  INLINE T floored_##T(T r, T b) { \
    return (void)b, r;             \
  }
MODULUS_OF(int8_t, uint32_t)
MODULUS_OF(int16_t, uint32_t)
MODULUS_OF(int32_t, uint32_t)
MODULUS_OF(int64_t, uint64_t)
MODULUS_OF(uint8_t, uint32_t)
MODULUS_OF(uint16_t, uint32_t)
MODULUS_OF(uint32_t, uint32_t)
MODULUS_OF(uint64_t, uint64_t)
FLOORED_OF(int8_t, uint32_t)
FLOORED_OF(int16_t, uint32_t)
FLOORED_OF(int32_t, uint32_t)
FLOORED_OF(int64_t, uint64_t)
FLOORED_ALREADY(uint8_t)
FLOORED_ALREADY(uint16_t)
FLOORED_ALREADY(uint32_t)
FLOORED_ALREADY(uint64_t)

enum {
#define EW_OP(id, name, arity, rule, cost, glsl) ARITY_##id = arity,
#include "ops/elementwise.def"
};

/* Output and operands may be the same memory: there is no dependence from one
 * element to another, which is what ivdep says. */
#define KERNEL(id, x, OUT, e)                                                  \
  void ISA_NAME(ISA_CAT(ew_##id, x))(                                          \
      void* out, const void* pa, const void* pb, const void* pc, int n) {      \
    (void)pb, (void)pc;                                                        \
    uint64_t wide = 0; /* costs nothing where nothing divides */               \
    for (int i = 0; ARITY_##id > 1 && i < n; i++)                              \
      wide |= ISA_CAT(wide, TYPE)(((const TYPE*)pa)[i], ((const TYPE*)pb)[i]); \
    bool narrow = wide == 0;                                                   \
    (void)narrow;                                                              \
    _Pragma("GCC ivdep") for (int i = 0; i < n; i++) {                         \
      TYPE a = ((const TYPE*)pa)[i];                                           \
      TYPE b = ARITY_##id > 1 ? ((const TYPE*)pb)[i] : a;                      \
      (void)b;                                                                 \
      ((OUT*)out)[i] = (OUT)(e);                                               \
    }                                                                          \
  }

#define TYPE int8_t
#define WIDE uint32_t
#define SUFFIX i8
#define EW_SIGNED(id, e) KERNEL(id, SUFFIX, TYPE, e)
#define EW_INT_TEST(id, e) KERNEL(id, SUFFIX, uint8_t, e)
#include "ops/elementwise.def"
#undef TYPE
#undef WIDE
#undef SUFFIX

#define TYPE int16_t
#define WIDE uint32_t
#define SUFFIX i16
#define EW_SIGNED(id, e) KERNEL(id, SUFFIX, TYPE, e)
#define EW_INT_TEST(id, e) KERNEL(id, SUFFIX, uint8_t, e)
#include "ops/elementwise.def"
#undef TYPE
#undef WIDE
#undef SUFFIX

#define TYPE int32_t
#define WIDE uint32_t
#define SUFFIX i32
#define EW_SIGNED(id, e) KERNEL(id, SUFFIX, TYPE, e)
#define EW_INT_TEST(id, e) KERNEL(id, SUFFIX, uint8_t, e)
#include "ops/elementwise.def"
#undef TYPE
#undef WIDE
#undef SUFFIX

#define TYPE int64_t
#define WIDE uint64_t
#define SUFFIX i64
#define EW_SIGNED(id, e) KERNEL(id, SUFFIX, TYPE, e)
#define EW_INT_TEST(id, e) KERNEL(id, SUFFIX, uint8_t, e)
#include "ops/elementwise.def"
#undef TYPE
#undef WIDE
#undef SUFFIX

#define TYPE uint8_t
#define WIDE uint32_t
#define SUFFIX u8
#define EW_UNSIGNED(id, e) KERNEL(id, SUFFIX, TYPE, e)
#define EW_INT_TEST(id, e) KERNEL(id, SUFFIX, uint8_t, e)
#include "ops/elementwise.def"
#undef TYPE
#undef WIDE
#undef SUFFIX

#define TYPE uint16_t
#define WIDE uint32_t
#define SUFFIX u16
#define EW_UNSIGNED(id, e) KERNEL(id, SUFFIX, TYPE, e)
#define EW_INT_TEST(id, e) KERNEL(id, SUFFIX, uint8_t, e)
#include "ops/elementwise.def"
#undef TYPE
#undef WIDE
#undef SUFFIX

#define TYPE uint32_t
#define WIDE uint32_t
#define SUFFIX u32
#define EW_UNSIGNED(id, e) KERNEL(id, SUFFIX, TYPE, e)
#define EW_INT_TEST(id, e) KERNEL(id, SUFFIX, uint8_t, e)
#include "ops/elementwise.def"
#undef TYPE
#undef WIDE
#undef SUFFIX

#define TYPE uint64_t
#define WIDE uint64_t
#define SUFFIX u64
#define EW_UNSIGNED(id, e) KERNEL(id, SUFFIX, TYPE, e)
#define EW_INT_TEST(id, e) KERNEL(id, SUFFIX, uint8_t, e)
#include "ops/elementwise.def"
#undef TYPE
#undef WIDE
#undef SUFFIX

#define TYPE uint8_t
#define WIDE uint32_t
#define SUFFIX b8
#define EW_BOOL(id, e) KERNEL(id, SUFFIX, TYPE, e)
#include "ops/elementwise.def"
#undef TYPE
#undef WIDE
#undef SUFFIX

/* Powers by squaring, in blocks that go on while any exponent has bits left.
 * Products wrap, so narrow types lose nothing; a negative exponent gives 0. */
enum { BLOCK = 64 };

#define POWER(s, T, U, W)                                                 \
  void ISA_NAME(ew_POWER_##s)(                                            \
      void* out, const void* pa, const void* pb, const void* pc, int n) { \
    (void)pc;                                                             \
    for (int i = 0; i < n; i += BLOCK) {                                  \
      const T *a = (const T*)pa + i, *b = (const T*)pb + i;               \
      U square[BLOCK], left[BLOCK], r[BLOCK], bits = 0;                   \
      int m = n - i < BLOCK ? n - i : BLOCK;                              \
      for (int j = 0; j < m; j++) {                                       \
        bool none = b[j] < 1 && b[j] != 0;                                \
        square[j] = (U)a[j];                                              \
        left[j] = none ? 0 : (U)b[j];                                     \
        r[j] = none ? 0 : 1;                                              \
        bits |= left[j];                                                  \
      }                                                                   \
      for (; bits; bits = (U)(bits >> 1))                                 \
        for (int j = 0; j < m; j++) {                                     \
          U by = (U)((W)r[j] * square[j]);                                \
          r[j] = left[j] & 1 ? by : r[j];                                 \
          left[j] = (U)(left[j] >> 1);                                    \
          square[j] = (U)((W)square[j] * square[j]);                      \
        }                                                                 \
      for (int j = 0; j < m; j++) ((T*)out)[i + j] = (T)r[j];             \
    }                                                                     \
  }
POWER(i8, int8_t, uint16_t, uint32_t)
POWER(u8, uint8_t, uint16_t, uint32_t)
POWER(i16, int16_t, uint16_t, uint32_t)
POWER(u16, uint16_t, uint16_t, uint32_t)
POWER(i32, int32_t, uint32_t, uint32_t)
POWER(u32, uint32_t, uint32_t, uint32_t)
POWER(i64, int64_t, uint64_t, uint64_t)
POWER(u64, uint64_t, uint64_t, uint64_t)
