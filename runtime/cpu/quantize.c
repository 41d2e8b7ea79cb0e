#include "cpu/quantize.h"

#include <math.h>
#include <string.h>

#include "cpu/gemm.h"
#include "cpu/isa.h"
#include "cpu/lead.h"
#include "stream/pool.h"

ISA_DECLARE(quantize_table, quantize_table)

const quantize_table* quantize_kernels(void) {
  return ISA_PICK(quantize_table);
}

uint8_t quantize_to_fp8(float x) {
  uint32_t bits;
  memcpy(&bits, &x, 4);
  const uint8_t sign = (uint8_t)(bits >> 24 & 0x80);
  bits &= 0x7fffffff;
  if (bits >= 0x43e00000) return sign | 0x7e; /* 448 and more, NaN */
  if (bits < 0x3c800000)                      /* below 2^-6: steps of 2^-9 */
    return sign | (uint8_t)rintf(fabsf(x) * 512);
  bits += 0x7ffff + (bits >> 20 & 1); /* to nearest, ties to even */
  return sign | (uint8_t)((bits >> 20) - (120 << 3));
}

float quantize_from_fp8(uint8_t code) {
  /* A half has one bit of exponent more, eight higher. */
  return 256 *
         dtype_f16_to_f32((uint16_t)((code & 0x80) << 8 | (code & 0x7f) << 7));
}

float quantize_scale(quantize_mode mode, uint8_t code) {
  if (mode == QUANTIZE_NVFP4) return quantize_from_fp8(code);
  /* The exponent of a float; 255 is infinity, 0 half the least normal. */
  const uint32_t bits = code ? (uint32_t)code << 23 : (uint32_t)1 << 22;
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

static float round_to(lz_dtype d, float x) {
  switch (d) {
    case DTYPE_FLOAT16:
      return dtype_f16_to_f32(dtype_f32_to_f16(x));
    case DTYPE_BFLOAT16:
      return dtype_bf16_to_f32(dtype_f32_to_bf16(x));
    default:
      return x;
  }
}

/* The same of n values, at most a group. */
static void round_all(lz_dtype d, float* x, int n) {
  if (d == DTYPE_FLOAT32) return;
  uint16_t halves[QUANTIZE_GROUP_MAX];
  gemm_kernels()->store[d](halves, 1, x, n);
  gemm_kernels()->load[d](x, halves, 1, n);
}

static const float fp4_values[8] = {0, 0.5f, 1, 1.5f, 2, 3, 4, 6};

static char* row_of(const lz_view* v, int64_t row) {
  return lead_data(v, lead_nth(v, 1, row));
}

static int64_t last_stride(const lz_view* v) {
  return v->strides[v->ndim - 1];
}

static int64_t rows_of(const lz_view* v) {
  const int64_t n = v->shape[v->ndim - 1];
  return n ? view_size(v) / n : 0;
}

typedef struct quantize_call {
  const quantize_format* f;
  const lz_view *w, *packed, *scales, *biases, *out;
  const float* global_scale;
  lz_dtype type;
} quantize_call;

/* The nearest value of e2m1, the smaller of two as near; each step rounded as
 * type d rounds. */
static uint8_t fp4_nearest(float x, lz_dtype d) {
  uint8_t best = 0;
  float least = round_to(d, fabsf(x));
  for (int i = 1; i < 8; i++) {
    const float at = x < 0 ? -fp4_values[i] : fp4_values[i];
    const float off = fabsf(round_to(d, x - at));
    if (off < least) {
      least = off;
      best = (uint8_t)i;
    }
  }
  return best && x < 0 ? best | 8 : best;
}

/* A group of mxfp4, mxfp8 or nvfp4: codes, and the code of the scale. MLX
 * composes this of operations on arrays of w's type d, each of which rounds. */
static uint8_t float_group(
    const quantize_call* c, lz_dtype d, float* w, uint8_t* codes) {
  const quantize_mode mode = c->f->mode;
  const int n = c->f->group_size;
  float scale = round_to(
      d,
      quantize_kernels()->largest(w, n) /
          (mode == QUANTIZE_MXFP8 ? 448.0f : 6.0f));
  if (mode == QUANTIZE_NVFP4) {
    const float encode = c->global_scale ? 2688.0f / *c->global_scale : 1.0f;
    const uint8_t code = quantize_to_fp8(scale * encode);
    const float by = quantize_from_fp8(code);
    /* Times a float32 array: float32 from here on. */
    for (int i = 0; i < n; i++)
      codes[i] = fp4_nearest(round_to(d, w[i] / by) * encode, DTYPE_FLOAT32);
    return code;
  }
  float exponent = 0;
  if (scale != 0) {
    const float e = rintf(round_to(d, log2f(scale)));
    /* To int32 and back: what does not fit is the least of them. */
    exponent = fabsf(e) < 0x1p31f ? e : -0x1p31f;
    exponent = round_to(d, exponent);
  }
  const float by = round_to(d, exp2f(exponent));
  quantize_kernels()->over(w, n, by);
  round_all(d, w, n);
  if (mode == QUANTIZE_MXFP8)
    quantize_kernels()->to_fp8(codes, w, n);
  else
    for (int i = 0; i < n; i++) codes[i] = fp4_nearest(w[i], d);
  return (uint8_t)(int64_t)round_to(d, exponent + 127);
}

static void quantize_rows(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const quantize_call* c = ctx;
  const quantize_format* f = c->f;
  const quantize_table* t = quantize_kernels();
  const gemm_table* g = gemm_kernels();
  const lz_dtype d = c->w->dtype;
  const int n = f->group_size;
  const int64_t groups = c->w->shape[c->w->ndim - 1] / n;
  const int64_t step = last_stride(c->w);
  float w[QUANTIZE_GROUP_MAX];
  uint8_t codes[QUANTIZE_GROUP_MAX];
  for (int64_t r = begin; r < end; r++) {
    const char* src = row_of(c->w, r);
    uint8_t* packed = (uint8_t*)row_of(c->packed, r);
    char* scales = row_of(c->scales, r);
    char* biases = c->biases ? row_of(c->biases, r) : NULL;
    for (int64_t i = 0; i < groups; i++) {
      g->load[d](w, src + i * n * step * (int64_t)dtype_size(d), step, n);
      if (f->mode == QUANTIZE_AFFINE) {
        float scale, bias;
        t->affine(codes, w, n, f->bits, &scale, &bias);
        g->store[d](scales + i * (int64_t)dtype_size(d), 1, &scale, 1);
        g->store[d](biases + i * (int64_t)dtype_size(d), 1, &bias, 1);
      } else {
        scales[i] = (char)float_group(c, d, w, codes);
      }
      t->pack(packed + i * n / 8 * f->bits, codes, f->bits, n);
    }
  }
}

/* Rows to a part: some thousands of elements. */
static int64_t row_grain(const lz_view* v) {
  const int64_t grain = 16384 / v->shape[v->ndim - 1];
  return grain < 1 ? 1 : grain;
}

void quantize_run(
    const quantize_format* f,
    const lz_view* w,
    const float* global_scale,
    const lz_view* packed,
    const lz_view* scales,
    const lz_view* biases) {
  quantize_call c = {
      .f = f,
      .w = w,
      .packed = packed,
      .scales = scales,
      .biases = f->mode == QUANTIZE_AFFINE ? biases : NULL,
      .global_scale = global_scale};
  if (view_size(w) == 0) return;
  pool_for(rows_of(w), row_grain(w), quantize_rows, &c);
}

/* `bytes` of a row from byte `at` on: where they lie, or gathered. */
static const uint8_t* packed_bytes(
    const lz_view* v, const char* row, int64_t at, int bytes, uint8_t* room) {
  const int64_t step = last_stride(v);
  if (step == 1) return (const uint8_t*)row + at;
  for (int i = 0; i < bytes; i++) {
    const int64_t b = at + i;
    room[i] = (uint8_t)row[b / 4 * 4 * step + b % 4];
  }
  return room;
}

static float scalar_at(const lz_view* v, const char* row, int64_t i) {
  return (float)dtype_load(
      v->dtype, row + i * last_stride(v) * (int64_t)dtype_size(v->dtype));
}

static void dequantize_rows(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const quantize_call* c = ctx;
  const quantize_format* f = c->f;
  const quantize_table* t = quantize_kernels();
  const gemm_table* g = gemm_kernels();
  const int n = f->group_size, bytes = n / 8 * f->bits;
  const int64_t groups = c->out->shape[c->out->ndim - 1] / n;
  const int64_t step = last_stride(c->out);
  const int64_t size = (int64_t)dtype_size(c->out->dtype);
  float w[QUANTIZE_GROUP_MAX];
  uint8_t room[QUANTIZE_GROUP_MAX];
  for (int64_t r = begin; r < end; r++) {
    const char* packed = row_of(c->packed, r);
    const char* scales = row_of(c->scales, r);
    const char* biases = c->biases ? row_of(c->biases, r) : NULL;
    char* out = row_of(c->out, r);
    for (int64_t i = 0; i < groups; i++) {
      t->decode[f->mode](
          w,
          packed_bytes(c->packed, packed, i * bytes, bytes, room),
          f->bits,
          n);
      if (f->mode == QUANTIZE_AFFINE) {
        const float scale = scalar_at(c->scales, scales, i);
        const float bias = scalar_at(c->biases, biases, i);
        const lz_dtype d = c->scales->dtype;
        t->times(w, n, scale);
        round_all(d, w, n);
        t->plus(w, n, bias);
      } else {
        float scale = quantize_scale(
            f->mode, (uint8_t)scales[i * last_stride(c->scales)]);
        scale = round_to(c->type, scale);
        if (c->global_scale) scale *= *c->global_scale / 2688.0f;
        round_all(c->type, w, n);
        t->times(w, n, scale);
      }
      g->store[c->out->dtype](out + i * n * step * size, step, w, n);
    }
  }
}

void dequantize_run(
    const quantize_format* f,
    const lz_view* packed,
    const lz_view* scales,
    const lz_view* biases,
    const float* global_scale,
    lz_dtype type,
    const lz_view* out) {
  quantize_call c = {
      .f = f,
      .packed = packed,
      .scales = scales,
      .biases = f->mode == QUANTIZE_AFFINE ? biases : NULL,
      .out = out,
      .global_scale = global_scale,
      .type = type};
  if (view_size(out) == 0) return;
  pool_for(rows_of(out), row_grain(out), dequantize_rows, &c);
}

/* Nearest in e2m1, ties to the even code. */
static float fp4_round(float x) {
  if (x != x) return 6;
  const float a = fabsf(x);
  const float v = a > 5        ? 6
                  : a >= 3.5f  ? 4
                  : a > 2.5f   ? 3
                  : a >= 1.75f ? 2
                  : a > 1.25f  ? 1.5f
                  : a >= 0.75f ? 1
                  : a > 0.25f  ? 0.5f
                               : 0;
  return signbit(x) ? -v : v;
}

static void round_trip_rows(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const quantize_call* c = ctx;
  const quantize_format* f = c->f;
  const gemm_table* g = gemm_kernels();
  const int n = f->group_size;
  const int64_t groups = c->w->shape[c->w->ndim - 1] / n;
  const int64_t size = (int64_t)dtype_size(c->w->dtype);
  const float encode = c->global_scale ? 2688.0f / *c->global_scale : 1.0f;
  float w[QUANTIZE_GROUP_MAX];
  for (int64_t r = begin; r < end; r++) {
    const char* src = row_of(c->w, r);
    char* out = row_of(c->out, r);
    for (int64_t i = 0; i < groups; i++) {
      g->load[c->w->dtype](
          w, src + i * n * last_stride(c->w) * size, last_stride(c->w), n);
      float most = -INFINITY;
      for (int j = 0; j < n; j++)
        most = fabsf(w[j]) > most ? fabsf(w[j]) : most;
      most /= f->bits == 4 ? 6.0f : 448.0f;
      float scale, back;
      if (f->mode == QUANTIZE_NVFP4) {
        scale = quantize_from_fp8(quantize_to_fp8(most * encode)) / encode;
        back = scale;
      } else {
        float e = isfinite(most) ? roundf(log2f(most)) : 128;
        e = e < -127 ? -127 : e > 128 ? 128 : e;
        if (isfinite(most) && e > 127) e = 127;
        scale = back = ldexpf(1, (int)e);
      }
      for (int j = 0; j < n; j++) {
        const float x = scale == 0 ? 0 : w[j] / scale;
        w[j] = back * (f->bits == 8 ? quantize_from_fp8(quantize_to_fp8(x))
                                    : fp4_round(x));
      }
      g->store[c->out->dtype](
          out + i * n * last_stride(c->out) * size, last_stride(c->out), w, n);
    }
  }
}

void quantize_round_trip(
    const quantize_format* f,
    const lz_view* x,
    const float* global_scale,
    const lz_view* out) {
  quantize_call c = {.f = f, .w = x, .out = out, .global_scale = global_scale};
  if (view_size(x) == 0) return;
  pool_for(rows_of(x), row_grain(x), round_trip_rows, &c);
}
