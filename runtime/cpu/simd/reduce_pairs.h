/* Reductions of complex numbers on lanes of their parts: extremes by real part,
 * then imaginary. Part of simd/reduce.c. */
#ifndef CPU_SIMD_REDUCE_PAIRS_H
#define CPU_SIMD_REDUCE_PAIRS_H

#include <math.h>
#include <stdint.h>

#include "cpu/simd/elementwise_pairs.h"

#define PAIRS_ABOVE(x, a) pairs_gt(x, a)
#define PAIRS_BELOW(x, a) pairs_gt(a, x)

/* One step: x against the best so far. What is no number stays, as (NaN, 0). */
#define PAIRS_EXTREME(name, BEATS, OP)                                       \
  static inline lz_complex name(lz_complex a, lz_complex x) {                \
    if (isnan(a.re) || isnan(a.im) || isnan(x.re) || isnan(x.im))            \
      return (lz_complex){NAN, 0};                                           \
    int wins = x.re OP a.re || (x.re == a.re && x.im OP a.im);               \
    return wins ? x : a;                                                     \
  }                                                                          \
  LANES pairs name##_step(pairs a, const lz_complex* p) {                    \
    pairs x = pairs_load(p);                                                 \
    mf odd = ne_f(a.re, a.re) | ne_f(x.re, x.re) | ne_f(x.im, x.im);         \
    pairs none = PAIRS(set_f(NAN), set_f(0));                                \
    return pairs_sel(odd, none, pairs_sel(BEATS(x, a), x, a));               \
  }                                                                          \
  static __attribute__((noinline)) void name##_four(                         \
      const lz_complex* x,                                                   \
      int64_t apart,                                                         \
      int64_t step,                                                          \
      int64_t steps,                                                         \
      int64_t cols,                                                          \
      lz_complex* acc) {                                                     \
    for (int64_t i = 0; i < steps; i++, x += step) {                         \
      const int64_t whole = cols & -(int64_t)WIDTH_f;                        \
      for (int64_t c = 0; c < whole; c += WIDTH_f) {                         \
        pairs a = pairs_load(acc + c);                                       \
        for (int k = 0; k < 4; k++) a = name##_step(a, x + k * apart + c);   \
        pairs_store(acc + c, a);                                             \
      }                                                                      \
      for (int64_t c = whole; c < cols; c++)                                 \
        for (int k = 0; k < 4; k++) acc[c] = name(acc[c], x[k * apart + c]); \
    }                                                                        \
  }                                                                          \
  static void name##_cols(                                                   \
      const lz_complex* x,                                                   \
      int64_t stride,                                                        \
      int64_t rows,                                                          \
      int64_t cols,                                                          \
      lz_complex* acc) {                                                     \
    name##_four(x, stride, 4 * stride, rows / 4, cols, acc);                 \
    x += rows / 4 * 4 * stride;                                              \
    for (int64_t r = rows / 4 * 4; r < rows; r++, x += stride) {             \
      const int64_t whole = cols & -(int64_t)WIDTH_f;                        \
      for (int64_t c = 0; c < whole; c += WIDTH_f)                           \
        pairs_store(acc + c, name##_step(pairs_load(acc + c), x + c));       \
      for (int64_t c = whole; c < cols; c++) acc[c] = name(acc[c], x[c]);    \
    }                                                                        \
  }

/* As reduce_seek_cols of simd/reduce.h. */
#define PAIRS_SEEK_COLS(name, BEATS, OP)                                 \
  static void name##_cols(                                               \
      const void* xv,                                                    \
      int64_t stride,                                                    \
      int64_t rows,                                                      \
      int64_t cols,                                                      \
      int64_t base,                                                      \
      void* bestv,                                                       \
      uint32_t* at) {                                                    \
    const lz_complex* x = xv;                                            \
    lz_complex* best = bestv;                                            \
    for (int64_t r = 0; r < rows; r++, x += stride) {                    \
      uint32_t here = (uint32_t)(base + r);                              \
      vf place = (vf)((vu){0} + here);                                   \
      const int64_t whole = cols & -(int64_t)WIDTH_f;                    \
      for (int64_t c = 0; c < whole; c += WIDTH_f) {                     \
        pairs a = pairs_load(best + c), y = pairs_load(x + c);           \
        mf wins = BEATS(y, a);                                           \
        vf was;                                                          \
        if (!any_f(wins)) continue;                                      \
        memcpy(&was, at + c, sizeof was);                                \
        was = sel_f(wins, place, was);                                   \
        memcpy(at + c, &was, sizeof was);                                \
        pairs_store(best + c, pairs_sel(wins, y, a));                    \
      }                                                                  \
      for (int64_t c = whole; c < cols; c++) {                           \
        lz_complex a = best[c], y = x[c];                                \
        if (!(y.re OP a.re || (y.re == a.re && y.im OP a.im))) continue; \
        best[c] = y;                                                     \
        at[c] = here;                                                    \
      }                                                                  \
    }                                                                    \
  }

/* As reduce_seek: as columns first; of equal ones the first counts. */
#define PAIRS_SEEK(name, BEATS, OP)                                            \
  PAIRS_SEEK_COLS(name, BEATS, OP)                                             \
  static void name(                                                            \
      const void* xv, int64_t n, int64_t base, void* bestv, int64_t* at) {     \
    enum { COLUMNS = 16, NOWHERE = -1 };                                       \
    const lz_complex* x = xv;                                                  \
    lz_complex best = *(lz_complex*)bestv, lane[COLUMNS];                      \
    uint32_t row[COLUMNS];                                                     \
    for (int64_t i = 0, m; i < n; i += m) {                                    \
      m = n - i < 1 << 30 ? n - i : 1 << 30;                                   \
      int64_t rows = m / COLUMNS, place = NOWHERE;                             \
      for (int k = 0; k < COLUMNS; k++)                                        \
        lane[k] = best, row[k] = (uint32_t)NOWHERE;                            \
      name##_cols(x + i, COLUMNS, rows, COLUMNS, 0, lane, row);                \
      name##_cols(x + i + rows * COLUMNS, 0, 1, m % COLUMNS, rows, lane, row); \
      for (int k = 0; k < COLUMNS; k++) {                                      \
        if (row[k] == (uint32_t)NOWHERE) continue;                             \
        lz_complex y = lane[k];                                                \
        int64_t here = (int64_t)row[k] * COLUMNS + k;                          \
        bool wins = y.re OP best.re || (y.re == best.re && y.im OP best.im);   \
        bool same = y.re == best.re && y.im == best.im;                        \
        if (!wins && !(same && place != NOWHERE && here < place)) continue;    \
        best = y;                                                              \
        place = here;                                                          \
      }                                                                        \
      if (place != NOWHERE) *at = base + i + place;                            \
    }                                                                          \
    *(lz_complex*)bestv = best;                                                \
  }

#endif
