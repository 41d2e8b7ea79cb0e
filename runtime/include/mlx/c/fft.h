/* Discrete Fourier transforms.
 *
 * fft, ifft: complex to complex; rfft: real to complex, with n / 2 + 1
 * frequencies along the last axis listed; irfft: back from those to n reals.
 * n holds an extent for each of axes: longer input is cut, shorter filled with
 * zeros. Results are complex64, of irfft float32. A factor of one over the
 * number of points stands at the inverse (backward), at the other (forward),
 * or its root at both (ortho). Error: n of another length than axes, an extent
 * below 1, a bad or repeated axis, a scalar. */
#ifndef MLX_C_FFT_H
#define MLX_C_FFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lazuli/api.h"
#include "mlx/c/array.h"
#include "mlx/c/stream.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum mlx_fft_norm_ {
  MLX_FFT_NORM_BACKWARD,
  MLX_FFT_NORM_ORTHO,
  MLX_FFT_NORM_FORWARD,
} mlx_fft_norm;

LAZULI_API int mlx_fft_fft(
    mlx_array* res,
    const mlx_array a,
    int n,
    int axis,
    mlx_fft_norm norm,
    const mlx_stream s);

LAZULI_API int mlx_fft_fft2(
    mlx_array* res,
    const mlx_array a,
    const int* n,
    size_t n_num,
    const int* axes,
    size_t axes_num,
    mlx_fft_norm norm,
    const mlx_stream s);

/* float32 frequencies of n samples that are d apart, negative ones last. */
LAZULI_API int mlx_fft_fftfreq(
    mlx_array* res, int n, double d, const mlx_stream s);

LAZULI_API int mlx_fft_fftn(
    mlx_array* res,
    const mlx_array a,
    const int* n,
    size_t n_num,
    const int* axes,
    size_t axes_num,
    mlx_fft_norm norm,
    const mlx_stream s);

/* Moves frequency zero from the start to the middle of each axis. */
LAZULI_API int mlx_fft_fftshift(
    mlx_array* res,
    const mlx_array a,
    const int* axes,
    size_t axes_num,
    const mlx_stream s);

LAZULI_API int mlx_fft_ifft(
    mlx_array* res,
    const mlx_array a,
    int n,
    int axis,
    mlx_fft_norm norm,
    const mlx_stream s);

LAZULI_API int mlx_fft_ifft2(
    mlx_array* res,
    const mlx_array a,
    const int* n,
    size_t n_num,
    const int* axes,
    size_t axes_num,
    mlx_fft_norm norm,
    const mlx_stream s);

LAZULI_API int mlx_fft_ifftn(
    mlx_array* res,
    const mlx_array a,
    const int* n,
    size_t n_num,
    const int* axes,
    size_t axes_num,
    mlx_fft_norm norm,
    const mlx_stream s);

/* Undoes fftshift. */
LAZULI_API int mlx_fft_ifftshift(
    mlx_array* res,
    const mlx_array a,
    const int* axes,
    size_t axes_num,
    const mlx_stream s);

LAZULI_API int mlx_fft_irfft(
    mlx_array* res,
    const mlx_array a,
    int n,
    int axis,
    mlx_fft_norm norm,
    const mlx_stream s);

LAZULI_API int mlx_fft_irfft2(
    mlx_array* res,
    const mlx_array a,
    const int* n,
    size_t n_num,
    const int* axes,
    size_t axes_num,
    mlx_fft_norm norm,
    const mlx_stream s);

LAZULI_API int mlx_fft_irfftn(
    mlx_array* res,
    const mlx_array a,
    const int* n,
    size_t n_num,
    const int* axes,
    size_t axes_num,
    mlx_fft_norm norm,
    const mlx_stream s);

LAZULI_API int mlx_fft_rfft(
    mlx_array* res,
    const mlx_array a,
    int n,
    int axis,
    mlx_fft_norm norm,
    const mlx_stream s);

LAZULI_API int mlx_fft_rfft2(
    mlx_array* res,
    const mlx_array a,
    const int* n,
    size_t n_num,
    const int* axes,
    size_t axes_num,
    mlx_fft_norm norm,
    const mlx_stream s);

/* The n / 2 + 1 that are not negative. */
LAZULI_API int mlx_fft_rfftfreq(
    mlx_array* res, int n, double d, const mlx_stream s);

LAZULI_API int mlx_fft_rfftn(
    mlx_array* res,
    const mlx_array a,
    const int* n,
    size_t n_num,
    const int* axes,
    size_t axes_num,
    mlx_fft_norm norm,
    const mlx_stream s);

#ifdef __cplusplus
}
#endif

#endif
