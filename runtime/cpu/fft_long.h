/* Transforms of long lines, of which there are too few to fill a vector: the
 * line as a matrix, its columns, then its rows. */
#ifndef CPU_FFT_LONG_H
#define CPU_FFT_LONG_H

#include "cpu/simd/fft.h"

/* Whether length n can be cut so. */
bool fft_long_fits(int n);

/* One line of n elements; in and out (whose count is 1) may be the same. All
 * threads. Non-zero: out of memory. */
int fft_long_run(
    int n,
    const float* from,
    const fft_lines* in,
    float* to,
    const fft_lines* out,
    bool inverse,
    float scale);

/* The same where one side is real: n is even and n / 2 fits. */
int fft_long_real(
    int n,
    const float* from,
    const fft_lines* in,
    float* to,
    const fft_lines* out,
    bool inverse,
    float scale);

#endif
