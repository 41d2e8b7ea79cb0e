/* Fourier transforms of as many lines at once as a vector has lanes; one table
 * for each instruction set.
 *
 * A buffer holds n elements of `lanes` lines: n times a vector of real parts
 * and one of imaginary parts. Everything is forward; an inverse transform is
 * one with the two parts exchanged before and after. */
#ifndef CPU_SIMD_FFT_H
#define CPU_SIMD_FFT_H

#include <stdbool.h>
#include <stdint.h>

#include "cpu/isa.h"

enum {
  FFT_LANES_MOST = 16,
  FFT_LINES_MOST = 2 * FFT_LANES_MOST,
  FFT_STAGES = 32,
  FFT_RADIX = 101 /* the largest: it costs its square */
};

/* No imaginary parts; not a distance. */
#define FFT_NONE INT64_MIN

/* n as a product of small factors, and the roots of unity that stages need:
 * of a stage with radix r, over the m = length / r places of a period, r - 1
 * pairs each. A radix above 5 has a table of its r roots, too. */
typedef struct fft_stages {
  int n, count;
  int radix[FFT_STAGES];
  float* twiddles[FFT_STAGES];
  float* roots[FFT_STAGES];
} fft_stages;

/* Where lines lie, in floats: element k of line l is at starts[l] + k step,
 * its imaginary part `imaginary` floats further. */
typedef struct fft_lines {
  const int64_t* starts;
  int count;
  int64_t step, imaginary;
} fft_lines;

typedef struct fft_table {
  int lanes;
  /* Lines to a buffer, parts exchanged if `swap`; lanes without a line and
   * parts that are not there become 0. */
  void (*load)(
      float* to, const float* from, const fft_lines* at, int n, bool swap);
  void (*store)(
      float* to,
      const float* from,
      const fft_lines* at,
      int n,
      bool swap,
      float scale);
  /* Transforms x with the help of y; the result is in what is returned. */
  float* (*run)(const fft_stages* s, float* x, float* y);
  /* x[k] = x[k] · f[k], of n elements; then, if `conjugate`, its conjugate */
  void (*times)(float* x, const float* f, int n, bool conjugate);
  /* Of a single line, n pairs: z[k] = z[k] · f[k], or the conjugate of z[k]
   * times that. */
  void (*pairs)(float* z, const float* f, int n, bool conjugate);
  /* x[k] = the conjugate of x[k] · f[k], vectors both */
  void (*product)(float* x, const float* f, int n);
  /* x[k] = x[k] · lane[k] · w[k]; lane is n vectors of both parts. */
  void (*twist)(float* x, const float* lane, const float* w, int n);
  /* Of a real line of 2 m: from the transform z of its m pairs to the m + 1
   * elements out; w[k] = exp(-i pi k / m). And back, unscaled, with z's parts
   * exchanged. */
  void (*real)(const float* z, float* out, const float* w, int m);
  void (*unreal)(const float* in, float* z, const float* w, int m);
  /* Of two real lines of odd length n: from the transform of a + i b to the
   * n / 2 + 1 elements of each. And back, unscaled, with z's parts exchanged.
   */
  void (*split)(const float* z, float* a, float* b, int n);
  void (*join)(const float* a, const float* b, float* z, int n);
  /* x = x + y, of n elements */
  void (*add)(float* x, const float* y, int n);
} fft_table;

ISA_DECLARE(fft_table, fft_kernels)

#endif
