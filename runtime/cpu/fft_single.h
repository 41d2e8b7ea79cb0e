/* Transforms of lines one or two at a time, of any length. */
#ifndef CPU_FFT_SINGLE_H
#define CPU_FFT_SINGLE_H

#include "cpu/simd/fft.h"

/* One line of n elements, or two real ones at once: in and out have that count.
 * imaginary of real lines is FFT_NONE; the other side has n / 2 + 1 elements.
 * All threads, unless within a job. Non-zero: out of memory. */
int fft_single_run(
    int n,
    const float* from,
    const fft_lines* in,
    float* to,
    const fft_lines* out,
    bool inverse,
    float scale);

#endif
