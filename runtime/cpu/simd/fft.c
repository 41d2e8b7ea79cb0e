#include "cpu/simd/fft.h"

#include "cpu/simd/vec.h"

#define INLINE static inline __attribute__((always_inline))
enum { L = VEC_F32, PAIR = 2 * VEC_F32 };

typedef struct vc {
  vec_f32 re, im;
} vc;

INLINE vc get(const float* x, int64_t k) {
  return (vc){vec_load_f32(x + k * PAIR), vec_load_f32(x + k * PAIR + L)};
}
INLINE void put(float* x, int64_t k, vc v) {
  vec_store_f32(x + k * PAIR, v.re);
  vec_store_f32(x + k * PAIR + L, v.im);
}
INLINE vc plus(vc a, vc b) {
  return (vc){a.re + b.re, a.im + b.im};
}
INLINE vc minus(vc a, vc b) {
  return (vc){a.re - b.re, a.im - b.im};
}
INLINE vc scaled(vc a, float by) {
  return (vc){a.re * by, a.im * by};
}
/* a · (re + i im) */
INLINE vc turned(vc a, const float* w) {
  return (vc){a.re * w[0] - a.im * w[1], a.re * w[1] + a.im * w[0]};
}
/* a · -i */
INLINE vc quarter(vc a) {
  return (vc){a.im, -a.re};
}

/* L complex numbers that lie together, real and imaginary parts by turns. */
typedef int32_t lane_index __attribute__((vector_size(4 * L)));
INLINE vc apart(const float* x) {
  vec_f32 a = vec_load_f32(x), b = vec_load_f32(x + L);
  lane_index even;
  for (int i = 0; i < L; i++) even[i] = 2 * i;
  return (vc){__builtin_shuffle(a, b, even), __builtin_shuffle(a, b, even + 1)};
}
INLINE void together(float* x, vec_f32 re, vec_f32 im) {
  lane_index low;
  for (int i = 0; i < L; i++) low[i] = i / 2 + (i % 2 ? L : 0);
  vec_store_f32(x, __builtin_shuffle(re, im, low));
  vec_store_f32(x + L, __builtin_shuffle(re, im, low + L / 2));
}

/* ---- butterflies: what they return is in b ---- */
INLINE void fly_2(const vc* a, vc* b) {
  b[0] = plus(a[0], a[1]);
  b[1] = minus(a[0], a[1]);
}
INLINE void fly_3(const vc* a, vc* b) {
  vc sum = plus(a[1], a[2]);
  vc side = quarter(scaled(minus(a[1], a[2]), 0.866025403784438647f));
  vc rest = plus(a[0], scaled(sum, -0.5f));
  b[0] = plus(a[0], sum);
  b[1] = plus(rest, side);
  b[2] = minus(rest, side);
}
INLINE void fly_4(const vc* a, vc* b) {
  vc p = plus(a[0], a[2]), q = minus(a[0], a[2]);
  vc r = plus(a[1], a[3]), s = quarter(minus(a[1], a[3]));
  b[0] = plus(p, r);
  b[1] = plus(q, s);
  b[2] = minus(p, r);
  b[3] = minus(q, s);
}
INLINE void fly_5(const vc* a, vc* b) {
  const float c1 = 0.309016994374947424f, s1 = 0.951056516295153572f;
  const float c2 = -0.809016994374947424f, s2 = 0.587785252292473129f;
  vc p = plus(a[1], a[4]), q = minus(a[1], a[4]);
  vc r = plus(a[2], a[3]), s = minus(a[2], a[3]);
  vc u = plus(a[0], plus(scaled(p, c1), scaled(r, c2)));
  vc v = plus(a[0], plus(scaled(p, c2), scaled(r, c1)));
  vc x = quarter(plus(scaled(q, s1), scaled(s, s2)));
  vc y = quarter(minus(scaled(q, s2), scaled(s, s1)));
  b[0] = plus(a[0], plus(p, r));
  b[1] = plus(u, x);
  b[2] = plus(v, y);
  b[3] = minus(v, y);
  b[4] = minus(u, x);
}

/* A stage of Stockham's transform: results come out in order, from x to y.
 * x[q + s (p + m i)] meets its like in y[q + s (r p + k)]. */
#define STAGE(r)                                                        \
  static void stage_##r(                                                \
      const float* x, float* y, const float* w, int64_t m, int64_t s) { \
    for (int64_t p = 0; p < m; p++, w += 2 * (r - 1))                   \
      for (int64_t q = 0; q < s; q++) {                                 \
        vc a[r], b[r];                                                  \
        _Pragma("GCC unroll 5") for (int i = 0; i < r; i++) a[i] =      \
            get(x, q + s * (p + m * i));                                \
        fly_##r(a, b);                                                  \
        put(y, q + s * r * p, b[0]);                                    \
        _Pragma("GCC unroll 5") for (int k = 1; k < r; k++)             \
            put(y, q + s * (r * p + k), turned(b[k], w + 2 * k - 2));   \
      }                                                                 \
  }
STAGE(2)
STAGE(3)
STAGE(4)
STAGE(5)

/* Odd r. Elements i and r - i go together: b[k] and b[r - k] are u + i v and
 * u - i v with u from their sums, v from their differences. */
INLINE void stage_odd(
    int r,
    const float* x,
    float* y,
    const float* w,
    const float* roots,
    int64_t m,
    int64_t s) {
  const int half = r / 2;
  for (int64_t p = 0; p < m; p++, w += 2 * (r - 1))
    for (int64_t q = 0; q < s; q++) {
      vc sum[FFT_RADIX / 2], gap[FFT_RADIX / 2];
      const vc first = get(x, q + s * p);
      vc all = first;
      for (int i = 0; i < half; i++) {
        const vc a = get(x, q + s * (p + m * (i + 1)));
        const vc b = get(x, q + s * (p + m * (r - 1 - i)));
        sum[i] = plus(a, b);
        gap[i] = minus(a, b);
        all = plus(all, sum[i]);
      }
      float* to = y + (q + s * r * p) * PAIR;
      put(to, 0, all);
      for (int k = 1; k <= half; k++) {
        vc u = first, v = {{0}, {0}};
        for (int i = 0, at = k; i < half; i++) {
          const float c = roots[2 * at], d = roots[2 * at + 1];
          u.re += sum[i].re * c;
          u.im += sum[i].im * c;
          v.re += gap[i].re * d;
          v.im += gap[i].im * d;
          at += at + k < r ? k : k - r;
        }
        const vc side = {-v.im, v.re};
        put(to, s * k, turned(plus(u, side), w + 2 * k - 2));
        put(to, s * (r - k), turned(minus(u, side), w + 2 * (r - k) - 2));
      }
    }
}

#define STAGE_ODD(r)                    \
  static void stage_##r(                \
      const float* x,                   \
      float* y,                         \
      const float* w,                   \
      const float* roots,               \
      int64_t m,                        \
      int64_t s) {                      \
    stage_odd(r, x, y, w, roots, m, s); \
  }
STAGE_ODD(7)
STAGE_ODD(11)
STAGE_ODD(13)

static void stage_any(
    int r,
    const float* x,
    float* y,
    const float* w,
    const float* roots,
    int64_t m,
    int64_t s) {
  switch (r) {
    case 7:
      stage_7(x, y, w, roots, m, s);
      break;
    case 11:
      stage_11(x, y, w, roots, m, s);
      break;
    case 13:
      stage_13(x, y, w, roots, m, s);
      break;
    default:
      stage_odd(r, x, y, w, roots, m, s);
  }
}

static float* run(const fft_stages* plan, float* x, float* y) {
  int64_t n = plan->n, s = 1;
  for (int i = 0; i < plan->count; i++) {
    const int r = plan->radix[i];
    const float* w = plan->twiddles[i];
    n /= r;
    switch (r) {
      case 2:
        stage_2(x, y, w, n, s);
        break;
      case 3:
        stage_3(x, y, w, n, s);
        break;
      case 4:
        stage_4(x, y, w, n, s);
        break;
      case 5:
        stage_5(x, y, w, n, s);
        break;
      default:
        stage_any(r, x, y, w, plan->roots[i], n, s);
        break;
    }
    s *= r;
    float* swap = x;
    x = y;
    y = swap;
  }
  return x;
}

/* ---- in and out ---- */
/* A square of floats turned: row i of `to` is column i of `from`. */
INLINE void turn_square(float* to, int64_t to_row, const float* const* from) {
#if defined(LZ_ISA_avx512)
  __m512 a[16], b[16];
  for (int i = 0; i < 16; i++) a[i] = _mm512_loadu_ps(from[i]);
  for (int i = 0; i < 16; i += 2) {
    b[i] = _mm512_unpacklo_ps(a[i], a[i + 1]);
    b[i + 1] = _mm512_unpackhi_ps(a[i], a[i + 1]);
  }
  for (int i = 0; i < 16; i += 4) {
    a[i] = _mm512_shuffle_ps(b[i], b[i + 2], 0x44);
    a[i + 1] = _mm512_shuffle_ps(b[i], b[i + 2], 0xee);
    a[i + 2] = _mm512_shuffle_ps(b[i + 1], b[i + 3], 0x44);
    a[i + 3] = _mm512_shuffle_ps(b[i + 1], b[i + 3], 0xee);
  }
  for (int i = 0; i < 4; i++) {
    b[i] = _mm512_shuffle_f32x4(a[i], a[i + 4], 0x88);
    b[i + 4] = _mm512_shuffle_f32x4(a[i], a[i + 4], 0xdd);
    b[i + 8] = _mm512_shuffle_f32x4(a[i + 8], a[i + 12], 0x88);
    b[i + 12] = _mm512_shuffle_f32x4(a[i + 8], a[i + 12], 0xdd);
  }
  for (int i = 0; i < 4; i++) {
    a[i] = _mm512_shuffle_f32x4(b[i], b[i + 8], 0x88);
    a[i + 8] = _mm512_shuffle_f32x4(b[i], b[i + 8], 0xdd);
    a[i + 4] = _mm512_shuffle_f32x4(b[i + 4], b[i + 12], 0x88);
    a[i + 12] = _mm512_shuffle_f32x4(b[i + 4], b[i + 12], 0xdd);
  }
  for (int i = 0; i < 16; i++) _mm512_storeu_ps(to + i * to_row, a[i]);
#elif defined(LZ_ISA_avx2)
  /* Halves of rows i and i + 4 are one vector from the start. */
  __m256 a[8], b[8];
  for (int i = 0; i < 4; i++)
    for (int half = 0; half < 2; half++)
      a[i + 4 * half] = _mm256_insertf128_ps(
          _mm256_castps128_ps256(_mm_loadu_ps(from[i] + 4 * half)),
          _mm_loadu_ps(from[i + 4] + 4 * half),
          1);
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
  for (int i = 0; i < 8; i++) _mm256_storeu_ps(to + i * to_row, a[i]);
#else
  for (int i = 0; i < L; i++)
    for (int l = 0; l < L; l++) to[i * to_row + l] = from[l][i];
#endif
}

/* L complex numbers, or L real ones, of which every other lies there. */
INLINE vc apart_2(const float* x) {
  uint64_t from[2 * L], pairs[L];
  float both[2 * L];
  memcpy(from, x, (2 * L - 1) * sizeof *from);
  for (int i = 0; i < L; i++) pairs[i] = from[2 * i];
  memcpy(both, pairs, sizeof both);
  return apart(both);
}
INLINE vec_f32 every_2(const float* x) {
  float to[L];
  for (int i = 0; i < L; i++) to[i] = x[2 * i];
  return vec_load_f32(to);
}

static bool neighbours(const fft_lines* at, int64_t apart) {
  for (int l = 1; l < at->count; l++)
    if (at->starts[l] - at->starts[0] != l * apart) return false;
  return at->count == L;
}

static void load(
    float* to, const float* from, const fft_lines* at, int n, bool swap) {
  const int re = swap ? L : 0, im = swap ? 0 : L;
  int k = 0;
  if (at->imaginary == FFT_NONE || at->count < L)
    memset(to, 0, (size_t)n * PAIR * sizeof *to);
  if (at->imaginary == 1 && at->count == L && at->step == 2) {
    /* lines lie along: squares of them */
    for (; k + L / 2 <= n; k += L / 2) {
      const float* rows[L];
      float square[L][L];
      for (int l = 0; l < L; l++) rows[l] = from + at->starts[l] + 2 * k;
      turn_square(square[0], L, rows);
      for (int i = 0; i < L / 2; i++) {
        vec_store_f32(to + (k + i) * PAIR + re, vec_load_f32(square[2 * i]));
        vec_store_f32(
            to + (k + i) * PAIR + im, vec_load_f32(square[2 * i + 1]));
      }
    }
  } else if (at->imaginary == FFT_NONE && at->count == L && at->step == 1) {
    for (; k + L <= n; k += L) {
      const float* rows[L];
      for (int l = 0; l < L; l++) rows[l] = from + at->starts[l] + k;
      turn_square(to + k * PAIR + re, PAIR, rows);
    }
  } else if (at->imaginary == 1 && neighbours(at, 2)) {
    for (; k < n; k++) {
      vc v = apart(from + at->starts[0] + k * at->step);
      vec_store_f32(to + k * PAIR + re, v.re);
      vec_store_f32(to + k * PAIR + im, v.im);
    }
  } else if (at->imaginary == 1 && neighbours(at, 4)) {
    for (; k < n; k++) {
      vc v = apart_2(from + at->starts[0] + k * at->step);
      vec_store_f32(to + k * PAIR + re, v.re);
      vec_store_f32(to + k * PAIR + im, v.im);
    }
  } else if (at->imaginary != 1 && neighbours(at, 2)) {
    for (; k < n; k++) {
      const float* x = from + at->starts[0] + k * at->step;
      vec_store_f32(to + k * PAIR + re, every_2(x));
      if (at->imaginary != FFT_NONE)
        vec_store_f32(to + k * PAIR + im, every_2(x + at->imaginary));
    }
  } else if (at->imaginary != 1 && neighbours(at, 1)) {
    for (; k < n; k++) {
      const float* x = from + at->starts[0] + k * at->step;
      vec_store_f32(to + k * PAIR + re, vec_load_f32(x));
      if (at->imaginary != FFT_NONE)
        vec_store_f32(to + k * PAIR + im, vec_load_f32(x + at->imaginary));
    }
  }
  for (; k < n; k++)
    for (int l = 0; l < at->count; l++) {
      const float* x = from + at->starts[l] + k * at->step;
      to[k * PAIR + re + l] = x[0];
      if (at->imaginary != FFT_NONE) to[k * PAIR + im + l] = x[at->imaginary];
    }
}

static void store(
    float* to,
    const float* from,
    const fft_lines* at,
    int n,
    bool swap,
    float scale) {
  const int re = swap ? L : 0, im = swap ? 0 : L;
  int k = 0;
  if (at->imaginary == 1 && at->count == L && at->step == 2) {
    for (; k + L / 2 <= n; k += L / 2) {
      const float* rows[L];
      float square[L][L], lines[L][L];
      for (int i = 0; i < L / 2; i++) {
        const float* x = from + (k + i) * PAIR;
        vec_store_f32(square[2 * i], vec_load_f32(x + re) * scale);
        vec_store_f32(square[2 * i + 1], vec_load_f32(x + im) * scale);
      }
      for (int l = 0; l < L; l++) rows[l] = square[l];
      turn_square(lines[0], L, rows);
      for (int l = 0; l < L; l++)
        vec_store_f32(to + at->starts[l] + 2 * k, vec_load_f32(lines[l]));
    }
  } else if (at->imaginary == FFT_NONE && at->count == L && at->step == 1) {
    for (; k + L <= n; k += L) {
      const float* rows[L];
      float lines[L][L];
      for (int i = 0; i < L; i++) rows[i] = from + (k + i) * PAIR + re;
      turn_square(lines[0], L, rows);
      for (int l = 0; l < L; l++)
        vec_store_f32(to + at->starts[l] + k, vec_load_f32(lines[l]) * scale);
    }
  } else if (at->imaginary == 1 && neighbours(at, 2)) {
    for (; k < n; k++) {
      const float* y = from + k * PAIR;
      together(
          to + at->starts[0] + k * at->step,
          vec_load_f32(y + re) * scale,
          vec_load_f32(y + im) * scale);
    }
  } else if (at->imaginary != 1 && neighbours(at, 1)) {
    for (; k < n; k++) {
      float* x = to + at->starts[0] + k * at->step;
      const float* y = from + k * PAIR;
      vec_store_f32(x, vec_load_f32(y + re) * scale);
      if (at->imaginary != FFT_NONE)
        vec_store_f32(x + at->imaginary, vec_load_f32(y + im) * scale);
    }
  }
  for (; k < n; k++)
    for (int l = 0; l < at->count; l++) {
      float* x = to + at->starts[l] + k * at->step;
      x[0] = from[k * PAIR + re + l] * scale;
      if (at->imaginary != FFT_NONE)
        x[at->imaginary] = from[k * PAIR + im + l] * scale;
    }
}

static void times(float* x, const float* f, int n, bool conjugate) {
  for (int k = 0; k < n; k++) {
    vc v = turned(get(x, k), f + 2 * k);
    put(x, k, conjugate ? (vc){v.re, -v.im} : v);
  }
}

static void pairs(float* z, const float* f, int n, bool conjugate) {
  const float side = conjugate ? -1 : 1;
  int k = 0;
  for (; k + L <= n; k += L) {
    const vc a = apart(z + 2 * k), b = apart(f + 2 * k);
    const vec_f32 im = a.im * side;
    together(z + 2 * k, a.re * b.re - im * b.im, a.re * b.im + im * b.re);
  }
  for (; k < n; k++) {
    const float re = z[2 * k], im = side * z[2 * k + 1];
    z[2 * k] = re * f[2 * k] - im * f[2 * k + 1];
    z[2 * k + 1] = re * f[2 * k + 1] + im * f[2 * k];
  }
}

static void product(float* x, const float* f, int n) {
  for (int k = 0; k < n; k++) {
    const vc a = get(x, k), b = get(f, k);
    put(x, k, (vc){a.re * b.re - a.im * b.im, -a.re * b.im - a.im * b.re});
  }
}

static void twist(float* x, const float* lane, const float* w, int n) {
  for (int k = 0; k < n; k++) {
    vc a = get(x, k), b = get(lane, k);
    vc v = {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
    put(x, k, turned(v, w + 2 * k));
  }
}

/* With e and o the transforms of even and odd places, z = e + i o:
 * out[k] = e[k] + w[k] o[k], and e, o follow from z[k] and z[m - k]. */
static void real(const float* z, float* out, const float* w, int m) {
  for (int k = 0; k <= m; k++) {
    vc a = get(z, k % m), b = get(z, (m - k) % m);
    b.im = -b.im;
    vc e = scaled(plus(a, b), 0.5f);
    vc o = quarter(scaled(minus(a, b), 0.5f));
    put(out, k, plus(e, turned(o, w + 2 * k)));
  }
}

static void unreal(const float* in, float* z, const float* w, int m) {
  for (int k = 0; k < m; k++) {
    vc a = get(in, k), b = get(in, m - k);
    if (k == 0) a.im = b.im = (vec_f32){0}; /* not looked at */
    b.im = -b.im;
    const float back[2] = {w[2 * k], -w[2 * k + 1]};
    vc e = plus(a, b), o = turned(minus(a, b), back);
    put(z, k, (vc){e.im + o.re, e.re - o.im});
  }
}

/* a is even in its real part and odd in its imaginary one, and so is b. */
static void split(const float* z, float* a, float* b, int n) {
  for (int k = 0; k <= n / 2; k++) {
    const vc x = get(z, k), y = get(z, k ? n - k : 0);
    put(a, k, scaled((vc){x.re + y.re, x.im - y.im}, 0.5f));
    put(b, k, scaled((vc){x.im + y.im, y.re - x.re}, 0.5f));
  }
}

static void join(const float* a, const float* b, float* z, int n) {
  for (int k = 0; k <= n / 2; k++) {
    vc x = get(a, k), y = get(b, k);
    if (k == 0) x.im = y.im = (vec_f32){0}; /* not looked at */
    put(z, k ? n - k : 0, (vc){y.re - x.im, x.re + y.im});
    put(z, k, (vc){y.re + x.im, x.re - y.im});
  }
}

static void add(float* x, const float* y, int n) {
  for (int k = 0; k < n; k++) put(x, k, plus(get(x, k), get(y, k)));
}

const fft_table ISA_NAME(fft_kernels) = {
    .lanes = L,
    .load = load,
    .store = store,
    .run = run,
    .times = times,
    .pairs = pairs,
    .product = product,
    .twist = twist,
    .real = real,
    .unreal = unreal,
    .split = split,
    .join = join,
    .add = add,
};
