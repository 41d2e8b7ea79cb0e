/* A convolution with three spatial axes, the missing ones first and of extent
 * 1. Steps are elements. */
#ifndef CPU_CONV_PLAN_H
#define CPU_CONV_PLAN_H

#include "cpu/conv.h"

typedef struct conv_plan {
  const lz_view *in, *w, *out;
  conv_params params;
  int64_t size;                      /* bytes of an element */
  int64_t images, channels, outputs; /* channels and outputs of a group */
  int64_t taps;
  int64_t in_extent[CONV_SPATIAL], in_step[CONV_SPATIAL], in_channel;
  int64_t w_extent[CONV_SPATIAL], w_step[CONV_SPATIAL], w_channel;
  int64_t out_extent[CONV_SPATIAL], out_step[CONV_SPATIAL], out_channel;
} conv_plan;

/* conv_run where input_dilation is not 1 everywhere, by way of others where it
 * is. Nonzero: out of memory. */
int conv_phases(
    const lz_view* in,
    const lz_view* w,
    const lz_view* out,
    const conv_params* p);

/* 0: done by oneDNN. 1: not for it. -1: out of memory. */
int conv_onednn(const conv_plan* c);

/* The same of what is small: element by element. */
int conv_direct(const conv_plan* c);

/* Whether that goes along rows of pixels, which is then faster than oneDNN if
 * there is but one channel. */
bool conv_in_lines(const conv_plan* c);

/* n elements from k0 on of the kernel of output channel `o`, in the order in
 * which it meets the input. */
void conv_kernel(
    const conv_plan* c, int64_t o, int64_t k0, int64_t n, char* to);

#endif
