/* 128 bits by the compiler's own vectors, for any processor that SLEEF knows.
 * A mask is all ones or all zeros in each lane. Part of elementwise_lanes.h. */
typedef float vf __attribute__((vector_size(16)));
typedef double vd __attribute__((vector_size(16)));
typedef int32_t mf __attribute__((vector_size(16)));
typedef int64_t md __attribute__((vector_size(16)));
typedef uint32_t lanes_u32 __attribute__((vector_size(16)));
typedef uint16_t lanes_u16 __attribute__((vector_size(8)));
typedef uint8_t lanes_u8 __attribute__((vector_size(4)));
enum { WIDTH_f = 4, WIDTH_d = 2 };
#if defined(__x86_64__)
#define M_f(name, accuracy) Sleef_cinz_##name##f4_##accuracy##sse2
#define M_d(name, accuracy) Sleef_cinz_##name##d2_##accuracy##sse2
#elif defined(__aarch64__)
#define M_f(name, accuracy) Sleef_finz_##name##f4_##accuracy##advsimd
#define M_d(name, accuracy) Sleef_finz_##name##d2_##accuracy##advsimd
#else
#error "name SLEEF's 128-bit functions of this processor here"
#endif

LANES vf set_f(float x) {
  return (vf){x, x, x, x};
}
LANES vd set_d(double x) {
  return (vd){x, x};
}

#define LANES_GENERIC(S, V, M, F)                                             \
  LANES M lt_##S(V a, V b) {                                                  \
    return (M)(a < b);                                                        \
  }                                                                           \
  LANES M le_##S(V a, V b) {                                                  \
    return (M)(a <= b);                                                       \
  }                                                                           \
  LANES M eq_##S(V a, V b) {                                                  \
    return (M)(a == b);                                                       \
  }                                                                           \
  LANES M ne_##S(V a, V b) {                                                  \
    return (M)(a != b);                                                       \
  }                                                                           \
  LANES V sel_##S(M m, V a, V b) {                                            \
    return (V)((m & (M)a) | (~m & (M)b));                                     \
  }                                                                           \
  LANES V max_##S(V a, V b) {                                                 \
    return sel_##S(lt_##S(b, a), a, b);                                       \
  }                                                                           \
  LANES V min_##S(V a, V b) {                                                 \
    return sel_##S(lt_##S(a, b), a, b);                                       \
  }                                                                           \
  LANES V abs_##S(V a) {                                                      \
    return (V)((M)a & ~(M)set_##S(-0.0));                                     \
  }                                                                           \
  /* The size of a with the sign of b. */                                     \
  LANES V copysign_##S(V a, V b) {                                            \
    M sign = (M)set_##S(-0.0);                                                \
    return (V)(((M)a & ~sign) | ((M)b & sign));                               \
  }                                                                           \
  LANES int any_##S(M m) {                                                    \
    M all = {0};                                                              \
    return memcmp(&m, &all, sizeof m) != 0;                                   \
  }                                                                           \
  LANES V fmod_##S(V a, V b) {                                                \
    for (int i = 0; i < WIDTH_##S; i++) a[i] = __builtin_fmod##F(a[i], b[i]); \
    return a;                                                                 \
  }                                                                           \
  LANES V fma_##S(V a, V b, V c) {                                            \
    return a * b + c;                                                         \
  }                                                                           \
  LANES V sqrt_##S(V a) {                                                     \
    for (int i = 0; i < WIDTH_##S; i++) a[i] = __builtin_sqrt##F(a[i]);       \
    return a;                                                                 \
  }                                                                           \
  LANES V floor_##S(V a) {                                                    \
    for (int i = 0; i < WIDTH_##S; i++) a[i] = __builtin_floor##F(a[i]);      \
    return a;                                                                 \
  }                                                                           \
  LANES V ceil_##S(V a) {                                                     \
    for (int i = 0; i < WIDTH_##S; i++) a[i] = __builtin_ceil##F(a[i]);       \
    return a;                                                                 \
  }                                                                           \
  LANES V trunc_##S(V a) {                                                    \
    for (int i = 0; i < WIDTH_##S; i++) a[i] = __builtin_trunc##F(a[i]);      \
    return a;                                                                 \
  }                                                                           \
  LANES V rint_##S(V a) {                                                     \
    for (int i = 0; i < WIDTH_##S; i++) a[i] = __builtin_rint##F(a[i]);       \
    return a;                                                                 \
  }

LANES_GENERIC(f, vf, mf, f)
LANES_GENERIC(d, vd, md, )

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
  mf k = __builtin_convertvector(n, mf), half = k >> 1;
  return x * (vf)((half + 127) << 23) * (vf)((k - half + 127) << 23);
}

#define LANES_MEMORY(name, V, T)       \
  LANES V load_##name(const T* p) {    \
    V x;                               \
    memcpy(&x, p, sizeof x);           \
    return x;                          \
  }                                    \
  LANES void store_##name(T* p, V x) { \
    memcpy(p, &x, sizeof x);           \
  }
LANES_MEMORY(f32, vf, float)
LANES_MEMORY(f64, vd, double)

LANES lanes_u32 lanes_widen(const uint16_t* p) {
  lanes_u16 h;
  memcpy(&h, p, sizeof h);
  return __builtin_convertvector(h, lanes_u32);
}
LANES void lanes_narrow(uint16_t* p, lanes_u32 x) {
  lanes_u16 h = __builtin_convertvector(x, lanes_u16);
  memcpy(p, &h, sizeof h);
}
LANES lanes_u32 lanes_pick(mf m, lanes_u32 a, lanes_u32 b) {
  return ((lanes_u32)m & a) | (~(lanes_u32)m & b);
}

LANES vf load_bf16(const uint16_t* p) {
  return (vf)(lanes_widen(p) << 16);
}
LANES void store_bf16(uint16_t* p, vf x) {
  lanes_u32 bits = (lanes_u32)x;
  lanes_u32 half = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  lanes_u32 nan = (lanes_u32){0x7fc0, 0x7fc0, 0x7fc0, 0x7fc0};
  lanes_narrow(p, lanes_pick(ne_f(x, x), nan, half));
}

/* The exponent is moved by a multiplication, which also puts the denormals
 * right; infinities and NaN get their exponent back afterwards. */
LANES vf load_f16(const uint16_t* p) {
  lanes_u32 h = lanes_widen(p);
  lanes_u32 magnitude = h & 0x7fff;
  lanes_u32 bits = (lanes_u32)((vf)(magnitude << 13) * set_f(0x1p112f));
  mf special = (mf)(magnitude >= 0x7c00);
  bits = lanes_pick(special, bits | 0x7f800000u, bits);
  return (vf)(bits | ((h & 0x8000) << 16));
}
/* Below 2^-14 the sum with 0.5 rounds to the spacing of half denormals. */
LANES void store_f16(uint16_t* p, vf x) {
  lanes_u32 bits = (lanes_u32)x;
  lanes_u32 sign = (bits >> 16) & 0x8000;
  lanes_u32 magnitude = bits & 0x7fffffff;
  lanes_u32 normal =
      (magnitude + 0xfff + ((magnitude >> 13) & 1) - (112u << 23)) >> 13;
  lanes_u32 small = (lanes_u32)((vf)magnitude + set_f(0.5f)) - 0x3f000000u;
  lanes_u32 zero = {0, 0, 0, 0};
  lanes_u32 half = lanes_pick((mf)(magnitude < 0x38800000u), small, normal);
  half = lanes_pick((mf)(magnitude >= 0x477ff000u), zero + 0x7c00, half);
  half = lanes_pick((mf)(magnitude > 0x7f800000u), zero + 0x7e00, half);
  lanes_narrow(p, half | sign);
}

LANES void store_mask_f(uint8_t* p, mf m) {
  lanes_u8 b = __builtin_convertvector((lanes_u32)m & 1, lanes_u8);
  memcpy(p, &b, sizeof b);
}
LANES void store_mask_d(uint8_t* p, md m) {
  p[0] = (uint8_t)(m[0] & 1);
  p[1] = (uint8_t)(m[1] & 1);
}
