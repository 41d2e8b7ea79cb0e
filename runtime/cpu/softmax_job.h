/* A softmax under way: softmax.c goes along the axis, softmax_cols.c across. */
#ifndef CPU_SOFTMAX_JOB_H
#define CPU_SOFTMAX_JOB_H

#include "cpu/floats.h"
#include "cpu/simd/softmax.h"
#include "cpu/walk.h"

enum { SOFTMAX_GRAIN = 16384 /* elements worth a thread's while */ };

typedef struct softmax_job {
  const softmax_table* kernels;
  const uint8_t* in;
  uint8_t* out;
  lz_dtype type;
  int64_t size; /* of an element */
  bool half, wide;
  walk rows; /* views in, out */
  int64_t n, in_stride, out_stride;
  int64_t block; /* columns worked on side by side */
  bool stream;   /* the output is so large that it goes past the caches */
  bool log_sum;  /* the logarithm of the sum is what is written */
} softmax_job;

/* Whether neighbouring lines lie side by side, so that blocks of them go
 * faster than one after the other; then does them. */
bool softmax_by_cols(softmax_job* job);

/* log(sum) + top, or an infinite top as it is. */
double softmax_log(const softmax_job* job, double sum, double top);

#endif
