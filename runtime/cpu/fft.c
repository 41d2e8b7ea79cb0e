#include "cpu/fft.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/fft_batch.h"
#include "cpu/fft_long.h"
#include "cpu/lead.h"
#include "cpu/scratch.h"
#include "stream/pool.h"

/* Lines that are gathered together: neighbours in memory share cache lines. */
#define FFT_LINES 8
/* Lengths that go through vectors even alone, and that do not even together. */
enum { FFT_SHORT = 1024, FFT_LONG = 1 << 17 };

typedef struct fft_pass {
  const lz_view *from, *to;
  int axis;
  int n;       /* of the transform */
  int in, out; /* elements of a line before and after */
  bool inverse;
  float scale;
  _Atomic int failed;
} fft_pass;

static size_t pass_bytes(const fft_pass* p, int elements) {
  (void)p;
  return ((size_t)elements * sizeof(lz_complex) + 63) & ~(size_t)63;
}

/* Where line i starts: the index over all axes but the one transformed. */
static int64_t line_offset(const lz_view* v, int axis, int64_t i) {
  int64_t at = 0;
  for (int a = v->ndim; a-- > 0;) {
    if (a == axis) continue;
    at += i % v->shape[a] * v->strides[a];
    i /= v->shape[a];
  }
  return at;
}

/* Copies between lines in memory and rows of a buffer. */
static void lines_in(
    const fft_pass* p, const int64_t* starts, int count, char* to) {
  const size_t size = dtype_size(p->from->dtype);
  const int64_t step = p->from->strides[p->axis];
  const size_t row = pass_bytes(p, p->in);
  for (int k = 0; k < p->in; k++)
    for (int l = 0; l < count; l++)
      memcpy(
          to + (size_t)l * row + (size_t)k * size,
          lead_data(p->from, starts[l] + k * step),
          size);
}

static void lines_out(
    const fft_pass* p, const int64_t* starts, int count, const char* from) {
  const int64_t step = p->to->strides[p->axis];
  const size_t row = pass_bytes(p, p->out);
  const bool real = p->to->dtype == DTYPE_FLOAT32;
  for (int k = 0; k < p->out; k++)
    for (int l = 0; l < count; l++) {
      char* to = lead_data(p->to, starts[l] + k * step);
      const float* x = (const float*)(from + (size_t)l * row);
      if (real) {
        *(float*)to = x[k] * p->scale;
      } else {
        ((float*)to)[0] = x[2 * k] * p->scale;
        ((float*)to)[1] = x[2 * k + 1] * p->scale;
      }
    }
}

static void pass_parts(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  fft_pass* p = ctx;
  const bool real = p->from->dtype != p->to->dtype;
  const fft_plan* plan = fft_plan_get(p->n, real, p->inverse);
  const size_t in = pass_bytes(p, p->in), out = pass_bytes(p, p->out);
  char* room = scratch_get(SCRATCH_KERNEL, FFT_LINES * (in + out));
  if (!plan || !room) {
    atomic_store(&p->failed, 1);
    return;
  }
  char* results = room + FFT_LINES * in;
  for (int64_t i = begin; i < end; i += FFT_LINES) {
    const int count = end - i < FFT_LINES ? (int)(end - i) : FFT_LINES;
    int64_t from[FFT_LINES], to[FFT_LINES];
    for (int l = 0; l < count; l++) {
      from[l] = line_offset(p->from, p->axis, i + l);
      to[l] = line_offset(p->to, p->axis, i + l);
    }
    lines_in(p, from, count, room);
    for (int l = 0; l < count; l++)
      fft_plan_run(plan, room + (size_t)l * in, results + (size_t)l * out);
    lines_out(p, to, count, results);
  }
}

/* ---- as many lines at once as a vector has lanes ---- */
static fft_lines batch_lines(
    const lz_view* v, int axis, int64_t first, int count, int64_t* starts) {
  const bool real = v->dtype == DTYPE_FLOAT32;
  const int floats = real ? 1 : 2;
  for (int l = 0; l < count; l++)
    starts[l] = line_offset(v, axis, first + l) * floats;
  return (fft_lines){
      starts, count, v->strides[axis] * floats, real ? FFT_NONE : 1};
}

static void batch_parts(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  fft_pass* p = ctx;
  const int lanes = ISA_PICK(fft_kernels)->lanes;
  const int64_t all = view_size(p->to) / p->out;
  const fft_batch* b = fft_batch_get(p->n, p->from->dtype != p->to->dtype);
  const int64_t room = b ? 2 * (int64_t)lanes * fft_batch_room(b) : 0;
  float* x =
      scratch_get(SCRATCH_KERNEL, (size_t)(2 * room + 16) * sizeof(float));
  if (!b || !x) {
    atomic_store(&p->failed, 1);
    return;
  }
  for (int64_t i = begin; i < end; i++) {
    const int64_t first = i * lanes;
    const int count = all - first < lanes ? (int)(all - first) : lanes;
    int64_t from[FFT_LANES_MOST], to[FFT_LANES_MOST];
    const fft_lines in = batch_lines(p->from, p->axis, first, count, from);
    const fft_lines out = batch_lines(p->to, p->axis, first, count, to);
    fft_batch_run(
        b,
        p->from->data,
        &in,
        p->to->data,
        &out,
        p->inverse,
        p->scale,
        x,
        x + room);
  }
}

/* Long lines, one after another. */
static int long_lines(const fft_pass* p, int64_t lines) {
  const bool real = p->from->dtype != p->to->dtype;
  for (int64_t i = 0; i < lines; i++) {
    int64_t from, to;
    const fft_lines in = batch_lines(p->from, p->axis, i, 1, &from);
    const fft_lines out = batch_lines(p->to, p->axis, i, 1, &to);
    if ((real ? fft_long_real : fft_long_run)(
            p->n, p->from->data, &in, p->to->data, &out, p->inverse, p->scale))
      return 1;
  }
  return 0;
}

/* Whether lanes are filled well enough, or lines so short that it does not
 * matter. */
static bool batched(const fft_pass* p, int64_t lines) {
  const int lanes = ISA_PICK(fft_kernels)->lanes;
  return p->n > 1 &&
         (p->n <= FFT_SHORT || (lines >= lanes / 2 && p->n <= FFT_LONG));
}

/* from and to may be the same memory with the same strides. */
static int fft_along(
    const lz_view* from,
    const lz_view* to,
    int axis,
    bool inverse,
    float scale) {
  const bool back = to->dtype == DTYPE_FLOAT32;
  fft_pass p = {
      .from = from,
      .to = to,
      .axis = axis,
      .n = back ? to->shape[axis] : from->shape[axis],
      .in = from->shape[axis],
      .out = to->shape[axis],
      .inverse = inverse,
      .scale = scale};
  const int64_t lines = view_size(to) / p.out;
  const bool real = from->dtype != to->dtype;
  const int64_t grain = 16384 / p.n;
  if (batched(&p, lines)) {
    const int lanes = ISA_PICK(fft_kernels)->lanes;
    pool_for((lines + lanes - 1) / lanes, grain / lanes + 1, batch_parts, &p);
    return atomic_load(&p.failed);
  }
  if (p.n >= FFT_SHORT && !(real && p.n % 2) &&
      fft_long_fits(real ? p.n / 2 : p.n))
    return long_lines(&p, lines);
  pool_for(lines, grain < FFT_LINES ? FFT_LINES : grain, pass_parts, &p);
  return atomic_load(&p.failed);
}

int fft_run(
    const lz_view* in,
    const lz_view* out,
    const int* axes,
    int n_axes,
    bool inverse) {
  if (view_size(out) == 0) return 0;
  const bool to_real = out->dtype == DTYPE_FLOAT32;
  const lz_view* whole = to_real ? out : in;
  double elements = 1;
  for (int i = 0; i < n_axes; i++) elements *= whole->shape[axes[i]];
  const float scale = inverse ? (float)(1 / elements) : 1;
  const int last = n_axes - 1;
  if (!to_real) {
    /* The first pass reads in, the others work where it wrote. */
    for (int i = last; i >= 0; i--) {
      const lz_view* from = i == last ? in : out;
      if (fft_along(from, out, axes[i], inverse, i == last ? scale : 1))
        return 1;
    }
    return 0;
  }
  if (n_axes == 1) return fft_along(in, out, axes[last], inverse, scale);
  lz_view middle = *in;
  int64_t strides[LZ_MAX_DIMS];
  int64_t n = view_row_strides(in->ndim, in->shape, strides);
  middle.strides = strides;
  middle.data = malloc((size_t)n * sizeof(lz_complex));
  if (!middle.data) return 1;
  int status = 0;
  for (int i = 0; i < last && !status; i++)
    status = fft_along(i ? &middle : in, &middle, axes[i], inverse, 1);
  if (!status) status = fft_along(&middle, out, axes[last], inverse, scale);
  free(middle.data);
  return status;
}
