/* Discrete Fourier transforms, and Hadamard's. */
#ifndef OPS_FFT_H
#define OPS_FFT_H

#include "core/op.h"

typedef enum fft_norm { FFT_BACKWARD, FFT_ORTHO, FFT_FORWARD } fft_norm;

/* Over the axes, of n[i] elements along axes[i]: what is longer is cut, what
 * is shorter filled with zeros. A real transform gives n / 2 + 1 frequencies
 * of the last axis listed, and takes as many if inverse. */
lz_array* op_fft(
    lz_array* a,
    const int* n,
    int n_num,
    const int* axes,
    int n_axes,
    bool real,
    bool inverse,
    fft_norm norm,
    lz_stream* s);
/* Moves the zero frequency to the middle, or back. */
lz_array* op_fft_shift(
    lz_array* a, const int* axes, int n_axes, bool inverse, lz_stream* s);
/* Frequencies of n samples that are d apart; of a real transform. */
lz_array* op_fft_frequencies(int n, double d, bool real, lz_stream* s);

/* Along the last axis, of m * 2^k elements, m one of 1, 12, 20 and 28. scale
 * NULL: one over the root of that. */
lz_array* op_hadamard_transform(lz_array* a, const float* scale, lz_stream* s);

extern const lz_op op_fft_desc, op_hadamard_desc;

#endif
