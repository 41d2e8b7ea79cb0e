/* Plans of transforms that take as many lines at once as a vector has lanes. */
#ifndef CPU_FFT_BATCH_H
#define CPU_FFT_BATCH_H

#include "cpu/simd/fft.h"

typedef struct fft_batch fft_batch;

/* exp(-2 i pi turns); exact at quarters of a turn. */
void fft_root(float* re, float* im, double turns);

/* Of lines of length n; real: from or to the n / 2 + 1 elements that a real
 * line's transform has. Kept by the thread that asked for it: valid until that
 * thread has asked for FFT_PLANS others. NULL: out of memory. */
const fft_batch* fft_batch_get(int n, bool real);
/* Elements that each of the two buffers of a run must have room for. */
int fft_batch_room(const fft_batch* b);
/* Forward, of what is loaded in x; the result is in what is returned. Not for
 * real lines. */
float* fft_batch_transform(const fft_batch* b, float* x, float* y);
/* Transforms lines of the memory at `from` to those at `to`; x and y are the
 * buffers. imaginary of real lines is FFT_NONE. */
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
