/* Discrete Fourier transforms over any axes, of any length. */
#ifndef CPU_FFT_H
#define CPU_FFT_H

#include <stdbool.h>

#include "cpu/view.h"

/* complex64 to complex64 along all axes; float32 to complex64, a real
 * transform along the last axis listed, whose extent in out is n / 2 + 1; or
 * complex64 to float32, the inverse of that, whose extent n in out is the
 * true one (imaginary parts that a real signal cannot have are not looked at).
 * `inverse` scales by 1 over the product of the lengths. Any strides; in and
 * out do not overlap. Runs on the pool. Nonzero: out of memory. */
int fft_run(
    const lz_view* in,
    const lz_view* out,
    const int* axes,
    int n_axes,
    bool inverse);

#endif
