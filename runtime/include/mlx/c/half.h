/* Half-precision C types, where the platform's C has arithmetic on them.
 * HAS_FLOAT16 and HAS_BFLOAT16 are defined together with the accessors of
 * array.h that use the types; elsewhere halves are read through raw data. */
#ifndef MLX_C_HALF_H
#define MLX_C_HALF_H

#if defined(__aarch64__) || defined(__ARM_FEATURE_FP16_SCALAR_ARITHMETIC)
#include <arm_fp16.h>
#define HAS_FLOAT16
typedef __fp16 float16_t;
#endif

#if defined(__aarch64__) || defined(__ARM_FEATURE_BF16)
#include <arm_bf16.h>
#define HAS_BFLOAT16
typedef __bf16 bfloat16_t;
#endif

#endif
