/* fft_run against the sum of its definition, and hadamard_run against its
 * matrix. */
#include <complex.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cpu/fft.h"
#include "cpu/hadamard.h"
#include "tensor.h"

static double complex get(const tensor* t, int64_t i) {
  return CMPLX(tensor_get(t, i), tensor_get_imag(t, i));
}

/* Transforms row-major x along one axis of length n, in double. */
static void reference(
    double complex* x, int nd, const int32_t* shape, int axis, bool inverse) {
  int64_t inner = 1, outer = 1;
  const int64_t n = shape[axis];
  for (int i = 0; i < axis; i++) outer *= shape[i];
  for (int i = axis + 1; i < nd; i++) inner *= shape[i];
  double complex* line = malloc((size_t)n * sizeof *line);
  double complex* turn = malloc((size_t)n * sizeof *turn);
  for (int64_t k = 0; k < n; k++)
    turn[k] = cexp((inverse ? I : -I) * 2 * M_PI * (double)k / (double)n);
  for (int64_t o = 0; o < outer; o++)
    for (int64_t i = 0; i < inner; i++) {
      double complex* at = x + o * n * inner + i;
      for (int64_t k = 0; k < n; k++) {
        line[k] = 0;
        for (int64_t j = 0; j < n; j++)
          line[k] += at[j * inner] * turn[j * k % n];
      }
      for (int64_t k = 0; k < n; k++)
        at[k * inner] = inverse ? line[k] / (double)n : line[k];
    }
  free(line);
  free(turn);
}

static void compare(
    const tensor* out, const double complex* want, double size, int n) {
  const double bound = size * 0x1p-23 * (4 + 2 * log2(n + 1)) + 1e-12;
  for (int64_t i = 0; i < tensor_size(out); i++)
    if (!(cabs(get(out, i) - want[i]) <= bound))
      fail_msg(
          "length %d at %d: %g%+gi, not %g%+gi (%g)",
          n,
          (int)i,
          tensor_get(out, i),
          tensor_get_imag(out, i),
          creal(want[i]),
          cimag(want[i]),
          bound);
}

static double norm(const double complex* x, int64_t n) {
  double s = 0;
  for (int64_t i = 0; i < n; i++) s += creal(x[i] * conj(x[i]));
  return sqrt(s);
}

static int layout(void) {
  return test_range(0, TENSOR_LAYOUTS - 1);
}

static void complex_lines(
    int nd, const int32_t* shape, const int* axes, int count, bool inverse) {
  tensor in, out;
  tensor_init(&in, DTYPE_COMPLEX64, nd, shape, layout());
  tensor_fill(&in, -1, 1);
  tensor_init(&out, DTYPE_COMPLEX64, nd, shape, layout());
  const int64_t n = tensor_size(&in);
  double complex* want = malloc((size_t)n * sizeof *want);
  for (int64_t i = 0; i < n; i++) want[i] = get(&in, i);
  double size = norm(want, n);
  int longest = 1;
  for (int i = 0; i < count; i++) {
    reference(want, nd, shape, axes[i], inverse);
    if (shape[axes[i]] > longest) longest = shape[axes[i]];
  }
  assert_int_equal(fft_run(&in.view, &out.view, axes, count, inverse), 0);
  if (inverse)
    for (int i = 0; i < count; i++) size /= sqrt(shape[axes[i]]);
  compare(&out, want, size, longest);
  free(want);
  tensor_free(&in);
  tensor_free(&out);
}

static void every_length(void** state) {
  (void)state;
  const int axis = 1;
  for (int n = 1; n <= 130; n++) {
    test_seed((uint64_t)n);
    const int32_t shape[2] = {2, n};
    complex_lines(2, shape, &axis, 1, n % 2);
  }
  /* from 2048 on: as a matrix */
  static const int lengths[] = {
      1024, 1021, 768, 1369, 62 * 11, 997, 2048, 2310};
  for (int i = 0; i < 8; i++) {
    const int32_t shape[2] = {1, lengths[i]};
    complex_lines(2, shape, &axis, 1, i % 2);
  }
}

static void any_axes(void** state) {
  (void)state;
  static const int sets[][3] = {
      {0}, {1}, {2}, {0, 1}, {2, 0}, {1, 2}, {0, 1, 2}};
  static const int counts[] = {1, 1, 1, 2, 2, 2, 3};
  for (int i = 0; i < 28; i++) {
    test_seed((uint64_t)i);
    const int32_t shape[3] = {
        test_range(1, 12), test_range(1, 40), test_range(1, 20)};
    complex_lines(3, shape, sets[i % 7], counts[i % 7], i % 2);
  }
}

/* Three axes, there and back. */
static void real_shape(const int32_t* shape, const int* axes, int count) {
  const int last = axes[count - 1];
  int32_t half[3] = {shape[0], shape[1], shape[2]};
  half[last] = shape[last] / 2 + 1;
  tensor in, out, back;
  tensor_init(&in, DTYPE_FLOAT32, 3, shape, layout());
  tensor_fill(&in, -1, 1);
  tensor_init(&out, DTYPE_COMPLEX64, 3, half, layout());
  tensor_init(&back, DTYPE_FLOAT32, 3, shape, layout());
  const int64_t n = tensor_size(&in);
  double complex* want = malloc((size_t)n * sizeof *want);
  for (int64_t i = 0; i < n; i++) want[i] = get(&in, i);
  const double size = norm(want, n);
  for (int i = 0; i < count; i++) reference(want, 3, shape, axes[i], false);
  double complex* part = malloc((size_t)tensor_size(&out) * sizeof *part);
  for (int64_t i = 0; i < tensor_size(&out); i++) {
    int64_t index[3], rest = i;
    for (int a = 3; a-- > 0;) {
      index[a] = rest % half[a];
      rest /= half[a];
    }
    part[i] = want[(index[0] * shape[1] + index[1]) * shape[2] + index[2]];
  }
  assert_int_equal(fft_run(&in.view, &out.view, axes, count, false), 0);
  compare(&out, part, size, shape[last]);
  /* What no real signal has at 0 is not looked at. */
  if (count == 1 && last == 2)
    for (int64_t i = 0; i < tensor_size(&out); i += half[2]) {
      const float im = 7;
      memcpy(tensor_at(&out, i) + 4, &im, 4);
    }
  assert_int_equal(fft_run(&out.view, &back.view, axes, count, true), 0);
  for (int64_t i = 0; i < n; i++) want[i] = get(&in, i);
  compare(&back, want, 4, shape[last]);
  free(want);
  free(part);
  tensor_free(&in);
  tensor_free(&out);
  tensor_free(&back);
}

static void real_lines(void** state) {
  (void)state;
  static const int sets[][3] = {{2}, {1, 2}, {0, 1}, {2, 1, 0}};
  static const int counts[] = {1, 2, 2, 3};
  for (int round = 0; round < 48; round++) {
    test_seed((uint64_t)round);
    const int *axes = sets[round % 4], count = counts[round % 4];
    const int last = axes[count - 1];
    int32_t shape[3] = {
        test_range(1, 10), test_range(1, 24), test_range(1, 80)};
    if (round >= 40) shape[last] = 2 * 521;
    if (round >= 45) {
      for (int i = 0; i < 3; i++) shape[i] = 1;
      shape[last] = 2048 + 64 * (round - 45);
    }
    if (round < 40 || shape[0] * shape[1] * shape[2] <= 9000)
      real_shape(shape, axes, count);
  }
}

/* Lines that fill vectors, that do not, and that go one or two at a time. */
static void line_counts(void** state) {
  (void)state;
  static const int lengths[] = {37, 131, 333, 961, 1024, 2053, 2187, 5000};
  static const int counts[] = {1, 2, 3, 7, 13, 20, 37};
  for (int i = 0; i < 8; i++)
    for (int k = 0; k < 7; k++) {
      const int n = lengths[i], axis = 1 + k % 2;
      const int32_t shape[3] = {
          1, k % 2 ? counts[k] : n, k % 2 ? n : counts[k]};
      if ((int64_t)n * n * counts[k] > 12000000) continue;
      test_seed((uint64_t)(100 * i + k));
      complex_lines(3, shape, &axis, 1, i % 2);
      real_shape(shape, &axis, 1);
    }
}

static void hadamard(void** state) {
  (void)state;
  static const lz_dtype types[] = {
      DTYPE_FLOAT32, DTYPE_FLOAT16, DTYPE_BFLOAT16};
  static const int lengths[] = {1, 2, 8, 64, 256, 12, 24, 20, 160, 28, 56, 448};
  for (int round = 0; round < 36; round++) {
    test_seed((uint64_t)round);
    const int n = lengths[round % 12];
    const int32_t shape[2] = {3, n}, square[2] = {n, n};
    tensor x, y, e, h;
    /* The matrix itself: the transform of the unit vectors. */
    tensor_init(&e, DTYPE_FLOAT32, 2, square, TENSOR_ROWS);
    tensor_init(&h, DTYPE_FLOAT32, 2, square, TENSOR_ROWS);
    for (int i = 0; i < n * n; i++) tensor_set(&e, i, i / n == i % n);
    assert_int_equal(hadamard_run(&e.view, &h.view, 1), 0);
    for (int i = 0; i < n; i++)
      for (int j = 0; j <= i; j++) {
        double sum = 0;
        for (int k = 0; k < n; k++)
          sum += tensor_get(&h, i * n + k) * tensor_get(&h, j * n + k);
        assert_true(fabs(tensor_get(&h, i * n + j)) == 1);
        assert_true(sum == (i == j ? n : 0));
      }
    tensor_init(&x, types[round % 3], 2, shape, layout());
    tensor_fill(&x, -1, 1);
    tensor_init(&y, types[round % 3], 2, shape, layout());
    assert_int_equal(hadamard_run(&x.view, &y.view, 0.25f), 0);
    for (int r = 0; r < 3; r++)
      for (int j = 0; j < n; j++) {
        double sum = 0;
        for (int k = 0; k < n; k++)
          sum += tensor_get(&h, k * n + j) * tensor_get(&x, r * n + k);
        const double u = round % 3 == 0 ? 1e-6 : round % 3 == 1 ? 1e-3 : 8e-3;
        assert_true(
            fabs(tensor_get(&y, r * n + j) - sum / 4) <=
            u * (1 + fabs(sum)) + n * 1e-7);
      }
    tensor_free(&x);
    tensor_free(&y);
    tensor_free(&e);
    tensor_free(&h);
  }
  int m, power;
  assert_int_equal(hadamard_split(36, &m, &power), 1);
  assert_int_equal(hadamard_split(0, &m, &power), 1);
  assert_int_equal(hadamard_split(96, &m, &power), 0);
  assert_int_equal(m, 12);
  assert_int_equal(power, 8);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_length),
      cmocka_unit_test(line_counts),
      cmocka_unit_test(any_axes),
      cmocka_unit_test(real_lines),
      cmocka_unit_test(hadamard)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
