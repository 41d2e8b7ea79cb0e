/* Convolutions for oneDNN: images, or rows of one, shared out as convolutions
 * of their own. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/conv_plan.h"
#include "cpu/gemm.h"
#include "cpu/onednn.h"
#include "cpu/scratch.h"
#include "stream/pool.h"

/* Making a primitive costs as much as so many products. */
#define CONV_WORTH 1e6
#define CONV_PARTS 64

typedef struct conv_part {
  onednn_entry* entry;
  void* weights; /* in the order the entry wants */
  bool owner;    /* of the weights */
  const char* in;
  int64_t image, row, rows;  /* of out: the first image, and rows of each */
  int64_t in_size, out_size; /* elements */
} conv_part;

typedef struct conv_parts {
  const conv_plan* c;
  bool convert; /* halves that are computed as float32 */
  bool dense;   /* out is; else it is written pixel by pixel */
  int skip;     /* axes that are not there */
  int count;
  conv_part part[CONV_PARTS];
  _Atomic int failed;
} conv_parts;

static int64_t max64(int64_t a, int64_t b) {
  return a > b ? a : b;
}
static int64_t min64(int64_t a, int64_t b) {
  return a < b ? a : b;
}

static int64_t product3(const int64_t* x, int n) {
  int64_t p = 1;
  for (int i = 0; i < n; i++) p *= x[i];
  return p;
}

static bool conv_fits(const conv_plan* c) {
  for (int i = 0; i < CONV_SPATIAL; i++)
    if (c->params.padding[i] < 0) return false;
  const double pixels = (double)c->images * (double)c->out_extent[0] *
                        (double)c->out_extent[1] * (double)c->out_extent[2];
  return gemm_kind_of(c->in->dtype) == GEMM_F32 && view_is_contiguous(c->in) &&
         view_is_contiguous(c->out) && c->channels > 0 &&
         pixels * (double)(c->outputs * c->params.groups) *
                 (double)(c->channels * c->taps) >=
             CONV_WORTH;
}

/* The convolution that makes output rows [o0, o1) of the first axis, counting
 * `skip` axes that are not there, from input rows [*i0, …). Nonzero: it would
 * see nothing but padding. */
static int part_shape(
    const conv_plan* c,
    int skip,
    int64_t images,
    int64_t o0,
    int64_t o1,
    onednn_conv* s,
    int64_t* i0) {
  const int64_t groups = c->params.groups;
  memset(s, 0, sizeof *s);
  s->spatial = CONV_SPATIAL - skip;
  s->images = images;
  s->channels = c->channels * groups;
  s->outputs = c->outputs * groups;
  s->groups = groups;
  *i0 = 0;
  for (int i = 0; i < s->spatial; i++) {
    const int axis = skip + i;
    const int64_t from = i == 0 ? o0 : 0;
    const int64_t to = i == 0 ? o1 : c->out_extent[axis];
    s->kernel[i] = c->w_extent[axis];
    s->stride[i] = c->params.stride[axis];
    s->dilation[i] = c->params.kernel_dilation[axis];
    s->out[i] = to - from;
    const int64_t first = from * s->stride[i] - c->params.padding[axis];
    const int64_t end = (to - 1) * s->stride[i] +
                        (s->kernel[i] - 1) * s->dilation[i] + 1 -
                        c->params.padding[axis];
    const int64_t in0 = max64(first, 0), in1 = min64(end, c->in_extent[axis]);
    if (in1 <= in0) return 1;
    s->before[i] = in0 - first;
    s->after[i] = end - in1;
    s->in[i] = in1 - in0;
    /* The axes within a row are not cut: what is left over stays there. */
    if (i > 0) {
      s->before[i] = max64(-first, 0);
      s->after[i] = max64(end - c->in_extent[axis], 0);
      s->in[i] = c->in_extent[axis];
    } else {
      *i0 = in0;
    }
  }
  return 0;
}

/* Weights as float32 or bfloat16, rows of taps and channels, flipped if need
 * be. */
static void* dense_weights(const conv_plan* c, bool convert) {
  const int64_t row = c->taps * c->channels;
  const int64_t rows = c->outputs * c->params.groups;
  const int64_t size = convert ? (int64_t)sizeof(float) : c->size;
  char* all = malloc((size_t)(rows * row * size + row * c->size));
  if (!all) return NULL;
  char* line = all + rows * row * size;
  for (int64_t o = 0; o < rows; o++) {
    conv_kernel(c, o, 0, row, line);
    if (convert)
      gemm_kernels()->load[c->w->dtype]((float*)all + o * row, line, 1, row);
    else
      memcpy(all + o * row * size, line, (size_t)(row * size));
  }
  return all;
}

/* Pixels, one after the other, to where they belong. */
static void scatter(const conv_parts* p, const conv_part* part, char* from) {
  const conv_plan* c = p->c;
  const int64_t n = c->outputs * c->params.groups;
  int64_t extents[CONV_SPATIAL], at[CONV_SPATIAL];
  memcpy(extents, c->out_extent, sizeof extents);
  extents[p->skip] = part->rows;
  const int64_t pixels = product3(extents, CONV_SPATIAL);
  for (int64_t i = 0; i < part->out_size / n; i++) {
    int64_t rest = i % pixels;
    int64_t offset = (part->image + i / pixels) * c->out->strides[0];
    for (int axis = CONV_SPATIAL; axis-- > 0;) {
      at[axis] = rest % extents[axis];
      rest /= extents[axis];
    }
    at[p->skip] += part->row;
    for (int axis = 0; axis < CONV_SPATIAL; axis++)
      offset += at[axis] * c->out_step[axis];
    char* to = (char*)c->out->data + offset * c->size;
    if (p->convert)
      gemm_kernels()->store[c->out->dtype](to, 1, (float*)from + i * n, n);
    else
      memcpy(to, from + i * n * c->size, (size_t)(n * c->size));
  }
}

static void run_part(conv_parts* p, conv_part* part) {
  const conv_plan* c = p->c;
  if (p->dense && !p->convert) {
    char* out = (char*)c->out->data + (part->image * c->out->strides[0] +
                                       part->row * c->out_step[p->skip]) *
                                          c->size;
    if (onednn_conv_run(part->entry, part->in, part->weights, out))
      atomic_store(&p->failed, 1);
    return;
  }
  /* At most four bytes an element; each buffer in whole lines. */
  const int64_t in_size = p->convert ? (part->in_size + 15) & ~(int64_t)15 : 0;
  float* room = scratch_get(
      SCRATCH_KERNEL, (size_t)(in_size + part->out_size) * sizeof *room);
  if (!room) {
    atomic_store(&p->failed, 1);
    return;
  }
  const void* in = part->in;
  if (p->convert) {
    gemm_kernels()->load[c->in->dtype](room, part->in, 1, part->in_size);
    in = room;
  }
  if (onednn_conv_run(part->entry, in, part->weights, room + in_size))
    atomic_store(&p->failed, 1);
  else
    scatter(p, part, (char*)(room + in_size));
}

static void run_parts(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  conv_parts* p = ctx;
  for (int64_t i = begin; i < end; i++) run_part(p, &p->part[i]);
}

/* Adds a part; nonzero: it cannot be. */
static int add_part(
    conv_parts* p,
    int skip,
    const void* given,
    int64_t image,
    int64_t images,
    int64_t o0,
    int64_t o1) {
  const conv_plan* c = p->c;
  conv_part* part = &p->part[p->count];
  onednn_conv shape;
  int64_t i0;
  if (part_shape(c, skip, images, o0, o1, &shape, &i0)) return 1;
  shape.dtype = p->convert ? DTYPE_FLOAT32 : c->in->dtype;
  shape.w_steps[shape.spatial + 1] = 1;
  for (int i = shape.spatial; i >= 0; i--)
    shape.w_steps[i] = shape.w_steps[i + 1] *
                       (i == shape.spatial ? c->channels : shape.kernel[i]);
  *part = (conv_part){.entry = onednn_conv_get(&shape)};
  if (!part->entry) return 1;
  p->count++;
  const int64_t in_row =
      product3(shape.in + 1, shape.spatial - 1) * shape.channels;
  const int64_t out_row =
      product3(shape.out + 1, shape.spatial - 1) * shape.outputs;
  const int64_t in_image = c->in_extent[skip] * in_row;
  part->in =
      (const char*)c->in->data + (image * in_image + i0 * in_row) * c->size;
  part->image = image;
  part->row = o0;
  part->rows = o1 - o0;
  part->in_size = images * shape.in[0] * in_row;
  part->out_size = images * shape.out[0] * out_row;
  for (int i = 0; i < p->count - 1; i++)
    if (onednn_conv_same_weights(p->part[i].entry, part->entry)) {
      part->weights = p->part[i].weights;
      return 0;
    }
  const size_t bytes = onednn_conv_weights(part->entry);
  part->weights = aligned_alloc(64, (bytes + 63) & ~(size_t)63);
  part->owner = true;
  return !part->weights ||
         onednn_conv_prepare(part->entry, given, part->weights);
}

static int add_parts(conv_parts* p, const void* given) {
  const conv_plan* c = p->c;
  int skip = 0;
  while (skip < CONV_SPATIAL && skip < CONV_SPATIAL + 2 - c->in->ndim) skip++;
  p->skip = skip;
  p->dense = view_is_contiguous(c->out);
  const int64_t rows = c->out_extent[skip];
  int64_t want = pool_threads();
  if (want > CONV_PARTS / 2) want = CONV_PARTS / 2;
  if (c->images >= want) {
    /* Twice as many where there is work for it, to even out. */
    if (c->images >= 4 * want) want *= 2;
    const int64_t each = (c->images + want - 1) / want;
    for (int64_t i = 0; i < c->images; i += each)
      if (add_part(p, skip, given, i, min64(each, c->images - i), 0, rows))
        return 1;
    return 0;
  }
  const int64_t cuts = (want + c->images - 1) / c->images;
  const int64_t each = (rows + cuts - 1) / cuts;
  for (int64_t i = 0; i < c->images; i++)
    for (int64_t o = 0; o < rows; o += each)
      if (add_part(p, skip, given, i, 1, o, min64(rows, o + each))) return 1;
  return 0;
}

int conv_onednn(const conv_plan* c) {
  if (!conv_fits(c)) return 1;
  conv_parts p = {.c = c};
  p.convert = c->in->dtype == DTYPE_FLOAT16 ||
              (c->in->dtype == DTYPE_BFLOAT16 && !onednn_has_bf16());
  const bool as_is = !p.convert && !c->params.flip && view_is_contiguous(c->w);
  void* given = as_is ? NULL : dense_weights(c, p.convert);
  if (!as_is && !given) return -1;
  int status = add_parts(&p, as_is ? c->w->data : given);
  free(given);
  if (!status) {
    pool_for(p.count, 1, run_parts, &p);
    /* The other way is open still: nothing is read that was written. */
    status = atomic_load(&p.failed);
  }
  for (int i = 0; i < p.count; i++) {
    onednn_conv_release(p.part[i].entry);
    if (p.part[i].owner) free(p.part[i].weights);
  }
  return status;
}
