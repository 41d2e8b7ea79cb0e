/* oneDNN, one thread a call: kernels here split their work over the pool
 * themselves, so OpenMP's own threads are never started. That leaves one set
 * of threads on the cores and nothing that a fork could break. */
#ifndef CPU_ONEDNN_H
#define CPU_ONEDNN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/dtype.h"

/* A matrix in memory: element (i, j) at data[i * ld + j], or data[j * ld + i]
 * when transposed. */
typedef struct onednn_matrix {
  void* data;
  int64_t ld;
  bool transposed;
} onednn_matrix;

/* out[m][n] = alpha * a[m][k] b[k][n] + beta * out, in float32; out is not
 * transposed. With `runs` k is cut as gemm_run cuts it, also where oneDNN would
 * not: then, with AVX-512 and alpha 1, the sums are gemm_run's, bit for bit,
 * unless m or n is 1, or m at most ONEDNN_FEW and b alone transposed. Nonzero:
 * not done. */
#define ONEDNN_FEW 16
int onednn_sgemm(
    int64_t m,
    int64_t n,
    int64_t k,
    float alpha,
    const onednn_matrix* a,
    const onednn_matrix* b,
    float beta,
    const onednn_matrix* out,
    bool runs);

/* Whether so many products are worth onednn_sgemm: it makes 3 MB of code when
 * it is first called, which takes tens of milliseconds. Counts what it is
 * asked; once worth it, it remains so. */
bool onednn_sgemm_worth(double products);

/* Whether this machine multiplies bfloat16 in hardware. */
bool onednn_has_bf16(void);

/* out = a b of bfloat16, summed in float; out is bfloat16 or float32 and not
 * transposed. Nonzero: not done. */
int onednn_bf16_matmul(
    int64_t m,
    int64_t n,
    int64_t k,
    const onednn_matrix* a,
    const onednn_matrix* b,
    const onednn_matrix* out,
    lz_dtype out_dtype);

/* A convolution, channels last and dense; `spatial` of each array count. */
typedef struct onednn_conv {
  lz_dtype dtype; /* float32, or bfloat16 where there is hardware for it */
  int spatial;
  int64_t images, channels, outputs, groups;
  int64_t in[3], kernel[3], out[3], stride[3], dilation[3], before[3],
      after[3];       /* the last two: padding */
  int64_t w_steps[5]; /* of (O, kernel…, C / groups), all positive */
} onednn_conv;

typedef struct onednn_entry onednn_entry;

/* The primitive for it, to be released. NULL: no such. */
onednn_entry* onednn_conv_get(const onednn_conv* c);
void onednn_conv_release(onednn_entry* e);

/* It wants its weights in an order of its own: so many bytes, 64-aligned. */
size_t onednn_conv_weights(const onednn_entry* e);
bool onednn_conv_same_weights(const onednn_entry* a, const onednn_entry* b);
int onednn_conv_prepare(onednn_entry* e, const void* w, void* prepared);

int onednn_conv_run(
    onednn_entry* e, const void* in, const void* prepared, void* out);

#endif
