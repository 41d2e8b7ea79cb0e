/* What has kernels of its own: Select, 8-bit floats and ramps. */
#include <stdint.h>
#include <string.h>

#include "cpu/elementwise.h"
#include "cpu/isa.h"

#define INLINE static inline __attribute__((always_inline, unused))

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
  r = magnitude >= (543u << 21) ? 0x7e : r;
  return (uint8_t)(r | (sign >> 24));
}
INLINE float fp8_to_float(uint8_t x) {
  /* Not by scaling a denormal float, for which processors are slow. */
  float small = (float)(x & 7) * 0x1p-9f;
  uint32_t low, normal = ((uint32_t)(x & 127) << 20) + (120u << 23);
  memcpy(&low, &small, sizeof low);
  uint32_t bits = (x & 120 ? normal : low) | (uint32_t)(x & 128) << 24;
  float m;
  memcpy(&m, &bits, sizeof m);
  return m;
}
#define FP8_KERNEL(name, s)       \
  void ISA_NAME(ew_##name##_##s)( \
      void* out, const void* a, const void* b, const void* c, int n)
__attribute__((noinline)) FP8_KERNEL(TO_FP8, f32) {
  (void)b, (void)c;
  const float* x = a;
  uint8_t* y = out;
  _Pragma("GCC ivdep") for (int i = 0; i < n; i++) y[i] = fp8_from_float(x[i]);
}
__attribute__((noinline)) FP8_KERNEL(FROM_FP8, f32) {
  (void)b, (void)c;
  const uint8_t* x = a;
  float* y = out;
  _Pragma("GCC ivdep") for (int i = 0; i < n; i++) y[i] = fp8_to_float(x[i]);
}
/* The other floats by way of float32, in chunks. */
enum { CHUNK = 256 };
#define FP8(s, size)                                                \
  void ISA_NAME(ew_cast_##s##_f32)(                                 \
      void*, const void*, const void*, const void*, int);           \
  void ISA_NAME(ew_cast_f32_##s)(                                   \
      void*, const void*, const void*, const void*, int);           \
  FP8_KERNEL(TO_FP8, s) {                                           \
    float x[CHUNK];                                                 \
    for (int i = 0; i < n; i += CHUNK) {                            \
      int m = n - i < CHUNK ? n - i : CHUNK;                        \
      const char* p = (const char*)a + (size_t)i * size;            \
      ISA_NAME(ew_cast_##s##_f32)(x, p, b, c, m);                   \
      ISA_NAME(ew_TO_FP8_f32)((uint8_t*)out + i, x, b, c, m);       \
    }                                                               \
  }                                                                 \
  FP8_KERNEL(FROM_FP8, s) {                                         \
    float x[CHUNK];                                                 \
    for (int i = 0; i < n; i += CHUNK) {                            \
      int m = n - i < CHUNK ? n - i : CHUNK;                        \
      char* q = (char*)out + (size_t)i * size;                      \
      ISA_NAME(ew_FROM_FP8_f32)(x, (const uint8_t*)a + i, b, c, m); \
      ISA_NAME(ew_cast_f32_##s)(q, x, b, c, m);                     \
    }                                                               \
  }
FP8(f16, 2)
FP8(f64, 8)
FP8(bf16, 2)

/* ---- ramps ---- */
#define RAMP(s)               \
  void ISA_NAME(ew_iota_##s)( \
      void* out, const void* start, const void* step, int64_t first, int n)
#define RAMP_INT(s, T)                                                     \
  RAMP(s) {                                                                \
    uint64_t by = *(const uint64_t*)step;                                  \
    uint64_t at = *(const uint64_t*)start + by * (uint64_t)first;          \
    for (int i = 0; i < n; i++) ((T*)out)[i] = (T)(at + by * (uint64_t)i); \
  }
RAMP_INT(u8, uint8_t)
RAMP_INT(u16, uint16_t)
RAMP_INT(u32, uint32_t)
RAMP_INT(u64, uint64_t)
RAMP_INT(i8, int8_t)
RAMP_INT(i16, int16_t)
RAMP_INT(i32, int32_t)
RAMP_INT(i64, int64_t)

#define RAMP_FLOAT(s, T, value)                                   \
  RAMP(s) {                                                       \
    double by = *(const double*)step, at = *(const double*)start; \
    for (int i = 0; i < n; i++) {                                 \
      double x = at + by * (double)(first + i);                   \
      ((T*)out)[i] = value;                                       \
    }                                                             \
  }
RAMP_FLOAT(f32, float, (float)x)
RAMP_FLOAT(f64, double, x)
RAMP_FLOAT(c64, lz_complex, ((lz_complex){(float)x, 0}))
#define RAMP_HALF(s)                                             \
  RAMP(s) {                                                      \
    float x[CHUNK];                                              \
    for (int i = 0; i < n; i += CHUNK) {                         \
      int m = n - i < CHUNK ? n - i : CHUNK;                     \
      ISA_NAME(ew_iota_f32)(x, start, step, first + i, m);       \
      ISA_NAME(ew_cast_f32_##s)((uint16_t*)out + i, x, x, x, m); \
    }                                                            \
  }
RAMP_HALF(f16)
RAMP_HALF(bf16)
