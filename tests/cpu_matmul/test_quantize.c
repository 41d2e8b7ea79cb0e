/* Formats and packing against values that MLX 0.31.2 gives on its CPU, and
 * against the definition in plain C for random matrices in every layout. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cpu/quantize.h"
#include "tensor.h"

static const quantize_format formats[] = {
    {QUANTIZE_AFFINE, 2, 32},
    {QUANTIZE_AFFINE, 3, 64},
    {QUANTIZE_AFFINE, 4, 32},
    {QUANTIZE_AFFINE, 4, 64},
    {QUANTIZE_AFFINE, 4, 128},
    {QUANTIZE_AFFINE, 5, 32},
    {QUANTIZE_AFFINE, 6, 64},
    {QUANTIZE_AFFINE, 8, 128},
    {QUANTIZE_MXFP4, 4, 32},
    {QUANTIZE_MXFP8, 8, 32},
    {QUANTIZE_NVFP4, 4, 16}};
#define FORMATS (int)(sizeof formats / sizeof *formats)

static const lz_dtype types[] = {DTYPE_FLOAT32, DTYPE_FLOAT16, DTYPE_BFLOAT16};

typedef struct quantized {
  tensor packed, scales, biases;
} quantized;

static void quantized_init(
    quantized* q, const quantize_format* f, const tensor* w) {
  int32_t shape[LZ_MAX_DIMS];
  const int nd = w->view.ndim;
  memcpy(shape, w->shape, (size_t)nd * sizeof *shape);
  shape[nd - 1] = w->shape[nd - 1] * f->bits / 32;
  tensor_init(&q->packed, DTYPE_UINT32, nd, shape, TENSOR_ROWS);
  shape[nd - 1] = w->shape[nd - 1] / f->group_size;
  const bool affine = f->mode == QUANTIZE_AFFINE;
  const lz_dtype d = affine ? w->view.dtype : DTYPE_UINT8;
  tensor_init(&q->scales, d, nd, shape, TENSOR_ROWS);
  tensor_init(&q->biases, d, nd, shape, TENSOR_ROWS);
  quantize_run(
      f, &w->view, NULL, &q->packed.view, &q->scales.view, &q->biases.view);
}

static void quantized_free(quantized* q) {
  tensor_free(&q->packed);
  tensor_free(&q->scales);
  tensor_free(&q->biases);
}

static unsigned code_at(
    const tensor* packed, int64_t row, int64_t k, int bits) {
  const int64_t words = packed->shape[packed->view.ndim - 1];
  const uint8_t* bytes = (const uint8_t*)packed->view.data + row * words * 4;
  unsigned code = 0;
  for (int b = 0; b < bits; b++) {
    const int64_t bit = k * bits + b;
    code |= (unsigned)(bytes[bit / 8] >> (bit % 8) & 1) << b;
  }
  return code;
}

static double code_value(const quantize_format* f, unsigned code) {
  static const double fp4[8] = {0, 0.5, 1, 1.5, 2, 3, 4, 6};
  if (f->mode == QUANTIZE_AFFINE) return code;
  if (f->bits == 4) return code & 8 ? -fp4[code & 7] : fp4[code & 7];
  const int e = code >> 3 & 15, m = code & 7;
  const double v = e ? ldexp(1 + m / 8.0, e - 7) : ldexp(m / 8.0, -6);
  return code & 128 ? -v : v;
}

static double scale_value(
    const quantize_format* f, const tensor* t, int64_t i) {
  const double v = tensor_get(t, i);
  if (f->mode == QUANTIZE_AFFINE) return v;
  if (f->mode == QUANTIZE_NVFP4) {
    const quantize_format e4m3 = {QUANTIZE_MXFP8, 8, 32};
    return code_value(&e4m3, (unsigned)v);
  }
  return ldexp(1, (int)v - 127);
}

/* Every code is the nearest that its group's scale allows; dequantising gives
 * what the code and scale stand for; layouts of the input do not matter. */
static void codes_are_nearest(void** state) {
  (void)state;
  for (int i = 0; i < FORMATS * 12; i++) {
    test_seed((uint64_t)i + 7);
    const quantize_format* f = &formats[i % FORMATS];
    const lz_dtype d = types[i / FORMATS % 3];
    int32_t shape[3] = {
        test_range(1, 3),
        test_range(1, 5),
        QUANTIZE_GROUP_MAX * test_range(1, 3)};
    tensor w, out;
    quantized q;
    tensor_init(&w, d, 3, shape, test_range(0, TENSOR_LAYOUTS - 1));
    tensor_fill(&w, -3, i % 2 ? 3 : 0.5);
    quantized_init(&q, f, &w);
    tensor_init(&out, d, 3, shape, test_range(0, TENSOR_LAYOUTS - 1));
    dequantize_run(
        f, &q.packed.view, &q.scales.view, &q.biases.view, NULL, d, &out.view);
    const double u = d == DTYPE_FLOAT32   ? 0x1p-22
                     : d == DTYPE_FLOAT16 ? 0x1p-10
                                          : 0x1p-7;
    for (int64_t e = 0; e < tensor_size(&w); e++) {
      const int64_t row = e / shape[2], k = e % shape[2];
      const int64_t g = e / f->group_size;
      const double s = scale_value(f, &q.scales, g);
      const double b =
          f->mode == QUANTIZE_AFFINE ? tensor_get(&q.biases, g) : 0;
      const unsigned code = code_at(&q.packed, row, k, f->bits);
      const double x = tensor_get(&w, e);
      const double got = code_value(f, code) * s + b;
      double best = INFINITY;
      for (unsigned c = 0; c < 1u << f->bits; c++) {
        if (f->mode == QUANTIZE_MXFP8 && (c & 127) == 127) continue;
        best = fmin(best, fabs(code_value(f, c) * s + b - x));
      }
      const double size = fabs(x) + fabs(s) * (1 << f->bits) + fabs(b);
      if (!(fabs(got - x) <= best + size * u))
        fail_msg("format %d: %g became %g", i % FORMATS, x, got);
      if (!(fabs(tensor_get(&out, e) - got) <= size * u))
        fail_msg(
            "format %d: code %u is %g, not %g",
            i % FORMATS,
            code,
            tensor_get(&out, e),
            got);
    }
    quantized_free(&q);
    tensor_free(&w);
    tensor_free(&out);
  }
}

/* Packed words and scales whose axes lie any way. */
static void strided_codes(void** state) {
  (void)state;
  for (int i = 0; i < FORMATS; i++) {
    const quantize_format* f = &formats[i];
    const int32_t shape[2] = {6, 256};
    tensor w, a, b, packed, scales, biases;
    quantized q;
    tensor_init(&w, DTYPE_FLOAT32, 2, shape, TENSOR_ROWS);
    tensor_fill(&w, -1, 1);
    quantized_init(&q, f, &w);
    tensor_init(&packed, DTYPE_UINT32, 2, q.packed.shape, TENSOR_SWAPPED);
    tensor_init(
        &scales, q.scales.view.dtype, 2, q.scales.shape, TENSOR_REVERSED);
    tensor_init(
        &biases, q.scales.view.dtype, 2, q.scales.shape, TENSOR_STEPPED);
    for (int64_t e = 0; e < tensor_size(&packed); e++)
      memcpy(tensor_at(&packed, e), tensor_at(&q.packed, e), 4);
    for (int64_t e = 0; e < tensor_size(&scales); e++) {
      tensor_set(&scales, e, tensor_get(&q.scales, e));
      tensor_set(&biases, e, tensor_get(&q.biases, e));
    }
    tensor_init(&a, DTYPE_FLOAT32, 2, shape, TENSOR_ROWS);
    tensor_init(&b, DTYPE_FLOAT32, 2, shape, TENSOR_ROWS);
    dequantize_run(
        f,
        &q.packed.view,
        &q.scales.view,
        &q.biases.view,
        NULL,
        DTYPE_FLOAT32,
        &a.view);
    dequantize_run(
        f,
        &packed.view,
        &scales.view,
        &biases.view,
        NULL,
        DTYPE_FLOAT32,
        &b.view);
    for (int64_t e = 0; e < tensor_size(&a); e++)
      assert_true(tensor_get(&a, e) == tensor_get(&b, e));
    quantized_free(&q);
    tensor_free(&w);
    tensor_free(&a);
    tensor_free(&b);
    tensor_free(&packed);
    tensor_free(&scales);
    tensor_free(&biases);
  }
}

/* What follows MLX gives; some of it one would not guess. */
static void one_group(
    const quantize_format* f, const double* values, tensor* w, quantized* q) {
  const int32_t shape[2] = {1, f->group_size};
  tensor_init(w, DTYPE_FLOAT32, 2, shape, TENSOR_ROWS);
  for (int i = 0; i < f->group_size; i++) tensor_set(w, i, values[i]);
  quantized_init(q, f, w);
}

static void a_group_of_zeros(void** state) {
  (void)state;
  const double zeros[128] = {0};
  tensor w;
  quantized q;
  one_group(&formats[2], zeros, &w, &q);
  assert_true(tensor_get(&q.scales, 0) == (double)-1e-7f);
  assert_true(tensor_get(&q.biases, 0) == 0);
  assert_int_equal(code_at(&q.packed, 0, 5, 4), 0);
  quantized_free(&q);
  tensor_free(&w);
  one_group(&formats[8], zeros, &w, &q);
  assert_int_equal((int)tensor_get(&q.scales, 0), 127);
  quantized_free(&q);
  tensor_free(&w);
}

static void not_a_number(void** state) {
  (void)state;
  double values[128] = {NAN};
  for (int i = 1; i < 128; i++) values[i] = 1;
  tensor w;
  quantized q;
  one_group(&formats[2], values, &w, &q); /* affine looks past it */
  assert_true(tensor_get(&q.biases, 0) == 1);
  assert_true(tensor_get(&q.scales, 0) == (double)-1e-7f);
  assert_int_equal(code_at(&q.packed, 0, 0, 4), 0);
  quantized_free(&q);
  tensor_free(&w);
  one_group(&formats[8], values, &w, &q);
  assert_int_equal((int)tensor_get(&q.scales, 0), 128);
  assert_int_equal(code_at(&q.packed, 0, 0, 4), 0);
  quantized_free(&q);
  tensor_free(&w);
  one_group(&formats[9], values, &w, &q);
  assert_int_equal((int)tensor_get(&q.scales, 0), 128);
  assert_int_equal(code_at(&q.packed, 0, 0, 8), 0x7e);
  quantized_free(&q);
  tensor_free(&w);
}

/* Quantising rounds a tie of e2m1 to the smaller magnitude, the round trip of
 * qqmm to the even code. */
static void ties_of_e2m1(void** state) {
  (void)state;
  static const double ties[] = {0.25, 0.75, 1.25, 1.75, 2.5, 3.5, 5};
  static const double down[] = {0, 0.5, 1, 1.5, 2, 3, 4};
  static const double even[] = {0, 1, 1, 2, 2, 4, 4};
  double values[128] = {6};
  for (int i = 0; i < 7; i++) {
    values[1 + i] = ties[i];
    values[8 + i] = -ties[i];
  }
  tensor w, out;
  quantized q;
  one_group(&formats[8], values, &w, &q);
  assert_int_equal((int)tensor_get(&q.scales, 0), 127);
  tensor_init(&out, DTYPE_FLOAT32, 2, w.shape, TENSOR_ROWS);
  quantize_round_trip(&formats[8], &w.view, NULL, &out.view);
  for (int i = 0; i < 7; i++) {
    const double a = code_value(&formats[8], code_at(&q.packed, 0, 1 + i, 4));
    const double b = code_value(&formats[8], code_at(&q.packed, 0, 8 + i, 4));
    assert_true(a == down[i] && b == -down[i]);
    assert_true(tensor_get(&out, 1 + i) == even[i]);
    assert_true(tensor_get(&out, 8 + i) == -even[i]);
  }
  quantized_free(&q);
  tensor_free(&w);
  tensor_free(&out);
}

static void eight_bit_floats(void** state) {
  (void)state;
  for (int c = 0; c < 256; c++) {
    const quantize_format f = {QUANTIZE_MXFP8, 8, 32};
    const double v = code_value(&f, (unsigned)c);
    assert_true(quantize_from_fp8((uint8_t)c) == v);
    if ((c & 127) != 127) assert_int_equal(quantize_to_fp8((float)v), c);
  }
  assert_true(quantize_from_fp8(0x7f) == 480); /* not a NaN */
  assert_int_equal(quantize_to_fp8(464), 0x7e);
  assert_int_equal(quantize_to_fp8(INFINITY), 0x7e);
  assert_int_equal(quantize_to_fp8(-1e30f), 0xfe);
  assert_int_equal(quantize_to_fp8(17), 0x58); /* 16, 18: to even */
  assert_int_equal(quantize_to_fp8(19), 0x5a);
  assert_int_equal(quantize_to_fp8(0x1p-10f), 0);
  assert_int_equal(quantize_to_fp8(0x1.8p-9f), 2);
  assert_true(quantize_scale(QUANTIZE_MXFP4, 0) == 0x1p-127f);
  assert_true(isinf(quantize_scale(QUANTIZE_MXFP4, 255)));
}

/* A scale for all: what it stands for cancels. */
static void global_scale(void** state) {
  (void)state;
  const quantize_format* f = &formats[10];
  const int32_t shape[2] = {4, 64};
  const float global = 3;
  tensor w, out;
  quantized q;
  tensor_init(&w, DTYPE_FLOAT32, 2, shape, TENSOR_ROWS);
  tensor_fill(&w, -3, 3);
  quantized_init(&q, f, &w);
  quantize_run(f, &w.view, &global, &q.packed.view, &q.scales.view, NULL);
  tensor_init(&out, DTYPE_FLOAT32, 2, shape, TENSOR_ROWS);
  dequantize_run(
      f,
      &q.packed.view,
      &q.scales.view,
      NULL,
      &global,
      DTYPE_FLOAT32,
      &out.view);
  for (int64_t g = 0; g < 16; g++)
    assert_true(tensor_get(&q.scales, g) > 0x60); /* scaled up to 448 */
  for (int64_t i = 0; i < tensor_size(&w); i++)
    assert_true(fabs(tensor_get(&out, i) - tensor_get(&w, i)) < 0.6);
  quantized_free(&q);
  tensor_free(&w);
  tensor_free(&out);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(codes_are_nearest),
      cmocka_unit_test(strided_codes),
      cmocka_unit_test(a_group_of_zeros),
      cmocka_unit_test(not_a_number),
      cmocka_unit_test(ties_of_e2m1),
      cmocka_unit_test(eight_bit_floats),
      cmocka_unit_test(global_scale)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
