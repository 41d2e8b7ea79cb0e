/* Positions of extremes: kernels of simd/reduce.c, in whose middle this stands.
 */
/* The best of each block is found first, four runs of it side by side, its
 * place only when it wins: the loop that runs over everything has no index. */
enum { SEEK_BLOCK = 4096, SPAN = 64 };
#define BETTER(BEATS, a, x) (BEATS(x, a) ? (x) : (a))
#define SEEK(name, T, BEATS)                                                \
  static __attribute__((noinline, noclone))                                 \
  T name##_best(const T* x, int64_t n, T best) {                            \
    int64_t q = n / (4 * WIDE) * WIDE;                                      \
    const T *y = x + q, *z = y + q, *w = z + q;                             \
    if (q > 0) {                                                            \
      T wide[WIDE];                                                         \
      for (int c = 0; c < WIDE; c++) wide[c] = best;                        \
      for (int64_t k = 0; k < q; k += WIDE)                                 \
        for (int c = 0; c < WIDE; c++) {                                    \
          T a = wide[c];                                                    \
          a = BETTER(BEATS, a, x[k + c]);                                   \
          a = BETTER(BEATS, a, y[k + c]);                                   \
          a = BETTER(BEATS, a, z[k + c]);                                   \
          wide[c] = BETTER(BEATS, a, w[k + c]);                             \
        }                                                                   \
      for (int v = WIDE / 2; v; v /= 2)                                     \
        for (int c = 0; c < v; c++)                                         \
          wide[c] = BETTER(BEATS, wide[c], wide[c + v]);                    \
      best = wide[0];                                                       \
    }                                                                       \
    int64_t i = 4 * q;                                                      \
    if (n - i >= NARROW) {                                                  \
      T lane[NARROW];                                                       \
      for (int c = 0; c < NARROW; c++) lane[c] = best;                      \
      for (; i + NARROW <= n; i += NARROW)                                  \
        for (int c = 0; c < NARROW; c++)                                    \
          lane[c] = BETTER(BEATS, lane[c], x[i + c]);                       \
      for (int c = 0; c < NARROW; c++) best = BETTER(BEATS, best, lane[c]); \
    }                                                                       \
    for (; i < n; i++) best = BETTER(BEATS, best, x[i]);                    \
    return best;                                                            \
  }                                                                         \
  static void name(                                                         \
      const void* xv, int64_t n, int64_t base, void* bestv, int64_t* at) {  \
    const T* x = xv;                                                        \
    T best = *(T*)bestv;                                                    \
    for (int64_t i = 0; i < n; i += SEEK_BLOCK) {                           \
      int64_t m = n - i < SEEK_BLOCK ? n - i : SEEK_BLOCK, k = 0;           \
      T top = name##_best(x + i, m, best);                                  \
      if (!BEATS(top, best)) continue;                                      \
      best = top;                                                           \
      for (; k + SPAN <= m; k += SPAN) { /* it is there: which span? */     \
        int here = 0;                                                       \
        for (int c = 0; c < SPAN; c++) here |= x[i + k + c] == best;        \
        if (here) break;                                                    \
      }                                                                     \
      while (x[i + k] != best) k++;                                         \
      *at = base + i + k;                                                   \
    }                                                                       \
    *(T*)bestv = best;                                                      \
  }
#define SEEK_COLS(name, T, BEATS)                                    \
  static void name##_cols(                                           \
      const void* xv,                                                \
      int64_t stride,                                                \
      int64_t rows,                                                  \
      int64_t cols,                                                  \
      int64_t base,                                                  \
      void* bestv,                                                   \
      uint32_t* restrict at) {                                       \
    const T* x = xv;                                                 \
    T* restrict best = bestv;                                        \
    int64_t r = 0;                                                   \
    for (; r + 4 <= rows; r += 4, x += 4 * stride) {                 \
      const T *y = x + stride, *z = y + stride, *w = z + stride;     \
      uint32_t here = (uint32_t)(base + r);                          \
      for (int64_t c = 0; c < cols; c++) {                           \
        T a = best[c];                                               \
        uint32_t p = at[c];                                          \
        p = BEATS(x[c], a) ? here : p;                               \
        a = BETTER(BEATS, a, x[c]);                                  \
        p = BEATS(y[c], a) ? here + 1 : p;                           \
        a = BETTER(BEATS, a, y[c]);                                  \
        p = BEATS(z[c], a) ? here + 2 : p;                           \
        a = BETTER(BEATS, a, z[c]);                                  \
        at[c] = BEATS(w[c], a) ? here + 3 : p;                       \
        best[c] = BETTER(BEATS, a, w[c]);                            \
      }                                                              \
    }                                                                \
    for (; r < rows; r++, x += stride)                               \
      for (int64_t c = 0; c < cols; c++) {                           \
        at[c] = BEATS(x[c], best[c]) ? (uint32_t)(base + r) : at[c]; \
        best[c] = BETTER(BEATS, best[c], x[c]);                      \
      }                                                              \
  }
#define ABOVE(x, y) ((x) > (y))
#define BELOW(x, y) ((x) < (y))
#define SEEKS(s, T)            \
  SEEK(least_##s, T, BELOW)    \
  SEEK(greatest_##s, T, ABOVE) \
  SEEK_COLS(least_##s, T, BELOW) SEEK_COLS(greatest_##s, T, ABOVE)
SEEKS(u8, uint8_t)
SEEKS(u16, uint16_t)
SEEKS(u32, uint32_t)
SEEKS(u64, uint64_t)
SEEKS(i8, int8_t)
SEEKS(i16, int16_t)
SEEKS(i32, int32_t)
SEEKS(i64, int64_t)
SEEKS(f32, float)
SEEKS(f64, double)

PAIRS_SEEK(least_c64, PAIRS_BELOW, <)
PAIRS_SEEK(greatest_c64, PAIRS_ABOVE, >)

#define SEEK_HALF(name, h)                                                \
  static void name##_##h(                                                 \
      const void* xv, int64_t n, int64_t base, void* best, int64_t* at) { \
    float tile[TILE];                                                     \
    for (int64_t i = 0; i < n; i += TILE) {                               \
      int64_t m = n - i < TILE ? n - i : TILE;                            \
      vec_widen_##h(tile, (const uint16_t*)xv + i, m);                    \
      name##_f32(tile, m, base + i, best, at);                            \
    }                                                                     \
  }
#define SEEK_HALF_COLS(name, h)                                             \
  static void name##_##h##_cols(                                            \
      const void* xv,                                                       \
      int64_t stride,                                                       \
      int64_t rows,                                                         \
      int64_t cols,                                                         \
      int64_t base,                                                         \
      void* best,                                                           \
      uint32_t* at) {                                                       \
    float tile[TILE];                                                       \
    for (int64_t c = 0; c < cols; c += TILE) {                              \
      int64_t n = cols - c < TILE ? cols - c : TILE;                        \
      for (int64_t r = 0; r < rows; r++) {                                  \
        vec_widen_##h(tile, (const uint16_t*)xv + r * stride + c, n);       \
        name##_f32_cols(tile, 0, 1, n, base + r, (float*)best + c, at + c); \
      }                                                                     \
    }                                                                       \
  }
SEEK_HALF_COLS(least, f16)
SEEK_HALF_COLS(least, bf16)
SEEK_HALF_COLS(greatest, f16)
SEEK_HALF_COLS(greatest, bf16)
SEEK_HALF(least, f16)
SEEK_HALF(least, bf16)
SEEK_HALF(greatest, f16)
SEEK_HALF(greatest, bf16)
