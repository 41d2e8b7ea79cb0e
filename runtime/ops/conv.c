#include "ops/conv.h"

#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "core/scope.h"
#include "cpu/conv.h"
#include "ops/elementwise.h"
#include "ops/infer.h"
#include "ops/shape.h"

/* The node's parameters: plain data, without the padding of conv_params. What
 * is padded at the end is what the output's shape says. */
typedef struct conv_node {
  int32_t stride[CONV_SPATIAL], padding[CONV_SPATIAL];
  int32_t kernel_dilation[CONV_SPATIAL], input_dilation[CONV_SPATIAL];
  int32_t groups, flip;
  int32_t known_end; /* whether padding_end says so too */
  int32_t padding_end[CONV_SPATIAL];
} conv_node;

static int conv_cpu(lz_exec* x) {
  const conv_node* p = x->params;
  if (exec_alloc(x, 0)) return 1;
  if (x->out[0]->size == 0) return 0;
  lz_view in = array_view(x->in[0]), w = array_view(x->in[1]),
          out = array_view(x->out[0]);
  conv_params c = {.groups = p->groups, .flip = p->flip};
  memcpy(c.stride, p->stride, sizeof c.stride);
  memcpy(c.padding, p->padding, sizeof c.padding);
  memcpy(c.kernel_dilation, p->kernel_dilation, sizeof c.kernel_dilation);
  memcpy(c.input_dilation, p->input_dilation, sizeof c.input_dilation);
  x->flops = 2 * (uint64_t)x->out[0]->size *
             (uint64_t)(w.shape[0] ? x->in[1]->size / w.shape[0] : 0);
  if (!conv_run(&in, &w, &out, &c)) return 0;
  error_memory();
  return 1;
}

/* The extent along a spatial axis; not positive where nothing comes out. */
static int64_t conv_extent(
    const conv_node* p, int axis, int64_t in, int64_t kernel, int64_t end) {
  int64_t have =
      1 + p->input_dilation[axis] * (in - 1) + p->padding[axis] + end;
  int64_t need = 1 + p->kernel_dilation[axis] * (kernel - 1);
  return (have - need) / p->stride[axis] + 1;
}

static lz_array* conv_make(
    lz_array* in,
    lz_array* w,
    const conv_node* p,
    const int32_t* shape,
    lz_stream* s) {
  if (!in || !w) return NULL;
  lz_array* both[] = {in, w};
  return scope_own(node_make(
      &op_conv_desc,
      s,
      both,
      2,
      p,
      sizeof *p,
      (lz_dtype)in->dtype,
      in->ndim,
      shape));
}

/* Exchanges the first and the last axis within each group: `grouped` is the
 * axis that holds the groups, which end up in the other's place. */
static lz_array* conv_swap(
    lz_array* a, int groups, bool last_grouped, lz_stream* s) {
  if (groups == 1 || !a) return op_swapaxes(a, 0, -1, s);
  if (last_grouped) { /* (N, …, G*C) → (C, …, G*N) */
    const int32_t split[] = {groups, -1};
    a = op_swapaxes(op_unflatten(a, -1, split, 2, s), 0, -1, s);
    return op_flatten(a, -2, -1, s);
  }
  const int32_t split[] = {groups, -1}; /* (G*O, …, C) → (G*C, …, O) */
  a = op_swapaxes(op_unflatten(a, 0, split, 2, s), 1, -1, s);
  return op_flatten(a, 0, 1, s);
}

/* The cotangent, spread by the stride, meets the kernel the other way round. */
static lz_array* conv_input_grad(const lz_vjp* v) {
  const conv_node* p = v->node->params;
  const lz_array *in = v->in[0], *w = v->in[1];
  conv_node q = *p;
  q.known_end = 0;
  memcpy(q.stride, p->input_dilation, sizeof q.stride);
  memcpy(q.input_dilation, p->stride, sizeof q.input_dilation);
  for (int i = 0; i < in->ndim - 2; i++)
    q.padding[i] =
        p->kernel_dilation[i] * (w->shape[1 + i] - 1) - p->padding[i];
  q.flip = !p->flip;
  lz_array* turned = conv_swap(v->in[1], p->groups, false, v->stream);
  return conv_make(v->cotan[0], turned, &q, in->shape, v->stream);
}

static lz_array* conv_weight_grad(const lz_vjp* v) {
  const conv_node* p = v->node->params;
  lz_stream* s = v->stream;
  const lz_array* w = v->in[1];
  conv_node q = *p;
  q.known_end = 0;
  memcpy(q.stride, p->kernel_dilation, sizeof q.stride);
  memcpy(q.kernel_dilation, p->stride, sizeof q.kernel_dilation);
  q.flip = 0;
  int n = w->ndim;
  int32_t shape[CONV_SPATIAL + 2];
  memcpy(shape, w->shape, sizeof(int32_t) * (size_t)n);
  shape[0] = w->shape[n - 1];
  shape[n - 1] = w->shape[0];
  lz_array* in = conv_swap(v->in[0], p->groups, true, s);
  lz_array* g = conv_make(in, op_swapaxes(v->cotan[0], 0, -1, s), &q, shape, s);
  if (p->flip && g) {
    int start[CONV_SPATIAL + 2], stop[CONV_SPATIAL + 2], step[CONV_SPATIAL + 2];
    for (int i = 0; i < n; i++) {
      bool turn = i > 0 && i < n - 1;
      start[i] = turn ? shape[i] - 1 : 0;
      stop[i] = turn ? -shape[i] - 1 : shape[i];
      step[i] = turn ? -1 : 1;
    }
    g = op_slice(g, start, stop, step, n, s);
  }
  return op_swapaxes(g, 0, -1, s);
}

static int conv_vjp(const lz_vjp* v) {
  if (v->wanted[0] && !(v->grad[0] = conv_input_grad(v))) return 1;
  if (v->wanted[1] && !(v->grad[1] = conv_weight_grad(v))) return 1;
  return 0;
}

static int conv_jvp(const lz_jvp* v) {
  const conv_node* p = v->node->params;
  const int32_t* shape = v->out[0]->shape;
  lz_array *t = NULL, *u = NULL;
  if (v->tangent[0]) {
    t = conv_make(v->tangent[0], v->in[1], p, shape, v->stream);
    if (!t) return 1;
  }
  if (v->tangent[1]) {
    u = conv_make(v->in[0], v->tangent[1], p, shape, v->stream);
    if (!u) return 1;
  }
  v->result[0] = t && u ? op_add(t, u, v->stream) : t ? t : u;
  return (t || u) && !v->result[0];
}

/* A mapped input joins the images, mapped kernels the output channels; both
 * together make groups of channels, where there are none yet. */
static int conv_vmap(const lz_vmap* v) {
  const conv_node* p = v->node->params;
  lz_stream* s = v->stream;
  lz_array *in = v->in[0], *w = v->in[1];
  const lz_array* out = v->node->outputs[0];
  int n = v->axis[0] >= 0 ? in->ndim - 1 : in->ndim;
  int32_t shape[CONV_SPATIAL + 2];
  if (!out) return 1;
  memcpy(shape, out->shape, sizeof(int32_t) * (size_t)n);
  conv_node q = *p;
  if (v->axis[0] >= 0 && v->axis[1] < 0) {
    const int32_t split[] = {in->shape[v->axis[0]], -1};
    shape[0] *= split[0];
    in = op_flatten(op_moveaxis(in, v->axis[0], 0, s), 0, 1, s);
    lz_array* y = conv_make(in, w, &q, shape, s);
    v->result[0] = op_unflatten(y, 0, split, 2, s);
    v->result_axis[0] = 0;
    return !v->result[0];
  }
  if (p->groups != 1) return VMAP_LOOP;
  const int32_t split[] = {w->shape[v->axis[1]], -1};
  shape[n - 1] *= split[0];
  w = op_flatten(op_moveaxis(w, v->axis[1], 0, s), 0, 1, s);
  if (v->axis[0] >= 0) {
    q.groups = split[0];
    in = op_flatten(op_moveaxis(in, v->axis[0], n - 1, s), n - 1, n, s);
  }
  lz_array* y = conv_make(in, w, &q, shape, s);
  v->result[0] = op_unflatten(y, -1, split, 2, s);
  v->result_axis[0] = n - 1;
  return !v->result[0];
}

static void conv_describe(const lz_node* n, char* text, size_t size) {
  const conv_node* p = n->params;
  snprintf(
      text,
      size,
      "stride=%d,%d,%d padding=%d,%d,%d groups=%d%s",
      p->stride[0],
      p->stride[1],
      p->stride[2],
      p->padding[0],
      p->padding[1],
      p->padding[2],
      p->groups,
      p->flip ? " flip" : "");
}

static int conv_check(const lz_array* in, const lz_array* w, int groups);

static int conv_infer(lz_infer* x) {
  const conv_node* p = x->params;
  if (infer_expect(x, 2, 1, sizeof *p) || infer_one_type(x)) return 1;
  const lz_array *in = x->in[0], *w = x->in[1];
  const lz_output* o = &x->out[0];
  int32_t shape[LZ_MAX_DIMS];
  int n = in->ndim - 2;
  if (conv_check(in, w, p->groups)) return 1;
  if (o->ndim != in->ndim) return infer_fail(x, "output of %d axes", o->ndim);
  memcpy(shape, o->shape, sizeof shape);
  shape[0] = in->shape[0];
  shape[n + 1] = w->shape[0];
  for (int i = 0; i < n; i++) {
    /* Kernels step through all that these span. */
    const int32_t most = 1 << 16;
    bool fits = p->stride[i] >= 1 && p->stride[i] <= most &&
                p->kernel_dilation[i] >= 1 && p->kernel_dilation[i] <= most &&
                p->input_dilation[i] >= 1 && p->input_dilation[i] <= most &&
                p->padding[i] >= -(most << 8) && p->padding[i] <= most << 8;
    if (!fits)
      return infer_fail(x, "stride, dilation or padding of axis %d", i);
    if (!x->changed) continue;
    if (!p->known_end) return infer_unchanged(x);
    int64_t extent =
        conv_extent(p, i, in->shape[1 + i], w->shape[1 + i], p->padding_end[i]);
    if (extent <= 0 || extent > INT32_MAX)
      return infer_fail(
          x,
          "input %s is too small for weight %s",
          error_shape_of(in),
          error_shape_of(w));
    shape[1 + i] = (int32_t)extent;
  }
  return infer_put(x, 0, (lz_dtype)in->dtype, in->ndim, shape);
}

const lz_op op_conv_desc = {
    .name = "Convolution",
    .cpu = conv_cpu,
    .vjp = conv_vjp,
    .jvp = conv_jvp,
    .vmap = conv_vmap,
    .infer = conv_infer,
    .describe = conv_describe};

static int conv_check(const lz_array* in, const lz_array* w, int groups) {
  int n = in->ndim - 2;
  if (n < 1 || n > CONV_SPATIAL || w->ndim != in->ndim)
    return error_fail(
        "[conv] input %s and weight %s: both need 1 to 3 spatial axes, (N, "
        "..., C) and (O, ..., C)",
        error_shape_of(in),
        error_shape_of(w));
  if (groups != 1 && n > 2)
    return error_fail(
        "[conv] Can only handle groups != 1 in 1D or 2D convolutions, not %d "
        "in %dD",
        groups,
        n);
  if (!dtype_is_float((lz_dtype)in->dtype) || w->dtype == DTYPE_COMPLEX64)
    return error_fail(
        "[conv] Convolution only supports floating point types, not %s with "
        "%s",
        dtype_name((lz_dtype)in->dtype),
        dtype_name((lz_dtype)w->dtype));
  if (groups < 1 || w->shape[0] % groups ||
      (int64_t)groups * w->shape[n + 1] != in->shape[n + 1])
    return error_fail(
        "[conv] channels do not fit: input %s, weight %s, %d groups",
        error_shape_of(in),
        error_shape_of(w),
        groups);
  return 0;
}

/* A list as one number an axis, at least `low`. */
static int conv_numbers(
    const char* what, conv_list l, int n, int otherwise, int low, int32_t* to) {
  if (l.n > 1 && l.n != (size_t)n)
    return error_fail(
        "[conv] Invalid %s: %zu numbers for a %dD convolution.", what, l.n, n);
  for (int i = 0; i < n; i++) {
    to[i] = l.n == 0 ? otherwise : l.n == 1 ? l.at[0] : l.at[i];
    if (to[i] < low)
      return error_fail("[conv] %s of %d on axis %d", what, to[i], i + 1);
  }
  return 0;
}

lz_array* op_conv(lz_array* in, lz_array* w, const conv_spec* c, lz_stream* s) {
  if (!in || !w || !s || conv_check(in, w, c->groups)) return NULL;
  int n = in->ndim - 2;
  conv_node p;
  memset(&p, 0, sizeof p);
  int32_t high[CONV_SPATIAL];
  if (conv_numbers("stride", c->stride, n, 1, 1, p.stride) ||
      conv_numbers("padding", c->padding_low, n, 0, INT32_MIN, p.padding) ||
      conv_numbers("padding", c->padding_high, n, 0, INT32_MIN, high) ||
      conv_numbers(
          "kernel dilation", c->kernel_dilation, n, 1, 1, p.kernel_dilation) ||
      conv_numbers(
          "input dilation", c->input_dilation, n, 1, 1, p.input_dilation))
    return NULL;
  p.groups = c->groups;
  p.flip = c->flip;
  lz_dtype dtype = dtype_promote((lz_dtype)in->dtype, (lz_dtype)w->dtype);
  in = op_astype(in, dtype, s);
  w = op_astype(w, dtype, s);
  if (!in || !w) return NULL;
  int start[CONV_SPATIAL + 2] = {0}, stop[CONV_SPATIAL + 2];
  int step[CONV_SPATIAL + 2];
  bool cut = false;
  for (int i = 0; i < in->ndim; i++) {
    stop[i] = in->shape[i];
    step[i] = 1;
  }
  for (int i = 0; i < n; i++) {
    if (p.padding[i] < 0)
      start[i + 1] = -p.padding[i], p.padding[i] = 0, cut = 1;
    if (high[i] < 0) stop[i + 1] += high[i], high[i] = 0, cut = 1;
  }
  p.known_end = 1;
  memcpy(p.padding_end, high, sizeof(int32_t) * (size_t)n);
  if (cut && !(in = op_slice(in, start, stop, step, in->ndim, s))) return NULL;
  int32_t shape[CONV_SPATIAL + 2] = {in->shape[0]};
  for (int i = 0; i < n; i++) {
    int64_t have = 1 + (int64_t)p.input_dilation[i] * (in->shape[i + 1] - 1) +
                   p.padding[i] + high[i];
    int64_t need = 1 + (int64_t)p.kernel_dilation[i] * (w->shape[i + 1] - 1);
    int64_t extent = (have - need) / p.stride[i] + 1;
    if (extent <= 0 || extent > INT32_MAX)
      return error_set(
          "[conv] axis %d: %lld elements after padding, for a kernel of %lld; "
          "input %s, weight %s",
          i + 1,
          (long long)have,
          (long long)need,
          error_shape_of(in),
          error_shape_of(w));
    shape[i + 1] = (int32_t)extent;
  }
  shape[n + 1] = w->shape[0];
  return conv_make(in, w, &p, shape, s);
}

lz_array* op_conv_transpose(
    lz_array* in,
    lz_array* w,
    int n,
    const int* stride,
    const int* padding,
    const int* dilation,
    const int* output_padding,
    int groups,
    lz_stream* s) {
  if (!in || !w || !s) return NULL;
  if (in->ndim <= n || w->ndim <= n)
    return error_set(
        "[conv_transpose] input %s and weight %s for %d spatial axes",
        error_shape_of(in),
        error_shape_of(w),
        n);
  int low[CONV_SPATIAL], high[CONV_SPATIAL];
  for (int i = 0; i < n; i++) {
    low[i] = dilation[i] * (w->shape[1 + i] - 1) - padding[i];
    high[i] = low[i] + output_padding[i];
  }
  const conv_spec c = {
      .padding_low = {low, (size_t)n},
      .padding_high = {high, (size_t)n},
      .kernel_dilation = {dilation, (size_t)n},
      .input_dilation = {stride, (size_t)n},
      .groups = groups,
      .flip = true};
  return op_conv(in, w, &c, s);
}
