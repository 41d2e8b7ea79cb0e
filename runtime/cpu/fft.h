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

/* One line, made for length n. Kept by the thread that asked for it: valid
 * until that thread has asked for FFT_PLANS others. NULL: out of memory. */
#define FFT_PLANS 8
typedef struct fft_plan fft_plan;
const fft_plan* fft_plan_get(int n, bool real, bool inverse);

/* Unscaled. Complex: n to n. Real forward: n floats to n / 2 + 1 complex; real
 * inverse: the other way. from is left alone; the two do not overlap. */
void fft_plan_run(const fft_plan* p, const void* from, void* to);

#endif
