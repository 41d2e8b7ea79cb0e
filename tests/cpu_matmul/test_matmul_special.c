/* Products by index, over segments of k, and with masks of blocks. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cpu/matmul.h"
#include "tensor.h"

static const lz_dtype types[] = {
    DTYPE_FLOAT32, DTYPE_FLOAT16, DTYPE_BFLOAT16, DTYPE_FLOAT64};

static double bound_of(lz_dtype d, double sum, double size) {
  const double u = d == DTYPE_FLOAT16    ? 0x1p-11
                   : d == DTYPE_BFLOAT16 ? 0x1p-8
                                         : 0x1p-24;
  return 2 * u * fabs(sum) + 0x1p-20 * size + 1e-6;
}

static void near(lz_dtype d, double got, double want, double size) {
  if (!(fabs(got - want) <= bound_of(d, want, size)))
    fail_msg("%s: %.9g, not %.9g", dtype_name(d), got, want);
}

static void init(
    tensor* t, lz_dtype d, int ndim, const int32_t* shape, bool fill) {
  tensor_init(t, d, ndim, shape, test_range(0, TENSOR_LAYOUTS - 1));
  if (fill) tensor_fill(t, -1, 1);
}

static void by_index(void** state) {
  (void)state;
  for (int round = 0; round < 24; round++) {
    test_seed((uint64_t)round);
    const lz_dtype d = types[round % 4];
    const int m = test_range(1, 3) == 1 ? 1 : test_range(1, 60);
    const int k = test_range(1, 60), n = test_range(1, 60);
    const int32_t as[4] = {2, 3, m, k}, bs[3] = {4, k, n}, is[2] = {5, 2};
    const int32_t os[4] = {5, 2, m, n};
    tensor a, b, lhs, rhs, out;
    init(&a, d, 4, as, true);
    init(&b, d, 3, bs, true);
    init(&lhs, DTYPE_UINT32, 2, is, false);
    init(&rhs, DTYPE_UINT32, 2, is, false);
    init(&out, d, 4, os, false);
    for (int i = 0; i < 10; i++) {
      tensor_set(&lhs, i, test_range(0, 5));
      tensor_set(&rhs, i, test_range(0, 3));
    }
    assert_int_equal(
        matmul_gather(&a.view, &b.view, &lhs.view, &rhs.view, &out.view), 0);
    for (int64_t o = 0; o < tensor_size(&out); o++) {
      const int64_t p = o / (m * n), i = o / n % m, j = o % n;
      const int64_t ia = (int64_t)tensor_get(&lhs, p) * m * k + i * k;
      const int64_t ib = (int64_t)tensor_get(&rhs, p) * k * n + j;
      double sum = 0, size = 0;
      for (int64_t t = 0; t < k; t++) {
        const double x = tensor_get(&a, ia + t) * tensor_get(&b, ib + t * n);
        sum += x;
        size += fabs(x);
      }
      near(d, tensor_get(&out, o), sum, size);
    }
    tensor_free(&a);
    tensor_free(&b);
    tensor_free(&lhs);
    tensor_free(&rhs);
    tensor_free(&out);
  }
}

static void over_segments(void** state) {
  (void)state;
  for (int round = 0; round < 16; round++) {
    test_seed((uint64_t)round);
    const lz_dtype d = types[round % 4];
    const int m = test_range(1, 50), k = test_range(1, 300);
    const int n = test_range(1, 50);
    const int32_t as[2] = {m, k}, bs[2] = {k, n}, ss[3] = {2, 3, 2};
    const int32_t os[4] = {2, 3, m, n};
    tensor a, b, segments, out;
    init(&a, d, 2, as, true);
    init(&b, d, 2, bs, true);
    init(&segments, DTYPE_UINT32, 3, ss, false);
    init(&out, d, 4, os, false);
    /* Some end before they begin: zero. */
    for (int i = 0; i < 12; i++) tensor_set(&segments, i, test_range(0, k));
    assert_int_equal(
        matmul_segments(&a.view, &b.view, &segments.view, &out.view), 0);
    for (int64_t o = 0; o < tensor_size(&out); o++) {
      const int64_t p = o / (m * n), i = o / n % m, j = o % n;
      double sum = 0, size = 0;
      for (int64_t t = (int64_t)tensor_get(&segments, 2 * p);
           t < (int64_t)tensor_get(&segments, 2 * p + 1);
           t++) {
        const double x = tensor_get(&a, i * k + t) * tensor_get(&b, t * n + j);
        sum += x;
        size += fabs(x);
      }
      near(d, tensor_get(&out, o), sum, size);
    }
    tensor_free(&a);
    tensor_free(&b);
    tensor_free(&segments);
    tensor_free(&out);
  }
}

static double mask_of(const tensor* t, int64_t batch, int64_t i, int64_t j) {
  const int nd = t->view.ndim;
  const int64_t down = t->shape[nd - 2], across = t->shape[nd - 1];
  const int64_t lead = nd > 2 && t->shape[0] > 1 ? batch : 0;
  return tensor_get(t, (lead * down + i) * across + j);
}

static void with_masks(void** state) {
  (void)state;
  for (int round = 0; round < 32; round++) {
    test_seed((uint64_t)round);
    const lz_dtype d = types[round % 4];
    const int block = round % 2 ? 32 : 64;
    const int m = test_range(1, 200), k = test_range(1, 200);
    const int n = test_range(1, 200);
    const int tm = (m + block - 1) / block, tk = (k + block - 1) / block;
    const int tn = (n + block - 1) / block;
    const int32_t as[3] = {2, m, k}, bs[3] = {2, k, n}, os[3] = {2, m, n};
    const bool logical = round / 2 % 2;
    const lz_dtype md = logical ? DTYPE_BOOL : d;
    const int32_t mo[3] = {2, tm, tn}, ma[3] = {1, tm, tk}, mb[2] = {tk, tn};
    tensor a, b, out, mask[3];
    init(&a, d, 3, as, true);
    init(&b, d, 3, bs, true);
    init(&out, d, 3, os, false);
    init(&mask[0], md, 3, mo, true);
    init(&mask[1], md, 3, ma, true);
    init(&mask[2], md, 2, mb, true);
    for (int i = 0; i < 3 && logical; i++)
      for (int64_t e = 0; e < tensor_size(&mask[i]); e++)
        tensor_set(&mask[i], e, test_range(0, 1));
    const int use = test_range(1, 7);
    matmul_masks masks = {
        block,
        use & 1 ? &mask[0].view : NULL,
        use & 2 ? &mask[1].view : NULL,
        use & 4 ? &mask[2].view : NULL};
    /* A masked block may hold anything: here the NaN of the first of a. */
    const bool nan = logical && use & 2 && mask_of(&mask[1], 0, 0, 0) == 0;
    if (nan) tensor_set(&a, 0, NAN);
    assert_int_equal(matmul_masked(&a.view, &b.view, &masks, &out.view), 0);
    for (int64_t o = 0; o < tensor_size(&out); o++) {
      const int64_t p = o / (m * n), i = o / n % m, j = o % n;
      double sum = 0, size = 0;
      for (int64_t t = 0; t < k; t++) {
        const double fa =
            use & 2 ? mask_of(&mask[1], p, i / block, t / block) : 1;
        const double fb =
            use & 4 ? mask_of(&mask[2], p, t / block, j / block) : 1;
        double x = tensor_get(&a, (p * m + i) * k + t);
        if (fa == 0) x = 0;
        x *= fa * fb * tensor_get(&b, (p * k + t) * n + j);
        sum += x;
        size += fabs(x);
      }
      if (use & 1) sum *= mask_of(&mask[0], p, i / block, j / block);
      near(d, tensor_get(&out, o), sum, size);
    }
    tensor_free(&a);
    tensor_free(&b);
    tensor_free(&out);
    for (int i = 0; i < 3; i++) tensor_free(&mask[i]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(by_index),
      cmocka_unit_test(over_segments),
      cmocka_unit_test(with_masks)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
