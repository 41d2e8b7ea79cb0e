/* Element-wise bodies over integers and bool: plain loops that the compiler
 * turns into vectors. */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

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

#if defined(LZ_ISA_avx2)
/* There only one by one does the processor convert between doubles and 64 bits.
 * An integer of less than 2^51 is in the low bits of its sum with 1.5 * 2^52.
 */
INLINE double to_double(int64_t x) {
  uint64_t bits = (uint64_t)x + (UINT64_C(0x4338) << 48);
  double sum;
  memcpy(&sum, &bits, sizeof sum);
  return sum - 0x1.8p52;
}
INLINE int64_t to_int(double x) {
  double sum = __builtin_trunc(x) + 0x1.8p52;
  uint64_t bits;
  memcpy(&bits, &sum, sizeof bits);
  return (int64_t)(bits - (UINT64_C(0x4338) << 48));
}
#else
INLINE double to_double(int64_t x) {
  return (double)x;
}
INLINE int64_t to_int(double x) {
  return (int64_t)x;
}
#endif

#define DIVIDES_BY(T, VIA, TO, BACK)             \
  INLINE T quotient_##T(T a, T b, bool narrow) { \
    (void)narrow;                                \
    VIA d = TO(b == 0 ? 1 : b);                  \
    T q = (T)BACK(TO(a) / d);                    \
    return b == 0 ? 0 : q;                       \
  }                                              \
  INLINE uint64_t wide_##T(T a, T b) {           \
    return (void)a, (void)b, 0;                  \
  }
DIVIDES_BY(int8_t, float, (float), (int32_t))
DIVIDES_BY(uint8_t, float, (float), (int32_t))
DIVIDES_BY(int16_t, float, (float), (int32_t))
DIVIDES_BY(uint16_t, float, (float), (int32_t))
DIVIDES_BY(int32_t, double, (double), to_int)
DIVIDES_BY(uint32_t, double, to_double, to_int)
/* So do large ones, where all operands of a call are below 2^51: no bit of
 * theirs is in this. */
INLINE uint64_t wide_int64_t(int64_t a, int64_t b) {
  const uint64_t most = UINT64_C(1) << 51;
  return (((uint64_t)a + most) | ((uint64_t)b + most)) >> 52;
}
INLINE uint64_t wide_uint64_t(uint64_t a, uint64_t b) {
  return (a | b) >> 51;
}
INLINE int64_t quotient_int64_t(int64_t a, int64_t b, bool narrow) {
  int64_t d = b == 0 ? 1 : b;
  if (narrow) return b == 0 ? 0 : to_int(to_double(a) / to_double(d));
  if (b == 0) return 0;
  return b == -1 ? (int64_t)(0 - (uint64_t)a) : a / b;
}
INLINE uint64_t quotient_uint64_t(uint64_t a, uint64_t b, bool narrow) {
  if (narrow) return (uint64_t)quotient_int64_t((int64_t)a, (int64_t)b, true);
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

/* Vectors have no products of bytes, so two go at a time: the even one is the
 * low byte of a product of 16 bits, the odd one the high byte of another. */
typedef uint16_t __attribute__((may_alias, aligned(1))) pair;
#define BYTES(id, s, y)                                                   \
  void ISA_NAME(ew_##id##_##s)(                                           \
      void* out, const void* pa, const void* pb, const void* pc, int n) { \
    (void)pb, (void)pc;                                                   \
    const pair *a = pa, *b = p##y;                                        \
    _Pragma("GCC ivdep") for (int i = 0; i < (n + 1) / 2; i++) {          \
      uint32_t even = (uint32_t)a[i] * b[i] & 0xff;                       \
      uint32_t odd = (uint32_t)(a[i] & 0xff00) * (uint32_t)(b[i] >> 8);   \
      ((pair*)out)[i] = (pair)(even | odd);                               \
    }                                                                     \
  }

/* Nor shifts of bytes, some none of 16 bits either: all of a word of 32 are
 * taken from it, as words `a`, and put together again. */
typedef uint32_t __attribute__((may_alias, aligned(1))) word;
#define SHIFTS(id, s, WORD, bits, e)                                      \
  void ISA_NAME(ew_##id##_##s)(                                           \
      void* out, const void* pa, const void* pb, const void* pc, int n) { \
    (void)pc;                                                             \
    int words = (n * bits + 31) / 32;                                     \
    _Pragma("GCC ivdep") for (int i = 0; i < words; i++) {                \
      uint32_t x = ((const word*)pa)[i], y = ((const word*)pb)[i], r = 0; \
      for (int k = 0; k < 32; k += bits) {                                \
        WORD a = (WORD)(x << (32 - bits - k)) >> (32 - bits);             \
        uint32_t b = y >> k;                                              \
        r |= ((uint32_t)(e) & ((1u << bits) - 1)) << k;                   \
      }                                                                   \
      ((word*)out)[i] = r;                                                \
    }                                                                     \
  }

#define TYPE int8_t
#define WIDE uint32_t
#define SUFFIX i8
#define EW_INT_SHIFT(id, e) SHIFTS(id, i8, int32_t, 8, e)
#define EW_INT_PRODUCT(id, y) BYTES(id, i8, y)
#define EW_SIGNED(id, e) KERNEL(id, SUFFIX, TYPE, e)
#define EW_INT_TEST(id, e) KERNEL(id, SUFFIX, uint8_t, e)
#include "ops/elementwise.def"
#undef TYPE
#undef WIDE
#undef SUFFIX

#define TYPE int16_t
#define WIDE uint32_t
#define SUFFIX i16
#define EW_INT_SHIFT(id, e) SHIFTS(id, i16, int32_t, 16, e)
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
#define EW_INT_SHIFT(id, e) SHIFTS(id, u8, uint32_t, 8, e)
#define EW_INT_PRODUCT(id, y) BYTES(id, u8, y)
#define EW_UNSIGNED(id, e) KERNEL(id, SUFFIX, TYPE, e)
#define EW_INT_TEST(id, e) KERNEL(id, SUFFIX, uint8_t, e)
#include "ops/elementwise.def"
#undef TYPE
#undef WIDE
#undef SUFFIX

#define TYPE uint16_t
#define WIDE uint32_t
#define SUFFIX u16
#define EW_INT_SHIFT(id, e) SHIFTS(id, u16, uint32_t, 16, e)
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
        r[j] = left[j] & 1 ? square[j] : !none;                           \
        bits |= left[j];                                                  \
      }                                                                   \
      while ((bits = (U)(bits >> 1)))                                     \
        for (int j = 0; j < m; j++) {                                     \
          square[j] = (U)((W)square[j] * square[j]);                      \
          left[j] = (U)(left[j] >> 1);                                    \
          U by = (U)((W)r[j] * square[j]);                                \
          r[j] = left[j] & 1 ? by : r[j];                                 \
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
