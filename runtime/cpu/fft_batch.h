/* Plans of transforms that take as many lines at once as a vector has lanes. */
#ifndef CPU_FFT_BATCH_H
#define CPU_FFT_BATCH_H

#include "cpu/simd/fft.h"

/* Plans that a thread keeps. */
#define FFT_PLANS 8
typedef struct fft_batch fft_batch;

/* exp(-2 i pi turns); exact at quarters of a turn. */
void fft_root(float* re, float* im, double turns);

/* Of lines of length n; real: from or to the n / 2 + 1 elements that a real
 * line's transform has. Kept by the thread that asked for it: valid until that
 * thread has asked for FFT_PLANS others. NULL: out of memory. */
const fft_batch* fft_batch_get(int n, bool real);
/* Whether n has small factors only: else its transform is a convolution. */
bool fft_batch_smooth(int n);
/* The least length of at least n with no factor above 5; 0: more than an int.
 */
int fft_batch_next(int64_t n);
/* Lines that one run takes: as many as lanes, or twice as many real ones. */
int fft_batch_lines(const fft_batch* b);
/* Elements that each of the two buffers of a run must have room for. */
int fft_batch_room(const fft_batch* b);
/* Forward, of what is loaded in x; the result is in what is returned. Not for
 * real lines. */
float* fft_batch_transform(const fft_batch* b, float* x, float* y);
/* Transforms fft_batch_lines() lines, or fewer, of the memory at `from` to
 * those at `to`; x and y are the buffers. imaginary of real lines is FFT_NONE.
 */
void fft_batch_run(
    const fft_batch* b,
    const float* from,
    const fft_lines* in,
    float* to,
    const fft_lines* out,
    bool inverse,
    float scale,
    float* x,
    float* y);

#endif
