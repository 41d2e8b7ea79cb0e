#include "ops/quantize.h"

#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "core/scope.h"
#include "ops/create.h"
#include "ops/elementwise.h"
#include "ops/infer.h"
#include "ops/shape.h"

/* Params of every node here begin with the format. Inputs: w, scales, biases
 * of affine, and the global scale if there is one. */
typedef struct quantize_params {
  quantize_format format;
  int32_t global;
  int32_t dtype; /* values round to it on the way back */
} quantize_params;

static const struct quantize_kind {
  const char* name;
  int group_size, bits;
} kinds[QUANTIZE_MODES] = {
    [QUANTIZE_AFFINE] = {"affine", 64, 4},
    [QUANTIZE_MXFP4] = {"mxfp4", 32, 4},
    [QUANTIZE_MXFP8] = {"mxfp8", 32, 8},
    [QUANTIZE_NVFP4] = {"nvfp4", 16, 4},
};

int quantize_format_of(const char* op, quantize_wish wish, quantize_format* f) {
  memset(f, 0, sizeof *f);
  int m = 0;
  while (m < QUANTIZE_MODES && strcmp(kinds[m].name, wish.mode) != 0) m++;
  if (m == QUANTIZE_MODES)
    return error_fail("[%s] Invalid quantization mode '%s'.", op, wish.mode);
  f->mode = (quantize_mode)m;
  f->group_size = wish.group_size ? *wish.group_size : kinds[m].group_size;
  f->bits = wish.bits ? *wish.bits : kinds[m].bits;
  int g = f->group_size, b = f->bits;
  bool fits =
      m == QUANTIZE_AFFINE
          ? (g == 32 || g == 64 || g == 128) && ((b >= 2 && b <= 6) || b == 8)
          : g == kinds[m].group_size && b == kinds[m].bits;
  if (fits) return 0;
  return error_fail(
      "[%s] %s quantization has no groups of %d with %d bits",
      op,
      wish.mode,
      g,
      b);
}

bool quantize_format_is(const quantize_format* f) {
  if ((int)f->mode < 0 || f->mode >= QUANTIZE_MODES) return false;
  quantize_wish wish = {&f->group_size, &f->bits, kinds[f->mode].name};
  quantize_format same;
  return quantize_format_of("quantize", wish, &same) == 0;
}

static bool same_lead(const lz_array* a, const lz_array* b) {
  return a->ndim == b->ndim &&
         memcmp(a->shape, b->shape, sizeof(int32_t) * (size_t)(a->ndim - 1)) ==
             0;
}

int quantize_check(
    const char* op,
    const quantize_format* f,
    const lz_array* w,
    const lz_array* scales,
    const lz_array* biases,
    lz_dtype* dtype) {
  *dtype = DTYPE_BFLOAT16;
  if (f->mode == QUANTIZE_AFFINE) {
    if (!biases)
      return error_fail(
          "[%s] Biases must be provided for affine quantization.", op);
    *dtype = dtype_promote((lz_dtype)scales->dtype, (lz_dtype)biases->dtype);
    if (!dtype_is_float(*dtype))
      return error_fail(
          "[%s] Only real floating types are supported but scales are %s and "
          "biases %s.",
          op,
          dtype_name((lz_dtype)scales->dtype),
          dtype_name((lz_dtype)biases->dtype));
  } else if (scales->dtype != DTYPE_UINT8) {
    return error_fail(
        "[%s] Scale type must be uint8 but received type %s.",
        op,
        dtype_name((lz_dtype)scales->dtype));
  } else if (biases) {
    return error_fail(
        "[%s] Biases of shape %s must be null for quantization mode '%s'.",
        op,
        error_shape_of(biases),
        kinds[f->mode].name);
  }
  if (w->dtype != DTYPE_UINT32)
    return error_fail(
        "[%s] The weight matrix should be uint32 but received %s",
        op,
        dtype_name((lz_dtype)w->dtype));
  if (w->ndim < 2)
    return error_fail(
        "[%s] The quantized matrix must have at least 2 dimensions, not shape "
        "%s",
        op,
        error_shape_of(w));
  if (biases && !array_same_shape(scales, biases))
    return error_fail(
        "[%s] Scales and biases should have the same shape: %s and %s",
        op,
        error_shape_of(scales),
        error_shape_of(biases));
  int last = w->ndim - 1;
  if (!same_lead(w, scales) || (int64_t)w->shape[last] * 32 / f->bits !=
                                   (int64_t)scales->shape[last] * f->group_size)
    return error_fail(
        "[%s] The shapes of the weight %s and scales %s are incompatible with "
        "group_size=%d and bits=%d",
        op,
        error_shape_of(w),
        error_shape_of(scales),
        f->group_size,
        f->bits);
  return 0;
}

int quantize_check_global(
    const char* op, const quantize_format* f, const lz_array* global_scale) {
  if (!global_scale) return 0;
  if (f->mode != QUANTIZE_NVFP4)
    return error_fail(
        "[%s] Global scale is only supported for 'nvfp4' quantization mode, "
        "not '%s'.",
        op,
        kinds[f->mode].name);
  if (global_scale->size != 1 || global_scale->dtype != DTYPE_FLOAT32)
    return error_fail(
        "[%s] Global scale must be a scalar of float32 but got shape %s of %s.",
        op,
        error_shape_of(global_scale),
        dtype_name((lz_dtype)global_scale->dtype));
  return 0;
}

static const float* global_of(const lz_exec* x, bool there) {
  return there ? array_data(x->in[x->n_in - 1]) : NULL;
}

static int quantize_cpu(lz_exec* x) {
  const quantize_params* p = x->params;
  lz_view in = array_view(x->in[0]), v[3];
  for (int i = 0; i < x->n_out; i++) {
    lz_array* out = x->out[i];
    if (out) {
      if (exec_alloc(x, i)) return 1;
      v[i] = array_view(out);
    }
  }
  /* All are written whoever wants them. */
  int32_t shape[3][LZ_MAX_DIMS];
  int64_t strides[3][LZ_MAX_DIMS];
  const int32_t k = in.shape[in.ndim - 1];
  for (int i = 0; i < x->n_out; i++) {
    if (x->out[i]) continue;
    lz_dtype codes = p->format.mode == QUANTIZE_AFFINE ? in.dtype : DTYPE_UINT8;
    memcpy(shape[i], in.shape, sizeof(int32_t) * (size_t)in.ndim);
    shape[i][in.ndim - 1] = i ? k / p->format.group_size
                              : (int32_t)((int64_t)k * p->format.bits / 32);
    v[i] = (lz_view){
        NULL, i ? codes : DTYPE_UINT32, in.ndim, shape[i], strides[i]};
    int64_t n = view_row_strides(in.ndim, shape[i], strides[i]);
    v[i].data = exec_scratch(x, (size_t)n * dtype_size(v[i].dtype));
    if (!v[i].data) return 1;
  }
  quantize_run(
      &p->format,
      &in,
      global_of(x, p->global),
      &v[0],
      &v[1],
      x->n_out > 2 ? &v[2] : NULL);
  return 0;
}

static int dequantize_cpu(lz_exec* x) {
  const quantize_params* p = x->params;
  if (exec_alloc(x, 0)) return 1;
  if (x->out[0]->size == 0) return 0;
  bool affine = p->format.mode == QUANTIZE_AFFINE;
  lz_view w = array_view(x->in[0]), scales = array_view(x->in[1]),
          out = array_view(x->out[0]), biases;
  if (affine) biases = array_view(x->in[2]);
  dequantize_run(
      &p->format,
      &w,
      &scales,
      affine ? &biases : NULL,
      global_of(x, p->global),
      (lz_dtype)p->dtype,
      &out);
  return 0;
}

void quantize_describe(const lz_node* n, char* text, size_t size) {
  const quantize_format* f = n->params;
  snprintf(
      text,
      size,
      "mode=%s bits=%d group_size=%d",
      kinds[f->mode].name,
      f->bits,
      f->group_size);
}

/* Codes are what they are with a scale of one and no bias; scales and biases
 * have derivatives, a group at a time. */
static int dequantize_plain(
    const lz_node* n, lz_array* const* in, lz_array** out, lz_stream* s) {
  const quantize_params* p = n->params;
  if (p->format.mode != QUANTIZE_AFFINE || p->global)
    return error_fail("[vjp] %s has no gradient by codes", n->op->name);
  lz_array* bare[] = {in[0], op_ones_like(in[1], s), op_zeros_like(in[2], s)};
  if (!bare[1] || !bare[2]) return 1;
  int32_t shape[LZ_MAX_DIMS], last = in[0]->ndim - 1;
  memcpy(shape, in[0]->shape, sizeof(int32_t) * in[0]->ndim);
  shape[last] = in[1]->shape[last] * p->format.group_size;
  lz_dtype d = (lz_dtype)p->dtype;
  lz_array* codes = scope_own(
      node_make(n->op, s, bare, 3, p, sizeof *p, d, in[0]->ndim, shape));
  const int32_t groups[] = {-1, p->format.group_size};
  const int end = -1;
  codes = op_unflatten(codes, last, groups, 2, s);
  lz_array* y = op_multiply(codes, op_expand_dims(in[1], &end, 1, s), s);
  y = op_add(y, op_expand_dims(in[2], &end, 1, s), s);
  out[0] = op_astype(op_flatten(y, last, last + 1, s), d, s);
  return !out[0];
}

static bool is_kernel_float(lz_dtype d) {
  return d == DTYPE_FLOAT16 || d == DTYPE_BFLOAT16 || d == DTYPE_FLOAT32;
}

/* The numbers of inputs and outputs, and the global scale, which is last. */
static int quantize_expect(const lz_infer* x, int n_in, int n_out) {
  const quantize_params* p = x->params;
  if (infer_expect(x, x->n_in, n_out, sizeof *p)) return 1;
  if (!quantize_format_is(&p->format) || (uint32_t)p->global > 1 ||
      x->n_in != n_in + p->global)
    return infer_fail(x, "no such format, or %d inputs", x->n_in);
  return p->global &&
         quantize_check_global(x->op->name, &p->format, x->in[x->n_in - 1]);
}

static int quantize_infer(lz_infer* x) {
  const quantize_params* p = x->params;
  if (x->params_size != sizeof *p) return infer_expect(x, 1, 2, sizeof *p);
  bool affine = p->format.mode == QUANTIZE_AFFINE;
  if (quantize_expect(x, 1, affine ? 3 : 2)) return 1;
  const lz_array* w = x->in[0];
  int last = w->ndim - 1;
  if (w->ndim < 2 || !is_kernel_float((lz_dtype)w->dtype) ||
      w->shape[last] % p->format.group_size)
    return infer_fail(x, "a matrix of %s", error_shape_of(w));
  int32_t shape[LZ_MAX_DIMS];
  memcpy(shape, w->shape, sizeof *shape * w->ndim);
  shape[last] = (int32_t)((int64_t)w->shape[last] * p->format.bits / 32);
  if (infer_put(x, 0, DTYPE_UINT32, w->ndim, shape)) return 1;
  shape[last] = w->shape[last] / p->format.group_size;
  lz_dtype d = affine ? (lz_dtype)w->dtype : DTYPE_UINT8;
  for (int i = 1; i < x->n_out; i++)
    if (infer_put(x, i, d, w->ndim, shape)) return 1;
  return 0;
}

static int dequantize_infer(lz_infer* x) {
  const quantize_params* p = x->params;
  if (x->params_size != sizeof *p) return infer_expect(x, 2, 1, sizeof *p);
  bool affine = p->format.mode == QUANTIZE_AFFINE;
  if (quantize_expect(x, affine ? 3 : 2, 1)) return 1;
  const lz_array *w = x->in[0], *scales = x->in[1];
  lz_dtype own, type = (lz_dtype)p->dtype;
  if (quantize_check(
          x->op->name, &p->format, w, scales, affine ? x->in[2] : NULL, &own))
    return 1;
  bool fits = is_kernel_float(type);
  for (int i = 1; fits && affine && i < 3; i++)
    fits = is_kernel_float((lz_dtype)x->in[i]->dtype);
  if (!fits) return infer_fail(x, "types that have no kernel");
  int32_t shape[LZ_MAX_DIMS];
  memcpy(shape, w->shape, sizeof *shape * w->ndim);
  shape[w->ndim - 1] =
      (int32_t)((int64_t)w->shape[w->ndim - 1] * 32 / p->format.bits);
  return infer_put(x, 0, p->global ? DTYPE_FLOAT32 : type, w->ndim, shape);
}

const lz_op op_quantize_desc = {
    .name = "Quantize",
    .cpu = quantize_cpu,
    .infer = quantize_infer,
    .describe = quantize_describe};
const lz_op op_dequantize_desc = {
    .name = "Dequantize",
    .cpu = dequantize_cpu,
    .infer = dequantize_infer,
    .plain = dequantize_plain,
    .describe = quantize_describe};

int op_quantize(
    lz_array* w,
    quantize_wish wish,
    lz_array* global_scale,
    lz_stream* s,
    lz_array* out[3],
    int* n) {
  quantize_params p;
  memset(&p, 0, sizeof p);
  if (!w || !s || quantize_format_of("quantize", wish, &p.format)) return 1;
  if (!is_kernel_float((lz_dtype)w->dtype))
    return error_fail(
        "[quantize] Only float16, bfloat16 and float32 can be quantized but w "
        "has type %s.",
        dtype_name((lz_dtype)w->dtype));
  if (w->ndim < 2 || w->shape[w->ndim - 1] % p.format.group_size)
    return error_fail(
        "[quantize] A matrix of shape %s: at least 2 dimensions are needed, "
        "the last divisible by the group size %d",
        error_shape_of(w),
        p.format.group_size);
  if (quantize_check_global("quantize", &p.format, global_scale)) return 1;
  bool affine = p.format.mode == QUANTIZE_AFFINE;
  int32_t packed[LZ_MAX_DIMS], groups[LZ_MAX_DIMS], last = w->ndim - 1;
  memcpy(packed, w->shape, sizeof(int32_t) * w->ndim);
  memcpy(groups, w->shape, sizeof(int32_t) * w->ndim);
  packed[last] = (int32_t)((int64_t)w->shape[last] * p.format.bits / 32);
  groups[last] = w->shape[last] / p.format.group_size;
  lz_dtype d = affine ? (lz_dtype)w->dtype : DTYPE_UINT8;
  const lz_node_output outputs[] = {
      {DTYPE_UINT32, w->ndim, packed},
      {d, w->ndim, groups},
      {d, w->ndim, groups}};
  p.global = global_scale != NULL;
  lz_array* in[] = {w, global_scale};
  *n = affine ? 3 : 2;
  if (node_make_multi(
          &op_quantize_desc,
          s,
          in,
          1 + p.global,
          &p,
          sizeof p,
          outputs,
          *n,
          out))
    return 1;
  return scope_own_all(out, (size_t)*n);
}

lz_array* op_dequantize(
    lz_array* w,
    lz_array* scales,
    lz_array* biases,
    quantize_wish wish,
    lz_array* global_scale,
    const lz_dtype* dtype,
    lz_stream* s) {
  quantize_params p;
  memset(&p, 0, sizeof p);
  lz_dtype own;
  if (!w || !scales || !s ||
      quantize_format_of("dequantize", wish, &p.format) ||
      quantize_check("dequantize", &p.format, w, scales, biases, &own) ||
      quantize_check_global("dequantize", &p.format, global_scale))
    return NULL;
  if (dtype && !dtype_is_float(*dtype))
    return error_set(
        "[dequantize] Only real floating types are supported but output dtype "
        "== %s.",
        dtype_name(*dtype));
  lz_dtype result = dtype ? *dtype : own;
  lz_array* in[4] = {w, scales};
  int n = 2;
  /* float64 stands on float32: codes and scales have no more to say. */
  lz_dtype run = result;
  if (biases) {
    run = is_kernel_float(own) ? own : DTYPE_FLOAT32;
    for (int i = 0; i < 2; i++) {
      lz_array* a = i ? biases : scales;
      in[1 + i] =
          is_kernel_float((lz_dtype)a->dtype) ? a : op_astype(a, run, s);
    }
    n = 3;
  }
  if (!is_kernel_float(run)) run = DTYPE_FLOAT32;
  p.dtype = run;
  p.global = global_scale != NULL;
  if (global_scale) in[n++] = global_scale;
  for (int i = 0; i < n; i++)
    if (!in[i]) return NULL;
  int32_t shape[LZ_MAX_DIMS], last = w->ndim - 1;
  memcpy(shape, w->shape, sizeof(int32_t) * w->ndim);
  shape[last] = (int32_t)((int64_t)w->shape[last] * 32 / p.format.bits);
  lz_array* out = scope_own(node_make(
      &op_dequantize_desc,
      s,
      in,
      n,
      &p,
      sizeof p,
      global_scale ? DTYPE_FLOAT32 : run,
      w->ndim,
      shape));
  if (global_scale) result = dtype_promote(result, DTYPE_FLOAT32);
  return op_astype(out, result, s);
}
