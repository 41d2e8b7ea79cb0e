/* Convolutions over one, two or three spatial axes, channels last. */
#ifndef CPU_CONV_H
#define CPU_CONV_H

#include <stdbool.h>

#include "cpu/view.h"

#define CONV_SPATIAL 3

typedef struct conv_params {
  int32_t stride[CONV_SPATIAL];
  int32_t padding[CONV_SPATIAL]; /* before the first element; may be negative */
  int32_t kernel_dilation[CONV_SPATIAL];
  int32_t input_dilation[CONV_SPATIAL];
  int groups;
  bool flip; /* the kernel runs backwards along every spatial axis */
} conv_params;

/* in (N, spatial…, C), w (O, kernel…, C / groups), out (N, spatial…, O), all of
 * one type of those that matmul_run takes; out's shape says how much padding
 * there is at the end. Any strides. Halves are summed in float. Runs on the
 * pool. Nonzero: out of memory. */
int conv_run(
    const lz_view* in,
    const lz_view* w,
    const lz_view* out,
    const conv_params* p);

#endif
