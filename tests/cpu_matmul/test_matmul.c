/* matmul_run against sums in double, over types, layouts, broadcast batches,
 * extents from 0 up, and epilogues. */
#include <complex.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "cpu/matmul.h"
#include "cpu/onednn.h"
#include "tensor.h"

static double complex get(const tensor* t, int64_t i) {
  return CMPLX(tensor_get(t, i), tensor_get_imag(t, i));
}

static double complex* flat(const tensor* t) {
  const int64_t n = tensor_size(t);
  double complex* v = malloc((size_t)(n + 1) * sizeof *v);
  for (int64_t i = 0; i < n; i++) v[i] = get(t, i);
  return v;
}

/* The flat index of the first element of t's matrix where out has that of index
 * `batch`: leading axes broadcast. */
static int64_t lead(const tensor* t, const tensor* out, int64_t batch) {
  int64_t flat = 0, scale = 1;
  for (int k = 0; k < out->view.ndim - 2; k++) {
    const int axis = out->view.ndim - 3 - k, mine = t->view.ndim - 3 - k;
    const int64_t index = batch % out->shape[axis];
    batch /= out->shape[axis];
    if (mine < 0) continue;
    if (t->shape[mine] != 1) flat += index * scale;
    scale *= t->shape[mine];
  }
  return flat;
}

static double step_of(lz_dtype d) {
  switch (d) {
    case DTYPE_FLOAT16:
      return 0x1p-11;
    case DTYPE_BFLOAT16:
      return 0x1p-8;
    case DTYPE_FLOAT64:
      return 0x1p-53;
    default:
      return 0x1p-24;
  }
}

static void check(
    const tensor* a,
    const tensor* b,
    const tensor* c,
    const tensor* out,
    const matmul_epilogue* e) {
  const int64_t m = out->shape[out->view.ndim - 2];
  const int64_t n = out->shape[out->view.ndim - 1];
  const int64_t k = a->shape[a->view.ndim - 1];
  const int64_t batch = m > 0 && n > 0 ? tensor_size(out) / (m * n) : 0;
  double complex *va = flat(a), *vb = flat(b);
  /* Of large ones a sample; the last row and column always. */
  const bool sample = (double)tensor_size(out) * (double)k > 2e6;
  const double alpha = e ? e->alpha : 1, beta = e ? e->beta : 0;
  for (int64_t s = 0; s < batch; s++)
    for (int64_t i = 0; i < m; i++)
      for (int64_t j = 0; j < n; j++) {
        if (sample && i + 1 != m && j + 1 != n && test_random() % 512) continue;
        double complex sum = 0;
        double size = 0;
        const int64_t ia = (lead(a, out, s) * m + i) * k;
        const int64_t ib = lead(b, out, s) * k * n + j;
        for (int64_t t = 0; t < k; t++) {
          double complex x = va[ia + t] * vb[ib + t * n];
          sum += x;
          size += cabs(x);
        }
        sum *= alpha;
        size *= fabs(alpha);
        if (c && beta != 0) {
          const int32_t cm = c->view.ndim > 1 ? c->shape[c->view.ndim - 2] : 1;
          const int32_t cn = c->view.ndim > 0 ? c->shape[c->view.ndim - 1] : 1;
          const int64_t row = cm == 1 ? 0 : i, col = cn == 1 ? 0 : j;
          const int64_t at =
              ((c->view.ndim > 2 ? lead(c, out, s) : 0) * cm + row) * cn + col;
          sum += beta * get(c, at);
          size += fabs(beta) * cabs(get(c, at));
        }
        const double want = creal(sum);
        const double u = step_of(out->view.dtype);
        const double sums =
            out->view.dtype == DTYPE_FLOAT64 ? 0x1p-53 : 0x1p-24;
        const double bound = 2 * u * fabs(want) +
                             sums * (8 + sqrt((double)k)) * size * 2 + 1e-30 +
                             (out->view.dtype == DTYPE_FLOAT16 ? 1e-7 : 0);
        const int64_t at = (s * m + i) * n + j;
        const double got = tensor_get(out, at);
        const double got_im = tensor_get_imag(out, at);
        if (!(fabs(got - want) <= bound) ||
            !(fabs(got_im - cimag(sum)) <= bound))
          fail_msg(
              "%s (%d,%d)@(%d,%d) batch %d at %d,%d: %.9g, not %.9g (%.3g)",
              dtype_name(out->view.dtype),
              (int)m,
              (int)k,
              (int)k,
              (int)n,
              (int)s,
              (int)i,
              (int)j,
              got,
              want,
              bound);
      }
  free(va);
  free(vb);
}

static const lz_dtype types[] = {
    DTYPE_FLOAT32,
    DTYPE_FLOAT16,
    DTYPE_BFLOAT16,
    DTYPE_FLOAT64,
    DTYPE_COMPLEX64};

typedef struct problem {
  lz_dtype dtype;
  int lead;           /* leading axes of out */
  int32_t batch[4];   /* their extents */
  int drop_a, drop_b; /* leading axes that a and b lack */
  int ones_a, ones_b; /* bits: axes of extent 1 there */
  int32_t m, n, k;
  int layout_a, layout_b, layout_out;
  int c; /* 0 none, 1 full, 2 row, 3 column, 4 scalar, 5 out */
  matmul_epilogue e;
} problem;

static void side(
    tensor* t,
    const problem* p,
    int drop,
    int ones,
    int32_t rows,
    int32_t cols,
    int layout) {
  int32_t shape[LZ_MAX_DIMS];
  int ndim = 0;
  for (int i = drop; i < p->lead; i++)
    shape[ndim++] = ones >> i & 1 ? 1 : p->batch[i];
  shape[ndim++] = rows;
  shape[ndim++] = cols;
  tensor_init(t, p->dtype, ndim, shape, layout);
  tensor_fill(t, -1, 1);
}

static void run(const problem* p) {
  tensor a, b, c, out, before;
  side(&a, p, p->drop_a, p->ones_a, p->m, p->k, p->layout_a);
  side(&b, p, p->drop_b, p->ones_b, p->k, p->n, p->layout_b);
  side(&out, p, 0, 0, p->m, p->n, p->layout_out);
  matmul_epilogue e = p->e;
  bool has_c = p->c != 0;
  if (p->c == 1) side(&c, p, 0, 0, p->m, p->n, test_range(0, 4));
  if (p->c == 2) {
    int32_t shape[1] = {p->n};
    tensor_init(&c, p->dtype, 1, shape, TENSOR_STEPPED);
    tensor_fill(&c, -1, 1);
  }
  if (p->c == 3) side(&c, p, 0, (1 << p->lead) - 1, p->m, 1, TENSOR_ROWS);
  if (p->c == 4) {
    tensor_init(&c, p->dtype, 0, NULL, TENSOR_ROWS);
    tensor_fill(&c, -1, 1);
  }
  if (p->c == 5) {
    side(&before, p, 0, 0, p->m, p->n, TENSOR_ROWS);
    for (int64_t i = 0; i < tensor_size(&before); i++)
      for (size_t byte = 0; byte < dtype_size(p->dtype); byte++)
        tensor_at(&before, i)[byte] = tensor_at(&out, i)[byte];
  }
  e.c = p->c == 5 ? &out.view : has_c ? &c.view : NULL;
  assert_int_equal(matmul_run(&a.view, &b.view, &out.view, &e), 0);
  check(&a, &b, p->c == 5 ? &before : has_c ? &c : NULL, &out, &e);
  tensor_free(&a);
  tensor_free(&b);
  tensor_free(&out);
  if (p->c == 5)
    tensor_free(&before);
  else if (has_c)
    tensor_free(&c);
}

static void random_products(void** state) {
  (void)state;
  for (int round = 0; round < 600; round++) {
    test_seed(1000 + (uint64_t)round);
    problem p = {.dtype = types[round % 5], .e = {1, 0, NULL}};
    p.lead = test_range(0, 3);
    for (int i = 0; i < p.lead; i++) p.batch[i] = test_range(1, 3);
    p.drop_a = test_range(0, p.lead);
    p.drop_b = p.drop_a ? 0 : test_range(0, p.lead);
    p.ones_a = test_range(0, 7);
    p.ones_b = ~p.ones_a & test_range(0, 7);
    const int most = test_range(0, 3) ? 20 : 70;
    p.m = test_range(0, 4) ? test_range(1, most) : 1;
    p.n = test_range(0, 4) ? test_range(1, most) : 1;
    p.k = test_range(0, 9) ? test_range(1, most) : 0;
    p.layout_a = test_range(0, 4);
    p.layout_b = test_range(0, 4);
    p.layout_out = test_range(0, 1) ? test_range(0, 4) : TENSOR_ROWS;
    if (test_range(0, 1)) {
      p.c = test_range(1, 5);
      p.e.beta = (float)test_uniform(-2, 2);
    }
    if (test_range(0, 1)) p.e.alpha = (float)test_uniform(-2, 2);
    run(&p);
  }
}

/* Larger than the blocks, so that parts and remainders of parts meet. */
static void large_products(void** state) {
  (void)state;
  static const int32_t extents[][3] = {
      {300, 70, 500},
      {65, 530, 130},
      {129, 131, 800},
      {1, 3000, 900},
      {2500, 1, 70},
      {1, 64, 9000},
      {1, 1, 5000},
      {4, 2000, 64}};
  for (int type = 0; type < 5; type++)
    for (int i = 0; i < 8; i++)
      for (int layout = 0; layout < 4; layout++) {
        test_seed((uint64_t)(type * 100 + i * 4 + layout));
        problem p = {
            .dtype = types[type],
            .m = extents[i][0],
            .k = extents[i][2],
            .n = extents[i][1],
            .layout_a = layout & 1,
            .layout_b = layout >> 1,
            .e = {1, 0, NULL}};
        if (layout == 2) {
          p.c = 1 + i % 5;
          p.e.beta = 0.5f;
          p.e.alpha = -2;
        }
        run(&p);
      }
}

static void empty(void** state) {
  (void)state;
  for (int type = 0; type < 5; type++) {
    problem p = {
        .dtype = types[type],
        .lead = 1,
        .batch = {0},
        .m = 2,
        .n = 3,
        .k = 4,
        .e = {1, 0, NULL}};
    run(&p);
    p.batch[0] = 2;
    p.m = 0;
    run(&p);
    p.m = 2;
    p.k = 0;
    run(&p);
    p.c = 2;
    p.e.beta = 5;
    run(&p);
  }
}

/* As MLX: beta 0 does not look at c, so a NaN there stays there. */
static void beta_zero_ignores_c(void** state) {
  (void)state;
  const int32_t shape[2] = {40, 40};
  tensor a, c, out;
  tensor_init(&a, DTYPE_FLOAT32, 2, shape, TENSOR_ROWS);
  tensor_fill(&a, -1, 1);
  tensor_init(&c, DTYPE_FLOAT32, 2, shape, TENSOR_ROWS); /* all NaN */
  tensor_init(&out, DTYPE_FLOAT32, 2, shape, TENSOR_ROWS);
  matmul_epilogue e = {.alpha = 1, .c = &c.view};
  assert_int_equal(matmul_run(&a.view, &a.view, &out.view, &e), 0);
  check(&a, &a, NULL, &out, &e);
  tensor_free(&a);
  tensor_free(&c);
  tensor_free(&out);
}

static void broadcast_rows(void** state) {
  (void)state;
  const int32_t row[2] = {1, 33}, square[2] = {33, 33};
  for (int type = 0; type < 5; type++) {
    tensor a, b, out;
    tensor_init(&a, types[type], 2, row, TENSOR_ROWS);
    tensor_fill(&a, -1, 1);
    tensor_init(&b, types[type], 2, square, TENSOR_ROWS);
    tensor_fill(&b, -1, 1);
    tensor_init(&out, types[type], 2, square, TENSOR_ROWS);
    a.shape[0] = 33;
    a.strides[0] = 0;
    assert_int_equal(matmul_run(&a.view, &b.view, &out.view, NULL), 0);
    check(&a, &b, NULL, &out, NULL);
    tensor_free(&a);
    tensor_free(&b);
    tensor_free(&out);
  }
}

/* Each float16 counts with all its bits, from the smallest to the largest. */
static void wide_range(void** state) {
  (void)state;
  const int32_t as[2] = {90, 700}, bs[2] = {700, 80}, os[2] = {90, 80};
  for (int layout = 0; layout < 4; layout++) {
    tensor a, b, out;
    tensor* both[2] = {&a, &b};
    test_seed((uint64_t)layout);
    for (int side = 0; side < 2; side++) {
      tensor* t = both[side];
      tensor_init(t, DTYPE_FLOAT16, 2, side ? bs : as, layout >> side & 1);
      for (int64_t i = 0; i < tensor_size(t); i++) {
        const double x = ldexp(test_uniform(-1, 1), (int)test_range(-25, 15));
        tensor_set(t, i, i % 50 ? x : i % 100 ? 65504 : -0x1p-24);
      }
    }
    tensor_init(&out, DTYPE_FLOAT16, 2, os, TENSOR_ROWS);
    const matmul_epilogue e = {.alpha = 0x1p-24f};
    assert_int_equal(matmul_run(&a.view, &b.view, &out.view, &e), 0);
    check(&a, &b, NULL, &out, &e);
    tensor_free(&a);
    tensor_free(&b);
    tensor_free(&out);
  }
}

/* Infinities and NaN are where multiplying one by one has them, and c, which
 * is out as well, was added once. */
static void not_finite(void** state) {
  (void)state;
  enum { N = 600 };
  const int32_t shape[2] = {N, N};
  for (int type = 0; type < 3; type++) {
    tensor a, b, out;
    tensor_init(&a, types[type], 2, shape, TENSOR_ROWS);
    tensor_init(&b, types[type], 2, shape, TENSOR_SWAPPED);
    tensor_init(&out, types[type], 2, shape, TENSOR_ROWS);
    for (int64_t i = 0; i < N * N; i++) {
      tensor_set(&a, i, i % (N + 1) ? 0 : 1);
      tensor_set(&b, i, (double)(i % 7) - 3);
      tensor_set(&out, i, 1);
    }
    tensor_set(&a, 5 * N + 580, INFINITY);
    tensor_set(&b, 30 * N + 400, NAN);
    const matmul_epilogue e = {.alpha = 1, .beta = 1, .c = &out.view};
    assert_int_equal(matmul_run(&a.view, &b.view, &out.view, &e), 0);
    for (int64_t i = 0; i < N; i++)
      for (int64_t j = 0; j < N; j++) {
        const double got = tensor_get(&out, i * N + j);
        const double by = tensor_get(&b, 580 * N + j);
        if (j == 400 || (i == 5 && by == 0))
          assert_true(isnan(got));
        else if (i == 5)
          assert_true(got == by * INFINITY);
        else
          assert_true(got == 1 + tensor_get(&b, i * N + j));
      }
    tensor_free(&a);
    tensor_free(&b);
    tensor_free(&out);
  }
}

static float* product_of(const problem* p, int64_t* n) {
  tensor a, b, out;
  test_seed(5);
  side(&a, p, 0, 0, p->m, p->k, p->layout_a);
  side(&b, p, 0, 0, p->k, p->n, p->layout_b);
  side(&out, p, 0, 0, p->m, p->n, TENSOR_ROWS);
  assert_int_equal(matmul_run(&a.view, &b.view, &out.view, &p->e), 0);
  *n = tensor_size(&out);
  float* values = malloc((size_t)*n * sizeof *values);
  memcpy(values, out.view.data, (size_t)*n * sizeof *values);
  tensor_free(&a);
  tensor_free(&b);
  tensor_free(&out);
  return values;
}

/* The first products of a process are made by another kernel than later ones:
 * nobody must see which. */
static void early_and_late(void** state) {
  (void)state;
  enum { SHAPES = 120 };
  float* early[SHAPES];
  for (int late = 0; late < 2; late++) {
    for (int i = 0; i < SHAPES; i++) {
      test_seed((uint64_t)i + 3);
      problem p = {
          .dtype = DTYPE_FLOAT32,
          .m = test_range(
              2,
              i % 4   ? 200
              : i % 8 ? 500
                      : 16),
          .n = test_range(2, i % 4 ? 200 : 500),
          .k = test_range(1, i % 3 ? 400 : 2000),
          .layout_a = i & 1,
          .layout_b = i >> 1 & 1,
          .e = {i % 5 ? 1 : 0.3f, 0, NULL}};
      if (i % 7 == 0) p.lead = 1, p.batch[0] = 3;
      int64_t n;
      float* values = product_of(&p, &n);
      if (!late) {
        early[i] = values;
        continue;
      }
      for (int64_t j = 0; j < n; j++)
        if (memcmp(&values[j], &early[i][j], sizeof *values))
          fail_msg(
              "(%d,%d)@(%d,%d) differs: %.9g, then %.9g",
              (int)p.m,
              (int)p.k,
              (int)p.k,
              (int)p.n,
              early[i][j],
              values[j]);
      free(values);
      free(early[i]);
    }
    assert_true(onednn_sgemm_worth(1e10));
  }
}

static void product_256(void) {
  problem p = {
      .dtype = DTYPE_FLOAT32, .m = 100, .n = 90, .k = 80, .e = {1, 0, NULL}};
  for (int i = 0; i < 3; i++) {
    p.dtype = types[i];
    run(&p);
  }
}

static void* product_thread(void* unused) {
  (void)unused;
  const int32_t shape[2] = {100, 100};
  tensor a, out;
  for (int i = 0; i < 12; i++) {
    tensor_init(&a, types[i % 3], 2, shape, TENSOR_ROWS);
    for (int64_t j = 0; j < 100; j++)
      for (int64_t k = 0; k < 100; k++)
        tensor_set(&a, j * 100 + k, j == k ? 2 : 0);
    tensor_init(&out, types[i % 3], 2, shape, TENSOR_ROWS);
    if (matmul_run(&a.view, &a.view, &out.view, NULL)) return "failed";
    for (int64_t j = 0; j < 100; j++)
      if (tensor_get(&out, j * 101) != 4) return "wrong";
    tensor_free(&a);
    tensor_free(&out);
  }
  return NULL;
}

static void from_many_threads(void** state) {
  (void)state;
  pthread_t threads[4];
  for (int i = 0; i < 4; i++)
    assert_int_equal(
        pthread_create(&threads[i], NULL, product_thread, NULL), 0);
  for (int i = 0; i < 4; i++) {
    void* bad;
    pthread_join(threads[i], &bad);
    assert_null(bad);
  }
}

static void after_fork(void** state) {
  (void)state;
  product_256();
  pid_t child = fork();
  if (child == 0) {
    alarm(20); /* a hang is a failure, not a wait */
    product_256();
    _exit(0);
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(empty),
      cmocka_unit_test(early_and_late),
      cmocka_unit_test(random_products),
      cmocka_unit_test(large_products),
      cmocka_unit_test(beta_zero_ignores_c),
      cmocka_unit_test(broadcast_rows),
      cmocka_unit_test(wide_range),
      cmocka_unit_test(not_finite),
      cmocka_unit_test(from_many_threads),
      cmocka_unit_test(after_fork)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
