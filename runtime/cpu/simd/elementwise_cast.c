/* Conversions between all dtypes.
 *
 * What C leaves open when a float does not fit an integer is settled as MLX's
 * build for x86 settles it: through int32 (int64 for 64 bits), where NaN and
 * what is out of range become the smallest integer; unsigned results of at
 * least half the range are shifted down first. Narrower results take the low
 * bits. A complex number converts by its real part. */
#include "cpu/elementwise.h"
#include "cpu/simd/elementwise_lanes.h"

#define INLINE static inline __attribute__((always_inline, unused))

#define FROM_FLOAT(T)                                \
  INLINE uint32_t T##_to_u32(T x) {                  \
    int high = x >= (T)0x1p31;                       \
    int32_t v = (int32_t)(high ? x - (T)0x1p31 : x); \
    return (uint32_t)v ^ ((uint32_t)high << 31);     \
  }                                                  \
  INLINE uint64_t T##_to_u64(T x) {                  \
    int high = x >= (T)0x1p63;                       \
    int64_t v = (int64_t)(high ? x - (T)0x1p63 : x); \
    return (uint64_t)v ^ ((uint64_t)high << 63);     \
  }
FROM_FLOAT(float)
FROM_FLOAT(double)

/* TO_<to>(from's C type, x) for each destination. */
#define TO_b8(T, x) ((x) != 0)
#define TO_u8(T, x) ((uint8_t)TO_##T(i32, x))
#define TO_u16(T, x) ((uint16_t)TO_##T(i32, x))
#define TO_i8(T, x) ((int8_t)TO_##T(i32, x))
#define TO_i16(T, x) ((int16_t)TO_##T(i32, x))
#define TO_u32(T, x) TO_##T(u32, x)
#define TO_u64(T, x) TO_##T(u64, x)
#define TO_i32(T, x) TO_##T(i32, x)
#define TO_i64(T, x) TO_##T(i64, x)
#define TO_f32(T, x) ((float)(x))
#define TO_f64(T, x) ((double)(x))
#define TO_c64(T, x) ((lz_complex){(float)(x), 0})
/* How a source type reaches an integer. */
#define TO_int(to, x) ((C_TYPE_##to)(x))
#define TO_float(to, x) FLOAT_##to(float, x)
#define TO_double(to, x) FLOAT_##to(double, x)
#define FLOAT_i32(T, x) ((int32_t)(x))
#define FLOAT_i64(T, x) ((int64_t)(x))
#define FLOAT_u32(T, x) T##_to_u32(x)
#define FLOAT_u64(T, x) T##_to_u64(x)
#define C_TYPE_b8 uint8_t
#define C_TYPE_u8 uint8_t
#define C_TYPE_u16 uint16_t
#define C_TYPE_u32 uint32_t
#define C_TYPE_u64 uint64_t
#define C_TYPE_i8 int8_t
#define C_TYPE_i16 int16_t
#define C_TYPE_i32 int32_t
#define C_TYPE_i64 int64_t
#define C_TYPE_f32 float
#define C_TYPE_f64 double
#define C_TYPE_c64 lz_complex

#define CAST(from, to)                  \
  void ISA_NAME(ew_cast_##from##_##to)( \
      void* out, const void* a, const void* b, const void* c, int n)

/* Neither is a half: one plain loop. `get` reaches the real part. */
#define PLAIN(from, to, via, get)                           \
  CAST(from, to) {                                          \
    (void)b, (void)c;                                       \
    const C_TYPE_##from* x = a;                             \
    C_TYPE_##to* y = out;                                   \
    _Pragma("GCC ivdep") for (int i = 0; i < n; i++) y[i] = \
        TO_##to(via, x[i] get);                             \
  }
#define PLAIN_TO_INTS(from, via, get) \
  PLAIN(from, b8, via, get)           \
  PLAIN(from, u8, via, get)           \
  PLAIN(from, u16, via, get)          \
  PLAIN(from, u32, via, get)          \
  PLAIN(from, u64, via, get)          \
  PLAIN(from, i8, via, get)           \
  PLAIN(from, i16, via, get)          \
  PLAIN(from, i32, via, get)          \
  PLAIN(from, i64, via, get)
#define PLAIN_TO_ALL(from, via, get) \
  PLAIN_TO_INTS(from, via, get)      \
  PLAIN(from, f32, via, get)         \
  PLAIN(from, f64, via, get)

#if defined(LZ_ISA_avx2)
/* There only one by one does the processor convert 64 bits. Where no element
 * of a call is beyond 2^51, it is in the low bits of its sum with 1.5 * 2^52.
 */
#define BEYOND_u64(x) ((x) >> 51)
#define BEYOND_i64(x) (((uint64_t)(x) + (UINT64_C(1) << 51)) >> 52)
INLINE double near_to_double(uint64_t x) {
  uint64_t bits = x + (UINT64_C(0x4338) << 48);
  double sum;
  memcpy(&sum, &bits, sizeof sum);
  return sum - 0x1.8p52;
}
#define WIDE(from, to)                                         \
  CAST(from, to) {                                             \
    (void)b, (void)c;                                          \
    const C_TYPE_##from* x = a;                                \
    C_TYPE_##to* y = out;                                      \
    uint64_t beyond = 0;                                       \
    for (int i = 0; i < n; i++) beyond |= BEYOND_##from(x[i]); \
    if (beyond)                                                \
      for (int i = 0; i < n; i++) y[i] = (C_TYPE_##to)x[i];    \
    else                                                       \
      _Pragma("GCC ivdep") for (int i = 0; i < n; i++) y[i] =  \
          (C_TYPE_##to)near_to_double((uint64_t)x[i]);         \
  }
#else
#define WIDE(from, to) PLAIN(from, to, int, )
#endif
PLAIN_TO_ALL(b8, int, )
PLAIN_TO_ALL(u8, int, )
PLAIN_TO_ALL(u16, int, )
PLAIN_TO_ALL(u32, int, )
PLAIN_TO_INTS(u64, int, )
WIDE(u64, f32)
WIDE(u64, f64)
PLAIN_TO_ALL(i8, int, )
PLAIN_TO_ALL(i16, int, )
PLAIN_TO_ALL(i32, int, )
PLAIN_TO_INTS(i64, int, )
WIDE(i64, f32)
WIDE(i64, f64)
PLAIN_TO_ALL(f32, float, )
PLAIN_TO_ALL(f64, double, )
PLAIN_TO_ALL(c64, float, .re)
PLAIN(b8, c64, int, )
PLAIN(u8, c64, int, )
PLAIN(u16, c64, int, )
PLAIN(u32, c64, int, )
PLAIN(u64, c64, int, )
PLAIN(i8, c64, int, )
PLAIN(i16, c64, int, )
PLAIN(i32, c64, int, )
PLAIN(i64, c64, int, )
PLAIN(f32, c64, float, )
PLAIN(f64, c64, double, )
CAST(c64, c64) {
  (void)b, (void)c;
  if (out != a) memcpy(out, a, (size_t)n * sizeof(lz_complex));
}

/* Halves go by way of float: straight to it, in chunks to all else. */
enum { CHUNK = 256 };
#define HALF(s)                                                     \
  CAST(s, f32) {                                                    \
    (void)b, (void)c;                                               \
    for (int i = 0; i < n; i += WIDTH_f)                            \
      store_f32((float*)out + i, load_##s((const uint16_t*)a + i)); \
  }                                                                 \
  CAST(f32, s) {                                                    \
    (void)b, (void)c;                                               \
    for (int i = 0; i < n; i += WIDTH_f)                            \
      store_##s((uint16_t*)out + i, load_f32((const float*)a + i)); \
  }                                                                 \
  CAST(s, s) {                                                      \
    (void)b, (void)c;                                               \
    if (out != a) memcpy(out, a, (size_t)n * sizeof(uint16_t));     \
  }
HALF(f16)
HALF(bf16)

#define BY_FLOAT(from, from_size, to, to_size)                \
  CAST(from, to) {                                            \
    float x[CHUNK];                                           \
    for (int i = 0; i < n; i += CHUNK) {                      \
      int m = n - i < CHUNK ? n - i : CHUNK;                  \
      const char* p = (const char*)a + (size_t)i * from_size; \
      char* q = (char*)out + (size_t)i * to_size;             \
      ISA_NAME(ew_cast_##from##_f32)(x, p, b, c, m);          \
      ISA_NAME(ew_cast_f32_##to)(q, x, b, c, m);              \
    }                                                         \
  }
#define HALF_AND(s, other, type)      \
  BY_FLOAT(s, 2, other, sizeof(type)) \
  BY_FLOAT(other, sizeof(type), s, 2)
#define HALF_AND_ALL(s)      \
  HALF_AND(s, b8, uint8_t)   \
  HALF_AND(s, u8, uint8_t)   \
  HALF_AND(s, u16, uint16_t) \
  HALF_AND(s, u32, uint32_t) \
  HALF_AND(s, u64, uint64_t) \
  HALF_AND(s, i8, int8_t)    \
  HALF_AND(s, i16, int16_t)  \
  HALF_AND(s, i32, int32_t)  \
  HALF_AND(s, i64, int64_t)  \
  HALF_AND(s, f64, double)   \
  HALF_AND(s, c64, lz_complex)
HALF_AND_ALL(f16)
HALF_AND_ALL(bf16)
HALF_AND(f16, bf16, uint16_t)
