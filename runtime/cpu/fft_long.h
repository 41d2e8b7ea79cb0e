/* Transforms of long lines, of which there are too few to fill a vector: the
 * line as a matrix, its columns, then its rows. */
#ifndef CPU_FFT_LONG_H
#define CPU_FFT_LONG_H

#include "cpu/simd/fft.h"

/* Whether length n can be cut so. */
bool fft_long_fits(int n);
/* A length of at least this many that fits and is quick; 0: more than an int.
 */
int fft_long_better(int64_t least);

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

/* x = the conjugate of its cyclic convolution with what the kernel was made of;
 * n fits. All threads. Non-zero: out of memory. */
int fft_long_convolve(int n, float* x, const float* kernel);
/* A kernel, fft_long_kernel_size(n) floats, of the n elements x. */
int fft_long_kernel(int n, float* x, float* kernel);
int64_t fft_long_kernel_size(int n);

#endif
