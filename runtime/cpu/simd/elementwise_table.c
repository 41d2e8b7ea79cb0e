/* Gathers the kernels of this instruction set in one table. */
#include "cpu/elementwise.h"
#include "cpu/isa.h"

#define DECLARE(name) \
  void ISA_NAME(name)(void*, const void*, const void*, const void*, int);

#define FLOATS(_, id) \
  _(id, f16, FLOAT16) \
  _(id, f32, FLOAT32) _(id, f64, FLOAT64) _(id, bf16, BFLOAT16)
#define SIGNEDS(_, id) \
  _(id, i8, INT8) _(id, i16, INT16) _(id, i32, INT32) _(id, i64, INT64)
#define UNSIGNEDS(_, id) \
  _(id, u8, UINT8) _(id, u16, UINT16) _(id, u32, UINT32) _(id, u64, UINT64)

#define EXPAND(_)   \
  SIGNEDS(_, POWER) \
  UNSIGNEDS(_, POWER) FLOATS(_, TO_FP8) FLOATS(_, FROM_FP8)
/* The paragraphs' bodies, each as _(ID, suffix, DTYPE). */
#define BODIES_FLOAT(_, id) FLOATS(_, id)

#define _(id, s, d) DECLARE(ew_##id##_##s)
#define EW_FLOAT(id, ulp, e) FLOATS(_, id)
#define EW_FLOAT_TEST(id, e) FLOATS(_, id)
#define EW_SIGNED(id, e) SIGNEDS(_, id)
#define EW_UNSIGNED(id, e) UNSIGNEDS(_, id)
#define EW_INT_TEST(id, e) SIGNEDS(_, id) UNSIGNEDS(_, id)
#define EW_BOOL(id, e) _(id, b8, BOOL)
#define EW_COMPLEX(id, ulp, e) _(id, c64, COMPLEX64)
#define EW_COMPLEX_TEST(id, e) _(id, c64, COMPLEX64)
#define EW_COMPLEX_PART(id, e) _(id, c64, COMPLEX64)
#include "ops/elementwise.def"
EXPAND(_)
#undef _
DECLARE(ew_select_8)
DECLARE(ew_select_16)
DECLARE(ew_select_32)
DECLARE(ew_select_64)

#define ALL(_, from) \
  _(from, b8, BOOL)  \
  SIGNEDS(_, from) UNSIGNEDS(_, from) FLOATS(_, from) _(from, c64, COMPLEX64)
#define _(from, to, d) DECLARE(ew_cast_##from##_##to)
#define DTYPE(id, name, bytes, kind, suffix, type) ALL(_, suffix)
#include "core/dtype.def"
#undef DTYPE
#undef _

#define DECLARE_IOTA(id, s, d) \
  void ISA_NAME(ew_iota_##s)(void*, const void*, const void*, int64_t, int);
SIGNEDS(DECLARE_IOTA, )
UNSIGNEDS(DECLARE_IOTA, )
FLOATS(DECLARE_IOTA, )
DECLARE_IOTA(, c64, )

const ew_table ISA_NAME(ew_kernels) = {
    .fn =
        {
#define _(id, s, d) [EW_##id][DTYPE_##d] = ISA_NAME(ew_##id##_##s),
#define EW_FLOAT(id, ulp, e) FLOATS(_, id)
#define EW_FLOAT_TEST(id, e) FLOATS(_, id)
#define EW_SIGNED(id, e) SIGNEDS(_, id)
#define EW_UNSIGNED(id, e) UNSIGNEDS(_, id)
#define EW_INT_TEST(id, e) SIGNEDS(_, id) UNSIGNEDS(_, id)
#define EW_BOOL(id, e) _(id, b8, BOOL)
#define EW_COMPLEX(id, ulp, e) _(id, c64, COMPLEX64)
#define EW_COMPLEX_TEST(id, e) _(id, c64, COMPLEX64)
#define EW_COMPLEX_PART(id, e) _(id, c64, COMPLEX64)
#include "ops/elementwise.def"
            EXPAND(_)
#undef _
#define SELECT_1 ISA_NAME(ew_select_8)
#define SELECT_2 ISA_NAME(ew_select_16)
#define SELECT_4 ISA_NAME(ew_select_32)
#define SELECT_8 ISA_NAME(ew_select_64)
#define DTYPE(id, name, bytes, kind, suffix, type) \
  [EW_SELECT][DTYPE_##id] = SELECT_##bytes,
#include "core/dtype.def"
#undef DTYPE
        },
    .cast =
        {
#define _(from, to, d) [DTYPE_##d] = ISA_NAME(ew_cast_##from##_##to),
#define DTYPE(id, name, bytes, kind, suffix, type) \
  [DTYPE_##id] = {ALL(_, suffix)},
#include "core/dtype.def"
#undef DTYPE
#undef _
        },
    .iota =
        {
#define _(id, s, d) [DTYPE_##d] = ISA_NAME(ew_iota_##s),
            SIGNEDS(_, ) UNSIGNEDS(_, ) FLOATS(_, ) _(, c64, COMPLEX64)
#undef _
        },
};
