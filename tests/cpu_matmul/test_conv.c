/* conv_run against the definition, in double. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cpu/conv.h"
#include "tensor.h"

static const lz_dtype types[] = {
    DTYPE_FLOAT32,
    DTYPE_FLOAT16,
    DTYPE_BFLOAT16,
    DTYPE_FLOAT64,
    DTYPE_COMPLEX64};

typedef struct problem {
  lz_dtype dtype;
  int spatial, images, channels, outputs; /* of all groups */
  int32_t in[3], kernel[3], pad_hi[3];
  conv_params p;
  bool plain; /* row-major operands */
} problem;

static int64_t flat(const tensor* t, const int64_t* index) {
  int64_t at = 0;
  for (int i = 0; i < t->view.ndim; i++) at = at * t->shape[i] + index[i];
  return at;
}

static void check(
    const problem* p,
    const tensor* in,
    const tensor* w,
    const tensor* out,
    int64_t flat_out) {
  const int sp = p->spatial, nd = sp + 2;
  int64_t o[5], rest = flat_out, taps = 1;
  for (int i = nd; i-- > 0;) {
    o[i] = rest % out->shape[i];
    rest /= out->shape[i];
  }
  for (int i = 0; i < sp; i++) taps *= p->kernel[i];
  const int64_t c = p->channels / p->p.groups;
  const int64_t group = o[nd - 1] / (p->outputs / p->p.groups);
  double re = 0, im = 0, size = 0;
  for (int64_t t = 0; t < taps; t++) {
    int64_t at_w[5] = {o[nd - 1]}, at_in[5] = {o[0]}, left = t;
    bool inside = true;
    for (int i = sp; i-- > 0;) {
      const int64_t k = left % p->kernel[i];
      left /= p->kernel[i];
      at_w[1 + i] = p->p.flip ? p->kernel[i] - 1 - k : k;
      const int64_t u = o[1 + i] * p->p.stride[i] +
                        k * p->p.kernel_dilation[i] - p->p.padding[i];
      if (u < 0 || u % p->p.input_dilation[i] ||
          u / p->p.input_dilation[i] >= p->in[i])
        inside = false;
      else
        at_in[1 + i] = u / p->p.input_dilation[i];
    }
    if (!inside) continue;
    for (int64_t ch = 0; ch < c; ch++) {
      at_w[nd - 1] = ch;
      at_in[nd - 1] = group * c + ch;
      const int64_t x = flat(in, at_in), y = flat(w, at_w);
      const double a = tensor_get(in, x), b = tensor_get_imag(in, x);
      const double d = tensor_get(w, y), e = tensor_get_imag(w, y);
      re += a * d - b * e;
      im += a * e + b * d;
      size += fabs(a * d) + fabs(b * e) + fabs(a * e) + fabs(b * d);
    }
  }
  const double u = p->dtype == DTYPE_FLOAT16    ? 0x1p-10
                   : p->dtype == DTYPE_BFLOAT16 ? 0x1p-7
                   : p->dtype == DTYPE_FLOAT64  ? 0x1p-50
                                                : 0x1p-22;
  const double sums = p->dtype == DTYPE_FLOAT64 ? 0x1p-50 : 0x1p-20;
  const double bound = u * fabs(re) + sums * size + 1e-7;
  const double got = tensor_get(out, flat_out);
  const double got_im = tensor_get_imag(out, flat_out);
  if (!(fabs(got - re) <= bound) ||
      !(fabs(got_im - im) <= bound + u * fabs(im)))
    fail_msg(
        "%s %dd %d->%d groups %d at %d: %g, not %g",
        dtype_name(p->dtype),
        sp,
        p->channels,
        p->outputs,
        p->p.groups,
        (int)flat_out,
        got,
        re);
}

/* False: nothing comes out. */
static bool run(const problem* p) {
  const int sp = p->spatial, nd = sp + 2;
  int32_t is[5] = {p->images}, ws[5] = {p->outputs}, os[5] = {p->images};
  for (int i = 0; i < sp; i++) {
    is[1 + i] = p->in[i];
    ws[1 + i] = p->kernel[i];
    const int32_t wide = (p->in[i] - 1) * p->p.input_dilation[i] + 1 +
                         p->p.padding[i] + p->pad_hi[i];
    const int32_t kernel = (p->kernel[i] - 1) * p->p.kernel_dilation[i] + 1;
    if (wide < kernel) return false;
    os[1 + i] = (wide - kernel) / p->p.stride[i] + 1;
  }
  is[nd - 1] = p->channels;
  ws[nd - 1] = p->channels / p->p.groups;
  os[nd - 1] = p->outputs;
  tensor in, w, out;
  const int any = p->plain ? 0 : TENSOR_LAYOUTS - 1;
  tensor_init(&in, p->dtype, nd, is, test_range(0, any));
  tensor_fill(&in, -1, 1);
  tensor_init(&w, p->dtype, nd, ws, test_range(0, any));
  tensor_fill(&w, -1, 1);
  tensor_init(&out, p->dtype, nd, os, test_range(0, any));
  assert_int_equal(conv_run(&in.view, &w.view, &out.view, &p->p), 0);
  const int64_t n = tensor_size(&out);
  const int64_t step = n > 3000 ? n / 1500 : 1;
  for (int64_t i = 0; i < n; i += step) check(p, &in, &w, &out, i);
  if (n) check(p, &in, &w, &out, n - 1);
  tensor_free(&in);
  tensor_free(&w);
  tensor_free(&out);
  return true;
}

static void random_convolutions(void** state) {
  (void)state;
  int ran = 0;
  for (int round = 0; round < 500; round++) {
    test_seed((uint64_t)round + 11);
    problem p = {.dtype = types[round % 5], .spatial = test_range(1, 3)};
    p.images = test_range(1, 3);
    p.p.groups = test_range(0, 2) ? 1 : test_range(2, 4);
    p.channels = p.p.groups * test_range(1, 6);
    p.outputs = p.p.groups * test_range(1, 8);
    p.p.flip = test_range(0, 3) == 0;
    p.plain = test_range(0, 1);
    const bool dilated = test_range(0, 2) == 0;
    for (int i = 0; i < 3; i++) {
      p.in[i] = test_range(1, p.spatial == 3 ? 6 : 12);
      p.kernel[i] = test_range(1, 4);
      p.p.stride[i] = test_range(1, 3);
      p.p.padding[i] = test_range(-1, 3);
      p.pad_hi[i] = test_range(-1, 3);
      p.p.kernel_dilation[i] = test_range(0, 1) ? 1 : test_range(1, 3);
      p.p.input_dilation[i] = dilated ? test_range(1, 3) : 1;
    }
    ran += run(&p);
  }
  assert_true(ran > 300);
}

/* What networks have: channels by the dozen, small kernels. */
static void usual_layers(void** state) {
  (void)state;
  static const struct {
    int spatial, size, channels, outputs, kernel, stride, pad, groups, images;
  } layers[] = {
      {2, 32, 3, 32, 3, 1, 1, 1, 4},
      {2, 28, 64, 96, 3, 1, 1, 1, 1},
      {2, 28, 64, 64, 3, 2, 1, 1, 3},
      {2, 14, 96, 128, 1, 1, 0, 1, 2},
      {2, 14, 96, 96, 3, 1, 1, 96, 2},
      {1, 200, 80, 128, 3, 1, 1, 1, 1},
      {1, 400, 48, 48, 7, 2, 3, 1, 5},
      {3, 10, 16, 32, 3, 1, 1, 1, 1},
      {2, 30, 16, 32, 5, 1, 2, 4, 1},
      {2, 56, 3, 64, 7, 2, 3, 1, 1}};
  for (int l = 0; l < 10; l++)
    for (int type = 0; type < 3; type++) {
      test_seed((uint64_t)(l * 3 + type));
      problem p = {
          .dtype = types[type],
          .spatial = layers[l].spatial,
          .images = layers[l].images,
          .channels = layers[l].channels,
          .outputs = layers[l].outputs,
          .plain = true};
      p.p.groups = layers[l].groups;
      for (int i = 0; i < 3; i++) {
        p.in[i] = layers[l].size;
        p.kernel[i] = layers[l].kernel;
        p.p.stride[i] = layers[l].stride;
        p.p.padding[i] = p.pad_hi[i] = layers[l].pad;
        p.p.kernel_dilation[i] = p.p.input_dilation[i] = 1;
      }
      assert_true(run(&p));
    }
}

/* Transposed convolutions: dilated input, the kernel backwards. */
static void transposed_layers(void** state) {
  (void)state;
  static const struct {
    int spatial, size, channels, outputs, kernel, dilation, pad, stride;
  } layers[] = {
      {2, 14, 64, 48, 4, 2, 2, 1},
      {2, 15, 32, 33, 3, 2, 1, 1},
      {1, 100, 64, 64, 16, 8, 8, 1},
      {2, 20, 32, 32, 2, 2, 1, 1},
      {2, 20, 16, 32, 2, 3, 1, 1},
      {2, 24, 24, 32, 5, 2, 2, 3},
      {3, 7, 16, 24, 4, 2, 2, 1}};
  for (int l = 0; l < 7; l++)
    for (int type = 0; type < 4; type++) {
      test_seed((uint64_t)(l * 3 + type));
      problem p = {
          .dtype = types[type],
          .spatial = layers[l].spatial,
          .images = 2,
          .channels = layers[l].channels,
          .outputs = layers[l].outputs,
          .plain = true};
      p.p.groups = 1;
      p.p.flip = type % 2;
      for (int i = 0; i < 3; i++) {
        p.in[i] = layers[l].size;
        p.kernel[i] = layers[l].kernel;
        p.p.stride[i] = layers[l].stride;
        p.p.padding[i] = p.pad_hi[i] = layers[l].pad;
        p.p.kernel_dilation[i] = 1;
        p.p.input_dilation[i] = layers[l].dilation;
      }
      assert_true(run(&p));
    }
}

static void empty(void** state) {
  (void)state;
  problem p = {
      .dtype = DTYPE_FLOAT32,
      .spatial = 2,
      .images = 0,
      .channels = 3,
      .outputs = 4,
      .in = {5, 5, 5},
      .kernel = {3, 3, 3},
      .p = {{1, 1, 1}, {0}, {1, 1, 1}, {1, 1, 1}, 1, false}};
  assert_true(run(&p));
  p.images = 2;
  p.channels = 0; /* a sum of nothing is 0 */
  assert_true(run(&p));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(random_convolutions),
      cmocka_unit_test(usual_layers),
      cmocka_unit_test(transposed_layers),
      cmocka_unit_test(empty)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
