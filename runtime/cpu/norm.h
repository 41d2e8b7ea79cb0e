/* Layer and RMS normalisation along the last axis, and their gradients.
 *
 * Types: x, out and the gradients share one of float16, bfloat16, float32,
 * float64; halves are computed in float and rounded as the original does:
 * before weight and bias are applied, and after each of the two.
 * weight and bias: one axis of x's last extent, or no axis, or NULL; x's type.
 *
 * Threading: rows are shared among the pool's threads. Any strides. The
 * gradients return non-zero when scratch memory cannot be had; nothing else
 * fails. */
#ifndef CPU_NORM_H
#define CPU_NORM_H

#include "cpu/view.h"

/* out = (x - mean) / sqrt(var + eps) * weight + bias */
void norm_layer(
    const lz_view* x,
    const lz_view* weight,
    const lz_view* bias,
    float eps,
    const lz_view* out);

/* out = x / sqrt(mean(x²) + eps) * weight */
void norm_rms(
    const lz_view* x, const lz_view* weight, float eps, const lz_view* out);

/* Gradients for the output's gradient g. gw and gb (one axis, or NULL for not
 * wanted) are sums over all rows; with a weight without axes gw is not
 * written. */
int norm_layer_vjp(
    const lz_view* x,
    const lz_view* weight,
    const lz_view* g,
    float eps,
    const lz_view* gx,
    const lz_view* gw,
    const lz_view* gb);
int norm_rms_vjp(
    const lz_view* x,
    const lz_view* weight,
    const lz_view* g,
    float eps,
    const lz_view* gx,
    const lz_view* gw);

#endif
