#include "cpu/gemm_tiny.h"

#include "cpu/isa.h"
#include "cpu/simd/dot.h"

/* Below so many, a sum over lanes costs more than one lane by lane. */
#define LONG 8

#if defined(LZ_ISA_avx512) || defined(LZ_ISA_avx2)
#define DIRECT(b_col, n, W) ((b_col) == 1)
#define PADDED 0
#else
#define DIRECT(b_col, n, W) ((b_col) == 1 && (n) % (W) == 0)
#define PADDED 1
#endif

/* `rows` of results, at most a vector of columns. */
#define BLOCK(tag, T, V, W, load, load_some, store, store_some, set1, fma)     \
  static inline __attribute__((always_inline)) void block_##tag(               \
      const int rows,                                                          \
      T* out,                                                                  \
      int64_t ld,                                                              \
      int n,                                                                   \
      int k,                                                                   \
      const T* a,                                                              \
      int64_t a_row,                                                           \
      int64_t a_col,                                                           \
      const T* b,                                                              \
      int64_t b_row) {                                                         \
    V sum[8];                                                                  \
    for (int i = 0; i < rows; i++) sum[i] = set1(0);                           \
    for (int t = 0; t < k; t++, b += b_row, a += a_col) {                      \
      const V y = n < W ? load_some(b, n) : load(b);                           \
      for (int i = 0; i < rows; i++)                                           \
        sum[i] = fma(set1(a[i * a_row]), y, sum[i]);                           \
    }                                                                          \
    for (int i = 0; i < rows; i++)                                             \
      if (n < W)                                                               \
        store_some(out + i * ld, sum[i], n);                                   \
      else                                                                     \
        store(out + i * ld, sum[i]);                                           \
  }                                                                            \
  static void tiny_##tag(                                                      \
      void* out_,                                                              \
      int64_t ld,                                                              \
      int m,                                                                   \
      int n,                                                                   \
      int k,                                                                   \
      const void* a_,                                                          \
      int64_t a_row,                                                           \
      int64_t a_col,                                                           \
      const void* b_,                                                          \
      int64_t b_row,                                                           \
      int64_t b_col) {                                                         \
    T* out = out_;                                                             \
    const T *a = a_, *b = b_;                                                  \
    T y[GEMM_TINY_K * GEMM_TINY];                                              \
    if ((n == 1 || (m == 1 && b_row == 1)) && k >= LONG) {                     \
      T x[GEMM_TINY_K];                                                        \
      const bool rows = n == 1;                                                \
      const T* v = rows ? b : a;                                               \
      const int64_t step = rows ? b_row : a_col, along = rows ? a_col : b_row; \
      if (step != 1) {                                                         \
        for (int t = 0; t < k; t++) y[t] = v[t * step];                        \
        v = y;                                                                 \
      }                                                                        \
      for (int i = 0; i < (rows ? m : n); i++) {                               \
        const T* with = rows ? a + i * a_row : b + i * b_col;                  \
        if (along != 1) {                                                      \
          for (int t = 0; t < k; t++) x[t] = with[t * along];                  \
          with = x;                                                            \
        }                                                                      \
        out[rows ? i * ld : i] = dot_##tag(with, v, k);                        \
      }                                                                        \
      return;                                                                  \
    }                                                                          \
    if (!DIRECT(b_col, n, W)) {                                                \
      for (int t = 0; t < k; t++) {                                            \
        T* to = y + t * GEMM_TINY;                                             \
        for (int j = 0; j < n; j++) to[j] = b[t * b_row + j * b_col];          \
        for (int j = n; PADDED && j % W; j++) to[j] = 0;                       \
      }                                                                        \
      b = y;                                                                   \
      b_row = GEMM_TINY;                                                       \
    }                                                                          \
    for (int j = 0; j < n; j += W, b += W, out += W) {                         \
      const int some = n - j < W ? n - j : W;                                  \
      int i = 0;                                                               \
      for (; i + 8 <= m; i += 8) BLOCK_OF(tag, 8);                             \
      for (; i + 4 <= m; i += 4) BLOCK_OF(tag, 4);                             \
      for (; i < m; i++) BLOCK_OF(tag, 1);                                     \
    }                                                                          \
  }
#define BLOCK_OF(tag, rows) \
  block_##tag(              \
      rows, out + i * ld, ld, some, k, a + i * a_row, a_row, a_col, b, b_row)

#if !PADDED
#define PART_F32 vf_load_some
#define PART_F64 vd_load_some
#else
/* What is not whole was copied. */
#define PART_F32(p, n) vf_load(p)
#define PART_F64(p, n) vd_load(p)
#endif
BLOCK(
    f32,
    float,
    vf,
    VF,
    vf_load,
    PART_F32,
    vf_store,
    vf_store_some,
    vf_set1,
    vf_fma)
BLOCK(
    f64,
    double,
    vd,
    VD,
    vd_load,
    PART_F64,
    vd_store,
    vd_store_some,
    vd_set1,
    vd_fma)

#if defined(VF_HALVES)
#define WHOLE(tag) \
  for (; i + VF <= n; i += VF) vf_store(to + i, vf_load_##tag(from + i));
#else
#define WHOLE(tag)
#endif
/* Halves become floats. */
#define HALVES(tag)                                                        \
  static void floats_##tag(                                                \
      float* to, const uint16_t* from, int64_t step, int n) {              \
    int i = 0;                                                             \
    if (step == 1) {                                                       \
      WHOLE(tag)                                                           \
    }                                                                      \
    for (; i < n; i++) to[i] = f32_of_##tag(from + i * step);              \
  }                                                                        \
  static void tiny_##tag(                                                  \
      void* out,                                                           \
      int64_t ld,                                                          \
      int m,                                                               \
      int n,                                                               \
      int k,                                                               \
      const void* a,                                                       \
      int64_t a_row,                                                       \
      int64_t a_col,                                                       \
      const void* b,                                                       \
      int64_t b_row,                                                       \
      int64_t b_col) {                                                     \
    float x[GEMM_TINY * GEMM_TINY_K], y[GEMM_TINY_K * GEMM_TINY];          \
    for (int i = 0; i < m; i++)                                            \
      floats_##tag(x + i * k, (const uint16_t*)a + i * a_row, a_col, k);   \
    if (n == 1 || b_row == 1) {                                            \
      for (int j = 0; j < n; j++)                                          \
        floats_##tag(y + j * k, (const uint16_t*)b + j * b_col, b_row, k); \
      tiny_f32(out, ld, m, n, k, x, k, 1, y, 1, k);                        \
      return;                                                              \
    }                                                                      \
    for (int t = 0; t < k; t++)                                            \
      floats_##tag(                                                        \
          y + t * GEMM_TINY, (const uint16_t*)b + t * b_row, b_col, n);    \
    tiny_f32(out, ld, m, n, k, x, k, 1, y, GEMM_TINY, 1);                  \
  }
HALVES(f16)
HALVES(bf16)

/* The parts of b's columns apart. */
static inline __attribute__((always_inline)) void block_c64(
    const int rows,
    lz_complex* out,
    int64_t ld,
    int n,
    int k,
    const lz_complex* a,
    int64_t a_row,
    int64_t a_col,
    const float* b) {
  vf re[4], im[4];
  for (int i = 0; i < rows; i++) re[i] = im[i] = vf_zero();
  for (int t = 0; t < k; t++, b += 2 * GEMM_TINY, a += a_col) {
    const vf br = vf_load(b), bi = vf_load(b + GEMM_TINY);
    for (int i = 0; i < rows; i++) {
      const vf ar = vf_set1(a[i * a_row].re), ai = vf_set1(a[i * a_row].im);
      re[i] = vf_fnma(ai, bi, vf_fma(ar, br, re[i]));
      im[i] = vf_fma(ai, br, vf_fma(ar, bi, im[i]));
    }
  }
  for (int i = 0; i < rows; i++) {
    float x[VF], y[VF];
    vf_store(x, re[i]);
    vf_store(y, im[i]);
    for (int j = 0; j < n; j++) out[i * ld + j] = (lz_complex){x[j], y[j]};
  }
}

static void tiny_c64(
    void* out_,
    int64_t ld,
    int m,
    int n,
    int k,
    const void* a_,
    int64_t a_row,
    int64_t a_col,
    const void* b_,
    int64_t b_row,
    int64_t b_col) {
  lz_complex* out = out_;
  const lz_complex *a = a_, *b = b_;
  if (n == 1 && k >= LONG) {
    lz_complex x[GEMM_TINY_K], y[GEMM_TINY_K];
    for (int t = 0; t < k; t++) y[t] = b[t * b_row];
    for (int i = 0; i < m; i++) {
      const lz_complex* row = a + i * a_row;
      for (int t = 0; t < k && a_col != 1; t++) x[t] = row[t * a_col];
      out[i * ld] = dot_c64(a_col == 1 ? row : x, y, k);
    }
    return;
  }
  float parts[GEMM_TINY_K * 2 * GEMM_TINY];
  for (int t = 0; t < k; t++) {
    float* to = parts + t * 2 * GEMM_TINY;
    for (int j = 0; j < n; j++) {
      to[j] = b[t * b_row + j * b_col].re;
      to[GEMM_TINY + j] = b[t * b_row + j * b_col].im;
    }
    for (int j = n; j % VF; j++) to[j] = to[GEMM_TINY + j] = 0;
  }
  for (int j = 0; j < n; j += VF, out += VF) {
    const int some = n - j < VF ? n - j : VF;
    int i = 0;
    for (; i + 4 <= m; i += 4)
      block_c64(
          4, out + i * ld, ld, some, k, a + i * a_row, a_row, a_col, parts + j);
    for (; i < m; i++)
      block_c64(
          1, out + i * ld, ld, some, k, a + i * a_row, a_row, a_col, parts + j);
  }
}

extern const gemm_tiny_table ISA_NAME(gemm_tiny_table);
const gemm_tiny_table ISA_NAME(gemm_tiny_table) = {
    .run = {
        [DTYPE_FLOAT32] = tiny_f32,
        [DTYPE_FLOAT16] = tiny_f16,
        [DTYPE_BFLOAT16] = tiny_bf16,
        [DTYPE_FLOAT64] = tiny_f64,
        [DTYPE_COMPLEX64] = tiny_c64}};
