/* qmm_run against dequantising and multiplying in double. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cpu/qmm.h"
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
    {QUANTIZE_AFFINE, 8, 32},
    {QUANTIZE_MXFP4, 4, 32},
    {QUANTIZE_MXFP8, 8, 32},
    {QUANTIZE_NVFP4, 4, 16}};
#define FORMATS (int)(sizeof formats / sizeof *formats)

static const lz_dtype types[] = {DTYPE_FLOAT32, DTYPE_FLOAT16, DTYPE_BFLOAT16};

typedef struct weights {
  tensor packed, scales, biases, dense; /* dense: float32, what they mean */
} weights;

static void weights_init(
    weights* w,
    const quantize_format* f,
    lz_dtype d,
    int ndim,
    const int32_t* shape,
    enum tensor_layout layout) {
  int32_t s[LZ_MAX_DIMS];
  tensor full;
  tensor_init(&full, d, ndim, shape, TENSOR_ROWS);
  tensor_fill(&full, -1, 1);
  memcpy(s, shape, (size_t)ndim * sizeof *s);
  tensor_init(&w->dense, DTYPE_FLOAT32, ndim, shape, TENSOR_ROWS);
  s[ndim - 1] = shape[ndim - 1] * f->bits / 32;
  tensor packed, scales, biases;
  tensor_init(&packed, DTYPE_UINT32, ndim, s, TENSOR_ROWS);
  tensor_init(&w->packed, DTYPE_UINT32, ndim, s, layout);
  const lz_dtype sd = f->mode == QUANTIZE_AFFINE ? d : DTYPE_UINT8;
  s[ndim - 1] = shape[ndim - 1] / f->group_size;
  tensor_init(&scales, sd, ndim, s, TENSOR_ROWS);
  tensor_init(&biases, sd, ndim, s, TENSOR_ROWS);
  tensor_init(&w->scales, sd, ndim, s, layout);
  tensor_init(&w->biases, sd, ndim, s, layout);
  quantize_run(f, &full.view, NULL, &packed.view, &scales.view, &biases.view);
  for (int64_t i = 0; i < tensor_size(&packed); i++)
    memcpy(tensor_at(&w->packed, i), tensor_at(&packed, i), 4);
  for (int64_t i = 0; i < tensor_size(&scales); i++) {
    tensor_set(&w->scales, i, tensor_get(&scales, i));
    tensor_set(&w->biases, i, tensor_get(&biases, i));
  }
  /* Exact in float32 up to one rounding: scales of halves times codes. */
  tensor wide;
  tensor_init(&wide, DTYPE_FLOAT32, ndim, s, TENSOR_ROWS);
  for (int64_t i = 0; i < tensor_size(&wide); i++)
    tensor_set(&wide, i, tensor_get(&scales, i));
  dequantize_run(
      f,
      &packed.view,
      f->mode == QUANTIZE_AFFINE ? &wide.view : &scales.view,
      &biases.view,
      NULL,
      DTYPE_FLOAT32,
      &w->dense.view);
  tensor_free(&wide);
  tensor_free(&full);
  tensor_free(&packed);
  tensor_free(&scales);
  tensor_free(&biases);
}

static void weights_free(weights* w) {
  tensor_free(&w->packed);
  tensor_free(&w->scales);
  tensor_free(&w->biases);
  tensor_free(&w->dense);
}

/* Product of matrix `ix` of x and `iw` of w in out's matrix `io`. */
static void check(
    const tensor* x,
    int64_t ix,
    const weights* w,
    int64_t iw,
    const tensor* out,
    int64_t io,
    bool transpose) {
  const int64_t k = x->shape[x->view.ndim - 1];
  const int64_t n = out->shape[out->view.ndim - 1];
  const int64_t m = out->view.ndim > 1 ? out->shape[out->view.ndim - 2] : 1;
  const double u = out->view.dtype == DTYPE_FLOAT32   ? 0x1p-24
                   : out->view.dtype == DTYPE_FLOAT16 ? 0x1p-11
                                                      : 0x1p-8;
  /* Blocks of many rows may round w to bfloat16 as well. */
  const double rounded = out->view.dtype == DTYPE_BFLOAT16 ? 0x1p-8 : 0;
  const float* dense = w->dense.view.data;
  for (int64_t i = 0; i < m; i++) {
    double row[2048];
    for (int64_t t = 0; t < k; t++)
      row[t] = tensor_get(x, (ix * m + i) * k + t);
    for (int64_t j = 0; j < n; j++) {
      double sum = 0, size = 0, square = 0;
      for (int64_t t = 0; t < k; t++) {
        const double p =
            row[t] * dense[iw * n * k + (transpose ? j * k + t : t * n + j)];
        sum += p;
        size += fabs(p);
        square += p * p;
      }
      const double bound = 2 * u * fabs(sum) + size * 0x1p-19 +
                           4 * rounded * sqrt(square) + 1e-6;
      const double got = tensor_get(out, (io * m + i) * n + j);
      if (!(fabs(got - sum) <= bound))
        fail_msg(
            "%s %dx%dx%d at %d,%d: %g, not %g (%g)",
            dtype_name(out->view.dtype),
            (int)m,
            (int)k,
            (int)n,
            (int)i,
            (int)j,
            got,
            sum,
            bound);
    }
  }
}

static void products(void** state) {
  (void)state;
  for (int i = 0; i < FORMATS * 18; i++) {
    test_seed((uint64_t)i + 99);
    const quantize_format* f = &formats[i % FORMATS];
    const lz_dtype d = types[i / FORMATS % 3];
    const bool transpose = i / FORMATS / 3 % 2;
    const int k =
        transpose ? f->group_size * test_range(1, 6) : test_range(1, 150);
    const int n =
        transpose ? test_range(1, 150) : f->group_size * test_range(1, 6);
    const int m = test_range(0, 1) ? test_range(1, 8) : test_range(9, 40);
    const int batch = test_range(1, 3);
    const bool shared = test_range(0, 1);
    const int32_t xs[3] = {batch, m, k}, os[3] = {batch, m, n};
    const int32_t ws[3] = {
        shared ? 1 : batch, transpose ? n : k, transpose ? k : n};
    weights w;
    tensor x, out;
    weights_init(&w, f, d, 3, ws, test_range(0, TENSOR_LAYOUTS - 1));
    tensor_init(&x, d, 3, xs, test_range(0, TENSOR_LAYOUTS - 1));
    tensor_fill(&x, -1, 1);
    tensor_init(&out, d, 3, os, test_range(0, TENSOR_LAYOUTS - 1));
    assert_int_equal(
        qmm_run(
            f,
            transpose,
            &x.view,
            &w.packed.view,
            &w.scales.view,
            &w.biases.view,
            &out.view,
            NULL,
            NULL),
        0);
    for (int b = 0; b < batch; b++)
      check(&x, b, &w, shared ? 0 : b, &out, b, transpose);
    weights_free(&w);
    tensor_free(&x);
    tensor_free(&out);
  }
}

static void large(void** state) {
  (void)state;
  static const int32_t extents[][3] = {
      {1, 2048, 1000}, {40, 1024, 600}, {5, 1024, 700}};
  for (int i = 0; i < FORMATS; i++)
    for (int e = 0; e < 3; e++) {
      const quantize_format* f = &formats[i];
      const int32_t xs[2] = {extents[e][0], extents[e][1]};
      const int32_t ws[2] = {extents[e][2], extents[e][1]};
      const int32_t os[2] = {extents[e][0], extents[e][2]};
      weights w;
      tensor x, out;
      weights_init(&w, f, types[i % 3], 2, ws, TENSOR_ROWS);
      tensor_init(&x, types[i % 3], 2, xs, TENSOR_ROWS);
      tensor_fill(&x, -1, 1);
      tensor_init(&out, types[i % 3], 2, os, TENSOR_ROWS);
      assert_int_equal(
          qmm_run(
              f,
              true,
              &x.view,
              &w.packed.view,
              &w.scales.view,
              &w.biases.view,
              &out.view,
              NULL,
              NULL),
          0);
      check(&x, 0, &w, 0, &out, 0, true);
      weights_free(&w);
      tensor_free(&x);
      tensor_free(&out);
    }
}

static void gathered(void** state) {
  (void)state;
  for (int i = 0; i < FORMATS; i++)
    for (int transpose = 0; transpose < 2; transpose++) {
      test_seed((uint64_t)i);
      const quantize_format* f = &formats[i];
      const int m = i % 2 ? 1 : 12, k = 128, n = 256;
      const int32_t xs[4] = {2, 3, m, k}, os[3] = {7, m, n}, is[1] = {7};
      const int32_t ws[3] = {4, transpose ? n : k, transpose ? k : n};
      weights w;
      tensor x, out, lhs, rhs;
      weights_init(&w, f, DTYPE_FLOAT32, 3, ws, TENSOR_ROWS);
      tensor_init(&x, DTYPE_FLOAT32, 4, xs, TENSOR_SHUFFLED);
      tensor_fill(&x, -1, 1);
      tensor_init(&out, DTYPE_FLOAT32, 3, os, TENSOR_ROWS);
      tensor_init(&lhs, DTYPE_UINT32, 1, is, TENSOR_STEPPED);
      tensor_init(&rhs, DTYPE_UINT32, 1, is, TENSOR_REVERSED);
      for (int b = 0; b < 7; b++) {
        tensor_set(&lhs, b, test_range(0, 5));
        tensor_set(&rhs, b, test_range(0, 3));
      }
      assert_int_equal(
          qmm_run(
              f,
              transpose,
              &x.view,
              &w.packed.view,
              &w.scales.view,
              &w.biases.view,
              &out.view,
              &lhs.view,
              &rhs.view),
          0);
      for (int b = 0; b < 7; b++)
        check(
            &x,
            (int64_t)tensor_get(&lhs, b),
            &w,
            (int64_t)tensor_get(&rhs, b),
            &out,
            b,
            transpose);
      weights_free(&w);
      tensor_free(&x);
      tensor_free(&out);
      tensor_free(&lhs);
      tensor_free(&rhs);
    }
}

static void vector_without_rows(void** state) {
  (void)state;
  const quantize_format f = {QUANTIZE_AFFINE, 4, 64};
  const int32_t xs[1] = {128}, ws[2] = {40, 128}, os[1] = {40};
  weights w;
  tensor x, out;
  weights_init(&w, &f, DTYPE_FLOAT32, 2, ws, TENSOR_ROWS);
  tensor_init(&x, DTYPE_FLOAT32, 1, xs, TENSOR_REVERSED);
  tensor_fill(&x, -1, 1);
  tensor_init(&out, DTYPE_FLOAT32, 1, os, TENSOR_STEPPED);
  assert_int_equal(
      qmm_run(
          &f,
          true,
          &x.view,
          &w.packed.view,
          &w.scales.view,
          &w.biases.view,
          &out.view,
          NULL,
          NULL),
      0);
  check(&x, 0, &w, 0, &out, 0, true);
  weights_free(&w);
  tensor_free(&x);
  tensor_free(&out);
}

/* Infinity times what it meets, as in floating point. */
static void not_finite(void** state) {
  (void)state;
  const quantize_format f = {QUANTIZE_AFFINE, 4, 64};
  const int32_t xs[2] = {2, 128}, ws[2] = {40, 128}, os[2] = {2, 40};
  for (int type = 0; type < 3; type++) {
    weights w;
    tensor x, out;
    weights_init(&w, &f, types[type], 2, ws, TENSOR_ROWS);
    tensor_init(&x, types[type], 2, xs, TENSOR_ROWS);
    tensor_fill(&x, -1, 1);
    tensor_set(&x, 3, INFINITY);
    tensor_set(&x, 130, NAN);
    tensor_init(&out, types[type], 2, os, TENSOR_ROWS);
    assert_int_equal(
        qmm_run(
            &f,
            true,
            &x.view,
            &w.packed.view,
            &w.scales.view,
            &w.biases.view,
            &out.view,
            NULL,
            NULL),
        0);
    for (int j = 0; j < 40; j++) {
      assert_true(!isfinite(tensor_get(&out, j)));
      assert_true(isnan(tensor_get(&out, 40 + j)));
    }
    weights_free(&w);
    tensor_free(&x);
    tensor_free(&out);
  }
}

/* Sums of the largest codes and the largest x of each sign: whole numbers that
 * overflow would show. */
static void extreme(void** state) {
  (void)state;
  const int32_t xs[2] = {2, 256}, ws[2] = {20, 256}, os[2] = {2, 20};
  for (int i = 0; i < FORMATS; i++) {
    const quantize_format* f = &formats[i];
    weights w;
    tensor x, out;
    weights_init(&w, f, DTYPE_FLOAT32, 2, ws, TENSOR_ROWS);
    memset(
        w.packed.view.data,
        f->mode == QUANTIZE_AFFINE ? 0xff : 0x77,
        (size_t)tensor_size(&w.packed) * 4);
    dequantize_run(
        f,
        &w.packed.view,
        &w.scales.view,
        &w.biases.view,
        NULL,
        DTYPE_FLOAT32,
        &w.dense.view);
    tensor_init(&x, DTYPE_FLOAT32, 2, xs, TENSOR_ROWS);
    for (int64_t j = 0; j < tensor_size(&x); j++)
      tensor_set(&x, j, j < 256 ? 0x1.fffffep0 : -0x1.fffffep0);
    tensor_init(&out, DTYPE_FLOAT32, 2, os, TENSOR_ROWS);
    assert_int_equal(
        qmm_run(
            f,
            true,
            &x.view,
            &w.packed.view,
            &w.scales.view,
            &w.biases.view,
            &out.view,
            NULL,
            NULL),
        0);
    check(&x, 0, &w, 0, &out, 0, true);
    weights_free(&w);
    tensor_free(&x);
    tensor_free(&out);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(products),
      cmocka_unit_test(large),
      cmocka_unit_test(gathered),
      cmocka_unit_test(not_finite),
      cmocka_unit_test(extreme),
      cmocka_unit_test(vector_without_rows)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
