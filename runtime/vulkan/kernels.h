/* Operations on the GPU: what their descriptors' gpu slots point to. Shaders
 * are in shaders/, one file each. */
#ifndef VULKAN_KERNELS_H
#define VULKAN_KERNELS_H

#include "core/op.h"

#if LAZULI_VULKAN
/* Says that there is no kernel for what is asked, before anything is allocated
 * or queued: the host will compute it. Always 1. */
int gpu_lack(const char* format, ...) __attribute__((format(printf, 1, 2)));
bool gpu_lacking(void);
void gpu_lacks_nothing(void);

#define GPU(name) .gpu = name
/* float32, float16 and bfloat16, any strides, broadcast batches. */
int gpu_matmul(lz_exec* x);
/* Sums, products, extremes of float32 over any axes of dense input. */
int gpu_reduce(lz_exec* x);
/* Softmax of float32 along the last axis of dense input. */
int gpu_softmax(lz_exec* x);
#else
#define GPU(name) .gpu = NULL
#endif

#endif
