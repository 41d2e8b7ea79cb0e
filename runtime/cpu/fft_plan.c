/* One line at a time: KissFFT where the length has small factors only, and
 * where it has not, Bluestein's convolution of a length that has. */
#include <kiss_fft.h>
#include <kiss_fftr.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/fft.h"

/* KissFFT spends a factor's square on a factor that is not 2, 3, 4 or 5. */
#define FACTOR_MAX 31

struct fft_plan {
  int n;
  bool real, inverse;
  kiss_fft_cfg cfg;   /* of n, or of `wide` */
  kiss_fftr_cfg half; /* real of even length */
  /* Bluestein: */
  int wide;
  kiss_fft_cfg back;
  kiss_fft_cpx *chirp, *kernel;  /* n; wide, transformed */
  kiss_fft_cpx *work, *spectrum; /* wide each; n of a full line when real */
  kiss_fft_cpx *line, *result;
};

static int largest_factor(int n) {
  int most = 1;
  for (int p = 2; (int64_t)p * p <= n; p++)
    while (n % p == 0) {
      most = p;
      n /= p;
    }
  return n > most ? n : most;
}

static void plan_free(fft_plan* p) {
  if (!p) return;
  kiss_fft_free(p->cfg);
  kiss_fft_free(p->half);
  kiss_fft_free(p->back);
  free(p->chirp);
  free(p->kernel);
  free(p->work);
  free(p->spectrum);
  free(p->line);
  free(p->result);
  free(p);
}

static kiss_fft_cpx* cpx_alloc(int n) {
  return calloc((size_t)n, sizeof(kiss_fft_cpx));
}

/* chirp[j] = exp(-+ i pi j^2 / n); the kernel is its conjugate, around 0. */
static int plan_chirp(fft_plan* p) {
  const int n = p->n;
  p->wide = kiss_fft_next_fast_size(2 * n - 1);
  p->cfg = kiss_fft_alloc(p->wide, 0, NULL, NULL);
  p->back = kiss_fft_alloc(p->wide, 1, NULL, NULL);
  p->chirp = cpx_alloc(n);
  p->kernel = cpx_alloc(p->wide);
  p->work = cpx_alloc(p->wide);
  p->spectrum = cpx_alloc(p->wide);
  if (!p->cfg || !p->back || !p->chirp || !p->kernel || !p->work ||
      !p->spectrum)
    return 1;
  for (int64_t j = 0; j < n; j++) {
    const double at = 3.14159265358979323846 * (double)(j * j % (2 * n)) / n;
    const float re = (float)cos(at), im = (float)sin(at);
    p->chirp[j] = (kiss_fft_cpx){re, p->inverse ? im : -im};
    p->work[j] = (kiss_fft_cpx){re, p->inverse ? -im : im};
    if (j) p->work[p->wide - j] = p->work[j];
  }
  kiss_fft(p->cfg, p->work, p->kernel);
  return 0;
}

static fft_plan* plan_create(int n, bool real, bool inverse) {
  fft_plan* p = calloc(1, sizeof *p);
  if (!p) return NULL;
  *p = (fft_plan){.n = n, .real = real, .inverse = inverse};
  int status = 0;
  if (n == 1) return p;
  /* Of two and four elements the complex transform takes no roots but 1 and i:
   * it is exact. */
  if (real && n % 2 == 0 && n > 4 && largest_factor(n / 2) <= FACTOR_MAX) {
    p->half = kiss_fftr_alloc(n, inverse, NULL, NULL);
    status = !p->half;
  } else if (largest_factor(n) <= FACTOR_MAX) {
    p->cfg = kiss_fft_alloc(n, inverse, NULL, NULL);
    status = !p->cfg;
  } else {
    status = plan_chirp(p);
  }
  if (!status && real && !p->half) {
    p->line = cpx_alloc(n);
    p->result = cpx_alloc(n);
    status = !p->line || !p->result;
  }
  if (status) {
    plan_free(p);
    return NULL;
  }
  return p;
}

typedef struct plan_cache {
  fft_plan* plans[FFT_PLANS];
  int next;
} plan_cache;

static pthread_once_t plan_once = PTHREAD_ONCE_INIT;
static pthread_key_t plan_key;

static void cache_free(void* c) {
  for (int i = 0; i < FFT_PLANS; i++) plan_free(((plan_cache*)c)->plans[i]);
  free(c);
}

static void plan_init(void) {
  pthread_key_create(&plan_key, cache_free);
}

const fft_plan* fft_plan_get(int n, bool real, bool inverse) {
  pthread_once(&plan_once, plan_init);
  plan_cache* c = pthread_getspecific(plan_key);
  if (!c) {
    c = calloc(1, sizeof *c);
    if (!c) return NULL;
    pthread_setspecific(plan_key, c);
  }
  for (int i = 0; i < FFT_PLANS; i++) {
    const fft_plan* p = c->plans[i];
    if (p && p->n == n && p->real == real && p->inverse == inverse) return p;
  }
  fft_plan* p = plan_create(n, real, inverse);
  if (!p) return NULL;
  plan_free(c->plans[c->next]);
  c->plans[c->next] = p;
  c->next = (c->next + 1) % FFT_PLANS;
  return p;
}

static kiss_fft_cpx times(kiss_fft_cpx a, kiss_fft_cpx b) {
  return (kiss_fft_cpx){a.r * b.r - a.i * b.i, a.r * b.i + a.i * b.r};
}

static void run_complex(
    const fft_plan* p, const kiss_fft_cpx* from, kiss_fft_cpx* to) {
  if (!p->wide) {
    kiss_fft(p->cfg, from, to);
    return;
  }
  for (int j = 0; j < p->n; j++) p->work[j] = times(from[j], p->chirp[j]);
  memset(p->work + p->n, 0, (size_t)(p->wide - p->n) * sizeof *p->work);
  kiss_fft(p->cfg, p->work, p->spectrum);
  for (int j = 0; j < p->wide; j++)
    p->spectrum[j] = times(p->spectrum[j], p->kernel[j]);
  kiss_fft(p->back, p->spectrum, p->work);
  const float scale = 1.0f / (float)p->wide;
  for (int j = 0; j < p->n; j++) {
    const kiss_fft_cpx x = times(p->work[j], p->chirp[j]);
    to[j] = (kiss_fft_cpx){x.r * scale, x.i * scale};
  }
}

void fft_plan_run(const fft_plan* p, const void* from, void* to) {
  if (p->n == 1) {
    const kiss_fft_cpx one = {*(const float*)from, 0};
    if (p->real && !p->inverse)
      memcpy(to, &one, sizeof one);
    else
      memcpy(to, from, p->real ? sizeof(float) : sizeof one);
    return;
  }
  if (!p->real) {
    run_complex(p, from, to);
    return;
  }
  if (p->half) {
    if (p->inverse)
      kiss_fftri(p->half, from, to);
    else
      kiss_fftr(p->half, from, to);
    return;
  }
  const int n = p->n;
  if (!p->inverse) {
    const float* x = from;
    for (int j = 0; j < n; j++) p->line[j] = (kiss_fft_cpx){x[j], 0};
    run_complex(p, p->line, p->result);
    memcpy(to, p->result, (size_t)(n / 2 + 1) * sizeof *p->result);
    return;
  }
  const kiss_fft_cpx* x = from;
  p->line[0] = (kiss_fft_cpx){x[0].r, 0};
  for (int j = 1; j < n - j; j++) {
    p->line[j] = x[j];
    p->line[n - j] = (kiss_fft_cpx){x[j].r, -x[j].i};
  }
  if (n % 2 == 0) p->line[n / 2] = (kiss_fft_cpx){x[n / 2].r, 0};
  run_complex(p, p->line, p->result);
  for (int j = 0; j < n; j++) ((float*)to)[j] = p->result[j].r;
}
