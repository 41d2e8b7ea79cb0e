#include "cpu/fft_single.h"

#include <stdlib.h>
#include <string.h>

#include "cpu/fft_batch.h"
#include "cpu/fft_kept.h"
#include "cpu/fft_long.h"
#include "cpu/scratch.h"

/* A convolution's: exp(-i pi j² / n), and the kernel of its conjugate around 0
 * over `wide` places. */
typedef struct chirp_plan {
  fft_plan plan;
  int wide;
  float *chirp, *kernel;
} chirp_plan;

static const fft_lines whole = {&(const int64_t){0}, 1, 2, 1};

static void plan_free(void* plan) {
  chirp_plan* p = plan;
  if (!p) return;
  free(p->chirp);
  free(p->kernel);
  free(p);
}

static void* plan_create(int n) {
  chirp_plan* p = calloc(1, sizeof *p);
  if (!p || !(p->wide = fft_long_better(2 * (int64_t)n - 1))) {
    free(p);
    return NULL;
  }
  p->plan = (fft_plan){n, 1};
  p->chirp = calloc((size_t)n, 2 * sizeof(float));
  p->kernel = calloc((size_t)fft_long_kernel_size(p->wide), sizeof(float));
  float* around = calloc((size_t)p->wide, 2 * sizeof(float));
  int status = !p->chirp || !p->kernel || !around;
  for (int64_t j = 0; j < n && !status; j++) {
    float *c = p->chirp + 2 * j, *k = around + 2 * j;
    fft_root(c, c + 1, (double)(j * j % (2 * (int64_t)n)) / (2.0 * n));
    k[0] = c[0];
    k[1] = -c[1];
    if (j) memcpy(around + 2 * (p->wide - j), k, 2 * sizeof *k);
  }
  status = status || fft_long_kernel(p->wide, around, p->kernel);
  free(around);
  if (!status) return p;
  plan_free(p);
  return NULL;
}

static fft_kept plans = {
    .create = plan_create,
    .destroy = plan_free,
    .lock = PTHREAD_MUTEX_INITIALIZER};

/* Forward, in place; p: NULL where n has small factors. */
static int transform(const chirp_plan* p, int n, float* z) {
  if (n == 1) return 0;
  if (!p) return fft_long_run(n, z, &whole, z, &whole, false, 1);
  const fft_table* t = ISA_PICK(fft_kernels);
  t->pairs(z, p->chirp, n, false);
  memset(z + 2 * (int64_t)n, 0, (size_t)(p->wide - n) * 2 * sizeof *z);
  if (fft_long_convolve(p->wide, z, p->kernel)) return 1;
  t->pairs(z, p->chirp, n, true);
  return 0;
}

/* ---- in and out: an inverse transform is one with the parts exchanged ---- */

static void load(
    float* z, int n, const float* from, const fft_lines* in, bool swap) {
  const float* x = from + in->starts[0];
  for (int64_t j = 0; j < n; j++, x += in->step) {
    z[2 * j + swap] = x[0];
    z[2 * j + !swap] = x[in->imaginary];
  }
}

static void store(
    const float* z,
    int n,
    float* to,
    const fft_lines* out,
    bool swap,
    float scale) {
  float* x = to + out->starts[0];
  for (int64_t j = 0; j < n; j++, x += out->step) {
    x[0] = z[2 * j + swap] * scale;
    x[out->imaginary] = z[2 * j + !swap] * scale;
  }
}

/* Two real lines are the parts of a complex one, a single one its real part. */
static void load_real(float* z, int n, const float* from, const fft_lines* in) {
  const float* a = from + in->starts[0];
  const float* b = in->count > 1 ? from + in->starts[1] : NULL;
  for (int64_t j = 0; j < n; j++) {
    z[2 * j] = a[j * in->step];
    z[2 * j + 1] = b ? b[j * in->step] : 0;
  }
}

static void store_real(
    const float* z, int n, float* to, const fft_lines* out, float scale) {
  for (int l = 0; l < out->count; l++) {
    float* x = to + out->starts[l];
    /* exchanged */
    for (int64_t j = 0; j < n; j++) x[j * out->step] = z[2 * j + !l] * scale;
  }
}

/* z = a + i b, whose transforms are even in their real parts and odd in their
 * imaginary ones. */
static void store_halves(
    const float* z, int n, float* to, const fft_lines* out, float scale) {
  float* a = to + out->starts[0];
  float* b = out->count > 1 ? to + out->starts[1] : NULL;
  scale /= 2;
  for (int64_t k = 0; k <= n / 2; k++) {
    const float *x = z + 2 * k, *y = z + 2 * (k ? n - k : 0);
    a[k * out->step] = (x[0] + y[0]) * scale;
    a[k * out->step + 1] = (x[1] - y[1]) * scale;
    if (!b) continue;
    b[k * out->step] = (x[1] + y[1]) * scale;
    b[k * out->step + 1] = (y[0] - x[0]) * scale;
  }
}

/* The same back, with the parts exchanged; imaginary parts that a real line
 * cannot have are not looked at. */
static void load_halves(
    float* z, int n, const float* from, const fft_lines* in) {
  const float* a = from + in->starts[0];
  const float* b = in->count > 1 ? from + in->starts[1] : NULL;
  for (int64_t k = 0; k <= n / 2; k++) {
    const float *x = a + k * in->step, *y = b ? b + k * in->step : NULL;
    const bool own = k == 0 || 2 * k == n;
    const float xi = own ? 0 : x[1], yr = y ? y[0] : 0;
    const float yi = own || !y ? 0 : y[1];
    float *low = z + 2 * k, *high = z + 2 * (k ? n - k : 0);
    high[1] = x[0] + yi;
    high[0] = yr - xi;
    low[1] = x[0] - yi;
    low[0] = yr + xi;
  }
}

int fft_single_run(
    int n,
    const float* from,
    const fft_lines* in,
    float* to,
    const fft_lines* out,
    bool inverse,
    float scale) {
  chirp_plan* p = NULL;
  if (n > 1 && !fft_long_fits(n) && !(p = fft_kept_get(&plans, n))) return 1;
  const int room = p ? p->wide : n;
  float* z = scratch_get(SCRATCH_LINE, (size_t)room * 2 * sizeof(float));
  int status = !z;
  if (!status) {
    if (in->imaginary == FFT_NONE)
      load_real(z, n, from, in);
    else if (out->imaginary == FFT_NONE)
      load_halves(z, n, from, in);
    else
      load(z, n, from, in, inverse);
    status = transform(p, n, z);
  }
  if (!status) {
    if (out->imaginary == FFT_NONE)
      store_real(z, n, to, out, scale);
    else if (in->imaginary == FFT_NONE)
      store_halves(z, n, to, out, scale);
    else
      store(z, n, to, out, inverse, scale);
  }
  fft_kept_release(&plans, p);
  return status;
}
