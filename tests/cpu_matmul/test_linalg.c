/* What decompositions must satisfy, over batches, shapes, types and layouts,
 * and conventions as MLX 0.31.2 has them. */
#include <complex.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cpu/linalg.h"
#include "tensor.h"

static double complex get(const tensor* t, int64_t i) {
  return CMPLX(tensor_get(t, i), tensor_get_imag(t, i));
}

/* Element (i, j) of matrix b. */
static double complex at(const tensor* t, int64_t b, int64_t i, int64_t j) {
  const int nd = t->view.ndim;
  return get(t, (b * t->shape[nd - 2] + i) * t->shape[nd - 1] + j);
}

static void init(
    tensor* t, lz_dtype d, int b, int m, int n, enum tensor_layout layout) {
  const int32_t shape[3] = {b, m, n};
  tensor_init(t, d, 3, shape, layout);
}

static void init_vector(tensor* t, lz_dtype d, int b, int n) {
  const int32_t shape[2] = {b, n};
  tensor_init(t, d, 2, shape, test_range(0, TENSOR_LAYOUTS - 1));
}

static double tolerance(lz_dtype d) {
  return d == DTYPE_FLOAT64 ? 1e-12 : 2e-4;
}

static void near(
    lz_dtype d, const char* what, double complex got, double complex want) {
  if (!(cabs(got - want) <= tolerance(d) * (1 + cabs(want))))
    fail_msg(
        "%s %s: %g%+gi, not %g%+gi",
        what,
        dtype_name(d),
        creal(got),
        cimag(got),
        creal(want),
        cimag(want));
}

static int layout(void) {
  return test_range(0, TENSOR_LAYOUTS - 1);
}

static void set_complex(tensor* t, int64_t i, double complex v) {
  tensor_set(t, i, creal(v));
  if (t->view.dtype == DTYPE_COMPLEX64) {
    const float im = (float)cimag(v);
    memcpy(tensor_at(t, i) + 4, &im, 4);
  }
}

/* Symmetric or Hermitian, with `shift` added to the diagonal. */
static void fill_symmetric(tensor* t, double shift) {
  const int n = t->shape[2];
  tensor_fill(t, -1, 1);
  for (int b = 0; b < t->shape[0]; b++)
    for (int i = 0; i < n; i++)
      for (int j = 0; j <= i; j++) {
        const double complex v = at(t, b, i, j);
        set_complex(t, (b * n + i) * n + j, i == j ? creal(v) + shift : v);
        set_complex(
            t, (b * n + j) * n + i, i == j ? creal(v) + shift : conj(v));
      }
}

static const lz_dtype real_types[] = {DTYPE_FLOAT32, DTYPE_FLOAT64};
static const lz_dtype all_types[] = {
    DTYPE_FLOAT32, DTYPE_FLOAT64, DTYPE_COMPLEX64};

static void cholesky(void** state) {
  (void)state;
  for (int round = 0; round < 24; round++) {
    test_seed((uint64_t)round);
    const lz_dtype d = real_types[round % 2];
    const bool upper = round / 2 % 2;
    const int b = test_range(1, 4), n = test_range(1, 40);
    tensor a, f;
    init(&a, d, b, n, n, layout());
    init(&f, d, b, n, n, layout());
    fill_symmetric(&a, n + 1);
    tensor whole;
    init(&whole, d, b, n, n, TENSOR_ROWS);
    for (int64_t i = 0; i < tensor_size(&a); i++)
      tensor_set(&whole, i, tensor_get(&a, i));
    /* The other triangle may hold anything. */
    for (int64_t i = 0; i < tensor_size(&a); i++) {
      const int64_t r = i / n % n, c = i % n;
      if (upper ? r > c : r < c) tensor_set(&a, i, 99);
    }
    assert_int_equal(linalg_cholesky(&a.view, &f.view, upper), LINALG_OK);
    for (int s = 0; s < b; s++)
      for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
          double complex sum = 0;
          for (int k = 0; k < n; k++)
            sum += upper ? at(&f, s, k, i) * at(&f, s, k, j)
                         : at(&f, s, i, k) * at(&f, s, j, k);
          near(d, "cholesky", sum, at(&whole, s, i, j));
          if (upper ? i > j : i < j) assert_true(at(&f, s, i, j) == 0);
        }
    tensor_free(&a);
    tensor_free(&f);
    tensor_free(&whole);
  }
}

static void inverse(void** state) {
  (void)state;
  for (int round = 0; round < 36; round++) {
    test_seed((uint64_t)round);
    const lz_dtype d = real_types[round % 2];
    const int kind = round / 2 % 3; /* general, lower, upper */
    const int b = test_range(1, 4), n = test_range(1, 30);
    tensor a, f;
    init(&a, d, b, n, n, layout());
    init(&f, d, b, n, n, layout());
    tensor_fill(&a, -1, 1);
    for (int64_t i = 0; i < tensor_size(&a); i++)
      if (i / n % n == i % n) tensor_set(&a, i, tensor_get(&a, i) + n);
    assert_int_equal(
        linalg_inverse(&a.view, &f.view, kind > 0, kind == 2), LINALG_OK);
    for (int s = 0; s < b; s++)
      for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
          double complex sum = 0;
          for (int k = 0; k < n; k++) {
            const bool there = kind == 0 || (kind == 1 ? i >= k : i <= k);
            if (there) sum += at(&a, s, i, k) * at(&f, s, k, j);
          }
          near(d, "inverse", sum, i == j);
        }
    tensor_free(&a);
    tensor_free(&f);
  }
}

static void singular(void** state) {
  (void)state;
  tensor a, f, pivots, rows;
  init(&a, DTYPE_FLOAT32, 1, 2, 2, TENSOR_ROWS);
  init(&f, DTYPE_FLOAT32, 1, 2, 2, TENSOR_ROWS);
  init_vector(&pivots, DTYPE_UINT32, 1, 2);
  init_vector(&rows, DTYPE_UINT32, 1, 2);
  for (int i = 0; i < 4; i++) tensor_set(&a, i, 0);
  assert_int_equal(linalg_inverse(&a.view, &f.view, false, false), 1);
  assert_int_equal(linalg_lu(&a.view, &f.view, &pivots.view, &rows.view), 1);
  tensor_set(&a, 0, 1);
  assert_int_equal(linalg_inverse(&a.view, &f.view, true, false), 2);
  for (int i = 0; i < 4; i++) tensor_set(&a, i, NAN);
  tensor s;
  init_vector(&s, DTYPE_FLOAT32, 1, 2);
  assert_int_not_equal(linalg_svd(&a.view, NULL, &s.view, NULL), LINALG_OK);
  tensor_free(&a);
  tensor_free(&f);
  tensor_free(&pivots);
  tensor_free(&rows);
  tensor_free(&s);
}

/* No error, as in MLX: what was factored before the failure comes out. */
static void not_positive_definite(void** state) {
  (void)state;
  static const double values[9] = {-4, -1, -2, -1, -3, 0, -2, 0, -5};
  tensor a, f;
  init(&a, DTYPE_FLOAT32, 1, 3, 3, TENSOR_ROWS);
  init(&f, DTYPE_FLOAT32, 1, 3, 3, TENSOR_ROWS);
  for (int i = 0; i < 9; i++) tensor_set(&a, i, values[i]);
  assert_int_equal(linalg_cholesky(&a.view, &f.view, false), LINALG_OK);
  assert_true(tensor_get(&f, 0) == -4 && tensor_get(&f, 8) == -5);
  assert_true(tensor_get(&f, 1) == 0 && tensor_get(&f, 3) == -1);
  tensor_free(&a);
  tensor_free(&f);
}

static void qr(void** state) {
  (void)state;
  for (int round = 0; round < 24; round++) {
    test_seed((uint64_t)round);
    const lz_dtype d = real_types[round % 2];
    const int b = test_range(1, 3), m = test_range(1, 30);
    const int n = test_range(1, 30), k = m < n ? m : n;
    tensor a, q, r;
    init(&a, d, b, m, n, layout());
    init(&q, d, b, m, k, layout());
    init(&r, d, b, k, n, layout());
    tensor_fill(&a, -1, 1);
    assert_int_equal(linalg_qr(&a.view, &q.view, &r.view), LINALG_OK);
    for (int s = 0; s < b; s++) {
      for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++) {
          double complex sum = 0;
          for (int t = 0; t < k; t++) sum += at(&q, s, i, t) * at(&r, s, t, j);
          near(d, "q r", sum, at(&a, s, i, j));
          if (i < k && i > j) assert_true(at(&r, s, i, j) == 0);
        }
      for (int i = 0; i < k; i++)
        for (int j = 0; j < k; j++) {
          double complex sum = 0;
          for (int t = 0; t < m; t++) sum += at(&q, s, t, i) * at(&q, s, t, j);
          near(d, "qᵀ q", sum, i == j);
        }
    }
    tensor_free(&a);
    tensor_free(&q);
    tensor_free(&r);
  }
}

static void svd(void** state) {
  (void)state;
  for (int round = 0; round < 36; round++) {
    test_seed((uint64_t)round);
    const lz_dtype d = all_types[round % 3];
    const lz_dtype ds = d == DTYPE_COMPLEX64 ? DTYPE_FLOAT32 : d;
    const int b = test_range(1, 3), m = test_range(1, 20);
    const int n = test_range(1, 20), k = m < n ? m : n;
    tensor a, u, s, v, alone;
    init(&a, d, b, m, n, layout());
    init(&u, d, b, m, m, layout());
    init(&v, d, b, n, n, layout());
    init_vector(&s, ds, b, k);
    init_vector(&alone, ds, b, k);
    tensor_fill(&a, -1, 1);
    assert_int_equal(linalg_svd(&a.view, &u.view, &s.view, &v.view), 0);
    assert_int_equal(linalg_svd(&a.view, NULL, &alone.view, NULL), 0);
    for (int z = 0; z < b; z++) {
      for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++) {
          double complex sum = 0;
          for (int t = 0; t < k; t++)
            sum +=
                at(&u, z, i, t) * tensor_get(&s, z * k + t) * at(&v, z, t, j);
          near(d, "u s vt", sum, at(&a, z, i, j));
        }
      for (int i = 0; i < m; i++)
        for (int j = 0; j < m; j++) {
          double complex sum = 0;
          for (int t = 0; t < m; t++)
            sum += conj(at(&u, z, t, i)) * at(&u, z, t, j);
          near(d, "uᴴ u", sum, i == j);
        }
      for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
          double complex sum = 0;
          for (int t = 0; t < n; t++)
            sum += conj(at(&v, z, i, t)) * at(&v, z, j, t);
          near(d, "vt v", sum, i == j);
        }
      for (int t = 0; t < k; t++) {
        near(d, "s", tensor_get(&alone, z * k + t), tensor_get(&s, z * k + t));
        if (t)
          assert_true(
              tensor_get(&s, z * k + t) <= tensor_get(&s, z * k + t - 1));
      }
    }
    tensor_free(&a);
    tensor_free(&u);
    tensor_free(&s);
    tensor_free(&v);
    tensor_free(&alone);
  }
}

static void svd_of_nothing(void** state) {
  (void)state;
  tensor a, u, s, v;
  init(&a, DTYPE_FLOAT32, 2, 3, 0, TENSOR_ROWS);
  init(&u, DTYPE_FLOAT32, 2, 3, 3, TENSOR_ROWS);
  init(&v, DTYPE_FLOAT32, 2, 0, 0, TENSOR_ROWS);
  init_vector(&s, DTYPE_FLOAT32, 2, 0);
  assert_int_equal(linalg_svd(&a.view, &u.view, &s.view, &v.view), 0);
  for (int i = 0; i < 18; i++)
    assert_true(tensor_get(&u, i) == (i % 9 / 3 == i % 3));
  tensor_free(&a);
  tensor_free(&u);
  tensor_free(&s);
  tensor_free(&v);
}

static void eigh(void** state) {
  (void)state;
  for (int round = 0; round < 36; round++) {
    test_seed((uint64_t)round);
    const lz_dtype d = all_types[round % 3];
    const lz_dtype dv = d == DTYPE_COMPLEX64 ? DTYPE_FLOAT32 : d;
    const int b = test_range(1, 3), n = test_range(1, 20);
    tensor a, w, v, alone;
    init(&a, d, b, n, n, layout());
    init(&v, d, b, n, n, layout());
    init_vector(&w, dv, b, n);
    init_vector(&alone, dv, b, n);
    fill_symmetric(&a, 0);
    assert_int_equal(linalg_eigh(&a.view, &w.view, &v.view, round / 3 % 2), 0);
    assert_int_equal(linalg_eigh(&a.view, &alone.view, NULL, false), 0);
    for (int s = 0; s < b; s++)
      for (int j = 0; j < n; j++) {
        const double value = tensor_get(&w, s * n + j);
        near(d, "values", tensor_get(&alone, s * n + j), value);
        if (j) assert_true(value >= tensor_get(&w, s * n + j - 1));
        double norm = 0;
        for (int i = 0; i < n; i++) {
          double complex sum = 0;
          for (int t = 0; t < n; t++) sum += at(&a, s, i, t) * at(&v, s, t, j);
          near(d, "a v", sum, value * at(&v, s, i, j));
          norm += pow(cabs(at(&v, s, i, j)), 2);
        }
        near(d, "norm", norm, 1);
      }
    tensor_free(&a);
    tensor_free(&w);
    tensor_free(&v);
    tensor_free(&alone);
  }
}

/* MLX's "L" reads on and above the diagonal of the row-major matrix. */
static void eigh_triangle(void** state) {
  (void)state;
  static const double values[9] = {4, 9, 9, 1, 3, 9, 2, 0, 5};
  static const double lower[3] = {-5.58956, -4.43512, 22.0247};
  static const double upper[3] = {1.8549, 3.47602, 6.66908};
  tensor a, w;
  init(&a, DTYPE_FLOAT32, 1, 3, 3, TENSOR_ROWS);
  init_vector(&w, DTYPE_FLOAT32, 1, 3);
  for (int i = 0; i < 9; i++) tensor_set(&a, i, values[i]);
  assert_int_equal(linalg_eigh(&a.view, &w.view, NULL, false), 0);
  for (int i = 0; i < 3; i++)
    assert_true(fabs(tensor_get(&w, i) - lower[i]) < 1e-4);
  assert_int_equal(linalg_eigh(&a.view, &w.view, NULL, true), 0);
  for (int i = 0; i < 3; i++)
    assert_true(fabs(tensor_get(&w, i) - upper[i]) < 1e-4);
  tensor_free(&a);
  tensor_free(&w);
}

static void eig(void** state) {
  (void)state;
  for (int round = 0; round < 36; round++) {
    test_seed((uint64_t)round);
    const lz_dtype d = all_types[round % 3];
    const int b = test_range(1, 3), n = test_range(1, 16);
    tensor a, w, v;
    init(&a, d, b, n, n, layout());
    init(&v, DTYPE_COMPLEX64, b, n, n, layout());
    init_vector(&w, DTYPE_COMPLEX64, b, n);
    tensor_fill(&a, -1, 1);
    assert_int_equal(linalg_eig(&a.view, &w.view, NULL), 0);
    assert_int_equal(linalg_eig(&a.view, &w.view, &v.view), 0);
    for (int s = 0; s < b; s++)
      for (int j = 0; j < n; j++) {
        double norm = 0;
        for (int i = 0; i < n; i++) {
          double complex sum = 0;
          for (int t = 0; t < n; t++) sum += at(&a, s, i, t) * at(&v, s, t, j);
          near(
              DTYPE_COMPLEX64,
              "a v",
              sum,
              get(&w, s * n + j) * at(&v, s, i, j));
          norm += pow(cabs(at(&v, s, i, j)), 2);
        }
        near(DTYPE_COMPLEX64, "norm", norm, 1);
      }
    tensor_free(&a);
    tensor_free(&w);
    tensor_free(&v);
  }
}

static void lu(void** state) {
  (void)state;
  for (int round = 0; round < 24; round++) {
    test_seed((uint64_t)round);
    const lz_dtype d = real_types[round % 2];
    const int b = test_range(1, 3), m = test_range(1, 20);
    const int n = test_range(1, 20), k = m < n ? m : n;
    tensor a, f, pivots, rows;
    init(&a, d, b, m, n, layout());
    init(&f, d, b, m, n, layout());
    init_vector(&pivots, DTYPE_UINT32, b, k);
    init_vector(&rows, DTYPE_UINT32, b, m);
    tensor_fill(&a, -1, 1);
    assert_int_equal(linalg_lu(&a.view, &f.view, &pivots.view, &rows.view), 0);
    for (int s = 0; s < b; s++)
      for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++) {
          /* Row i of a is row rows[i] of l u. */
          const int r = (int)tensor_get(&rows, s * m + i);
          double complex sum = 0;
          for (int t = 0; t < k; t++) {
            const double complex l = t == r ? 1 : t < r ? at(&f, s, r, t) : 0;
            if (t <= j) sum += l * at(&f, s, t, j);
          }
          near(d, "l u", sum, at(&a, s, i, j));
        }
    tensor_free(&a);
    tensor_free(&f);
    tensor_free(&pivots);
    tensor_free(&rows);
  }
}

static void lu_as_mlx(void** state) {
  (void)state;
  static const double values[12] = {0, 1, 2, 3, 4, 5, 6, 7, 9, 8, 1, 0.5};
  static const double swaps[3] = {2, 1, 2}, order[3] = {2, 1, 0};
  static const double t_swaps[3] = {3, 3, 2}, t_order[4] = {1, 3, 2, 0};
  tensor a, f, pivots, rows;
  init(&a, DTYPE_FLOAT32, 1, 3, 4, TENSOR_ROWS);
  for (int i = 0; i < 12; i++) tensor_set(&a, i, values[i]);
  init(&f, DTYPE_FLOAT32, 1, 3, 4, TENSOR_ROWS);
  init_vector(&pivots, DTYPE_UINT32, 1, 3);
  init_vector(&rows, DTYPE_UINT32, 1, 3);
  assert_int_equal(linalg_lu(&a.view, &f.view, &pivots.view, &rows.view), 0);
  for (int i = 0; i < 3; i++) {
    assert_true(tensor_get(&pivots, i) == swaps[i]);
    assert_true(tensor_get(&rows, i) == order[i]);
  }
  assert_true(fabs(tensor_get(&f, 4) - 0.444444) < 1e-5);
  tensor_free(&a);
  tensor_free(&f);
  tensor_free(&rows);
  init(&a, DTYPE_FLOAT32, 1, 4, 3, TENSOR_ROWS);
  for (int i = 0; i < 12; i++) tensor_set(&a, i, values[i % 3 * 4 + i / 3]);
  init(&f, DTYPE_FLOAT32, 1, 4, 3, TENSOR_ROWS);
  init_vector(&rows, DTYPE_UINT32, 1, 4);
  assert_int_equal(linalg_lu(&a.view, &f.view, &pivots.view, &rows.view), 0);
  for (int i = 0; i < 3; i++) assert_true(tensor_get(&pivots, i) == t_swaps[i]);
  for (int i = 0; i < 4; i++) assert_true(tensor_get(&rows, i) == t_order[i]);
  tensor_free(&a);
  tensor_free(&f);
  tensor_free(&pivots);
  tensor_free(&rows);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(cholesky),
      cmocka_unit_test(inverse),
      cmocka_unit_test(singular),
      cmocka_unit_test(not_positive_definite),
      cmocka_unit_test(qr),
      cmocka_unit_test(svd),
      cmocka_unit_test(svd_of_nothing),
      cmocka_unit_test(eigh),
      cmocka_unit_test(eigh_triangle),
      cmocka_unit_test(eig),
      cmocka_unit_test(lu),
      cmocka_unit_test(lu_as_mlx)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
