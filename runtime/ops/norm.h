/* Layer and RMS normalisation along the last axis. weight and bias may be NULL,
 * else have one axis of that extent. The result has the type that x and weight
 * (and bias, if there is a weight) meet in, which must be a real float. */
#ifndef OPS_NORM_H
#define OPS_NORM_H

#include "core/op.h"

/* x / sqrt(mean(x²) + eps) * weight */
lz_array* op_rms_norm(lz_array* x, lz_array* weight, float eps, lz_stream* s);
/* (x - mean) / sqrt(var + eps) * weight + bias */
lz_array* op_layer_norm(
    lz_array* x, lz_array* weight, lz_array* bias, float eps, lz_stream* s);

extern const lz_op op_rms_norm_desc, op_layer_norm_desc, op_rms_norm_vjp_desc,
    op_layer_norm_vjp_desc;

#endif
