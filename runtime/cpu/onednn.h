/* oneDNN, one thread a call: kernels here split their work over the pool
 * themselves, so OpenMP's own threads are never started. That leaves one set
 * of threads on the cores and nothing that a fork could break. */
#ifndef CPU_ONEDNN_H
#define CPU_ONEDNN_H

#include <stdbool.h>
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
 * transposed. Nonzero: not done, out untouched. */
int onednn_sgemm(
    int64_t m,
    int64_t n,
    int64_t k,
    float alpha,
    const onednn_matrix* a,
    const onednn_matrix* b,
    float beta,
    const onednn_matrix* out);

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

#endif
