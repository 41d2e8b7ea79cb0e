/* rope_run against rotations in double, and against its own inverse. */
#include <math.h>
#include <stdio.h>

#include "arrays.h"
#include "cpu/rope.h"

static const lz_dtype types[] = {
    DTYPE_FLOAT16, DTYPE_BFLOAT16, DTYPE_FLOAT32, DTYPE_FLOAT64};

static void check(uint64_t seed) {
  arrays_seed(seed);
  lz_dtype d = types[arrays_below(4)];
  int ndim = 3 + arrays_below(3), last = ndim - 1;
  int32_t shape[LZ_MAX_DIMS];
  array_shape(ndim, arrays_below(6) ? 1000 : 20000, true, shape);
  if (shape[last] < 2) shape[last] = 2 + arrays_below(70);
  if (arrays_below(12) == 0) {
    for (int i = 0; i < last; i++) shape[i] = shape[i] > 3 ? 3 : shape[i];
    shape[last] = 1100;
  }
  rope_spec spec = {
      .dims = 2 * (1 + arrays_below(shape[last] / 2)),
      .traditional = arrays_below(2),
      .base = 10000,
      .scale = (float)arrays_uniform(0.5, 1.5),
      .forward = arrays_below(2),
  };
  if (arrays_below(2)) spec.dims = shape[last] / 2 * 2;
  array* x = array_new(d, ndim, shape, arrays_below(LAYOUTS));
  array* out = array_new(d, ndim, shape, arrays_below(LAYOUT_BROADCAST));
  array_fill(x, -2, 2);
  int kind = arrays_below(3);
  int32_t one = 1;
  array* offset = array_new(
      arrays_below(2) ? DTYPE_INT32 : DTYPE_UINT32,
      kind > 0,
      kind == 1 ? &one : shape,
      arrays_below(LAYOUTS));
  array_fill(offset, 0, 60);
  int32_t half = spec.dims / 2;
  array* freqs =
      arrays_below(2)
          ? NULL
          : array_new(DTYPE_FLOAT32, 1, &half, arrays_below(LAYOUT_BROADCAST));
  if (freqs) array_fill(freqs, 1, 100);
  rope_run(
      &x->view, &offset->view, freqs ? &freqs->view : NULL, &spec, &out->view);
  char what[100];
  snprintf(
      what,
      sizeof what,
      "rope %s seed %llu",
      dtype_name(d),
      (unsigned long long)seed);
  int64_t n = view_size(&x->view);
  double e = d == DTYPE_FLOAT64 ? 0x1p-23 : array_eps(d);
  for (int64_t i = 0; i < n; i++) {
    int32_t index[LZ_MAX_DIMS], other[LZ_MAX_DIMS];
    array_index(&x->view, i, index);
    array_index(&x->view, i, other);
    double want = array_get(&x->view, i).re, margin = 0;
    int c = index[last];
    if (c < spec.dims) {
      int pair = spec.traditional ? c / 2 : c % half;
      bool first = spec.traditional ? c % 2 == 0 : c < half;
      other[last] = spec.traditional ? c ^ 1 : (first ? c + half : c - half);
      double y = array_get(&x->view, array_place(&x->view, other)).re;
      double start =
          array_get(&offset->view, kind == 2 && shape[0] > 1 ? index[0] : 0).re;
      double f = freqs ? 1 / array_get(&freqs->view, pair).re
                       : pow(spec.base, -(double)pair / half);
      double theta = (index[last - 1] + start) * spec.scale * f;
      double s = sin(theta) * (spec.forward ? 1 : -1) * (first ? -1 : 1);
      want = want * cos(theta) + y * s;
      margin = e * 8 + fabs(theta) * 0x1p-18;
    }
    array_assert_close(
        what, i, array_get(&out->view, i), (number){want, 0}, 0, margin);
  }
  /* There and back, in place. */
  if (d == DTYPE_FLOAT64) {
    spec.forward = !spec.forward;
    rope_run(
        &out->view,
        &offset->view,
        freqs ? &freqs->view : NULL,
        &spec,
        &out->view);
    for (int64_t i = 0; i < n; i++)
      array_assert_close(
          what, i, array_get(&out->view, i), array_get(&x->view, i), 0, 1e-5);
  }
  array_free(x);
  array_free(out);
  array_free(offset);
  array_free(freqs);
}

static void test_random(void** unused) {
  (void)unused;
  for (uint64_t seed = 1; seed <= 500; seed++) check(seed);
}

/* rope((arange(16)/8 - 1).reshape(1, 2, 8), 6, base 10000, scale 0.5, offset 3)
 * of MLX 0.31.2: halves agree to the bit, products are rounded one by one. */
static void test_mlx(void** unused) {
  (void)unused;
  static const struct {
    lz_dtype d;
    bool traditional;
    float want[16];
  } cases[] = {
      {DTYPE_FLOAT32,
       false,
       {0.552697182f,
        -0.838096321f,
        -0.748784184f,
        -1.04170573f,
        -0.559660256f,
        -0.377421767f,
        -0.25f,
        -0.125f,
        -0.34098652f,
        0.0781125277f,
        0.247304633f,
        -0.156055063f,
        0.509434402f,
        0.626071393f,
        0.75f,
        0.875f}},
      {DTYPE_FLOAT16,
       false,
       {0.552734375f,
        -0.838378906f,
        -0.749023438f,
        -1.04199219f,
        -0.559570312f,
        -0.377441406f,
        -0.25f,
        -0.125f,
        -0.340820312f,
        0.078125f,
        0.247314453f,
        -0.15612793f,
        0.509277344f,
        0.625976562f,
        0.75f,
        0.875f}},
      {DTYPE_BFLOAT16,
       false,
       {0.55078125f,
        -0.8359375f,
        -0.75f,
        -1.0390625f,
        -0.55859375f,
        -0.376953125f,
        -0.25f,
        -0.125f,
        -0.341796875f,
        0.078125f,
        0.247070312f,
        -0.15625f,
        0.5078125f,
        0.625f,
        0.75f,
        0.875f}},
      {DTYPE_FLOAT32,
       true,
       {0.802070916f,
        -1.05939007f,
        -0.704703212f,
        -0.675661504f,
        -0.498785496f,
        -0.376613855f,
        -0.25f,
        -0.125f,
        -0.113662176f,
        -0.0520183519f,
        0.21416162f,
        0.396559954f,
        0.497302324f,
        0.627148569f,
        0.75f,
        0.875f}},
      {DTYPE_FLOAT16,
       true,
       {0.802246094f,
        -1.05957031f,
        -0.704589844f,
        -0.67578125f,
        -0.498779297f,
        -0.376708984f,
        -0.25f,
        -0.125f,
        -0.113647461f,
        -0.0520324707f,
        0.214111328f,
        0.396484375f,
        0.497314453f,
        0.626953125f,
        0.75f,
        0.875f}},
      {DTYPE_BFLOAT16,
       true,
       {0.80078125f,
        -1.0546875f,
        -0.703125f,
        -0.671875f,
        -0.498046875f,
        -0.376953125f,
        -0.25f,
        -0.125f,
        -0.113769531f,
        -0.0520019531f,
        0.21484375f,
        0.396484375f,
        0.498046875f,
        0.62890625f,
        0.75f,
        0.875f}},
  };
  int32_t shape[] = {1, 2, 8}, three = 3;
  lz_view offset = {&three, DTYPE_INT32, 0, NULL, NULL};
  for (int i = 0; i < 6; i++) {
    rope_spec spec = {6, cases[i].traditional, 10000, 0.5f, true};
    array* x = array_new(cases[i].d, 3, shape, LAYOUT_ROW);
    array* y = array_new(cases[i].d, 3, shape, LAYOUT_ROW);
    for (int k = 0; k < 16; k++)
      array_set(&x->view, k, (number){k / 8.0 - 1, 0});
    rope_run(&x->view, &offset, NULL, &spec, &y->view);
    double margin = cases[i].d == DTYPE_FLOAT32 ? 3e-7 : 0;
    for (int k = 0; k < 16; k++)
      array_assert_close(
          "rope as MLX has it",
          k,
          array_get(&y->view, k),
          (number){cases[i].want[k], 0},
          0,
          margin);
    array_free(x);
    array_free(y);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_random),
      cmocka_unit_test(test_mlx),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
