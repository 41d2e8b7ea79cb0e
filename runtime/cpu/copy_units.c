#include "cpu/copy_units.h"

#include <string.h>

#include "cpu/tile.h"

#define COPY_FIXED(bytes)                                        \
  case bytes:                                                    \
    _Pragma("GCC unroll 4") for (int64_t i = 0; i < n;           \
                                 i++, to += to_row, from += row) \
        memcpy(to, from, bytes);                                 \
    return

void copy_units(
    char* to,
    int64_t to_row,
    const char* from,
    int64_t row,
    int64_t n,
    size_t bytes) {
  switch (bytes) {
    COPY_FIXED(1);
    COPY_FIXED(2);
    COPY_FIXED(4);
    COPY_FIXED(8);
    COPY_FIXED(12);
    COPY_FIXED(16);
    COPY_FIXED(24);
    COPY_FIXED(32);
    COPY_FIXED(64);
  }
  if (bytes >= 16 && bytes <= 32) {
    size_t last = bytes - 16;
    for (int64_t i = 0; i < n; i++, to += to_row, from += row) {
      memcpy(to, from, 16);
      memcpy(to + last, from + last, 16);
    }
    return;
  }
  for (int64_t i = 0; i < n; i++, to += to_row, from += row)
    memcpy(to, from, bytes);
}

/* Known numbers of elements have vectors where units lie together. */
#define FILL_FIXED(type, times)                                  \
  if (bytes == times * sizeof(type)) {                           \
    for (int64_t i = 0; i < n; i++, to += to_row, from += row) { \
      type x[times];                                             \
      memcpy(x, from, sizeof(type));                             \
      for (int k = 1; k < times; k++) x[k] = x[0];               \
      memcpy(to, x, sizeof x);                                   \
    }                                                            \
    return;                                                      \
  }
#define FILL_FEW(type)  \
  case sizeof(type):    \
    FILL_FIXED(type, 2) \
    FILL_FIXED(type, 3) \
    FILL_FIXED(type, 4) \
    FILL_FIXED(type, 8) \
    break;

/* The element as often as eight bytes hold it. */
static inline uint64_t pattern_of(const char* from, size_t size) {
  uint64_t x = 0;
  memcpy(&x, from, size);
  return size == 8 ? x : x * (~UINT64_C(0) / ((UINT64_C(1) << 8 * size) - 1));
}

/* Units of any other length: stores of `width` bytes, the last of which may
 * overlap the one before. */
#define FILL_ANY(width)                                        \
  for (int64_t i = 0; i < n; i++, to += to_row, from += row) { \
    const uint64_t x = pattern_of(from, size);                 \
    const uint64_t pattern[2] = {x, x};                        \
    for (size_t at = 0; at + width < bytes; at += width)       \
      memcpy(to + at, pattern, width);                         \
    memcpy(to + bytes - width, pattern, width);                \
  }

static inline __attribute__((always_inline)) void fill_any(
    char* to,
    int64_t to_row,
    const char* from,
    int64_t row,
    int64_t n,
    size_t bytes,
    size_t size) {
  if (bytes >= 64) {
    for (int64_t i = 0; i < n; i++, to += to_row, from += row)
      tile_fill(to, from, (int)(bytes / size), size);
  } else if (bytes >= 16) {
    FILL_ANY(16)
  } else if (bytes >= 8) {
    FILL_ANY(8)
  } else if (bytes >= 4) {
    FILL_ANY(4)
  } else if (bytes >= 2) {
    FILL_ANY(2)
  } else {
    copy_units(to, to_row, from, row, n, bytes);
  }
}

void copy_fills(
    char* to,
    int64_t to_row,
    const char* from,
    int64_t row,
    int64_t n,
    size_t bytes,
    size_t size) {
  switch (size) {
    FILL_FEW(uint8_t)
    FILL_FEW(uint16_t)
    FILL_FEW(uint32_t)
    FILL_FEW(uint64_t)
  }
  switch (size) {
    case 1:
      fill_any(to, to_row, from, row, n, bytes, 1);
      return;
    case 2:
      fill_any(to, to_row, from, row, n, bytes, 2);
      return;
    case 4:
      fill_any(to, to_row, from, row, n, bytes, 4);
      return;
    default:
      fill_any(to, to_row, from, row, n, bytes, 8);
  }
}
