/* Convolutions over one to three spatial axes, channels last. */
#ifndef OPS_CONV_H
#define OPS_CONV_H

#include "core/op.h"

/* One number a spatial axis; of one or none: the same for all. */
typedef struct conv_list {
  const int* at;
  size_t n;
} conv_list;

typedef struct conv_spec {
  conv_list stride, padding_low, padding_high, kernel_dilation, input_dilation;
  int groups;
  bool flip; /* the kernel runs backwards along every spatial axis */
} conv_spec;

/* in (N, spatial…, C), w (O, kernel…, C / groups), out (N, spatial…, O).
 * Negative padding cuts the input. Groups of one or two spatial axes only. */
lz_array* op_conv(lz_array* in, lz_array* w, const conv_spec* c, lz_stream* s);
/* The gradient of a convolution as one: padding and output_padding as PyTorch
 * has them, n numbers each. */
lz_array* op_conv_transpose(
    lz_array* in,
    lz_array* w,
    int n,
    const int* stride,
    const int* padding,
    const int* dilation,
    const int* output_padding,
    int groups,
    lz_stream* s);

extern const lz_op op_conv_desc;

#endif
