/* Fourier and Hadamard transforms. */
#include "api/api.h"
#include "ops/fft.h"

static lz_array* fft_any(
    mlx_array a,
    const int* n,
    size_t n_num,
    const int* axes,
    size_t axes_num,
    bool real,
    bool inverse,
    mlx_fft_norm norm,
    mlx_stream s) {
  lz_array* x = api_array(a, "a");
  if ((n_num && api_pointer(n, "n")) || (axes_num && api_pointer(axes, "axes")))
    return NULL;
  return op_fft(
      x,
      n,
      (int)n_num,
      axes,
      (int)axes_num,
      real,
      inverse,
      (fft_norm)norm,
      api_stream(s));
}

/* One transform over one axis, and over several under two names. */
#define FFT_ONE(name, real, inverse)                               \
  int mlx_fft_##name(                                              \
      mlx_array* res,                                              \
      const mlx_array a,                                           \
      int n,                                                       \
      int axis,                                                    \
      mlx_fft_norm norm,                                           \
      const mlx_stream s) {                                        \
    API_OP("fft_" #name);                                          \
    return api_result(                                             \
        res, fft_any(a, &n, 1, &axis, 1, real, inverse, norm, s)); \
  }
#define FFT_MANY(name, real, inverse)                                       \
  int mlx_fft_##name(                                                       \
      mlx_array* res,                                                       \
      const mlx_array a,                                                    \
      const int* n,                                                         \
      size_t n_num,                                                         \
      const int* axes,                                                      \
      size_t axes_num,                                                      \
      mlx_fft_norm norm,                                                    \
      const mlx_stream s) {                                                 \
    API_OP("fft_" #name);                                                   \
    return api_result(                                                      \
        res, fft_any(a, n, n_num, axes, axes_num, real, inverse, norm, s)); \
  }
#define FFT_ALL(name, real, inverse) \
  FFT_ONE(name, real, inverse)       \
  FFT_MANY(name##2, real, inverse)   \
  FFT_MANY(name##n, real, inverse)
FFT_ALL(fft, false, false)
FFT_ALL(ifft, false, true)
FFT_ALL(rfft, true, false)
FFT_ALL(irfft, true, true)

#define FFT_SHIFT(name, inverse)                                            \
  int mlx_fft_##name(                                                       \
      mlx_array* res,                                                       \
      const mlx_array a,                                                    \
      const int* axes,                                                      \
      size_t axes_num,                                                      \
      const mlx_stream s) {                                                 \
    API_OP("fft_" #name);                                                   \
    lz_array* x = api_array(a, "a");                                        \
    if (axes_num && api_pointer(axes, "axes")) return api_status(1);        \
    return api_result(                                                      \
        res, op_fft_shift(x, axes, (int)axes_num, inverse, api_stream(s))); \
  }
FFT_SHIFT(fftshift, false)
FFT_SHIFT(ifftshift, true)

int mlx_fft_fftfreq(mlx_array* res, int n, double d, const mlx_stream s) {
  API_OP("fft_fftfreq");
  return api_result(res, op_fft_frequencies(n, d, false, api_stream(s)));
}

int mlx_fft_rfftfreq(mlx_array* res, int n, double d, const mlx_stream s) {
  API_OP("fft_rfftfreq");
  return api_result(res, op_fft_frequencies(n, d, true, api_stream(s)));
}

int mlx_hadamard_transform(
    mlx_array* res,
    const mlx_array a,
    mlx_optional_float scale,
    const mlx_stream s) {
  API_OP("hadamard_transform");
  return api_result(
      res,
      op_hadamard_transform(
          api_array(a, "a"),
          scale.has_value ? &scale.value : NULL,
          api_stream(s)));
}
