/* Conversions between all dtypes, Select, 8-bit floats and ramps.
 *
 * What C leaves open when a float does not fit an integer is settled as MLX's
 * build for x86 settles it: through int32 (int64 for 64 bits), where NaN and
 * what is out of range become the smallest integer; unsigned results of at
 * least half the range are shifted down first. Narrower results take the low
 * bits. A complex number converts by its real part. */
#include "cpu/elementwise.h"
#include "cpu/simd/elementwise_lanes.h"

#define INLINE static inline __attribute__((always_inline, unused))

/* Halves are worked on as floats, in blocks of EW_PAD. */

/* ---- one element to one element; halves stand as float here ---- */
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
#define TO_f16(T, x) ((float)(x))
#define TO_bf16(T, x) ((float)(x))
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
#define C_TYPE_i32 int32_t
#define C_TYPE_i64 int64_t
#define C_TYPE_u32 uint32_t
#define C_TYPE_u64 uint64_t

/* ---- blocks: memory of a dtype as EW_PAD values of its working type ---- */
#define BLOCK(s, T)                               \
  typedef T work_##s;                             \
  enum { half_##s = 0 };                          \
  INLINE void read_##s(T* to, const void* p) {    \
    memcpy(to, p, EW_PAD * sizeof(T));            \
  }                                               \
  INLINE void write_##s(void* p, const T* from) { \
    memcpy(p, from, EW_PAD * sizeof(T));          \
  }                                               \
  enum { bytes_##s = sizeof(T) };
BLOCK(b8, uint8_t)
BLOCK(u8, uint8_t)
BLOCK(u16, uint16_t)
BLOCK(u32, uint32_t)
BLOCK(u64, uint64_t)
BLOCK(i8, int8_t)
BLOCK(i16, int16_t)
BLOCK(i32, int32_t)
BLOCK(i64, int64_t)
BLOCK(f32, float)
BLOCK(f64, double)
BLOCK(c64, lz_complex)
#define HALF_BLOCK(s)                                      \
  typedef float work_##s;                                  \
  enum { bytes_##s = 2, half_##s = 1 };                    \
  INLINE void read_##s(float* to, const void* p) {         \
    for (int i = 0; i < EW_PAD; i += WIDTH_f)              \
      store_f32(to + i, load_##s((const uint16_t*)p + i)); \
  }                                                        \
  INLINE void write_##s(void* p, const float* from) {      \
    for (int i = 0; i < EW_PAD; i += WIDTH_f)              \
      store_##s((uint16_t*)p + i, load_f32(from + i));     \
  }
HALF_BLOCK(f16)
HALF_BLOCK(bf16)

/* Where neither is a half the whole range is one plain loop. */
#define CAST(from, to, via, get)                                        \
  void ISA_NAME(ew_cast_##from##_##to)(                                 \
      void* out, const void* a, const void* b, const void* c, int n) {  \
    (void)b, (void)c;                                                   \
    if (half_##from || half_##to) {                                     \
      for (int i = 0; i < n; i += EW_PAD) {                             \
        work_##from x[EW_PAD];                                          \
        work_##to y[EW_PAD];                                            \
        read_##from(x, (const char*)a + (size_t)i * bytes_##from);      \
        for (int j = 0; j < EW_PAD; j++) y[j] = TO_##to(via, x[j] get); \
        write_##to((char*)out + (size_t)i * bytes_##to, y);             \
      }                                                                 \
      return;                                                           \
    }                                                                   \
    const work_##from* x = a;                                           \
    work_##to* y = out;                                                 \
    _Pragma("GCC ivdep") for (int i = 0; i < n; i++) y[i] =             \
        TO_##to(via, x[i] get);                                         \
  }
#define CAST_TO_ALL(from, via, get) \
  CAST(from, b8, via, get)          \
  CAST(from, u8, via, get)          \
  CAST(from, u16, via, get)         \
  CAST(from, u32, via, get)         \
  CAST(from, u64, via, get)         \
  CAST(from, i8, via, get)          \
  CAST(from, i16, via, get)         \
  CAST(from, i32, via, get)         \
  CAST(from, i64, via, get)         \
  CAST(from, f16, via, get)         \
  CAST(from, f32, via, get)         \
  CAST(from, f64, via, get)         \
  CAST(from, bf16, via, get)
CAST_TO_ALL(b8, int, )
CAST_TO_ALL(u8, int, )
CAST_TO_ALL(u16, int, )
CAST_TO_ALL(u32, int, )
CAST_TO_ALL(u64, int, )
CAST_TO_ALL(i8, int, )
CAST_TO_ALL(i16, int, )
CAST_TO_ALL(i32, int, )
CAST_TO_ALL(i64, int, )
CAST_TO_ALL(f16, float, )
CAST_TO_ALL(f32, float, )
CAST_TO_ALL(f64, double, )
CAST_TO_ALL(bf16, float, )
CAST_TO_ALL(c64, float, .re)
CAST(b8, c64, int, )
CAST(u8, c64, int, )
CAST(u16, c64, int, )
CAST(u32, c64, int, )
CAST(u64, c64, int, )
CAST(i8, c64, int, )
CAST(i16, c64, int, )
CAST(i32, c64, int, )
CAST(i64, c64, int, )
CAST(f16, c64, float, )
CAST(f32, c64, float, )
CAST(f64, c64, double, )
CAST(bf16, c64, float, )
void ISA_NAME(ew_cast_c64_c64)(
    void* out, const void* a, const void* b, const void* c, int n) {
  (void)b, (void)c;
  if (out != a) memcpy(out, a, (size_t)n * sizeof(lz_complex));
}

/* ---- Select: moves bits, so it goes by size ---- */
#define SELECT(bits)                                                   \
  void ISA_NAME(ew_select_##bits)(                                     \
      void* out, const void* a, const void* b, const void* c, int n) { \
    const uint8_t* m = a;                                              \
    const uint##bits##_t *x = b, *y = c;                               \
    uint##bits##_t* r = out;                                           \
    _Pragma("GCC ivdep") for (int i = 0; i < n; i++) {                 \
      uint##bits##_t v = x[i], w = y[i];                               \
      r[i] = m[i] ? v : w;                                             \
    }                                                                  \
  }
SELECT(8)
SELECT(16)
SELECT(32)
SELECT(64)

/* ---- 8-bit floats: 1 sign, 4 exponent and 3 mantissa bits, bias 7, no
 * infinity; MLX saturates at 448 and turns NaN into the same pattern, which
 * it reads back as 480 ---- */
INLINE uint8_t fp8_from_float(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  uint32_t sign = bits & 0x80000000u, magnitude = bits ^ sign;
  float m, shifted;
  memcpy(&m, &magnitude, sizeof m);
  /* Below 2^-6: adding 2^14 leaves multiples of 2^-9 in the low bits. */
  shifted = m + 0x1p14f;
  uint32_t low;
  memcpy(&low, &shifted, sizeof low);
  low -= 0x46800000u;
  uint32_t high =
      (magnitude + 0x7ffff + ((magnitude >> 20) & 1) - (120u << 23)) >> 20;
  uint32_t r = magnitude < (121u << 23) ? low : high;
  if (magnitude >= (543u << 21)) r = 0x7e;
  return (uint8_t)(r | (sign >> 24));
}
INLINE float fp8_to_float(uint8_t x) {
  uint32_t bits = (uint32_t)(x & 127) << 20;
  float m;
  memcpy(&m, &bits, sizeof m);
  m *= 0x1p120f;
  return x & 128 ? -m : m;
}
#define FP8(s)                                                         \
  void ISA_NAME(ew_TO_FP8_##s)(                                        \
      void* out, const void* a, const void* b, const void* c, int n) { \
    (void)b, (void)c;                                                  \
    for (int i = 0; i < n; i += EW_PAD) {                              \
      work_##s x[EW_PAD];                                              \
      read_##s(x, (const char*)a + (size_t)i * bytes_##s);             \
      for (int j = 0; j < EW_PAD; j++)                                 \
        ((uint8_t*)out)[i + j] = fp8_from_float((float)x[j]);          \
    }                                                                  \
  }                                                                    \
  void ISA_NAME(ew_FROM_FP8_##s)(                                      \
      void* out, const void* a, const void* b, const void* c, int n) { \
    (void)b, (void)c;                                                  \
    for (int i = 0; i < n; i += EW_PAD) {                              \
      work_##s y[EW_PAD];                                              \
      for (int j = 0; j < EW_PAD; j++)                                 \
        y[j] = fp8_to_float(((const uint8_t*)a)[i + j]);               \
      write_##s((char*)out + (size_t)i * bytes_##s, y);                \
    }                                                                  \
  }
FP8(f16)
FP8(f32)
FP8(f64)
FP8(bf16)

/* ---- ramps ---- */
#define IOTA_INT(s)                                                           \
  void ISA_NAME(ew_iota_##s)(                                                 \
      void* out, const void* start, const void* step, int64_t first, int n) { \
    uint64_t by = *(const uint64_t*)step;                                     \
    uint64_t at = *(const uint64_t*)start + by * (uint64_t)first;             \
    for (int i = 0; i < n; i++)                                               \
      ((work_##s*)out)[i] = (work_##s)(at + by * (uint64_t)i);                \
  }
IOTA_INT(u8)
IOTA_INT(u16)
IOTA_INT(u32)
IOTA_INT(u64)
IOTA_INT(i8)
IOTA_INT(i16)
IOTA_INT(i32)
IOTA_INT(i64)
#define IOTA_FLOAT(s)                                                         \
  void ISA_NAME(ew_iota_##s)(                                                 \
      void* out, const void* start, const void* step, int64_t first, int n) { \
    double by = *(const double*)step, at = *(const double*)start;             \
    for (int i = 0; i < n; i += EW_PAD) {                                     \
      work_##s y[EW_PAD];                                                     \
      for (int j = 0; j < EW_PAD; j++)                                        \
        y[j] = TO_##s(double, at + by * (double)(first + i + j));             \
      write_##s((char*)out + (size_t)i * bytes_##s, y);                       \
    }                                                                         \
  }
IOTA_FLOAT(f16)
IOTA_FLOAT(f32)
IOTA_FLOAT(f64)
IOTA_FLOAT(bf16)
IOTA_FLOAT(c64)
