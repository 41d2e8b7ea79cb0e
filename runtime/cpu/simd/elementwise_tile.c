/* Moving elements between strided memory and tiles. */
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "cpu/isa.h"
#include "cpu/tile.h"

#if defined(LZ_ISA_avx512)
enum { STREAM = 64 };
#define STREAM_STORE(to, from) \
  _mm512_stream_si512((void*)(to), _mm512_loadu_si512(from))
#elif defined(LZ_ISA_avx2)
enum { STREAM = 32 };
#define STREAM_STORE(to, from) \
  _mm256_stream_si256((void*)(to), _mm256_loadu_si256((const __m256i_u*)(from)))
#elif defined(__x86_64__)
enum { STREAM = 16 };
#define STREAM_STORE(to, from) \
  _mm_stream_si128((void*)(to), _mm_loadu_si128((const __m128i_u*)(from)))
#endif

#define INLINE static inline __attribute__((always_inline, unused))

/* ---- vectors of 16 bytes, square blocks of them turned in registers ---- */
typedef uint8_t v8 __attribute__((vector_size(16)));
typedef uint16_t v16 __attribute__((vector_size(16)));
typedef uint32_t v32 __attribute__((vector_size(16)));
typedef uint64_t v64 __attribute__((vector_size(16)));
enum { side_8 = 16, side_16 = 8, side_32 = 4, side_64 = 2 };

#define LOW_8                                              \
  (v8) {                                                   \
    0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23 \
  }
#define HIGH_8                                                   \
  (v8) {                                                         \
    8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31 \
  }
#define LOW_16               \
  (v16) {                    \
    0, 8, 1, 9, 2, 10, 3, 11 \
  }
#define HIGH_16                \
  (v16) {                      \
    4, 12, 5, 13, 6, 14, 7, 15 \
  }
#define LOW_32 \
  (v32) {      \
    0, 4, 1, 5 \
  }
#define HIGH_32 \
  (v32) {       \
    2, 6, 3, 7  \
  }
#define LOW_64 \
  (v64) {      \
    0, 2       \
  }
#define HIGH_64 \
  (v64) {       \
    1, 3        \
  }

/* to[i * to_row + j] = from[j * from_row + i] for i < places, j < lines, each
 * side or half of it. Interleaving row k with row k + side/2 moves one bit of
 * the row number into the column; after as many rounds as the side has bits the
 * two have changed places. */
#define TURN(bits)                                                             \
  INLINE void turn_part_##bits(                                                \
      uint##bits##_t* to,                                                      \
      int64_t to_row,                                                          \
      const uint##bits##_t* from,                                              \
      int64_t from_row,                                                        \
      int lines,                                                               \
      int places) {                                                            \
    enum { N = side_##bits };                                                  \
    v##bits a[N], b[N];                                                        \
    for (int i = 0; i < N; i++) {                                              \
      a[i] = (v##bits){0};                                                     \
      if (i < lines) memcpy(&a[i], from + i * from_row, places == N ? 16 : 8); \
    }                                                                          \
    for (int round = 1; round < N; round *= 2) {                               \
      for (int i = 0; i < N / 2; i++) {                                        \
        b[2 * i] = __builtin_shuffle(a[i], a[i + N / 2], LOW_##bits);          \
        b[2 * i + 1] = __builtin_shuffle(a[i], a[i + N / 2], HIGH_##bits);     \
      }                                                                        \
      for (int i = 0; i < N; i++) a[i] = b[i];                                 \
    }                                                                          \
    for (int i = 0; i < places; i++)                                           \
      memcpy(to + i * to_row, &a[i], lines == N ? 16 : 8);                     \
  }                                                                            \
  INLINE void turn_##bits(                                                     \
      uint##bits##_t* to,                                                      \
      int64_t to_row,                                                          \
      const uint##bits##_t* from,                                              \
      int64_t from_row) {                                                      \
    turn_part_##bits(to, to_row, from, from_row, side_##bits, side_##bits);    \
  }
TURN(8)
TURN(16)
TURN(32)
TURN(64)

#if defined(LZ_ISA_avx2) || defined(LZ_ISA_avx512)
/* Eight floats' worth a row: within the 128-bit halves, then across. */
INLINE void turn_wide_32(
    uint32_t* to, int64_t to_row, const uint32_t* from, int64_t from_row) {
  __m256 a[8], b[8];
  for (int i = 0; i < 8; i++)
    a[i] = _mm256_loadu_ps((const float*)(from + i * from_row));
  for (int i = 0; i < 8; i += 2) {
    b[i] = _mm256_unpacklo_ps(a[i], a[i + 1]);
    b[i + 1] = _mm256_unpackhi_ps(a[i], a[i + 1]);
  }
  for (int i = 0; i < 8; i += 4) {
    a[i] = _mm256_shuffle_ps(b[i], b[i + 2], 0x44);
    a[i + 1] = _mm256_shuffle_ps(b[i], b[i + 2], 0xee);
    a[i + 2] = _mm256_shuffle_ps(b[i + 1], b[i + 3], 0x44);
    a[i + 3] = _mm256_shuffle_ps(b[i + 1], b[i + 3], 0xee);
  }
  for (int i = 0; i < 4; i++) {
    b[i] = _mm256_permute2f128_ps(a[i], a[i + 4], 0x20);
    b[i + 4] = _mm256_permute2f128_ps(a[i], a[i + 4], 0x31);
  }
  for (int i = 0; i < 8; i++) _mm256_storeu_ps((float*)(to + i * to_row), b[i]);
}
INLINE void turn_wide_64(
    uint64_t* to, int64_t to_row, const uint64_t* from, int64_t from_row) {
  __m256d a[4], b[4];
  for (int i = 0; i < 4; i++)
    a[i] = _mm256_loadu_pd((const double*)(from + i * from_row));
  for (int i = 0; i < 4; i += 2) {
    b[i] = _mm256_unpacklo_pd(a[i], a[i + 1]);
    b[i + 1] = _mm256_unpackhi_pd(a[i], a[i + 1]);
  }
  for (int i = 0; i < 2; i++) {
    a[i] = _mm256_permute2f128_pd(b[i], b[i + 2], 0x20);
    a[i + 2] = _mm256_permute2f128_pd(b[i], b[i + 2], 0x31);
  }
  for (int i = 0; i < 4; i++)
    _mm256_storeu_pd((double*)(to + i * to_row), a[i]);
}
enum { wide_32 = 8, wide_64 = 4 };
#else
#define turn_wide_32 turn_32
#define turn_wide_64 turn_64
enum { wide_32 = side_32, wide_64 = side_64 };
#endif
#define turn_wide_8 turn_8
#define turn_wide_16 turn_16
enum { wide_8 = side_8, wide_16 = side_16 };

/* to[r * to_row + c] = from[c * from_column + r]: both are walked along their
 * own lines within a block. */
/* Columns may lie a power of two apart and so share one set of the cache. It
 * holds eight of them, but not the sixteen of single bytes: those pass through
 * a strip. */
enum { STRIP = 256 };
/* What blocks leave of few rows, or of few columns: `by` of them at a time, a
 * known number. */
#define TURN_ROWS(bits, by)                                   \
  for (; by > 1 && rows - whole_rows >= by; whole_rows += by) \
    for (int c = 0; c < whole_columns; c += side_##bits)      \
      turn_part_##bits(                                       \
          to + whole_rows * to_row + c,                       \
          to_row,                                             \
          from + c * from_column + whole_rows,                \
          from_column,                                        \
          side_##bits,                                        \
          by);
#define TURN_COLUMNS(bits, by)                                           \
  for (; by > 1 && columns - whole_columns >= by; whole_columns += by) { \
    int sides = rows & -side_##bits;                                     \
    for (int r = 0; r < sides; r += side_##bits)                         \
      turn_part_##bits(                                                  \
          to + r * to_row + whole_columns,                               \
          to_row,                                                        \
          from + whole_columns * from_column + r,                        \
          from_column,                                                   \
          by,                                                            \
          side_##bits);                                                  \
    for (int c = whole_columns; c < whole_columns + by; c++)             \
      for (int r = sides; r < rows; r++)                                 \
        to[r * to_row + c] = from[c * from_column + r];                  \
  }
#define TURN_PLANE(bits)                                                    \
  static void turn_plane_##bits(                                            \
      uint##bits##_t* to,                                                   \
      int64_t to_row,                                                       \
      const uint##bits##_t* from,                                           \
      int64_t from_column,                                                  \
      int rows,                                                             \
      int columns) {                                                        \
    enum { N = wide_##bits };                                               \
    uint##bits##_t strip[bits == 8 ? N * STRIP : 1];                        \
    int whole_rows = rows & -N, whole_columns = columns & -N;               \
    for (int c = 0; whole_rows && c < whole_columns; c += N) {              \
      const uint##bits##_t* lines = from + c * from_column;                 \
      int64_t apart = from_column;                                          \
      if (bits == 8 && whole_rows <= STRIP && apart % STRIP == 0) {         \
        for (int k = 0; k < N; k++)                                         \
          memcpy(strip + k * STRIP, lines + k * apart, (size_t)whole_rows); \
        lines = strip;                                                      \
        apart = STRIP;                                                      \
      }                                                                     \
      for (int r = 0; r < whole_rows; r += N)                               \
        turn_wide_##bits(to + r * to_row + c, to_row, lines + r, apart);    \
    }                                                                       \
    TURN_ROWS(bits, side_##bits)                                            \
    TURN_ROWS(bits, side_##bits / 2)                                        \
    for (int r = whole_rows; r < rows; r++)                                 \
      for (int c = 0; c < whole_columns; c++)                               \
        to[r * to_row + c] = from[c * from_column + r];                     \
    TURN_COLUMNS(bits, side_##bits)                                         \
    TURN_COLUMNS(bits, side_##bits / 2)                                     \
    for (int c = whole_columns; c < columns; c++)                           \
      for (int r = 0; r < rows; r++)                                        \
        to[r * to_row + c] = from[c * from_column + r];                     \
  }
TURN_PLANE(8)
TURN_PLANE(16)
TURN_PLANE(32)
TURN_PLANE(64)

INLINE int64_t size_of(int64_t stride) {
  return stride < 0 ? -stride : stride;
}

#define REPEAT_BY(T, width)                                         \
  for (; r * bytes + width <= all; r++) {                           \
    fill_##T##_##width x = from[r * row] - (fill_##T##_##width){0}; \
    memcpy((char*)to + r * bytes, &x, width);                       \
  }
#define REPEAT_ROWS(T, width)                                       \
  for (; r < rows; r++) {                                           \
    fill_##T##_##width x = from[r * row] - (fill_##T##_##width){0}; \
    char* at = (char*)to + r * bytes;                               \
    for (int64_t k = 0; k + width < bytes; k += width)              \
      memcpy(at + k, &x, width);                                    \
    memcpy(at + bytes - width, &x, width);                          \
  }
#define REPEAT_LONG(T, width) REPEAT_ROWS(T, width)
/* Bytes of a register. */
#if defined(LZ_ISA_avx512)
#define WIDEST 64
#elif defined(LZ_ISA_avx2)
#define WIDEST 32
#else
#define WIDEST 16
#endif
#define MOVE(bits)                                                             \
  INLINE void fill_##bits(uint##bits##_t* to, uint##bits##_t x, int n) {       \
    for (int i = 0; i < n; i++) to[i] = x;                                     \
  }                                                                            \
  INLINE void row_##bits(                                                      \
      uint##bits##_t* to, const uint##bits##_t* from, int64_t stride, int n) { \
    if (stride == 1)                                                           \
      memcpy(to, from, (size_t)n * sizeof *to);                                \
    else if (stride == 0)                                                      \
      fill_##bits(to, *from, n);                                               \
    else if (stride == 2) /* known strides have vectors */                     \
      for (int i = 0; i < n; i++) to[i] = from[i * 2];                         \
    else if (stride == 3)                                                      \
      for (int i = 0; i < n; i++) to[i] = from[i * 3];                         \
    else if (stride == 4)                                                      \
      for (int i = 0; i < n; i++) to[i] = from[i * 4];                         \
    else if (stride == -1)                                                     \
      for (int i = 0; i < n; i++) to[i] = from[-i];                            \
    else                                                                       \
      for (int i = 0; i < n; i++) to[i] = from[i * stride];                    \
  }                                                                            \
  typedef uint##bits##_t fill_##bits##_16 __attribute__((vector_size(16)));    \
  typedef uint##bits##_t fill_##bits##_32 __attribute__((vector_size(32)));    \
  typedef uint##bits##_t fill_##bits##_64 __attribute__((vector_size(64)));    \
  /* Each element `times` times. Stores reach into the next row, which is      \
   * written later; the last rows have no next. */                             \
  INLINE void repeat_##bits(                                                   \
      uint##bits##_t* to,                                                      \
      const uint##bits##_t* from,                                              \
      int64_t row,                                                             \
      int rows,                                                                \
      int times) {                                                             \
    const int64_t bytes = times * (int64_t)sizeof *to, all = bytes * rows;     \
    int r = 0;                                                                 \
    if (bytes <= 16)                                                           \
      REPEAT_BY(bits, 16)                                                      \
    else if (bytes <= 32 && WIDEST >= 32)                                      \
      REPEAT_BY(bits, 32)                                                      \
    else if (bytes <= 64 && WIDEST >= 64)                                      \
      REPEAT_BY(bits, 64)                                                      \
    else                                                                       \
      REPEAT_LONG(bits, WIDEST)                                                \
    for (; r < rows; r++)                                                      \
      for (int c = 0; c < times; c++)                                          \
        to[(int64_t)r * times + c] = from[r * row];                            \
  }                                                                            \
  static void load_##bits(                                                     \
      void* tile,                                                              \
      int64_t tile_row,                                                        \
      const void* array,                                                       \
      int64_t row,                                                             \
      int64_t column,                                                          \
      int rows,                                                                \
      int columns) {                                                           \
    uint##bits##_t* to = tile;                                                 \
    const uint##bits##_t* from = array;                                        \
    /* rows that go on where the one before ended */                           \
    if (row == column * columns && tile_row == columns) {                      \
      columns *= rows;                                                         \
      rows = 1;                                                                \
    }                                                                          \
    if (row == 1 && size_of(column) > 1 && rows > 1) {                         \
      turn_plane_##bits(to, tile_row, from, column, rows, columns);            \
    } else if (row == 0 && rows > 1 && tile_row == columns) {                  \
      row_##bits(to, from, column, columns);                                   \
      /* twice as many rows each time: they may be short */                    \
      for (int64_t done = 1; done < rows; done *= 2) {                         \
        int64_t more = rows - done < done ? rows - done : done;                \
        memcpy(                                                                \
            to + done * columns, to, (size_t)(more * columns) * sizeof *to);   \
      }                                                                        \
    } else if (column == 0 && columns > 1 && tile_row == columns) {            \
      repeat_##bits(to, from, row, rows, columns);                             \
    } else if (rows > 1 && column != 0 && size_of(row) < size_of(column)) {    \
      for (int c = 0; c < columns; c++)                                        \
        for (int r = 0; r < rows; r++)                                         \
          to[r * tile_row + c] = from[r * row + c * column];                   \
    } else {                                                                   \
      for (int r = 0; r < rows; r++)                                           \
        row_##bits(to + r * tile_row, from + r * row, column, columns);        \
    }                                                                          \
  }                                                                            \
  static void store_##bits(                                                    \
      void* array,                                                             \
      const void* tile,                                                        \
      int64_t row,                                                             \
      int64_t column,                                                          \
      int rows,                                                                \
      int columns) {                                                           \
    uint##bits##_t* to = array;                                                \
    const uint##bits##_t* from = tile;                                         \
    if (column == 1 && row == columns) {                                       \
      columns *= rows;                                                         \
      rows = 1;                                                                \
    }                                                                          \
    if (row == 1 && size_of(column) > 1 && rows > 1) {                         \
      turn_plane_##bits(to, column, from, columns, columns, rows);             \
      return;                                                                  \
    }                                                                          \
    for (int r = 0; r < rows; r++, to += row, from += columns) {               \
      if (column == 1)                                                         \
        memcpy(to, from, (size_t)columns * sizeof *to);                        \
      else                                                                     \
        for (int c = 0; c < columns; c++) to[c * column] = from[c];            \
    }                                                                          \
  }                                                                            \
  static void splat_##bits(void* tile, const void* element, int n) {           \
    uint##bits##_t x;                                                          \
    memcpy(&x, element, sizeof x);                                             \
    fill_##bits(tile, x, n);                                                   \
  }
MOVE(8)
MOVE(16)
MOVE(32)
MOVE(64)

/* Whole cache lines past the caches; the ends of the row the usual way. */
static void stream_row(void* to, const void* from, size_t bytes) {
#if defined(__x86_64__)
  char* t = to;
  const char* f = from;
  size_t head = -(uintptr_t)t & 63;
  if (bytes >= head + 64) {
    memcpy(t, f, head);
    for (t += head, f += head, bytes -= head; bytes >= 64;
         t += 64, f += 64, bytes -= 64)
      for (int k = 0; k < 64; k += STREAM) STREAM_STORE(t + k, f + k);
    to = t;
    from = f;
  }
#endif
  memcpy(to, from, bytes);
}

const tile_table ISA_NAME(tile_kernels) = {
    .splat = {splat_8, splat_16, splat_32, splat_64},
    .load = {load_8, load_16, load_32, load_64},
    .store = {store_8, store_16, store_32, store_64},
    .stream = stream_row,
};
