/* 512 bits; masks are bits. Part of elementwise_lanes.h. */
typedef __m512 vf;
typedef __m512d vd;
typedef __mmask16 mf;
typedef __mmask8 md;
enum { WIDTH_f = 16, WIDTH_d = 8 };
#define M_f(name, accuracy) Sleef_finz_##name##f16_##accuracy##avx512f
#define M_d(name, accuracy) Sleef_finz_##name##d8_##accuracy##avx512f

LANES vf set_f(float x) {
  return _mm512_set1_ps(x);
}
LANES vd set_d(double x) {
  return _mm512_set1_pd(x);
}
LANES vf load_f32(const float* p) {
  return _mm512_loadu_ps(p);
}
LANES void store_f32(float* p, vf x) {
  _mm512_storeu_ps(p, x);
}
LANES vd load_f64(const double* p) {
  return _mm512_loadu_pd(p);
}
LANES void store_f64(double* p, vd x) {
  _mm512_storeu_pd(p, x);
}

LANES vf load_f16(const uint16_t* p) {
  return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i*)p));
}
LANES void store_f16(uint16_t* p, vf x) {
  _mm256_storeu_si256(
      (__m256i*)p,
      _mm512_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
LANES vf load_bf16(const uint16_t* p) {
  __m512i h = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i*)p));
  return _mm512_castsi512_ps(_mm512_slli_epi32(h, 16));
}
LANES void store_bf16(uint16_t* p, vf x) {
  __m512i bits = _mm512_castps_si512(x);
  __m512i odd =
      _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
  bits = _mm512_add_epi32(bits, _mm512_set1_epi32(0x7fff));
  bits = _mm512_srli_epi32(_mm512_add_epi32(bits, odd), 16);
  mf nan = _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q);
  bits = _mm512_mask_set1_epi32(bits, nan, 0x7fc0);
  _mm256_storeu_si256((__m256i*)p, _mm512_cvtepi32_epi16(bits));
}
LANES void store_mask_f(uint8_t* p, mf m) {
  _mm_storeu_si128((__m128i*)p, _mm_maskz_set1_epi8(m, 1));
}
LANES void store_mask_d(uint8_t* p, md m) {
  _mm_storel_epi64((__m128i*)p, _mm_maskz_set1_epi8(m, 1));
}

#define LANES_AVX512(S, V, M, X)                                               \
  LANES M lt_##S(V a, V b) {                                                   \
    return _mm512_cmp_##X##_mask(a, b, _CMP_LT_OQ);                            \
  }                                                                            \
  LANES M le_##S(V a, V b) {                                                   \
    return _mm512_cmp_##X##_mask(a, b, _CMP_LE_OQ);                            \
  }                                                                            \
  LANES M eq_##S(V a, V b) {                                                   \
    return _mm512_cmp_##X##_mask(a, b, _CMP_EQ_OQ);                            \
  }                                                                            \
  LANES M ne_##S(V a, V b) {                                                   \
    return _mm512_cmp_##X##_mask(a, b, _CMP_NEQ_UQ);                           \
  }                                                                            \
  LANES V sel_##S(M m, V a, V b) {                                             \
    return _mm512_mask_blend_##X(m, b, a);                                     \
  }                                                                            \
  /* (a > b) ? a : b, so b where either is NaN. */                             \
  LANES V max_##S(V a, V b) {                                                  \
    return _mm512_max_##X(a, b);                                               \
  }                                                                            \
  LANES V min_##S(V a, V b) {                                                  \
    return _mm512_min_##X(a, b);                                               \
  }                                                                            \
  LANES V abs_##S(V a) {                                                       \
    return _mm512_abs_##X(a);                                                  \
  }                                                                            \
  /* The size of a with the sign of b. */                                      \
  LANES V copysign_##S(V a, V b) {                                             \
    V sign = set_##S(-0.0);                                                    \
    return _mm512_or_##X(_mm512_andnot_##X(sign, a), _mm512_and_##X(sign, b)); \
  }                                                                            \
  LANES V sqrt_##S(V a) {                                                      \
    return _mm512_sqrt_##X(a);                                                 \
  }                                                                            \
  LANES V floor_##S(V a) {                                                     \
    return _mm512_roundscale_##X(a, _MM_FROUND_TO_NEG_INF | 8);                \
  }                                                                            \
  LANES V ceil_##S(V a) {                                                      \
    return _mm512_roundscale_##X(a, _MM_FROUND_TO_POS_INF | 8);                \
  }                                                                            \
  LANES V trunc_##S(V a) {                                                     \
    return _mm512_roundscale_##X(a, _MM_FROUND_TO_ZERO | 8);                   \
  }                                                                            \
  LANES V rint_##S(V a) {                                                      \
    return _mm512_roundscale_##X(a, _MM_FROUND_TO_NEAREST_INT | 8);            \
  }                                                                            \
  LANES V fma_##S(V a, V b, V c) {                                             \
    return _mm512_fmadd_##X(a, b, c);                                          \
  }

/* x * 2^n for |x| < 2 and integral n, with one rounding where the result is
 * denormal. Below 2^-151 it is 0, and said so by the mask: a result that
 * underflows costs fifty times as much. */
LANES vf scale_f(vf x, vf n) {
  __mmask16 there = _mm512_cmp_ps_mask(n, _mm512_set1_ps(-151), _CMP_NLE_UQ);
  return _mm512_maskz_scalef_ps(there, x, n);
}
/* a / b within a unit in the last place, for 1 <= |b| < 2^60 and |a| <= 2: the
 * divider takes four times as long. */
LANES vf ratio_f(vf a, vf b) {
  vf one = set_f(1), r = _mm512_rcp14_ps(b);
  r = _mm512_fmadd_ps(r, _mm512_fnmadd_ps(b, r, one), r);
  vf q = a * r;
  return _mm512_fmadd_ps(r, _mm512_fnmadd_ps(b, q, a), q);
}
LANES vd ratio_d(vd a, vd b) {
  return a / b;
}
LANES int any_f(mf m) {
  return m != 0;
}
LANES int any_d(md m) {
  return m != 0;
}

LANES_AVX512(f, vf, mf, ps)
LANES_AVX512(d, vd, md, pd)
