#include "cpu/fft_batch.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Floats of lines of memory that are no neighbours. */
enum { FFT_FAR = 64 };

/* A real line of even length is a complex one of half the length; one whose
 * length has a large factor is a convolution (Bluestein) of a length that has
 * not. */
struct fft_batch {
  int n;
  bool real;
  int length;        /* of the complex transform: n or n / 2 */
  int wide;          /* of the convolution, or 0 */
  fft_stages stages; /* of `length`, or of `wide` */
  float* halves;     /* exp(-i pi k / length), length + 1 pairs */
  /* exp(-i pi j² / length); the same conjugate over `wide`; the kernel */
  float *chirp, *unchirp, *kernel;
};

static const double pi = 3.14159265358979323846;

static float* pairs_alloc(int64_t n) {
  return calloc((size_t)(2 * n), sizeof(float));
}

void fft_root(float* re, float* im, double turns) {
  const double quarters = floor(4 * turns + 0.5);
  const double at = 2 * pi * (turns - quarters / 4);
  const double c = cos(at), s = sin(at);
  switch ((int64_t)quarters & 3) {
    case 0:
      *re = (float)c, *im = (float)-s;
      break;
    case 1:
      *re = (float)-s, *im = (float)-c;
      break;
    case 2:
      *re = (float)-c, *im = (float)s;
      break;
    default:
      *re = (float)s, *im = (float)c;
  }
}

static void set_root(float* to, double turns) {
  fft_root(to, to + 1, turns);
}

/* Fours first: they cost least. 0, or the factor that is too large. */
static int factors(int n, int* radix, int* count) {
  static const int first[] = {4, 2, 3, 5};
  *count = 0;
  for (int i = 0; i < 4; i++)
    for (; n % first[i] == 0; n /= first[i]) radix[(*count)++] = first[i];
  for (int r = 7; n > 1 && r <= FFT_RADIX; r += 2)
    for (; n % r == 0; n /= r) radix[(*count)++] = r;
  return n == 1 ? 0 : n;
}

bool fft_batch_smooth(int n) {
  int radix[FFT_STAGES], count;
  return factors(n, radix, &count) == 0;
}

static int stages_make(fft_stages* s, int n) {
  s->n = n;
  if (factors(n, s->radix, &s->count)) return 1;
  for (int i = 0, length = n; i < s->count; i++) {
    const int r = s->radix[i], m = length / r;
    float* w = s->twiddles[i] = pairs_alloc((int64_t)m * (r - 1));
    if (!w) return 1;
    for (int p = 0; p < m; p++)
      for (int k = 1; k < r; k++, w += 2)
        set_root(w, (double)((int64_t)p * k % length) / length);
    if (r > 5) {
      if (!(s->roots[i] = pairs_alloc(r))) return 1;
      for (int k = 0; k < r; k++) set_root(s->roots[i] + 2 * k, (double)k / r);
    }
    length = m;
  }
  return 0;
}

static void batch_free(fft_batch* b) {
  if (!b) return;
  for (int i = 0; i < b->stages.count; i++) {
    free(b->stages.twiddles[i]);
    free(b->stages.roots[i]);
  }
  free(b->halves);
  free(b->chirp);
  free(b->unchirp);
  free(b->kernel);
  free(b);
}

int fft_batch_next(int64_t n) {
  for (;; n++) {
    int64_t rest = n;
    for (int r = 2; r <= 5; r++)
      while (rest % r == 0) rest /= r;
    if (rest == 1) return n > INT32_MAX ? 0 : (int)n;
  }
}

/* The kernel is the conjugate chirp around 0, transformed: in one lane of many
 * that hold the same. */
static int chirp_make(fft_batch* b, const fft_table* t) {
  const int n = b->length, lanes = t->lanes;
  b->wide = fft_batch_next(2 * (int64_t)n - 1);
  if (!b->wide || stages_make(&b->stages, b->wide)) return 1;
  const size_t bytes = (size_t)b->wide * 2 * (size_t)lanes * sizeof(float);
  b->chirp = pairs_alloc(n);
  b->unchirp = pairs_alloc(n);
  b->kernel = pairs_alloc(b->wide);
  float *x = calloc(1, bytes), *y = calloc(1, bytes);
  int status = !b->chirp || !b->unchirp || !b->kernel || !x || !y;
  for (int64_t j = 0; j < n && !status; j++) {
    float* c = b->chirp + 2 * j;
    set_root(c, (double)(j * j % (2 * n)) / (2.0 * n));
    b->unchirp[2 * j] = c[0] / (float)b->wide;
    b->unchirp[2 * j + 1] = -c[1] / (float)b->wide;
    for (int l = 0; l < lanes; l++)
      for (int side = 0; side < (j ? 2 : 1); side++) {
        float* at = x + (side ? b->wide - j : j) * 2 * lanes;
        at[l] = c[0];
        at[lanes + l] = -c[1];
      }
  }
  if (!status) {
    const float* done = t->run(&b->stages, x, y);
    for (int64_t j = 0; j < b->wide; j++) {
      b->kernel[2 * j] = done[j * 2 * lanes];
      b->kernel[2 * j + 1] = done[j * 2 * lanes + lanes];
    }
  }
  free(x);
  free(y);
  return status;
}

static fft_batch* batch_create(int n, bool real) {
  const fft_table* t = ISA_PICK(fft_kernels);
  fft_batch* b = calloc(1, sizeof *b);
  if (!b) return NULL;
  b->n = n;
  b->real = real;
  b->length = real && n % 2 == 0 ? n / 2 : n;
  int status = 0;
  if (b->length != n) {
    b->halves = pairs_alloc(b->length + 1);
    status = !b->halves;
    for (int k = 0; k <= b->length && !status; k++)
      set_root(b->halves + 2 * k, (double)k / n);
  }
  if (!status)
    status = fft_batch_smooth(b->length) ? stages_make(&b->stages, b->length)
                                         : chirp_make(b, t);
  if (!status) return b;
  batch_free(b);
  return NULL;
}

/* ---- kept by each thread ---- */
typedef struct batch_cache {
  fft_batch* batches[FFT_PLANS];
  int next;
} batch_cache;

static pthread_once_t batch_once = PTHREAD_ONCE_INIT;
static pthread_key_t batch_key;

static void cache_free(void* c) {
  for (int i = 0; i < FFT_PLANS; i++) batch_free(((batch_cache*)c)->batches[i]);
  free(c);
}

static void batch_init(void) {
  pthread_key_create(&batch_key, cache_free);
}

const fft_batch* fft_batch_get(int n, bool real) {
  pthread_once(&batch_once, batch_init);
  batch_cache* c = pthread_getspecific(batch_key);
  if (!c) {
    c = calloc(1, sizeof *c);
    if (!c) return NULL;
    pthread_setspecific(batch_key, c);
  }
  for (int i = 0; i < FFT_PLANS; i++) {
    const fft_batch* b = c->batches[i];
    if (b && b->n == n && b->real == real) return b;
  }
  fft_batch* b = batch_create(n, real);
  if (!b) return NULL;
  batch_free(c->batches[c->next]);
  c->batches[c->next] = b;
  c->next = (c->next + 1) % FFT_PLANS;
  return b;
}

int fft_batch_room(const fft_batch* b) {
  return b->wide > b->n ? b->wide : b->n + 1;
}

/* ---- runs ---- */
/* The places of lines across: a few neighbours, far from the few after them,
 * come with no stream of their own. They arrive during the transform. */
static void fetch(const float* to, const fft_lines* out, int n) {
  const int64_t wide = out->imaginary == FFT_NONE ? 1 : 2;
  const int64_t last = out->starts[out->count - 1] - out->starts[0];
  if (llabs(out->step) < FFT_FAR || last < 0 || last >= FFT_FAR) return;
  const float* x = to + out->starts[0];
  for (int64_t k = 0; k < n; k++, x += out->step) {
    for (int64_t at = 0; at < last; at += 16) __builtin_prefetch(x + at, 1);
    __builtin_prefetch(x + last + wide - 1, 1);
  }
}

float* fft_batch_transform(const fft_batch* b, float* x, float* y) {
  const fft_table* t = ISA_PICK(fft_kernels);
  if (!b->wide) return t->run(&b->stages, x, y);
  const int64_t pair = 2 * t->lanes;
  t->times(x, b->chirp, b->length, false);
  memset(
      x + b->length * pair,
      0,
      (size_t)((b->wide - b->length) * pair) * sizeof *x);
  float* z = t->run(&b->stages, x, y);
  t->times(z, b->kernel, b->wide, true);
  z = t->run(&b->stages, z, z == x ? y : x);
  t->times(z, b->unchirp, b->length, true);
  return z;
}

int fft_batch_lines(const fft_batch* b) {
  return ISA_PICK(fft_kernels)->lanes * (b->real && b->length == b->n ? 2 : 1);
}

/* The lines of a run beyond the first `lanes`. */
static fft_lines second_half(const fft_lines* at, int lanes) {
  fft_lines rest = *at;
  rest.starts += lanes;
  rest.count = at->count > lanes ? at->count - lanes : 0;
  return rest;
}

/* Real lines of odd length: those beyond the first `lanes` are imaginary parts
 * of these. */
static void run_pairs(
    const fft_batch* b,
    const float* from,
    const fft_lines* in,
    float* to,
    const fft_lines* out,
    bool inverse,
    float scale,
    float* x,
    float* y) {
  const fft_table* t = ISA_PICK(fft_kernels);
  const int lanes = t->lanes, half = b->n / 2 + 1;
  const int64_t second = 2 * (int64_t)lanes * half;
  fft_lines in_b = second_half(in, lanes), out_b = second_half(out, lanes);
  fft_lines in_a = *in, out_a = *out;
  if (in_a.count > lanes) in_a.count = out_a.count = lanes;
  if (inverse) {
    t->load(y, from, &in_a, half, false);
    t->load(y + second, from, &in_b, half, false);
    t->join(y, y + second, x, b->n);
    float* z = fft_batch_transform(b, x, y);
    t->store(to, z, &out_a, b->n, true, scale);
    t->store(to, z, &out_b, b->n, false, scale);
    return;
  }
  /* A part at a time; what loads one clears the other. */
  t->load(x, from, &in_a, b->n, false);
  if (in_b.count) {
    t->load(y, from, &in_b, b->n, true);
    t->add(x, y, b->n);
  }
  float* z = fft_batch_transform(b, x, y);
  float* parts = z == x ? y : x;
  t->split(z, parts, parts + second, b->n);
  t->store(to, parts, &out_a, half, false, scale);
  t->store(to, parts + second, &out_b, half, false, scale);
}

void fft_batch_run(
    const fft_batch* b,
    const float* from,
    const fft_lines* in,
    float* to,
    const fft_lines* out,
    bool inverse,
    float scale,
    float* x,
    float* y) {
  const fft_table* t = ISA_PICK(fft_kernels);
  fft_lines lines = inverse ? *out : *in;
  const bool halved = b->length != b->n;
  if (b->real && !halved) {
    run_pairs(b, from, in, to, out, inverse, scale, x, y);
    return;
  }
  if (b->real && halved) {
    /* places two by two */
    lines.imaginary = lines.step;
    lines.step *= 2;
  }
  if (!b->real) {
    t->load(x, from, in, b->n, inverse);
    fetch(to, out, b->n);
    t->store(to, fft_batch_transform(b, x, y), out, b->n, inverse, scale);
  } else if (!inverse) {
    t->load(x, from, &lines, b->length, false);
    fetch(to, out, b->n / 2 + 1);
    float* z = fft_batch_transform(b, x, y);
    float* other = z == x ? y : x;
    t->real(z, other, b->halves, b->length);
    t->store(to, other, out, b->n / 2 + 1, false, scale);
  } else {
    t->load(y, from, in, b->length + 1, false);
    fetch(to, out, b->n);
    t->unreal(y, x, b->halves, b->length);
    t->store(to, fft_batch_transform(b, x, y), &lines, b->length, true, scale);
  }
}
