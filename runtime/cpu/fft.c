#include "cpu/fft.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "cpu/copy.h"
#include "cpu/fft_batch.h"
#include "cpu/fft_long.h"
#include "cpu/fft_single.h"
#include "cpu/lead.h"
#include "cpu/scratch.h"
#include "stream/pool.h"

/* FFT_SHORT  lines go through vectors together however few they are
 * FFT_LONG   and not even when many: their buffers would leave the cache
 * FFT_OWN    a line that a thread's cache holds
 * FFT_NEAR, FFT_WIDE  lines that are brought together, and for vectors
 * FFT_BLOCK  bytes of them */
enum {
  FFT_SHORT = 256,
  FFT_LONG = 1 << 11,
  FFT_OWN = 1 << 17,
  FFT_NEAR = 16,
  FFT_WIDE = 64,
  FFT_BLOCK = 4 << 20
};

typedef struct fft_pass {
  const lz_view *from, *to;
  int axis;
  int n;       /* of the transform */
  int in, out; /* elements of a line before and after */
  bool inverse;
  float scale;
  _Atomic int failed;
} fft_pass;

static bool fft_along_both(const fft_pass* p) {
  return p->from->strides[p->axis] == 1 && p->to->strides[p->axis] == 1;
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
  const int most = fft_batch_lines(b);
  for (int64_t i = begin; i < end; i++) {
    const int64_t first = i * most;
    const int count = all - first < most ? (int)(all - first) : most;
    int64_t from[FFT_LINES_MOST], to[FFT_LINES_MOST];
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

/* ---- one line, or two real ones ---- */
static void single_parts(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  fft_pass* p = ctx;
  const int most = p->from->dtype != p->to->dtype ? 2 : 1;
  const int64_t all = view_size(p->to) / p->out;
  for (int64_t i = begin; i < end; i++) {
    int64_t from[2], to[2];
    const int64_t first = i * most;
    const int count = all - first < most ? (int)(all - first) : most;
    const fft_lines in = batch_lines(p->from, p->axis, first, count, from);
    const fft_lines out = batch_lines(p->to, p->axis, first, count, to);
    if (fft_single_run(
            p->n, p->from->data, &in, p->to->data, &out, p->inverse, p->scale))
      atomic_store(&p->failed, 1);
  }
}

static void long_parts(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  fft_pass* p = ctx;
  const bool real = p->from->dtype != p->to->dtype;
  for (int64_t i = begin; i < end; i++) {
    int64_t from, to;
    const fft_lines in = batch_lines(p->from, p->axis, i, 1, &from);
    const fft_lines out = batch_lines(p->to, p->axis, i, 1, &to);
    if ((real ? fft_long_real : fft_long_run)(
            p->n, p->from->data, &in, p->to->data, &out, p->inverse, p->scale))
      atomic_store(&p->failed, 1);
  }
}

/* Whether lines lie across so that a batch of them ends within lines of memory,
 * which the next one needs again. */
static bool batch_shares(const lz_view* v, int axis) {
  enum { LINE = 64, LEAST = 64 << 10 };
  const int64_t size = (int64_t)dtype_size(v->dtype);
  const int64_t apart = v->strides[axis] * size;
  if (llabs(apart) < 4 * LINE || view_size(v) * size < LEAST) return false;
  return apart % LINE || (uintptr_t)v->data % LINE;
}

/* ---- lines that do not lie along: some neighbours are brought together, and
 * what comes out goes to its places together ---- */
typedef struct block_pass {
  fft_pass* p;
  pool_fn parts; /* of lines that lie along */
  int axis;      /* of the neighbours */
  int64_t block, blocks;
  int each; /* lines of a part */
} block_pass;

/* The axis along which neighbours lie nearest; -1: a single line. */
static int block_axis(const fft_pass* p) {
  const lz_view* v = p->from->strides[p->axis] != 1 ? p->from : p->to;
  int axis = -1;
  for (int d = 0; d < v->ndim; d++)
    if (d != p->axis && v->shape[d] > 1 &&
        (axis < 0 || llabs(v->strides[d]) < llabs(v->strides[axis])))
      axis = d;
  return axis;
}

/* Block number i on one side, two axes; `room` for its extents and strides. */
static lz_view block_view(
    const block_pass* b,
    const lz_view* v,
    int64_t i,
    int32_t* shape,
    int64_t* strides) {
  int64_t at = 0, first = 0;
  shape[0] = 1;
  strides[0] = 0;
  if (b->axis >= 0) {
    first = i % b->blocks * b->block;
    i /= b->blocks;
    const int64_t left = v->shape[b->axis] - first;
    shape[0] = (int32_t)(left < b->block ? left : b->block);
    strides[0] = v->strides[b->axis];
    at = first * strides[0];
  }
  for (int d = v->ndim; d-- > 0;) {
    if (d == b->p->axis || d == b->axis) continue;
    at += i % v->shape[d] * v->strides[d];
    i /= v->shape[d];
  }
  shape[1] = v->shape[b->p->axis];
  strides[1] = v->strides[b->p->axis];
  char* data = (char*)v->data + at * (int64_t)dtype_size(v->dtype);
  return (lz_view){data, v->dtype, 2, shape, strides};
}

/* Of the lines brought together: along, or as vectors take them. */
static void block_strides(
    const block_pass* b, const int32_t* shape, int64_t* strides) {
  strides[0] = b->parts == batch_parts ? 1 : shape[1];
  strides[1] = b->parts == batch_parts ? shape[0] : 1;
}

static void block_parts(void* ctx, int64_t begin, int64_t end, int worker) {
  const block_pass* b = ctx;
  fft_pass* p = b->p;
  const bool real = p->from->dtype != p->to->dtype;
  const int64_t longest = p->in > p->out ? p->in : p->out;
  const size_t bytes = (size_t)(b->block * longest) * sizeof(lz_complex);
  char* room = scratch_get(SCRATCH_BLOCK, real ? 2 * bytes : bytes);
  if (!room) {
    atomic_store(&p->failed, 1);
    return;
  }
  for (; begin < end; begin++) {
    int32_t shape[2][2];
    int64_t strides[2][2], rows[2][2];
    lz_view from = block_view(b, p->from, begin, shape[0], strides[0]);
    const lz_view to = block_view(b, p->to, begin, shape[1], strides[1]);
    lz_view near = to;
    if (strides[0][1] != 1) {
      lz_view copy = from;
      copy.data = room;
      copy.strides = rows[0];
      block_strides(b, shape[0], rows[0]);
      copy_run(&copy, &from);
      from = copy;
    }
    if (strides[1][1] != 1) {
      near.data = real ? room + bytes : room;
      near.strides = rows[1];
      block_strides(b, shape[1], rows[1]);
    }
    fft_pass lines = *p;
    lines.from = &from;
    lines.to = &near;
    lines.axis = 1;
    atomic_init(&lines.failed, 0);
    b->parts(&lines, 0, (shape[0][0] + b->each - 1) / b->each, worker);
    if (atomic_load(&lines.failed)) atomic_store(&p->failed, 1);
    if (near.data != to.data) copy_run(&to, &near);
  }
}

/* `each`: how many lines the parts take at a time. */
static void run_blocks(
    fft_pass* p, pool_fn parts, int each_part, int64_t lines) {
  const int64_t bytes = (int64_t)p->n * (int64_t)sizeof(lz_complex);
  block_pass b = {
      .p = p,
      .parts = parts,
      .axis = block_axis(p),
      .block = 1,
      .each = each_part};
  int64_t extent = b.axis < 0 ? 1 : p->to->shape[b.axis];
  /* Neighbours have nothing in common where each line fills its own memory. */
  const bool near = llabs(p->from->strides[p->axis]) <= 2 &&
                    llabs(p->to->strides[p->axis]) <= 2;
  int64_t most = parts == batch_parts ? FFT_WIDE : near ? each_part : FFT_NEAR;
  if (most > FFT_BLOCK / bytes) most = FFT_BLOCK / bytes;
  if (parts != batch_parts && most > extent / pool_threads())
    most = extent / pool_threads();
  b.block = most > each_part ? most / each_part * each_part : each_part;
  b.blocks = (extent + b.block - 1) / b.block;
  const int64_t units = lines / extent * b.blocks;
  /* As below: threads share what is too little or too large for one each. */
  const bool each = units >= pool_threads() && p->n <= FFT_OWN;
  pool_for(units, each ? 1 : units, block_parts, &b);
}

/* Whether vectors are filled well enough, or lines so short that it does not
 * matter. `other`: whether a line alone is no convolution. */
static bool batched(const fft_pass* p, int64_t lines, bool other) {
  const int lanes = ISA_PICK(fft_kernels)->lanes;
  const bool smooth = fft_batch_smooth(p->n);
  /* Lines that do not lie along are neighbours, which go together best. */
  const bool across = smooth && !fft_along_both(p);
  if (p->n <= 1 || p->n > (across ? 4 * FFT_LONG : FFT_LONG)) return false;
  if (p->n < (smooth ? FFT_SHORT : FFT_SHORT / 2)) return true;
  if (!smooth) return lines >= lanes - lanes / 4;
  return lines >= (other ? lanes / 2 : lanes / 5);
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
  const bool real = from->dtype != to->dtype, odd = p.n % 2;
  const int64_t grain = 16384 / p.n;
  const int64_t pairs = real ? (lines + 1) / 2 : lines;
  /* Of real lines two at a time are quicker than one of half the length. */
  const bool alone = real && !odd && lines == 1 && fft_long_fits(p.n / 2);
  const bool fits = alone || (!real && fft_long_fits(p.n));
  if (batched(&p, real && odd ? pairs : lines, alone || fft_long_fits(p.n))) {
    const int most = ISA_PICK(fft_kernels)->lanes * (real && odd ? 2 : 1);
    if (batch_shares(p.from, axis) || batch_shares(p.to, axis)) {
      run_blocks(&p, batch_parts, most, lines);
      return atomic_load(&p.failed);
    }
    pool_for((lines + most - 1) / most, grain / most + 1, batch_parts, &p);
    return atomic_load(&p.failed);
  }
  if (!fft_along_both(&p)) {
    run_blocks(
        &p, fits ? long_parts : single_parts, fits || !real ? 1 : 2, lines);
    return atomic_load(&p.failed);
  }
  /* Threads share the work of one line where there are too few for all, or its
   * buffer is larger than the cache of one. */
  const int64_t units = fits ? lines : pairs;
  const bool each = units >= pool_threads() && p.n <= FFT_OWN;
  pool_for(
      units, each ? grain + 1 : units, fits ? long_parts : single_parts, &p);
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
