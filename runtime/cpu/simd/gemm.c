/* Micro-kernels, panel packing and rows to and from float. */
#include "cpu/gemm.h"

#include "cpu/isa.h"
#include "cpu/simd/gemm_split.h"
#include "cpu/simd/gemm_vec.h"

/* Rows and vectors of a tile: as many sums as registers allow. */
#if defined(LZ_ISA_avx512)
#define MR 14
#define NV 2
#define CMR 6
#elif defined(LZ_ISA_avx2)
#define MR 6
#define NV 2
#define CMR 3
#else
#define MR 4
#define NV 2
#define CMR 2
#endif

#define KERNEL(name, T, V, W, load, store, set1, fma, zero)              \
  static void name(                                                      \
      int64_t kn,                                                        \
      const void* a_,                                                    \
      const void* b_,                                                    \
      void* tile_,                                                       \
      int64_t ld,                                                        \
      bool add) {                                                        \
    const T* restrict a = a_;                                            \
    const T* restrict b = b_;                                            \
    T* restrict tile = tile_;                                            \
    V sum[MR][NV];                                                       \
    _Pragma("GCC unroll 16") for (int i = 0; i < MR; i++)                \
        _Pragma("GCC unroll 4") for (int j = 0; j < NV; j++) sum[i][j] = \
            zero();                                                      \
    for (int64_t k = 0; k < kn; k++, a += MR, b += NV * W) {             \
      V row[NV];                                                         \
      _Pragma("GCC unroll 4") for (int j = 0; j < NV; j++) row[j] =      \
          load(b + j * W);                                               \
      _Pragma("GCC unroll 16") for (int i = 0; i < MR; i++) {            \
        V x = set1(a[i]);                                                \
        _Pragma("GCC unroll 4") for (int j = 0; j < NV; j++) sum[i][j] = \
            fma(x, row[j], sum[i][j]);                                   \
      }                                                                  \
    }                                                                    \
    _Pragma("GCC unroll 16") for (int i = 0; i < MR; i++)                \
        _Pragma("GCC unroll 4") for (int j = 0; j < NV; j++) {           \
      T* at = tile + i * ld + j * W;                                     \
      if (add) sum[i][j] += load(at);                                    \
      store(at, sum[i][j]);                                              \
    }                                                                    \
  }

KERNEL(kernel_f32, float, vf, VF, vf_load, vf_store, vf_set1, vf_fma, vf_zero)
KERNEL(kernel_f64, double, vd, VD, vd_load, vd_store, vd_set1, vd_fma, vd_zero)

static void kernel_c64(
    int64_t kn,
    const void* a_,
    const void* b_,
    void* tile_,
    int64_t ld,
    bool add) {
  const float* restrict a = a_;
  const float* restrict b = b_;
  vf re[CMR][NV], im[CMR][NV];
#pragma GCC unroll 8
  for (int i = 0; i < CMR; i++)
#pragma GCC unroll 4
    for (int j = 0; j < NV; j++) re[i][j] = im[i][j] = vf_zero();
  for (int64_t k = 0; k < kn; k++, a += 2 * CMR, b += 2 * NV * VF) {
#pragma GCC unroll 4
    for (int j = 0; j < NV; j++) {
      vf br = vf_load(b + j * VF), bi = vf_load(b + (NV + j) * VF);
#pragma GCC unroll 8
      for (int i = 0; i < CMR; i++) {
        vf ar = vf_set1(a[i]), ai = vf_set1(a[CMR + i]);
        re[i][j] = vf_fma(ar, br, re[i][j]);
        re[i][j] = vf_fnma(ai, bi, re[i][j]);
        im[i][j] = vf_fma(ar, bi, im[i][j]);
        im[i][j] = vf_fma(ai, br, im[i][j]);
      }
    }
  }
  lz_complex* tile = tile_;
  for (int i = 0; i < CMR; i++)
    for (int j = 0; j < NV; j++)
      for (int l = 0; l < VF; l++) {
        lz_complex* at = tile + i * ld + j * VF + l;
        at->re = (add ? at->re : 0) + re[i][j][l];
        at->im = (add ? at->im : 0) + im[i][j][l];
      }
}

#define vf_load_f32 vf_load
#define vf_store_f32 vf_store

#if defined(LZ_ISA_avx512)
/* Sixteen k of up to sixteen lanes at a time; kn a multiple of sixteen. */
#define PACK_LANES(tag, S)                                                    \
  static void pack_lanes_##tag(                                               \
      float* dst,                                                             \
      int width,                                                              \
      int lanes,                                                              \
      int64_t kn,                                                             \
      const S* src,                                                           \
      int64_t lane_stride) {                                                  \
    for (int64_t k = 0; k < kn; k += 16)                                      \
      for (int l = 0; l < width; l += 16) {                                   \
        const int there = lanes - l < 16 ? lanes - l : 16;                    \
        const int wide = width - l < 16 ? width - l : 16;                     \
        const __mmask16 mask = (__mmask16)((1u << wide) - 1);                 \
        __m512 r[16];                                                         \
        if (there == 16) {                                                    \
          _Pragma("GCC unroll 16") for (int i = 0; i < 16; i++) r[i] =        \
              vf_load_##tag(src + (l + i) * lane_stride + k);                 \
        } else {                                                              \
          for (int i = 0; i < 16; i++)                                        \
            r[i] = i < there ? vf_load_##tag(src + (l + i) * lane_stride + k) \
                             : _mm512_setzero_ps();                           \
        }                                                                     \
        vf_transpose(r);                                                      \
        _Pragma("GCC unroll 16") for (int i = 0; i < 16; i++)                 \
            _mm512_mask_storeu_ps(dst + (k + i) * width + l, mask, r[i]);     \
      }                                                                       \
  }
PACK_LANES(f32, float)
PACK_LANES(f16, uint16_t)
PACK_LANES(bf16, uint16_t)
#define TRY_LANES(tag)                                               \
  if (k_stride == 1 && kn >= 16) {                                   \
    const int64_t whole = kn & ~(int64_t)15;                         \
    pack_lanes_##tag(panel, width, lanes, whole, src_, lane_stride); \
    dst += whole * width;                                            \
    src += whole;                                                    \
    kn -= whole;                                                     \
  }
#else
#define TRY_LANES(tag)
#endif
#define TRY_NOTHING(tag)

/* Lanes beside each other in memory are copied a row at a time, others
 * transposed, or taken one by one. */
#define PACK(tag, S, T, get, lanes_first, row)                            \
  static void pack_##tag(                                                 \
      void* panel,                                                        \
      int width,                                                          \
      int lanes,                                                          \
      int64_t kn,                                                         \
      const void* src_,                                                   \
      int64_t lane_stride,                                                \
      int64_t k_stride) {                                                 \
    T* restrict dst = panel;                                              \
    const S* restrict src = src_;                                         \
    if (lane_stride == 1 && lanes == width) {                             \
      for (int64_t k = 0; k < kn; k++, dst += width, src += k_stride)     \
        row(tag, dst, src, width);                                        \
      return;                                                             \
    }                                                                     \
    lanes_first(tag);                                                     \
    if (lanes < width) memset(dst, 0, (size_t)kn* width * sizeof(T));     \
    /* Short runs of k keep the lines of the panel in L1. */              \
    for (int64_t k = 0; k < kn; k += 16) {                                \
      const int64_t end = k + 16 < kn ? k + 16 : kn;                      \
      for (int l = 0; l < lanes; l++)                                     \
        for (int64_t i = k; i < end; i++)                                 \
          dst[i * width + l] = get(src + l * lane_stride + i * k_stride); \
    }                                                                     \
  }

#if defined(VF_HALVES)
#define ROW(tag, dst, src, width)                          \
  do {                                                     \
    int l = 0;                                             \
    for (; l + VF <= width; l += VF)                       \
      vf_store(dst + l, vf_load_##tag(src + l));           \
    for (; l < width; l++) dst[l] = f32_of_##tag(src + l); \
  } while (0)
#else
#define ROW(tag, dst, src, width) \
  for (int l = 0; l < width; l++) dst[l] = f32_of_##tag(src + l)
#endif
#define ROW_COPY(tag, dst, src, width) \
  memcpy(dst, src, (size_t)width * sizeof *dst)
#define ROW_BYTES(tag, dst, src, width) \
  for (int l = 0; l < width; l++) dst[l] = f32_of_##tag(src + l)

static inline double f64_of_f64(const double* p) {
  return *p;
}
static inline float f32_of_b8(const uint8_t* p) {
  return *p != 0;
}

PACK(f32, float, float, f32_of_f32, TRY_LANES, ROW)
PACK(f16, uint16_t, float, f32_of_f16, TRY_LANES, ROW)
PACK(bf16, uint16_t, float, f32_of_bf16, TRY_LANES, ROW)
PACK(f64, double, double, f64_of_f64, TRY_NOTHING, ROW_COPY)
PACK(b8, uint8_t, float, f32_of_b8, TRY_NOTHING, ROW_BYTES)

static void pack_c64(
    void* panel,
    int width,
    int lanes,
    int64_t kn,
    const void* src_,
    int64_t lane_stride,
    int64_t k_stride) {
  float* restrict dst = panel;
  const lz_complex* restrict src = src_;
  for (int64_t k = 0; k < kn; k++, dst += 2 * width, src += k_stride) {
    for (int l = 0; l < lanes; l++) {
      dst[l] = src[l * lane_stride].re;
      dst[width + l] = src[l * lane_stride].im;
    }
    for (int l = lanes; l < width; l++) dst[l] = dst[width + l] = 0;
  }
}

#if !defined(VF_HALVES)
static inline vf vf_load_f16(const uint16_t* p) {
  return (vf){
      f32_of_f16(p), f32_of_f16(p + 1), f32_of_f16(p + 2), f32_of_f16(p + 3)};
}
static inline vf vf_load_bf16(const uint16_t* p) {
  return (vf){
      f32_of_bf16(p),
      f32_of_bf16(p + 1),
      f32_of_bf16(p + 2),
      f32_of_bf16(p + 3)};
}
static inline void vf_store_f16(uint16_t* p, vf v) {
  for (int l = 0; l < VF; l++) f32_to_f16(p + l, v[l]);
}
#endif
static inline void vf_store_bf16(uint16_t* p, vf v) {
  float lanes[VF];
  vf_store(lanes, v);
  for (int l = 0; l < VF; l++) f32_to_bf16(p + l, lanes[l]);
}

#define ROWS(tag, S)                                                          \
  static void load_##tag(                                                     \
      float* restrict dst, const void* src_, int64_t stride, int64_t n) {     \
    const S* src = src_;                                                      \
    int64_t i = 0;                                                            \
    if (stride == 1)                                                          \
      for (; i + VF <= n; i += VF) vf_store(dst + i, vf_load_##tag(src + i)); \
    for (; i < n; i++) dst[i] = f32_of_##tag(src + i * stride);               \
  }                                                                           \
  static void store_##tag(                                                    \
      void* dst_, int64_t stride, const float* restrict src, int64_t n) {     \
    S* dst = dst_;                                                            \
    int64_t i = 0;                                                            \
    if (stride == 1)                                                          \
      for (; i + VF <= n; i += VF) vf_store_##tag(dst + i, vf_load(src + i)); \
    for (; i < n; i++) f32_to_##tag(dst + i * stride, src[i]);                \
  }

ROWS(f32, float)
ROWS(f16, uint16_t)
ROWS(bf16, uint16_t)

extern const gemm_table ISA_NAME(gemm_table);
const gemm_table ISA_NAME(gemm_table) = {
    .mr = {MR, MR, CMR, GEMM_SPLIT_LANES},
    .nr = {NV * VF, NV* VD, NV* VF, GEMM_SPLIT_LANES},
    .kernel = {kernel_f32, kernel_f64, kernel_c64, GEMM_SPLIT_KERNEL},
    .enter = {[GEMM_SPLIT] = GEMM_SPLIT_ENTER},
    .leave = {[GEMM_SPLIT] = GEMM_SPLIT_LEAVE},
    .split_a = GEMM_SPLIT_A,
    .split_b = GEMM_SPLIT_B,
    .pack =
        {[DTYPE_BOOL] = pack_b8,
         [DTYPE_FLOAT32] = pack_f32,
         [DTYPE_FLOAT16] = pack_f16,
         [DTYPE_BFLOAT16] = pack_bf16,
         [DTYPE_FLOAT64] = pack_f64,
         [DTYPE_COMPLEX64] = pack_c64},
    .load =
        {[DTYPE_FLOAT32] = load_f32,
         [DTYPE_FLOAT16] = load_f16,
         [DTYPE_BFLOAT16] = load_bf16},
    .store =
        {[DTYPE_FLOAT32] = store_f32,
         [DTYPE_FLOAT16] = store_f16,
         [DTYPE_BFLOAT16] = store_bf16},
};
