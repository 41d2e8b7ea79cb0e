/* 256 bits; a mask is all ones or all zeros in each lane. Part of
 * elementwise_lanes.h. */
typedef __m256 vf;
typedef __m256d vd;
typedef int32_t mf __attribute__((vector_size(32)));
typedef int64_t md __attribute__((vector_size(32)));
enum { WIDTH_f = 8, WIDTH_d = 4 };
#define M_f(name, accuracy) Sleef_finz_##name##f8_##accuracy##avx2
#define M_d(name, accuracy) Sleef_finz_##name##d4_##accuracy##avx2

LANES vf set_f(float x) {
  return _mm256_set1_ps(x);
}
LANES vd set_d(double x) {
  return _mm256_set1_pd(x);
}
LANES vf load_f32(const float* p) {
  return _mm256_loadu_ps(p);
}
LANES void store_f32(float* p, vf x) {
  _mm256_storeu_ps(p, x);
}
LANES vd load_f64(const double* p) {
  return _mm256_loadu_pd(p);
}
LANES void store_f64(double* p, vd x) {
  _mm256_storeu_pd(p, x);
}

LANES vf load_f16(const uint16_t* p) {
  return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i*)p));
}
LANES void store_f16(uint16_t* p, vf x) {
  _mm_storeu_si128(
      (__m128i*)p,
      _mm256_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
LANES vf load_bf16(const uint16_t* p) {
  __m256i h = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i*)p));
  return _mm256_castsi256_ps(_mm256_slli_epi32(h, 16));
}
LANES void store_bf16(uint16_t* p, vf x) {
  __m256i bits = _mm256_castps_si256(x);
  __m256i odd =
      _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
  bits = _mm256_add_epi32(bits, _mm256_set1_epi32(0x7fff));
  bits = _mm256_srli_epi32(_mm256_add_epi32(bits, odd), 16);
  __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(x, x, _CMP_UNORD_Q));
  bits = _mm256_blendv_epi8(bits, _mm256_set1_epi32(0x7fc0), nan);
  _mm_storeu_si128(
      (__m128i*)p,
      _mm_packus_epi32(
          _mm256_castsi256_si128(bits), _mm256_extracti128_si256(bits, 1)));
}
LANES void store_mask_f(uint8_t* p, mf m) {
  __m256i x = (__m256i)m;
  __m128i w = _mm_packs_epi32(
      _mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));
  w = _mm_and_si128(_mm_packs_epi16(w, w), _mm_set1_epi8(1));
  _mm_storel_epi64((__m128i*)p, w);
}
LANES void store_mask_d(uint8_t* p, md m) {
  for (int i = 0; i < WIDTH_d; i++) p[i] = (uint8_t)(m[i] & 1);
}

#define LANES_AVX2(S, V, M, X)                                                 \
  LANES M lt_##S(V a, V b) {                                                   \
    return (M)(a < b);                                                         \
  }                                                                            \
  LANES M le_##S(V a, V b) {                                                   \
    return (M)(a <= b);                                                        \
  }                                                                            \
  LANES M eq_##S(V a, V b) {                                                   \
    return (M)(a == b);                                                        \
  }                                                                            \
  LANES M ne_##S(V a, V b) {                                                   \
    return (M)(a != b);                                                        \
  }                                                                            \
  LANES V sel_##S(M m, V a, V b) {                                             \
    return _mm256_blendv_##X(b, a, (V)m);                                      \
  }                                                                            \
  LANES V max_##S(V a, V b) {                                                  \
    return _mm256_max_##X(a, b);                                               \
  }                                                                            \
  LANES V min_##S(V a, V b) {                                                  \
    return _mm256_min_##X(a, b);                                               \
  }                                                                            \
  LANES V abs_##S(V a) {                                                       \
    return _mm256_andnot_##X(set_##S(-0.0), a);                                \
  }                                                                            \
  /* The size of a with the sign of b. */                                      \
  LANES V copysign_##S(V a, V b) {                                             \
    V sign = set_##S(-0.0);                                                    \
    return _mm256_or_##X(_mm256_andnot_##X(sign, a), _mm256_and_##X(sign, b)); \
  }                                                                            \
  LANES V sqrt_##S(V a) {                                                      \
    return _mm256_sqrt_##X(a);                                                 \
  }                                                                            \
  LANES V floor_##S(V a) {                                                     \
    return _mm256_round_##X(a, _MM_FROUND_TO_NEG_INF | 8);                     \
  }                                                                            \
  LANES V ceil_##S(V a) {                                                      \
    return _mm256_round_##X(a, _MM_FROUND_TO_POS_INF | 8);                     \
  }                                                                            \
  LANES V trunc_##S(V a) {                                                     \
    return _mm256_round_##X(a, _MM_FROUND_TO_ZERO | 8);                        \
  }                                                                            \
  LANES V rint_##S(V a) {                                                      \
    return _mm256_round_##X(a, _MM_FROUND_TO_NEAREST_INT | 8);                 \
  }                                                                            \
  LANES V fma_##S(V a, V b, V c) {                                             \
    return _mm256_fmadd_##X(a, b, c);                                          \
  }

/* a / b for 1 <= |b| < 2^60 and |a| <= 2; short where the divider is long. */
LANES vf ratio_f(vf a, vf b) {
  return a / b;
}
LANES vd ratio_d(vd a, vd b) {
  return a / b;
}
/* x * 2^n for integral |n| < 250, with one rounding where the result is
 * denormal. */
LANES vf scale_f(vf x, vf n) {
  __m256i k = _mm256_cvtps_epi32(n), half = _mm256_srai_epi32(k, 1);
  __m256i one = _mm256_set1_epi32(127);
  __m256i a = _mm256_slli_epi32(_mm256_add_epi32(half, one), 23);
  k = _mm256_sub_epi32(k, half);
  __m256i b = _mm256_slli_epi32(_mm256_add_epi32(k, one), 23);
  return x * _mm256_castsi256_ps(a) * _mm256_castsi256_ps(b);
}
LANES int any_f(mf m) {
  return _mm256_movemask_ps((__m256)m);
}
LANES int any_d(md m) {
  return _mm256_movemask_pd((__m256d)m);
}

LANES_AVX2(f, vf, mf, ps)
LANES_AVX2(d, vd, md, pd)
