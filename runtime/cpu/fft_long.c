#include "cpu/fft_long.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/fft_batch.h"
#include "cpu/fft_kept.h"
#include "cpu/scratch.h"
#include "stream/pool.h"

/* With n = rows · columns, j = j1 columns + j2 and k = k2 rows + k1:
 * transforms of the columns, times exp(-2 pi i j2 k1 / n), transforms of the
 * rows. For j2 = first + lane that factor is two: one of the lane, and one of
 * the block of columns that goes through the lanes together. */
enum { FINE = 512 };

typedef struct long_plan {
  fft_plan plan;
  int rows, columns, lanes;
  float* lane;  /* rows vectors of exp(-2 pi i k1 lane / n), both parts */
  float* block; /* blocks times rows pairs */
  /* exp(-pi i k / n) as the product of two: k = FINE coarse + fine */
  float *fine, *coarse;
} long_plan;

typedef struct long_run {
  const long_plan* plan;
  const float* from;
  const fft_lines *in, *out;
  float *to, *middle;
  bool inverse;
  float scale;
  atomic_bool failed;
} long_run;

/* The factor of n nearest below its root; 0 if that fills no half of a vector,
 * or n has a large prime factor. */
static int rows_of(int n) {
  if (!fft_batch_smooth(n)) return 0;
  int rows = (int)sqrt((double)n);
  while (n % rows) rows--;
  return rows >= FFT_LANES_MOST / 2 ? rows : 0;
}

bool fft_long_fits(int n) {
  return rows_of(n) != 0;
}

/* What the stages of x lanes of length n cost, about: whole vectors. */
static double cost_of(int n, int x, int lanes) {
  static const struct {
    int radix;
    double cost;
  } stages[] = {{4, 1}, {2, 0.75}, {3, 1}, {5, 1.5}, {7, 2}};
  double each = 2; /* in and out */
  int rest = n;
  for (size_t i = 0; i < sizeof stages / sizeof *stages; i++)
    for (; rest % stages[i].radix == 0; rest /= stages[i].radix)
      each += stages[i].cost;
  if (rest > 1) each += rest / 3.0;
  return each * n * ((x + lanes - 1) / lanes * lanes);
}

int fft_long_better(int64_t least) {
  const int lanes = ISA_PICK(fft_kernels)->lanes;
  int best = 0;
  double lowest = 0;
  for (int64_t n = least; !best || n < least + least / 8; n++) {
    if ((n = fft_batch_next(n)) == 0) break;
    const int rows = rows_of((int)n);
    if (!rows) continue;
    const int columns = (int)n / rows;
    const double cost =
        cost_of(rows, columns, lanes) + cost_of(columns, rows, lanes);
    if (best && cost >= lowest) continue;
    best = (int)n;
    lowest = cost;
  }
  return best;
}

static void plan_free(void* plan) {
  long_plan* p = plan;
  if (!p) return;
  free(p->lane);
  free(p->block);
  free(p->fine);
  free(p->coarse);
  free(p);
}

static void* plan_create(int n) {
  long_plan* p = calloc(1, sizeof *p);
  if (!p) return NULL;
  p->plan = (fft_plan){n, 1};
  p->rows = rows_of(n);
  p->columns = n / p->rows;
  const int lanes = p->lanes = ISA_PICK(fft_kernels)->lanes;
  const int blocks = (p->columns + lanes - 1) / lanes;
  p->lane = malloc((size_t)p->rows * 2 * (size_t)lanes * sizeof(float));
  p->block = malloc((size_t)blocks * (size_t)p->rows * 2 * sizeof(float));
  p->fine = malloc(2 * FINE * sizeof(float));
  p->coarse = malloc(2 * (size_t)(n / FINE + 1) * sizeof(float));
  if (!p->lane || !p->block || !p->fine || !p->coarse) {
    plan_free(p);
    return NULL;
  }
  for (int i = 0; i < FINE; i++)
    fft_root(p->fine + 2 * i, p->fine + 2 * i + 1, i / (2.0 * n));
  for (int64_t i = 0; i <= n / FINE; i++)
    fft_root(
        p->coarse + 2 * i,
        p->coarse + 2 * i + 1,
        (double)(i * FINE) / (2.0 * n));
  for (int64_t k = 0; k < p->rows; k++)
    for (int l = 0; l < lanes; l++) {
      float* at = p->lane + k * 2 * lanes + l;
      fft_root(at, at + lanes, (double)(k * l) / n);
    }
  float* at = p->block;
  for (int64_t b = 0; b < blocks; b++)
    for (int64_t k = 0; k < p->rows; k++, at += 2)
      fft_root(at, at + 1, (double)(b * lanes * k) / n);
  return p;
}

static fft_kept plans = {
    .create = plan_create,
    .destroy = plan_free,
    .lock = PTHREAD_MUTEX_INITIALIZER};

/* The two buffers of a batch of length n; NULL with `failed` set. */
static const fft_batch* buffers(long_run* r, int n, float** x, float** y) {
  const fft_batch* b = fft_batch_get(n, false);
  const int64_t room = b ? 2 * (int64_t)r->plan->lanes * fft_batch_room(b) : 0;
  *x = scratch_get(SCRATCH_KERNEL, (size_t)(2 * room + 16) * sizeof(float));
  *y = *x + room;
  if (b && *x) return b;
  atomic_store(&r->failed, true);
  return NULL;
}

/* The next block of a line: a few neighbours, far from the few after them, come
 * with no stream of their own. */
static void fetch(const float* x, int64_t step, int64_t count, int lanes) {
  for (int64_t k = 0; k < count; k++, x += step)
    for (int at = 0; at < 2 * lanes; at += 16) __builtin_prefetch(x + at, 1);
}

static int least(int a, int b) {
  return a < b ? a : b;
}

static void columns(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  long_run* r = ctx;
  const long_plan* p = r->plan;
  const fft_table* t = ISA_PICK(fft_kernels);
  float *x, *y;
  const fft_batch* b = buffers(r, p->rows, &x, &y);
  for (; b && begin < end; begin++) {
    int64_t from[FFT_LANES_MOST], to[FFT_LANES_MOST];
    const int64_t first = begin * p->lanes;
    const int count = least(p->lanes, p->columns - (int)first);
    for (int l = 0; l < count; l++) {
      from[l] = r->in->starts[0] + (first + l) * r->in->step;
      to[l] = 2 * (first + l);
    }
    const fft_lines in = {
        from, count, r->in->step * p->columns, r->in->imaginary};
    const fft_lines out = {to, count, 2 * (int64_t)p->columns, 1};
    t->load(x, r->from, &in, p->rows, r->inverse);
    if (r->in->step == 2 && begin + 1 < end)
      fetch(r->from + from[count - 1] + 2, in.step, p->rows, p->lanes);
    float* z = fft_batch_transform(b, x, y);
    t->twist(z, p->lane, p->block + begin * p->rows * 2, p->rows);
    t->store(r->middle, z, &out, p->rows, false, 1);
  }
}

static void rows(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  long_run* r = ctx;
  const long_plan* p = r->plan;
  const fft_table* t = ISA_PICK(fft_kernels);
  float *x, *y;
  const fft_batch* b = buffers(r, p->columns, &x, &y);
  for (; b && begin < end; begin++) {
    int64_t from[FFT_LANES_MOST], to[FFT_LANES_MOST];
    const int64_t first = begin * p->lanes;
    const int count = least(p->lanes, p->rows - (int)first);
    for (int l = 0; l < count; l++) {
      from[l] = 2 * (first + l) * p->columns;
      to[l] = r->out->starts[0] + (first + l) * r->out->step;
    }
    const fft_lines in = {from, count, 2, 1};
    const fft_lines out = {
        to, count, r->out->step * p->rows, r->out->imaginary};
    t->load(x, r->middle, &in, p->columns, false);
    if (r->out->step == 2) fetch(r->to + to[0], out.step, p->columns, p->lanes);
    t->store(
        r->to,
        fft_batch_transform(b, x, y),
        &out,
        p->columns,
        r->inverse,
        r->scale);
  }
}

static int run_in(long_run* r) {
  const long_plan* p = r->plan;
  pool_for((p->columns + p->lanes - 1) / p->lanes, 1, columns, r);
  pool_for((p->rows + p->lanes - 1) / p->lanes, 1, rows, r);
  return atomic_load(&r->failed);
}

int fft_long_run(
    int n,
    const float* from,
    const fft_lines* in,
    float* to,
    const fft_lines* out,
    bool inverse,
    float scale) {
  long_plan* p = fft_kept_get(&plans, n);
  long_run r = {
      .plan = p,
      .from = from,
      .in = in,
      .out = out,
      .to = to,
      .middle = scratch_get(SCRATCH_OUTER, (size_t)n * 2 * sizeof(float)),
      .inverse = inverse,
      .scale = scale};
  int status = !p || !r.middle || run_in(&r);
  fft_kept_release(&plans, p);
  return status;
}

/* ---- convolutions: nothing needs the transform in order, so it stays as rows
 * of the matrix ---- */
typedef struct long_conv {
  const long_plan* plan;
  float *x, *middle, *kernel;
  bool make; /* the kernel, of what is in middle */
  atomic_bool failed;
} long_conv;

static const fft_batch* conv_buffers(
    long_conv* c, int n, float** x, float** y) {
  long_run r = {.plan = c->plan};
  const fft_batch* b = buffers(&r, n, x, y);
  if (!b) atomic_store(&c->failed, true);
  return b;
}

static void conv_rows(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  long_conv* c = ctx;
  const long_plan* p = c->plan;
  const fft_table* t = ISA_PICK(fft_kernels);
  const int64_t block = 2 * (int64_t)p->lanes * p->columns;
  float *x, *y;
  const fft_batch* b = conv_buffers(c, p->columns, &x, &y);
  for (; b && begin < end; begin++) {
    int64_t starts[FFT_LANES_MOST];
    const int64_t first = begin * p->lanes;
    const int count = least(p->lanes, p->rows - (int)first);
    for (int l = 0; l < count; l++) starts[l] = 2 * (first + l) * p->columns;
    const fft_lines at = {starts, count, 2, 1};
    t->load(x, c->middle, &at, p->columns, false);
    float *z = fft_batch_transform(b, x, y), *k = c->kernel + begin * block;
    if (c->make) {
      memcpy(k, z, (size_t)block * sizeof *k);
      continue;
    }
    t->product(z, k, p->columns);
    z = fft_batch_transform(b, z, z == x ? y : x);
    t->store(c->middle, z, &at, p->columns, false, 1);
  }
}

static void conv_columns(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  long_conv* c = ctx;
  const long_plan* p = c->plan;
  const fft_table* t = ISA_PICK(fft_kernels);
  float *x, *y;
  const fft_batch* b = conv_buffers(c, p->rows, &x, &y);
  for (; b && begin < end; begin++) {
    int64_t starts[FFT_LANES_MOST];
    const int64_t first = begin * p->lanes;
    const int count = least(p->lanes, p->columns - (int)first);
    for (int l = 0; l < count; l++) starts[l] = 2 * (first + l);
    const fft_lines at = {starts, count, 2 * (int64_t)p->columns, 1};
    t->load(x, c->middle, &at, p->rows, false);
    t->twist(x, p->lane, p->block + begin * p->rows * 2, p->rows);
    float* z = fft_batch_transform(b, x, y);
    t->store(c->x, z, &at, p->rows, false, 1 / (float)p->plan.n);
  }
}

static int conv_run(int n, float* x, float* kernel, bool make) {
  long_plan* p = fft_kept_get(&plans, n);
  const int64_t zero = 0;
  const fft_lines line = {&zero, 1, 2, 1};
  long_run r = {
      .plan = p,
      .from = x,
      .in = &line,
      .middle = scratch_get(SCRATCH_OUTER, (size_t)n * 2 * sizeof(float))};
  long_conv c = {p, x, r.middle, kernel, make, false};
  int status = !p || !r.middle;
  if (!status) {
    const int64_t across = (p->columns + p->lanes - 1) / p->lanes;
    pool_for(across, 1, columns, &r);
    pool_for((p->rows + p->lanes - 1) / p->lanes, 1, conv_rows, &c);
    if (!make) pool_for(across, 1, conv_columns, &c);
    status = atomic_load(&r.failed) || atomic_load(&c.failed);
  }
  fft_kept_release(&plans, p);
  return status;
}

int64_t fft_long_kernel_size(int n) {
  const int64_t lanes = ISA_PICK(fft_kernels)->lanes, rows = rows_of(n);
  return (rows + lanes - 1) / lanes * lanes * 2 * (n / rows);
}

int fft_long_kernel(int n, float* x, float* kernel) {
  return conv_run(n, x, kernel, true);
}

int fft_long_convolve(int n, float* x, const float* kernel) {
  return conv_run(n, x, (float*)(uintptr_t)kernel, false);
}

/* ---- real lines: see fft_table's real and unreal ---- */
typedef struct long_real {
  const long_plan* plan; /* of half the length */
  const float *from, *z;
  float* to; /* the elements, or z */
  const fft_lines* parts;
  float scale;
} long_real;

static void root_of(const long_plan* p, int64_t k, float* w) {
  const float *f = p->fine + 2 * (k % FINE), *c = p->coarse + 2 * (k / FINE);
  w[0] = f[0] * c[0] - f[1] * c[1];
  w[1] = f[0] * c[1] + f[1] * c[0];
}

static void to_elements(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const long_real* r = ctx;
  const int64_t m = r->plan->plan.n;
  for (int64_t k = begin; k < end; k++) {
    float w[2];
    root_of(r->plan, k, w);
    const float* a = r->z + 2 * (k == m ? 0 : k);
    const float* b = r->z + 2 * (k == 0 ? 0 : m - k);
    const float er = (a[0] + b[0]) / 2, ei = (a[1] - b[1]) / 2;
    const float or = (a[1] + b[1]) / 2, oi = (b[0] - a[0]) / 2;
    float* x = r->to + r->parts->starts[0] + k * r->parts->step;
    x[0] = (er + w[0] * or -w[1] * oi) * r->scale;
    x[1] = (ei + w[0] * oi + w[1] * or) * r->scale;
  }
}

static void from_elements(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const long_real* r = ctx;
  const int64_t m = r->plan->plan.n;
  for (int64_t k = begin; k < end; k++) {
    float w[2];
    root_of(r->plan, k, w);
    const float* a = r->from + r->parts->starts[0] + k * r->parts->step;
    const float* b = r->from + r->parts->starts[0] + (m - k) * r->parts->step;
    /* imaginary parts that cannot be are not looked at */
    const float ai = k ? a[1] : 0, bi = k ? b[1] : 0;
    const float er = a[0] + b[0], ei = ai - bi;
    const float dr = a[0] - b[0], di = ai + bi;
    const float or = dr * w[0] + di * w[1], oi = di * w[0] - dr * w[1];
    r->to[2 * k] = er - oi;
    r->to[2 * k + 1] = ei + or ;
  }
}

int fft_long_real(
    int n,
    const float* from,
    const fft_lines* in,
    float* to,
    const fft_lines* out,
    bool inverse,
    float scale) {
  enum { GRAIN = 16384 };
  const int m = n / 2;
  float* z = scratch_get(SCRATCH_OUTER, (size_t)m * 4 * sizeof(float));
  long_plan* p = fft_kept_get(&plans, m);
  const int64_t zero = 0;
  const fft_lines line = {&zero, 1, 2, 1};
  fft_lines pairs = inverse ? *out : *in; /* of places, two by two */
  pairs.imaginary = pairs.step;
  pairs.step *= 2;
  int status = !z || !p;
  long_run r = {
      .plan = p,
      .from = inverse ? z : from,
      .in = inverse ? &line : &pairs,
      .out = inverse ? &pairs : &line,
      .to = inverse ? to : z,
      .middle = z + 2 * (int64_t)m,
      .inverse = inverse,
      .scale = inverse ? scale : 1};
  if (!status && inverse) {
    long_real e = {p, from, NULL, z, in, 1};
    pool_for(m, GRAIN, from_elements, &e);
    status = run_in(&r);
  } else if (!status) {
    long_real e = {p, NULL, z, to, out, scale};
    status = run_in(&r);
    if (!status) pool_for(m + 1, GRAIN, to_elements, &e);
  }
  fft_kept_release(&plans, p);
  return status;
}
