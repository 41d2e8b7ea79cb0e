#include "cpu/simd/sort.h"

#include "cpu/simd/vec.h"
#include "cpu/sort_radix.h"

#define PLAIN(s, T, K, FLIP)                                         \
  static bool encode_##s(const void* xv, int64_t n, void* kv) {      \
    const T* restrict x = xv;                                        \
    K* restrict k = kv;                                              \
    for (int64_t i = 0; i < n; i++) k[i] = (K)(T)(x[i] ^ (T)(FLIP)); \
    return false;                                                    \
  }                                                                  \
  static void decode_##s(const void* kv, int64_t n, void* xv) {      \
    const K* restrict k = kv;                                        \
    T* restrict x = xv;                                              \
    for (int64_t i = 0; i < n; i++) x[i] = (T)((T)k[i] ^ (T)(FLIP)); \
  }
PLAIN(u8, uint8_t, uint32_t, 0)
PLAIN(u16, uint16_t, uint32_t, 0)
PLAIN(u32, uint32_t, uint32_t, 0)
PLAIN(u64, uint64_t, uint64_t, 0)
PLAIN(i8, uint8_t, uint32_t, 0x80)
PLAIN(i16, uint16_t, uint32_t, 0x8000)
PLAIN(i32, uint32_t, uint32_t, 0x80000000u)
PLAIN(i64, uint64_t, uint64_t, (uint64_t)1 << 63)

/* By the bits: negative numbers are turned over, positive ones lie above them.
 * INF: bits of infinity, NAN_: of the NaN that decode gives back. */
#define FLOATING(s, T, K, SIGN, INF, NAN_)                      \
  static inline T key_##s(T b) {                                \
    T turned = b & (SIGN) ? (T)~b : (T)(b | (SIGN));            \
    turned = b == (SIGN) ? (SIGN) : turned;                     \
    return (T)(b & (T) ~(SIGN)) > (INF) ? (T) ~(T)0 : turned;   \
  }                                                             \
  static bool encode_##s(const void* xv, int64_t n, void* kv) { \
    const T* restrict x = xv;                                   \
    K* restrict k = kv;                                         \
    T zeros = 0;                                                \
    for (int64_t i = 0; i < n; i++) {                           \
      zeros |= x[i] == (SIGN);                                  \
      k[i] = key_##s(x[i]);                                     \
    }                                                           \
    return zeros;                                               \
  }                                                             \
  static void decode_##s(const void* kv, int64_t n, void* xv) { \
    const K* restrict k = kv;                                   \
    T* restrict x = xv;                                         \
    for (int64_t i = 0; i < n; i++) {                           \
      T key = (T)k[i];                                          \
      T b = key & (SIGN) ? (T)(key ^ (SIGN)) : (T)~key;         \
      x[i] = key == (T) ~(T)0 ? (NAN_) : b;                     \
    }                                                           \
  }
#define SIGN_16 ((uint16_t)0x8000)
#define SIGN_32 (0x80000000u)
#define SIGN_64 ((uint64_t)1 << 63)
FLOATING(f16, uint16_t, uint32_t, SIGN_16, 0x7c00, 0x7e00)
FLOATING(bf16, uint16_t, uint32_t, SIGN_16, 0x7f80, 0x7fc0)
FLOATING(f32, uint32_t, uint32_t, SIGN_32, 0x7f800000u, 0x7fc00000u)
FLOATING(
    f64,
    uint64_t,
    uint64_t,
    SIGN_64,
    (uint64_t)0x7ff << 52,
    (uint64_t)0xfff << 51)

/* Both parts, the real one above. What decode does not give back is a negative
 * zero or no number in either. */
static bool encode_c64(const void* xv, int64_t n, void* kv) {
  const uint32_t* restrict x = xv;
  uint64_t* restrict k = kv;
  uint32_t other = 0;
  for (int64_t i = 0; i < n; i++) {
    uint32_t re = x[2 * i], im = x[2 * i + 1];
    other |= (re == SIGN_32) | (im == SIGN_32) |
             ((re & ~SIGN_32) > 0x7f800000u) | ((im & ~SIGN_32) > 0x7f800000u);
    k[i] = (uint64_t)key_f32(re) << 32 | key_f32(im);
  }
  return other;
}
static inline uint32_t number_f32(uint32_t key) {
  return key & SIGN_32 ? key ^ SIGN_32 : ~key;
}
static void decode_c64(const void* kv, int64_t n, void* xv) {
  const uint64_t* restrict k = kv;
  uint32_t* restrict x = xv;
  for (int64_t i = 0; i < n; i++) {
    x[2 * i] = number_f32((uint32_t)(k[i] >> 32));
    x[2 * i + 1] = number_f32((uint32_t)k[i]);
  }
}

/* Merge exchange (Knuth, volume 3, 5.2.2 M): every comparison is of lines a
 * fixed distance apart, so all columns do the same. */
#define NETWORK(bits)                                         \
  static void exchange_##bits(                                \
      uint##bits##_t(*restrict a)[SORT_LANES_##bits],         \
      uint##bits##_t(*restrict b)[SORT_LANES_##bits],         \
      int64_t n) {                                            \
    for (int64_t i = 0; i < n; i++)                           \
      for (int k = 0; k < SORT_LANES_##bits; k++) {           \
        uint##bits##_t x = a[i][k], y = b[i][k];              \
        a[i][k] = x < y ? x : y;                              \
        b[i][k] = x < y ? y : x;                              \
      }                                                       \
  }                                                           \
  static void network_##bits(                                 \
      uint##bits##_t(*lines)[SORT_LANES_##bits], int64_t n) { \
    int64_t top = 1;                                          \
    while (top * 2 < n) top *= 2;                             \
    for (int64_t p = top; n > 1 && p > 0; p /= 2) {           \
      int64_t q = top, r = 0, d = p;                          \
      for (;;) {                                              \
        for (int64_t i = r; i < n - d; i += 2 * p) {          \
          int64_t run = n - d - i < p ? n - d - i : p;        \
          exchange_##bits(lines + i, lines + i + d, run);     \
        }                                                     \
        if (q == p) break;                                    \
        d = q - p;                                            \
        q /= 2;                                               \
        r = p;                                                \
      }                                                       \
    }                                                         \
  }
NETWORK(32)
NETWORK(64)

#define COUNT(name, T, KEY)           \
  static void count_##name(           \
      const void* items,              \
      int64_t n,                      \
      uint64_t low,                   \
      uint64_t high,                  \
      int64_t* below,                 \
      int64_t* above) {               \
    const T* x = items;               \
    int64_t under = 0, over = 0;      \
    for (int64_t i = 0; i < n; i++) { \
      under += KEY(x[i]) < low;       \
      over += KEY(x[i]) > high;       \
    }                                 \
    *below += under;                  \
    *above += over;                   \
  }

/* Each item is written to all three buffers, and counts in one. */
#define DEAL(name, T, KEY)                                                    \
  static void deal_##name(                                                    \
      const void* items, int64_t n, uint64_t low, uint64_t high, void** to) { \
    enum { SOME = 64 };                                                       \
    const T* x = items;                                                       \
    T* out[3] = {to[0], to[1], to[2]};                                        \
    T below[SOME], same[SOME], above[SOME];                                   \
    for (int64_t i = 0; i < n; i += SOME) {                                   \
      int64_t m = n - i < SOME ? n - i : SOME, a = 0, b = 0, c = 0;           \
      for (int64_t k = 0; k < m; k++) {                                       \
        T item = x[i + k];                                                    \
        bool under = KEY(item)<low, over = KEY(item)> high;                   \
        below[a] = same[b] = above[c] = item;                                 \
        a += under;                                                           \
        b += !(under | over);                                                 \
        c += over;                                                            \
      }                                                                       \
      memcpy(out[0], below, (size_t)a * sizeof(T));                           \
      memcpy(out[1], same, (size_t)b * sizeof(T));                            \
      memcpy(out[2], above, (size_t)c * sizeof(T));                           \
      out[0] += a;                                                            \
      out[1] += b;                                                            \
      out[2] += c;                                                            \
    }                                                                         \
    for (int k = 0; k < 3; k++) to[k] = out[k];                               \
  }

#define ITSELF(x) (x)
#define KEY_OF(x) ((x).key)
COUNT(pairs, sort_pair, KEY_OF)
DEAL(pairs, sort_pair, KEY_OF)
#if defined(LZ_ISA_avx512)
#define COMPARED(bits, B, LANES)                                              \
  static void count_##bits(                                                   \
      const void* items,                                                      \
      int64_t n,                                                              \
      uint64_t low,                                                           \
      uint64_t high,                                                          \
      int64_t* below,                                                         \
      int64_t* above) {                                                       \
    const uint##bits##_t* x = items;                                          \
    __m512i l = _mm512_set1_epi##B((int##bits##_t)low);                       \
    __m512i h = _mm512_set1_epi##B((int##bits##_t)high);                      \
    for (int64_t i = 0; i < n; i += LANES) {                                  \
      __mmask16 in = n - i < LANES ? (__mmask16)((1 << (n - i)) - 1)          \
                                   : (__mmask16)((1 << LANES) - 1);           \
      __m512i v = _mm512_maskz_loadu_epi##bits(in, x + i);                    \
      *below +=                                                               \
          __builtin_popcount(_mm512_mask_cmplt_epu##bits##_mask(in, v, l));   \
      *above +=                                                               \
          __builtin_popcount(_mm512_mask_cmpgt_epu##bits##_mask(in, v, h));   \
    }                                                                         \
  }                                                                           \
  static inline uint##bits##_t* put_##bits(                                   \
      uint##bits##_t* to, __mmask16 which, __m512i v) {                       \
    int n = __builtin_popcount(which);                                        \
    _mm512_mask_storeu_epi##bits(                                             \
        to,                                                                   \
        (__mmask16)((1 << n) - 1),                                            \
        _mm512_maskz_compress_epi##bits(which, v));                           \
    return to + n;                                                            \
  }                                                                           \
  static void deal_##bits(                                                    \
      const void* items, int64_t n, uint64_t low, uint64_t high, void** to) { \
    const uint##bits##_t* x = items;                                          \
    uint##bits##_t *below = to[0], *same = to[1], *above = to[2];             \
    __m512i l = _mm512_set1_epi##B((int##bits##_t)low);                       \
    __m512i h = _mm512_set1_epi##B((int##bits##_t)high);                      \
    for (int64_t i = 0; i < n; i += LANES) {                                  \
      __mmask16 in = n - i < LANES ? (__mmask16)((1 << (n - i)) - 1)          \
                                   : (__mmask16)((1 << LANES) - 1);           \
      __m512i v = _mm512_maskz_loadu_epi##bits(in, x + i);                    \
      __mmask16 u = _mm512_mask_cmplt_epu##bits##_mask(in, v, l);             \
      __mmask16 o = _mm512_mask_cmpgt_epu##bits##_mask(in, v, h);             \
      below = put_##bits(below, u, v);                                        \
      same = put_##bits(same, (__mmask16)(in & ~(u | o)), v);                 \
      above = put_##bits(above, o, v);                                        \
    }                                                                         \
    to[0] = below;                                                            \
    to[1] = same;                                                             \
    to[2] = above;                                                            \
  }
COMPARED(32, 32, 16)
COMPARED(64, 64, 8)
#else
COUNT(32, uint32_t, ITSELF)
DEAL(32, uint32_t, ITSELF)
COUNT(64, uint64_t, ITSELF)
DEAL(64, uint64_t, ITSELF)
#endif

#define EACH(way)                                                \
  {                                                              \
    [DTYPE_BOOL] = way##_u8, [DTYPE_UINT8] = way##_u8,           \
    [DTYPE_UINT16] = way##_u16, [DTYPE_UINT32] = way##_u32,      \
    [DTYPE_UINT64] = way##_u64, [DTYPE_INT8] = way##_i8,         \
    [DTYPE_INT16] = way##_i16, [DTYPE_INT32] = way##_i32,        \
    [DTYPE_INT64] = way##_i64, [DTYPE_FLOAT16] = way##_f16,      \
    [DTYPE_FLOAT32] = way##_f32, [DTYPE_FLOAT64] = way##_f64,    \
    [DTYPE_BFLOAT16] = way##_bf16, [DTYPE_COMPLEX64] = way##_c64 \
  }

const sort_table ISA_NAME(sort_kernels) = {
    .encode = EACH(encode),
    .decode = EACH(decode),
    .network_32 = network_32,
    .network_64 = network_64,
    .count = {count_32, count_64, count_pairs},
    .deal = {deal_32, deal_64, deal_pairs},
};
