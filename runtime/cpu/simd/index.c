#include "cpu/simd/index.h"

/* An unsigned value above INT64_MAX is out of range whatever the axis. */
#define SIGNED(v) (int64_t)(v)
#define UNSIGNED(v) ((v) > INT64_MAX ? INT64_MAX : (int64_t)(v))

/* The usual case, neighbouring indices, is a loop of its own so that it is
 * vectorised. */
#define READ(name, T, AS)                                                   \
  static inline int64_t name##_place(                                       \
      T value, int64_t extent, int64_t last, int64_t under, int64_t over) { \
    int64_t at = AS(value);                                                 \
    at += at < 0 ? extent : 0;                                              \
    int64_t high = at > last ? over : at;                                   \
    return at < 0 ? under : high;                                           \
  }                                                                         \
  static void name##_run(                                                   \
      const void* p,                                                        \
      int64_t stride,                                                       \
      int64_t n,                                                            \
      int64_t extent,                                                       \
      int64_t room,                                                         \
      bool clamp,                                                           \
      int64_t* restrict positions) {                                        \
    const T* from = p;                                                      \
    int64_t last = extent - room;                                           \
    int64_t under = clamp ? 0 : -1, over = clamp ? last : -1;               \
    if (stride == 1)                                                        \
      for (int64_t i = 0; i < n; i++)                                       \
        positions[i] = name##_place(from[i], extent, last, under, over);    \
    else                                                                    \
      for (int64_t i = 0; i < n; i++)                                       \
        positions[i] =                                                      \
            name##_place(from[i * stride], extent, last, under, over);      \
  }
READ(u8, uint8_t, SIGNED)
READ(u16, uint16_t, SIGNED)
READ(u32, uint32_t, SIGNED)
READ(u64, uint64_t, UNSIGNED)
READ(i8, int8_t, SIGNED)
READ(i16, int16_t, SIGNED)
READ(i32, int32_t, SIGNED)
READ(i64, int64_t, SIGNED)

const index_table ISA_NAME(index_kernels) = {
    .run =
        {
            [DTYPE_BOOL] = u8_run,
            [DTYPE_UINT8] = u8_run,
            [DTYPE_UINT16] = u16_run,
            [DTYPE_UINT32] = u32_run,
            [DTYPE_UINT64] = u64_run,
            [DTYPE_INT8] = i8_run,
            [DTYPE_INT16] = i16_run,
            [DTYPE_INT32] = i32_run,
            [DTYPE_INT64] = i64_run,
        },
};
