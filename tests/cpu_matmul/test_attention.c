/* attention_run against scores, softmax and sums in double. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cpu/attention.h"
#include "tensor.h"

static const lz_dtype types[] = {DTYPE_FLOAT32, DTYPE_FLOAT16, DTYPE_BFLOAT16};

typedef struct problem {
  lz_dtype dtype;
  int batch, heads, groups, lq, lk, d, e;
  bool causal, sinks;
  int mask;      /* 0 none, 1 bool, 2 added, 3 added with rows of -infinity */
  int mask_axes; /* bits: axes of the mask that are 1 */
  float scale;
} problem;

static void init(tensor* t, lz_dtype d, int nd, const int32_t* shape) {
  tensor_init(t, d, nd, shape, test_range(0, TENSOR_LAYOUTS - 1));
  tensor_fill(t, -1, 1);
}

static int64_t flat4(const tensor* t, const int64_t* index) {
  int64_t at = 0;
  for (int i = 0; i < 4; i++)
    at = at * t->shape[i] + (t->shape[i] == 1 ? 0 : index[i]);
  return at;
}

static void check_row(
    const problem* p,
    const tensor* q,
    const tensor* k,
    const tensor* v,
    const tensor* mask,
    const tensor* sinks,
    const tensor* out,
    const float* lse,
    int64_t b,
    int64_t h,
    int64_t i) {
  const int64_t g = h / (p->heads / p->groups);
  double* s = malloc((size_t)(p->lk + 1) * sizeof *s);
  double most = p->sinks ? tensor_get(sinks, h) : -INFINITY;
  for (int64_t j = 0; j < p->lk; j++) {
    double dot = 0;
    const int64_t iq = ((b * p->heads + h) * p->lq + i) * p->d;
    const int64_t ik = ((b * p->groups + g) * p->lk + j) * p->d;
    for (int64_t t = 0; t < p->d; t++)
      dot += tensor_get(q, iq + t) * tensor_get(k, ik + t);
    s[j] = dot * p->scale;
    const int64_t index[4] = {b, h, i, j};
    if (p->causal && j > i + p->lk - p->lq) s[j] = -3.4028234663852886e38;
    if (p->mask == 1 && tensor_get(mask, flat4(mask, index)) == 0)
      s[j] = -3.4028234663852886e38;
    if (p->mask > 1) s[j] += tensor_get(mask, flat4(mask, index));
    if (s[j] > most) most = s[j];
  }
  double sum = p->sinks ? exp(tensor_get(sinks, h) - most) : 0;
  for (int64_t j = 0; j < p->lk; j++) sum += s[j] = exp(s[j] - most);
  const double u = p->dtype == DTYPE_FLOAT32   ? 0x1p-17
                   : p->dtype == DTYPE_FLOAT16 ? 0x1p-10
                                               : 0x1p-7;
  for (int64_t e = 0; e < p->e; e++) {
    double want = 0;
    for (int64_t j = 0; j < p->lk; j++)
      want += s[j] / sum *
              tensor_get(v, ((b * p->groups + g) * p->lk + j) * p->e + e);
    const double got =
        tensor_get(out, ((b * p->heads + h) * p->lq + i) * p->e + e);
    if (isnan(want) ? !isnan(got) : !(fabs(got - want) <= u))
      fail_msg(
          "%s q %d k %d d %d e %d causal %d mask %d sinks %d at %d,%d,%d,%d: "
          "%g, not %g",
          dtype_name(p->dtype),
          p->lq,
          p->lk,
          p->d,
          p->e,
          p->causal,
          p->mask,
          p->sinks,
          (int)b,
          (int)h,
          (int)i,
          (int)e,
          got,
          want);
  }
  const double want = most + log(sum);
  const double got = lse[(b * p->heads + h) * p->lq + i];
  if (isfinite(want) && fabs(want) < 1e30)
    assert_true(fabs(got - want) <= 1e-4 + 1e-5 * fabs(want));
  free(s);
}

static void run(const problem* p) {
  const int32_t qs[4] = {p->batch, p->heads, p->lq, p->d};
  const int32_t ks[4] = {p->batch, p->groups, p->lk, p->d};
  const int32_t vs[4] = {p->batch, p->groups, p->lk, p->e};
  const int32_t os[4] = {p->batch, p->heads, p->lq, p->e};
  int32_t ms[4] = {p->batch, p->heads, p->lq, p->lk};
  for (int i = 0; i < 4; i++)
    if (p->mask_axes >> i & 1) ms[i] = 1;
  const int32_t ss[1] = {p->heads};
  tensor q, k, v, out, mask, sinks;
  init(&q, p->dtype, 4, qs);
  init(&k, p->dtype, 4, ks);
  init(&v, p->dtype, 4, vs);
  init(&out, p->dtype, 4, os);
  init(&mask, p->mask == 1 ? DTYPE_BOOL : p->dtype, 4, ms);
  init(&sinks, p->dtype, 1, ss);
  for (int64_t i = 0; i < tensor_size(&mask); i++) {
    if (p->mask == 1) tensor_set(&mask, i, test_range(0, 2) == 0);
    if (p->mask == 3 && test_range(0, 1)) tensor_set(&mask, i, -INFINITY);
  }
  /* Rows that see nothing at all. */
  if (p->mask == 1 || p->mask == 3)
    for (int j = 0; j < ms[3]; j++)
      tensor_set(&mask, j, p->mask == 1 ? 0 : -INFINITY);
  float* lse = malloc(sizeof(float) * (size_t)(p->batch * p->heads * p->lq));
  attention_args args = {
      p->scale,
      p->causal,
      p->mask ? &mask.view : NULL,
      p->sinks ? &sinks.view : NULL,
      lse};
  assert_int_equal(
      attention_run(&q.view, &k.view, &v.view, &out.view, &args), 0);
  const int rows = p->batch * p->heads * p->lq;
  for (int r = 0; r < rows; r++) {
    if (rows > 200 && r % 7 && r != rows - 1) continue;
    check_row(
        p,
        &q,
        &k,
        &v,
        &mask,
        &sinks,
        &out,
        lse,
        r / p->lq / p->heads,
        r / p->lq % p->heads,
        r % p->lq);
  }
  free(lse);
  tensor_free(&q);
  tensor_free(&k);
  tensor_free(&v);
  tensor_free(&out);
  tensor_free(&mask);
  tensor_free(&sinks);
}

static void random_heads(void** state) {
  (void)state;
  for (int round = 0; round < 240; round++) {
    test_seed((uint64_t)round + 5);
    problem p = {.dtype = types[round % 3]};
    p.batch = test_range(1, 2);
    p.groups = test_range(1, 2);
    p.heads = p.groups * test_range(1, 3);
    p.lq = test_range(0, 2) ? test_range(1, 40) : 1;
    p.lk = test_range(1, 90);
    p.d = test_range(1, 40);
    p.e = test_range(0, 1) ? p.d : test_range(1, 40);
    p.scale = (float)test_uniform(0.1, 3);
    p.sinks = test_range(0, 1);
    p.mask = test_range(0, 4) % 4;
    if (p.mask == 0) p.causal = test_range(0, 1);
    p.mask_axes = test_range(0, 15);
    run(&p);
  }
}

static void long_sequences(void** state) {
  (void)state;
  for (int i = 0; i < 12; i++) {
    problem p = {
        .dtype = types[i % 3],
        .batch = 1,
        .heads = 2,
        .groups = 1 + i % 2,
        .lq = i < 6 ? 300 : 1,
        .lk = 600 + i,
        .d = 64,
        .e = 64,
        .causal = i / 3 % 2 == 0,
        .scale = 0.125f};
    run(&p);
  }
}

/* More queries than keys: the first see none, and as in MLX take the mean. */
static void causal_without_keys(void** state) {
  (void)state;
  problem p = {
      .dtype = DTYPE_FLOAT32,
      .batch = 1,
      .heads = 1,
      .groups = 1,
      .lq = 200,
      .lk = 130,
      .d = 8,
      .e = 8,
      .causal = true,
      .scale = 1};
  run(&p);
  p.lq = 3;
  p.lk = 2;
  run(&p);
}

static void no_keys(void** state) {
  (void)state;
  const int32_t qs[4] = {1, 2, 3, 4}, ks[4] = {1, 2, 0, 4};
  tensor q, k, out;
  init(&q, DTYPE_FLOAT16, 4, qs);
  init(&k, DTYPE_FLOAT16, 4, ks);
  init(&out, DTYPE_FLOAT16, 4, qs);
  attention_args args = {.scale = 1};
  assert_int_equal(
      attention_run(&q.view, &k.view, &k.view, &out.view, &args), 0);
  for (int i = 0; i < 24; i++) assert_true(tensor_get(&out, i) == 0);
  tensor_free(&q);
  tensor_free(&k);
  tensor_free(&out);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(random_heads),
      cmocka_unit_test(long_sequences),
      cmocka_unit_test(causal_without_keys),
      cmocka_unit_test(no_keys)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
