/* Element-wise bodies over the four float types. Halves are widened to float
 * lanes as they are read and rounded as they are written. */
#include "cpu/elementwise.h"
#include "cpu/simd/elementwise_lanes.h"
#include "cpu/simd/elementwise_math.h"

#define V(name) ISA_CAT(name, SUFFIX)
#define M(name, accuracy) ISA_CAT(M, SUFFIX)(name, accuracy)
#define K(x) V(set)(x)

/* The bodies as functions of lanes, of float and of double. */
#define BODY(id, type, e)                         \
  LANES type ISA_CAT(body_##id, SUFFIX)(          \
      LANES_TYPE a, LANES_TYPE b, LANES_TYPE c) { \
    (void)a, (void)b, (void)c;                    \
    return e;                                     \
  }
#define SUFFIX f
#define LANES_TYPE vf
#define EW_FLOAT(id, ulp, e) BODY(id, vf, e)
#define EW_FLOAT_TEST(id, e) BODY(id, mf, e)
#include "ops/elementwise.def"
#undef SUFFIX
#undef LANES_TYPE
#define SUFFIX d
#define LANES_TYPE vd
#define EW_FLOAT(id, ulp, e) BODY(id, vd, e)
#define EW_FLOAT_TEST(id, e) BODY(id, md, e)
#include "ops/elementwise.def"
#undef SUFFIX

enum {
#define EW_OP(id, name, arity, rule, cost, glsl) ARITY_##id = arity,
#include "ops/elementwise.def"
};

/* n is a multiple of no width, but buffers go on to EW_PAD. */
#define KERNEL(id, x, T, S, OUT, store)                                \
  void ISA_NAME(ew_##id##_##x)(                                        \
      void* out, const void* a, const void* b, const void* c, int n) { \
    (void)b, (void)c;                                                  \
    for (int i = 0; i < n; i += WIDTH_##S) {                           \
      v##S va = load_##x((const T*)a + i);                             \
      v##S vb = ARITY_##id > 1 ? load_##x((const T*)b + i) : va;       \
      store((OUT*)out + i, body_##id##_##S(va, vb, va));               \
    }                                                                  \
  }
#define EW_FLOAT(id, ulp, e)                          \
  KERNEL(id, f32, float, f, float, store_f32)         \
  KERNEL(id, f16, uint16_t, f, uint16_t, store_f16)   \
  KERNEL(id, bf16, uint16_t, f, uint16_t, store_bf16) \
  KERNEL(id, f64, double, d, double, store_f64)
#define EW_FLOAT_TEST(id, e)                           \
  KERNEL(id, f32, float, f, uint8_t, store_mask_f)     \
  KERNEL(id, f16, uint16_t, f, uint8_t, store_mask_f)  \
  KERNEL(id, bf16, uint16_t, f, uint8_t, store_mask_f) \
  KERNEL(id, f64, double, d, uint8_t, store_mask_d)
#include "ops/elementwise.def"
