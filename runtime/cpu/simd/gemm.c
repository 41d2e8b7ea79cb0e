/* Micro-kernels, panel packing and rows to and from float. */
#include "cpu/gemm.h"

#include "cpu/isa.h"
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

/* Lanes beside each other in memory are copied a row at a time, else a lane at
 * a time. */
#define PACK(tag, S, T, get)                                              \
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
        for (int l = 0; l < width; l++) dst[l] = get(src + l);            \
      return;                                                             \
    }                                                                     \
    if (lanes < width) memset(dst, 0, (size_t)kn* width * sizeof(T));     \
    int64_t k = 0;                                                        \
    /* Short runs of k keep the lines of the panel in L1. */              \
    for (; k < kn; k += 16) {                                             \
      int64_t end = k + 16 < kn ? k + 16 : kn;                            \
      for (int l = 0; l < lanes; l++)                                     \
        for (int64_t i = k; i < end; i++)                                 \
          dst[i * width + l] = get(src + l * lane_stride + i * k_stride); \
    }                                                                     \
  }

static inline double f64_of_f64(const double* p) {
  return *p;
}

PACK(f32, float, float, f32_of_f32)
PACK(f16, uint16_t, float, f32_of_f16)
PACK(bf16, uint16_t, float, f32_of_bf16)
PACK(f64, double, double, f64_of_f64)
static inline float f32_of_b8(const uint8_t* p) {
  return *p != 0;
}
PACK(b8, uint8_t, float, f32_of_b8)

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

#define ROWS(tag, S)                                                      \
  static void load_##tag(                                                 \
      float* restrict dst, const void* src_, int64_t stride, int64_t n) { \
    const S* src = src_;                                                  \
    int64_t i = 0;                                                        \
    if (stride == 1)                                                      \
      for (; i + VF <= n; i += VF) vf_store(dst + i, VECTOR_LOAD(tag));   \
    for (; i < n; i++) dst[i] = f32_of_##tag(src + i * stride);           \
  }                                                                       \
  static void store_##tag(                                                \
      void* dst_, int64_t stride, const float* restrict src, int64_t n) { \
    S* dst = dst_;                                                        \
    int64_t i = 0;                                                        \
    if (stride == 1)                                                      \
      for (; i < n; i++) f32_to_##tag(dst + i, src[i]);                   \
    for (; i < n; i++) f32_to_##tag(dst + i * stride, src[i]);            \
  }

#if defined(VF_HALVES)
#define VECTOR_LOAD(tag) vf_load_##tag(src + i)
#else
static inline vf vf_gather_f32(const float* p) {
  return vf_load(p);
}
static inline vf vf_gather_f16(const uint16_t* p) {
  return (vf){
      f32_of_f16(p), f32_of_f16(p + 1), f32_of_f16(p + 2), f32_of_f16(p + 3)};
}
static inline vf vf_gather_bf16(const uint16_t* p) {
  return (vf){
      f32_of_bf16(p),
      f32_of_bf16(p + 1),
      f32_of_bf16(p + 2),
      f32_of_bf16(p + 3)};
}
#define VECTOR_LOAD(tag) vf_gather_##tag(src + i)
#endif

ROWS(f32, float)
ROWS(f16, uint16_t)
ROWS(bf16, uint16_t)

extern const gemm_table ISA_NAME(gemm_table);
const gemm_table ISA_NAME(gemm_table) = {
    .mr = {MR, MR, CMR},
    .nr = {NV * VF, NV* VD, NV* VF},
    .kernel = {kernel_f32, kernel_f64, kernel_c64},
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
