/* Products, attention and convolutions, measured beside what bounds them:
 * oneDNN's own call with all threads, or reading memory. Each case runs in
 * turn with its yardstick; medians and their ratio are printed.
 *
 *   bench_matmul [rounds] [substring of the cases to run] */
#include <cblas.h>
#include <omp.h>
#include <oneapi/dnnl/dnnl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cpu/attention.h"
#include "cpu/conv.h"
#include "cpu/matmul.h"
#include "cpu/qmm.h"
#include "stream/pool.h"

/* On a machine that others use too, the processor's time of one thread says
 * more than the clock on the wall: BENCH_CPU=1 LAZULI_THREADS=1. */
static clockid_t bench_clock = CLOCK_MONOTONIC;

static double now(void) {
  struct timespec t;
  clock_gettime(bench_clock, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int compare(const void* a, const void* b) {
  const double x = *(const double*)a, y = *(const double*)b;
  return (x > y) - (x < y);
}

static void* filled(size_t bytes, int byte) {
  void* p = aligned_alloc(64, (bytes + 4095) & ~(size_t)4095);
  memset(p, byte, bytes);
  return p;
}

typedef struct array {
  lz_view view;
  int32_t shape[5];
  int64_t strides[5];
} array;

/* Small numbers of any type: bytes that are neither huge nor denormal. */
static void array_init(array* a, lz_dtype d, int nd, const int32_t* shape) {
  int64_t n = 1;
  for (int i = nd; i-- > 0;) {
    a->shape[i] = shape[i];
    a->strides[i] = n;
    n *= shape[i];
  }
  a->view = (lz_view){
      filled((size_t)n * dtype_size(d), 0x3c), d, nd, a->shape, a->strides};
}

static void array_swap(array* a) {
  const int64_t s = a->strides[0];
  a->strides[0] = 1;
  a->strides[1] = a->shape[0];
  (void)s;
}

static int rounds = 15;
static const char* only = "";

typedef void (*bench_fn)(void* ctx);

/* work: operations or bytes of each call. */
static void bench(
    const char* name,
    const char* unit,
    double work,
    bench_fn ours,
    void* a,
    const char* base_name,
    double base_work,
    bench_fn base,
    void* b) {
  double mine[101], theirs[101];
  for (int r = -1; r < rounds; r++) {
    double t = now();
    ours(a);
    t = now() - t;
    if (r >= 0) mine[r] = t;
    if (!base) continue;
    t = now();
    base(b);
    t = now() - t;
    if (r >= 0) theirs[r] = t;
  }
  qsort(mine, (size_t)rounds, sizeof *mine, compare);
  const double rate = work / mine[rounds / 2] * 1e-9;
  printf("%-34s %9.1f us %8.1f %s", name, mine[rounds / 2] * 1e6, rate, unit);
  if (base) {
    qsort(theirs, (size_t)rounds, sizeof *theirs, compare);
    const double other = base_work / theirs[rounds / 2] * 1e-9;
    printf(
        "  %s %8.1f  ratio %.2f (best %.2f)",
        base_name,
        other,
        rate / other,
        work / mine[0] / (base_work / theirs[0]));
  }
  printf("\n");
  fflush(stdout);
}

static bool wanted(const char* name) {
  return strstr(name, only) != NULL;
}

/* Reading memory, the yardstick of what is bound by it. */
#define READ_BYTES ((int64_t)256 << 20)
static float* read_data;
static volatile float read_sink;

/* Four streams at once, with sums enough for each: one alone does not reach
 * what memory gives. */
static void read_part(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)ctx;
  (void)worker;
  const int64_t quarter = (end - begin) * 1024 / 4 & ~(int64_t)15;
  const float* p = read_data + begin * 1024;
  float s[4][16] = {0};
  for (int64_t i = 0; i < quarter; i += 16)
    for (int stream = 0; stream < 4; stream++)
      for (int l = 0; l < 16; l++) s[stream][l] += p[stream * quarter + i + l];
  read_sink = s[0][0] + s[1][3] + s[2][7] + s[3][11];
}

static void read_all(void* ctx) {
  (void)ctx;
  pool_for(READ_BYTES / 4096, 256, read_part, NULL);
}

typedef struct product {
  array a, b, out;
  dnnl_primitive_t primitive;
  dnnl_exec_arg_t args[3];
  dnnl_stream_t stream;
  int64_t m, n, k;
} product;

static dnnl_engine_t engine;

static void product_ours(void* ctx) {
  product* p = ctx;
  matmul_run(&p->a.view, &p->b.view, &p->out.view, NULL);
}

static void product_dnnl(void* ctx) {
  product* p = ctx;
  omp_set_num_threads(pool_threads());
  dnnl_primitive_execute(p->primitive, p->stream, 3, p->args);
  omp_set_num_threads(1);
}

static void product_blas(void* ctx) {
  product* p = ctx;
  if (p->a.view.dtype == DTYPE_FLOAT64)
    cblas_dgemm(
        CblasRowMajor,
        CblasNoTrans,
        CblasNoTrans,
        (int)p->m,
        (int)p->n,
        (int)p->k,
        1,
        p->a.view.data,
        (int)p->k,
        p->b.view.data,
        (int)p->n,
        0,
        p->out.view.data,
        (int)p->n);
  else {
    static const float one[2] = {1, 0}, zero[2] = {0, 0};
    cblas_cgemm(
        CblasRowMajor,
        CblasNoTrans,
        CblasNoTrans,
        (int)p->m,
        (int)p->n,
        (int)p->k,
        one,
        p->a.view.data,
        (int)p->k,
        p->b.view.data,
        (int)p->n,
        zero,
        p->out.view.data,
        (int)p->n);
  }
}

static void product_init(
    product* p, lz_dtype d, int64_t m, int64_t n, int64_t k, bool swapped) {
  memset(p, 0, sizeof *p);
  p->m = m, p->n = n, p->k = k;
  array_init(&p->a, d, 2, (int32_t[]){(int32_t)m, (int32_t)k});
  array_init(&p->b, d, 2, (int32_t[]){(int32_t)k, (int32_t)n});
  array_init(&p->out, d, 2, (int32_t[]){(int32_t)m, (int32_t)n});
  if (swapped) array_swap(&p->b);
  const dnnl_data_type_t type = d == DTYPE_BFLOAT16 ? dnnl_bf16 : dnnl_f32;
  if (d != DTYPE_BFLOAT16 && d != DTYPE_FLOAT32 && d != DTYPE_FLOAT16) return;
  array* arrays[3] = {&p->a, &p->b, &p->out};
  const int args[3] = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST};
  dnnl_memory_desc_t desc[3];
  omp_set_num_threads(pool_threads());
  for (int i = 0; i < 3; i++) {
    dnnl_dims_t dims = {arrays[i]->shape[0], arrays[i]->shape[1]};
    dnnl_dims_t strides = {arrays[i]->strides[0], arrays[i]->strides[1]};
    dnnl_memory_desc_init_by_strides(&desc[i], 2, dims, type, strides);
    p->args[i].arg = args[i];
    void* data = arrays[i]->view.data;
    if (d == DTYPE_FLOAT16)
      data = filled((size_t)(dims[0] * dims[1]) * 4, 0x3c);
    dnnl_memory_create(&p->args[i].memory, &desc[i], engine, data);
  }
  dnnl_matmul_desc_t op;
  dnnl_primitive_desc_t pd;
  dnnl_matmul_desc_init(&op, &desc[0], &desc[1], NULL, &desc[2]);
  dnnl_primitive_desc_create(&pd, &op, NULL, engine, NULL);
  dnnl_primitive_create(&p->primitive, pd);
  dnnl_stream_create(&p->stream, engine, dnnl_stream_default_flags);
  omp_set_num_threads(1);
}

static void product_free(product* p) {
  free(p->a.view.data);
  free(p->b.view.data);
  free(p->out.view.data);
}

static void products(void) {
  static const struct {
    const char* name;
    lz_dtype d;
    int m, n, k;
    bool swapped;
  } cases[] = {
      {"matmul f32 1024", DTYPE_FLOAT32, 1024, 1024, 1024, false},
      {"matmul f32 1024 bT", DTYPE_FLOAT32, 1024, 1024, 1024, true},
      {"matmul f32 256", DTYPE_FLOAT32, 256, 256, 256, false},
      {"matmul f32 64", DTYPE_FLOAT32, 64, 64, 64, false},
      {"matmul f32 32", DTYPE_FLOAT32, 32, 32, 32, false},
      {"matmul f32 16", DTYPE_FLOAT32, 16, 16, 16, false},
      {"matmul f32 4", DTYPE_FLOAT32, 4, 4, 4, false},
      {"matmul f32 8x4096x4096", DTYPE_FLOAT32, 8, 4096, 4096, false},
      {"matmul bf16 1024", DTYPE_BFLOAT16, 1024, 1024, 1024, false},
      {"matmul bf16 1024 bT", DTYPE_BFLOAT16, 1024, 1024, 1024, true},
      {"matmul bf16 256", DTYPE_BFLOAT16, 256, 256, 256, false},
      {"matmul bf16 16", DTYPE_BFLOAT16, 16, 16, 16, false},
      {"matmul f16 1024", DTYPE_FLOAT16, 1024, 1024, 1024, false},
      {"matmul f16 1024 bT", DTYPE_FLOAT16, 1024, 1024, 1024, true},
      {"matmul f16 256", DTYPE_FLOAT16, 256, 256, 256, false},
      {"matmul f64 512", DTYPE_FLOAT64, 512, 512, 512, false},
      {"matmul c64 512", DTYPE_COMPLEX64, 512, 512, 512, false}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    if (!wanted(cases[i].name)) continue;
    product p;
    product_init(
        &p, cases[i].d, cases[i].m, cases[i].n, cases[i].k, cases[i].swapped);
    const double ops = 2.0 * cases[i].m * cases[i].n * cases[i].k *
                       (cases[i].d == DTYPE_COMPLEX64 ? 4 : 1);
    const bool blas =
        cases[i].d == DTYPE_FLOAT64 || cases[i].d == DTYPE_COMPLEX64;
    bench(
        cases[i].name,
        "GFLOP/s",
        ops,
        product_ours,
        &p,
        blas                          ? "OpenBLAS"
        : cases[i].d == DTYPE_FLOAT16 ? "oneDNN f32"
                                      : "oneDNN",
        ops,
        blas ? product_blas : product_dnnl,
        &p);
    product_free(&p);
  }
}

/* Several matrices in turn, so that none is found in a cache. */
#define TURNS 24
typedef struct turns {
  int next, count;
  product p[TURNS];
} turns;

static void turn_ours(void* ctx) {
  turns* t = ctx;
  product_ours(&t->p[t->next++ % t->count]);
}

static void vectors(void) {
  static const struct {
    const char* name;
    lz_dtype d;
    int m, n, k;
    bool swapped;
  } cases[] = {
      {"matvec f32 x @ B", DTYPE_FLOAT32, 1, 4096, 4096, false},
      {"matvec f32 x @ Bt", DTYPE_FLOAT32, 1, 4096, 4096, true},
      {"matvec f32 A @ x", DTYPE_FLOAT32, 4096, 1, 4096, false},
      {"matvec bf16 x @ B", DTYPE_BFLOAT16, 1, 4096, 4096, false},
      {"matvec bf16 x @ Bt", DTYPE_BFLOAT16, 1, 4096, 4096, true},
      {"matvec f16 x @ B", DTYPE_FLOAT16, 1, 4096, 4096, false},
      {"matvec f16 x @ Bt", DTYPE_FLOAT16, 1, 4096, 4096, true},
      {"matvec f32 4 rows @ Bt", DTYPE_FLOAT32, 4, 4096, 4096, true},
      {"matvec bf16 4 rows @ Bt", DTYPE_BFLOAT16, 4, 4096, 4096, true}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    if (!wanted(cases[i].name)) continue;
    turns* t = calloc(1, sizeof *t);
    t->count = cases[i].d == DTYPE_FLOAT32 ? 5 : 9;
    for (int j = 0; j < t->count; j++)
      product_init(
          &t->p[j],
          cases[i].d,
          cases[i].m,
          cases[i].n,
          cases[i].k,
          cases[i].swapped);
    const double bytes = (double)dtype_size(cases[i].d) * cases[i].k *
                         (cases[i].m > cases[i].n ? cases[i].m : cases[i].n);
    bench(
        cases[i].name,
        "GB/s",
        bytes,
        turn_ours,
        t,
        "read",
        READ_BYTES,
        read_all,
        NULL);
    for (int j = 0; j < t->count; j++) product_free(&t->p[j]);
    free(t);
  }
}

typedef struct quantized {
  quantize_format f;
  bool transpose;
  array x, out, w[TURNS], scales[TURNS], biases[TURNS];
  int next, count;
} quantized;

static void quantized_ours(void* ctx) {
  quantized* q = ctx;
  const int i = q->next++ % q->count;
  qmm_run(
      &q->f,
      q->transpose,
      &q->x.view,
      &q->w[i].view,
      &q->scales[i].view,
      q->f.mode == QUANTIZE_AFFINE ? &q->biases[i].view : NULL,
      &q->out.view,
      NULL,
      NULL);
}

static void quantized_products(void) {
  static const struct {
    const char* name;
    quantize_format f;
    lz_dtype d;
    int m;
    bool transpose;
  } cases[] = {
      {"qmm 4 bit f32 vector",
       {QUANTIZE_AFFINE, 4, 64},
       DTYPE_FLOAT32,
       1,
       true},
      {"qmm 4 bit bf16 vector",
       {QUANTIZE_AFFINE, 4, 64},
       DTYPE_BFLOAT16,
       1,
       true},
      {"qmm 8 bit bf16 vector",
       {QUANTIZE_AFFINE, 8, 64},
       DTYPE_BFLOAT16,
       1,
       true},
      {"qmm 3 bit bf16 vector",
       {QUANTIZE_AFFINE, 3, 64},
       DTYPE_BFLOAT16,
       1,
       true},
      {"qmm 6 bit bf16 vector",
       {QUANTIZE_AFFINE, 6, 64},
       DTYPE_BFLOAT16,
       1,
       true},
      {"qmm mxfp4 bf16 vector",
       {QUANTIZE_MXFP4, 4, 32},
       DTYPE_BFLOAT16,
       1,
       true},
      {"qmm mxfp8 bf16 vector",
       {QUANTIZE_MXFP8, 8, 32},
       DTYPE_BFLOAT16,
       1,
       true},
      {"qmm nvfp4 bf16 vector",
       {QUANTIZE_NVFP4, 4, 16},
       DTYPE_BFLOAT16,
       1,
       true},
      {"qmm 4 bit bf16 x @ w",
       {QUANTIZE_AFFINE, 4, 64},
       DTYPE_BFLOAT16,
       1,
       false},
      {"qmm 4 bit bf16 8 rows",
       {QUANTIZE_AFFINE, 4, 64},
       DTYPE_BFLOAT16,
       8,
       true},
      {"qmm 4 bit bf16 512 rows",
       {QUANTIZE_AFFINE, 4, 64},
       DTYPE_BFLOAT16,
       512,
       true},
      {"qmm 4 bit f32 512 rows",
       {QUANTIZE_AFFINE, 4, 64},
       DTYPE_FLOAT32,
       512,
       true}};
  const int n = 4096;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    if (!wanted(cases[i].name)) continue;
    quantized* q = calloc(1, sizeof *q);
    q->f = cases[i].f;
    q->transpose = cases[i].transpose;
    const bool affine = q->f.mode == QUANTIZE_AFFINE;
    const lz_dtype sd = affine ? cases[i].d : DTYPE_UINT8;
    q->count = q->f.bits == 8 ? 10 : 20;
    array_init(&q->x, cases[i].d, 2, (int32_t[]){cases[i].m, n});
    array_init(&q->out, cases[i].d, 2, (int32_t[]){cases[i].m, n});
    for (int j = 0; j < q->count; j++) {
      array_init(&q->w[j], DTYPE_UINT32, 2, (int32_t[]){n, n * q->f.bits / 32});
      array_init(&q->scales[j], sd, 2, (int32_t[]){n, n / q->f.group_size});
      array_init(&q->biases[j], sd, 2, (int32_t[]){n, n / q->f.group_size});
    }
    const double bytes = (double)n * n * q->f.bits / 8 +
                         (double)n * n / q->f.group_size *
                             (double)dtype_size(sd) * (affine ? 2 : 1);
    if (cases[i].m > 8)
      bench(
          cases[i].name,
          "GFLOP/s",
          2.0 * n * n * cases[i].m,
          quantized_ours,
          q,
          NULL,
          0,
          NULL,
          NULL);
    else
      bench(
          cases[i].name,
          "GB/s",
          bytes,
          quantized_ours,
          q,
          "read",
          READ_BYTES,
          read_all,
          NULL);
    for (int j = 0; j < q->count; j++) {
      free(q->w[j].view.data);
      free(q->scales[j].view.data);
      free(q->biases[j].view.data);
    }
    free(q->x.view.data);
    free(q->out.view.data);
    free(q);
  }
}

typedef struct heads {
  array q, k, v, out;
  attention_args args;
} heads;

static void heads_ours(void* ctx) {
  heads* h = ctx;
  attention_run(&h->q.view, &h->k.view, &h->v.view, &h->out.view, &h->args);
}

static void attentions(void) {
  static const struct {
    const char* name;
    lz_dtype d;
    int b, h, g, lq, lk, e;
    bool causal;
  } cases[] = {
      {"attention f32 2x8x512x64 causal",
       DTYPE_FLOAT32,
       2,
       8,
       8,
       512,
       512,
       64,
       true},
      {"attention f32 2x8x512x64", DTYPE_FLOAT32, 2, 8, 8, 512, 512, 64, false},
      {"attention bf16 2x8x512x64 causal",
       DTYPE_BFLOAT16,
       2,
       8,
       8,
       512,
       512,
       64,
       true},
      {"attention f16 2x8x512x64 causal",
       DTYPE_FLOAT16,
       2,
       8,
       8,
       512,
       512,
       64,
       true},
      {"attention bf16 8x2048x128",
       DTYPE_BFLOAT16,
       1,
       8,
       8,
       2048,
       2048,
       128,
       false},
      {"attention bf16 decode 32/8 heads",
       DTYPE_BFLOAT16,
       1,
       32,
       8,
       1,
       8192,
       128,
       false},
      {"attention bf16 decode 32 heads",
       DTYPE_BFLOAT16,
       1,
       32,
       32,
       1,
       8192,
       128,
       false},
      {"attention f32 decode 8 heads",
       DTYPE_FLOAT32,
       1,
       8,
       8,
       1,
       16384,
       128,
       false}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    if (!wanted(cases[i].name)) continue;
    heads h;
    array_init(
        &h.q,
        cases[i].d,
        4,
        (int32_t[]){cases[i].b, cases[i].h, cases[i].lq, cases[i].e});
    array_init(
        &h.k,
        cases[i].d,
        4,
        (int32_t[]){cases[i].b, cases[i].g, cases[i].lk, cases[i].e});
    array_init(
        &h.v,
        cases[i].d,
        4,
        (int32_t[]){cases[i].b, cases[i].g, cases[i].lk, cases[i].e});
    array_init(
        &h.out,
        cases[i].d,
        4,
        (int32_t[]){cases[i].b, cases[i].h, cases[i].lq, cases[i].e});
    h.args = (attention_args){.scale = 0.125f, .causal = cases[i].causal};
    double pairs = (double)cases[i].lq * cases[i].lk;
    if (cases[i].causal) pairs = pairs / 2 + cases[i].lq / 2.0;
    const double ops = 4.0 * cases[i].b * cases[i].h * pairs * cases[i].e;
    const double bytes = 2.0 * cases[i].b * cases[i].g * cases[i].lk *
                         cases[i].e * (double)dtype_size(cases[i].d);
    if (cases[i].lq > 1)
      bench(cases[i].name, "GFLOP/s", ops, heads_ours, &h, NULL, 0, NULL, NULL);
    else
      bench(
          cases[i].name,
          "GB/s",
          bytes,
          heads_ours,
          &h,
          "read",
          READ_BYTES,
          read_all,
          NULL);
    free(h.q.view.data);
    free(h.k.view.data);
    free(h.v.view.data);
    free(h.out.view.data);
  }
}

typedef struct layer {
  array in, w, out;
  conv_params p;
} layer;

static void layer_ours(void* ctx) {
  layer* l = ctx;
  conv_run(&l->in.view, &l->w.view, &l->out.view, &l->p);
}

static void layers(void) {
  static const struct {
    const char* name;
    lz_dtype d;
    int n, size, c, o, k, stride, groups;
  } cases[] = {
      {"conv f32 8x56x56x64 3x3", DTYPE_FLOAT32, 8, 56, 64, 64, 3, 1, 1},
      {"conv f32 1x56x56x64 3x3", DTYPE_FLOAT32, 1, 56, 64, 64, 3, 1, 1},
      {"conv f32 1x14x14x256 3x3", DTYPE_FLOAT32, 1, 14, 256, 256, 3, 1, 1},
      {"conv f32 4x224x224x3 7x7/2", DTYPE_FLOAT32, 4, 224, 3, 64, 7, 2, 1},
      {"conv f32 8x28x28x128 1x1", DTYPE_FLOAT32, 8, 28, 128, 256, 1, 1, 1},
      {"conv f32 8x28x28x256 depthwise",
       DTYPE_FLOAT32,
       8,
       28,
       256,
       256,
       3,
       1,
       256},
      {"conv bf16 8x56x56x64 3x3", DTYPE_BFLOAT16, 8, 56, 64, 64, 3, 1, 1},
      {"conv f16 8x56x56x64 3x3", DTYPE_FLOAT16, 8, 56, 64, 64, 3, 1, 1}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    if (!wanted(cases[i].name)) continue;
    layer l = {.p = {.groups = cases[i].groups}};
    for (int a = 0; a < 3; a++) {
      l.p.stride[a] = cases[i].stride;
      l.p.padding[a] = cases[i].k / 2;
      l.p.kernel_dilation[a] = l.p.input_dilation[a] = 1;
    }
    const int s = cases[i].size, k = cases[i].k;
    const int o = (s + 2 * (k / 2) - k) / cases[i].stride + 1;
    const int c = cases[i].c / cases[i].groups;
    array_init(&l.in, cases[i].d, 4, (int32_t[]){cases[i].n, s, s, cases[i].c});
    array_init(&l.w, cases[i].d, 4, (int32_t[]){cases[i].o, k, k, c});
    array_init(
        &l.out, cases[i].d, 4, (int32_t[]){cases[i].n, o, o, cases[i].o});
    const double ops = 2.0 * cases[i].n * o * o * cases[i].o * k * k * c;
    bench(cases[i].name, "GFLOP/s", ops, layer_ours, &l, NULL, 0, NULL, NULL);
    free(l.in.view.data);
    free(l.w.view.data);
    free(l.out.view.data);
  }
}

int main(int argc, char** argv) {
  /* Threads of OpenMP must not spin through our turns. */
  if (!getenv("OMP_WAIT_POLICY")) {
    setenv("OMP_WAIT_POLICY", "passive", 1);
    execv("/proc/self/exe", argv);
  }
  if (getenv("BENCH_CPU")) bench_clock = CLOCK_PROCESS_CPUTIME_ID;
  if (argc > 1) rounds = atoi(argv[1]);
  if (rounds < 1 || rounds > 101) rounds = 15;
  if (argc > 2) only = argv[2];
  dnnl_engine_create(&engine, dnnl_cpu, 0);
  read_data = filled(READ_BYTES, 0x3c);
  products();
  vectors();
  quantized_products();
  attentions();
  layers();
  return 0;
}
