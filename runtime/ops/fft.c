#include "ops/fft.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "core/scope.h"
#include "cpu/fft.h"
#include "ops/arrange.h"
#include "ops/create.h"
#include "ops/elementwise.h"
#include "ops/infer.h"
#include "ops/join.h"
#include "ops/shape.h"
#include "ops/update.h"

/* Stored up to the last axis used. */
typedef struct fft_params {
  int32_t inverse, real;
  int32_t extent; /* of the result along the last axis listed */
  int32_t n;
  int32_t axis[LZ_MAX_DIMS];
} fft_params;

static size_t fft_params_size(const fft_params* p) {
  return offsetof(fft_params, axis) + sizeof(int32_t) * (size_t)p->n;
}

static int fft_cpu(lz_exec* x) {
  const fft_params* p = x->params;
  if (exec_alloc(x, 0)) return 1;
  lz_view in = array_view(x->in[0]), out = array_view(x->out[0]);
  double points = 1;
  for (int i = 0; i < p->n; i++)
    points *= fmax(in.shape[p->axis[i]], out.shape[p->axis[i]]);
  x->flops = (uint64_t)(5 * (double)x->out[0]->size * log2(fmax(points, 2)));
  return fft_run(&in, &out, p->axis, p->n, p->inverse) ? error_memory() == NULL
                                                       : 0;
}

/* The node alone: `a` is of the right type and extents. */
static lz_array* fft_node(const fft_params* p, lz_array* a, lz_stream* s) {
  if (!a) return NULL;
  bool to_real = p->real && p->inverse;
  int32_t shape[LZ_MAX_DIMS];
  memcpy(shape, a->shape, sizeof(int32_t) * a->ndim);
  shape[p->axis[p->n - 1]] = p->extent;
  return scope_own(node_make(
      &op_fft_desc,
      s,
      &a,
      1,
      p,
      fft_params_size(p),
      to_real ? DTYPE_FLOAT32 : DTYPE_COMPLEX64,
      a->ndim,
      shape));
}

/* Cut or filled to the shape. */
static lz_array* fft_fit(lz_array* a, const int32_t* shape, lz_stream* s) {
  int start[LZ_MAX_DIMS], stop[LZ_MAX_DIMS], stride[LZ_MAX_DIMS];
  int axes[LZ_MAX_DIMS], low[LZ_MAX_DIMS], high[LZ_MAX_DIMS], k = 0;
  bool cut = false;
  for (int i = 0; i < a->ndim; i++) {
    start[i] = 0;
    stop[i] = shape[i] < a->shape[i] ? shape[i] : a->shape[i];
    stride[i] = 1;
    cut = cut || stop[i] < a->shape[i];
    if (shape[i] <= a->shape[i]) continue;
    axes[k] = i;
    low[k] = 0;
    high[k++] = shape[i] - a->shape[i];
  }
  int ndim = a->ndim;
  lz_dtype dtype = (lz_dtype)a->dtype;
  if (cut) a = op_slice(a, start, stop, stride, ndim, s);
  if (k == 0) return a;
  return op_pad(a, axes, low, high, k, op_scalar(dtype, 0), "constant", s);
}

static double fft_scale(const int* n, int count, fft_norm norm, bool inverse) {
  double points = 1;
  for (int i = 0; i < count; i++) points *= n[i];
  if (norm == FFT_BACKWARD) return 1;
  if (norm == FFT_ORTHO) points = sqrt(points);
  return inverse ? points : 1 / points;
}

lz_array* op_fft(
    lz_array* a,
    const int* n,
    int n_num,
    const int* axes,
    int n_axes,
    bool real,
    bool inverse,
    fft_norm norm,
    lz_stream* s) {
  uint32_t mask;
  if (!a || !s) return NULL;
  if (a->ndim == 0) return error_set("[fftn] takes at least one dimension");
  if (n_num != n_axes)
    return error_set("[fftn] %d extents for %d axes", n_num, n_axes);
  if (norm < FFT_BACKWARD || norm > FFT_FORWARD)
    return error_set("[fftn] argument norm: %d is no norm", (int)norm);
  if (shape_axes("fftn", axes, n_axes, a->ndim, &mask)) return NULL;
  if (n_axes == 0) return a;

  fft_params p;
  memset(&p, 0, sizeof p);
  p.inverse = inverse;
  p.real = real;
  p.n = n_axes;
  int32_t shape[LZ_MAX_DIMS];
  memcpy(shape, a->shape, sizeof(int32_t) * a->ndim);
  for (int i = 0; i < n_axes; i++) {
    if (n[i] <= 0)
      return error_set(
          "[fftn] Invalid FFT output size requested: %d along axis %d",
          n[i],
          axes[i]);
    p.axis[i] = shape_axis("fftn", axes[i], a->ndim);
    shape[p.axis[i]] = n[i];
  }
  int last = n[n_axes - 1];
  p.extent = real && !inverse ? last / 2 + 1 : last;
  if (real && inverse) shape[p.axis[n_axes - 1]] = last / 2 + 1;
  lz_array* in = fft_fit(a, shape, s);
  in = op_astype(in, real && !inverse ? DTYPE_FLOAT32 : DTYPE_COMPLEX64, s);
  lz_array* out = fft_node(&p, in, s);
  double scale = fft_scale(n, n_axes, norm, inverse);
  if (scale == 1 || !out) return out;
  return op_multiply(out, op_scalar((lz_dtype)out->dtype, scale), s);
}

/* ---- rules --------------------------------------------------------------- */

static int fft_jvp(const lz_jvp* v) {
  v->result[0] = fft_node(v->node->params, v->tangent[0], v->stream);
  return !v->result[0];
}

static int fft_vmap(const lz_vmap* v) {
  const fft_params* old = v->node->params;
  fft_params p;
  memset(&p, 0, sizeof p);
  memcpy(&p, old, fft_params_size(old));
  for (int i = 0; i < p.n; i++) p.axis[i] += p.axis[i] >= v->axis[0];
  v->result_axis[0] = v->axis[0];
  v->result[0] = fft_node(&p, v->in[0], v->stream);
  return !v->result[0];
}

/* Along the axis, `inner` at the frequencies that a real transform stands for
 * twice, `edge` at zero and, where there is one, at the highest. */
static lz_array* fft_weights(
    const lz_array* half,
    int axis,
    bool odd,
    double inner,
    double edge,
    lz_dtype dtype,
    lz_stream* s) {
  int32_t n = half->shape[axis], shape[LZ_MAX_DIMS];
  for (int i = 0; i < half->ndim; i++) shape[i] = i == axis ? n : 1;
  lz_array* at =
      op_reshape(op_arange(0, n, 1, DTYPE_INT32, s), shape, half->ndim, s);
  lz_array* twice = op_logical_and(
      op_greater(at, op_scalar(DTYPE_INT32, 0), s),
      op_less(at, op_scalar(DTYPE_INT32, odd ? n : n - 1), s),
      s);
  return op_where(twice, op_scalar(dtype, inner), op_scalar(dtype, edge), s);
}

/* The transform's transpose is the transform in the other direction, but for
 * the factor that inverses have; a real one weighs frequencies besides. */
static int fft_vjp(const lz_vjp* v) {
  const fft_params* p = v->node->params;
  lz_stream* s = v->stream;
  lz_array *g = v->cotan[0], *in = v->in[0];
  int last = p->axis[p->n - 1];
  fft_params back;
  memset(&back, 0, sizeof back);
  memcpy(&back, p, fft_params_size(p));
  back.inverse = !p->inverse;
  back.extent = in->shape[last];
  double points = 1;
  for (int i = 0; i < p->n; i++)
    points *= p->inverse ? g->shape[p->axis[i]] : in->shape[p->axis[i]];
  lz_array* scale;
  if (p->real && p->inverse) {
    bool odd = g->shape[last] % 2;
    scale =
        fft_weights(in, last, odd, 2 / points, 1 / points, DTYPE_COMPLEX64, s);
  } else if (p->real) {
    bool odd = in->shape[last] % 2;
    lz_array* w = fft_weights(g, last, odd, 0.5, 1, DTYPE_COMPLEX64, s);
    g = op_multiply(g, w, s);
    scale = op_scalar(DTYPE_FLOAT32, points);
  } else {
    scale = op_scalar(DTYPE_COMPLEX64, p->inverse ? 1 / points : points);
  }
  v->grad[0] = op_multiply(fft_node(&back, g, s), scale, s);
  return !v->grad[0];
}

static void fft_describe(const lz_node* n, char* text, size_t size) {
  const fft_params* p = n->params;
  int k = snprintf(
      text,
      size,
      "%s%saxes=",
      p->real ? "real " : "",
      p->inverse ? "inverse " : "");
  for (int i = 0; i < p->n && k >= 0 && (size_t)k < size; i++)
    k += snprintf(text + k, size - (size_t)k, i ? ",%d" : "%d", p->axis[i]);
}

static int fft_infer(lz_infer* x) {
  const fft_params* p = x->params;
  if (x->params_size < offsetof(fft_params, axis) || p->n < 1 ||
      p->n > LZ_MAX_DIMS)
    return infer_fail(x, "parameters of %zu bytes", x->params_size);
  if (infer_expect(x, 1, 1, fft_params_size(p))) return 1;
  const lz_array* a = x->in[0];
  uint32_t seen = 0;
  for (int i = 0; i < p->n; i++) {
    if (infer_axis(x, p->axis[i], a->ndim)) return 1;
    if (seen & (UINT32_C(1) << p->axis[i]) || !a->shape[p->axis[i]])
      return infer_fail(x, "axis %d of %s", p->axis[i], error_shape_of(a));
    seen |= UINT32_C(1) << p->axis[i];
    /* Whether more points are wanted or fewer used, only the program knows. */
    if (x->changed && (i + 1 < p->n || !p->real) &&
        x->out[0].shape[p->axis[i]] != a->shape[p->axis[i]])
      return infer_fail(
          x, "%d points of %s", x->out[0].shape[p->axis[i]], error_shape_of(a));
  }
  bool to_real = p->real && p->inverse, from_real = p->real && !p->inverse;
  int last = p->axis[p->n - 1];
  int32_t n = a->shape[last], extent = p->extent;
  if (x->changed && !p->real) extent = n;
  bool fits = from_real ? extent == n / 2 + 1
              : to_real ? n == extent / 2 + 1
                        : extent == n;
  if (!fits || a->dtype != (from_real ? DTYPE_FLOAT32 : DTYPE_COMPLEX64))
    return infer_fail(x, "%d points of %s", extent, error_shape_of(a));
  int32_t shape[LZ_MAX_DIMS];
  memcpy(shape, a->shape, sizeof *shape * a->ndim);
  shape[last] = extent;
  lz_dtype dtype = to_real ? DTYPE_FLOAT32 : DTYPE_COMPLEX64;
  return infer_put(x, 0, dtype, a->ndim, shape);
}

const lz_op op_fft_desc = {
    .name = "FFT",
    .cpu = fft_cpu,
    .vjp = fft_vjp,
    .jvp = fft_jvp,
    .vmap = fft_vmap,
    .infer = fft_infer,
    .describe = fft_describe};

/* ---- shifts and frequencies ---------------------------------------------- */

lz_array* op_fft_shift(
    lz_array* a, const int* axes, int n_axes, bool inverse, lz_stream* s) {
  if (!a || !s) return NULL;
  if (n_axes == 0) return a;
  const char* name = inverse ? "ifftshift" : "fftshift";
  if (n_axes > LZ_MAX_DIMS)
    return error_set("[%s] %d axes of %s", name, n_axes, error_shape_of(a));
  int shift[LZ_MAX_DIMS];
  for (int i = 0; i < n_axes; i++) {
    int axis = shape_axis(name, axes[i], a->ndim);
    if (axis < 0) return NULL;
    shift[i] = inverse ? -(a->shape[axis] / 2) : a->shape[axis] / 2;
  }
  return op_roll(a, shift, n_axes, axes, n_axes, s);
}

lz_array* op_fft_frequencies(int n, double d, bool real, lz_stream* s) {
  if (!s) return NULL;
  const char* name = real ? "rfftfreq" : "fftfreq";
  if (n <= 0) return error_set("[%s] n = %d must be greater than 0", name, n);
  if (d == 0) return error_set("[%s] d must not be 0", name);
  lz_array* steps;
  if (real) {
    steps = op_arange(0, n / 2 + 1, 1, DTYPE_FLOAT32, s);
  } else {
    lz_array* halves[] = {
        op_arange(0, (n + 1) / 2, 1, DTYPE_FLOAT32, s),
        op_arange(-(n / 2), 0, 1, DTYPE_FLOAT32, s)};
    if (!halves[0] || !halves[1]) return NULL;
    steps = op_concatenate(halves, 2, 0, s);
  }
  return op_multiply(steps, op_scalar(DTYPE_FLOAT32, 1 / (n * d)), s);
}
