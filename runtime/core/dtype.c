#include "core/dtype.h"

#include <math.h>
#include <string.h>

const uint8_t dtype_sizes[DTYPE_COUNT] = {
#define DTYPE(id, name, bytes, kind, suffix, type) bytes,
#include "core/dtype.def"
#undef DTYPE
};

const uint8_t dtype_kinds[DTYPE_COUNT] = {
#define DTYPE(id, name, bytes, kind, suffix, type) DTYPE_KIND_##kind,
#include "core/dtype.def"
#undef DTYPE
};

#define DTYPE(id, name, bytes, kind, suffix, type) \
  _Static_assert(sizeof(type) == bytes, "size of " name);
#include "core/dtype.def"
#undef DTYPE

const char* dtype_name(lz_dtype d) {
  static const char* const names[DTYPE_COUNT] = {
#define DTYPE(id, name, bytes, kind, suffix, type) name,
#include "core/dtype.def"
#undef DTYPE
  };
  return (unsigned)d < DTYPE_COUNT ? names[d] : "invalid dtype";
}

enum { B = 0, U8, U16, U32, U64, I8, I16, I32, I64, F16, F32, F64, BF16, C64 };
static const uint8_t promotion[DTYPE_COUNT][DTYPE_COUNT] = {
    {B, U8, U16, U32, U64, I8, I16, I32, I64, F16, F32, F64, BF16, C64},
    {U8, U8, U16, U32, U64, I16, I16, I32, I64, F16, F32, F64, BF16, C64},
    {U16, U16, U16, U32, U64, I32, I32, I32, I64, F16, F32, F64, BF16, C64},
    {U32, U32, U32, U32, U64, I64, I64, I64, I64, F16, F32, F64, BF16, C64},
    {U64, U64, U64, U64, U64, F32, F32, F32, F32, F16, F32, F64, BF16, C64},
    {I8, I16, I32, I64, F32, I8, I16, I32, I64, F16, F32, F64, BF16, C64},
    {I16, I16, I32, I64, F32, I16, I16, I32, I64, F16, F32, F64, BF16, C64},
    {I32, I32, I32, I64, F32, I32, I32, I32, I64, F16, F32, F64, BF16, C64},
    {I64, I64, I64, I64, F32, I64, I64, I64, I64, F16, F32, F64, BF16, C64},
    {F16, F16, F16, F16, F16, F16, F16, F16, F16, F16, F32, F64, F32, C64},
    {F32, F32, F32, F32, F32, F32, F32, F32, F32, F32, F32, F64, F32, C64},
    {F64, F64, F64, F64, F64, F64, F64, F64, F64, F64, F64, F64, F64, C64},
    {BF16,
     BF16,
     BF16,
     BF16,
     BF16,
     BF16,
     BF16,
     BF16,
     BF16,
     F32,
     F32,
     F64,
     BF16,
     C64},
    {C64, C64, C64, C64, C64, C64, C64, C64, C64, C64, C64, C64, C64, C64},
};

lz_dtype dtype_promote(lz_dtype a, lz_dtype b) {
  return (lz_dtype)promotion[a][b];
}

lz_dtype dtype_inexact(lz_dtype d) {
  return dtype_is_inexact(d) ? d : DTYPE_FLOAT32;
}

float dtype_bf16_to_f32(uint16_t h) {
  uint32_t bits = (uint32_t)h << 16;
  float f;
  memcpy(&f, &bits, sizeof f);
  return f;
}

uint16_t dtype_f32_to_bf16(float f) {
  uint32_t bits;
  memcpy(&bits, &f, sizeof bits);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return 0x7fc0;
  return (uint16_t)((bits + 0x7fffu + ((bits >> 16) & 1)) >> 16);
}

float dtype_f16_to_f32(uint16_t h) {
  _Float16 v;
  memcpy(&v, &h, sizeof v);
  return (float)v;
}

uint16_t dtype_f32_to_f16(float f) {
  _Float16 v = (_Float16)f;
  uint16_t h;
  memcpy(&h, &v, sizeof h);
  return h;
}

#define LOAD(type)           \
  do {                       \
    type v;                  \
    memcpy(&v, p, sizeof v); \
    return (double)v;        \
  } while (0)

double dtype_load(lz_dtype d, const void* p) {
  switch (d) {
    case DTYPE_BOOL:
      return *(const uint8_t*)p != 0;
    case DTYPE_UINT8:
      LOAD(uint8_t);
    case DTYPE_UINT16:
      LOAD(uint16_t);
    case DTYPE_UINT32:
      LOAD(uint32_t);
    case DTYPE_UINT64:
      LOAD(uint64_t);
    case DTYPE_INT8:
      LOAD(int8_t);
    case DTYPE_INT16:
      LOAD(int16_t);
    case DTYPE_INT32:
      LOAD(int32_t);
    case DTYPE_INT64:
      LOAD(int64_t);
    case DTYPE_FLOAT16: {
      uint16_t h;
      memcpy(&h, p, sizeof h);
      return dtype_f16_to_f32(h);
    }
    case DTYPE_BFLOAT16: {
      uint16_t h;
      memcpy(&h, p, sizeof h);
      return dtype_bf16_to_f32(h);
    }
    case DTYPE_FLOAT32:
      LOAD(float);
    case DTYPE_FLOAT64:
      LOAD(double);
    case DTYPE_COMPLEX64:
      LOAD(float);
    default:
      return NAN;
  }
}

#define STORE(type)          \
  do {                       \
    type v = (type)value;    \
    memcpy(p, &v, sizeof v); \
    return;                  \
  } while (0)
/* Integers wrap: go through int64 where the value fits, uint64 where not. */
#define STORE_INT(type)                                           \
  do {                                                            \
    type v = value < 0 || value < 0x1p63 ? (type)(int64_t)value   \
                                         : (type)(uint64_t)value; \
    memcpy(p, &v, sizeof v);                                      \
    return;                                                       \
  } while (0)

void dtype_store(lz_dtype d, void* p, double value) {
  switch (d) {
    case DTYPE_BOOL:
      *(uint8_t*)p = value != 0;
      return;
    case DTYPE_UINT8:
      STORE_INT(uint8_t);
    case DTYPE_UINT16:
      STORE_INT(uint16_t);
    case DTYPE_UINT32:
      STORE_INT(uint32_t);
    case DTYPE_UINT64:
      STORE_INT(uint64_t);
    case DTYPE_INT8:
      STORE_INT(int8_t);
    case DTYPE_INT16:
      STORE_INT(int16_t);
    case DTYPE_INT32:
      STORE_INT(int32_t);
    case DTYPE_INT64:
      STORE_INT(int64_t);
    case DTYPE_FLOAT16: {
      uint16_t h = dtype_f32_to_f16((float)value);
      memcpy(p, &h, sizeof h);
      return;
    }
    case DTYPE_BFLOAT16: {
      uint16_t h = dtype_f32_to_bf16((float)value);
      memcpy(p, &h, sizeof h);
      return;
    }
    case DTYPE_FLOAT32:
      STORE(float);
    case DTYPE_FLOAT64:
      STORE(double);
    case DTYPE_COMPLEX64: {
      lz_complex c = {(float)value, 0};
      memcpy(p, &c, sizeof c);
      return;
    }
    default:
      return;
  }
}
