/* CUDA: never present on this platform. */
#ifndef MLX_C_CUDA_H
#define MLX_C_CUDA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lazuli/api.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Always false. */
LAZULI_API int mlx_cuda_is_available(bool* res);

#ifdef __cplusplus
}
#endif

#endif
